/* What two plans say otherwise of providers and outputs: in goes JSON, out come the findings. */
#include "tests/support/values.h"

#include <stdlib.h>

#include "base/mem.h"
#include "run/check_internal.h"

#define SOURCE "registry.example/x/sim"
#define MAIN   "provider[\"" SOURCE "\"]"

/* Provider settings of "sim" and of "sim.b", what uses which, and outputs. */
struct side {
    const char *main, *other; /* NULL: there is none */
    const char *uses;         /* {'t.a':'b'}: the alias, "" for none */
    const char *outputs;
    const char *hidden; /* an output */
};

struct scene {
    const char *what;
    struct side base, merged;
    const char *want;
};

static void take(struct pb_unit_result *u, struct pb_arena *a, const struct side *s)
{
    struct pb_provider_config *p = pb_arena_zalloc(a, 2 * sizeof(*p));
    const struct pb_value *uses = json_marked(a, s->uses ? s->uses : "{}");
    const struct pb_value *outputs = json_marked(a, s->outputs ? s->outputs : "{}");
    struct pb_declared *v = pb_arena_zalloc(a, (uses->n + 1) * sizeof(*v));
    struct pb_declared_set *d = &u->declared.declared;
    struct pb_map_builder hidden = PB_BUILDER_INIT;

    p[0] = (struct pb_provider_config){
        .key = MAIN, .source = SOURCE, .values = json_marked(a, s->main ? s->main : "{}")};
    p[1] = (struct pb_provider_config){
        .key = MAIN ".b", .source = SOURCE, .alias = "b", .values = json_marked(a, s->other)};
    for (size_t i = 0; i < uses->n; i++) {
        bool b = *pb_str(&uses->members[i].value);

        v[i] = (struct pb_declared){.address = uses->members[i].key,
                                    .type = "t",
                                    .planned = &pb_empty_map,
                                    .provider = b ? MAIN ".b" : MAIN};
    }
    for (size_t i = 0; i < outputs->n; i++) {
        const struct pb_member *m = &outputs->members[i];
        bool is = s->hidden && strcmp(m->key, s->hidden) == 0;

        pb_map_add(&hidden, m->key, pb_mark_sensitive(a, &m->value, is ? &pb_true : NULL));
    }
    *d = (struct pb_declared_set){.v = v,
                                  .n = uses->n,
                                  .providers = p,
                                  .nproviders = s->other ? 2 : 1,
                                  .outputs = pb_box(a, pb_map_done(&hidden, a))};
}

static void check(const struct scene *s, const struct pb_check_findings *shared)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf got = PB_BUF_INIT;
    struct pb_unit_result base = {0}, merged = {0};
    struct pb_check_unit u = {.name = "u", .arena = a, .base = &base, .merged = &merged};

    take(&base, a, &s->base);
    take(&merged, a, &s->merged);
    pb_check_plans(&u, shared, NULL);
    for (size_t i = 0; i < u.findings.n; i++)
        pb_buf_addf(&got, "%s%s %s: %s", i ? "; " : "", u.findings.v[i].code,
                    u.findings.v[i].address, u.findings.v[i].message);
    if (strcmp(got.s ? got.s : "", s->want) != 0)
        fail_msg("%s:\n  got  %s\n  want %s", s->what, got.s, s->want);
    free(u.findings.v);
}

#define CONFIG "provider-config-changed "

