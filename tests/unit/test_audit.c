#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The audit with a made-up executor and observer in place of the registry's. */
#include "backends/terraform/scan.h"
#include "base/buf.h"
#include "base/child.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/mem.h"
#include "run/audit.h"

static struct fake {
    bool cached;        /* the declared side is in the cache */
    bool preview_wrong; /* the text of the configuration says another region */
    bool fail_declare;
    bool no_preview;
    bool computed;        /* live has something that Git is silent about */
    int moves;            /* how often the state moves behind a record() */
    const char *recorded; /* what the state says */
    const char *region;   /* what the plan says */
    const char *live;     /* what is live */
    const char *confirm;  /* what the second observer says: a name, "absent", "unknown"; or NULL */
    int refined, records, declares, observes, observed;
    bool observed_wrong; /* somebody was asked with the wrong region last */
    char tree[256];
} fake;

static struct pb_value map1(struct pb_arena *a, const char *k, const char *v)
{
    struct pb_map_builder m = PB_BUILDER_INIT;

    pb_map_add(&m, k, pb_mk_string(a, v));
    return pb_map_done(&m, a);
}

static bool is_unit_dir(const char *const *files, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strstr(files[i], ".tf"))
            return true;
    return false;
}

static const char provider_key[] = "provider[\"registry.terraform.io/example/example\"]";

static int record(struct pb_recorded_set *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                  struct pb_err *err)
{
    struct pb_recorded *v = pb_arena_zalloc(a, 2 * sizeof(*v));

    (void)u, (void)err;
    v[0] = (struct pb_recorded){.address = "example_thing.a",
                                .type = "example_thing",
                                .provider = provider_key,
                                .id = "a-1",
                                .attributes = pb_box(a, map1(a, "name", fake.recorded))};
    v[1] = v[0];
    v[1].address = "terraform_data.b";
    v[1].type = "terraform_data";
    *out = (struct pb_recorded_set){.v = v, .n = 2, .lineage = "lin"};
    out->serial = fake.moves > 0 ? fake.records : 5;
    if (fake.records++ & 1)
        fake.moves--;
    return 0;
}

static const struct pb_provider_config *provider(struct pb_arena *a, const char *region)
{
    struct pb_provider_config *p = pb_arena_zalloc(a, sizeof(*p));

    *p = (struct pb_provider_config){.key = provider_key,
                                     .source = "registry.terraform.io/example/example",
                                     .values = pb_box(a, map1(a, "region", region))};
    return p;
}

static void fill(struct pb_declare_result *out, struct pb_arena *a)
{
    static const char *const addresses[] = {"example_thing.a", "terraform_data.b"};
    struct pb_declared *v = pb_arena_zalloc(a, 2 * sizeof(*v));
    struct pb_map_builder m = PB_BUILDER_INIT;
    const struct pb_value *configured;

    pb_map_add(&m, "name", pb_true);
    configured = pb_box(a, pb_map_done(&m, a));
    for (size_t i = 0; i < 2; i++)
        v[i] = (struct pb_declared){.address = addresses[i],
                                    .type = i ? "terraform_data" : "example_thing",
                                    .provider = provider_key,
                                    .action = strcmp(fake.recorded, "one") == 0 ? PB_ACT_NONE
                                                                                : PB_ACT_UPDATE,
                                    .planned = pb_box(a, map1(a, "name", "one")),
                                    .configured = configured};
    memset(out, 0, sizeof(*out));
    out->declared = (struct pb_declared_set){.v = v, .n = 2, .complete = true};
    out->declared.providers = provider(a, fake.region);
    out->declared.nproviders = 1;
}

static int declare_cached(struct pb_declare_result *out, bool *hit, struct pb_arena *a,
                          const struct pb_unit_ctx *u, const struct pb_recorded_set *recorded,
                          struct pb_err *err)
{
    (void)recorded, (void)err;
    assert_int_equal(strlen(u->tree_key), 64);
    assert_null(u->tree);
    *hit = fake.cached;
    if (fake.cached)
        fill(out, a);
    return 0;
}

static int declare(struct pb_declare_result *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                   const struct pb_recorded_set *recorded, struct pb_err *err)
{
    PB_AUTO(str) char *file = pb_fs_join(u->tree, "unit/main.tf");

    (void)recorded;
    fake.declares++;
    assert_true(pb_fs_exists(file));
    snprintf(fake.tree, sizeof(fake.tree), "%s", u->tree);
    if (fake.fail_declare)
        return pb_fail(err, PB_E_TOOL, "the tool failed");
    fill(out, a);
    return 0;
}

