/* The modules that a root calls, and what their text says that a plan does not. */
#include <stdlib.h>
#include <string.h>

#include "backends/terraform/module.h"
#include "base/mem.h"
#include "model/path.h"

enum { NODES_MAX = 10000 };

struct loader {
    struct pb_arena *arena;
    const struct pb_tf_files *files;
    const struct pb_value *manifest;
    const char *root;
    bool tofu;
    struct pb_tf_node **v;
    size_t n, cap;
    struct pb_err *err;
};

/* Where modules.json says that a call's files are; a path of the export, or NULL. */
static const char *manifest_dir(const struct loader *l, const char *path)
{
    const struct pb_value *list = pb_get(l->manifest, "Modules");

    for (size_t i = 0; i < pb_len(list); i++) {
        const struct pb_value *m = pb_at(list, i);
        const char *key = pb_get_str(m, "Key"), *dir = pb_get_str(m, "Dir");
        if (!key || !dir || strcmp(key, path) != 0)
            continue;
        return dir[0] == '/' ? dir : pb_tf_resolve(l->arena, l->root, dir);
    }
    return NULL;
}

static const char *dir_of(const struct loader *l, const struct pb_tf_node *up,
                          const struct pb_hcl_block *call, const char *path)
{
    const char *source = pb_hcl_str(pb_hcl_attr_of(call->body, "source"));
    const char *dir = manifest_dir(l, path);

    if (dir)
        return dir;
    return pb_tf_is_local(source) ? pb_tf_resolve(l->arena, up->module->dir, source) : NULL;
}

static struct pb_tf_node *add_node(struct loader *l, const struct pb_tf_node *up,
                                   const struct pb_hcl_block *call, const char *path)
{
    struct pb_tf_node *node = pb_arena_zalloc(l->arena, sizeof(*node));

    node->path = path;
    node->up = up;
    node->call = call;
    l->v = pb_grow(l->v, &l->cap, l->n + 1, sizeof(struct pb_tf_node *));
    l->v[l->n++] = node;
    return node;
}

/* A module that is called often is read once. */
static const struct pb_tf_module *load_dir(struct loader *l, const char *dir)
{
    struct pb_err why = PB_ERR_INIT; /* callbacks may look at err->sys */
    const struct pb_tf_module *m = NULL;

    for (size_t i = 0; i < l->n; i++)
        if (l->v[i]->module && strcmp(l->v[i]->module->dir, dir) == 0)
            return l->v[i]->module;
    return pb_tf_module_load(&m, l->arena, l->files, dir, l->tofu, &why) ? NULL : m;
}

static bool calls_itself(const struct pb_tf_node *up, const char *dir)
{
    for (; up; up = up->up)
        if (strcmp(up->module->dir, dir) == 0)
            return true;
    return false;
}

static int load_calls(struct loader *l, const struct pb_tf_node *up)
{
    const struct pb_hcl_block *call;
    for (size_t i = 0; (call = pb_hcl_block_of(up->module->body, "module", i)); i++) {
        const char *name = pb_hcl_label(call, 0), *dir;
        const char *path = *up->path ? pb_arena_printf(l->arena, "%s.%s", up->path, name) : name;
        struct pb_tf_node *node;
        dir = dir_of(l, up, call, path);
        if ((dir && calls_itself(up, dir)) || l->n > NODES_MAX)
            return pb_fail(l->err, PB_E_CONFIG,
                           "'%s' line %u: the module '%s' is called without end", call->file,
                           call->line, name);
        node = add_node(l, up, call, path);
        node->module = dir ? load_dir(l, dir) : NULL;
    }
    return 0;
}

/* ---- hints --------------------------------------------------------------------------------- */

static const char *traversal_path(struct pb_arena *a, const struct pb_hcl_expr *e)
{
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;

    if (pb_hcl_str(e)) /* "tags" in quotes is how Terraform 0.11 wrote it */
        e = pb_hcl_expr_of(a, pb_hcl_str(e), strlen(pb_hcl_str(e)), e->file);
    if (strcmp(e->text, "*") == 0)
        return "*";
    if (e->kind != PB_HCL_REF)
        return NULL;
    for (size_t i = 0; i < e->value.n; i++) {
        const struct pb_value *step = &e->value.items[i];
        if (step->kind == PB_STRING)
            pb_path_add_key(&path, step->s);
        else
            pb_path_add_index(&path, strtoul(step->s, NULL, 10));
    }
    return pb_arena_strdup(a, path.s);
}

