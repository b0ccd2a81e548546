#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/fs.h"
#include "base/lock.h"
#include "base/mem.h"
#include "tests/support/folder.h"

static char *out; /* the child's output */

static int setup(void **state)
{
    char name[] = "/tmp/plumb-test-child-XXXXXX";
    int fd = mkstemp(name);

    (void)state;
    close(fd);
    out = pb_strdup(name);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(out);
    free(out);
    return 0;
}

static char *env[] = {(char[]){"PATH=/usr/bin:/bin"}, (char[]){"ONLY=this"}, NULL};

static struct pb_child *start_sh(const char *script, struct pb_child_spec spec)
{
    PB_AUTO(str) char *s = pb_strdup(script);
    char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, s, NULL};
    struct pb_child *c = NULL;
    struct pb_err err = PB_ERR_INIT;

    spec.argv = argv;
    spec.env = env;
    spec.out_path = spec.err_path = out;
    if (pb_child_start(&c, &spec, &err))
        fail_msg("%s", err.msg);
    return c;
}

static struct pb_child_status run_sh(const char *script, struct pb_child_spec spec)
{
    struct pb_child_status st;
    struct pb_child *c = start_sh(script, spec);

    assert_int_equal(pb_child_wait(&st, c, NULL, NULL, NULL), 0);
    pb_child_free(c);
    return st;
}

static void expect_output(const char *text)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    assert_int_equal(pb_fs_read(&b, out, 100000, NULL), 0);
    assert_string_equal(b.s, text);
}

#define PLAIN ((struct pb_child_spec){0})

static void child__runs_with_exactly_its_environment(void **state)
{
    struct pb_child_status st;

    (void)state;
    setenv("LEAKED", "yes", 1);
    st =
        run_sh("echo $ONLY$LEAKED; pwd; echo e >&2; exit 7", (struct pb_child_spec){.dir = "/usr"});
    assert_true(st.exited);
    assert_int_equal(st.code, 7);
    assert_int_equal(st.survivors, 0);
    expect_output("this\n/usr\ne\n");
}

static void child__inherits_no_descriptor_and_no_stdin(void **state)
{
    int fd = open("/etc/passwd", O_RDONLY); /* without CLOEXEC */

    (void)state;
    assert_int_equal(dup2(fd, 57), 57);
    run_sh("if [ -e /proc/self/fd/57 ]; then echo leaked; fi; cat", PLAIN);
    expect_output("");
    close(fd);
    close(57);
}

static void child__own_session_and_clean_signals(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    run_sh("read -r _ _ _ _ pgrp sid rest </proc/$$/stat; [ $pgrp = $$ ] && [ $sid = $$ ] && "
           /* Builtins only: a shell blocks signals for a moment while it forks. Signals 1 to 28:
            * those of the C library's own cannot be set back. */
           "echo session; while read -r l; do case $l in SigBlk*0000000) echo blocked none;; "
           "SigIgn*0000001) echo ignored HUP;; esac; done < /proc/self/status",
           PLAIN);
    expect_output("session\nblocked none\nignored HUP\n");
}

static void child__program_not_found(void **state)
{
    char *argv[] = {(char[]){"no-such-program"}, NULL};
    struct pb_child_spec spec = {.argv = argv, .env = env};
    struct pb_child *c = NULL;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    assert_int_equal(pb_child_start(&c, &spec, &err), -1);
    assert_int_equal(err.cls, PB_E_TOOL);
    assert_int_equal(err.sys, ENOENT);
    assert_non_null(strstr(err.msg, "program 'no-such-program' not found in PATH"));
    assert_null(c);
}

static void child__run_says_whether_it_started(void **state)
{
    char *sh[] = {(char[]){"sh"}, (char[]){"-c"}, (char[]){"echo ran; exit 3"}, NULL};
    char *none[] = {(char[]){"no-such-program"}, NULL};
    struct pb_child_spec spec = {.argv = sh, .env = env, .out_path = out};
    struct pb_child_status st;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    memset(&st, 0xff, sizeof(st));
    assert_int_equal(pb_child_run(&st, &spec, &err), 0);
    assert_true(st.started && st.exited && !st.timed_out);
    assert_int_equal(st.code, 3);
    expect_output("ran\n");
    spec.argv = none;
    assert_int_equal(pb_child_run(&st, &spec, &err), -1);
    assert_false(st.started || st.exited);
    assert_non_null(strstr(err.msg, "program 'no-such-program' not found in PATH"));
}

