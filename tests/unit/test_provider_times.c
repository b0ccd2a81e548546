/* What reading took is kept in steps of two, and seldom changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <limits.h>
#include <unistd.h>

#include "backends/provider/times.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"

static char *dir, *file;

static int setup(void **state)
{
    char name[] = "/tmp/plumb-unit-XXXXXX";

    (void)state;
    dir = pb_strdup(mkdtemp(name));
    file = pb_asprintf("%s/provider-times/binary", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)pb_fs_remove_tree(dir, NULL);
    free(dir);
    free(file);
    return 0;
}

/* What a run leaves that finds `before`, where "a" takes `ms`; "" when it leaves nothing. */
static char *left(const char *before, int64_t ms)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_buf text = PB_BUF_INIT;
    struct pb_times t = {0};

    unlink(file);
    pb_fs_remember(file, before, strlen(before));
    pb_times_load(&t, a, dir, "binary");
    unlink(file);
    pb_times_add(&t, a, "a", ms);
    pb_times_store(&t, dir, "binary");
    pb_times_release(&t);
    (void)pb_fs_read(&text, file, 1 << 20, NULL);
    return pb_buf_detach(&text);
}

static void times__kept_when_they_change(void **state)
{
    static const struct {
        const char *before;
        int64_t ms;
        const char *after;
    } cases[] = {
        {"", 0, "a 1\n"},
        {"", 100, "a 7\n"},
        {"a 7\nb 3\n", 100, ""},
        {"a 7\nb 3\n", 250, ""},
        {"a 7\nb 3\n", 300, "a 9\nb 3\n"},
        {"b 3\na 7\n", 20, "b 3\na 5\n"},
        {"b 3\na 7\n", 40, ""},
        {"nonsense\nc\nd x\ne 64\nf -1\n\n\xff\xff 3", 1, "\xff\xff 3\na 1\n"},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(cases); i++) {
        PB_AUTO(str) char *is = left(cases[i].before, cases[i].ms);

        assert_string_equal(is, cases[i].after);
    }
}

static void times__what_nobody_knows_may_take_longest(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_times t = {0};

    (void)state;
    pb_fs_remember(file, "a 7\nb 3\n", 8);
    pb_times_load(&t, a, dir, "binary");
    assert_int_equal(pb_times_expected(&t, "a"), 7);
    assert_int_equal(pb_times_expected(&t, "b"), 3);
    assert_int_equal(pb_times_expected(&t, "c"), UINT_MAX);
    pb_times_release(&t);
}

static void times__slowness_is_that_of_a_type(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_times t = {0};

    (void)state;
    assert_true(pb_times_add(&t, a, "slow", 1000) == 0);
    assert_true(pb_times_add(&t, a, "fast", 10) == 0);
    assert_true(pb_times_add(&t, a, "fast", 20) == 2);
    assert_true(pb_times_add(&t, a, "slow", 1000) == 1);
    assert_true(pb_times_add(&t, a, "slow", 500) == 1);
    assert_true(pb_times_add(&t, a, "slow", 1000) == 2);
    pb_times_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times__kept_when_they_change),
        cmocka_unit_test(times__what_nobody_knows_may_take_longest),
        cmocka_unit_test(times__slowness_is_that_of_a_type),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
