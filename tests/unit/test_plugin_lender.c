/* A provider (tests/tools/plugin_fake.c) that is lent: what passes, what is answered for it, and
 * when it ends. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/plugin/lender.h"
#include "backends/plugin/part.h"
#include "backends/plugin/proto.h"
#include "backends/provider/rpc.h"
#include "backends/provider/tfplugin6.pb-c.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "tests/support/folder.h"
#include "tests/support/values.h"

enum { PATIENCE_MS = 20000 };

static char *root, *program;

static int setup(void **state)
{
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

    assert_true(n > 0);
    exe[n] = '\0';
    *strrchr(exe, '/') = '\0';
    *strrchr(exe, '/') = '\0';
    program = pb_asprintf("%s/tools/plugin_fake", exe);
    root = test_folder();
    return arena_setup(state);
}

static int teardown(void **state)
{
    assert_int_equal(pb_fs_remove_tree(root, NULL), 0);
    free(root);
    free(program);
    return arena_teardown(state);
}

/* ---- lending --------------------------------------------------------------------------------- */

struct world {
    const char *mode;
    const char *protocol;
    const struct pb_map *names;
    struct pb_arena *a;
    struct pb_lender *lender;
    struct pb_rpc *rpc;
    struct pb_buf why; /* how it ended */
};

static char *file(struct pb_arena *a, const char *name)
{
    return pb_arena_printf(a, "%s/%s", root, name);
}

static void lend(struct world *w)
{
    char *const env[] = {pb_arena_printf(w->a, "FAKE_MODE=%s", w->mode ? w->mode : ""),
                         pb_arena_printf(w->a, "FAKE_PROTOCOL=%s", w->protocol ? w->protocol : "5"),
                         pb_arena_printf(w->a, "FAKE_LOG=%s", file(w->a, "log")), NULL};
    struct pb_lender_spec spec = {.plugin = {.path = program,
                                             .name = "fake",
                                             .env = env,
                                             .dir = file(w->a, "dir"),
                                             .handshake_ms = 10000},
                                  .names = w->names,
                                  .whole = file(w->a, "cache/whole"),
                                  .part = file(w->a, "part")};

    assert_int_equal(pb_fs_mkdirs(spec.plugin.dir, 0700, NULL), 0);
    assert_int_equal(pb_lender_start(&w->lender, &spec, NULL), 0);
}

static void lend_and_connect(struct world *w)
{
    lend(w);
    assert_true(pb_lender_ready(w->lender));
    assert_int_equal(pb_rpc_connect(&w->rpc, pb_lender_socket(w->lender), NULL), 0);
}

static void end(struct world *w)
{
    pb_lender_end(w->lender, &w->why); /* before: without its only connection the fake ends */
    pb_rpc_free(w->rpc);
}

static bool lives(pid_t pid)
{
    PB_AUTO(str) char *path = pb_asprintf("/proc/%d/stat", (int)pid);
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    const char *at;

    if (pb_fs_read(&text, path, 4096, NULL))
        return false;
    at = strrchr(text.s, ')');
    return at && at[2] != 'Z' && at[2] != 'X';
}

static void assert_gone(pid_t pid)
{
    int64_t until = pb_clock_ms() + PATIENCE_MS;

    while (lives(pid) && pb_clock_ms() < until)
        poll(NULL, 0, 5);
    assert_false(lives(pid));
}

static pid_t parent_of(pid_t pid)
{
    PB_AUTO(str) char *path = pb_asprintf("/proc/%d/stat", (int)pid);
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    const char *at;

    assert_int_equal(pb_fs_read(&text, path, 4096, NULL), 0);
    at = strrchr(text.s, ')');
    return (pid_t)strtol(at + 3, NULL, 10);
}

/* ---- calling --------------------------------------------------------------------------------- */

struct answer {
    struct pb_buf msg;
    int status;
    bool there;
};

