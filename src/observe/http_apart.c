#include "observe/http_apart.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/cancel.h"
#include "base/mem.h"
#include "observe/http_internal.h"
#include "observe/http_transfer.h"

/* A request on its way to the loop, in it, or on its way back with its reply. */
struct item {
    struct item *next;
    struct pb_http_apart *home;
    struct pb_http_rq rq;
    struct pb_http_reply reply;
    struct pb_buf body, headers, type, error;
};

struct list {
    struct item *head, **tail;
    size_t n;
};

struct pb_http_apart {
    struct pb_http *h; /* the loop's, once that runs */
    pthread_t thread;
    size_t most_unread;
    size_t pending;    /* submitted and not done; the caller's */
    struct item *free; /* the caller's */
    struct list ended; /* not yet handed over; the loop's */
    pthread_mutex_t lock;
    pthread_cond_t wanted, answered;
    /* under the lock: */
    struct list in, out;
    struct pb_http_stats stats;
    bool closing, polling;
};

static void put(struct list *l, struct item *i)
{
    i->next = NULL;
    if (!l->head)
        l->tail = &l->head;
    *l->tail = i;
    l->tail = &i->next;
    l->n++;
}

static struct item *take_all(struct list *l)
{
    struct item *first = l->head;

    *l = (struct list){0};
    return first;
}

/* ---- the loop's thread ------------------------------------------------------------ */

static const char *header(const struct pb_http_reply *r, const char *name)
{
    const struct item *i = r->impl;

    return i ? pb_headers_find(&i->headers, name) : NULL;
}

static void on_done(const struct pb_http_rq *rq, const struct pb_http_reply *r, void *ctx)
{
    struct item *i = ctx;

    (void)rq;
    i->reply = *r;
    i->reply.header = header;
    if (r->outcome == PB_HTTP_REPLY) {
        pb_http_take(i->home->h, &i->body, &i->headers, &i->type);
        i->reply.body = i->body.s;
        i->reply.content_type = i->type.s;
        i->reply.impl = i;
    } else if (r->error) {
        pb_buf_clear(&i->error);
        pb_buf_adds(&i->error, r->error);
        i->reply.error = i->error.s;
    }
    put(&i->home->ended, i);
}

static bool on_throttled(int status, const char *body, size_t n, void *ctx)
{
    const struct item *i = ctx;

    return i->rq.throttled(status, body, n, i->rq.ctx);
}

static void send_all(struct pb_http_apart *h, struct item *i)
{
    while (i) {
        struct item *next = i->next;
        struct pb_http_rq rq = i->rq;

        rq.done = on_done;
        rq.throttled = i->rq.throttled ? on_throttled : NULL;
        rq.ctx = i;
        pb_http_submit(h->h, &rq);
        i = next;
    }
}

/* Under the lock. Waits where the caller has enough to read. */
static void hand_over(struct pb_http_apart *h)
{
    struct item *i = h->ended.head, *next;

    if (!i)
        return;
    while (h->out.n >= h->most_unread && !h->closing)
        pthread_cond_wait(&h->wanted, &h->lock);
    for (; i; i = next) {
        next = i->next;
        put(&h->out, i);
    }
    h->ended = (struct list){0};
    pb_http_stats(h->h, &h->stats);
    pthread_cond_signal(&h->answered);
}

static void *loop(void *ctx)
{
    struct pb_http_apart *h = ctx;

    pthread_mutex_lock(&h->lock);
    while (!h->closing) {
        struct item *new = take_all(&h->in);
        int64_t wait;

        if (!new &&pb_http_pending(h->h) == 0) {
            pthread_cond_wait(&h->wanted, &h->lock);
            continue;
        }
        pthread_mutex_unlock(&h->lock);
        send_all(h, new);
        wait = pb_http_round(h->h);
        pthread_mutex_lock(&h->lock);
        hand_over(h);
        if (h->in.head || h->closing || wait <= 0 || pb_http_pending(h->h) == 0)
            continue;
        h->polling = true;
        pthread_mutex_unlock(&h->lock);
        pb_http_wait(h->h, wait);
        pthread_mutex_lock(&h->lock);
        h->polling = false;
    }
    pthread_mutex_unlock(&h->lock);
    pb_http_abandon(h->h, "given up");
    pb_http_free(h->h);
    return NULL;
}

