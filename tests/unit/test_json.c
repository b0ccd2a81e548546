#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/json.h"
#include "model/seal.h"
#include "tests/support/values.h"

static void json__round_trip(void **state)
{
    static const struct {
        const char *in, *out, *canonical;
    } rows[] = {
        {"{\"b\":[1,2.50,1e2],\"a\":null}", "{\"a\":null,\"b\":[1,2.50,1e2]}",
         "{\"a\":null,\"b\":[1,2.5,100]}"},
        {"\"a\\u00e9\\u0001\\n\\ud83d\\ude00\\/\"", "\"a\303\251\\u0001\\n\360\237\230\200/\"",
         NULL},
        {" [ true , false , {} , [] , \"\" ] ", "[true,false,{},[],\"\"]", NULL},
        {"9007199254740993", "9007199254740993", NULL},
        {"{\"$sealed\":\"x\"}", "{\"$literal\":{\"$sealed\":\"x\"}}", NULL},
    };

    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        const struct pb_value *v;
        struct pb_buf b = PB_BUF_INIT;
        assert_int_equal(pb_json_parse(&v, *state, rows[i].in, strlen(rows[i].in), "x", NULL), 0);
        pb_json_add(&b, v);
        assert_string_equal(b.s, rows[i].out);
        pb_buf_clear(&b);
        pb_json_add_canonical(&b, v);
        assert_string_equal(b.s, rows[i].canonical ? rows[i].canonical : rows[i].out);
        pb_buf_release(&b);
    }
}

static void json__refuses(void **state)
{
    static const struct {
        const char *in, *message;
    } rows[] = {
        {"", "(line 1, column 1)"},
        {"\n  ", "premature EOF (line 2, column 3)"},
        {"[1,2", "premature EOF"},
        {"[1] x", "trailing garbage"},
        {"{} {}", "trailing garbage"},
        {"{\"a\":1,\n\"b\":2,\"a\":3}", "a key that is there twice: 'a' (line 2, column 13)"},
        {"\"\\ud800x\"", "half a surrogate pair (line 1, column 2)"},
        {"\"\\udc00\"", "half a surrogate pair"},
        {"\"\\ud800\\ud800\"", "half a surrogate pair"},
        {"\"a\\u0000\"", "a NUL inside a string"},
        {"{\"a\\u0000\":1}", "a NUL inside a key"},
        {"\"\303\"", "not UTF-8"},
        {"\"\355\240\200\"", "not UTF-8"},
        {"[01]", "expect ',' or ']'"},
        {"[1.]", "malformed number"},
        {"1e9999999999", "out of range"},
        {"/* c */ 1", "comments are not enabled"},
        {"[NaN]", "invalid char"},
        {"{\"a\" 1}", "object key and value must be separated"},
    };

    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        const struct pb_value *v;
        struct pb_err err = PB_ERR_INIT;
        if (!pb_json_parse(&v, *state, rows[i].in, strlen(rows[i].in), "the reply", &err))
            fail_msg("taken: %s", rows[i].in);
        if (!strstr(err.msg, rows[i].message))
            fail_msg("%s: %s", rows[i].in, err.msg);
        assert_true(strncmp(err.msg, "the reply is no JSON", 20) == 0);
    }
}

static void json__depth(void **state)
{
    char text[2 * (PB_JSON_DEPTH + 1)];
    const struct pb_value *v;
    struct pb_err err = PB_ERR_INIT;

    memset(text, '[', sizeof(text) / 2);
    memset(text + sizeof(text) / 2, ']', sizeof(text) / 2);
    assert_int_equal(pb_json_parse(&v, *state, text + 1, sizeof(text) - 2, "x", NULL), 0);
    assert_int_equal(pb_json_parse(&v, *state, text, sizeof(text), "x", &err), -1);
    assert_non_null(strstr(err.msg, "more than 512 levels"));
}

static void json__errors_show_no_content(void **state)
{
    static const char text[] = "{\"password\":\"hunter2\",}";
    const struct pb_value *v;
    struct pb_err err = PB_ERR_INIT;

    assert_int_equal(pb_json_parse(&v, *state, text, strlen(text), "x", &err), -1);
    assert_null(strstr(err.msg, "hunter2"));
}