static void on_answer(void *ctx, const struct pb_rpc_reply *r)
{
    struct answer *x = ctx;

    x->there = true;
    x->status = r->status;
    if (r->status == PB_GRPC_OK)
        pb_buf_add(&x->msg, r->msg, r->n);
}

static void wait_for(struct pb_rpc *rpc, const struct answer *v, size_t n)
{
    int64_t until = pb_clock_ms() + PATIENCE_MS;

    for (size_t i = 0; i < n; i++)
        while (!v[i].there) {
            struct pollfd fd = {.fd = pb_rpc_fd(rpc), .events = pb_rpc_events(rpc)};

            poll(&fd, 1, 20);
            pb_rpc_work(rpc);
            assert_true(pb_clock_ms() < until);
        }
}

static struct answer call(struct pb_rpc *rpc, const char *path, const struct pb_buf *msg, long ms)
{
    struct answer x = {.msg = PB_BUF_INIT};

    pb_rpc_call(rpc, &(struct pb_rpc_request){.path = path,
                                              .msg = msg ? msg->s : "",
                                              .n = msg ? msg->len : 0,
                                              .timeout_ms = ms,
                                              .done = on_answer,
                                              .ctx = &x});
    wait_for(rpc, &x, 1);
    return x;
}

static const char schema_path[] = "/tfplugin5.Provider/GetSchema";
static const char upgrade_path[] = "/tfplugin5.Provider/UpgradeResourceState";

/* Whether the types of a reply have fake_thing; its provider block is there in any case. */
static bool has_thing(struct pb_arena *a, const struct pb_buf *reply)
{
    Tfplugin6__GetProviderSchema__Response *m = pb_proto_unpack(
        &tfplugin6__get_provider_schema__response__descriptor, a, reply->s, reply->len, NULL);
    bool found = false;

    assert_non_null(m);
    assert_non_null(m->provider);
    assert_string_equal(m->provider->block->attributes[0]->name, "token");
    for (size_t i = 0; i < m->n_resource_schemas; i++)
        found |= pb_streq(m->resource_schemas[i]->key, "fake_thing");
    return found;
}

static size_t logged(struct pb_arena *a, const char *word)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    size_t n = 0;

    (void)pb_fs_read(&text, file(a, "log"), 1 << 20, NULL);
    for (const char *s = text.s; (s = strstr(s, word)); s++)
        n++;
    return n;
}

/* A state whose name has `n` letters, as it is asked about. */
static void upgrade_request(struct pb_buf *out, size_t n)
{
    Tfplugin6__UpgradeResourceState__Request m;
    Tfplugin6__RawState raw;
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    char type[] = "fake_thing";

    tfplugin6__upgrade_resource_state__request__init(&m);
    tfplugin6__raw_state__init(&raw);
    pb_buf_adds(&text, "{\"id\":\"i\",\"name\":\"");
    for (size_t i = 0; i < n; i++)
        pb_buf_addc(&text, (char)('a' + i % 26));
    pb_buf_adds(&text, "\"}");
    raw.json = pb_proto_bytes(text.s, text.len);
    m.type_name = type;
    m.raw_state = &raw;
    pb_proto_pack(out, &m.base);
}

/* ---- what passes ----------------------------------------------------------------------------- */

static void lender__passes_messages_of_any_size(void **state)
{
    static const size_t sizes[] = {0, 1, 5000, 70000, 3 << 20, 20 << 20};
    struct world w = {.why = PB_BUF_INIT, .a = *state};
    char sample[] = "abcdefghijklmnopqrstuvwxyzab";

    lend_and_connect(&w);
    for (size_t i = 0; i < PB_COUNT(sizes); i++) {
        PB_AUTO(buf) struct pb_buf rq = PB_BUF_INIT;
        struct answer x;

        upgrade_request(&rq, sizes[i]);
        x = call(w.rpc, upgrade_path, &rq, 0);
        assert_int_equal(x.status, PB_GRPC_OK);
        assert_true(x.msg.len > sizes[i] && x.msg.len < sizes[i] + 200);
        if (sizes[i] > sizeof(sample))
            assert_non_null(memmem(x.msg.s, x.msg.len, sample, sizeof(sample) - 1));
        pb_buf_release(&x.msg);
    }
    end(&w);
}

