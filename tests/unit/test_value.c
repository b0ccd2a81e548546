#include "model/json.h"
#include "model/number.h"
#include "model/path.h"
#include "model/snapshot.h"
#include "model/verdict.h"
#include "tests/support/values.h"

/* In ascending order; equal ones stand together. */
static const char *const numbers[][3] = {
    {"-1e3", "-1000", "-1000.000"},
    {"-1.5", "-15e-1", "-0.15e1"},
    {"0", "-0", "0.000e5"},
    {"1e-999999999", "0.1e-999999998", "1.0e-999999999"},
    {"0.1", "1e-1", "0.10"},
    {"9007199254740993", "9007199254740993.0", "9.007199254740993e15"},
    {"9007199254740994", "9007199254740994", "90071992547409940e-1"},
    {"123456789012345678901234567890", "1.2345678901234567890123456789e29",
     "123456789012345678901234567890.0"},
    {"1e999999999", "10e999999998", "100e999999997"},
};

static void value__numbers_compare_by_value(void **state)
{
    (void)state;
    for (size_t i = 0; i + 1 < PB_COUNT(numbers); i++)
        for (size_t k = 0; k < 3; k++)
            for (size_t m = 0; m < 3; m++) {
                assert_int_equal(pb_number_cmp(numbers[i][k], numbers[i][m]), 0);
                assert_true(pb_number_cmp(numbers[i][k], numbers[i + 1][m]) < 0);
                assert_true(pb_number_cmp(numbers[i + 1][m], numbers[i][k]) > 0);
            }
}

static void value__equal_numbers_have_one_canonical_form(void **state)
{
    (void)state;
    for (size_t i = 0; i + 1 < PB_COUNT(numbers); i++) {
        struct pb_buf a = PB_BUF_INIT, b = PB_BUF_INIT;
        pb_number_add_canonical(&a, numbers[i][0]);
        pb_number_add_canonical(&b, numbers[i][2]);
        assert_string_equal(a.s, b.s);
        assert_true(pb_number_valid(a.s, a.len));
        pb_buf_release(&a);
        pb_buf_release(&b);
    }
}

static void value__number_syntax(void **state)
{
    static const char *const bad[] = {"",   "-",   "01",   "1.",   ".5",           "1e",
                                      "+1", "1e+", "0x10", "1e1 ", "1e1234567890", "NaN"};

    (void)state;
    for (size_t i = 0; i < PB_COUNT(bad); i++)
        if (pb_number_valid(bad[i], strlen(bad[i])))
            fail_msg("'%s' is taken for a number", bad[i]);
    assert_true(pb_number_valid("-0.5E+10", 8));
}

static void value__integers(void **state)
{
    const struct pb_value *v = json(*state, "{\"a\":5e3,\"b\":1.5,\"c\":9223372036854775807,"
                                            "\"d\":9223372036854775808,\"e\":\"1\"}");
    int64_t n = 0;

    assert_int_equal(pb_get_int(&n, v, "a"), -1); /* strtoll stops at e, and 5 is not 5000 */
    assert_int_equal(pb_get_int(&n, v, "b"), -1);
    assert_int_equal(pb_get_int(&n, v, "c"), 0);
    assert_true(n == INT64_MAX);
    assert_int_equal(pb_get_int(&n, v, "d"), -1);
    assert_int_equal(pb_get_int(&n, v, "e"), -1);
    assert_int_equal(pb_get_int(&n, v, "f"), -1);
}

static void value__the_last_of_a_key_stays(void **state)
{
    struct pb_map_builder b = PB_BUILDER_INIT;
    struct pb_value v;

    pb_map_add(&b, "z", pb_mk_int(*state, 1));
    pb_map_add(&b, "a", pb_mk_int(*state, 2));
    pb_map_add(&b, "z", pb_mk_int(*state, 3));
    v = pb_map_done(&b, *state);
    assert_json(&v, "{\"a\":2,\"z\":3}");
}

static void value__walk(void **state)
{
    const struct pb_value *v = json(*state, "{\"a\":[{\"b\":1},{\"x.y\":2}]}");

    assert_json(pb_walk(v, "a[0].b"), "1");
    assert_json(pb_walk(v, "a[1][\"x.y\"]"), "2");
    assert_null(pb_walk(v, "a[2]"));
    assert_null(pb_walk(v, "a[0].b.c"));
    assert_null(pb_walk(v, "a["));
    assert_null(pb_get(NULL, "a"));
    assert_int_equal(pb_len(NULL), 0);
}

static void value__unknown_equals_nothing(void **state)
{
    const struct pb_value *a = json(*state, "[1,{\"a\":null}]");
    const struct pb_value *b = json(*state, "[1.0,{\"a\":null}]");

    assert_true(pb_value_equal(a, b));
    assert_int_equal(pb_value_cmp(a, b), 0);
    assert_false(pb_value_equal(&pb_unknown, &pb_unknown));
    assert_false(pb_value_equal(NULL, &pb_null));
    assert_true(pb_value_equal(NULL, NULL));
}

static void value__a_copy_outlives_its_source(void **state)
{
    struct pb_arena *a = pb_arena_new();
    struct pb_value v = pb_value_copy(*state, json(a, "{\"a\":[\"x\",1,{}]}"));

    pb_arena_free(a);
    assert_json(&v, "{\"a\":[\"x\",1,{}]}");
}

