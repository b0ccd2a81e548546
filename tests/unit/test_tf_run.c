/* The executor as a whole, with the real tool where there is one and its built-in resource. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/backend.h"
#include "backends/terraform/seen.h"
#include "backends/terraform/store.h"
#include "base/buf.h"
#include "base/child.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

static struct {
    char *top, *tree, *work, *cache, *worktree;
    struct pb_arena *arena;
    struct pb_seal seal;
    struct pb_diags diags;
    struct pb_err err;
    struct pb_unit_ctx u;
} f;

static void put(const char *dir, const char *name, const char *text)
{
    PB_AUTO(str) char *path = pb_fs_join(dir, name);
    PB_AUTO(str) char *folder = pb_strndup(path, (size_t)(strrchr(path, '/') - path));

    assert_int_equal(pb_fs_mkdirs(folder, 0700, NULL), 0);
    assert_int_equal(pb_fs_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

static char *folder(const char *name)
{
    char *path = pb_fs_join(f.top, name);

    assert_int_equal(pb_fs_mkdirs(path, 0700, NULL), 0);
    return path;
}

static int setup(void **state)
{
    PB_AUTO(str) char *key = NULL;

    (void)state;
    memset(&f, 0, sizeof(f));
    assert_int_equal(pb_work_new(&f.top, &f.err), 0);
    f.tree = folder("tree");
    f.work = folder("work");
    f.cache = folder("cache");
    f.worktree = folder("worktree");
    key = pb_fs_join(f.top, "key");
    setenv("PLUMB_STATE_DIR", f.top, 1);
    assert_int_equal(pb_seal_init(&f.seal, key, &f.err), 0);
    f.arena = pb_arena_new();
    f.u = (struct pb_unit_ctx){
        .name = "u",
        .path = "env",
        .tree = f.tree,
        .worktree = f.worktree,
        .work = f.work,
        .workspace = "default",
        .tree_key = "t1",
        .seal = &f.seal,
        .cache_dir = f.cache,
        .diags = &f.diags,
    };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pb_diags_release(&f.diags);
    pb_arena_free(f.arena);
    pb_work_remove(f.top);
    free(f.top);
    free(f.tree);
    free(f.work);
    free(f.cache);
    free(f.worktree);
    return 0;
}

static void need_terraform(void)
{
    PB_AUTO(str) char *path = pb_child_which("terraform", NULL);

    if (!path) {
        print_message("skip: terraform is not on PATH\n");
        skip();
    }
}

static bool has_diag(const char *code)
{
    for (size_t i = 0; i < f.diags.n; i++)
        if (strcmp(f.diags.v[i].code, code) == 0)
            return true;
    return false;
}

static void must(int rc)
{
    if (rc)
        fail_msg("%s", f.err.msg);
}

static void fails(int rc, enum pb_err_class cls, const char *says)
{
    assert_int_equal(rc, -1);
    if (f.err.cls != cls || !strstr(f.err.msg, says))
        fail_msg("class %d: '%s' does not say '%s'", f.err.cls, f.err.msg, says);
    pb_err_clear(&f.err);
}

static const char main_tf[] =
    "terraform {\n  cloud {\n    organization = \"none\"\n    workspaces {\n      name = \"x\"\n"
    "    }\n  }\n}\n"
    "variable \"pw\" {\n  sensitive = true\n  default = \"hush-hush\"\n}\n"
    "variable \"n\" {\n  type = number\n}\nvariable \"l\" {\n  type = list(string)\n}\n"
    "resource \"terraform_data\" \"a\" {\n  count = var.n\n"
    "  input = { pw = var.pw, l = var.l, w = terraform.workspace }\n"
    "  lifecycle {\n    ignore_changes = [triggers_replace]\n  }\n}\n"
    "module \"m\" {\n  source = \"../mod\"\n}\n";

static const char state_json[] =
    "{\"version\":4,\"terraform_version\":\"1.0.0\",\"serial\":7,\"lineage\":\"L1\",\"outputs\":{},"
    "\"resources\":[{\"mode\":\"managed\",\"type\":\"terraform_data\",\"name\":\"gone\","
    "\"provider\":\"provider[\\\"terraform.io/builtin/terraform\\\"]\",\"instances\":[{"
    "\"schema_version\":0,\"attributes\":{\"id\":\"1\",\"input\":null,\"output\":null,"
    "\"triggers_replace\":null},\"sensitive_attributes\":[]}]}],\"check_results\":null}";

static char *vars[] = {NULL, NULL, NULL};

static void write_unit(void)
{
    vars[0] = (char *)(uintptr_t) "n=2";
    vars[1] = (char *)(uintptr_t) "l=[\"x\\\"y\"]";
    f.u.vars = vars;
    put(f.tree, "env/main.tf", main_tf);
    put(f.tree, "mod/main.tf", "resource \"terraform_data\" \"b\" {\n  input = \"b\"\n}\n");
    put(f.worktree, "state.json", state_json);
    f.u.state_path = pb_arena_printf(f.arena, "%s/state.json", f.worktree);
}

static void tf_run__declares_without_the_backend(void **state)
{
    struct pb_recorded_set rec;
    struct pb_declare_result res, again;
    const struct pb_declared *d;
    bool hit;

    (void)state;
    need_terraform();
    write_unit();
    setenv("TF_CLI_ARGS_plan", "-destroy", 1);
    must(pb_terraform.record(&rec, f.arena, &f.u, &f.err));
    assert_int_equal(rec.serial, 7);
    must(pb_terraform.declare_cached(&res, &hit, f.arena, &f.u, &rec, &f.err));
    assert_false(hit);
    must(pb_terraform.declare(&res, f.arena, &f.u, &rec, &f.err));
    unsetenv("TF_CLI_ARGS_plan");
    assert_int_equal(res.declared.n, 4);
    assert_true(res.declared.complete);
    assert_false(res.from_cache);
    d = pb_declared_find(&res.declared, "terraform_data.a[1]");
    assert_non_null(d);
    assert_int_equal(d->action, PB_ACT_CREATE);
    assert_string_equal(d->ignore_changes[0], "triggers_replace");
    assert_string_equal(d->source_file, "env/main.tf");
    assert_int_equal(d->source_line, 19);
    assert_false(d->configured_opaque);
    assert_true(pb_walk(d->planned, "input.pw")->flags & PB_V_SENSITIVE);
    assert_string_equal(pb_str(pb_walk(d->planned, "input.l[0]")), "x\"y");
    assert_string_equal(pb_str(pb_walk(d->planned, "input.w")), "default");
    d = pb_declared_find(&res.declared, "module.m.terraform_data.b");
    assert_string_equal(d->source_file, "mod/main.tf");
    d = pb_declared_find(&res.declared, "terraform_data.gone");
    assert_int_equal(d->action, PB_ACT_DELETE);
    assert_non_null(pb_schema_find(&res.schemas, "terraform_data"));
    assert_true(has_diag("terraform-environment"));
    assert_false(has_diag("terraform-no-lock")); /* nothing to lock */

    f.u.tree = NULL; /* the cache needs no files */
    must(pb_terraform.declare_cached(&again, &hit, f.arena, &f.u, &rec, &f.err));
    assert_true(hit);
    assert_int_equal(again.declared.n, 4);
    d = pb_declared_find(&again.declared, "terraform_data.a[1]");
    assert_int_equal(pb_walk(d->planned, "input.pw")->kind, PB_SEALED);
}

