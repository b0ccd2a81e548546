/* Rules: loops, blocks, cases, and the grouping that follows the record. */
#include <stdlib.h>

#include "backends/rest/derive.h"
#include "model/json.h"
#include "tests/support/values.h"

static const char head[] = "type: t\n"
                           "service: s\n"
                           "reads:\n"
                           "  it: {identity: true, path: '/{id}', not_found: [gone]}\n"
                           "attributes:\n"
                           "  a: ";

static const char provider_text[] = "sources: [registry.terraform.io/example/p]\n"
                                    "services:\n"
                                    "  s: {endpoint: 'https://p.example', protocol: json}\n";

static enum pb_step_seen step(struct pb_value *out, void *ctx, unsigned index)
{
    (void)index;
    *out = *(const struct pb_value *)ctx;
    return PB_STEP_VALUE;
}

static void derive__rules(void **state)
{
    static const struct {
        const char *rule, *recorded, *doc, *out;
    } rows[] = {
        {"it.x", "{}", "{}", "{\"a\":null}"},
        {"5", "{}", "{}", "{\"a\":5}"},
        {"[]", "{}", "{}", "{\"a\":[]}"},
        {"{for: x in it.l, value: x.v}", "{}", "{\"l\":[{\"v\":1},{\"w\":2}]}", "{\"a\":[1]}"},
        {"{for: x in it.l, value: x.v}", "{}", "{\"l\":{\"v\":1}}", "{\"a\":[1]}"},
        {"{for: x in it.l, value: x.v}", "{}", "{}", "{\"a\":[]}"},
        {"{for: x in it.l, where: 'x.v | eq 2', value: x.v}", "{}", "{\"l\":[{\"v\":1},{\"v\":2}]}",
         "{\"a\":[2]}"},
        {"{for: x in it.l, where: {any: ['x.v | eq 1', 'x.v | eq 2']}, value: x.v}", "{}",
         "{\"l\":[{\"v\":1},{\"v\":2},{\"v\":3}]}", "{\"a\":[1,2]}"},
        {"{for: [x in it.l, y in x.m], fields: {p: x.v, q: y}}", "{}",
         "{\"l\":[{\"v\":1,\"m\":[5,6]}]}", "{\"a\":[{\"p\":1,\"q\":5},{\"p\":1,\"q\":6}]}"},
        {"{for: x in it.l, key: x.k, value: x.v}", "{}", "{\"l\":[{\"k\":\"b\",\"v\":1}]}",
         "{\"a\":{\"b\":1}}"},
        {"{for: x in it.l, value: x, then: sort | first}", "{}", "{\"l\":[3,1]}", "{\"a\":1}"},
        {"{block: it.b, fields: {p: it.v}}", "{}", "{\"b\":{\"v\":1}}", "{\"a\":[{\"p\":1}]}"},
        {"{block: it.b, fields: {p: it.v}}", "{}", "{}", "{\"a\":[]}"},
        {"{object: it.b, as: o, fields: {p: o.v}}", "{}", "{\"b\":{\"v\":1}}", "{\"a\":{\"p\":1}}"},
        {"{object: it.b, fields: {p: it.v}}", "{}", "{}", "{\"a\":null}"},
        {"{first_of: [it.x, it.y, \"'d'\"]}", "{}", "{\"y\":2}", "{\"a\":2}"},
        {"{concat: [it.x, it.y]}", "{}", "{\"x\":[1],\"y\":2}", "{\"a\":[1,2]}"},
        {"{cases: [{if: it.x | present, then: it.x}, {else: it.y}]}", "{}", "{\"y\":2}",
         "{\"a\":2}"},
        {"{cases: [{if: it.x | present, then: it.x}]}", "{}", "{}", "{\"a\":null}"},
        {"{value: it.x, only_if_recorded: true}", "{\"a\":[]}", "{\"x\":1}", "{}"},
        {"{value: it.x, only_if_recorded: true}", "{\"a\":[0]}", "{\"x\":1}", "{\"a\":1}"},
        {"{value: it.x, unless_recorded: b}", "{\"b\":\"y\"}", "{\"x\":1}", "{}"},
        {"{value: it.x, unless_recorded: b}", "{\"b\":\"\"}", "{\"x\":1}", "{\"a\":1}"},
    };
    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_arena *a = pb_arena_new();
        struct pb_buf b = PB_BUF_INIT;
        struct pb_err err = PB_ERR_INIT;
        const struct pb_pack_provider *p = NULL;
        const struct pb_pack *pack = NULL;
        char *text = pb_arena_printf(a, "%s%s\n", head, rows[i].rule);
        if (pb_pack_load_provider(&p, a, provider_text, strlen(provider_text), "p", &err) ||
            pb_pack_load_type(&pack, a, p, text, strlen(text), "t", &err))
            fail_msg("%s", err.msg);
        struct pb_value doc = *json(a, rows[i].doc);
        struct pb_eval ev = {.a = a,
                             .step = step,
                             .ctx = &doc,
                             .tags = &p->tags,
                             .recorded = json(a, rows[i].recorded)};
        struct pb_value v = pb_derive(pack, &ev, NULL);
        pb_json_add(&b, &v);
        if (strcmp(b.s, rows[i].out) != 0)
            fail_msg("%s of %s: %s", rows[i].rule, rows[i].doc, b.s);
        pb_buf_release(&b);
        pb_arena_free(a);
    }
}

