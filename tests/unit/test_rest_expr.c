#include <stdlib.h>

#include "backends/rest/transform.h"
#include "model/json.h"
#include "tests/support/values.h"

static enum pb_step_seen step(struct pb_value *out, void *ctx, unsigned index)
{
    *out = pb_null;
    if (index == 0) {
        *out = *(const struct pb_value *)ctx;
        return PB_STEP_VALUE;
    }
    if (index == 1) {
        *out = (struct pb_value){.kind = PB_UNKNOWN, .s = "403"};
        return PB_STEP_FAILED;
    }
    return PB_STEP_SKIPPED;
}

static struct pb_value setting(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "region") == 0
               ? (struct pb_value){.kind = PB_STRING, .n = 9, .s = "eu-west-1"}
               : pb_null;
}

static const char *const steps[] = {"x", "bad", "unsent", NULL};
static const char *const settings[] = {"region", NULL};
static const struct pb_names names = {.steps = steps, .settings = settings};

static struct pb_value eval(struct pb_arena *a, const char *expr, const char *doc, bool *skipped)
{
    static const struct pb_tag_rules no_tags;
    const struct pb_expr *e = NULL;
    struct pb_err err = PB_ERR_INIT;
    struct pb_eval ev = {.a = a,
                         .id = "vpc-1",
                         .step = step,
                         .setting = setting,
                         .tags = &no_tags,
                         .recorded = json(a, "{\"cidrs\":[\"b\",\"a\"],\"tags\":{\"k\":\"v\"}}")};
    struct pb_value in = *json(a, doc);
    ev.ctx = &in;
    ev.tables[0] = json(a, "{\"t\":{\"-1\":0,\"EU\":\"eu-west-1\"}}");
    if (pb_expr_parse(&e, a, expr, &names, &err))
        fail_msg("'%s': %s", expr, err.msg);
    struct pb_value v = pb_expr_eval(e, &ev);
    if (skipped)
        *skipped = ev.skipped;
    return v;
}