static void tf_run__workspace(void **state)
{
    struct pb_recorded_set rec;
    struct pb_declare_result res;

    (void)state;
    need_terraform();
    write_unit();
    f.u.workspace = "blue";
    must(pb_terraform.record(&rec, f.arena, &f.u, &f.err));
    must(pb_terraform.declare(&res, f.arena, &f.u, &rec, &f.err));
    assert_int_equal(pb_declared_find(&res.declared, "terraform_data.gone")->action, PB_ACT_DELETE);
    assert_string_equal(
        pb_str(pb_walk(pb_declared_find(&res.declared, "terraform_data.a[0]")->planned, "input.w")),
        "blue");
}

static void tf_run__errors_are_terraforms_own(void **state)
{
    struct pb_recorded_set rec;
    struct pb_declare_result res;

    (void)state;
    need_terraform();
    write_unit();
    must(pb_terraform.record(&rec, f.arena, &f.u, &f.err));
    put(f.tree, "env/main.tf", "resource \"terraform_data\" \"a\" {\n  inptu = 1\n}\n");
    f.u.vars = NULL;
    fails(pb_terraform.declare(&res, f.arena, &f.u, &rec, &f.err), PB_E_TOOL,
          "Unsupported argument");
    must(pb_terraform.record(&rec, f.arena, &f.u, &f.err));
    put(f.tree, "env/main.tf", "resource \"terraform_data\" \"a\" {\n  input = 1\n");
    fails(pb_terraform.declare(&res, f.arena, &f.u, &rec, &f.err), PB_E_TOOL, "terraform init: ");
    put(f.tree, "env/main.tf",
        "variable \"pw\" {\n  sensitive = true\n  default = \"hush-hush\"\n}\n"
        "resource \"terraform_data\" \"a\" {\n  lifecycle {\n    precondition {\n"
        "      condition = var.pw == \"\"\n      error_message = \"no hush-hush here\"\n    }\n  "
        "}\n}\n");
    fails(pb_terraform.declare(&res, f.arena, &f.u, &rec, &f.err), PB_E_TOOL,
          "no (sensitive) here (main.tf line 8)");
}

