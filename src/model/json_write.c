#include <string.h>

#include "model/json.h"
#include "model/number.h"

struct style {
    bool redact, canonical, pretty;
};

void pb_json_add_string(struct pb_buf *b, const char *s, size_t n)
{
    static const char letters[32] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    size_t from = 0;

    pb_buf_addc(b, '"');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        pb_buf_add(b, s + from, i - from);
        from = i + 1;
        if (c >= 0x20 || letters[c]) {
            const char two[2] = {'\\', c >= 0x20 ? (char)c : letters[c]};
            pb_buf_add(b, two, sizeof(two));
        } else
            pb_buf_addf(b, "\\u%04x", c);
    }
    pb_buf_add(b, s + from, n - from);
    pb_buf_addc(b, '"');
}

static void newline(struct pb_buf *b, const struct style *st, int depth)
{
    if (!st->pretty)
        return;
    pb_buf_addc(b, '\n');
    while (depth-- > 0)
        pb_buf_adds(b, "  ");
}

static void add(struct pb_buf *b, const struct pb_value *v, const struct style *st, int depth);

/* A map of the world's that looks like one of ours ({"$sealed": ...}) is wrapped. */
static bool looks_special(const struct pb_value *v)
{
    const char *key = v->n == 1 ? v->members[0].key : "";

    return strcmp(key, "$unknown") == 0 || strcmp(key, "$sealed") == 0 ||
           strcmp(key, "$literal") == 0;
}

static void add_map(struct pb_buf *b, const struct pb_value *v, const struct style *st, int depth)
{
    bool wrap = looks_special(v);

    if (wrap)
        pb_buf_adds(b, "{\"$literal\":");
    pb_buf_addc(b, '{');
    for (size_t i = 0; i < v->n; i++) {
        if (i)
            pb_buf_addc(b, ',');
        newline(b, st, depth + 1);
        pb_json_add_string(b, v->members[i].key, strlen(v->members[i].key));
        pb_buf_adds(b, st->pretty ? ": " : ":");
        add(b, &v->members[i].value, st, depth + 1);
    }
    if (v->n)
        newline(b, st, depth);
    pb_buf_addc(b, '}');
    if (wrap)
        pb_buf_addc(b, '}');
}

static void add_list(struct pb_buf *b, const struct pb_value *v, const struct style *st, int depth)
{
    pb_buf_addc(b, '[');
    for (size_t i = 0; i < v->n; i++) {
        if (i)
            pb_buf_addc(b, ',');
        newline(b, st, depth + 1);
        add(b, &v->items[i], st, depth + 1);
    }
    if (v->n)
        newline(b, st, depth);
    pb_buf_addc(b, ']');
}

static void add_special(struct pb_buf *b, const char *key, const struct pb_value *v,
                        const struct style *st)
{
    pb_buf_addf(b, st->pretty ? "{\"%s\": " : "{\"%s\":", key);
    if (v->s)
        pb_json_add_string(b, v->s, v->n);
    else
        pb_buf_adds(b, "null");
    pb_buf_addc(b, '}');
}

static void add(struct pb_buf *b, const struct pb_value *v, const struct style *st, int depth)
{
    if (!v) {
        pb_buf_adds(b, "null");
        return;
    }
    if (st->redact && (v->flags & PB_V_SENSITIVE) && v->kind != PB_NULL) {
        pb_buf_adds(b, "\"(sensitive)\"");
        return;
    }
    switch ((enum pb_kind)v->kind) {
    case PB_NULL: pb_buf_adds(b, "null"); break;
    case PB_BOOL: pb_buf_adds(b, v->b ? "true" : "false"); break;
    case PB_NUMBER:
        if (st->canonical)
            pb_number_add_canonical(b, v->s);
        else
            pb_buf_add(b, v->s, v->n);
        break;
    case PB_STRING: pb_json_add_string(b, v->s, v->n); break;
    case PB_LIST: add_list(b, v, st, depth); break;
    case PB_MAP: add_map(b, v, st, depth); break;
    case PB_UNKNOWN: add_special(b, "$unknown", v, st); break;
    case PB_SEALED: add_special(b, "$sealed", v, st); break;
    }
}

void pb_json_add(struct pb_buf *b, const struct pb_value *v)
{
    add(b, v, &(struct style){false, false, false}, 0);
}

void pb_json_add_redacted(struct pb_buf *b, const struct pb_value *v)
{
    add(b, v, &(struct style){.redact = true}, 0);
}

void pb_json_add_pretty(struct pb_buf *b, const struct pb_value *v)
{
    add(b, v, &(struct style){.pretty = true}, 0);
}

void pb_json_add_canonical(struct pb_buf *b, const struct pb_value *v)
{
    add(b, v, &(struct style){.canonical = true}, 0);
}

static struct pb_value unwrap(struct pb_arena *a, const struct pb_value *v);

static struct pb_value unwrap_members(struct pb_arena *a, const struct pb_value *v)
{
    struct pb_value out = *v;
    struct pb_member *members = pb_arena_alloc(a, v->n * sizeof(*members));

    for (size_t i = 0; i < v->n; i++) {
        members[i].key = v->members[i].key;
        members[i].value = unwrap(a, &v->members[i].value);
    }
    out.members = members;
    return out;
}

static struct pb_value unwrap_map(struct pb_arena *a, const struct pb_value *v)
{
    const char *key = v->n == 1 ? v->members[0].key : "";
    const struct pb_value *in = v->n == 1 ? &v->members[0].value : NULL;

    if (strcmp(key, "$unknown") == 0 && in->kind == PB_NULL)
        return pb_unknown;
    if (strcmp(key, "$unknown") == 0 && in->kind == PB_STRING)
        return pb_mk_unknown(a, in->s);
    if (strcmp(key, "$sealed") == 0 && in->kind == PB_STRING) {
        struct pb_value sealed = *in;
        sealed.kind = PB_SEALED;
        sealed.flags |= PB_V_SENSITIVE;
        return sealed;
    }
    if (strcmp(key, "$literal") == 0 && in->kind == PB_MAP && in->n)
        return unwrap_members(a, in);
    return v->n ? unwrap_members(a, v) : *v;
}

static struct pb_value unwrap(struct pb_arena *a, const struct pb_value *v)
{
    if (v->kind == PB_MAP)
        return unwrap_map(a, v);
    if (v->kind == PB_LIST && v->n) {
        struct pb_value out = *v;
        struct pb_value *items = pb_arena_alloc(a, v->n * sizeof(*items));
        for (size_t i = 0; i < v->n; i++)
            items[i] = unwrap(a, &v->items[i]);
        out.items = items;
        return out;
    }
    return *v;
}

const struct pb_value *pb_json_unwrap(struct pb_arena *a, const struct pb_value *v)
{
    return pb_box(a, unwrap(a, v));
}
