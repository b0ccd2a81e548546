/* The observer on providers that misbehave (tests/tools/plugin_fake.c) and one that does not. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/backend.h"
#include "backends/provider/install.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "tests/support/values.h"

static const char source[] = "registry.terraform.io/acme/fake";
static const char key[] = "provider[\"registry.terraform.io/acme/fake\"]";

static const char deep[] = "/of-somebody-who-likes-to-nest/folders-with-long-names/very-deeply";
static char *root, *log_path, *package;
static char h1[80];

/* ---- setting up ------------------------------------------------------------------------- */

static char *fake_program(void)
{
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

    assert_true(n > 0);
    exe[n] = '\0';
    *strrchr(exe, '/') = '\0';
    *strrchr(exe, '/') = '\0';
    return pb_asprintf("%s/tools/plugin_fake", exe);
}

struct world {
    struct pb_arena *a;
    const char *mode;
    const char *protocol;
    const char *hash;
    const char *settings; /* JSON */
    long timeout_ms;
    bool foreign; /* no state knows them */
    bool deep;    /* temporary files are far down */
    struct pb_diags diags;
    struct pb_observe_stats stats;
    struct pb_live out[8];
};

static struct world world(void **state, const char *mode)
{
    return (struct world){.a = *state,
                          .mode = mode,
                          .protocol = "5",
                          .hash = h1,
                          .settings = "{}",
                          .timeout_ms = 20000};
}

/* One resource for each id. */
static void observe(struct world *w, const char *const *ids, size_t n)
{
    char *const env[] = {pb_arena_printf(w->a, "FAKE_MODE=%s", w->mode),
                         pb_arena_printf(w->a, "FAKE_PROTOCOL=%s", w->protocol),
                         pb_arena_printf(w->a, "FAKE_LOG=%s", log_path),
                         pb_arena_strdup(w->a, "TF_CLI_ARGS=-no"),
                         pb_arena_strdup(w->a, "API_TOKEN=hush-hush-token"),
                         NULL};
    const char *const dirs[] = {pb_arena_printf(w->a, "%s/none", root),
                                pb_arena_printf(w->a, "%s/plugins", root), NULL};
    const char *const hashes[] = {"zh:of-the-archive", w->hash, NULL};
    struct pb_plugin_site site = {.dirs = dirs,
                                  .env = env,
                                  .work =
                                      pb_arena_printf(w->a, "%s/work%s", root, w->deep ? deep : ""),
                                  .cache_dir = pb_arena_printf(w->a, "%s/cache", root)};
    struct pb_provider_config config = {.key = key,
                                        .source = source,
                                        .version = "1.0.0",
                                        .values = json_marked(w->a, w->settings),
                                        .hashes = hashes};
    struct pb_recorded rec[8];
    const struct pb_recorded *res[8];
    struct pb_observe_request rq = {.resources = res,
                                    .n = n,
                                    .providers = &config,
                                    .nproviders = 1,
                                    .plugins = &site,
                                    .timeout_ms = w->timeout_ms,
                                    .diags = &w->diags};
    struct pb_err err = PB_ERR_INIT;

    unlink(log_path);
    for (size_t i = 0; i < n; i++) {
        const struct pb_value *v =
            json(w->a, pb_arena_printf(
                           w->a, "{\"id\":\"%s\",\"name\":\"recorded\",\"secret\":\"s\"}", ids[i]));
        const char *type = strcmp(ids[i], "other") == 0  ? "fake_other"
                           : strcmp(ids[i], "more") == 0 ? "fake_more"
                                                         : "fake_thing";
        rec[i] = (struct pb_recorded){.address = pb_arena_printf(w->a, "fake_thing.n%zu", i),
                                      .type = type,
                                      .provider = key,
                                      .id = ids[i],
                                      .attributes = w->foreign ? NULL : v,
                                      .stored = w->foreign ? NULL : v,
                                      .private_data = "e30=",
                                      .schema_version = strcmp(ids[i], "newer") ? 1 : 2};
        res[i] = &rec[i];
    }
    if (pb_provider.observe(w->out, &w->stats, w->a, &rq, &err))
        fail_msg("%s", err.msg);
}

static void assert_nothing_left(void)
{
    PB_AUTO(str) char *work = pb_fs_join(root, "work");
    struct dirent *e;
    DIR *d;

    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    d = opendir(work);
    assert_non_null(d);
    while ((e = readdir(d)))
        assert_true(*e->d_name == '.');
    closedir(d);
}

static void assert_unknown(const struct pb_live *l, const char *part)
{
    assert_int_equal(l->presence, PB_P_UNKNOWN);
    assert_non_null(l->reason);
    if (!strstr(l->reason, part))
        fail_msg("'%s' is not in '%s'", part, l->reason);
    if (strstr(l->reason, "hush"))
        fail_msg("a secret is in '%s'", l->reason);
}

