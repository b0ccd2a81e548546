/* The declared side and provider schemas survive their caches; secrets do not reach them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backends/terraform/ahead.h"
#include "backends/terraform/cache.h"
#include "backends/terraform/schemas.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "model/json.h"

static char *work;

static struct pb_declare_result sample(struct pb_arena *a)
{
    static const char *const ignored[] = {"tags", NULL};
    static struct pb_declared d;
    static const struct pb_side_effect runs[] = {
        {"local-exec", true, false, false, "main.tf", 3, 9}, {"x", false, true, true, NULL, 0, 0}};
    static struct pb_provider_config p;
    const struct pb_value *outputs = NULL;
    const struct pb_value *planned = NULL, *mask = NULL, *values = NULL;
    const char *text = "{\"n\":12345678901234567890123,\"password\":\"hunter2\"}";

    pb_json_parse(&planned, a, text, strlen(text), "x", NULL);
    pb_json_parse(&values, a, "{\"region\":\"eu-west-1\"}", 22, "x", NULL);
    pb_json_parse(&outputs, a, "{\"o\":\"hunter2\",\"p\":1}", 21, "x", NULL);
    pb_json_parse(&mask, a, "{\"o\":true}", 10, "x", NULL);
    outputs = pb_box(a, pb_mark_sensitive(a, outputs, mask));
    pb_json_parse(&mask, a, "{\"password\":true}", 17, "x", NULL);
    d = (struct pb_declared){.address = "a.b",
                             .type = "a",
                             .provider = "provider[\"x\"]",
                             .action = PB_ACT_UPDATE,
                             .ignore_changes = ignored,
                             .source_line = 7,
                             .source_end = 9,
                             .effects = runs,
                             .neffects = 2};
    d.planned = pb_box(a, pb_mark_sensitive(a, planned, mask));
    p = (struct pb_provider_config){.key = "provider[\"x\"]", .source = "x", .values = values};
    return (struct pb_declare_result){.declared = {.v = &d,
                                                   .n = 1,
                                                   .providers = &p,
                                                   .nproviders = 1,
                                                   .effects = runs + 1,
                                                   .neffects = 1,
                                                   .outputs = outputs,
                                                   .complete = true}};
}

static void seal_new(struct pb_seal *seal)
{
    PB_AUTO(str) char *key = pb_fs_join(work, "key");
    assert_int_equal(pb_seal_init(seal, key, NULL), 0);
}

static void check_prior(const char *prior, const char *planned, bool once)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    PB_AUTO(str) char *path = pb_fs_join(work, "declared/prior.json");
    struct pb_declare_result in = sample(a), out;
    struct pb_declared d = in.declared.v[0];
    const struct pb_value *mask = NULL;
    struct pb_seal seal;

    seal_new(&seal);
    in.declared.v = &d;
    d.prior = d.planned = NULL;
    pb_json_parse(&mask, a, "{\"secret\":true}", 15, "x", NULL);
    if (prior)
        assert_int_equal(pb_json_parse(&d.prior, a, prior, strlen(prior), "x", NULL), 0);
    if (prior)
        d.prior = pb_box(a, pb_mark_sensitive(a, d.prior, mask));
    if (planned)
        assert_int_equal(pb_json_parse(&d.planned, a, planned, strlen(planned), "x", NULL), 0);
    if (planned)
        d.planned = pb_box(a, pb_mark_sensitive(a, d.planned, mask));
    assert_int_equal(pb_tf_cache_store(work, "prior", &in, NULL, &seal, 0, NULL), 0);
    assert_true(pb_tf_cache_load(&out, NULL, a, work, "prior", 1000));
    assert_int_equal(pb_fs_read(&text, path, 1 << 20, NULL), 0);
    assert_int_equal(strstr(text.s, "\"prior\":") == NULL, once || !prior);
    assert_int_equal(out.declared.v[0].prior != NULL, prior != NULL);
    assert_int_equal(out.declared.v[0].planned != NULL, planned != NULL);
    if (prior)
        assert_string_equal(pb_get_str(out.declared.v[0].prior, "a"), "one");
    if (prior && pb_get(d.prior, "secret"))
        assert_true(pb_seal_matches(&seal, pb_get(out.declared.v[0].prior, "secret"),
                                    pb_get(d.prior, "secret")));
}

static void tf_cache__prior_that_is_planned_is_kept_once(void **state)
{
    (void)state;
    check_prior("{\"a\":\"one\"}", "{\"a\":\"one\"}", true);
    check_prior("{\"a\":\"one\"}", "{\"a\":\"two\"}", false);
    check_prior("{\"a\":\"one\",\"secret\":\"x\"}", "{\"a\":\"one\",\"secret\":\"x\"}", true);
    check_prior("{\"a\":\"one\",\"secret\":\"x\"}", "{\"a\":\"one\",\"secret\":\"y\"}", false);
    check_prior("{\"a\":\"one\"}", NULL, false);
    check_prior(NULL, "{\"a\":\"one\"}", false);
}

static void tf_cache__round_trip_without_the_secret(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_declare_result in = sample(a), out;
    struct pb_seal seal;

    (void)state;
    seal_new(&seal);
    assert_int_equal(pb_tf_cache_store(work, "k1", &in, NULL, &seal, 0, NULL), 0);
    PB_AUTO(str) char *path = pb_fs_join(work, "declared/k1.json");
    assert_int_equal(pb_fs_read(&text, path, 1 << 20, NULL), 0);
    assert_null(strstr(text.s, "hunter2"));
    assert_true(pb_tf_cache_load(&out, NULL, a, work, "k1", 1000));
    assert_true(out.from_cache && out.declared.complete);
    const struct pb_declared *d = &out.declared.v[0];
    assert_string_equal(d->address, "a.b");
    assert_int_equal(d->action, PB_ACT_UPDATE);
    assert_int_equal(d->source_line, 7);
    assert_int_equal(d->source_end, 9);
    assert_int_equal(d->neffects, 2);
    assert_string_equal(d->effects[0].what, "local-exec");
    assert_string_equal(d->effects[0].file, "main.tf");
    assert_int_equal(d->effects[0].line, 3);
    assert_int_equal(d->effects[0].last_line, 9);
    assert_true(d->effects[0].on_create && !d->effects[0].on_destroy && !d->effects[0].invoked);
    assert_true(!d->effects[1].on_create && d->effects[1].on_destroy && d->effects[1].invoked);
    assert_int_equal(out.declared.neffects, 1);
    assert_string_equal(out.declared.effects[0].what, "x");
    assert_string_equal(d->ignore_changes[0], "tags");
    assert_string_equal(pb_get(d->planned, "n")->s, "12345678901234567890123");
    assert_true(pb_seal_matches(&seal, pb_get(d->planned, "password"),
                                pb_get(in.declared.v[0].planned, "password")));
    assert_string_equal(pb_get_str(out.declared.providers[0].values, "region"), "eu-west-1");
    assert_string_equal(pb_get(out.declared.outputs, "p")->s, "1");
    assert_true(pb_seal_matches(&seal, pb_get(out.declared.outputs, "o"),
                                pb_get(in.declared.outputs, "o")));
}

static void tf_cache__expired_damaged_and_missing_are_no_hit(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_declare_result in = sample(a), out;
    struct pb_seal seal;

    (void)state;
    seal_new(&seal);
    assert_int_equal(pb_tf_cache_store(work, "k2", &in, NULL, &seal, 500, NULL), 0);
    assert_true(pb_tf_cache_load(&out, NULL, a, work, "k2", 499));
    assert_false(pb_tf_cache_load(&out, NULL, a, work, "k2", 500));
    assert_false(pb_tf_cache_load(&out, NULL, a, work, "other", 1));
    PB_AUTO(str) char *path = pb_fs_join(work, "declared/k2.json");
    assert_int_equal(pb_fs_write_atomic(path, "{\"format\":1", 11, 0600, NULL), 0);
    assert_false(pb_tf_cache_load(&out, NULL, a, work, "k2", 1));
}

static bool last_is(struct pb_unit_ctx *u, const char *key)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_declare_result last;

    return pb_tf_declare_last(&last, a, u) &&
           strcmp(last.declared.v[0].address, *key == 'a' ? "a.b" : "a.c") == 0;
}

/* What a change would declare is not what is declared. */
static void tf_cache__last_is_no_plan_of_a_sandbox(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_declare_result in = sample(a), out;
    struct pb_declared d = in.declared.v[0];
    struct pb_sandbox box = {0};
    struct pb_unit_ctx u = {
        .name = "u", .path = "u", .workspace = "default", .worktree = "/w", .cache_dir = work};
    char one[PB_SHA256_HEX], two[PB_SHA256_HEX];
    struct pb_seal seal;

    (void)state;
    memset(one, 'a', sizeof(one) - 1);
    memset(two, 'b', sizeof(two) - 1);
    one[sizeof(one) - 1] = two[sizeof(two) - 1] = '\0';
    seal_new(&seal);
    assert_int_equal(pb_tf_cache_store(work, one, &in, NULL, &seal, 0, NULL), 0);
    d.address = "a.c";
    in.declared.v = &d;
    assert_int_equal(pb_tf_cache_store(work, two, &in, NULL, &seal, 0, NULL), 0);
    assert_false(pb_tf_declare_last(&out, a, &u));
    assert_true(pb_tf_ahead_load(&out, NULL, a, &u, one, 1));
    assert_true(last_is(&u, one));
    u.sandbox = &box;
    assert_true(pb_tf_ahead_load(&out, NULL, a, &u, two, 1));
    pb_tf_ahead_remember(&u, two);
    assert_true(last_is(&u, one));
    u.sandbox = NULL;
    pb_tf_ahead_remember(&u, two);
    assert_true(last_is(&u, two));
}

