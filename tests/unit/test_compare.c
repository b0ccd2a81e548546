#include "model/json.h"
#include "model/schema.h"
#include "model/path.h"
#include "reconcile/compare.h"
#include "reconcile/echo.h"
#include "reconcile/explain.h"
#include "reconcile/ignore.h"
#include "tests/support/values.h"

/* The type written as Terraform writes it. */
static const struct pb_type *type(struct pb_arena *a, const char *text)
{
    const struct pb_schema *s;
    struct pb_buf b = PB_BUF_INIT;

    pb_buf_addf(&b, "{'block':{'attributes':{'x':{'type':%s}}}}", text);
    assert_int_equal(pb_schema_from_json(&s, a, "t", json_marked(a, b.s), NULL), 0);
    pb_buf_release(&b);
    return pb_type_field(s->root, "x")->type;
}

#define OBJ "['set',['object',{'a':'number','b':'string','c':['list','string']}]]"

static void compare__pairs(void **state)
{
    static const struct {
        const char *type, *a, *b;
        unsigned flags;
        bool same;
    } rows[] = {
        {"'string'", "'a'", "'a'", 0, true},
        {"'string'", "'a'", "'A'", 0, false},
        {"'string'", "null", "''", 0, true},
        {"'string'", "null", "''", PB_SAME_ELEMENT, false},
        {"'string'", "'5'", "5.0", 0, true},
        {"'string'", "'true'", "true", 0, true},
        {"'number'", "1e2", "100.0", 0, true},
        {"'number'", "'007'", "7", 0, false},
        {"'number'", "'7.0'", "7", 0, true},
        {"'number'", "'7.0'", "'7'", 0, true},
        {"'number'", "9007199254740993", "9007199254740992", 0, false},
        {"'number'", "null", "0", 0, false},
        {"'number'", "null", "0", PB_SAME_ZERO_IS_NULL, true},
        {"'bool'", "null", "false", PB_SAME_ZERO_IS_NULL, true},
        {"'bool'", "null", "true", PB_SAME_ZERO_IS_NULL, false},
        {"'bool'", "'false'", "false", 0, true},
        {"['list','string']", "null", "[]", 0, true},
        {"['list','string']", "['a','b']", "['b','a']", 0, false},
        {"['set','string']", "['a','b']", "['b','a']", 0, true},
        {"['set','string']", "['a','a','b']", "['b','a','b']", 0, false},
        {"['set','number']", "[1,2.0]", "['2',1.0]", 0, true},
        {"['map','string']", "{'a':null}", "{}", 0, true},
        {"['map','string']", "{'a':''}", "{}", 0, false},
        {"['map','string']", "{'a':'x'}", "{'b':'x'}", 0, false},
        {OBJ, "[{'a':1,'b':''},{'a':2}]", "[{'a':2,'c':[]},{'a':1}]", 0, true},
        {OBJ, "[{'a':1},{'a':2}]", "[{'a':2},{'a':3}]", 0, false},
        {"'dynamic'", "{'a':[1]}", "{'a':[1.0],'b':null}", 0, true},
        {"'dynamic'", "[1]", "{'a':1}", 0, false},
        {"'string'", "'{\\u0022a\\u0022: 1}'", "'{\\u0022a\\u0022:1.0}'", 0, true},
        {"'string'", "'[1,2]'", "'[2,1]'", 0, false},
        {"'string'", "'{broken'", "'{broken '", 0, false},
        {"'string'", "{'$unknown':null}", "{'$unknown':null}", 0, false},
        {"'string'", "{'$unknown':null}", "'a'", PB_SAME_UNKNOWN_MATCHES, true},
    };
    const struct pb_compare c = {.scratch = *state};

    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        const struct pb_type *t = type(*state, rows[i].type);
        const struct pb_value *a = json_marked(*state, rows[i].a),
                              *b = json_marked(*state, rows[i].b);
        if (pb_same(&c, t, a, b, rows[i].flags) != rows[i].same ||
            pb_same(&c, t, b, a, rows[i].flags) != rows[i].same)
            fail_msg("%s and %s as %s", rows[i].a, rows[i].b, rows[i].type);
        if (!(rows[i].flags & PB_SAME_UNKNOWN_MATCHES)) { /* keys say the same */
            struct pb_buf x = PB_BUF_INIT, y = PB_BUF_INIT;
            pb_same_key(&x, &c, t, a, rows[i].flags);
            pb_same_key(&y, &c, t, b, rows[i].flags);
            if ((strcmp(x.s, y.s) == 0) != rows[i].same)
                fail_msg("keys of %s and %s as %s: %s %s", rows[i].a, rows[i].b, rows[i].type, x.s,
                         y.s);
            pb_buf_release(&x);
            pb_buf_release(&y);
        }
    }
}

