#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/child.h"

/* The cancel flag is the process's: a program of its own. */

static void ask_to_stop(void *ctx)
{
    (void)ctx;
    pb_cancel_request();
}

static void child__cancel_sends_one_int_and_waits(void **state)
{
    char *argv[] = {(char[]){"sh"}, (char[]){"-c"},
                    (char[]){"n=0; trap 'n=$((n+1))' INT; while [ $n = 0 ]; do sleep 0.1; done; "
                             "sleep 0.5; exit $n"},
                    NULL};
    char *env[] = {(char[]){"PATH=/usr/bin:/bin"}, NULL};
    struct pb_child_spec spec = {.argv = argv, .env = env, .timeout_ms = 600};
    struct pb_child_status st;
    struct pb_child *c = NULL;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    assert_int_equal(pb_child_start(&c, &spec, &err), 0);
    assert_int_equal(pb_child_wait(&st, c, ask_to_stop, NULL, &err), -1);
    assert_int_equal(err.cls, PB_E_INTERRUPTED);
    assert_true(st.exited);
    assert_int_equal(st.code, 1); /* the timeout that came later added no second one */
    assert_false(st.timed_out);
    pb_child_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(child__cancel_sends_one_int_and_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
