#include "backends/terraform/providers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/terraform/eval.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"

struct finder {
    struct pb_arena *arena;
    const struct pb_tf_providers_in *in;
    struct pb_provider_config *v;
    size_t n, cap;
    size_t budget; /* eval.h */
};

int pb_tf_lock_read(struct pb_tf_lock *out, struct pb_arena *a, const struct pb_tf_files *files,
                    const char *dir, struct pb_err *err)
{
    PB_AUTO(str)
    char *path = *dir ? pb_fs_join(dir, PB_TF_LOCK_FILE) : pb_strdup(PB_TF_LOCK_FILE);
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_err why = PB_ERR_INIT;

    out->body = NULL;
    if (files->read(&text, files->ctx, path, PB_HCL_MAX, &why))
        return why.sys == ENOENT ? 0 : pb_fail(err, why.cls, "%s", why.msg);
    return pb_hcl_parse(&out->body, a, text.s, text.len, path, err);
}

const char *pb_tf_lock_version(const struct pb_tf_lock *lock, const char *source)
{
    const struct pb_hcl_block *b;

    for (size_t i = 0; lock && (b = pb_hcl_block_of(lock->body, "provider", i)); i++)
        if (strcmp(pb_hcl_label(b, 0), source) == 0)
            return pb_hcl_str(pb_hcl_attr_of(b->body, "version"));
    return NULL;
}

const char *const *pb_tf_lock_hashes(const struct pb_tf_lock *lock, struct pb_arena *a,
                                     const char *source)
{
    const struct pb_hcl_block *b;

    for (size_t i = 0; lock && (b = pb_hcl_block_of(lock->body, "provider", i)); i++) {
        const struct pb_hcl_expr *e = pb_hcl_attr_of(b->body, "hashes");
        const char **v;
        size_t n = 0;

        if (strcmp(pb_hcl_label(b, 0), source) != 0 || !e || e->kind != PB_HCL_LIST)
            continue;
        v = pb_arena_zalloc(a, (e->n + 1) * sizeof(*v));
        for (size_t j = 0; j < e->n; j++)
            if (pb_hcl_str(&e->items[j]))
                v[n++] = pb_hcl_str(&e->items[j]);
        return v;
    }
    return NULL;
}

/* ---- names to addresses -------------------------------------------------------------------- */

/* What a module's required_providers says a local name is: { source = "..." }. */
static const char *required_source(const struct pb_tf_module *m, const char *name)
{
    const struct pb_hcl_block *tf, *req;

    for (size_t i = 0; (tf = pb_hcl_block_of(m->body, "terraform", i)); i++) {
        for (size_t j = 0; (req = pb_hcl_block_of(tf->body, "required_providers", j)); j++) {
            const struct pb_hcl_expr *e = pb_hcl_attr_of(req->body, name);
            for (size_t k = 0; e && e->kind == PB_HCL_MAP && k < e->n; k++)
                if (pb_streq(pb_hcl_str(&e->keys[k]), "source"))
                    return pb_hcl_str(&e->items[k]);
        }
    }
    return NULL;
}

/* registry.terraform.io/hashicorp/aws from "aws", "hashicorp/aws" or itself. */
static const char *full_source(struct finder *f, const struct pb_tf_module *m, const char *name)
{
    const char *host = f->in->tofu ? "registry.opentofu.org" : "registry.terraform.io";
    const char *source = required_source(m, name);
    size_t slashes = 0;

    if (!source && strcmp(name, "terraform") == 0)
        return "terraform.io/builtin/terraform";
    if (!source)
        source = name;
    for (const char *p = source; *p; p++)
        slashes += *p == '/';
    if (slashes == 2)
        return source;
    if (slashes == 1)
        return pb_arena_printf(f->arena, "%s/%s", host, source);
    return pb_arena_printf(f->arena, "%s/hashicorp/%s", host, source);
}

static const char *module_address(struct pb_arena *a, const char *path)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    if (!*path)
        return "";
    pb_buf_adds(&b, "module.");
    for (const char *p = path; *p; p++) {
        pb_buf_addc(&b, *p);
        if (*p == '.')
            pb_buf_adds(&b, "module.");
    }
    pb_buf_addc(&b, '.');
    return pb_arena_strdup(a, b.s);
}

static struct pb_provider_config *find(struct finder *f, const char *key)
{
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->v[i].key, key) == 0)
            return &f->v[i];
    return NULL;
}

static void add(struct finder *f, const struct pb_tf_node *node, const char *name,
                const struct pb_hcl_block *block)
{
    static const char *const skip[] = {"alias", "version", NULL};
    const char *source = full_source(f, node->module, name);
    const char *alias = block ? pb_hcl_str(pb_hcl_attr_of(block->body, "alias")) : NULL;
    struct pb_tf_scope scope = {.arena = f->arena,
                                .node = node,
                                .vars = f->in->vars,
                                .workspace = f->in->workspace,
                                .budget = &f->budget};
    const char *key = pb_arena_printf(f->arena, "%sprovider[\"%s\"]%s%s",
                                      module_address(f->arena, block ? node->path : ""), source,
                                      alias ? "." : "", alias ? alias : "");

    if (find(f, key))
        return;
    f->v = pb_grow(f->v, &f->cap, f->n + 1, sizeof(*f->v));
    f->v[f->n++] = (struct pb_provider_config){
        .key = key,
        .source = source,
        .alias = alias,
        .version = pb_tf_lock_version(f->in->lock, source),
        .hashes = pb_tf_lock_hashes(f->in->lock, f->arena, source),
        .values =
            block ? pb_box(f->arena, pb_tf_eval_body(&scope, block->body, skip)) : &pb_empty_map,
    };
}

/* The provider that a resource without `provider` uses: its type up to the first "_". */
static void add_implied(struct finder *f, const struct pb_tf_node *node)
{
    const struct pb_hcl_body *b = node->module->body;

    for (size_t i = 0; i < b->nblocks; i++) {
        const struct pb_hcl_block *blk = &b->blocks[i];
        const char *type = pb_hcl_label(blk, 0);
        PB_AUTO(str) char *name = NULL;
        if ((strcmp(blk->type, "resource") != 0 && strcmp(blk->type, "data") != 0) ||
            pb_hcl_attr_of(blk->body, "provider"))
            continue;
        name = pb_strndup(type, strcspn(type, "_"));
        add(f, node, name, NULL);
    }
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct pb_provider_config *)a)->key,
                  ((const struct pb_provider_config *)b)->key);
}

void pb_tf_providers(const struct pb_provider_config **out, size_t *n, struct pb_arena *a,
                     const struct pb_tf_providers_in *in)
{
    struct finder f = {.arena = a, .in = in, .budget = PB_TF_EVAL_BUDGET};
    struct pb_provider_config *v;

    for (size_t i = 0; i < in->tree->n; i++) {
        const struct pb_tf_node *node = in->tree->v[i];
        const struct pb_hcl_block *b;
        for (size_t j = 0; node->module && (b = pb_hcl_block_of(node->module->body, "provider", j));
             j++)
            add(&f, node, pb_hcl_label(b, 0), b);
    }
    for (size_t i = 0; i < in->tree->n; i++)
        if (in->tree->v[i]->module)
            add_implied(&f, in->tree->v[i]);
    if (f.n)
        qsort(f.v, f.n, sizeof(*f.v), by_key);
    v = pb_arena_alloc(a, f.n * sizeof(*v) + 1);
    if (f.n)
        memcpy(v, f.v, f.n * sizeof(*v));
    free(f.v);
    *out = v;
    *n = f.n;
}