/* Sets of 20,000 elements: comparing pairs would take 400 million steps. */
static void compare__big_sets(void **state)
{
    enum { N = 20000 };
    const struct pb_compare c = {.scratch = *state};
    const struct pb_type *t = type(*state, OBJ);
    struct pb_list_builder up = PB_BUILDER_INIT, down = PB_BUILDER_INIT;
    struct pb_value a, b;

    for (int i = 0; i < N; i++) {
        struct pb_map_builder x = PB_BUILDER_INIT, y = PB_BUILDER_INIT;
        pb_map_add(&x, "a", pb_mk_int(*state, i));
        pb_map_add(&y, "a", pb_mk_int(*state, N - 1 - i));
        pb_list_add(&up, pb_map_done(&x, *state));
        pb_list_add(&down, pb_map_done(&y, *state));
    }
    a = pb_list_done(&up, *state);
    b = pb_list_done(&down, *state);
    assert_true(pb_same(&c, t, &a, &b, 0));
    b.n--;
    a.n--;
    assert_false(pb_same(&c, t, &a, &b, 0));
}

static void compare__sealed(void **state)
{
    static const struct pb_seal s = {.key = {7}, .ready = true};
    const struct pb_compare with = {.scratch = *state, .seal = &s}, without = {.scratch = *state};
    const struct pb_type *t = type(*state, "'string'");
    struct pb_value v = pb_mk_string(*state, "x"), other = pb_mk_string(*state, "y");
    struct pb_value empty = pb_mk_string(*state, ""), sealed = pb_seal_value(&s, *state, &v);
    struct pb_value sealed_empty = pb_seal_value(&s, *state, &empty);

    assert_true(pb_same(&with, t, &sealed, &v, 0));
    assert_true(pb_same(&with, t, &v, &sealed, 0));
    assert_false(pb_same(&with, t, &sealed, &other, 0));
    assert_false(pb_same(&without, t, &sealed, &v, 0));
    assert_true(pb_same(&without, t, &sealed, &sealed, 0));
    assert_true(pb_same(&with, t, &sealed_empty, NULL, 0));
}

