#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "backends/terraform/plan.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/text.h"
#include "model/json.h"
#include "tests/support/values.h"

static struct pb_arena *arena;
static struct pb_err err;
static struct pb_diags diags;

static int setup(void **state)
{
    (void)state;
    arena = pb_arena_new();
    pb_err_clear(&err);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pb_diags_release(&diags);
    pb_arena_free(arena);
    return 0;
}

static int parse(struct pb_tf_plan *plan, const char *text, const struct pb_tf_hints *hints)
{
    struct pb_tf_plan_in in = {.what = "the plan", .hints = hints, .diags = &diags};

    return pb_tf_plan_parse(plan, arena, text, strlen(text), &in, &err);
}

static void load(struct pb_tf_plan *plan, const char *path, const struct pb_tf_hints *hints)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

    assert_int_equal(pb_fs_read(&text, path, PB_TF_PLAN_MAX, &err), 0);
    if (parse(plan, text.s, hints))
        fail_msg("%s", err.msg);
}

static const struct pb_declared *get(const struct pb_tf_plan *plan, const char *address)
{
    const struct pb_declared *d = pb_declared_find(&plan->declared, address);

    assert_non_null(d);
    return d;
}

static void tf_plan__real_builtin(void **state)
{
    struct pb_tf_plan plan;
    const struct pb_declared *d;

    (void)state;
    load(&plan, "fixtures/plans/builtin.json", NULL);
    assert_int_equal(plan.declared.n, 7);
    assert_true(plan.declared.complete);
    assert_false(plan.errored || plan.has_data);
    assert_true(pb_get(plan.variables, "pw")->flags & PB_V_SENSITIVE);

    d = get(&plan, "terraform_data.counted[1]");
    assert_int_equal(d->action, PB_ACT_REPLACE);
    assert_string_equal(d->provider, "provider[\"terraform.io/builtin/terraform\"]");
    assert_string_equal(d->replace_paths[0], "triggers_replace");
    assert_null(d->replace_paths[1]);
    assert_true(pb_is(pb_get(d->planned, "id"), PB_UNKNOWN));
    assert_true(pb_walk(d->planned, "input.secret")->flags & PB_V_SENSITIVE);
    assert_true(pb_walk(d->prior, "input.secret")->flags & PB_V_SENSITIVE);
    assert_json(d->configured, "{\"input\":true,\"triggers_replace\":true}");

    /* A function of constants refers to nothing, and is configured; a null is not. */
    d = get(&plan, "terraform_data.fn");
    assert_int_equal(d->action, PB_ACT_CREATE);
    assert_null(d->prior);
    assert_json(d->configured, "{\"input\":true}");

    d = get(&plan, "terraform_data.gone");
    assert_int_equal(d->action, PB_ACT_DELETE);
    assert_null(d->planned);
    assert_null(d->configured);
    assert_string_equal(d->provider, "provider[\"terraform.io/builtin/terraform\"]");

    d = get(&plan, "terraform_data.new");
    assert_int_equal(d->action, PB_ACT_NONE);
    assert_string_equal(d->previous_address, "terraform_data.old");
    assert_json(get(&plan, "module.m[\"a.b\"].terraform_data.in")->configured, "{\"input\":true}");
    /* The provisioner is spoken of once, though there are two instances. */
    assert_int_equal(diags.n, 1);
    assert_string_equal(diags.v[0].code, "terraform-provisioner");
}

static const struct pb_tf_hint *find_hint(void *ctx, const char *module, const char *type,
                                          const char *name)
{
    static const char *const ignore[] = {"tags[\"x\"]", "description", NULL};
    static struct pb_tf_hint hint = {.ignore_changes = ignore};
    const struct pb_value *dynamic;

    (void)ctx;
    if (strcmp(module, "") != 0 || strcmp(type, "aws_security_group") != 0 ||
        strcmp(name, "a") != 0)
        return NULL;
    assert_int_equal(
        pb_json_parse(&dynamic, arena, "{\"ingress\":{\"from_port\":true}}", 30, "dynamic", NULL),
        0);
    hint.dynamic = dynamic;
    return &hint;
}

