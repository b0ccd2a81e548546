#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/buf.h"
#include "base/child.h"
#include "base/fs.h"
#include "base/mem.h"

/* The cancel flag is the process's: a program of its own, and the order of tests matters. */

static int ticks;

static void ask_to_stop_later(void *ctx)
{
    if (++ticks > *(int *)ctx)
        pb_cancel_request();
}

/* A signal that comes before the trap is set would only say how slow the machine is. */
static void await_trap(const char *path)
{
    for (int i = 0; i < 1000; i++) {
        PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
        if (pb_fs_read(&b, path, 100, NULL) == 0 && b.len > 0)
            return;
        usleep(10000);
    }
    fail_msg("the child never came up");
}

/* The child counts its INTs for a while after the first, and exits with their number. */
static void run_counting(struct pb_child_status *st, long timeout_ms, int wait_ticks)
{
    char *argv[] = {
        (char[]){"sh"}, (char[]){"-c"},
        (char[]){"n=0; trap 'n=$((n+1))' INT; echo up; while [ $n = 0 ]; do sleep 0.1; done; "
                 "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do sleep 0.1; done; exit $n"},
        NULL};
    char *env[] = {(char[]){"PATH=/usr/bin:/bin"}, NULL};
    struct pb_child_spec spec = {.argv = argv, .env = env, .timeout_ms = timeout_ms};
    PB_AUTO(str) char *work = NULL;
    struct pb_child *c = NULL;
    struct pb_err err = PB_ERR_INIT;

    ticks = 0;
    assert_int_equal(pb_work_new(&work, &err), 0);
    PB_AUTO(str) char *up = pb_fs_join(work, "up");
    spec.out_path = up;
    assert_int_equal(pb_child_start(&c, &spec, &err), 0);
    await_trap(up);
    assert_int_equal(pb_child_wait(st, c, ask_to_stop_later, &wait_ticks, &err), -1);
    assert_int_equal(err.cls, PB_E_INTERRUPTED);
    assert_true(st->exited);
    assert_int_equal(st->code, 1);
    pb_child_free(c);
    pb_work_remove(work);
}

static void child__cancel_after_a_timeout_sends_no_second_int(void **state)
{
    struct pb_child_status st;

    (void)state;
    assert_false(pb_cancel_requested());
    run_counting(&st, 300, 6);
    assert_true(st.timed_out);
}

static void child__timeout_after_a_cancel_sends_no_second_int(void **state)
{
    struct pb_child_status st;

    (void)state;
    run_counting(&st, 900, 0);
    assert_false(st.timed_out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(child__cancel_after_a_timeout_sends_no_second_int),
        cmocka_unit_test(child__timeout_after_a_cancel_sends_no_second_int),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