static bool was_called(const char *call)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    return pb_fs_read(&b, log_path, 1 << 20, NULL) == 0 && strstr(b.s, call);
}

static int group_setup(void **state)
{
    char dir[] = "/tmp/plumb-unit-XXXXXX";
    PB_AUTO(str) char *program = fake_program();
    PB_AUTO(str) char *work = NULL, *binary = NULL;
    struct world w;
    const char *hit;

    root = pb_strdup(mkdtemp(dir));
    log_path = pb_fs_join(root, "log");
    work = pb_fs_join(root, "work");
    package = pb_asprintf("%s/plugins/%s/1.0.0/%s", root, source, pb_install_platform());
    binary = pb_fs_join(package, "terraform-provider-fake_v1.0.0");
    if (pb_fs_mkdirs(work, 0700, NULL) || pb_fs_mkdirs(package, 0700, NULL) ||
        symlink(program, binary) || arena_setup(state))
        return -1;
    /* What it is refused for says what its digest is. */
    w = world(state, "");
    w.hash = "h1:another";
    observe(&w, (const char *[]){"a"}, 1);
    hit = w.out[0].reason ? strstr(w.out[0].reason, "(it is h1:") : NULL;
    if (hit)
        snprintf(h1, sizeof(h1), "%.*s", (int)strcspn(hit + 7, ")"), hit + 7);
    pb_diags_release(&w.diags);
    return arena_teardown(state);
}

static int group_teardown(void **state)
{
    (void)state;
    (void)pb_fs_remove_tree(root, NULL);
    free(root);
    free(log_path);
    free(package);
    return 0;
}

/* ---- an honest one ---------------------------------------------------------------------- */

static void reads(void **state, const char *protocol)
{
    struct world w = world(state, "");

    w.protocol = protocol;
    observe(&w, (const char *[]){"same", "changed", "gone", "denied", "other", "newer"}, 6);
    assert_int_equal(w.out[0].presence, PB_P_KNOWN);
    assert_json(w.out[0].attributes, "{\"id\":\"same\",\"name\":\"recorded\",\"secret\":\"s\"}");
    assert_true(pb_get(w.out[0].attributes, "secret")->flags & PB_V_SENSITIVE);
    assert_null(w.out[0].upgraded);
    assert_int_equal(w.out[1].presence, PB_P_KNOWN);
    assert_string_equal(pb_get_str(w.out[1].attributes, "name"), "live");
    assert_int_equal(w.out[2].presence, PB_P_ABSENT);
    assert_unknown(&w.out[3], "AccessDenied: not for you");
    assert_unknown(&w.out[4], "does not have such a type in version 1.0.0");
    assert_unknown(&w.out[5], "newer version of the provider");
    assert_nothing_left();
    pb_diags_release(&w.diags);
}

static void provider__reads_protocol_5(void **state)
{
    reads(state, "5");
}

static void provider__reads_protocol_6(void **state)
{
    reads(state, "6");
}

static void provider__keeps_the_schema(void **state)
{
    struct world w = world(state, "");

    observe(&w, (const char *[]){"same"}, 1);
    observe(&w, (const char *[]){"same"}, 1);
    assert_int_equal(w.out[0].presence, PB_P_KNOWN);
    assert_true(was_called("ReadResource"));
    assert_false(was_called("Schema"));
    pb_diags_release(&w.diags);
}

/* The only file of the folder. Caller frees. */
static char *only_file(const char *dir)
{
    char *found = NULL;
    struct dirent *e;
    DIR *d = opendir(dir);

    assert_non_null(d);
    while ((e = readdir(d)))
        if (*e->d_name != '.') {
            assert_null(found);
            found = pb_fs_join(dir, e->d_name);
        }
    closedir(d);
    assert_non_null(found);
    return found;
}

static void provider__what_took_longest_is_read_first(void **state)
{
    static const char before[] = "fake_thing 2\nfake_more 11\n";
    static const char *const ids[] = {"same", "changed", "more"};
    PB_AUTO(str) char *dir = pb_fs_join(root, "cache/provider-times");
    struct world w = world(state, "");

    (void)pb_fs_remove_tree(dir, NULL);
    observe(&w, ids, 3);
    assert_true(was_called("fake_thing\nUpgradeResourceState\nfake_thing\n"));
    PB_AUTO(str) char *file = only_file(dir);
    assert_int_equal(pb_fs_write_atomic(file, before, strlen(before), 0600, NULL), 0);
    observe(&w, ids, 3);
    assert_true(was_called("fake_more\nUpgradeResourceState\nfake_thing\n"));
    assert_string_equal(w.out[0].address, "fake_thing.n0");
    assert_string_equal(pb_get_str(w.out[1].attributes, "name"), "live");
    assert_string_equal(pb_get_str(w.out[2].attributes, "id"), "more");
    /* It did not take two seconds, and that is known from now on. */
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    assert_int_equal(pb_fs_read(&text, file, 1 << 20, NULL), 0);
    assert_non_null(strstr(text.s, "fake_more "));
    assert_null(strstr(text.s, " 11"));
    pb_diags_release(&w.diags);
}