static void tf_run__provider_settings_are_asked_for(void **state)
{
    const struct pb_provider_config *v;
    struct pb_recorded_set rec;
    struct pb_declare_result res;
    size_t n;

    (void)state;
    need_terraform();
    put(f.tree, "env/main.tf",
        "locals {\n  xs = [for x in [\"a\"] : upper(x)]\n}\n"
        "provider \"terraform\" {\n}\n"
        "resource \"terraform_data\" \"a\" {\n  input = local.xs[0]\n}\n");
    f.u.state_path = pb_arena_printf(f.arena, "%s/none.json", f.worktree);
    must(pb_terraform.preview_providers(&v, &n, f.arena, &f.u, &f.err));
    assert_int_equal(n, 1);
    assert_string_equal(v[0].key, "provider[\"terraform.io/builtin/terraform\"]");
    must(pb_terraform.record(&rec, f.arena, &f.u, &f.err));
    assert_null(rec.lineage);
    must(pb_terraform.declare(&res, f.arena, &f.u, &rec, &f.err));
    assert_int_equal(res.declared.nproviders, 1);
}

static void tf_run__state_is_found_by_the_text(void **state)
{
    struct pb_recorded_set rec;

    (void)state;
    put(f.tree, "env/main.tf",
        "terraform {\n  backend \"local\" {\n    path = \"x/s.json\"\n"
        "    workspace_dir = \"ws\"\n  }\n}\n");
    put(f.worktree, "env/x/s.json", state_json);
    put(f.worktree, "env/ws/blue/terraform.tfstate",
        "{\"version\":4,\"serial\":9,\"lineage\":\"L2\",\"resources\":[]}");
    f.u.tree = NULL;
    assert_int_equal(pb_terraform.record(&rec, f.arena, &f.u, &f.err), -1);
    assert_int_equal(f.err.sys, ENODATA);
    f.u.tree = f.tree;
    must(pb_terraform.record(&rec, f.arena, &f.u, &f.err));
    assert_int_equal(rec.serial, 7);
    f.u.tree = NULL; /* from now on it is remembered */
    f.u.workspace = "blue";
    must(pb_terraform.record(&rec, f.arena, &f.u, &f.err));
    assert_int_equal(rec.serial, 9);
    f.u.worktree = NULL;
    fails(pb_terraform.record(&rec, f.arena, &f.u, &f.err), PB_E_CONFIG, "set 'state'");
}