static const struct {
    const char *expr, *doc, *out;
} expr_rows[] = {
    {"x.a", "{\"a\":\"v\"}", "\"v\""},
    {"x.a.b", "{\"a\":\"v\"}", "null"},
    {"x.none", "{}", "null"},
    {"x.l.k", "{\"l\":[{\"k\":1},{},{\"k\":[2,3]}]}", "[1,2,3]"},
    {"x.l.k", "{\"l\":{\"k\":1}}", "1"},
    {"x.l[1].k", "{\"l\":[{\"k\":1},{\"k\":2}]}", "2"},
    {"x.l[-1].k", "{\"l\":[{\"k\":1},{\"k\":2}]}", "2"},
    {"x.l[9].k", "{\"l\":[{\"k\":1}]}", "null"},
    {"x.l[0].k", "{\"l\":{\"k\":1}}", "1"},
    {"x.l[k=b].v", "{\"l\":[{\"k\":\"a\",\"v\":1},{\"k\":\"b\",\"v\":2}]}", "[2]"},
    {"x.l[k='b'].v | first", "{\"l\":{\"k\":\"b\",\"v\":2}}", "2"},
    {"x.\"a.b\"", "{\"a.b\":1}", "1"},
    {"x.@status", "{\"@status\":\"s\"}", "\"s\""},
    {"x.a | bool", "{\"a\":\"true\"}", "true"},
    {"x.a | number", "{\"a\":\"12345678901234567890.10\"}", "12345678901234567890.10"},
    {"x.a | number", "{\"a\":[\"1\",\"2\"]}", "[1,2]"},
    {"x.a | default 'd'", "{}", "\"d\""},
    {"x.a | default false", "{}", "false"},
    {"x.a | default []", "{}", "[]"},
    {"x.a | default ''", "{\"a\":\"v\"}", "\"v\""},
    {"x.a | null_if '' none", "{\"a\":\"none\"}", "null"},
    {"x.a | eq b c", "{\"a\":\"c\"}", "true"},
    {"x.a | eq 5", "{\"a\":\"5\"}", "true"},
    {"x.a | eq b", "{}", "false"},
    {"x.a | ne null", "{\"a\":\"\"}", "true"},
    {"x.a | eq $x.b", "{\"a\":\"s\",\"b\":\"s\"}", "true"},
    {"x.a | default $x.b", "{\"b\":\"s\"}", "\"s\""},
    {"x.a | present", "{\"a\":[]}", "false"},
    {"x.a | absent", "{\"a\":\"\"}", "true"},
    {"x.a | not", "{}", "true"},
    {"x.a | list", "{}", "[]"},
    {"x.a | list", "{\"a\":\"v\"}", "[\"v\"]"},
    {"x.a | split '/' | nth -1", "{\"a\":\"p/q/r\"}", "\"r\""},
    {"x.a | split ','", "{\"a\":\"\"}", "[]"},
    {"x.a | sort | join ','", "{\"a\":[\"b\",\"a\"]}", "\"a,b\""},
    {"x.a | unique", "{\"a\":[\"b\",\"a\",\"b\"]}", "[\"a\",\"b\"]"},
    {"x.a | before ':' ", "{\"a\":\"p:q:r\"}", "\"p\""},
    {"x.a | after ':'", "{\"a\":\"p:q:r\"}", "\"q:r\""},
    {"x.a | after ':'", "{\"a\":\"p\"}", "null"},
    {"x.a | after_last '/'", "{\"a\":\"p/q/r\"}", "\"r\""},
    {"x.a | before_last '/'", "{\"a\":\"p/q/r\"}", "\"p/q\""},
    {"x.a | replace '.' '-'", "{\"a\":\"1.2.3\"}", "\"1-2-3\""},
    {"x.a | trim_suffix '.'", "{\"a\":\"example.com.\"}", "\"example.com\""},
    {"x.a | dns_unescape", "{\"a\":\"\\\\052.dev\"}", "\"*.dev\""},
    {"x.a | div 60", "{\"a\":\"3600\"}", "60"},
    {"x.a | div 100", "{\"a\":150}", "1.5"},
    {"x.a | mul 1024", "{\"a\":2}", "2048"},
    {"x.a | url_decode | json", "{\"a\":\"%7B%22b%22%3A1%2C%22a%22%3A+2%7D\"}",
     "\"{\\\"a\\\":2,\\\"b\\\":1}\""},
    {"x.a | from_json", "{\"a\":\"[1]\"}", "[1]"},
    {"x.a | base64_decode", "{\"a\":\"aGk=\"}", "\"hi\""},
    {"x.a | base64_encode", "{\"a\":\"hi\"}", "\"aGk=\""},
    {"x.a | base64_sha1", "{\"a\":\"aGk=\"}", "\"c22b5f9178342609428d6f51b2c5af4c0bde6a42\""},
    {"x.a | timestamp", "{\"a\":\"2026-01-02T03:04:05.678Z\"}", "\"2026-01-02T03:04:05Z\""},
    {"x.a | timestamp", "{\"a\":1767323045.9}", "\"2026-01-02T03:04:05Z\""},
    {"x.a | lookup t", "{\"a\":\"EU\"}", "\"eu-west-1\""},
    {"x.a | lookup t", "{\"a\":\"zz\"}", "\"zz\""},
    {"x.a | lookup t other", "{\"a\":\"zz\"}", "\"other\""},
    {"x.a | keep_recorded cidrs", "{\"a\":[\"a\",\"b\",\"c\"]}", "[\"b\",\"a\"]"},
    {"x.a | keep_recorded none", "{\"a\":[\"a\"]}", "[]"},
    {"x.a | map k v", "{\"a\":[{\"k\":\"p\",\"v\":1}]}", "{\"p\":1}"},
    {"x.a | entries", "{\"a\":{\"p\":1}}", "[{\"key\":\"p\",\"value\":1}]"},
    {"x.a | tags", "{\"a\":[{\"Key\":\"p\",\"Value\":\"1\"}]}", "{\"p\":\"1\"}"},
    {"x.a | tags", "{\"a\":{\"key\":\"p\",\"value\":\"1\"}}", "{\"p\":\"1\"}"},
    {"x.a | tags", "{\"a\":{\"p\":\"1\",\"q\":\"2\"}}", "{\"p\":\"1\",\"q\":\"2\"}"},
    {"x.a | tags", "{}", "{}"},
    {"arn:{region}:{x.a}/{{}}", "{\"a\":5}", "\"arn:eu-west-1:5/{}\""},
    {"arn:{x.a}", "{}", "null"},
    {"{x.a}", "{\"a\":[1]}", "[1]"},
    {"{id}", "{}", "\"vpc-1\""},
    {"'it''s'", "{}", "\"it's\""},
    {"-1.5", "{}", "-1.5"},
    {"[]", "{}", "[]"},
    {"null", "{}", "null"},
};

static void expr__paths_and_transforms(void **state)
{
    for (size_t i = 0; i < PB_COUNT(expr_rows); i++) {
        struct pb_value v = eval(*state, expr_rows[i].expr, expr_rows[i].doc, NULL);
        if (strcmp(json_text(*state, &v), expr_rows[i].out) != 0)
            fail_msg("'%s' of %s: %s, expected %s", expr_rows[i].expr, expr_rows[i].doc,
                     json_text(*state, &v), expr_rows[i].out);
    }
}

