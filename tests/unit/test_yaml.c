#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/json.h"
#include "model/yaml.h"

static int setup(void **state)
{
    *state = pb_arena_new();
    return 0;
}

static int teardown(void **state)
{
    pb_arena_free(*state);
    return 0;
}

static void yaml__reads(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"", "{}"},
        {"# only a comment\n", "{}"},
        {"a: 1\nb: [x, 1.5, true, ~]\n", "{\"a\":1,\"b\":[\"x\",1.5,true,null]}"},
        {"a: no\nb: on\nc: 1_000\nd: 007\ne: 012345678901\nf: +1\n",
         "{\"a\":\"no\",\"b\":\"on\",\"c\":\"1_000\",\"d\":\"007\",\"e\":\"012345678901\",\"f\":\"+"
         "1\"}"},
        {"a: 'true'\nb: \"1\"\nc: |\n  x\n  y\n",
         "{\"a\":\"true\",\"b\":\"1\",\"c\":\"x\\ny\\n\"}"},
        {"'<<': 1\n", "{\"<<\":1}"},
        {"a:\n- b: 1\n  c: 2\n- d\n", "{\"a\":[{\"b\":1,\"c\":2},\"d\"]}"},
        {"1: x\n", "{\"1\":\"x\"}"},
    };

    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        const struct pb_value *v;
        struct pb_err err = PB_ERR_INIT;
        struct pb_buf b = PB_BUF_INIT;
        if (pb_yaml_parse(&v, *state, rows[i].in, strlen(rows[i].in), "f", &err))
            fail_msg("%s", err.msg);
        pb_json_add(&b, v);
        assert_string_equal(b.s, rows[i].out);
        pb_buf_release(&b);
    }
}

static void yaml__refuses(void **state)
{
    static const struct {
        const char *in, *message;
    } rows[] = {
        {"a: 1\nb: 2\na: 3\n", "f.yaml:3: key 'a' is there twice"},
        {"a: &x 1\n", "f.yaml:1: anchors"},
        {"a: *x\n", "f.yaml:1: aliases"},
        {"a: &x [1]\n", "f.yaml:1: anchors"},
        {"<<: {a: 1}\n", "f.yaml:1: merge keys"},
        {"a: !!str 1\n", "f.yaml:1: tags"},
        {"a: !x {b: 1}\n", "f.yaml:1: tags"},
        {"--- 1\n--- 2\n", "f.yaml:2: a second document"},
        {"? [a]\n: 1\n", "f.yaml:1: a key must be"},
        {"a: \"x\\0y\"\n", "f.yaml:1: a NUL"},
        {"a: [1,\n", "f.yaml:2: "},
        {"a: \377\n", "f.yaml:1: not UTF-8"},
    };

    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        const struct pb_value *v;
        struct pb_err err = PB_ERR_INIT;
        if (!pb_yaml_parse(&v, *state, rows[i].in, strlen(rows[i].in), "f.yaml", &err))
            fail_msg("taken: %s", rows[i].in);
        if (strncmp(err.msg, rows[i].message, strlen(rows[i].message)) != 0)
            fail_msg("%s: %s", rows[i].in, err.msg);
        assert_int_equal(err.cls, PB_E_CONFIG);
    }
}

static void yaml__lines(void **state)
{
    static const char text[] = "a: 1\nb:\n  - x\n  - {y: z}\n";
    const struct pb_value *v;

    assert_int_equal(pb_yaml_parse(&v, *state, text, strlen(text), "f", NULL), 0);
    assert_int_equal(v->line, 1);
    assert_int_equal(pb_get(v, "b")->line, 3);
    assert_int_equal(pb_walk(v, "b[1]")->line, 4);
    assert_int_equal(pb_walk(v, "b[1].y")->line, 4);
}

/* 100,000 open brackets took libyaml 44 s. */
static void yaml__limits(void **state)
{
    enum { N = 1024 * 1024 + 1 };
    char *text = malloc(N);
    const struct pb_value *v;
    struct pb_err err = PB_ERR_INIT;

    memset(text, '[', N);
    assert_int_equal(pb_yaml_parse(&v, *state, text, 100000, "f", &err), -1);
    assert_string_equal(err.msg, "f:1: more than 64 levels");
    assert_int_equal(pb_yaml_parse(&v, *state, text, N, "f", &err), -1);
    assert_string_equal(err.msg, "f:1: more than 1 MiB");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(yaml__reads, setup, teardown),
        cmocka_unit_test_setup_teardown(yaml__refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(yaml__lines, setup, teardown),
        cmocka_unit_test_setup_teardown(yaml__limits, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
