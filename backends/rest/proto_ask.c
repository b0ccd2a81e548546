/* From a pack's request to bytes. */
#include <ctype.h>

#include "backends/rest/proto.h"
#include "base/text.h"
#include "model/json.h"

static void add_encoded(struct pb_buf *out, const char *s, size_t n, bool keep_slashes)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (isalnum(c) || strchr("-._~", c) || (keep_slashes && c == '/'))
            pb_buf_addc(out, (char)c);
        else
            pb_buf_addf(out, "%%%02X", c);
    }
}

static void push(struct pb_pairs *p, struct pb_arena *a, const char *name, const char *value)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 8;
        struct pb_pair *v = pb_arena_alloc(a, cap * sizeof(*v));
        if (p->n)
            memcpy(v, p->v, p->n * sizeof(*v));
        p->v = v;
        p->cap = cap;
    }
    p->v[p->n++] = (struct pb_pair){name, value};
}

/* A parameter that is null is left out; one that could not be seen stops the request. */
static const char *render_params(struct pb_pairs *out, const struct pb_param *params, size_t n,
                                 struct pb_eval *ev)
{
    *out = (struct pb_pairs){0};
    for (size_t i = 0; i < n; i++) {
        struct pb_value v = pb_expr_eval(params[i].value, ev);
        if (v.kind == PB_NULL)
            continue;
        const char *text = pb_scalar_text(ev->a, &v);
        if (!text)
            return v.kind == PB_UNKNOWN && v.s
                       ? v.s
                       : pb_arena_printf(ev->a, "'%s' is no text", params[i].value->text);
        push(out, ev->a, params[i].name, text);
    }
    return NULL;
}

static const char *render_node(struct pb_value *out, const struct pb_node *node, struct pb_eval *ev)
{
    const char *why = NULL;
    if (node->kind == PB_STRING) {
        *out = pb_expr_eval(node->expr, ev);
        return out->kind == PB_UNKNOWN ? (out->s ? out->s : "something needed is not known") : NULL;
    }
    if (node->kind == PB_NULL) {
        *out = node->constant;
        return NULL;
    }
    struct pb_list_builder l = PB_BUILDER_INIT;
    struct pb_map_builder m = PB_BUILDER_INIT;
    for (size_t i = 0; i < node->nkids && !why; i++) {
        struct pb_value v = pb_null;
        why = render_node(&v, &node->kids[i], ev);
        if (node->kind == PB_LIST)
            pb_list_add(&l, v);
        else if (v.kind != PB_NULL || node->kids[i].kind == PB_NULL)
            pb_map_add(&m, node->kids[i].key, v);
    }
    *out = node->kind == PB_LIST ? pb_list_done(&l, ev->a) : pb_map_done(&m, ev->a);
    if (node->kind == PB_LIST)
        pb_map_builder_release(&m);
    else
        pb_list_builder_release(&l);
    return why;
}

static bool has_dot_segment(const char *path)
{
    for (const char *p = path; *p; p++) {
        const char *end = strpbrk(p + 1, "/");
        size_t n = end ? (size_t)(end - p - 1) : strlen(p + 1);
        if (*p == '/' && ((n == 1 && p[1] == '.') || (n == 2 && p[1] == '.' && p[2] == '.')))
            return true;
    }
    return false;
}

static const char *render_path(struct pb_ask *ask, const struct pb_expr *path, struct pb_eval *ev)
{
    if (!path)
        return NULL;
    ev->encode = add_encoded;
    struct pb_value v = pb_expr_eval(path, ev);
    ev->encode = NULL;
    if (v.kind != PB_STRING)
        return v.kind == PB_UNKNOWN && v.s
                   ? v.s
                   : pb_arena_printf(ev->a, "a part of the path '%s' is null", path->text);
    if (v.s[0] != '/' || has_dot_segment(v.s) || strstr(v.s, "//"))
        return pb_arena_printf(ev->a, "'%s' is no path that can be asked for", v.s);
    ask->path = v.s;
    return NULL;
}

