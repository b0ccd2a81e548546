#include "backends/terraform/site.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/terraform/env.h"
#include "backends/terraform/hcl.h"
#include "backends/terraform/tool.h"
#include "base/fs.h"
#include "base/mem.h"

static void add_home(struct pb_strv *out, const char *path)
{
    const char *home = getenv("HOME");

    if (strncmp(path, "~/", 2) != 0)
        pb_strv_add(out, path);
    else if (home && *home)
        pb_strv_addf(out, "%s/%s", home, path + 2);
}

void pb_tf_cli_dirs(struct pb_strv *out, const char *text, size_t n, const char *file)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    const struct pb_hcl_body *body;
    const struct pb_hcl_block *install, *mirror;
    const char *path;

    /* A file that Terraform refuses is for Terraform to complain of. */
    if (pb_hcl_parse(&body, a, text, n, file, NULL))
        return;
    path = pb_hcl_str(pb_hcl_attr_of(body, "plugin_cache_dir"));
    if (path)
        add_home(out, path);
    for (size_t i = 0; (install = pb_hcl_block_of(body, "provider_installation", i)); i++)
        for (size_t j = 0; (mirror = pb_hcl_block_of(install->body, "filesystem_mirror", j)); j++) {
            path = pb_hcl_str(pb_hcl_attr_of(mirror->body, "path"));
            if (path)
                add_home(out, path);
        }
}

char *pb_tf_site_config(struct pb_buf *text, bool tofu)
{
    const char *file = getenv("TF_CLI_CONFIG_FILE"), *home = getenv("HOME");
    PB_AUTO(str) char *path = NULL;

    if (file && *file)
        path = pb_strdup(file);
    else if (home && *home)
        path = pb_asprintf("%s/%s", home, tofu ? ".tofurc" : ".terraformrc");
    return path && pb_fs_read(text, path, PB_HCL_MAX, NULL) == 0 ? pb_take(&path) : NULL;
}

static void add_cli(struct pb_strv *out, bool tofu)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    PB_AUTO(str) char *path = pb_tf_site_config(&text, tofu);

    if (path)
        pb_tf_cli_dirs(out, text.s, text.len, path);
}

bool pb_tf_has_plugin_cache(bool tofu)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    PB_AUTO(str) char *path = pb_tf_site_config(&text, tofu);
    const char *dir = getenv("TF_PLUGIN_CACHE_DIR");
    const struct pb_hcl_body *body;

    if (dir && *dir)
        return true;
    /* What cannot be read may name one. */
    return path && (pb_hcl_parse(&body, a, text.s, text.len, path, NULL) ||
                    pb_hcl_attr_of(body, "plugin_cache_dir"));
}

char *pb_tf_packages_dir(const struct pb_unit_ctx *u)
{
    return pb_fs_join(u->cache_dir, "provider-packages");
}

static void add_work_tree(struct pb_strv *out, const struct pb_unit_ctx *u)
{
    const char *data = getenv("TF_DATA_DIR");
    PB_AUTO(str) char *dir = NULL, *in = NULL;

    if (!u->worktree)
        return;
    dir = pb_fs_join(u->worktree, u->path);
    in = pb_fs_join(dir, data && *data ? data : ".terraform");
    pb_strv_addf(out, "%s/providers", in);
}

/* Terraform's implied local mirrors. */
static void add_implied(struct pb_strv *out, bool tofu)
{
    const char *xdg = getenv("XDG_DATA_HOME"), *name = tofu ? "opentofu" : "terraform";

    add_home(out, tofu ? "~/.opentofu/plugins" : "~/.terraform.d/plugins");
    if (xdg && *xdg)
        pb_strv_addf(out, "%s/%s/plugins", xdg, name);
    else if (getenv("HOME"))
        pb_strv_addf(out, "%s/.local/share/%s/plugins", getenv("HOME"), name);
    pb_strv_addf(out, "/usr/local/share/%s/plugins", name);
    pb_strv_addf(out, "/usr/share/%s/plugins", name);
}

void pb_tf_site_roots(struct pb_strv *out, const struct pb_unit_ctx *u, bool tofu)
{
    PB_AUTO(str) char *packages = u->cache_dir ? pb_tf_packages_dir(u) : NULL;
    const char *cache = getenv("TF_PLUGIN_CACHE_DIR");

    if (cache && *cache)
        pb_strv_add(out, cache);
    add_cli(out, tofu);
    if (packages)
        pb_strv_add(out, packages);
    add_implied(out, tofu);
}

static char **on_arena(struct pb_arena *a, const struct pb_strv *v)
{
    char **out = pb_arena_zalloc(a, (v->n + 1) * sizeof(*out));

    for (size_t i = 0; i < v->n; i++)
        out[i] = pb_arena_strdup(a, v->v[i]);
    return out;
}

static const char *working_dir(struct pb_arena *a, const struct pb_unit_ctx *u)
{
    const char *const tops[] = {u->worktree, u->tree};

    for (size_t i = 0; i < PB_COUNT(tops); i++) {
        PB_AUTO(str) char *dir = tops[i] ? pb_fs_join(tops[i], u->path) : NULL;

        if (dir && pb_fs_is_dir(dir))
            return pb_arena_strdup(a, dir);
    }
    return NULL;
}

int pb_tf_plugin_site(struct pb_plugin_site *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                      const struct pb_recorded_set *recorded, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv names = PB_STRV_INIT;
    PB_AUTO(strv) struct pb_strv dirs = PB_STRV_INIT;
    PB_AUTO(strv) struct pb_strv env = PB_STRV_INIT;
    struct pb_tf_tool tool;

    if (u->sandbox)
        return pb_fail(err, PB_E_REFUSED,
                       "'%s' is not trusted: none of its plugins is started to look", u->name);
    if (pb_tf_tool_find(&tool, a, u, err))
        return -1;
    pb_strv_addf(&dirs, "%s/data/providers", u->work);
    add_work_tree(&dirs, u);
    pb_tf_site_roots(&dirs, u, tool.tofu);
    pb_tf_env_recorded_names(&names, recorded);
    pb_tf_env_build(&env, environ, &names, u->work, NULL, NULL, a);
    *out = (struct pb_plugin_site){
        .dirs = (const char *const *)on_arena(a, &dirs),
        .env = on_arena(a, &env),
        .cwd = working_dir(a, u),
        .work = u->work,
        .cache_dir = u->cache_dir,
        .tool_version = tool.version,
    };
    return 0;
}
