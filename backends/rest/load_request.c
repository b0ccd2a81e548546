/* Requests, pages and batches of a pack. */
#include <ctype.h>

#include "backends/rest/load.h"
#include "base/text.h"

int pb_load_page(const struct pb_page **out, struct pb_load *l, const struct pb_value *v)
{
    struct pb_page *p = pb_arena_zalloc(l->a, sizeof(*p));
    if (pb_load_check(l, v, &pb_keys_page) == -1)
        return -1;
    const struct pb_value *next = pb_get(v, "next");
    struct pb_token *tokens = pb_arena_zalloc(l->a, (pb_len(next) + 1) * sizeof(*tokens));
    for (size_t i = 0; i < pb_len(next); i++) {
        const struct pb_member *m = &next->members[i];
        size_t mark = pb_load_enter(l, "next");
        if (!pb_is(&m->value, PB_STRING))
            return pb_load_fail(l, &m->value, "'%s' needs a path within the reply", m->key);
        if (pb_load_place(&tokens[i].place, l, &m->value, m->key) == -1 ||
            pb_load_path(&tokens[i].from, l, &m->value) == -1)
            return -1;
        pb_load_leave(l, mark);
    }
    p->next = tokens;
    p->nnext = pb_len(next);
    const char *number = pb_get_str(v, "number");
    if (pb_load_path(&p->more, l, pb_get(v, "more")) == -1 ||
        pb_load_path(&p->next_url, l, pb_get(v, "next_url")) == -1 ||
        (number && pb_load_place(&p->number, l, pb_get(v, "number"), number) == -1))
        return -1;
    if ((p->nnext > 0) + (p->next_url.text != NULL) + (number != NULL) != 1)
        return pb_load_fail(l, v, "a page needs exactly one of 'next', 'next_url' and 'number'");
    *out = p;
    return 0;
}

static int load_node(struct pb_node *out, struct pb_load *l, const struct pb_value *v,
                     const char *key)
{
    *out = (struct pb_node){.key = key, .kind = v->kind};
    if (v->kind == PB_STRING)
        return pb_load_template(&out->expr, l, v);
    if (v->kind != PB_MAP && v->kind != PB_LIST) {
        out->kind = PB_NULL;
        out->constant = *v;
        out->constant.line = 0;
        return 0;
    }
    struct pb_node *kids = pb_arena_zalloc(l->a, (v->n + 1) * sizeof(*kids));
    for (size_t i = 0; i < v->n; i++) {
        bool map = v->kind == PB_MAP;
        if (load_node(&kids[i], l, map ? &v->members[i].value : &v->items[i],
                      map ? v->members[i].key : NULL) == -1)
            return -1;
    }
    out->kids = kids;
    out->nkids = v->n;
    return 0;
}

static int load_batch(struct pb_request *r, struct pb_load *l, const struct pb_value *v)
{
    int64_t max = 0;
    if (!v)
        return 0;
    size_t mark = pb_load_enter(l, "batch");
    if (pb_load_check(l, v, &pb_keys_batch) == -1)
        return -1;
    if (pb_get_int(&max, v, "max") == -1 || max < 1 || max > 10000)
        return pb_load_fail(l, pb_get(v, "max"), "'max' must be from 1 to 10000");
    r->batch_max = (long)max;
    if (pb_load_expr(&r->batch_key, l, pb_get(v, "key")) == -1 ||
        pb_load_place(&r->batch_into, l, v, pb_get_str(v, "into")) == -1)
        return -1;
    pb_load_leave(l, mark);
    return 0;
}

static int load_match(const struct pb_match **out, size_t *n, struct pb_load *l,
                      const struct pb_value *map, const char *key)
{
    static const struct pb_names item = {.item = true};
    const struct pb_value *v = pb_get(map, key);
    struct pb_match *m = pb_arena_zalloc(l->a, (pb_len(v) + 1) * sizeof(*m));
    size_t mark = pb_load_enter(l, key);
    for (size_t i = 0; i < pb_len(v); i++) {
        const struct pb_member *e = &v->members[i];
        if (pb_expr_parse(&m[i].item, l->a, e->key, &item, l->err) == -1)
            return pb_load_wrap(l, &e->value);
        if (pb_load_template(&m[i].want, l, &e->value) == -1)
            return -1;
    }
    pb_load_leave(l, mark);
    *out = m;
    *n = pb_len(v);
    return 0;
}