static void read_ignores(struct pb_arena *a, struct pb_tf_hint *hint,
                         const struct pb_hcl_block *resource)
{
    const struct pb_hcl_block *life = pb_hcl_block_of(resource->body, "lifecycle", 0);
    const struct pb_hcl_expr *e = life ? pb_hcl_attr_of(life->body, "ignore_changes") : NULL;
    const char **out;
    size_t n = 0;

    if (!e)
        return;
    out = pb_arena_zalloc(a, (e->n + 2) * sizeof(*out));
    if (e->kind == PB_HCL_LIST) {
        for (size_t i = 0; i < e->n; i++) {
            const char *path = traversal_path(a, &e->items[i]);
            if (path)
                out[n++] = path;
            else
                hint->opaque = true;
        }
    } else if (strcmp(e->text, "all") == 0 || pb_hcl_str(e)) {
        out[n++] = "*";
    } else {
        hint->opaque = true;
    }
    hint->ignore_changes = out;
}

static struct pb_value body_keys(struct pb_arena *a, const struct pb_hcl_body *b);

/* The blocks of a body by type, dynamic ones by the type that they make. */
static void add_blocks(struct pb_arena *a, struct pb_map_builder *out, const struct pb_hcl_body *b,
                       bool only_dynamic)
{
    for (size_t i = 0; i < b->nblocks; i++) {
        const struct pb_hcl_block *blk = &b->blocks[i];
        bool dynamic = strcmp(blk->type, "dynamic") == 0;
        const struct pb_hcl_block *content =
            dynamic ? pb_hcl_block_of(blk->body, "content", 0) : blk;
        struct pb_list_builder one = PB_BUILDER_INIT;
        if (!content || (only_dynamic && !dynamic))
            continue;
        if (only_dynamic) {
            pb_map_add(out, pb_hcl_label(blk, 0), body_keys(a, content->body));
            continue;
        }
        pb_list_add(&one, body_keys(a, content->body));
        pb_map_add(out, dynamic ? pb_hcl_label(blk, 0) : blk->type, pb_list_done(&one, a));
    }
}

static struct pb_value body_keys(struct pb_arena *a, const struct pb_hcl_body *b)
{
    struct pb_map_builder out = PB_BUILDER_INIT;

    for (size_t i = 0; i < b->nattrs; i++)
        if (strcmp(b->attrs[i].expr->text, "null") != 0)
            pb_map_add(&out, b->attrs[i].name, pb_true);
    add_blocks(a, &out, b, false);
    return pb_map_done(&out, a);
}

/* Whether a dynamic block stands deeper than at the top, where plans do not show it. */
static bool nested_dynamic(const struct pb_hcl_body *b, bool top)
{
    for (size_t i = 0; i < b->nblocks; i++) {
        const struct pb_hcl_block *blk = &b->blocks[i];
        if (strcmp(blk->type, "dynamic") == 0) {
            const struct pb_hcl_block *content = pb_hcl_block_of(blk->body, "content", 0);
            if (!top || !content || nested_dynamic(content->body, false))
                return true;
        } else if (strcmp(blk->type, "lifecycle") != 0 && strcmp(blk->type, "provisioner") != 0 &&
                   nested_dynamic(blk->body, false)) {
            return true;
        }
    }
    return false;
}

/* A resource block by "net.subnets|aws_vpc.a"; what it hints at is worked out when asked. */
struct entry {
    const char *key;
    const struct pb_hcl_block *block;
    const struct pb_tf_hint *hint;
};

struct pb_tf_index {
    struct pb_arena *arena;
    struct entry *v;
    size_t n;
};

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

static size_t add_entries(struct entry *v, struct pb_arena *a, const struct pb_tf_node *node)
{
    const struct pb_hcl_body *b = node->module ? node->module->body : NULL;
    size_t n = 0;

    for (size_t i = 0; b && i < b->nblocks; i++) {
        const struct pb_hcl_block *blk = &b->blocks[i];
        bool action = strcmp(blk->type, "action") == 0;
        if (strcmp(blk->type, "resource") != 0 && !action)
            continue;
        if (v)
            v[n] =
                (struct entry){pb_arena_printf(a, "%s|%s%s.%s", node->path, action ? "action." : "",
                                               pb_hcl_label(blk, 0), pb_hcl_label(blk, 1)),
                               blk, NULL};
        n++;
    }
    return n;
}