static int preview(const struct pb_provider_config **out, size_t *n, struct pb_arena *a,
                   const struct pb_unit_ctx *u, struct pb_err *err)
{
    (void)u;
    if (fake.no_preview)
        return pb_fail(err, PB_E_INPUT, "not readable");
    *out = provider(a, fake.preview_wrong ? "wrong" : fake.region);
    *n = 1;
    return 0;
}

static void refine(struct pb_recorded_set *set, struct pb_arena *a,
                   const struct pb_schema_set *schemas)
{
    (void)set, (void)a;
    assert_non_null(schemas);
    fake.refined++;
}

static bool covers(const struct pb_observe_request *rq, const char *source, const char *type)
{
    (void)rq;
    return strcmp(type, "example_thing") == 0 &&
           strcmp(source, "registry.terraform.io/example/example") == 0;
}

static int observe(struct pb_live *out, struct pb_observe_stats *stats, struct pb_arena *a,
                   const struct pb_observe_request *rq, struct pb_err *err)
{
    const char *region = pb_get_str(rq->providers[0].values, "region");

    (void)err;
    fake.observes++;
    fake.observed_wrong = strcmp(region, fake.region) != 0;
    for (size_t i = 0; i < rq->n; i++) {
        struct pb_value v = map1(a, "name", fake.live);
        struct pb_map_builder m = PB_BUILDER_INIT;

        if (fake.computed) {
            pb_map_add(&m, "arn", pb_mk_string(a, "x"));
            pb_map_add(&m, "name", pb_mk_string(a, fake.live));
            v = pb_map_done(&m, a);
        }
        out[i] = (struct pb_live){.presence = PB_P_KNOWN, .attributes = pb_box(a, v)};
        fake.observed++;
    }
    stats->requests += rq->n;
    return 0;
}

static bool covers_too(const struct pb_observe_request *rq, const char *source, const char *type)
{
    return fake.confirm && covers(rq, source, type);
}

static int confirm(struct pb_live *out, struct pb_observe_stats *stats, struct pb_arena *a,
                   const struct pb_observe_request *rq, struct pb_err *err)
{
    (void)stats, (void)err;
    for (size_t i = 0; i < rq->n; i++) {
        out[i] = (struct pb_live){.presence = PB_P_KNOWN, .reason = "so it says"};
        if (strcmp(fake.confirm, "absent") == 0)
            out[i].presence = PB_P_ABSENT;
        else if (strcmp(fake.confirm, "unknown") == 0)
            out[i].presence = PB_P_UNKNOWN;
        else
            out[i].attributes = pb_box(a, map1(a, "name", fake.confirm));
    }
    return 0;
}

static const struct pb_executor executor = {.name = "terraform",
                                            .is_unit_dir = is_unit_dir,
                                            .scan = pb_tf_scan,
                                            .record = record,
                                            .declare_cached = declare_cached,
                                            .declare = declare,
                                            .refine = refine,
                                            .preview_providers = preview};
static const struct pb_observer observer = {.name = "fake", .covers = covers, .observe = observe};
const struct pb_executor *const pb_executors[] = {&executor, NULL};
static const struct pb_observer confirmer = {
    .name = "second", .confirms = true, .covers = covers_too, .observe = confirm};
const struct pb_observer *const pb_observers[] = {&observer, &confirmer, NULL};

static char *repo; /* made by setup */

static void git(const char *a, const char *b, const char *c, const char *d)
{
    PB_AUTO(strv) struct pb_strv argv = PB_STRV_INIT, env = PB_STRV_INIT;
    const char *words[] = {
        "git", "-C", repo, "-c", "user.name=plumb", "-c", "user.email=plumb@example.com",
        a,     b,    c,    d};
    struct pb_child_spec spec = {0};
    struct pb_child_status st;
    struct pb_err err = PB_ERR_INIT;

    for (size_t i = 0; i < PB_COUNT(words); i++)
        pb_strv_add(&argv, words[i]);
    pb_strv_setenv(&env, "PATH", getenv("PATH"));
    pb_strv_setenv(&env, "GIT_CONFIG_GLOBAL", "/dev/null");
    pb_strv_setenv(&env, "GIT_CONFIG_SYSTEM", "/dev/null");
    spec.argv = argv.v;
    spec.env = env.v;
    assert_int_equal(pb_child_run(&st, &spec, &err), 0);
    assert_int_equal(st.code, 0);
}

