/* Where a unit's state is, from its text, its settings and what init left behind. */
#include <errno.h>
#include <string.h>

#include "backends/terraform/eval.h"
#include "backends/terraform/module.h"
#include "backends/terraform/store.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

enum { SMALL_MAX = 4 << 20 };

/* ---- what the text says, remembered by tree -------------------------------------------------- */

static char *memory_path(const struct pb_unit_ctx *u)
{
    struct pb_sha256 *d;
    char hex[PB_SHA256_HEX];

    if (!u->cache_dir || !u->tree_key)
        return NULL;
    d = pb_sha256_new();
    pb_sha256_add_str(d, u->tree_key);
    pb_sha256_add_str(d, u->path);
    pb_sha256_add_str(d, u->tool);
    pb_sha256_end_hex(d, hex);
    return pb_asprintf("%s/backends/%s.json", u->cache_dir, hex);
}

static bool recall(struct pb_tf_backend *out, struct pb_arena *a, const struct pb_unit_ctx *u)
{
    PB_AUTO(str) char *path = memory_path(u);
    const struct pb_value *v;

    if (!path || pb_json_read(&v, a, path, SMALL_MAX, NULL))
        return false;
    out->type = pb_get_str(v, "type");
    out->config = pb_get(v, "config");
    out->text = pb_get_str(v, "text");
    return out->type && pb_is(out->config, PB_MAP);
}

static void remember(const struct pb_tf_backend *be, struct pb_arena *a,
                     const struct pb_unit_ctx *u)
{
    PB_AUTO(str) char *path = memory_path(u);
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_map_builder b = PB_BUILDER_INIT;
    struct pb_value v;

    /* With OpenTofu a backend may be made of variables, which the tree's key says nothing of. */
    if (!path || pb_has_unknown(be->config))
        return;
    pb_map_add(&b, "type", pb_mk_string(a, be->type));
    pb_map_add(&b, "config", *be->config);
    if (be->text)
        pb_map_add(&b, "text", pb_mk_string(a, be->text));
    v = pb_map_done(&b, a);
    pb_json_add(&text, &v);
    pb_fs_remember(path, text.s, text.len);
}

static void read_block(struct pb_tf_backend *out, struct pb_arena *a, const struct pb_tf_node *node,
                       const struct pb_hcl_block *blk)
{
    size_t budget = PB_TF_EVAL_BUDGET;
    struct pb_tf_scope scope = {.arena = a, .node = node, .budget = &budget};

    out->type = strcmp(blk->type, "cloud") == 0 ? "cloud" : pb_hcl_label(blk, 0);
    out->config = pb_box(a, pb_tf_eval_body(&scope, blk->body, NULL));
    out->text = blk->text;
}

static int from_text(struct pb_tf_backend *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                     struct pb_err *err)
{
    struct pb_tf_files files = pb_tf_files_disk(u->tree);
    bool tofu = u->tool && strstr(u->tool, "tofu");
    const struct pb_tf_module *m;
    const struct pb_hcl_block *tf, *blk;

    if (pb_tf_module_load(&m, a, &files, u->path, tofu, err))
        return -1;
    out->type = "local";
    out->config = &pb_empty_map;
    for (size_t i = 0; (tf = pb_hcl_block_of(m->body, "terraform", i)); i++) {
        struct pb_tf_node node = {.path = "", .module = m};
        if ((blk = pb_hcl_block_of(tf->body, "backend", 0)) ||
            (blk = pb_hcl_block_of(tf->body, "cloud", 0)))
            read_block(out, a, &node, blk);
    }
    remember(out, a, u);
    return 0;
}

/* ---- what is added to it --------------------------------------------------------------------- */

static struct pb_value merged(struct pb_arena *a, const struct pb_value *base,
                              const struct pb_value *over)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    for (size_t i = 0; pb_is(base, PB_MAP) && i < base->n; i++)
        pb_map_add(&b, base->members[i].key, base->members[i].value);
    for (size_t i = 0; pb_is(over, PB_MAP) && i < over->n; i++)
        if (over->members[i].value.kind != PB_NULL)
            pb_map_add(&b, over->members[i].key, over->members[i].value);
    return pb_map_done(&b, a);
}

