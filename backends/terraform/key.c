#include "backends/terraform/key.h"

#include <stdlib.h>
#include <string.h>

#include "backends/terraform/env.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "base/text.h"
#include "model/json.h"
#include "version.h"

/* Grows whenever what is made of a plan changes. */
static const char format[] = "declared 1 " PLUMB_VERSION;

enum { FILE_MAX = 4 << 20 };

static void add_sealed(struct pb_sha256 *d, const struct pb_seal *seal, const void *p, size_t n)
{
    unsigned char mac[PB_SHA256_LEN];

    pb_hmac_sha256(mac, seal->key, sizeof(seal->key), p, n);
    pb_sha256_add_field(d, mac, sizeof(mac));
}

static void add_list(struct pb_sha256 *d, const struct pb_seal *seal, char *const *list)
{
    for (; list && *list; list++)
        add_sealed(d, seal, *list, strlen(*list));
    pb_sha256_add_str(d, "end of list");
}

static const char *from_env(char *const *from, const char *name)
{
    size_t n = strlen(name);

    for (char *const *p = from; p && *p; p++)
        if (strncmp(*p, name, n) == 0 && (*p)[n] == '=')
            return *p + n + 1;
    return NULL;
}

static void add_file(struct pb_sha256 *d, const struct pb_seal *seal, const char *dir,
                     const char *name)
{
    PB_AUTO(str) char *path = dir ? pb_fs_join(dir, name) : NULL;
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

    if (path && pb_fs_read(&text, path, FILE_MAX, NULL) == 0)
        add_sealed(d, seal, text.s, text.len);
    else
        pb_sha256_add_str(d, NULL);
}

/* The CLI configuration can replace providers (dev_overrides, mirrors). OpenTofu reads
 * Terraform's where it has none of its own. */
static void add_cli_config(struct pb_sha256 *d, const struct pb_unit_ctx *u, bool tofu,
                           char *const *from)
{
    const char *named = from_env(from, "TF_CLI_CONFIG_FILE"), *home = from_env(from, "HOME");

    if (named) {
        add_file(d, u->seal, "", named);
        return;
    }
    add_file(d, u->seal, home, ".terraformrc");
    if (tofu) {
        add_file(d, u->seal, home, ".tofurc");
        add_file(d, u->seal, from_env(from, "XDG_CONFIG_HOME"), "opentofu/tofurc");
    }
}

static void add_value(struct pb_sha256 *d, const struct pb_seal *seal, const struct pb_value *v)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

    if (v)
        pb_json_add_canonical(&text, v);
    add_sealed(d, seal, text.s, text.len);
    pb_buf_wipe(&text);
}

/* Nothing when nothing was asked for, so that the entries of audits serve. */
static void add_options(struct pb_sha256 *d, const struct pb_unit_ctx *u)
{
    const struct pb_plan_options *o = u->plan;

    if (!o || !((o->vars && *o->vars) || (o->var_files && *o->var_files) ||
                (o->targets && *o->targets) || (o->replace && *o->replace) || o->destroy))
        return;
    pb_sha256_add_str(d, o->destroy ? "destroy" : "options");
    add_list(d, u->seal, o->vars);
    add_list(d, u->seal, o->targets);
    add_list(d, u->seal, o->replace);
    for (char *const *p = o->var_files; p && *p; p++)
        add_file(d, u->seal, "", *p); /* no part of the tree: what is in it counts */
}

/* What was said in one is believed in no other, and nowhere outside. */
static void add_sandbox(struct pb_sha256 *d, const struct pb_unit_ctx *u)
{
    if (!u->sandbox)
        return;
    pb_sha256_add_str(d, "sandbox");
    add_list(d, u->seal, u->sandbox->network);
}

void pb_tf_key(char out[PB_SHA256_HEX], const struct pb_unit_ctx *u,
               const struct pb_recorded_set *recorded, const struct pb_tf_tool *tool,
               char *const *from)
{
    PB_AUTO(strv) struct pb_strv names = PB_STRV_INIT;
    struct pb_sha256 *d = pb_sha256_new();

    pb_sha256_add_str(d, format);
    pb_sha256_add_str(d, tool->tofu ? "tofu" : "terraform");
    pb_sha256_add_str(d, tool->path);
    pb_sha256_add_str(d, tool->version);
    pb_sha256_add_str(d, tool->id);
    pb_sha256_add_str(d, u->tree_key);
    pb_sha256_add_str(d, u->path);
    pb_sha256_add_str(d, u->workspace ? u->workspace : "default");
    pb_sha256_add_str(d, recorded->lineage);
    pb_sha256_add_str(d, recorded->sha256);
    add_list(d, u->seal, u->var_files);
    add_list(d, u->seal, u->vars);
    add_list(d, u->seal, u->backend_config);
    add_value(d, u->seal, u->providers);
    add_options(d, u);
    add_sandbox(d, u);
    add_cli_config(d, u, tool->tofu, from);
    /* A provider that has recorded nothing yet does not count: what it would be told cannot
     * change what is there. */
    pb_tf_env_recorded_names(&names, recorded);
    pb_tf_env_key(d, from, &names, u->seal);
    pb_sha256_end_hex(d, out);
}