static void json__unwrap(void **state)
{
    static const char text[] =
        "{\"a\":{\"$unknown\":null},\"b\":{\"$unknown\":\"403\"},"
        "\"c\":{\"$sealed\":\"00\"},\"d\":{\"$literal\":{\"$sealed\":\"x\"}},"
        "\"e\":[{\"$unknown\":null}]}";
    const struct pb_value *v;
    struct pb_buf b = PB_BUF_INIT;

    assert_int_equal(pb_json_parse(&v, *state, text, strlen(text), "x", NULL), 0);
    v = pb_json_unwrap(*state, v);
    assert_int_equal(pb_get(v, "a")->kind, PB_UNKNOWN);
    assert_string_equal(pb_get(v, "b")->s, "403");
    assert_int_equal(pb_get(v, "c")->kind, PB_SEALED);
    assert_true(pb_get(v, "c")->flags & PB_V_SENSITIVE);
    assert_string_equal(pb_get_str(pb_get(v, "d"), "$sealed"), "x");
    pb_json_add(&b, v);
    assert_string_equal(b.s, text);
    pb_buf_release(&b);
}

static void json__pretty(void **state)
{
    static const char text[] = "{\"a\":[1,{}],\"b\":[]}";
    const struct pb_value *v;
    struct pb_buf b = PB_BUF_INIT;

    assert_int_equal(pb_json_parse(&v, *state, text, strlen(text), "x", NULL), 0);
    pb_json_add_pretty(&b, v);
    assert_string_equal(b.s, "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
    pb_buf_release(&b);
}

static void seal__matches_only_its_value(void **state)
{
    static const struct pb_seal s = {.key = {1, 2, 3}, .ready = true}, other = {.ready = true};
    struct pb_value secret = pb_mk_string(*state, "hunter2"), no = pb_mk_string(*state, "hunter3");
    struct pb_value sealed;
    struct pb_value num = pb_mk_number(*state, "1.0"), same = pb_mk_number(*state, "1");

    secret.flags |= PB_V_SENSITIVE;
    sealed = pb_seal_value(&s, *state, &secret);
    assert_int_equal(sealed.kind, PB_SEALED);
    assert_true(sealed.flags & PB_V_SENSITIVE);
    assert_null(strstr(sealed.s, "hunter2"));
    assert_true(pb_seal_matches(&s, &sealed, &secret));
    assert_true(pb_seal_matches(NULL, &sealed, &sealed));
    assert_false(pb_seal_matches(&s, &sealed, &no));
    assert_false(pb_seal_matches(&other, &sealed, &secret));
    assert_false(pb_seal_matches(NULL, &sealed, &secret));
    sealed = pb_seal_value(&s, *state, &num);
    assert_true(pb_seal_matches(&s, &sealed, &same));
}

static void seal__tree(void **state)
{
    static const struct pb_seal s = {.key = {1}, .ready = true};
    static const char text[] = "{\"a\":\"x\",\"b\":\"y\",\"n\":null,\"u\":{\"$unknown\":null}}";
    const struct pb_value *v;
    struct pb_value t;

    assert_int_equal(pb_json_parse(&v, *state, text, strlen(text), "x", NULL), 0);
    v = pb_json_unwrap(*state, v);
    t = pb_mark_sensitive(*state, v, &pb_true);
    t = pb_seal_tree(&s, *state, &t);
    assert_int_equal(t.kind, PB_MAP); /* something unknown inside: sealed part by part */
    assert_int_equal(pb_get(&t, "a")->kind, PB_SEALED);
    assert_int_equal(pb_get(&t, "n")->kind, PB_NULL);
    assert_int_equal(pb_get(&t, "u")->kind, PB_UNKNOWN);
}

static void seal__key_is_made_once_and_kept_private(void **state)
{
    char dir[] = "/tmp/plumb-seal-XXXXXX", path[64];
    struct pb_seal one = {.ready = false}, two = {.ready = false};
    struct pb_err err = PB_ERR_INIT;
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/key", dir);
    assert_int_equal(pb_seal_init(&one, path, &err), 0);
    assert_int_equal(pb_seal_init(&two, path, &err), 0);
    assert_memory_equal(one.key, two.key, sizeof(one.key));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(pb_seal_init(&two, path, &err), -1);
    assert_non_null(strstr(err.msg, "that only you can read"));
    unlink(path);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(json__round_trip, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(json__refuses, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(json__depth, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(json__errors_show_no_content, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(json__unwrap, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(json__pretty, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(seal__matches_only_its_value, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(seal__tree, arena_setup, arena_teardown),
        cmocka_unit_test(seal__key_is_made_once_and_kept_private),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