static void lender__passes_many_calls_at_once(void **state)
{
    enum { N = 300 };
    struct answer v[N];
    PB_AUTO(buf) struct pb_buf rq = PB_BUF_INIT;
    struct world w = {.why = PB_BUF_INIT, .a = *state};

    lend_and_connect(&w);
    upgrade_request(&rq, 3000);
    for (size_t i = 0; i < N; i++) {
        v[i] = (struct answer){.msg = PB_BUF_INIT};
        pb_rpc_call(
            w.rpc,
            &(struct pb_rpc_request){
                .path = upgrade_path, .msg = rq.s, .n = rq.len, .done = on_answer, .ctx = &v[i]});
    }
    wait_for(w.rpc, v, N);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(v[i].status, PB_GRPC_OK);
        assert_true(v[i].msg.len > 3000);
        pb_buf_release(&v[i].msg);
    }
    end(&w);
}

static void lender__a_call_that_is_given_up_ends_alone(void **state)
{
    struct world w = {.why = PB_BUF_INIT, .a = *state, .mode = "silent-configure"};
    PB_AUTO(buf) struct pb_buf rq = PB_BUF_INIT;
    struct answer x;

    lend_and_connect(&w);
    x = call(w.rpc, "/tfplugin5.Provider/Configure", NULL, 100);
    assert_int_equal(x.status, PB_GRPC_DEADLINE_EXCEEDED);
    pb_buf_release(&x.msg);
    upgrade_request(&rq, 10);
    x = call(w.rpc, upgrade_path, &rq, 0);
    assert_int_equal(x.status, PB_GRPC_OK);
    pb_buf_release(&x.msg);
    assert_int_equal(logged(w.a, "reset"), 1); /* so it heard of it, too */
    end(&w);
}

static void lender__what_ends_in_the_middle_of_a_call_ends_the_connection(void **state)
{
    struct world w = {.why = PB_BUF_INIT, .a = *state, .mode = "crash-planning"};
    struct answer x;
    pid_t provider;

    lend_and_connect(&w);
    provider = pb_lender_provider(w.lender);
    x = call(w.rpc, "/tfplugin5.Provider/PlanResourceChange", NULL, 0);
    assert_int_equal(x.status, PB_GRPC_UNAVAILABLE);
    pb_buf_release(&x.msg);
    assert_gone(provider);
    end(&w);
    assert_string_equal(w.why.s, "it ended (signal 6)");
    pb_buf_release(&w.why);
}

static void lender__tells_how_the_provider_ended(void **state)
{
    struct world w = {.why = PB_BUF_INIT, .a = *state, .mode = "crash"}, killed = w;
    struct answer x;

    lend_and_connect(&w);
    x = call(w.rpc, "/tfplugin5.Provider/ReadResource", NULL, 0);
    assert_int_equal(x.status, PB_GRPC_UNAVAILABLE);
    pb_buf_release(&x.msg);
    end(&w);
    assert_string_equal(w.why.s,
                        "it ended (signal 6); it said: panic: runtime error: hush-hush-token");
    pb_buf_release(&w.why);

    lend_and_connect(&killed);
    kill(parent_of(pb_lender_provider(killed.lender)), SIGKILL);
    end(&killed);
    assert_string_equal(killed.why.s, "the process that has it was ended (signal 9)");
    pb_buf_release(&killed.why);
}

/* ---- types ----------------------------------------------------------------------------------- */