static void put(const char *name, const char *text)
{
    PB_AUTO(str) char *path = pb_fs_join(repo, name), *dir = pb_strdup(path);
    struct pb_err err = PB_ERR_INIT;

    *strrchr(dir, '/') = '\0';
    assert_int_equal(pb_fs_mkdirs(dir, 0700, &err), 0);
    assert_int_equal(pb_fs_write_atomic(path, text, strlen(text), 0600, &err), 0);
}

static int setup(void **state)
{
    PB_AUTO(str) char *state_dir = NULL;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    assert_int_equal(pb_work_new(&repo, &err), 0);
    state_dir = pb_fs_join(repo, ".git/plumb-test");
    git("init", "-q", "-b", "main");
    setenv("PLUMB_STATE_DIR", state_dir, 1);
    setenv("PLUMB_CACHE_DIR", state_dir, 1);
    setenv("PLUMB_DATA_DIR", ".", 1);
    put("unit/main.tf", "terraform {\n  backend \"local\" {}\n}\n");
    git("add", "-A", ".", "--");
    git("commit", "-q", "-m", "start");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pb_work_remove(repo);
    free(repo);
    return 0;
}

static void reset(void)
{
    fake = (struct fake){.region = "north", .live = "one", .recorded = "one"};
}

static int audit(struct pb_audit *a, struct pb_audit_options *o)
{
    struct pb_err err = PB_ERR_INIT;
    int rc;

    o->dir = repo;
    rc = pb_audit_run(a, o, &err);
    if (rc < 0)
        print_message("%s\n", err.msg);
    return rc;
}

static void audit__a_cached_declared_side_starts_nothing(void **state)
{
    struct pb_audit_options o = {0};
    struct pb_audit a;

    (void)state;
    reset();
    fake.cached = true;
    assert_int_equal(audit(&a, &o), 0);
    assert_int_equal(a.nunits, 1);
    assert_string_equal(a.units[0].config.name, "unit");
    assert_int_equal(fake.declares, 0);
    assert_int_equal(fake.refined, 1);
    assert_int_equal(fake.observed, 1);
    assert_int_equal(a.exit_code, PB_EXIT_PLUMB);
    assert_int_equal(a.by_verdict[PB_IN_SYNC], 2);
    assert_string_equal(pb_live_find(&a.units[0].live, "terraform_data.b")->observer, "none");
    pb_audit_release(&a);
}

static void audit__a_cold_one_plans_and_observes_at_once(void **state)
{
    struct pb_audit_options o = {0};
    struct pb_audit a;

    (void)state;
    reset();
    fake.live = "two";
    assert_int_equal(audit(&a, &o), 0);
    assert_int_equal(fake.declares, 1);
    assert_int_equal(fake.observed, 1);
    assert_int_equal(a.by_verdict[PB_DRIFTED], 1);
    assert_int_equal(a.exit_code, PB_EXIT_DRIFT);
    assert_false(pb_fs_exists(fake.tree));
    pb_audit_release(&a);
}

static void audit__wrong_settings_are_observed_again(void **state)
{
    struct pb_audit_options o = {0};
    struct pb_audit a;

    (void)state;
    reset();
    fake.preview_wrong = true;
    assert_int_equal(audit(&a, &o), 0);
    assert_int_equal(fake.observed, 2);
    assert_false(fake.observed_wrong);
    pb_audit_release(&a);

    reset();
    fake.no_preview = true;
    assert_int_equal(audit(&a, &o), 0);
    assert_int_equal(fake.observed, 1);
    pb_audit_release(&a);
}

static void audit__a_state_that_moves_is_read_again_once(void **state)
{
    struct pb_audit_options o = {0};
    struct pb_audit a;

    (void)state;
    reset();
    fake.cached = true;
    fake.moves = 1;
    assert_int_equal(audit(&a, &o), 0);
    assert_int_equal(fake.records, 4);
    assert_false(a.units[0].failed);
    assert_string_equal(a.units[0].diags.v[0].code, "state-moved");
    pb_audit_release(&a);

    reset();
    fake.cached = true;
    fake.moves = 9;
    assert_int_equal(audit(&a, &o), 0);
    assert_true(a.units[0].failed);
    assert_non_null(strstr(a.units[0].err.msg, "keeps changing"));
    assert_int_equal(a.exit_code, PB_EXIT_ERROR);
    pb_audit_release(&a);
}