/* What stands together at AWS is split as the record has it, and never anything lost. */
static void group__like_the_record(void **state)
{
    static const char *const by[] = {"port", NULL};
    static const struct {
        const char *live, *recorded, *out;
    } rows[] = {
        {"[{\"port\":1,\"c\":[\"a\"],\"s\":false},{\"port\":1,\"c\":[\"b\"],\"s\":true}]", "[]",
         "[{\"c\":[\"a\",\"b\"],\"port\":1,\"s\":true}]"},
        {"[{\"port\":1,\"c\":[\"a\",\"b\",\"x\"],\"s\":true}]",
         "[{\"port\":1,\"c\":[\"b\"],\"s\":false},{\"port\":1,\"c\":[\"a\"],\"s\":true}]",
         "[{\"c\":[\"b\"],\"port\":1,\"s\":false},{\"c\":[\"a\"],\"port\":1,\"s\":true},"
         "{\"c\":[\"x\"],\"port\":1,\"s\":false}]"},
        {"[{\"port\":1,\"c\":[\"a\"],\"s\":false}]",
         "[{\"port\":1,\"c\":[\"a\",\"b\"],\"s\":false}]",
         "[{\"c\":[\"a\"],\"port\":1,\"s\":false}]"},
        {"[{\"port\":2,\"c\":[\"a\"],\"s\":false}]", "[{\"port\":1,\"c\":[\"a\"],\"s\":false}]",
         "[{\"c\":[\"a\"],\"port\":2,\"s\":false}]"},
        {"[{\"port\":1,\"c\":[\"a\",\"x\"],\"s\":false}]",
         "[{\"port\":1,\"c\":[\"a\",\"b\"],\"s\":false}]",
         "[{\"c\":[\"a\",\"x\"],\"port\":1,\"s\":false}]"},
        {"[{\"port\":1,\"c\":[],\"s\":false}]", "[]", "[{\"c\":[],\"port\":1,\"s\":false}]"},
    };
    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_arena *a = pb_arena_new();
        struct pb_buf b = PB_BUF_INIT;
        struct pb_value g = pb_group(a, json(a, rows[i].live), by);
        struct pb_value v = pb_split_like(a, &g, by, json(a, rows[i].recorded));
        pb_json_add(&b, &v);
        assert_string_equal(b.s, rows[i].out);
        pb_buf_release(&b);
        pb_arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derive__rules),
        cmocka_unit_test(group__like_the_record),
    };
    return cmocka_run_group_tests_name("rest_derive", tests, NULL, NULL);
}