static void check_types(struct world *w, const char *path)
{
    struct answer x;

    lend_and_connect(w);
    x = call(w->rpc, path, NULL, 0);
    assert_int_equal(x.status, PB_GRPC_OK);
    assert_int_equal(has_thing(w->a, &x.msg), !w->names || pb_map_has(w->names, "fake_thing"));
    pb_buf_release(&x.msg);
    end(w);
    assert_string_equal(w->why.s, "");
    w->rpc = NULL;
    w->lender = NULL;
}

static void lender__tells_of_named_types(void **state)
{
    PB_AUTO(map) struct pb_map some = PB_MAP_INIT, none = PB_MAP_INIT;
    struct world w = {.why = PB_BUF_INIT, .a = *state};

    pb_map_put(&some, "fake_thing", &some);
    pb_map_put(&none, "fake_thin", &none);
    check_types(&w, schema_path); /* nobody knows which: all */
    w.names = &none;
    check_types(&w, schema_path); /* asked, kept whole and in part */
    assert_int_equal(logged(w.a, "GetSchema"), 2);
    assert_int_equal(unlink(file(w.a, "part")), 0);
    w.names = &some;
    check_types(&w, schema_path); /* of what was kept whole */
    w.names = NULL;
    assert_int_equal(unlink(file(w.a, "cache/whole")), 0);
    check_types(&w, schema_path); /* of what was kept in part */
    assert_int_equal(logged(w.a, "GetSchema"), 2);
}

static void lender__tells_of_named_types_in_protocol_6(void **state)
{
    PB_AUTO(map) struct pb_map none = PB_MAP_INIT;
    struct world w = {.why = PB_BUF_INIT, .a = *state, .protocol = "6", .names = &none};

    pb_map_put(&none, "other", &none);
    check_types(&w, "/tfplugin6.Provider/GetProviderSchema");
    check_types(&w, "/tfplugin6.Provider/GetProviderSchema");
    assert_int_equal(logged(w.a, "GetProviderSchema"), 1);
}

static void lender__what_was_kept_is_looked_at(void **state)
{
    PB_AUTO(map) struct pb_map none = PB_MAP_INIT;
    struct world w = {.why = PB_BUF_INIT, .a = *state, .names = &none};

    pb_map_put(&none, "other", &none);
    assert_int_equal(pb_fs_mkdirs(file(w.a, "cache"), 0700, NULL), 0);
    assert_int_equal(pb_fs_write_atomic(file(w.a, "cache/whole"),
                                        "plumb provider reply 1, protocol 5\n\xff\xff", 37, 0600,
                                        NULL),
                     0);
    assert_int_equal(pb_fs_write_atomic(file(w.a, "part"), "something else", 14, 0600, NULL), 0);
    check_types(&w, schema_path);
    assert_int_equal(logged(w.a, "GetSchema"), 1);
}

static void lender__a_reply_with_an_error_is_seen_whole(void **state)
{
    static const char reply[] = "\x0a\x00\x12\x05\x0a\x03xyz\x22\x02\x08\x01";
    PB_AUTO(buf) struct pb_buf out = PB_BUF_INIT;
    PB_AUTO(map) struct pb_map names = PB_MAP_INIT;

    (void)state;
    assert_int_equal(pb_plugin_part(&out, reply, 9, &names), 0);
    assert_int_equal(out.len, 2);
    assert_int_equal(pb_plugin_part(&out, reply, sizeof(reply) - 1, &names), -1);
    assert_int_equal(pb_plugin_part(&out, reply, 5, &names), -1); /* cut off */
}

/* ---- its end --------------------------------------------------------------------------------- */

static void lender__what_does_not_start_is_not_ready(void **state)
{
    static const char *const modes[] = {"exits", "garbage", "foreign-socket"};

    for (size_t i = 0; i < PB_COUNT(modes); i++) {
        struct world w = {.why = PB_BUF_INIT, .a = *state, .mode = modes[i]};

        lend(&w);
        assert_false(pb_lender_ready(w.lender));
        assert_false(pb_lender_ready(w.lender));
        end(&w);
    }
}