static struct pb_provider_config provider(struct pb_arena *a, const char *values, const char *mask)
{
    struct pb_provider_config p = {.key = "provider[\"x\"]", .source = "x"};
    const struct pb_value *m = NULL;

    pb_json_parse(&p.values, a, values, strlen(values), "x", NULL);
    pb_json_parse(&m, a, mask, strlen(mask), "x", NULL);
    p.values = pb_box(a, pb_mark_sensitive(a, p.values, m));
    return p;
}

#define BLOCK(word)                                                                           \
    "{\"region\":\"eu-west-1\",\"opaque\":\"" word "\",\"skip_credentials_validation\":true," \
    "\"assume_role\":[{\"external_id\":\"e\",\"token_file\":\"/f\"}],\"secret_key\":\"hunter3\"}"

/* One that a mask calls a secret, and one by its name. */
static void tf_cache__secrets_of_providers_are_found_again(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_declare_result in = sample(a), out;
    struct pb_provider_config p = provider(a, BLOCK("hunter2"), "{\"opaque\":true}");
    struct pb_provider_config now = provider(a, BLOCK("hunter2"), "{}");
    struct pb_provider_config other = provider(a, BLOCK("hunter4"), "{}");
    struct pb_provider_config none = provider(a, "{}", "{}");
    struct pb_seal seal;

    (void)state;
    seal_new(&seal);
    in.declared.providers = &p;
    assert_int_equal(pb_tf_cache_store(work, "k3", &in, NULL, &seal, 0, NULL), 0);
    PB_AUTO(str) char *path = pb_fs_join(work, "declared/k3.json");
    assert_int_equal(pb_fs_read(&text, path, 1 << 20, NULL), 0);
    assert_null(strstr(text.s, "hunter"));
    assert_non_null(strstr(text.s, "/f"));
    assert_true(pb_tf_cache_load(&out, NULL, a, work, "k3", 1));
    assert_true(pb_tf_cache_is_sealed(&out));
    assert_false(pb_tf_cache_unseal(&out, a, &seal, &other, 1));
    assert_false(pb_tf_cache_unseal(&out, a, &seal, &none, 1));
    assert_false(pb_tf_cache_unseal(&out, a, &seal, NULL, 0));
    assert_true(pb_tf_cache_unseal(&out, a, &seal, &now, 1));
    assert_false(pb_tf_cache_is_sealed(&out));
    assert_true(pb_value_equal(out.declared.providers[0].values, now.values));
    assert_true(pb_get(out.declared.providers[0].values, "opaque")->flags & PB_V_SENSITIVE);
}