static int check_shape(const struct pb_request *r, struct pb_load *l, const struct pb_value *map)
{
    enum pb_protocol_id proto = r->service->protocol;
    bool query = proto == PB_PROTO_QUERY || proto == PB_PROTO_EC2_QUERY;
    bool target = proto == PB_PROTO_JSON_10 || proto == PB_PROTO_JSON_11;
    const char *name = pb_protocol_names[proto];
    if ((query || target) && !r->action)
        return pb_load_fail(l, map, "protocol %s needs 'action'; add it", name);
    if (!query && !target && r->action)
        return pb_load_fail(l, map, "protocol %s has no 'action'; give 'path'", name);
    if (!query && !target && !r->path)
        return pb_load_fail(l, map, "protocol %s needs 'path'; add it", name);
    if ((query && (r->body || r->path)) || (target && (r->path || r->nquery)) ||
        (!query && r->nform))
        return pb_load_fail(l, map, "protocol %s takes %s", name,
                            query ? "'form', and neither 'body' nor 'path'"
                                  : (target ? "'body' alone" : "'path', 'query' and 'body'"));
    if (r->items.text && r->item.text)
        return pb_load_fail(l, map, "'item' and 'items' exclude each other; remove one");
    if (r->nmatch && !r->items.text)
        return pb_load_fail(l, map, "'match' needs 'items', the list to look in");
    if (r->items.text && !r->nmatch && !r->take_all)
        return pb_load_fail(l, map, "'items' needs 'match', or 'take: all'");
    if (r->batch_key && !r->nmatch)
        return pb_load_fail(l, map, "'batch' needs 'items' and 'match' to tell objects apart");
    if (r->nthen_match && (!r->then.text || !r->nmatch || r->take_all))
        return pb_load_fail(l, map, "'then_match' needs 'match' and 'then', and not 'take: all'");
    if (r->take_all && !r->items.text)
        return pb_load_fail(l, map, "'take: all' needs 'items'");
    return 0;
}

static int load_words(struct pb_request *r, struct pb_load *l, const struct pb_value *map)
{
    const char *take = pb_get_str(map, "take"), *reply = pb_get_str(map, "reply");
    const char *method = pb_get_str(map, "method");
    if (take && strcmp(take, "all") != 0 && strcmp(take, "one") != 0)
        return pb_load_fail(l, pb_get(map, "take"), "'take' is 'one' or 'all'");
    if (reply && strcmp(reply, "text") != 0 && strcmp(reply, "json-text") != 0)
        return pb_load_fail(l, pb_get(map, "reply"), "'reply' is 'text' or 'json-text'");
    if (method && strcmp(method, "GET") != 0 && strcmp(method, "POST") != 0)
        return pb_load_fail(l, pb_get(map, "method"), "'method' is GET or POST: plumb only reads");
    r->take_all = take && strcmp(take, "all") == 0;
    if (reply)
        r->reply = strcmp(reply, "text") == 0 ? PB_REPLY_AS_TEXT : PB_REPLY_AS_JSON_TEXT;
    r->method = method;
    r->lenient = pb_get_bool(map, "lenient", false);
    int64_t n = 2;
    if (pb_get(map, "at_least") && (pb_get_int(&n, map, "at_least") == -1 || n < 1))
        return pb_load_fail(l, pb_get(map, "at_least"), "'at_least' must be 1 or more");
    r->at_least = (long)n;
    r->sensitive = l->sensitive;
    return pb_load_strings(&r->roots, l, pb_get(map, "root")) == -1
               ? -1
               : pb_load_strings(&r->keep_headers, l, pb_get(map, "keep_headers"));
}