static void tf_run__pulls_what_it_cannot_read(void **state)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    static char *config[] = {NULL, NULL};
    struct pb_recorded_set rec;
    struct pb_tf_backend be;
    bool none = true;

    (void)state;
    need_terraform();

    /* The provider cannot be had from anywhere: pulling does not ask for it. */
    put(f.tree, "env/main.tf",
        "terraform {\n  required_providers {\n    none = {\n      source = \"e.invalid/x/none\"\n"
        "    }\n  }\n  backend \"local\" {\n  }\n}\nprovider \"none\" {}\n");
    put(f.worktree, "env/s\"1.tfstate", state_json);
    config[0] = pb_arena_printf(f.arena, "path=%s/env/s\"1.tfstate", f.worktree);
    f.u.backend_config = config;
    must(pb_tf_backend_find(&be, f.arena, &f.u, &f.err));
    must(pb_tf_store_pull(&text, &none, f.arena, &be, &f.u, &f.err));
    assert_false(none);
    assert_non_null(strstr(text.s, "\"lineage\": \"L1\""));
    must(pb_terraform.record(&rec, f.arena, &f.u, &f.err));
    put(f.tree, "env/main.tf", "terraform {\n  backend \"nonesuch\" {\n  }\n}\n");
    f.u.backend_config = NULL;
    f.u.tree_key = "t2";
    fails(pb_terraform.record(&rec, f.arena, &f.u, &f.err), PB_E_TOOL, "nonesuch");
}

static void tf_run__remembers_the_state_it_saw(void **state)
{
    static const struct {
        const char *lineage;
        int64_t serial;
        const char *sha, *says; /* NULL: fine */
    } rows[] = {
        {"L1", 5, "a", NULL},           {"L1", 5, "a", NULL},
        {"L1", 6, "b", NULL},           {"L1", 5, "a", "serial 5 and plumb has seen 6"},
        {"L2", 9, "c", "lineage 'L2'"}, {NULL, 0, "", "is gone"},
        {"L1", 6, "edited", NULL},      {"L1", 7, "d", NULL},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_recorded_set s = {.lineage = rows[i].lineage, .serial = rows[i].serial};
        int rc;
        snprintf(s.sha256, sizeof(s.sha256), "%s", rows[i].sha);
        rc = pb_tf_seen_check(&s, "id", "s.tfstate", false, &f.diags, f.arena, &f.err);
        if (rows[i].says) {
            assert_non_null(strstr(f.err.msg, "--accept-state"));
            fails(rc, PB_E_REFUSED, rows[i].says);
        } else {
            must(rc);
        }
    }
    assert_true(has_diag("state-edited"));
    struct pb_recorded_set old = {.lineage = "L9", .serial = 1, .sha256 = "x"};
    must(pb_tf_seen_check(&old, "id", "s", true, &f.diags, f.arena, &f.err));
    must(pb_tf_seen_check(&old, "id", "s", false, &f.diags, f.arena, &f.err));
    struct pb_recorded_set none = {.lineage = NULL};
    must(pb_tf_seen_check(&none, "id", "s", true, &f.diags, f.arena, &f.err));
    must(pb_tf_seen_check(&none, "id", "s", false, &f.diags, f.arena, &f.err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tf_run__declares_without_the_backend, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_run__workspace, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_run__errors_are_terraforms_own, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_run__provider_settings_are_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_run__state_is_found_by_the_text, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_run__pulls_what_it_cannot_read, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_run__remembers_the_state_it_saw, setup, teardown),
    };

    unsetenv("TF_CLI_ARGS");
    unsetenv("TF_WORKSPACE");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