static void check_plans__providers(void **state)
{
    static const struct scene v[] = {
        {"as before", {.main = "{'url':'a'}"}, {.main = "{'url':'a'}"}, ""},
        {"elsewhere",
         {.main = "{'url':'a','n':1}"},
         {.main = "{'url':'b','n':1}"},
         CONFIG "provider.sim: 'provider.sim' is set up otherwise: 'url'"},
        {"more, and less",
         {.main = "{'url':'a'}"},
         {.main = "{'token':'s3'}"},
         CONFIG "provider.sim: 'provider.sim' is set up otherwise: 'url', 'token'"},
        {"not known in both",
         {.main = "{'url':{'$unknown':'x'}}"},
         {.main = "{'url':{'$unknown':'x'}}"},
         ""},
        {"not known any more",
         {.main = "{'url':'a'}"},
         {.main = "{'url':{'$unknown':'x'}}"},
         CONFIG "provider.sim: 'provider.sim' is set up otherwise: 'url'"},
        {"an alias",
         {.other = "{'url':'a'}"},
         {.other = "{'url':'b'}"},
         CONFIG "provider.sim.b: 'provider.sim.b' is set up otherwise: 'url'"},
        {"one that is new", {0}, {.other = "{'url':'b'}"}, ""},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(v); i++)
        check(&v[i], &(struct pb_check_findings){0});
}

static void check_plans__what_the_text_has_told(void **state)
{
    static const struct scene s = {"told",
                                   {.main = "{'url':'a','n':1}"},
                                   {.main = "{'url':'b','n':2}"},
                                   CONFIG "provider.sim: 'provider.sim' is set up otherwise: 'n'"};
    struct pb_check_finding told = {.code = "provider-config-changed",
                                    .message = "'provider.sim' is set up otherwise: 'url'",
                                    .address = "provider.sim"};

    (void)state;
    check(&s, &(struct pb_check_findings){.v = &told, .n = 1});
}

static void check_plans__who_uses_which(void **state)
{
    static const struct scene v[] = {
        {"another",
         {.other = "{'url':'b'}", .uses = "{'t.a':''}"},
         {.other = "{'url':'b'}", .uses = "{'t.a':'b'}"},
         CONFIG "t.a: 't.a' is managed with 'provider.sim.b' in place of 'provider.sim'"},
        {"several",
         {.other = "{'url':'b'}", .uses = "{'t.a':'','t.b':'','t.c':'b'}"},
         {.other = "{'url':'b'}", .uses = "{'t.a':'b','t.b':'b','t.c':'b'}"},
         CONFIG "t.a: 't.a' and 1 more are managed with 'provider.sim.b' in place of "
                "'provider.sim'"},
        {"the same under another name",
         {.other = "{}", .uses = "{'t.a':''}"},
         {.other = "{}", .uses = "{'t.a':'b'}"},
         ""},
        {"one that is new",
         {.other = "{'url':'b'}", .uses = "{}"},
         {.other = "{'url':'b'}", .uses = "{'t.a':'b'}"},
         ""},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(v); i++)
        check(&v[i], &(struct pb_check_findings){0});
}

static void check_plans__outputs(void **state)
{
    static const struct scene v[] = {
        {"as before", {.outputs = "{'o':'a'}"}, {.outputs = "{'o':'a'}"}, ""},
        {"another",
         {.outputs = "{'o':'a'}"},
         {.outputs = "{'o':'b'}"},
         "output-changed output.o: the output 'o' has another value"},
        {"not known yet",
         {.outputs = "{'o':'a'}"},
         {.outputs = "{'o':{'$unknown':null}}"},
         "output-changed output.o: the output 'o' has another value"},
        {"shown",
         {.outputs = "{'o':'a'}", .hidden = "o"},
         {.outputs = "{'o':'a'}"},
         "output-changed output.o: the output 'o' is not hidden any more"},
        {"new, and gone",
         {.outputs = "{'o':'a'}"},
         {.outputs = "{'p':'a'}"},
         "output-added output.p: the output 'p' is new; "
         "output-removed output.o: the output 'o' is gone"},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(v); i++)
        check(&v[i], &(struct pb_check_findings){0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_plans__providers),
        cmocka_unit_test(check_plans__what_the_text_has_told),
        cmocka_unit_test(check_plans__who_uses_which),
        cmocka_unit_test(check_plans__outputs),
    };
    return cmocka_run_group_tests_name("check_plans", tests, NULL, NULL);
}