static void tf_schemas__round_trip(void **state)
{
    static const char text[] =
        "{\"format_version\":\"1.0\",\"provider_schemas\":{\"example.com/x/y\":"
        "{\"resource_schemas\":{\"y_thing\":{\"version\":2,\"block\":{\"attributes\":"
        "{\"id\":{\"type\":\"string\",\"computed\":true}}}}}}}}";
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(strv) struct pb_strv types = PB_STRV_INIT;
    const struct pb_value *versions = NULL;
    struct pb_schema_set set;

    (void)state;
    pb_json_parse(&versions, a, "{\"example.com/x/y\":\"1.2.3\"}", 27, "x", NULL);
    assert_false(pb_tf_schemas_have(work, "example.com/x/y", "1.2.3"));
    assert_int_equal(pb_tf_schemas_store(work, text, sizeof(text) - 1, versions, NULL), 0);
    assert_true(pb_tf_schemas_have(work, "example.com/x/y", "1.2.3"));
    assert_false(pb_tf_schemas_have(work, "example.com/x/y", "1.2.4"));
    pb_strv_add(&types, "example.com/x/y\ty_thing");
    pb_strv_add(&types, "example.com/x/y\ty_other");
    assert_int_equal(pb_tf_schemas_load(&set, a, work, NULL, &types, versions, NULL), 0);
    assert_int_equal(set.n, 1);
    assert_int_equal(set.v[0]->version, 2);
    assert_non_null(pb_type_field(set.v[0]->root, "id"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tf_cache__prior_that_is_planned_is_kept_once),
        cmocka_unit_test(tf_cache__round_trip_without_the_secret),
        cmocka_unit_test(tf_cache__expired_damaged_and_missing_are_no_hit),
        cmocka_unit_test(tf_cache__last_is_no_plan_of_a_sandbox),
        cmocka_unit_test(tf_cache__secrets_of_providers_are_found_again),
        cmocka_unit_test(tf_schemas__round_trip),
    };
    int rc;

    if (pb_work_new(&work, NULL) == -1)
        return 1;
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    pb_work_remove_all();
    free(work);
    return rc;
}
