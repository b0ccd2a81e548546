/* The JSON syntax of configuration, brought into the same shape as the native one. */
#include <string.h>

#include "backends/terraform/hcl_expr.h"
#include "model/json.h"

/* Which members of which blocks are blocks themselves, and how many labels they have; all
 * others are attributes, since JSON does not say. */
struct kind {
    const char *parent, *type;
    size_t labels;
};
static const struct kind kinds[] = {
    {"", "terraform", 0},
    {"", "provider", 1},
    {"", "resource", 2},
    {"", "data", 2},
    {"", "module", 1},
    {"", "variable", 1},
    {"", "output", 1},
    {"", "locals", 0},
    {"", "moved", 0},
    {"", "import", 0},
    {"", "removed", 0},
    {"", "action", 2},
    {"", "ephemeral", 2},
    {"", "check", 1},
    {"terraform", "backend", 1},
    {"terraform", "cloud", 0},
    {"terraform", "required_providers", 0},
    {"terraform", "encryption", 0},
    {"resource", "lifecycle", 0},
    {"resource", "dynamic", 1},
    {"resource", "provisioner", 1},
    {"resource", "connection", 0},
    {"dynamic", "content", 0},
    {"content", "dynamic", 1},
    {"cloud", "workspaces", 0},
};

static const struct kind *kind_of(const char *parent, const char *type)
{
    for (size_t i = 0; i < PB_COUNT(kinds); i++)
        if (strcmp(kinds[i].parent, parent) == 0 && strcmp(kinds[i].type, type) == 0)
            return &kinds[i];
    return NULL;
}

static struct pb_hcl_expr expr_from(struct pb_hcl_source *src, const struct pb_value *v);

static struct pb_hcl_expr list_from(struct pb_hcl_source *src, const struct pb_value *v)
{
    struct pb_hcl_expr e = {.kind = PB_HCL_LIST, .text = "[...]", .file = src->file, .line = 1};
    struct pb_hcl_expr *items = pb_arena_alloc(src->arena, v->n * sizeof(*items) + 1);

    for (size_t i = 0; i < v->n; i++)
        items[i] = expr_from(src, &v->items[i]);
    e.items = items;
    e.n = v->n;
    return e;
}

static struct pb_hcl_expr map_from(struct pb_hcl_source *src, const struct pb_value *v)
{
    struct pb_hcl_expr e = {.kind = PB_HCL_MAP, .text = "{...}", .file = src->file, .line = 1};
    struct pb_hcl_expr *items = pb_arena_alloc(src->arena, v->n * sizeof(*items) + 1);
    struct pb_hcl_expr *keys = pb_arena_alloc(src->arena, v->n * sizeof(*keys) + 1);

    for (size_t i = 0; i < v->n; i++) {
        const char *key = v->members[i].key;
        keys[i] = pb_hcl_template(src, key, strlen(key), 1, false);
        items[i] = expr_from(src, &v->members[i].value);
    }
    e.keys = keys;
    e.items = items;
    e.n = v->n;
    return e;
}

static struct pb_hcl_expr expr_from(struct pb_hcl_source *src, const struct pb_value *v)
{
    struct pb_hcl_expr e = {.kind = PB_HCL_LITERAL, .file = src->file, .line = 1, .value = *v};

    if (v->kind == PB_STRING)
        return pb_hcl_template(src, v->s, v->n, 1, false);
    if (v->kind == PB_LIST)
        return list_from(src, v);
    if (v->kind == PB_MAP)
        return map_from(src, v);
    e.text = v->kind == PB_NUMBER ? v->s : v->kind == PB_NULL ? "null" : v->b ? "true" : "false";
    return e;
}

static const struct pb_hcl_body *body_from(struct pb_hcl_source *src, const struct pb_value *v,
                                           const char *parent);

/* `v` is a body, a list of bodies, or, with labels to go, a map from the next label. */
static void add_blocks(struct pb_hcl_source *src, struct pb_hcl_parts *b, const char *type,
                       const char **labels, size_t have, size_t want, const struct pb_value *v)
{
    if (v->kind == PB_LIST) {
        for (size_t i = 0; i < v->n; i++)
            if (v->items[i].kind != PB_LIST)
                add_blocks(src, b, type, labels, have, want, &v->items[i]);
        return;
    }
    if (v->kind != PB_MAP)
        return;
    if (have < want) {
        for (size_t i = 0; i < v->n; i++) {
            labels[have] = v->members[i].key;
            if (strcmp(labels[have], "//") != 0)
                add_blocks(src, b, type, labels, have + 1, want, &v->members[i].value);
        }
        return;
    }
    struct pb_hcl_block blk = {.type = type, .nlabels = want, .file = src->file, .line = 1};
    const char **copy = pb_arena_zalloc(src->arena, (want + 1) * sizeof(*copy));
    memcpy(copy, labels, want * sizeof(*copy));
    blk.labels = copy;
    blk.body = body_from(src, v, type);
    pb_hcl_add_block(b, blk);
}

static void add_attr(struct pb_hcl_source *src, struct pb_hcl_parts *b, const char *name,
                     const struct pb_value *v)
{
    struct pb_hcl_expr *e = pb_arena_alloc(src->arena, sizeof(*e));

    *e = expr_from(src, v);
    pb_hcl_add_attr(b, (struct pb_hcl_attr){.name = name, .expr = e, .file = src->file, .line = 1});
}

static const struct pb_hcl_body *body_from(struct pb_hcl_source *src, const struct pb_value *v,
                                           const char *parent)
{
    struct pb_hcl_parts b = PB_HCL_PARTS_INIT;

    for (size_t i = 0; v->kind == PB_MAP && i < v->n; i++) {
        const struct pb_member *m = &v->members[i];
        const struct kind *k = parent ? kind_of(parent, m->key) : NULL;
        const char *labels[2] = {"", ""};
        if (strcmp(m->key, "//") == 0)
            continue; /* a comment */
        if (k)
            add_blocks(src, &b, m->key, labels, 0, k->labels, &m->value);
        else
            add_attr(src, &b, m->key, &m->value);
    }
    return pb_hcl_finish(src->arena, &b);
}

int pb_hcl_parse_json(const struct pb_hcl_body **out, struct pb_arena *a, const char *text,
                      size_t n, const char *file, bool top, struct pb_err *err)
{
    struct pb_hcl_source src = {.arena = a, .file = pb_arena_intern(a, file, strlen(file))};
    const struct pb_value *doc;
    int rc = -1;

    if (n > PB_HCL_MAX)
        return pb_fail(err, PB_E_CONFIG, "'%s' is larger than %d bytes", file, PB_HCL_MAX);
    if (pb_json_parse(&doc, a, text, n, file, err))
        return -1;
    if (doc->kind != PB_MAP)
        return pb_fail(err, PB_E_CONFIG, "'%s' is not a JSON object", file);
    *out = body_from(&src, doc, top ? "" : NULL);
    rc = 0;
    return rc;
}