static void audit__a_failed_unit_is_reported(void **state)
{
    struct pb_audit_options o = {0};
    struct pb_audit a;

    (void)state;
    reset();
    fake.fail_declare = true;
    assert_int_equal(audit(&a, &o), 0);
    assert_true(a.units[0].failed);
    assert_string_equal(a.units[0].err.msg, "the tool failed");
    assert_int_equal(a.exit_code, PB_EXIT_ERROR);
    assert_false(pb_fs_exists(fake.tree));
    pb_audit_release(&a);
}

static void audit__targets_and_rules(void **state)
{
    char target[] = "example_thing.a", nothing[] = "example_thing.z";
    char rule[] = "example_thing.a:name";
    char *targets[] = {target, NULL}, *none[] = {nothing, NULL}, *rules[] = {rule, NULL};
    struct pb_audit_options o = {.targets = targets};
    struct pb_audit a;

    (void)state;
    reset();
    fake.cached = true;
    fake.live = "two";
    assert_int_equal(audit(&a, &o), 0);
    assert_int_equal(a.resources, 1);
    assert_int_equal(a.exit_code, PB_EXIT_DRIFT);
    pb_audit_release(&a);
    o.targets = none;
    assert_int_equal(audit(&a, &o), -1);
    pb_audit_release(&a);
    o = (struct pb_audit_options){.ignore = rules};
    assert_int_equal(audit(&a, &o), 0);
    assert_int_equal(a.exit_code, PB_EXIT_PLUMB);
    pb_audit_release(&a);
}

/* Saved while in sync, a baseline shows what a refresh has hidden in the state since. */
static void audit__baseline(void **state)
{
    struct pb_audit_options o = {.save_baseline = true};
    struct pb_audit a;

    (void)state;
    reset();
    fake.cached = fake.computed = true;
    assert_int_equal(audit(&a, &o), 0);
    assert_int_equal(a.by_verdict[PB_COMPUTED], 1);
    assert_int_equal(a.units[0].baseline_saved, 2);
    pb_audit_release(&a);
    fake.computed = false;
    o.save_baseline = false;
    assert_int_equal(audit(&a, &o), 0);
    assert_non_null(a.units[0].baseline);
    assert_string_equal(a.units[0].baseline_commit, a.commit);
    assert_int_equal(a.exit_code, PB_EXIT_PLUMB);
    pb_audit_release(&a);
    fake.live = fake.recorded = "two";
    assert_int_equal(audit(&a, &o), 0);
    assert_int_equal(a.by_verdict[PB_LAUNDERED], 2);
    pb_audit_release(&a);
}

/* What is in place of all that an audit says: whether it found a baseline. */
static bool knows(void)
{
    struct pb_audit_options o = {0};
    struct pb_audit a;
    bool known;

    reset();
    fake.cached = true;
    fake.live = fake.recorded = "two";
    assert_int_equal(audit(&a, &o), 0);
    known = a.units[0].baseline != NULL;
    assert_int_equal(a.by_verdict[PB_LAUNDERED], known ? 2 : 0);
    pb_audit_release(&a);
    return known;
}

static void forget_baselines(void)
{
    PB_AUTO(str) char *dir = pb_fs_join(getenv("PLUMB_STATE_DIR"), "baseline");
    struct pb_err err = PB_ERR_INIT;

    assert_int_equal(pb_fs_remove_tree(dir, &err), 0);
}

/* It once was lost when a remote was added, or its URL spelled in another way. */
static void audit__a_baseline_is_found_whatever_the_remote(void **state)
{
    static const char *const urls[] = {"ssh://git@github.com/x/y.git", "https://github.com/x/y.git",
                                       "https://github.com/x/y", "https://user@github.com/x/y/"};
    struct pb_audit_options o = {.save_baseline = true};
    struct pb_audit a;

    (void)state;
    forget_baselines();
    assert_false(knows());
    reset();
    fake.cached = true;
    assert_int_equal(audit(&a, &o), 0);
    pb_audit_release(&a);
    assert_true(knows());
    git("remote", "add", "origin", "git@github.com:x/y.git");
    assert_true(knows());
    for (size_t i = 0; i < PB_COUNT(urls); i++) {
        git("remote", "set-url", "origin", urls[i]);
        assert_true(knows());
    }
    git("remote", "remove", "origin", "--");
}

