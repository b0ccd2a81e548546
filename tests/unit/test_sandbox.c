/* What of a sandbox can be asked without making one: the list, the environment, the sweep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/terraform/confine.h"
#include "backends/terraform/mark.h"
#include "backends/terraform/redact.h"
#include "backends/terraform/terraform.h"
#include "base/mem.h"
#include "base/sandbox_internal.h"
#include "base/sandbox_net.h"
#include "tests/support/values.h"

static struct pb_box_net *net_of(const char *a, const char *b, const char *c)
{
    const char *list[] = {a, b, c, NULL};
    struct pb_err err = PB_ERR_INIT;
    struct pb_box_net *n = NULL;

    if (pb_box_net_new(&n, (char *const *)(uintptr_t)list, &err))
        fail_msg("%s", err.msg);
    return n;
}

static void sandbox__list_allows_what_it_says(void **state)
{
    static const struct {
        const char *host;
        int port;
        bool allowed;
    } asked[] = {
        {"api.example", 443, true},
        {"API.Example", 443, true},
        {"api.example", 80, false},
        {"x.api.example", 443, false},
        {"api.example.evil", 443, false},
        {"a.cloud.example", 8443, true},
        {"a.b.CLOUD.example", 8443, true},
        {"cloud.example", 8443, false},
        {"acloud.example", 8443, false},
        {".cloud.example", 8443, false},
        {"a.cloud.example", 443, false},
        {"a.cloud.example.evil", 8443, false},
        {"evil/.cloud.example", 8443, false},
        {"evil@a.cloud.example", 8443, false},
        {"127.0.0.1", 9000, true},
        {"127.0.0.1", 9001, false},
        {"", 443, false},
    };
    struct pb_box_net *n = net_of("api.example", "*.cloud.example:8443", "127.0.0.1:9000");

    (void)state;
    for (size_t i = 0; i < PB_COUNT(asked); i++)
        if (pb_box_net_allows(n, asked[i].host, asked[i].port) != asked[i].allowed)
            fail_msg("'%s' port %d", asked[i].host, asked[i].port);
    pb_box_net_free(n);
}

/* Its end of the socket was closed twice: the second time it was some other thread's file. */
static void sandbox__closes_nothing_of_others(void **state)
{
    struct pb_err err = PB_ERR_INIT;
    struct pb_box_forks *f = NULL;
    int others[8];

    (void)state;
    assert_int_equal(pb_box_forks_new(&f, 1, &err), 0);
    assert_int_equal(pb_box_forks_start(f, getpid(), &err), -1); /* nothing was installed */
    assert_non_null(strstr(err.msg, "without a count"));
    for (size_t i = 0; i < PB_COUNT(others); i++)
        assert_true((others[i] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0);
    pb_box_forks_free(f);
    for (size_t i = 0; i < PB_COUNT(others); i++)
        assert_int_equal(close(others[i]), 0);
}

static const char last_number[] = "/proc/sys/kernel/ns_last_pid";

static pid_t child_of(void (*then)(void))
{
    pid_t pid = fork();

    if (pid == 0) {
        if (then)
            then();
        _exit(0);
    }
    assert_true(pid > 0);
    return pid;
}

static void wait_forever(void)
{
    for (;;)
        pause();
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* Makes a child of each number that it is told, if that is free, and tells the one that it got. */
static void make_children(int in, int out)
{
    pid_t want, got;

    while (read(in, &want, sizeof(want)) == sizeof(want)) {
        FILE *f = fopen(last_number, "w");

        if (!f || fprintf(f, "%d", (int)want - 1) < 0 || fclose(f))
            _exit(1);
        got = fork();
        if (got == 0)
            wait_forever();
        if (write(out, &got, sizeof(got)) != sizeof(got))
            _exit(1);
    }
    _exit(0);
}

static bool lists(struct pb_box_list *l, pid_t pid)
{
    size_t n;
    const struct pb_box_process *v = pb_box_list_take(l, &n);

    for (size_t i = 0; i < n; i++)
        if (v[i].pid == pid)
            return true;
    return false;
}

/* Once it was taken for what it had been, for up to a second. */
static void sandbox__a_number_that_is_used_again(void **state)
{
    enum { TRIES = 50, BETWEEN = 5 };
    int ask[2], told[2];
    pid_t monitor, was, got = -1;
    struct pb_box_list *l;

    (void)state;
    if (access(last_number, W_OK) != 0) {
        print_message("skip: numbers of processes cannot be chosen here\n");
        skip();
    }
    assert_int_equal(pipe(ask) | pipe(told), 0);
    monitor = fork();
    if (monitor == 0) {
        close(ask[1]);
        make_children(ask[0], told[1]);
    }
    l = pb_box_list_new(monitor);
    for (int i = 0; i < TRIES; i++) {
        was = child_of(wait_forever);
        for (int k = 0; k < BETWEEN; k++)
            waitpid(child_of(NULL), NULL, 0);
        assert_false(lists(l, was));
        end(was);
        assert_int_equal(write(ask[1], &was, sizeof(was)), sizeof(was));
        assert_int_equal(read(told[0], &got, sizeof(got)), sizeof(got));
        if (got == was)
            break;
        kill(got, SIGKILL); /* somebody else was faster */
    }
    waitpid(child_of(NULL), NULL, 0);
    assert_int_equal(got, was);
    assert_true(lists(l, was));
    kill(got, SIGKILL);
    end(monitor);
    pb_box_list_free(l);
}

static void sandbox__names_are_known_inside(void **state)
{
    PB_AUTO(buf) struct pb_buf hosts = PB_BUF_INIT;
    PB_AUTO(strv) struct pb_strv env = PB_STRV_INIT;
    struct pb_box_net *n = net_of("api.example", "api.example:80", "other.example");

    (void)state;
    pb_box_net_hosts(n, &hosts);
    /* One address for both ports of a host. */
    assert_non_null(strstr(hosts.s, "127.77.0.1 api.example\n"));
    assert_non_null(strstr(hosts.s, "127.77.0.3 other.example\n"));
    assert_null(strstr(hosts.s, "127.77.0.2"));
    pb_box_net_env(n, &env);
    assert_int_equal(env.n, 0); /* nothing needs a proxy */
    pb_box_net_free(n);
    n = net_of("*.cloud.example", "api.example", NULL);
    pb_box_net_env(n, &env);
    assert_true(pb_strv_has(&env, "HTTPS_PROXY=http://127.77.255.254:3128"));
    assert_true(pb_strv_has(&env, "NO_PROXY=localhost,127.0.0.0/8,api.example"));
    pb_box_net_free(n);
}

static void sandbox__limit_of_the_list(void **state)
{
    PB_AUTO(strv) struct pb_strv list = PB_STRV_INIT;
    struct pb_sandbox s = {0};
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    for (int i = 0; i < 200; i++)
        pb_strv_addf(&list, "h%d.example", i);
    s.network = list.v;
    assert_int_equal(pb_sandbox_check(&s, &err), 0);
    pb_strv_add(&list, "one.more.example");
    s.network = list.v;
    assert_int_equal(pb_sandbox_check(&s, &err), -1);
    assert_int_equal(err.cls, PB_E_CONFIG);
    assert_string_equal(err.msg, "more than 200 addresses to allow");
}

/* ---- environment ----------------------------------------------------------------------------- */

static const char *const environment[] = {
    "AWS_REGION=eu-west-1",
    "AWS_SECRET_ACCESS_KEY=aws-hunter2",
    "AWS_PROFILE=prod",
    "AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/token",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN=container-hunter2",
    "ARM_OIDC_REQUEST_TOKEN=oidc-hunter2",
    "GOOGLE_APPLICATION_CREDENTIALS=/etc/google.json",
    "GITHUB_TOKEN=github-hunter2",
    "GITHUB_OWNER=example",
    "TF_VAR_db_password=var-hunter2",
    "TF_ENCRYPTION=encryption-hunter2",
    "TF_PLUGIN_CACHE_DIR=/var/cache",
    "SSH_AUTH_SOCK=/run/ssh",
    "https_proxy=http://user:hunter2@proxy.example",
    "HOME=/nonexistent",
};

static void confined(struct pb_strv *env, struct pb_strv *secrets, const char *host,
                     const char *recorded)
{
    PB_AUTO(strv) struct pb_strv names = PB_STRV_INIT;
    const char *list[] = {host, NULL};
    struct pb_sandbox s = {.network = (char *const *)(uintptr_t)list};

    if (recorded)
        pb_strv_add(&names, recorded);
    for (size_t i = 0; i < PB_COUNT(environment); i++)
        pb_strv_add(env, environment[i]);
    pb_tf_confine_env(env, secrets, &s, &names);
}

static size_t has_name(const struct pb_strv *env, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < env->n; i++)
        n += strncmp(env->v[i], name, strlen(name)) == 0;
    return n;
}

static void confine__credentials_only_where_they_are_of_use(void **state)
{
    static const char *const gone[] = {"AWS_PROFILE=",      "AWS_WEB_IDENTITY",   "AWS_CONTAINER_",
                                       "ARM_OIDC_REQUEST_", "GOOGLE_APPLICATION", "SSH_",
                                       "https_proxy=",      "TF_PLUGIN_CACHE_",   "GITHUB_"};
    PB_AUTO(strv)
    struct pb_strv none = PB_STRV_INIT, some = PB_STRV_INIT, own = PB_STRV_INIT,
                   secrets = PB_STRV_INIT;

    (void)state;
    confined(&none, &secrets, NULL, NULL);
    assert_true(pb_strv_has(&none, "AWS_REGION=eu-west-1"));
    assert_true(pb_strv_has(&none, "TF_VAR_db_password=var-hunter2"));
    assert_true(pb_strv_has(&none, "TF_ENCRYPTION=encryption-hunter2"));
    assert_int_equal(has_name(&none, "AWS_SECRET_ACCESS_KEY="), 0);
    confined(&some, &secrets, "api.example", NULL);
    assert_true(pb_strv_has(&some, "AWS_SECRET_ACCESS_KEY=aws-hunter2"));
    assert_true(pb_strv_has(&some, "HOME=/sandbox"));
    for (size_t i = 0; i < PB_COUNT(gone); i++)
        if (has_name(&none, gone[i]) || has_name(&some, gone[i]))
            fail_msg("%s is handed on", gone[i]);
    assert_true(pb_strv_has(&secrets, "aws-hunter2"));
    assert_true(pb_strv_has(&secrets, "var-hunter2"));
    assert_false(pb_strv_has(&secrets, "eu-west-1"));
    /* Whoever manages that very thing needs it. */
    confined(&own, &secrets, "api.example", "GITHUB_");
    assert_true(pb_strv_has(&own, "GITHUB_TOKEN=github-hunter2"));
    assert_true(pb_strv_has(&own, "GITHUB_OWNER=example"));
}

static void confine__secrets_are_found_in_values(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(strv) struct pb_strv secrets = PB_STRV_INIT;
    struct pb_map_builder b = PB_BUILDER_INIT, named = PB_BUILDER_INIT;
    struct pb_tf_redactor *r;
    struct pb_value v, marked;

    (void)state;
    pb_strv_add(&secrets, "hunter2-hunter2");
    pb_map_add(&b, "plain", pb_mk_string(a, "nothing"));
    pb_map_add(&b, "within", pb_mk_string(a, "x=hunter2-hunter2;"));
    pb_map_add(&b, "base64", pb_mk_string(a, "aHVudGVyMi1odW50ZXIy"));
    pb_map_add(&named, "hunter2-hunter2", pb_mk_string(a, "nothing"));
    pb_map_add(&b, "named", pb_map_done(&named, a));
    v = pb_map_done(&b, a);
    r = pb_tf_redactor_new(&secrets);
    marked = pb_tf_mark_found(a, &v, r);
    pb_tf_redactor_free(r);
    assert_false(pb_get(&marked, "plain")->flags & PB_V_SENSITIVE);
    assert_true(pb_get(&marked, "within")->flags & PB_V_SENSITIVE);
    assert_true(pb_get(&marked, "base64")->flags & PB_V_SENSITIVE);
    assert_true(pb_get(&marked, "named")->flags & PB_V_SENSITIVE);
    assert_string_equal(pb_get(&marked, "within")->s, "x=hunter2-hunter2;");
}

/* The state's secrets, too; and names and addresses, unless the state has them already. */
static void confine__what_was_given_is_hidden(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_recorded rec = {.address = "a.b[\"key-hunter2\"]", .type = "t"};
    struct pb_recorded_set recorded = {.v = &rec, .n = 1};
    struct pb_tf_planning p = {.arena = a, .recorded = &recorded};
    struct pb_declared d[] = {{.address = "a.b[\"hunter2\"]"}, {.address = "a.b[\"key-hunter2\"]"}};
    struct pb_declare_result out = {.declared = {.v = d, .n = 2}};
    const struct pb_value *labels;

    (void)state;
    rec.attributes = json(a, "{\"word\":\"hunter2\",\"short\":\"abc\",\"labels\":{\"hunter2\":1}}");
    rec.attributes =
        pb_box(a, pb_mark_sensitive(a, rec.attributes, json(a, "{\"word\":true,\"short\":true}")));
    d[0].planned = json(a, "{\"x\":\"is hunter2\",\"y\":\"abc\",\"labels\":{\"hunter2\":1}}");
    d[1].planned = json(a, "{\"labels\":{\"hunter2\":1,\"in-hunter2\":2,\"of-hunter2\":3}}");
    pb_tf_hide_given(&out, &p);
    assert_string_equal(d[0].address, "a.b[\"(sensitive)\"]");
    assert_true(pb_get(d[0].planned, "x")->flags & PB_V_SENSITIVE);
    assert_false(pb_get(d[0].planned, "y")->flags & PB_V_SENSITIVE);
    assert_json(pb_get(d[0].planned, "labels"), "{\"(sensitive)\":1}");
    assert_string_equal(d[1].address, "a.b[\"key-hunter2\"]");
    labels = pb_get(d[1].planned, "labels");
    assert_json(labels, "{\"hunter2\":1,\"in-(sensitive)\":2,\"of-(sensitive)\":3}");
    assert_true(labels->flags & PB_V_SENSITIVE);
}

static void confine__no_two_names_become_one(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_recorded rec = {.address = "a.a", .type = "t"};
    struct pb_recorded_set recorded = {.v = &rec, .n = 1};
    struct pb_tf_planning p = {.arena = a, .recorded = &recorded};
    struct pb_declared d[] = {{.address = "a.b[\"(sensitive)\"]"},
                              {.address = "a.b[\"68756e74657232\"]"},
                              {.address = "a.b[\"hunter2\"]"}};
    struct pb_declare_result out = {.declared = {.v = d, .n = 3}};

    (void)state;
    rec.attributes = json(a, "{\"word\":\"hunter2\"}");
    rec.attributes = pb_box(a, pb_mark_sensitive(a, rec.attributes, &pb_true));
    d[0].planned = json(a, "{\"l\":{\"(sensitive)\":1,\"hunter2\":2}}");
    pb_tf_hide_given(&out, &p);
    assert_json(pb_get(d[0].planned, "l"), "{\"(sensitive)\":1,\"(sensitive) 2\":2}");
    assert_string_equal(d[0].address, "a.b[\"(sensitive)\"]");
    assert_string_equal(d[1].address, "a.b[\"(sensitive)\"] #2");
    assert_string_equal(d[2].address, "a.b[\"(sensitive)\"] #3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sandbox__list_allows_what_it_says),
        cmocka_unit_test(sandbox__closes_nothing_of_others),
        cmocka_unit_test(sandbox__a_number_that_is_used_again),
        cmocka_unit_test(sandbox__names_are_known_inside),
        cmocka_unit_test(sandbox__limit_of_the_list),
        cmocka_unit_test(confine__credentials_only_where_they_are_of_use),
        cmocka_unit_test(confine__secrets_are_found_in_values),
        cmocka_unit_test(confine__what_was_given_is_hidden),
        cmocka_unit_test(confine__no_two_names_become_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