static void tf_plan__real_aws(void **state)
{
    const struct pb_tf_hints hints = {find_hint, NULL};
    struct pb_tf_plan plan;
    const struct pb_declared *d;

    (void)state;
    load(&plan, "fixtures/plans/aws.json", &hints);
    d = get(&plan, "aws_security_group.a");
    assert_json(d->configured, "{\"description\":true,\"egress\":true,\"ingress\":["
                               "{\"from_port\":true},{\"from_port\":true}],\"name\":true,"
                               "\"timeouts\":[{\"create\":true}]}");
    assert_false(d->configured_opaque);
    assert_string_equal(d->ignore_changes[0], "tags[\"x\"]");
    d = get(&plan, "module.m.aws_vpc.v");
    assert_true(d->configured_opaque); /* no hint for it */
    assert_string_equal(d->provider, "provider[\"registry.terraform.io/hashicorp/aws\"].west");
    assert_string_equal(get(&plan, "module.m.aws_vpc.w")->provider,
                        "provider[\"registry.terraform.io/hashicorp/aws\"]");
    assert_true(pb_get(get(&plan, "aws_db_instance.d")->planned, "password")->flags &
                PB_V_SENSITIVE);
}

static void tf_plan__actions(void **state)
{
    static const struct {
        const char *json;
        enum pb_action action;
    } rows[] = {
        {"[\"no-op\"]", PB_ACT_NONE},
        {"[\"create\"]", PB_ACT_CREATE},
        {"[\"read\"]", PB_ACT_READ},
        {"[\"update\"]", PB_ACT_UPDATE},
        {"[\"delete\"]", PB_ACT_DELETE},
        {"[\"forget\"]", PB_ACT_FORGET},
        {"[\"delete\",\"create\"]", PB_ACT_REPLACE},
        {"[\"create\",\"delete\"]", PB_ACT_REPLACE},
        {"[\"create\",\"forget\"]", PB_ACT_REPLACE},
        {"[\"delete\",\"forget\"]", PB_ACT_DELETE},
        {"[\"no-op\",\"update\"]", PB_ACT_UNKNOWN},
        {"[\"teleport\"]", PB_ACT_UNKNOWN},
        {"[]", PB_ACT_UNKNOWN},
        {"\"create\"", PB_ACT_UNKNOWN},
        {"[1]", PB_ACT_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        const struct pb_value *v;
        assert_int_equal(
            pb_json_parse(&v, arena, rows[i].json, strlen(rows[i].json), "actions", &err), 0);
        if (pb_tf_action(v) != rows[i].action)
            fail_msg("%s is %s", rows[i].json, pb_action_name(pb_tf_action(v)));
    }
}

#define PLAN(version, more) \
    "{\"format_version\":\"" version "\",\"terraform_version\":\"1.9.0\"" more "}"
#define CHANGE(addr)                                                                \
    "{\"address\":\"" addr "\",\"mode\":\"managed\",\"type\":\"t\",\"name\":\"n\"," \
    "\"change\":{\"actions\":[\"no-op\"],\"before\":{},\"after\":{}}}"

static void tf_plan__refuses(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"{}", "not the JSON form"},
        {"{\"format_version\":\"1.0\"}", "not the JSON form"},
        {PLAN("2.0", ""), "newer plumb"},
        {PLAN("10.0", ""), "newer plumb"},
        {PLAN("1.2", ",\"resource_changes\":[{}]"), "without address"},
        {PLAN("1.2", ",\"resource_changes\":[" CHANGE("a.b") "," CHANGE("a.b") "]"), "twice"},
        {"{\"format_version\":", "the plan"},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_tf_plan plan;
        pb_err_clear(&err);
        assert_int_equal(parse(&plan, rows[i].text, NULL), -1);
        if (!strstr(err.msg, rows[i].says))
            fail_msg("'%s' does not say '%s'", err.msg, rows[i].says);
    }
}