static void build_index(struct pb_tf_tree *t)
{
    struct pb_tf_index *index = pb_arena_zalloc(t->arena, sizeof(*index));
    size_t n = 0;

    for (size_t i = 0; i < t->n; i++)
        n += add_entries(NULL, t->arena, t->v[i]);
    index->arena = t->arena;
    index->v = pb_arena_alloc(t->arena, n * sizeof(*index->v) + 1);
    for (size_t i = 0; i < t->n; i++)
        index->n += add_entries(index->v + index->n, t->arena, t->v[i]);
    if (n)
        qsort(index->v, n, sizeof(*index->v), by_key);
    t->index = index;
}

static unsigned last_line(const struct pb_hcl_block *blk)
{
    unsigned line = blk->text ? blk->line : 0;

    for (const char *p = blk->text; p && (p = strchr(p, '\n')); p++)
        line++;
    return line;
}

static void read_provisioners(struct pb_arena *a, struct pb_tf_hint *hint,
                              const struct pb_hcl_block *resource)
{
    struct pb_side_effect *v = pb_arena_zalloc(a, (resource->body->nblocks + 1) * sizeof(*v));
    const struct pb_hcl_block *p;

    for (size_t i = 0; (p = pb_hcl_block_of(resource->body, "provisioner", i)); i++) {
        const struct pb_hcl_expr *when = pb_hcl_attr_of(p->body, "when");
        const char *s = when ? pb_hcl_str(when) ? pb_hcl_str(when) : when->text : "create";

        v[hint->neffects++] = (struct pb_side_effect){.what = pb_hcl_label(p, 0),
                                                      .on_create = strcmp(s, "destroy") != 0,
                                                      .on_destroy = strcmp(s, "create") != 0};
    }
    hint->effects = v;
}

static const struct pb_tf_hint *make_hint(struct pb_arena *a, const struct pb_hcl_block *blk)
{
    struct pb_tf_hint *hint = pb_arena_zalloc(a, sizeof(*hint));
    struct pb_map_builder dynamic = PB_BUILDER_INIT;

    hint->file = blk->file;
    hint->line = blk->line;
    hint->last_line = last_line(blk);
    read_provisioners(a, hint, blk);
    hint->opaque = nested_dynamic(blk->body, true);
    read_ignores(a, hint, blk);
    add_blocks(a, &dynamic, blk->body, true);
    hint->dynamic = pb_box(a, pb_map_done(&dynamic, a));
    return hint;
}

static const struct pb_tf_hint *find_hint(void *ctx, const char *module, const char *type,
                                          const char *name)
{
    struct pb_tf_index *index = ctx;
    PB_AUTO(str) char *key = pb_asprintf("%s|%s.%s", module, type, name);
    struct entry want = {.key = key}, *e;

    e = index->n ? bsearch(&want, index->v, index->n, sizeof(*index->v), by_key) : NULL;
    if (e && !e->hint)
        e->hint = make_hint(index->arena, e->block);
    return e ? e->hint : NULL;
}

int pb_tf_tree_load(struct pb_tf_tree **out, struct pb_arena *a, const struct pb_tf_files *files,
                    const char *root, const struct pb_value *manifest, bool tofu,
                    struct pb_err *err)
{
    struct loader l = {a, files, manifest, root, tofu, NULL, 0, 0, err};
    struct pb_tf_node *top = add_node(&l, NULL, NULL, "");
    struct pb_tf_tree *t = pb_arena_zalloc(a, sizeof(*t));
    struct pb_tf_node **v;
    int rc = -1;

    if (pb_tf_module_load(&top->module, a, files, root, tofu, err))
        goto out;
    for (size_t i = 0; i < l.n; i++)
        if (l.v[i]->module && load_calls(&l, l.v[i]))
            goto out;
    v = pb_arena_alloc(a, l.n * sizeof(struct pb_tf_node *));
    memcpy(v, l.v, l.n * sizeof(struct pb_tf_node *));
    t->arena = a;
    t->v = (const struct pb_tf_node *const *)v;
    t->n = l.n;
    build_index(t);
    t->hints = (struct pb_tf_hints){find_hint, t->index};
    *out = t;
    rc = 0;
out:
    free(l.v);
    return rc;
}

const struct pb_tf_node *pb_tf_tree_node(const struct pb_tf_tree *t, const char *path)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->v[i]->path, path) == 0)
            return t->v[i];
    return NULL;
}