static void policydoc__same_meaning(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"{'Statement':[{'Effect':'Allow','Action':'a'}]}",
         "{'Statement':{'Action':['a'],'Effect':'Allow'}}", true},
        {"{'Statement':[{'Effect':'Allow','Action':['a','b'],'Resource':['x','y']}]}",
         "{'Statement':[{'Effect':'Allow','Action':['b','a','a'],'Resource':['y','x']}]}", true},
        {"{'Statement':[{'Effect':'Allow','Principal':{'AWS':'123456789012'}}]}",
         "{'Statement':[{'Effect':'Allow','Principal':{'AWS':['arn:aws:iam::123456789012:root']}}]"
         "}",
         true},
        {"{'Statement':[{'Effect':'Allow','Principal':{'AWS':'123456789012'}}]}",
         "{'Statement':[{'Effect':'Allow','Principal':{'AWS':'arn:aws:iam::123456789012:user/"
         "x'}}]}",
         false},
        /* Anybody at all, and whoever has an account: S3 documents the difference. */
        {"{'Statement':[{'Effect':'Allow','Principal':'*'}]}",
         "{'Statement':[{'Effect':'Allow','Principal':{'AWS':'*'}}]}", false},
        {"{'Statement':[{'Effect':'Allow','Principal':'*','Action':'sts:AssumeRole'}]}",
         "{'Statement':[{'Effect':'Allow','Principal':{'AWS':'*'},'Action':['sts:AssumeRole']}]}",
         true},
        {"{'Statement':[{'Effect':'Allow','Principal':'*','Action':['sts:AssumeRole','s3:*']}]}",
         "{'Statement':[{'Effect':'Allow','Principal':{'AWS':'*'},'Action':['s3:*','sts:AssumeRole'"
         "]}]}",
         false},
        {"{'Statement':[{'Effect':'Allow','Principal':{'AWS':'*'}}]}",
         "{'Statement':[{'Effect':'Allow','Principal':{'AWS':['*']}}]}", true},
        {"{'Statement':[{'Effect':'Allow','Condition':{'Bool':{'k':true}}}]}",
         "{'Statement':[{'Effect':'Allow','Condition':{'Bool':{'k':['true']}}}]}", true},
        {"{'Statement':[{'Effect':'Allow','Action':'a'},{'Effect':'Deny','Action':'b'}]}",
         "{'Statement':[{'Effect':'Deny','Action':'b'},{'Effect':'Allow','Action':'a'}]}", true},
        {"{'Statement':[{'Effect':'Allow','Action':'a'}]}",
         "{'Statement':[{'Effect':'Deny','Action':'a'}]}", false},
        {"{'Statement':[{'Effect':'Allow','Action':'a'}]}",
         "{'Statement':[{'Effect':'Allow','NotAction':'a'}]}", false},
        {"{'Version':'1','Statement':[]}", "{'Version':'2','Statement':[]}", false},
        {"{'Statement':[{'Sid':'','Effect':'Allow'}]}", "{'Statement':[{'Effect':'Allow'}]}", true},
        {"{'Other':['a','b']}", "{'Other':['b','a']}", false},
    };
    const struct pb_compare c = {.scratch = *state};

    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_buf x = PB_BUF_INIT, y = PB_BUF_INIT;
        struct pb_value a, b;
        pb_json_add(&x, json_marked(*state, rows[i].a));
        pb_json_add(&y, json_marked(*state, rows[i].b));
        a = pb_mk_string(*state, x.s);
        b = pb_mk_string(*state, y.s);
        if (pb_same(&c, type(*state, "'string'"), &a, &b, 0) != rows[i].same)
            fail_msg("%s and %s", rows[i].a, rows[i].b);
        pb_buf_release(&x);
        pb_buf_release(&y);
    }
}

static void echo__paths(void **state)
{
    (void)state;
    assert_true(pb_path_covers("tags", "tags.a"));
    assert_true(pb_path_covers("tags", "tags"));
    assert_true(pb_path_covers("tags[\"a\"]", "tags.a"));
    assert_true(pb_path_covers("tags.a", "tags[\"a\"]"));
    assert_true(pb_path_covers("rule[*].port", "rule[3].port"));
    assert_true(pb_path_covers("*", "anything[0]"));
    assert_false(pb_path_covers("tag", "tags"));
    assert_false(pb_path_covers("tags.a", "tags"));
    assert_false(pb_path_covers("rule[1].port", "rule[3].port"));
    assert_false(pb_path_covers("a.b", "a[\"b.c\"]"));
}

static void ignore__rules(void **state)
{
    static const char text[] =
        "[{'address':'module.legacy','reason':'old'},{'address':'t.a','path':'tags'},"
        "{'path':'/.*_version/'},{'address':'/t\\\\.b\\\\[[0-9]+\\\\]/'}]";
    struct pb_ignore_set *s = NULL;

    assert_int_equal(pb_ignore_parse(&s, json_marked(*state, text), "plumb.yaml", NULL), 0);
    assert_string_equal(pb_ignore_resource(s, "module.legacy[\"x\"].t.a"), "old");
    assert_null(pb_ignore_resource(s, "module.legacy2.t.a"));
    assert_non_null(pb_ignore_resource(s, "t.b[12]"));
    assert_null(pb_ignore_resource(s, "t.b[12].x"));
    assert_null(pb_ignore_resource(s, "t.a"));
    assert_non_null(pb_ignore_attribute(s, "t.a[0]", "tags.x"));
    assert_null(pb_ignore_attribute(s, "t.c", "tags.x"));
    assert_non_null(pb_ignore_attribute(s, "t.c", "engine_version"));
    assert_null(pb_ignore_attribute(s, "t.c", "engine_version_id"));
    pb_ignore_free(s);
}