static const char *label_of(const struct pb_ask *ask, struct pb_arena *a)
{
    const struct pb_request *rq = ask->rq;
    if (ask->action)
        return pb_arena_printf(a, "%s %s", rq->service->name, ask->action);
    const char *sub =
        rq->nquery == 1 && pb_streq(rq->query[0].value->text, "") ? rq->query[0].name : NULL;
    return pb_arena_printf(a, "%s %s %s%s%s", rq->service->name, rq->method ? rq->method : "GET",
                           ask->path ? ask->path : "/", sub ? "?" : "", sub ? sub : "");
}

const char *pb_ask_render(struct pb_ask *out, const struct pb_request *rq, struct pb_eval *ev)
{
    const char *why = NULL;
    *out = (struct pb_ask){.rq = rq};
    if (rq->action) {
        struct pb_value v = pb_expr_eval(rq->action, ev);
        if (v.kind != PB_STRING)
            return "the action is not known";
        out->action = v.s;
    }
    if ((why = render_path(out, rq->path, ev)) ||
        (why = render_params(&out->query, rq->query, rq->nquery, ev)) ||
        (why = render_params(&out->form, rq->form, rq->nform, ev)) ||
        (why = render_params(&out->headers, rq->headers, rq->nheaders, ev)) ||
        (rq->body && (why = render_node(&out->body, rq->body, ev))))
        return why;
    out->label = label_of(out, ev->a);
    return NULL;
}

static struct pb_pairs copy_pairs(struct pb_arena *a, const struct pb_pairs *p)
{
    struct pb_pairs out = {0};
    for (size_t i = 0; i < p->n; i++)
        push(&out, a, p->v[i].name, p->v[i].value);
    return out;
}

struct pb_ask pb_ask_copy(struct pb_arena *a, const struct pb_ask *ask)
{
    struct pb_ask out = *ask;
    out.query = copy_pairs(a, &ask->query);
    out.form = copy_pairs(a, &ask->form);
    return out;
}

/* Sets body.a.b to v, with what is on the way made anew. */
static struct pb_value set_in(struct pb_arena *a, const struct pb_value *map, const char *path,
                              struct pb_value v)
{
    const char *dot = strchr(path, '.');
    size_t n = dot ? (size_t)(dot - path) : strlen(path);
    const char *key = pb_arena_intern(a, path, n);
    struct pb_map_builder m = PB_BUILDER_INIT;
    for (size_t i = 0; pb_is(map, PB_MAP) && i < map->n; i++)
        pb_map_add(&m, map->members[i].key, map->members[i].value);
    pb_map_add(&m, key, dot ? set_in(a, pb_get(map, key), dot + 1, v) : v);
    return pb_map_done(&m, a);
}

static void put_pairs(struct pb_pairs *p, struct pb_arena *a, const char *name,
                      const char *const *values, size_t n, bool numbered)
{
    if (!numbered) /* a page token takes the place of the one before */
        for (size_t i = 0; i < p->n; i++)
            if (strcmp(p->v[i].name, name) == 0) {
                p->v[i].value = values[0];
                return;
            }
    for (size_t i = 0; i < n; i++)
        push(p, a, numbered ? pb_arena_printf(a, "%s.%zu", name, i + 1) : name, values[i]);
}

void pb_ask_put(struct pb_ask *ask, struct pb_arena *a, const struct pb_place *place,
                const char *const *values, size_t n, bool numbered)
{
    switch (place->kind) {
    case PB_PLACE_FORM: put_pairs(&ask->form, a, place->name, values, n, numbered); break;
    case PB_PLACE_QUERY:
        if (numbered)
            for (size_t i = 0; i < n; i++)
                push(&ask->query, a, place->name, values[i]);
        else
            put_pairs(&ask->query, a, place->name, values, n, false);
        break;
    case PB_PLACE_BODY: {
        struct pb_value v = pb_mk_string(a, values[0]);
        if (numbered) {
            struct pb_list_builder l = PB_BUILDER_INIT;
            for (size_t i = 0; i < n; i++)
                pb_list_add(&l, pb_mk_string(a, values[i]));
            v = pb_list_done(&l, a);
        }
        ask->body = set_in(a, &ask->body, place->name, v);
        break;
    }
    case PB_PLACE_NONE: break;
    }
}