static void child__exec_and_chdir_errors_come_back(void **state)
{
    char *argv[] = {out, NULL}; /* an empty file without the x bit */
    char *sh[] = {(char[]){"sh"}, NULL};
    struct pb_child_spec spec = {.argv = argv, .env = env};
    struct pb_child *c = NULL;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    assert_int_equal(pb_child_start(&c, &spec, &err), -1);
    assert_int_equal(err.sys, EACCES);
    assert_non_null(strstr(err.msg, "cannot run '"));
    spec = (struct pb_child_spec){.argv = sh, .env = env, .dir = "/nonexistent"};
    assert_int_equal(pb_child_start(&c, &spec, &err), -1);
    assert_int_equal(err.sys, ENOENT);
    assert_non_null(strstr(err.msg, "cannot enter '/nonexistent'"));
}

static void child__timeout_sends_one_int(void **state)
{
    struct pb_child_status st;

    (void)state;
    st = run_sh("n=0; trap 'n=$((n+1)); echo int' INT; "
                "while [ $n = 0 ]; do sleep 0.1; done; sleep 0.5; echo $n; exit 3",
                (struct pb_child_spec){.timeout_ms = 300});
    assert_true(st.timed_out);
    assert_true(st.exited);
    assert_int_equal(st.code, 3);
    expect_output("int\n1\n");
}

static void child__kill_after(void **state)
{
    struct pb_child_status st;

    (void)state;
    st = run_sh("trap '' INT; sleep 60 & sleep 60; sleep 60",
                (struct pb_child_spec){.timeout_ms = 100, .kill_after_ms = 100});
    assert_false(st.exited);
    assert_int_equal(st.signal, SIGKILL);
    assert_true(st.elapsed_ms < 10000);
    /* What was killed with it has become ours: the next test counts what is left. */
    for (int i = 0; i < 500 && waitpid(-1, NULL, WNOHANG) != -1; i++)
        usleep(10000);
}

static void child__survivors_are_noticed_and_reaped(void **state)
{
    struct pb_child_status st;
    struct pb_child *c = start_sh("sleep 1 & sleep 0.4 & exit 0", PLAIN);
    int left = 2;

    (void)state;
    assert_int_equal(pb_child_wait(&st, c, NULL, NULL, NULL), 0);
    assert_int_equal(st.survivors, 2);
    for (int i = 0; i < 100 && left; i++) {
        left = pb_child_survivors(c);
        usleep(50000);
    }
    assert_int_equal(left, 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie is left */
    assert_int_equal(errno, ECHILD);
    pb_child_free(c);
}

/* A lock on a kept descriptor lasts as long as anything of the child's lives. */
static void child__lease_outlives_the_child(void **state)
{
    int lease = pb_lock_take(out, 0, NULL), other = -1;
    struct pb_child *c = start_sh("sleep 0.5 & exit 0", (struct pb_child_spec){.keep_fd = lease});
    struct pb_child_status st;

    (void)state;
    assert_true(lease > 0);
    close(lease);
    assert_int_equal(pb_child_wait(&st, c, NULL, NULL, NULL), 0);
    assert_int_equal(pb_lock_take(out, 0, NULL), -1);
    for (int i = 0; i < 100 && other < 0; i++) {
        other = pb_lock_take(out, 0, NULL);
        usleep(50000);
    }
    assert_true(other >= 0);
    close(other);
    pb_child_survivors(c);
    pb_child_free(c);
}

static void count_tick(void *ctx)
{
    ++*(int *)ctx;
}

static void child__ticks_while_it_runs(void **state)
{
    struct pb_child_status st;
    struct pb_child *c = start_sh("sleep 0.6", PLAIN);
    int n = 0;

    (void)state;
    assert_int_equal(pb_child_wait(&st, c, count_tick, &n, NULL), 0);
    assert_in_range(n, 3, 12);
    pb_child_free(c);
}

/* ---- when plumb is killed ---- */

enum { THREADS = 12 };

static void *idle(void *ctx)
{
    (void)ctx;
    for (;;)
        pause();
    return NULL;
}

static void *start_and_idle(void *ctx)
{
    (void)start_sh("trap 'echo INT' INT; sleep 0.2 & echo ready; "
                   "until wait $! && ! kill -0 $! 2>/dev/null; do :; done; echo end",
                   (struct pb_child_spec){.one_int = true});
    return idle(ctx);
}

static size_t count(const char *word)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    size_t n = 0;

    assert_int_equal(pb_fs_read(&text, out, 1 << 20, NULL), 0);
    for (const char *s = text.s; (s = strstr(s, word)); s++)
        n++;
    return n;
}