#define RUNNING                                                                                   \
    PLAN("1.2", ",\"resource_changes\":[{\"address\":\"t.n[0]\",\"mode\":\"managed\","            \
                "\"type\":\"t\",\"name\":\"n\",\"change\":{\"actions\":[\"create\"],"             \
                "\"before\":null,\"after\":{}}}],\"configuration\":{\"root_module\":{"            \
                "\"resources\":[{\"address\":\"t.n\",\"mode\":\"managed\",\"type\":\"t\","        \
                "\"name\":\"n\",\"provisioners\":[{\"type\":\"local-exec\"},{\"type\":\"file\"}]" \
                "}]}},\"action_invocations\":[{\"address\":\"action.a.b\",\"type\":\"a\","        \
                "\"name\":\"b\",\"lifecycle_action_trigger\":{"                                   \
                "\"triggering_resource_address\":\"t.n[0]\"}},"                                   \
                "{\"address\":\"module.m[0].action.a.c\",\"type\":\"a\",\"name\":\"c\","          \
                "\"invoke_action_trigger\":{}}]")

static const struct pb_tf_hint *find_runs(void *ctx, const char *module, const char *type,
                                          const char *name)
{
    static const struct pb_side_effect runs[] = {{.what = "local-exec", .on_create = true},
                                                 {.what = "file", .on_destroy = true}};
    static const struct pb_tf_hint resource = {
        .file = "main.tf", .line = 3, .last_line = 8, .effects = runs, .neffects = 2};
    static const struct pb_tf_hint action = {.file = "m/a.tf", .line = 1, .last_line = 2};

    (void)ctx;
    if (strcmp(type, "t") == 0)
        return &resource;
    return strcmp(type, "action.a") == 0 && strcmp(name, "c") == 0 && strcmp(module, "m") == 0
               ? &action
               : NULL;
}

static void tf_plan__what_it_starts(void **state)
{
    const struct pb_tf_hints hints = {find_runs, NULL};
    const struct pb_side_effect *e;
    struct pb_tf_plan plan;

    (void)state;
    assert_int_equal(parse(&plan, RUNNING, &hints), 0);
    assert_int_equal(get(&plan, "t.n[0]")->neffects, 3);
    e = get(&plan, "t.n[0]")->effects;
    assert_true(e[0].on_create && !e[0].on_destroy && !e[1].on_create && e[1].on_destroy);
    assert_string_equal(e[0].file, "main.tf");
    assert_int_equal(e[1].last_line, 8);
    assert_string_equal(e[2].what, "action.a.b");
    assert_true(e[2].invoked && !e[2].file);
    assert_int_equal(plan.declared.neffects, 1);
    assert_string_equal(plan.declared.effects[0].what, "module.m[0].action.a.c");
    assert_string_equal(plan.declared.effects[0].file, "m/a.tf");
    /* Without the text nobody knows when they run. */
    assert_int_equal(parse(&plan, RUNNING, NULL), 0);
    e = get(&plan, "t.n[0]")->effects;
    assert_true(e[0].on_create && e[0].on_destroy && e[1].on_create && e[1].on_destroy);
    assert_null(e[0].file);
    assert_int_equal(parse(&plan, PLAN("1.2", ",\"action_invocations\":[{}]"), NULL), -1);
    assert_non_null(strstr(err.msg, "without an address"));
}

static void tf_plan__completeness(void **state)
{
    static const struct {
        const char *more;
        bool complete, errored;
    } rows[] = {
        {"", true, false}, /* OpenTofu says nothing */
        {",\"complete\":true,\"errored\":false", true, false},
        {",\"complete\":false,\"errored\":true", false, true},
        {",\"errored\":true", false, true},
        {",\"deferred_changes\":[{}]", false, false},
        {",\"deferred_action_invocations\":[{}]", false, false},
        {",\"complete\":false", false, false},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
        struct pb_tf_plan plan;
        pb_buf_addf(&text, PLAN("1.3", "%s"), rows[i].more);
        assert_int_equal(parse(&plan, text.s, NULL), 0);
        assert_int_equal(plan.declared.complete, rows[i].complete);
        assert_int_equal(plan.errored, rows[i].errored);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tf_plan__real_builtin, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_plan__real_aws, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_plan__actions, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_plan__refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_plan__what_it_starts, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_plan__completeness, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