/* One of an older version, under what was the repository then. */
static void put_old(const char *repo_then, const char *commit)
{
    PB_AUTO(str) char *name = NULL, *text = NULL;
    struct pb_sha256 *d = pb_sha256_new();
    char hex[PB_SHA256_HEX];

    pb_sha256_add_str(d, repo_then);
    pb_sha256_add_str(d, "unit");
    pb_sha256_add_str(d, "default");
    pb_sha256_end_hex(d, hex);
    name = pb_asprintf(".git/plumb-test/baseline/%s.json", hex);
    text = pb_asprintf("{\"format\":1,\"lineage\":\"lin\",\"commit\":\"%s\",\"resources\":["
                       "{\"address\":\"example_thing.a\",\"attributes\":{\"name\":\"one\"}},"
                       "{\"address\":\"terraform_data.b\",\"attributes\":{\"name\":\"one\"}}]}",
                       commit);
    put(name, text);
}

static void audit__a_baseline_of_an_older_version(void **state)
{
    static const char url[] = "https://github.com/x/y.git";
    struct pb_audit_options o = {.save_baseline = true};
    PB_AUTO(str) char *folder = pb_fs_join(repo, ".git");
    struct pb_audit a;

    (void)state;
    forget_baselines();
    put_old(folder, "");
    assert_true(knows());
    git("remote", "add", "origin", url);
    assert_true(knows());
    forget_baselines();
    assert_false(knows());
    put_old(url, "c0ffee");
    assert_true(knows());
    /* A newer one is believed, and no older one beside it. */
    reset();
    fake.cached = true;
    assert_int_equal(audit(&a, &o), 0);
    assert_string_equal(a.units[0].baseline_commit, "c0ffee");
    pb_audit_release(&a);
    put_old(url, "c0ffee");
    o.save_baseline = false;
    assert_int_equal(audit(&a, &o), 0);
    assert_string_equal(a.units[0].baseline_commit, a.commit);
    pb_audit_release(&a);
    git("remote", "remove", "origin", "--");
}

/* Who was seen with its attributes is there, whatever a second observer makes of it. */
static void audit__drift_is_confirmed(void **state)
{
    static const struct {
        const char *confirm, *observer, *diag;
        enum pb_verdict verdict;
    } rows[] = {
        {NULL, "fake", NULL, PB_DRIFTED},
        {"two", "second", NULL, PB_DRIFTED},
        {"one", "second", "observers-disagree", PB_IN_SYNC},
        {"absent", "fake", "not-confirmed", PB_DRIFTED},
        {"unknown", "fake", "not-confirmed", PB_DRIFTED},
    };
    struct pb_audit_options o = {0};

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_audit a;
        const struct pb_resource_result *r;

        reset();
        fake.cached = true;
        fake.live = "two";
        fake.confirm = rows[i].confirm;
        assert_int_equal(audit(&a, &o), 0);
        r = &a.units[0].out.v[0];
        assert_string_equal(r->address, "example_thing.a");
        assert_int_equal(r->verdict, rows[i].verdict);
        assert_string_equal(r->observer, rows[i].observer);
        assert_int_equal(a.units[0].diags.n, rows[i].diag != NULL);
        if (rows[i].diag)
            assert_string_equal(a.units[0].diags.v[0].code, rows[i].diag);
        pb_audit_release(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(audit__a_cached_declared_side_starts_nothing),
        cmocka_unit_test(audit__a_cold_one_plans_and_observes_at_once),
        cmocka_unit_test(audit__wrong_settings_are_observed_again),
        cmocka_unit_test(audit__a_state_that_moves_is_read_again_once),
        cmocka_unit_test(audit__a_failed_unit_is_reported),
        cmocka_unit_test(audit__targets_and_rules),
        cmocka_unit_test(audit__baseline),
        cmocka_unit_test(audit__a_baseline_is_found_whatever_the_remote),
        cmocka_unit_test(audit__a_baseline_of_an_older_version),
        cmocka_unit_test(audit__drift_is_confirmed),
    };
    return cmocka_run_group_tests_name("audit", tests, setup, teardown);
}