static int load_has(struct pb_request *r, struct pb_load *l, const struct pb_value *v)
{
    struct pb_path *paths = pb_arena_zalloc(l->a, (pb_len(v) + 1) * sizeof(*paths));
    size_t mark = pb_load_enter(l, "has");
    for (size_t i = 0; i < pb_len(v); i++) {
        if (!pb_is(&v->items[i], PB_STRING))
            return pb_load_fail(l, &v->items[i], "a path within the reply is needed");
        if (pb_load_path(&paths[i], l, &v->items[i]) == -1)
            return -1;
    }
    pb_load_leave(l, mark);
    r->has = paths;
    r->nhas = pb_len(v);
    return 0;
}

static int load_paging(struct pb_request *r, struct pb_load *l, const struct pb_value *v)
{
    if (!v) {
        r->page = r->items.text ? r->service->page : NULL;
        return 0;
    }
    size_t mark = pb_load_enter(l, "page");
    if (pb_is(v, PB_STRING)) {
        if (strcmp(v->s, "none") != 0)
            return pb_load_fail(l, v, "'page' is a map or 'none'");
    } else if (pb_load_page(&r->page, l, v) == -1) {
        return -1;
    }
    pb_load_leave(l, mark);
    if (r->page && !r->items.text)
        return pb_load_fail(l, v, "'page' needs 'items'");
    return 0;
}

static int load_optional(const struct pb_expr **out, struct pb_load *l, const struct pb_value *map,
                         const char *key)
{
    const struct pb_value *v = pb_get(map, key);
    if (!v)
        return 0;
    size_t mark = pb_load_enter(l, key);
    if (pb_load_template(out, l, v) == -1)
        return -1;
    pb_load_leave(l, mark);
    return 0;
}

int pb_load_request(const struct pb_request **out, struct pb_load *l, const struct pb_value *map,
                    const struct pb_service *service)
{
    struct pb_request *r = pb_arena_zalloc(l->a, sizeof(*r));
    const struct pb_value *body = pb_get(map, "body");
    r->service = service;
    if (load_words(r, l, map) == -1 || load_optional(&r->action, l, map, "action") == -1 ||
        load_optional(&r->path, l, map, "path") == -1 ||
        pb_load_params(&r->query, &r->nquery, l, pb_get(map, "query")) == -1 ||
        pb_load_params(&r->headers, &r->nheaders, l, pb_get(map, "headers")) == -1 ||
        pb_load_params(&r->form, &r->nform, l, pb_get(map, "form")) == -1 ||
        pb_load_path(&r->item, l, pb_get(map, "item")) == -1 ||
        pb_load_path(&r->items, l, pb_get(map, "items")) == -1 ||
        pb_load_path(&r->then, l, pb_get(map, "then")) == -1 ||
        load_has(r, l, pb_get(map, "has")) == -1 ||
        load_match(&r->match, &r->nmatch, l, map, "match") == -1 ||
        load_match(&r->then_match, &r->nthen_match, l, map, "then_match") == -1 ||
        load_batch(r, l, pb_get(map, "batch")) == -1 ||
        load_paging(r, l, pb_get(map, "page")) == -1)
        return -1;
    if (body) {
        struct pb_node *node = pb_arena_zalloc(l->a, sizeof(*node));
        size_t mark = pb_load_enter(l, "body");
        if (load_node(node, l, body, NULL) == -1)
            return -1;
        pb_load_leave(l, mark);
        r->body = node;
    }
    if (check_shape(r, l, map) == -1)
        return -1;
    *out = r;
    return 0;
}

const struct pb_service *pb_load_service(struct pb_load *l, const struct pb_value *name)
{
    const char *names[256];
    size_t n = 0;
    const struct pb_pack_provider *p = l->provider;
    for (size_t i = 0; i < p->nservices; i++) {
        if (pb_streq(p->services[i].name, pb_str(name)))
            return &p->services[i];
        if (n < PB_COUNT(names))
            names[n++] = p->services[i].name;
    }
    const char *near = pb_str(name) ? pb_text_nearest(name->s, names, n) : NULL;
    pb_load_fail(l, name, "'%s' is no service of %s%s%s%s", pb_str(name) ? name->s : "?", p->file,
                 near ? "; did you mean '" : "; add it there", near ? near : "", near ? "'?" : "");
    return NULL;
}
