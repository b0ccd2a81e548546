/* Jobs are done exactly once, by the crew or by who waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdatomic.h>

#include "base/crew.h"

enum { JOBS = 200 };

static void count(void *ctx)
{
    atomic_fetch_add((atomic_int *)ctx, 1);
}

static void crew__each_job_is_done_once(void **state)
{
    (void)state;
    for (size_t threads = 0; threads < 4; threads++) {
        struct pb_crew *crew = pb_crew_new(threads);
        struct pb_crew_job jobs[JOBS];
        atomic_int done[JOBS];

        for (int i = 0; i < JOBS; i++) {
            atomic_init(&done[i], 0);
            jobs[i] = (struct pb_crew_job){.run = count, .ctx = &done[i]};
            pb_crew_start(crew, &jobs[i]);
        }
        for (int i = 0; i < JOBS; i++) {
            pb_crew_wait(crew, &jobs[i]);
            assert_int_equal(done[i], 1);
            pb_crew_wait(crew, &jobs[i]); /* again is fine */
        }
        pb_crew_free(crew);
        for (int i = 0; i < JOBS; i++)
            assert_int_equal(done[i], 1);
    }
    pb_crew_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crew__each_job_is_done_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