/* ---- the caller's ---------------------------------------------------------------------------- */

struct pb_http_apart *pb_http_apart_new(const struct pb_http_limits *l, struct pb_err *err)
{
    struct pb_http_apart *h = pb_calloc(1, sizeof(*h));
    struct pb_http_limits d;

    pb_http_limits_default(&d);
    h->most_unread = 4 * (size_t)(l && l->concurrency > 0 ? l->concurrency : d.concurrency);
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->wanted, NULL);
    pthread_cond_init(&h->answered, NULL);
    h->h = pb_http_new(l, err);
    if (h->h) {
        pb_http_begin(h->h);
        if (pthread_create(&h->thread, NULL, loop, h) == 0)
            return h;
        pb_fail(err, PB_E_INTERNAL, "cannot start a thread for requests");
        pb_http_free(h->h);
        h->h = NULL;
    }
    pb_http_apart_free(h);
    return NULL;
}

int pb_http_apart_submit(struct pb_http_apart *h, const struct pb_http_rq *rq)
{
    struct item *i = h->free;
    bool polling;

    if (i)
        h->free = i->next;
    else
        i = pb_calloc(1, sizeof(*i));
    if (!i->home) {
        i->home = h;
        i->body = i->headers = i->type = i->error = (struct pb_buf)PB_BUF_INIT;
    }
    i->rq = *rq;
    h->pending++;
    pthread_mutex_lock(&h->lock);
    put(&h->in, i);
    polling = h->polling;
    h->polling = false; /* woken once is enough */
    pthread_cond_signal(&h->wanted);
    pthread_mutex_unlock(&h->lock);
    if (polling)
        pb_http_wake(h->h);
    return 0;
}

static struct item *next_answers(struct pb_http_apart *h)
{
    struct item *i;

    pthread_mutex_lock(&h->lock);
    while (!h->out.head)
        pthread_cond_wait(&h->answered, &h->lock);
    i = take_all(&h->out);
    pthread_cond_signal(&h->wanted);
    pthread_mutex_unlock(&h->lock);
    return i;
}

int pb_http_apart_run(struct pb_http_apart *h, struct pb_err *err)
{
    while (h->pending > 0) {
        struct item *i = next_answers(h), *next;

        for (; i; i = next) {
            next = i->next;
            h->pending--;
            if (i->rq.done)
                i->rq.done(&i->rq, &i->reply, i->rq.ctx);
            i->next = h->free;
            h->free = i;
        }
    }
    return pb_cancel_check(err);
}

void pb_http_apart_close(struct pb_http_apart *h)
{
    bool polling;

    pthread_mutex_lock(&h->lock);
    polling = h->polling;
    h->polling = false;
    h->closing = true;
    pthread_cond_signal(&h->wanted);
    pthread_mutex_unlock(&h->lock);
    if (polling)
        pb_http_wake(h->h);
}

void pb_http_apart_stats(struct pb_http_apart *h, struct pb_http_stats *out)
{
    pthread_mutex_lock(&h->lock);
    *out = h->stats;
    pthread_mutex_unlock(&h->lock);
}

static void free_items(struct item *i)
{
    while (i) {
        struct item *next = i->next;

        pb_buf_release(&i->body);
        pb_buf_release(&i->headers);
        pb_buf_release(&i->type);
        pb_buf_release(&i->error);
        free(i);
        i = next;
    }
}

void pb_http_apart_free(struct pb_http_apart *h)
{
    if (!h)
        return;
    if (h->h) {
        pb_http_apart_close(h);
        pthread_join(h->thread, NULL);
    }
    free_items(h->in.head);
    free_items(h->ended.head);
    free_items(h->out.head);
    free_items(h->free);
    pthread_cond_destroy(&h->answered);
    pthread_cond_destroy(&h->wanted);
    pthread_mutex_destroy(&h->lock);
    free(h);
}