static void add_pairs(struct pb_buf *b, const struct pb_pairs *p, const char *sep)
{
    for (size_t i = 0; i < p->n; i++) {
        pb_buf_adds(b, sep);
        add_encoded(b, p->v[i].name, strlen(p->v[i].name), false);
        pb_buf_addc(b, '=');
        add_encoded(b, p->v[i].value, strlen(p->v[i].value), false);
        sep = "&";
    }
}

static void add_header(struct pb_wire *w, struct pb_arena *a, size_t *n, const char *name,
                       const char *value)
{
    if (!strpbrk(value, "\r\n"))
        w->headers[(*n)++] = pb_arena_printf(a, "%s: %s", name, value);
}

static void wire_headers(struct pb_wire *w, struct pb_arena *a, const struct pb_ask *ask)
{
    const struct pb_service *s = ask->rq->service;
    size_t n = 0;
    w->headers = pb_arena_zalloc(a, (ask->headers.n + s->nheaders + 4) * sizeof(char *));
    switch (s->protocol) {
    case PB_PROTO_QUERY:
    case PB_PROTO_EC2_QUERY:
        add_header(w, a, &n, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
        break;
    case PB_PROTO_JSON_10:
    case PB_PROTO_JSON_11:
        add_header(w, a, &n, "Content-Type",
                   s->protocol == PB_PROTO_JSON_10 ? "application/x-amz-json-1.0"
                                                   : "application/x-amz-json-1.1");
        add_header(w, a, &n, "X-Amz-Target", pb_arena_printf(a, "%s.%s", s->target, ask->action));
        break;
    default:
        if (w->body)
            add_header(w, a, &n, "Content-Type", "application/json");
        break;
    }
    for (size_t i = 0; i < s->nheaders; i++)
        if (s->headers[i].value->kind == PB_EXPR_LITERAL)
            add_header(w, a, &n, s->headers[i].name, pb_str(&s->headers[i].value->literal));
    for (size_t i = 0; i < ask->headers.n; i++)
        add_header(w, a, &n, ask->headers.v[i].name, ask->headers.v[i].value);
}

void pb_ask_wire(struct pb_wire *out, struct pb_arena *a, const struct pb_ask *ask,
                 const char *endpoint)
{
    const struct pb_service *s = ask->rq->service;
    bool query = s->protocol == PB_PROTO_QUERY || s->protocol == PB_PROTO_EC2_QUERY;
    bool target = s->protocol == PB_PROTO_JSON_10 || s->protocol == PB_PROTO_JSON_11;
    PB_AUTO(buf) struct pb_buf url = PB_BUF_INIT;
    PB_AUTO(buf) struct pb_buf body = PB_BUF_INIT;
    *out = (struct pb_wire){0};
    if (ask->url) {
        pb_buf_adds(&url, ask->url);
    } else {
        pb_buf_addf(&url, "%s%s", endpoint, ask->path ? ask->path : "/");
        add_pairs(&url, &ask->query, strchr(url.s, '?') ? "&" : "?");
    }
    if (query) {
        pb_buf_addf(&body, "Action=%s&Version=%s", ask->action, s->version);
        add_pairs(&body, &ask->form, "&");
    } else if (ask->body.kind != PB_NULL) {
        pb_json_add(&body, &ask->body);
    } else if (target) {
        pb_buf_adds(&body, "{}");
    }
    out->method = query || target ? "POST" : (ask->rq->method ? ask->rq->method : "GET");
    out->url = pb_arena_strdup(a, url.s);
    if (body.len) {
        out->body = pb_arena_strndup(a, body.s, body.len);
        out->body_len = body.len;
    }
    wire_headers(out, a, ask);
}