static void expr__what_cannot_be_seen_is_unknown(void **state)
{
    static const char *const rows[] = {
        "bad.a",           "bad.a | default 'x'", "bad.a | present",
        "a-{bad.a}",       "x.list | number",     "x.word | number",
        "x.word | bool",   "x.word | from_json",  "x.word | base64_decode",
        "x.a | eq $bad.a", "x.word | timestamp",  "a-{x.list}",
        "bad | list",      "bad.a | eq b",
    };
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_value v = eval(*state, rows[i], "{\"a\":1,\"word\":\"w!\",\"list\":[{}]}", NULL);
        if (!pb_has_unknown(&v))
            fail_msg("'%s' is %s", rows[i], json_text(*state, &v));
    }
}

static void expr__a_step_not_sent_is_told(void **state)
{
    bool skipped = false;
    eval(*state, "unsent.a | default 'x'", "{}", &skipped);
    assert_true(skipped);
    eval(*state, "x.a", "{}", &skipped);
    assert_false(skipped);
}

static void expr__errors_name_what_is_wrong(void **state)
{
    static const struct {
        const char *expr, *message;
    } rows[] = {
        {"y.a", "'y' in 'y.a' is neither a step"},
        {"x.a | bolo", "is no transform; did you mean 'bool'?"},
        {"x.a | split", "is written 'split 'SEP''"},
        {"x.a | bool 1", "is written 'bool'"},
        {"x.a |", "expected the name of a transform"},
        {"x.", "expected a name"},
        {"x.a[", "expected [NUMBER] or [member=value]"},
        {"x.a 'b'", "did not expect this"},
        {"'open", "a quote is not closed"},
        {"a}b", "'}' without '{'"},
        {"{x.a", "expected '}'"},
        {"", "expected a path or a literal"},
    };
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        const struct pb_expr *e = NULL;
        struct pb_err err = PB_ERR_INIT;
        assert_int_equal(pb_expr_parse(&e, *state, rows[i].expr, &names, &err), -1);
        if (!strstr(err.msg, rows[i].message))
            fail_msg("'%s': %s", rows[i].expr, err.msg);
    }
}

static void expr__recorded_is_no_observation(void **state)
{
    struct pb_names strict = names;
    const struct pb_expr *e = NULL;
    struct pb_err err = PB_ERR_INIT;
    strict.no_recorded = true;
    assert_int_equal(pb_expr_parse(&e, *state, "recorded.a", &strict, &err), -1);
    assert_non_null(strstr(err.msg, "no observation"));
    assert_int_equal(pb_expr_parse(&e, *state, "x.a | eq $recorded.a", &strict, &err), -1);
    assert_int_equal(pb_expr_parse(&e, *state, "recorded.a", &names, &err), 0);
}

static void tags__defaults_and_system_tags(void **state)
{
    struct pb_arena *a = *state;
    struct pb_tag_rules rules = {
        .drop_prefixes = json(a, "[\"aws:\"]"),
        .defaults = json(a, "{\"env\":\"prod\",\"team\":\"net\",\"k\":\"v\"}"),
        .ignore_keys = json(a, "[\"noise\"]"),
    };
    struct pb_eval ev = {.a = a, .tags = &rules, .recorded = json(a, "{\"tags\":{\"k\":\"v\"}}")};
    struct pb_value in = *json(a, "{\"aws:x\":\"1\",\"noise\":\"1\",\"env\":\"prod\","
                                  "\"team\":\"ops\",\"own\":\"1\",\"k\":\"v\"}");
    struct pb_value all = pb_tf_tags(&ev, in, NULL, 0), own = pb_tf_own_tags(&ev, all, NULL, 0);
    assert_string_equal(json_text(a, &all),
                        "{\"env\":\"prod\",\"k\":\"v\",\"own\":\"1\",\"team\":\"ops\"}");
    /* A default with another value was set on the resource itself; so was a recorded one. */
    assert_string_equal(json_text(a, &own), "{\"k\":\"v\",\"own\":\"1\",\"team\":\"ops\"}");
    rules.defaults = &pb_unknown;
    own = pb_tf_own_tags(&ev, all, NULL, 0);
    assert_int_equal(own.kind, PB_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expr__paths_and_transforms),
        cmocka_unit_test(expr__what_cannot_be_seen_is_unknown),
        cmocka_unit_test(expr__a_step_not_sent_is_told),
        cmocka_unit_test(expr__errors_name_what_is_wrong),
        cmocka_unit_test(expr__recorded_is_no_observation),
        cmocka_unit_test(tags__defaults_and_system_tags),
    };
    return cmocka_run_group_tests_name("rest_expr", tests, arena_setup, arena_teardown);
}