static void lender__ends_whoever_else_has_the_lifeline(void **state)
{
    struct world w = {.why = PB_BUF_INIT, .a = *state};
    int other;
    pid_t provider;

    lend_and_connect(&w);
    other = fcntl(pb_lender_lifeline(w.lender), F_DUPFD_CLOEXEC, 3);
    provider = pb_lender_provider(w.lender);
    assert_true(lives(provider));
    end(&w);
    assert_false(lives(provider));
    assert_false(pb_fs_exists(file(w.a, "dir")));
    close(other);
}

/* What plumb has locked is free when plumb is gone, whatever it lends. */
static void lender__holds_no_lock(void **state)
{
    struct world w = {.why = PB_BUF_INIT, .a = *state};
    int one = open(file(w.a, "locked"), O_RDWR | O_CREAT | O_CLOEXEC, 0600), other;

    assert_int_equal(flock(one, LOCK_EX), 0);
    lend_and_connect(&w);
    close(one);
    other = open(file(w.a, "locked"), O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
    close(other);
    end(&w);
}

struct pids {
    pid_t provider, lender, holder;
};

/* A process that lends, to another that has the lifeline too, and is killed. */
static struct pids abandoned(struct pb_arena *a)
{
    struct pids p;
    int word[2];
    pid_t lending;

    assert_int_equal(pipe2(word, O_CLOEXEC), 0);
    lending = fork();
    if (lending == 0) {
        struct world w = {.why = PB_BUF_INIT, .a = a};

        lend(&w);
        if (!pb_lender_ready(w.lender))
            _exit(1);
        p.provider = pb_lender_provider(w.lender);
        p.lender = parent_of(p.provider);
        p.holder = fork();
        if (p.holder == 0)
            for (;;)
                pause();
        (void)!write(word[1], &p, sizeof(p));
        raise(SIGKILL);
    }
    assert_int_equal(read(word[0], &p, sizeof(p)), sizeof(p));
    waitpid(lending, NULL, 0);
    close(word[0]);
    close(word[1]);
    return p;
}

static void lender__lives_as_long_as_somebody_has_the_lifeline(void **state)
{
    struct pids p = abandoned(*state);

    poll(NULL, 0, 300);
    assert_true(lives(p.holder));
    assert_true(lives(p.provider));
    assert_true(lives(p.lender));
    kill(p.holder, SIGKILL);
    assert_gone(p.provider);
    assert_gone(p.lender);
    assert_false(pb_fs_exists(file(*state, "dir")));
}

static void lender__takes_the_provider_with_it(void **state)
{
    struct pids p = abandoned(*state);

    kill(p.lender, SIGKILL);
    assert_gone(p.provider);
    kill(p.holder, SIGKILL);
}

static void lender__ends_with_the_provider(void **state)
{
    struct pids p = abandoned(*state);

    kill(p.provider, SIGKILL);
    assert_gone(p.lender);
    kill(p.holder, SIGKILL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(lender__passes_messages_of_any_size),
        CASE(lender__passes_many_calls_at_once),
        CASE(lender__a_call_that_is_given_up_ends_alone),
        CASE(lender__what_ends_in_the_middle_of_a_call_ends_the_connection),
        CASE(lender__tells_how_the_provider_ended),
        CASE(lender__tells_of_named_types),
        CASE(lender__tells_of_named_types_in_protocol_6),
        CASE(lender__what_was_kept_is_looked_at),
        CASE(lender__a_reply_with_an_error_is_seen_whole),
        CASE(lender__what_does_not_start_is_not_ready),
        CASE(lender__ends_whoever_else_has_the_lifeline),
        CASE(lender__holds_no_lock),
        CASE(lender__lives_as_long_as_somebody_has_the_lifeline),
        CASE(lender__takes_the_provider_with_it),
        CASE(lender__ends_with_the_provider),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