static void value__masks(void **state)
{
    const struct pb_value *v = json(*state, "{\"a\":{\"b\":1,\"c\":2},\"l\":[1,2],\"n\":null}");
    struct pb_value s =
        pb_mark_sensitive(*state, v, json(*state, "{\"a\":{\"b\":true},\"l\":true}"));
    struct pb_value u = pb_mark_unknown(
        *state, v,
        json(*state, "{\"a\":{\"c\":true,\"d\":true},\"l\":[false,true],\"n\":{\"x\":true},"
                     "\"new\":true,\"no\":false}"));
    struct pb_buf b = PB_BUF_INIT;

    pb_json_add_redacted(&b, &s);
    assert_string_equal(b.s,
                        "{\"a\":{\"b\":\"(sensitive)\",\"c\":2},\"l\":\"(sensitive)\",\"n\":null}");
    pb_buf_release(&b);
    assert_true(pb_at(pb_get(&s, "l"), 1)->flags & PB_V_SENSITIVE);
    assert_json(&u, "{\"a\":{\"b\":1,\"c\":{\"$unknown\":null},\"d\":{\"$unknown\":null}},"
                    "\"l\":[1,{\"$unknown\":null}],\"n\":{\"x\":{\"$unknown\":null}},"
                    "\"new\":{\"$unknown\":null}}");
    assert_true(pb_has_unknown(&u));
    assert_false(pb_has_unknown(v));
}

static void path__notation(void **state)
{
    struct pb_buf b = PB_BUF_INIT;

    (void)state;
    pb_path_add_key(&b, "ingress");
    pb_path_add_index(&b, 0);
    pb_path_add_key(&b, "tags");
    pb_path_add_key(&b, "a.b\"c");
    assert_string_equal(b.s, "ingress[0].tags[\"a.b\\\"c\"]");
    pb_buf_release(&b);
}

static void path__addresses(void **state)
{
    static const struct {
        const char *address, *resource, *module;
    } rows[] = {
        {"t.a", "t.a", ""},
        {"t.a[0]", "t.a", ""},
        {"t.a[\"x.y[z]\"]", "t.a", ""},
        {"module.m[\"a.b\"].t.a[\"]\"]", "module.m[\"a.b\"].t.a", "module.m[\"a.b\"]"},
        {"module.m.module.n[1].t.a", "module.m.module.n[1].t.a", "module.m.module.n[1]"},
        {"module.m.data.t.a[2]", "module.m.data.t.a", "module.m"},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_buf r = PB_BUF_INIT, m = PB_BUF_INIT;
        pb_addr_resource_of(&r, rows[i].address);
        pb_addr_module_of(&m, rows[i].address);
        assert_string_equal(r.s, rows[i].resource);
        assert_string_equal(m.s, rows[i].module);
        pb_buf_release(&r);
        pb_buf_release(&m);
    }
    assert_true(pb_addr_within("t.a[0]", "t.a"));
    assert_true(pb_addr_within("module.m.t.a", "module.m"));
    assert_true(pb_addr_within("module.m[1].t.a", "module.m"));
    assert_false(pb_addr_within("module.mm.t.a", "module.m"));
    assert_false(pb_addr_within("t.ab", "t.a"));
    assert_false(pb_addr_within("t.a", "t"));
}

static void path__build(void **state)
{
    struct pb_value key = pb_mk_string(*state, "a\"${x}\n");
    struct pb_value n = pb_mk_int(*state, 3);
    struct pb_buf b = PB_BUF_INIT;

    pb_addr_build(&b, "module.m", "managed", "t", "a", &key);
    assert_string_equal(b.s, "module.m.t.a[\"a\\\"$${x}\\n\"]");
    pb_buf_clear(&b);
    pb_addr_build(&b, "", "data", "t", "a", &n);
    assert_string_equal(b.s, "data.t.a[3]");
    pb_buf_release(&b);
}

static void snapshot__find(void **state)
{
    static const struct pb_recorded v[] = {
        {.address = "a.a"}, {.address = "b.b"}, {.address = "c.c"}};
    const struct pb_recorded_set s = {.v = v, .n = 3};

    (void)state;
    assert_ptr_equal(pb_recorded_find(&s, "b.b"), &v[1]);
    assert_null(pb_recorded_find(&s, "b"));
    assert_null(pb_recorded_find(NULL, "b"));
}

static void verdict__the_table_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < PB_NVERDICTS; i++) {
        enum pb_verdict v;
        assert_int_equal(pb_verdicts[i].verdict, i);
        assert_non_null(pb_verdicts[i].meaning);
        assert_int_equal(pb_verdict_parse(&v, pb_verdict_name((enum pb_verdict)i)), 0);
        assert_int_equal(v, i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value__numbers_compare_by_value),
        cmocka_unit_test(value__equal_numbers_have_one_canonical_form),
        cmocka_unit_test(value__number_syntax),
        cmocka_unit_test_setup_teardown(value__integers, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(value__the_last_of_a_key_stays, arena_setup,
                                        arena_teardown),
        cmocka_unit_test_setup_teardown(value__walk, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(value__unknown_equals_nothing, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(value__a_copy_outlives_its_source, arena_setup,
                                        arena_teardown),
        cmocka_unit_test_setup_teardown(value__masks, arena_setup, arena_teardown),
        cmocka_unit_test(path__notation),
        cmocka_unit_test(path__addresses),
        cmocka_unit_test_setup_teardown(path__build, arena_setup, arena_teardown),
        cmocka_unit_test(snapshot__find),
        cmocka_unit_test(verdict__the_table_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
