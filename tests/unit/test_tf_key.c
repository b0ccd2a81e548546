/* Every input of the declared side's key: a row for each, and each really changes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/terraform/env.h"
#include "backends/terraform/key.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "base/text.h"
#include "model/json.h"

struct inputs {
    struct pb_unit_ctx u;
    struct pb_recorded_set recorded;
    struct pb_tf_tool tool;
    const char *env[8];
    const char *vars[4];
    const char *var_files[4];
    const char *backend[4];
    struct pb_seal seal;
};

static char *config; /* a CLI configuration file */

static void base(struct inputs *in)
{
    memset(in, 0, sizeof(*in));
    in->seal.ready = true;
    memset(in->seal.key, 7, sizeof(in->seal.key));
    in->env[0] = "TF_VAR_a=1";
    in->env[1] = "AWS_REGION=eu-west-1";
    in->env[2] = "HOME=/nonexistent";
    in->env[3] = "AWS_SECRET_ACCESS_KEY=k1";
    in->vars[0] = "x=1";
    in->var_files[0] = "a.tfvars";
    in->backend[0] = "bucket=b1";
    in->tool = (struct pb_tf_tool){.path = "/bin/terraform", .version = "1.11.4", .id = "f1"};
    in->recorded = (struct pb_recorded_set){.lineage = "L", .serial = 1, .sha256 = "aa"};
    in->u = (struct pb_unit_ctx){.path = "env", .tree_key = "t", .workspace = "default"};
}

static void key_of(char out[PB_SHA256_HEX], struct inputs *in)
{
    in->u.seal = &in->seal;
    in->u.vars = (char *const *)(uintptr_t)in->vars;
    in->u.var_files = (char *const *)(uintptr_t)in->var_files;
    in->u.backend_config = (char *const *)(uintptr_t)in->backend;
    pb_tf_key(out, &in->u, &in->recorded, &in->tool, (char *const *)(uintptr_t)in->env);
}

static void tree(struct inputs *in)
{
    in->u.tree_key = "t2";
}
static void path(struct inputs *in)
{
    in->u.path = "other";
}
static void workspace(struct inputs *in)
{
    in->u.workspace = "blue";
}
static void state(struct inputs *in)
{
    in->recorded.sha256[0] = 'b';
}
static void lineage(struct inputs *in)
{
    in->recorded.lineage = "M";
}
static void no_state(struct inputs *in)
{
    in->recorded = (struct pb_recorded_set){.lineage = NULL};
}
static void var_value(struct inputs *in)
{
    in->vars[0] = "x=2";
}
static void var_added(struct inputs *in)
{
    in->vars[1] = "y=1";
}
static void var_file(struct inputs *in)
{
    in->var_files[0] = "b.tfvars";
}
static void var_moved_to_files(struct inputs *in)
{
    in->var_files[1] = in->vars[0];
    in->vars[0] = NULL;
}
static void tool_version(struct inputs *in)
{
    in->tool.version = "1.11.5";
}
static void tool_kind(struct inputs *in)
{
    in->tool.tofu = true;
}
static void tool_path(struct inputs *in)
{
    in->tool.path = "/usr/bin/terraform";
}
static void tool_file(struct inputs *in)
{
    in->tool.id[1] = '2';
}
static void backend_config(struct inputs *in)
{
    in->backend[0] = "bucket=b2";
}
static void env_variable(struct inputs *in)
{
    in->env[0] = "TF_VAR_a=2";
}
static void env_region(struct inputs *in)
{
    in->env[1] = "AWS_REGION=us-east-1";
}
static void env_gone(struct inputs *in)
{
    in->env[1] = "LANG=C";
}
static void env_profile(struct inputs *in)
{
    in->env[4] = "AWS_PROFILE=prod";
}
static void cli_config(struct inputs *in)
{
    in->env[2] = config;
}
static void settings(struct inputs *in)
{
    in->u.providers = &pb_empty_map;
}
static void seal_key(struct inputs *in)
{
    in->seal.key[0] ^= 1;
}

