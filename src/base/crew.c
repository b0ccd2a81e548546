#include "base/crew.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"

enum { THREADS_MAX = 8 };

struct pb_crew {
    pthread_mutex_t lock;
    pthread_cond_t wanted, done;
    struct pb_crew_job *first; /* queued, the newest first: there are few */
    bool closing;
    size_t n;
    pthread_t thread[THREADS_MAX];
};

/* Under the lock, which is let go meanwhile. */
static void run(struct pb_crew *c, struct pb_crew_job *job)
{
    for (struct pb_crew_job **p = &c->first; *p; p = &(*p)->next) {
        if (*p == job) {
            *p = job->next;
            break;
        }
    }
    job->state = PB_JOB_RUNS;
    pthread_mutex_unlock(&c->lock);
    job->run(job->ctx);
    pthread_mutex_lock(&c->lock);
    job->state = PB_JOB_DONE;
    pthread_cond_broadcast(&c->done);
}

static void *work(void *ctx)
{
    struct pb_crew *c = ctx;

    pthread_mutex_lock(&c->lock);
    while (!c->closing) {
        if (c->first)
            run(c, c->first);
        else
            pthread_cond_wait(&c->wanted, &c->lock);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

struct pb_crew *pb_crew_new(size_t threads)
{
    struct pb_crew *c = pb_calloc(1, sizeof(*c));

    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->wanted, NULL);
    pthread_cond_init(&c->done, NULL);
    while (c->n < threads && c->n < THREADS_MAX &&
           pthread_create(&c->thread[c->n], NULL, work, c) == 0)
        c->n++;
    return c;
}

void pb_crew_start(struct pb_crew *c, struct pb_crew_job *job)
{
    pthread_mutex_lock(&c->lock);
    job->next = c->first;
    c->first = job;
    job->state = PB_JOB_QUEUED;
    pthread_cond_signal(&c->wanted);
    pthread_mutex_unlock(&c->lock);
}

void pb_crew_wait(struct pb_crew *c, struct pb_crew_job *job)
{
    pthread_mutex_lock(&c->lock);
    if (job->state == PB_JOB_QUEUED)
        run(c, job);
    while (job->state == PB_JOB_RUNS)
        pthread_cond_wait(&c->done, &c->lock);
    pthread_mutex_unlock(&c->lock);
}

void pb_crew_free(struct pb_crew *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    if (c->first)
        BUG("pb_crew_free() while a job waits");
    c->closing = true;
    pthread_cond_broadcast(&c->wanted);
    pthread_mutex_unlock(&c->lock);
    for (size_t i = 0; i < c->n; i++)
        pthread_join(c->thread[i], NULL);
    pthread_cond_destroy(&c->done);
    pthread_cond_destroy(&c->wanted);
    pthread_mutex_destroy(&c->lock);
    free(c);
}