/* Settings of an earlier init of the same backend; the text wins over them. */
static void add_initialised(struct pb_tf_backend *out, struct pb_arena *a,
                            const struct pb_unit_ctx *u)
{
    PB_AUTO(str) char *dir = u->worktree ? pb_fs_join(u->worktree, u->path) : NULL;
    PB_AUTO(str) char *path = dir ? pb_fs_join(dir, ".terraform/terraform.tfstate") : NULL;
    const struct pb_value *v, *backend;

    if (!path || pb_json_read(&v, a, path, SMALL_MAX, NULL))
        return;
    backend = pb_get(v, "backend");
    if (pb_streq(pb_get_str(backend, "type"), out->type))
        out->config = pb_box(a, merged(a, &(struct pb_value){0}, pb_get(backend, "config")));
}

static int add_config_file(struct pb_value *config, struct pb_arena *a, const struct pb_unit_ctx *u,
                           const char *name, struct pb_err *err)
{
    const char *top = u->tree ? u->tree : u->worktree;
    PB_AUTO(str) char *dir = top ? pb_fs_join(top, u->path) : pb_strdup(".");
    PB_AUTO(str) char *path = pb_fs_join(dir, name);
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    const struct pb_hcl_body *body;
    size_t budget = PB_TF_EVAL_BUDGET;
    struct pb_tf_node nowhere = {.path = ""};
    struct pb_tf_scope scope = {.arena = a, .node = &nowhere, .budget = &budget};
    struct pb_value more;

    /* Such files are often kept out of Git. */
    if (pb_fs_read(&text, path, SMALL_MAX, err)) {
        PB_AUTO(str) char *wt = u->worktree ? pb_fs_join(u->worktree, u->path) : NULL;
        PB_AUTO(str) char *other = wt ? pb_fs_join(wt, name) : NULL;
        if (!other || strcmp(other, path) == 0 || pb_fs_read(&text, other, SMALL_MAX, NULL))
            return pb_err_wrap(err, "cannot read the backend configuration");
        pb_err_clear(err);
    }
    if (pb_hcl_parse(&body, a, text.s, text.len, name, err))
        return -1;
    more = pb_tf_eval_body(&scope, body, NULL);
    *config = merged(a, config, &more);
    return 0;
}

static int add_settings(struct pb_tf_backend *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                        struct pb_err *err)
{
    struct pb_value config = *out->config;

    for (char *const *p = u->backend_config; p && *p; p++) {
        const char *eq = strchr(*p, '=');
        struct pb_map_builder one = PB_BUILDER_INIT;
        struct pb_value v;
        if (!eq) {
            if (add_config_file(&config, a, u, *p, err))
                return -1;
            continue;
        }
        pb_map_add(&one, pb_arena_intern(a, *p, (size_t)(eq - *p)), pb_mk_string(a, eq + 1));
        v = pb_map_done(&one, a);
        config = merged(a, &config, &v);
    }
    out->config = pb_box(a, config);
    return 0;
}

int pb_tf_backend_find(struct pb_tf_backend *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                       struct pb_err *err)
{
    const struct pb_value *said;

    *out = (struct pb_tf_backend){.type = "local", .config = &pb_empty_map};
    if (u->state_path)
        return 0;
    if (!recall(out, a, u)) {
        if (!u->tree) {
            pb_fail(err, PB_E_INTERNAL, "the backend of '%s' is not known without its files",
                    u->name);
            if (err)
                err->sys = ENODATA;
            return -1;
        }
        if (from_text(out, a, u, err))
            return -1;
    }
    said = out->config;
    add_initialised(out, a, u);
    if (out->config != said)
        out->config = pb_box(a, merged(a, out->config, said));
    return add_settings(out, a, u, err);
}