static void sandboxed(struct inputs *in)
{
    static const struct pb_sandbox box;

    in->u.sandbox = &box;
}
static void sandboxed_with_a_host(struct inputs *in)
{
    static const char *const list[] = {"api.example", NULL};
    static struct pb_sandbox box;

    box.network = (char *const *)(uintptr_t)list;
    in->u.sandbox = &box;
}

static const struct {
    const char *name;
    void (*change)(struct inputs *in);
} rows[] = {
    {"in a sandbox", sandboxed},
    {"in a sandbox that reaches something", sandboxed_with_a_host},
    {"tree", tree},
    {"path", path},
    {"workspace", workspace},
    {"state", state},
    {"lineage", lineage},
    {"no state", no_state},
    {"var value", var_value},
    {"var added", var_added},
    {"var file", var_file},
    {"var as file", var_moved_to_files},
    {"tool version", tool_version},
    {"tool kind", tool_kind},
    {"tool path", tool_path},
    {"tool file", tool_file},
    {"backend configuration", backend_config},
    {"TF_VAR_", env_variable},
    {"AWS_REGION", env_region},
    {"AWS_REGION gone", env_gone},
    {"AWS_PROFILE", env_profile},
    {"CLI configuration", cli_config},
    {"provider settings", settings},
    {"seal", seal_key},
};

static void tf_key__every_input_changes_it(void **st)
{
    char keys[PB_COUNT(rows) + 1][PB_SHA256_HEX];
    struct inputs in;

    (void)st;
    base(&in);
    key_of(keys[PB_COUNT(rows)], &in);
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        base(&in);
        rows[i].change(&in);
        key_of(keys[i], &in);
        for (size_t j = 0; j < i; j++)
            if (strcmp(keys[i], keys[j]) == 0)
                fail_msg("'%s' has the key of '%s'", rows[i].name, rows[j].name);
        if (strcmp(keys[i], keys[PB_COUNT(rows)]) == 0)
            fail_msg("'%s' does not change the key", rows[i].name);
    }
}

static void tf_key__content_of_the_cli_configuration(void **st)
{
    char one[PB_SHA256_HEX], two[PB_SHA256_HEX];
    const char *file = strchr(config, '=') + 1;
    struct inputs in;

    (void)st;
    base(&in);
    cli_config(&in);
    key_of(one, &in);
    assert_int_equal(pb_fs_write_atomic(file, "# b", 3, 0600, NULL), 0);
    key_of(two, &in);
    assert_string_not_equal(one, two);
}

/* OpenTofu reads three places, and Terraform's file as well. */
static void tf_key__cli_configuration_of_the_home(void **st)
{
    static const struct {
        const char *name;
        bool terraform, tofu;
    } places[] = {
        {".terraformrc", true, true}, {".tofurc", false, true}, {"opentofu/tofurc", false, true}};
    PB_AUTO(str)
    char *dir =
        pb_strndup(strchr(config, '=') + 1, strlen(strchr(config, '=') + 1) - strlen("/rc"));
    PB_AUTO(str) char *home = pb_asprintf("HOME=%s", dir);
    PB_AUTO(str) char *xdg = pb_asprintf("XDG_CONFIG_HOME=%s", dir);
    PB_AUTO(str) char *folder = pb_fs_join(dir, "opentofu");

    (void)st;
    assert_int_equal(pb_fs_mkdirs(folder, 0700, NULL), 0);
    for (size_t i = 0; i < 2 * PB_COUNT(places); i++) {
        PB_AUTO(str) char *file = pb_fs_join(dir, places[i / 2].name);
        char one[PB_SHA256_HEX], two[PB_SHA256_HEX];
        struct inputs in;

        base(&in);
        in.tool.tofu = i % 2;
        in.env[2] = home;
        in.env[4] = xdg;
        key_of(one, &in);
        assert_int_equal(pb_fs_write_atomic(file, "# x", 3, 0600, NULL), 0);
        key_of(two, &in);
        assert_int_equal(unlink(file), 0);
        if ((strcmp(one, two) != 0) != (i % 2 ? places[i / 2].tofu : places[i / 2].terraform))
            fail_msg("'%s' with tool %zu", places[i / 2].name, i % 2);
    }
}