static void provider__runs_far_down(void **state)
{
    PB_AUTO(str) char *work = pb_asprintf("%s/work%s", root, deep);
    PB_AUTO(str) char *top = pb_asprintf("%s/work/of-somebody-who-likes-to-nest", root);
    struct world w = world(state, "");

    w.deep = true;
    assert_int_equal(pb_fs_mkdirs(work, 0700, NULL), 0);
    observe(&w, (const char *[]){"same"}, 1);
    assert_int_equal(w.out[0].presence, PB_P_KNOWN);
    assert_int_equal(pb_fs_remove_tree(top, NULL), 0);
    assert_nothing_left();
    pb_diags_release(&w.diags);
}

static void provider__nothing_found_is_not_missing(void **state)
{
    struct world w = world(state, "");

    observe(&w, (const char *[]){"gone", "gone"}, 2);
    assert_unknown(&w.out[0], "found nothing else");
    assert_unknown(&w.out[1], "found nothing else");
    pb_diags_release(&w.diags);
}

static void provider__knows_what_is_no_difference(void **state)
{
    static const char *const modes[] = {"", "crash-planning"};

    for (size_t i = 0; i < PB_COUNT(modes); i++) {
        struct world w = world(state, modes[i]);

        observe(&w, (const char *[]){"same", "shouts", "changed"}, 3);
        assert_int_equal(w.out[0].presence, PB_P_KNOWN);
        assert_int_equal(w.out[1].presence, PB_P_KNOWN);
        assert_string_equal(pb_get_str(w.out[1].attributes, "name"), i ? "RECORDED" : "recorded");
        assert_string_equal(pb_get_str(w.out[2].attributes, "name"), "live");
        assert_nothing_left();
        pb_diags_release(&w.diags);
    }
    {
        struct world w = world(state, "");

        observe(&w, (const char *[]){"same"}, 1);
        assert_false(was_called("PlanResourceChange"));
        pb_diags_release(&w.diags);
    }
}

static void provider__imports_by_id(void **state)
{
    struct world w = world(state, "");

    w.foreign = true;
    observe(&w, (const char *[]){"same", "changed", "gone"}, 3);
    assert_int_equal(w.out[0].presence, PB_P_KNOWN);
    assert_json(w.out[0].attributes, "{\"id\":\"same\",\"name\":null,\"secret\":null}");
    assert_string_equal(pb_get_str(w.out[1].attributes, "name"), "live");
    assert_int_equal(w.out[2].presence, PB_P_ABSENT);
    assert_true(was_called("ImportResourceState"));
    assert_false(was_called("UpgradeResourceState"));
    assert_nothing_left();
    pb_diags_release(&w.diags);
}

static void provider__unknown_settings(void **state)
{
    struct world w = world(state, "");

    w.settings = "{'token': {'$unknown': 'data.x.y'}}";
    observe(&w, (const char *[]){"same"}, 1);
    assert_unknown(&w.out[0], "'token' of provider 'fake' is known only to Terraform (data.x.y)");
    w.settings = "{'nonsense': 1}";
    observe(&w, (const char *[]){"same"}, 1);
    assert_unknown(&w.out[0], "the schema has no nonsense");
    assert_nothing_left();
    pb_diags_release(&w.diags);
}

/* ---- what is installed ------------------------------------------------------------------ */

static void provider__another_binary_is_refused(void **state)
{
    PB_AUTO(str) char *extra = pb_fs_join(package, "extra");
    struct world w = world(state, "");

    w.hash = "h1:another";
    observe(&w, (const char *[]){"same"}, 1);
    assert_unknown(&w.out[0], "is not the one that the lock file means");
    assert_false(was_called("started"));
    w.hash = "zh:archive";
    observe(&w, (const char *[]){"same"}, 1);
    assert_unknown(&w.out[0], "no 'h1:' digest");
    /* A file more is another package, although its digest was remembered a moment ago. */
    w.hash = h1;
    assert_int_equal(pb_fs_write_atomic(extra, "x", 1, 0600, NULL), 0);
    observe(&w, (const char *[]){"same"}, 1);
    assert_unknown(&w.out[0], "is not the one that the lock file means");
    assert_false(was_called("started"));
    unlink(extra);
    observe(&w, (const char *[]){"same"}, 1);
    assert_int_equal(w.out[0].presence, PB_P_KNOWN);
    pb_diags_release(&w.diags);
}