static void await(const char *word)
{
    for (int i = 0; i < 2000 && !count(word); i++)
        usleep(5000);
    assert_int_equal(count(word), 1);
}

/* Terraform loses data at the second INT. Once each thread that died sent one. */
static void child__gets_one_int_when_plumb_is_killed(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        pid_t pid = fork();

        if (pid == 0) {
            pthread_t t;

            for (int i = 0; i < THREADS; i++)
                pthread_create(&t, NULL, i == THREADS / 2 ? start_and_idle : idle, NULL);
            idle(NULL);
        }
        await("ready");
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        await("end");
        assert_int_equal(count("INT"), 1);
        assert_int_equal(truncate(out, 0), 0);
    }
}

static void *start_and_leave(void *ctx)
{
    struct pb_child **c = ctx;

    *c = start_sh("trap 'echo INT' INT; sleep 0.3 & wait; echo end",
                  (struct pb_child_spec){.one_int = true});
    return NULL;
}

/* What a thread started another may wait for. */
static void child__outlives_the_thread_that_started_it(void **state)
{
    struct pb_child_status st;
    struct pb_child *c;
    pthread_t t;

    (void)state;
    assert_int_equal(pthread_create(&t, NULL, start_and_leave, &c), 0);
    pthread_join(t, NULL);
    assert_int_equal(pb_child_wait(&st, c, NULL, NULL, NULL), 0);
    pb_child_free(c);
    assert_int_equal(count("INT"), 0);
    assert_int_equal(count("end"), 1);
}

static void child__which_passes_over_relative_entries(void **state)
{
    char *s;

    (void)state;
    assert_int_equal(chdir("/bin"), 0);
    assert_null(pb_child_which("sh", ".::../bin"));
    s = pb_child_which("sh", "::/nonexistent:/bin");
    assert_string_equal(s, "/bin/sh");
    free(s);
}

/* plumb is installed as "terraform", and asked for terraform. */
static void child__which_passes_over_ourselves(void **state)
{
    PB_AUTO(str) char *dir = test_folder();
    PB_AUTO(str) char *link = pb_fs_join(dir, "sh"), *copy = pb_fs_join(dir, "cat");
    PB_AUTO(str) char *path = pb_asprintf("%s:/bin", dir);
    PB_AUTO(buf) struct pb_buf self = PB_BUF_INIT;
    char *found;

    (void)state;
    assert_int_equal(symlink("/proc/self/exe", link), 0);
    assert_int_equal(pb_fs_read(&self, "/proc/self/exe", 256 << 20, NULL), 0);
    assert_int_equal(pb_fs_write_atomic(copy, self.s, self.len, 0755, NULL), 0);
    assert_true(pb_child_is_us(link));
    assert_true(pb_child_is_us(copy));
    assert_false(pb_child_is_us("/bin/sh"));
    assert_false(pb_child_is_us("/nonexistent"));
    found = pb_child_which("sh", path);
    assert_string_equal(found, "/bin/sh");
    free(found);
    found = pb_child_which("cat", path);
    assert_string_equal(found, "/bin/cat");
    free(found);
    /* One byte more is another program. */
    pb_buf_addc(&self, 'x');
    assert_int_equal(pb_fs_write_atomic(copy, self.s, self.len, 0755, NULL), 0);
    found = pb_child_which("cat", path);
    assert_string_equal(found, copy);
    free(found);
    assert_int_equal(pb_fs_remove_tree(dir, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(child__which_passes_over_ourselves),
        cmocka_unit_test(child__runs_with_exactly_its_environment),
        cmocka_unit_test(child__inherits_no_descriptor_and_no_stdin),
        cmocka_unit_test(child__own_session_and_clean_signals),
        cmocka_unit_test(child__program_not_found),
        cmocka_unit_test(child__run_says_whether_it_started),
        cmocka_unit_test(child__exec_and_chdir_errors_come_back),
        cmocka_unit_test(child__timeout_sends_one_int),
        cmocka_unit_test(child__kill_after),
        cmocka_unit_test(child__survivors_are_noticed_and_reaped),
        cmocka_unit_test(child__lease_outlives_the_child),
        cmocka_unit_test(child__ticks_while_it_runs),
        cmocka_unit_test(child__gets_one_int_when_plumb_is_killed),
        cmocka_unit_test(child__outlives_the_thread_that_started_it),
        cmocka_unit_test(child__which_passes_over_relative_entries),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
