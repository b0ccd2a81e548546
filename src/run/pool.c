/* Several units at once: most of their time they wait for APIs and for Terraform. */
#include "run/internal.h"

#include "base/cancel.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>

enum { UNITS_AT_ONCE = 4, REQUESTS_AT_ONCE = 32 };

enum place { WAITS, RUNS, IS_DONE };

struct pool {
    struct pb_audit_shared *s;
    pthread_mutex_t lock;
    pthread_cond_t freed;
    enum place *place; /* of each unit */
};

/* Whether it is planned in a folder of the exported tree where another one runs: both put
 * files of plumb's there (one module with two workspaces). */
static bool has_to_wait(const struct pool *p, size_t unit)
{
    const struct pb_audit *a = p->s->audit;

    for (size_t i = 0; i < a->nunits; i++)
        if (p->place[i] == RUNS && pb_streq(a->units[i].config.path, a->units[unit].config.path))
            return true;
    return false;
}

/* The next one that can start; the number of units when there is none left. Under the lock. */
static size_t take(struct pool *p)
{
    size_t n = p->s->audit->nunits;

    for (;;) {
        bool any = false;

        for (size_t i = 0; i < n && !pb_cancel_requested(); i++) {
            if (p->place[i] != WAITS)
                continue;
            any = true;
            if (!has_to_wait(p, i)) {
                p->place[i] = RUNS;
                return i;
            }
        }
        if (!any)
            return n;
        pthread_cond_wait(&p->freed, &p->lock);
    }
}

static void *work(void *ctx)
{
    struct pool *p = ctx;
    struct pb_audit *a = p->s->audit;
    int (*each)(struct pb_unit_result *, struct pb_audit_shared *, struct pb_err *) =
        p->s->each ? p->s->each : pb_audit_unit;
    size_t i;

    pthread_mutex_lock(&p->lock);
    while ((i = take(p)) < a->nunits) {
        pthread_mutex_unlock(&p->lock);
        a->units[i].failed = each(&a->units[i], p->s, &a->units[i].err) < 0;
        pthread_mutex_lock(&p->lock);
        p->place[i] = IS_DONE;
        pthread_cond_broadcast(&p->freed);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

int pb_audit_units(struct pb_audit_shared *s, struct pb_err *err)
{
    size_t n = s->audit->nunits < UNITS_AT_ONCE ? s->audit->nunits : UNITS_AT_ONCE, started = 0;
    long requests = s->audit->config.observe.concurrency;
    struct pool p = {.s = s};
    pthread_t threads[UNITS_AT_ONCE] = {0};

    if (n > 1) /* what is configured is meant for all of them */
        requests = (requests ? requests : REQUESTS_AT_ONCE) / (long)n;
    s->requests = n > 1 && requests < 1 ? 1 : (int)requests;
    p.place = pb_calloc(s->audit->nunits + 1, sizeof(*p.place));
    pthread_mutex_init(&p.lock, NULL);
    pthread_cond_init(&p.freed, NULL);
    while (started + 1 < n && pthread_create(&threads[started], NULL, work, &p) == 0)
        started++;
    work(&p);
    while (started > 0)
        pthread_join(threads[--started], NULL);
    pthread_cond_destroy(&p.freed);
    pthread_mutex_destroy(&p.lock);
    free(p.place);
    return pb_cancel_check(err);
}