/* ---- dishonest ones --------------------------------------------------------------------- */

struct fault {
    const char *mode, *says;
};

static void each(void **state, const struct fault *f, size_t n, long timeout_ms, long within_ms)
{
    for (size_t i = 0; i < n; i++) {
        struct world w = world(state, f[i].mode);
        int64_t start = pb_clock_ms();

        w.timeout_ms = timeout_ms;
        observe(&w, (const char *[]){"same", "changed", "gone"}, 3);
        for (size_t k = 0; k < 3; k++)
            assert_unknown(&w.out[k], f[i].says);
        if (pb_clock_ms() - start > within_ms)
            fail_msg("'%s' took %ld ms", f[i].mode, (long)(pb_clock_ms() - start));
        assert_nothing_left();
        pb_diags_release(&w.diags);
    }
}

static void provider__bad_starts(void **state)
{
    static const struct fault faults[] = {
        {"exits", "before it was ready (exit code 9); it said: cannot open shared"},
        {"flood-stdout", "its first line does not end"},
        {"garbage", "does not greet as a provider does"},
        {"old-protocol", "version '4' of the plugin protocol"},
        {"foreign-socket", "not in the private folder"},
        {"no-grpc", "does not offer gRPC"},
        {"no-socket", "cannot connect to the provider's socket"},
        {"closes-stdout", "closed its output before it was ready"},
        {"not-http2", "not HTTP/2"},
    };

    each(state, faults, PB_COUNT(faults), 20000, 15000);
}

static void provider__bad_answers(void **state)
{
    static const struct fault faults[] = {
        {"crash", "panic: runtime error: (sensitive)"},
        {"close", "it closed the connection (exit code 0)"},
        {"many-diagnostics", "it went wrong; it went wrong; it went wrong; and 9997 more"},
        {"bad-protobuf", "no valid protobuf"},
        {"bad-msgpack", "no valid msgpack"},
        {"no-object", "what it answers is no object"},
        {"oversized", "longer than the limit"},
        {"compressed", "compressed"},
        {"half-frame", "ends inside a message"},
        {"empty", "its answer is empty"},
        {"config-error", "does not take its settings: bad credentials: the token (sensitive) is"},
    };

    each(state, faults, PB_COUNT(faults), 20000, 15000);
}

static void provider__silence_ends(void **state)
{
    static const struct fault faults[] = {
        {"never-ready", "not ready in time"},
        {"silent-configure", "did not answer in time"},
        {"silent", "in time"},
    };

    each(state, faults, PB_COUNT(faults), 700, 10000);
}

/* Of a provider that waits by itself nobody knew what took so long. */
static void provider__what_takes_long_is_told_once(void **state)
{
    struct world w = world(state, "slow");

    observe(&w, (const char *[]){"same", "changed"}, 2);
    assert_int_equal(w.diags.n, 1);
    assert_string_equal(w.diags.v[0].code, "slow-read");
    assert_string_equal(w.diags.v[0].severity, "notice");
    assert_true(pb_starts_with(w.diags.v[0].address, "fake_thing."));
    assert_non_null(strstr(w.diags.v[0].message, " s to read this, and may take as long"));
    assert_nothing_left();
    pb_diags_release(&w.diags);
    w = world(state, "");
    observe(&w, (const char *[]){"same", "changed"}, 2);
    assert_int_equal(w.diags.n, 0);
}

static void provider__noise_and_refusing_to_leave_do_no_harm(void **state)
{
    static const char *const modes[] = {"flood-stderr", "stays"};

    for (size_t i = 0; i < PB_COUNT(modes); i++) {
        struct world w = world(state, modes[i]);

        observe(&w, (const char *[]){"same"}, 1);
        assert_int_equal(w.out[0].presence, PB_P_KNOWN);
        assert_nothing_left();
        pb_diags_release(&w.diags);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, arena_setup, arena_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(provider__reads_protocol_5),
        CASE(provider__reads_protocol_6),
        CASE(provider__keeps_the_schema),
        CASE(provider__nothing_found_is_not_missing),
        CASE(provider__knows_what_is_no_difference),
        CASE(provider__imports_by_id),
        CASE(provider__what_took_longest_is_read_first),
        CASE(provider__runs_far_down),
        CASE(provider__unknown_settings),
        CASE(provider__another_binary_is_refused),
        CASE(provider__bad_starts),
        CASE(provider__bad_answers),
        CASE(provider__silence_ends),
        CASE(provider__what_takes_long_is_told_once),
        CASE(provider__noise_and_refusing_to_leave_do_no_harm),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