/* Nothing may be hidden because a pattern failed, and nobody may wait for it. */
static void ignore__a_pattern_that_explodes(void **state)
{
    struct pb_ignore_set *s = NULL;
    struct pb_diags d = {NULL, 0, 0};

    assert_int_equal(
        pb_ignore_parse(&s, json_marked(*state, "[{'address':'/(a+)+[xy]/'}]"), "plumb.yaml", NULL),
        0);
    assert_null(pb_ignore_resource(s, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaq"));
    assert_null(pb_ignore_resource(s, "aax"));
    pb_ignore_problems(s, &d, *state);
    assert_int_equal(d.n, 1);
    assert_string_equal(d.v[0].code, "ignore-rule");
    pb_diags_release(&d);
    pb_ignore_free(s);
}

static void ignore__refuses(void **state)
{
    static const char *const bad[] = {
        "{}", "[1]", "[{}]", "[{'address':'/(/'}]", "[{'path':1}]",
        /* a wildcard, which once protected and ignored nothing, without a word */
        "[{'address':'aws_db_*.main'}]", "[{'path':'labels.*'}]", "[{'path':'a[\\\"]\\\"].*'}]"};
    static const char *const good = "[{'address':'a.b[\\\"*.x\\\"]','path':'rule[*].port'}]";
    struct pb_ignore_set *fine = NULL;

    for (size_t i = 0; i < PB_COUNT(bad); i++) {
        struct pb_ignore_set *s = NULL;
        struct pb_err err = PB_ERR_INIT;
        assert_int_equal(pb_ignore_parse(&s, json_marked(*state, bad[i]), "plumb.yaml", &err), -1);
        assert_true(strncmp(err.msg, "plumb.yaml:", 11) == 0);
        assert_null(s);
    }
    assert_int_equal(pb_ignore_parse(&fine, json_marked(*state, good), "plumb.yaml", NULL), 0);
    pb_ignore_free(fine);
}

static void explain__one_resource(void **state)
{
    const struct pb_value *a = json_marked(*state, "{'name':'a'}"),
                          *b = json_marked(*state, "{'name':'b'}");
    const char *const replace[] = {"name", NULL};
    const struct pb_declared d = {
        .address = "t.x", .type = "t", .planned = a, .configured = a, .replace_paths = replace};
    const struct pb_recorded r = {.address = "t.x", .type = "t", .attributes = a};
    const struct pb_live l = {.address = "t.x", .presence = PB_P_KNOWN, .attributes = b};
    const struct pb_declared_set ds = {.v = &d, .n = 1, .complete = true};
    const struct pb_recorded_set rs = {.v = &r, .n = 1};
    const struct pb_live_set ls = {.v = &l, .n = 1};
    const struct pb_reconcile_in in = {
        .declared = &ds, .recorded = &rs, .live = &ls, .baseline = &ls};
    struct pb_explanation e;

    assert_int_equal(pb_explain(&e, *state, &in, "t.x"), 0);
    assert_int_equal(e.result->verdict, PB_DRIFTED);
    assert_int_equal(e.nattrs, 1);
    assert_true(e.attrs[0].git_decides && e.attrs[0].replaces);
    assert_string_equal(pb_str(e.attrs[0].baseline), "b");
    assert_string_equal(e.apply_would, "revert an outside change");
    assert_int_equal(pb_explain(&e, *state, &in, "t.y"), -1);
    assert_string_equal(e.nearest, "t.x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(compare__pairs, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(compare__big_sets, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(compare__sealed, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(policydoc__same_meaning, arena_setup, arena_teardown),
        cmocka_unit_test(echo__paths),
        cmocka_unit_test_setup_teardown(ignore__rules, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(ignore__a_pattern_that_explodes, arena_setup,
                                        arena_teardown),
        cmocka_unit_test_setup_teardown(ignore__refuses, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(explain__one_resource, arena_setup, arena_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