/* What does not change what is declared: order, credentials that rotate, what is dropped. */
static void tf_key__stays(void **st)
{
    char want[PB_SHA256_HEX], got[PB_SHA256_HEX];
    struct inputs in;

    (void)st;
    base(&in);
    key_of(want, &in);
    in.env[0] = "AWS_REGION=eu-west-1";
    in.env[1] = "TF_VAR_a=1";
    in.env[3] = "AWS_SECRET_ACCESS_KEY=k2";
    in.env[4] = "TF_CLI_ARGS=-destroy";
    in.env[5] = "UNRELATED=1";
    in.env[6] = "TF_LOG=trace";
    key_of(got, &in);
    assert_string_equal(want, got);
}

static void tf_key__environment(void **st)
{
    static const char *const from[] = {"PATH=/bin",
                                       "TF_CLI_ARGS_plan=-destroy",
                                       "TF_REATTACH_PROVIDERS={}",
                                       "TF_VAR_x=1",
                                       "AWS_REGION=r",
                                       "LD_PRELOAD=/x.so",
                                       "TF_WORKSPACE=w",
                                       "TF_DATA_DIR=/d",
                                       "PATHS=/no",
                                       "ACME_BETA_URL=u",
                                       "ACME=1",
                                       "ACME_OTHER=1",
                                       NULL};
    static const char key[] = "module.m.provider[\"registry.terraform.io/example/acme-beta\"].w";
    const struct pb_recorded one[] = {{.provider = key}, {.provider = key}};
    const struct pb_recorded_set recorded = {.v = one, .n = PB_COUNT(one)};
    PB_AUTO(strv) struct pb_strv names = PB_STRV_INIT;
    PB_AUTO(strv) struct pb_strv env = PB_STRV_INIT;
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_diags diags = {NULL, 0, 0};

    (void)st;
    pb_tf_env_recorded_names(&names, &recorded);
    pb_tf_env_add_name(&names, "example/ld", strlen("example/ld"));
    assert_int_equal(names.n, 1);
    pb_tf_env_build(&env, (char *const *)(uintptr_t)from, &names, "/data", "blue", &diags, a);
    assert_true(pb_strv_has(&env, "ACME_BETA_URL=u"));
    assert_false(pb_strv_has(&env, "ACME=1"));
    assert_false(pb_strv_has(&env, "ACME_OTHER=1"));
    assert_true(pb_strv_has(&env, "PATH=/bin"));
    assert_true(pb_strv_has(&env, "TF_VAR_x=1"));
    assert_true(pb_strv_has(&env, "AWS_REGION=r"));
    assert_true(pb_strv_has(&env, "TF_DATA_DIR=/data"));
    assert_true(pb_strv_has(&env, "TF_WORKSPACE=blue"));
    assert_true(pb_strv_has(&env, "TF_IN_AUTOMATION=1"));
    assert_true(pb_strv_has(&env, "CHECKPOINT_DISABLE=1"));
    for (size_t i = 0; i < env.n; i++)
        if (pb_starts_with(env.v[i], "TF_CLI_ARGS") || pb_starts_with(env.v[i], "LD_") ||
            pb_starts_with(env.v[i], "TF_REATTACH") || pb_starts_with(env.v[i], "PATHS"))
            fail_msg("'%s' was handed on", env.v[i]);
    assert_int_equal(diags.n, 4); /* those that people may have relied on */
    pb_diags_release(&diags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tf_key__every_input_changes_it),
        cmocka_unit_test(tf_key__content_of_the_cli_configuration),
        cmocka_unit_test(tf_key__cli_configuration_of_the_home),
        cmocka_unit_test(tf_key__stays),
        cmocka_unit_test(tf_key__environment),
    };
    char *work = NULL;
    int rc;

    if (pb_work_new(&work, NULL))
        return 1;
    config = pb_asprintf("TF_CLI_CONFIG_FILE=%s/rc", work);
    if (pb_fs_write_atomic(strchr(config, '=') + 1, "# a", 3, 0600, NULL))
        return 1;
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    pb_work_remove(work);
    free(work);
    free(config);
    return rc;
}
