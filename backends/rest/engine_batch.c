/* Ids collected into one request. Chunks are sent at the end of each turn (the start, or a
 * reply), so that what one reply made possible goes out together. */
#include "backends/rest/engine.h"
#include "base/mem.h"

static struct batch *batch_for(struct run *run, struct context *c, const struct pb_ask *ask)
{
    const struct pb_place *into = &ask->rq->batch_into;
    const char *key = pb_arena_printf(run->a, "%s\nbatch %d%s %ld", fetch_key(c, ask), into->kind,
                                      into->name, ask->rq->batch_max);
    struct batch *b = pb_map_get(&run->batches, key);
    if (b)
        return b;
    b = pb_arena_zalloc(run->a, sizeof(*b));
    b->ctx = c;
    b->ask = *ask;
    pb_map_put(&run->batches, key, b);
    return b;
}

static void chunk_wait(struct chunk *ch, struct waiter w)
{
    if (ch->fetch) {
        fetch_add_waiter(ch->fetch, w);
        return;
    }
    ch->waiters = pb_grow(ch->waiters, &ch->wcap, ch->nwaiters + 1, sizeof(*ch->waiters));
    ch->waiters[ch->nwaiters++] = w;
}

/* The chunk that asks for all of these already, or NULL. */
static struct chunk *chunk_with(struct batch *b, const char *const *keys, size_t n)
{
    struct chunk *ch = pb_map_get(&b->where, keys[0]);
    for (size_t i = 1; ch && i < n; i++)
        if (pb_map_get(&b->where, keys[i]) != ch)
            ch = NULL;
    return ch;
}

static struct chunk *chunk_new(struct run *run, struct batch *b)
{
    struct chunk *ch = pb_arena_zalloc(run->a, sizeof(*ch));
    ch->batch = b;
    ch->max = (size_t)b->ask.rq->batch_max;
    ch->keys = pb_arena_zalloc(run->a, ch->max * sizeof(const char *));
    ch->next = run->unsent;
    run->unsent = ch;
    b->open = ch;
    return ch;
}

static bool chunk_has(const struct chunk *ch, const char *key)
{
    return pb_map_get(&ch->batch->where, key) == ch;
}

void batch_add(struct run *run, struct context *c, const struct pb_ask *ask,
               const char *const *keys, size_t n, struct waiter w)
{
    struct batch *b = batch_for(run, c, ask);
    struct chunk *ch = chunk_with(b, keys, n);
    if (!ch) {
        ch = b->open && b->open->n + n <= b->open->max ? b->open : chunk_new(run, b);
        for (size_t i = 0; i < n; i++)
            if (!chunk_has(ch, keys[i])) {
                ch->keys[ch->n++] = keys[i];
                pb_map_put(&b->where, keys[i], ch);
            }
    }
    chunk_wait(ch, w);
}

static void chunk_send(struct run *run, struct chunk *ch)
{
    struct batch *b = ch->batch;
    struct pb_ask ask = pb_ask_copy(run->a, &b->ask);
    if (b->open == ch)
        b->open = NULL;
    pb_ask_put(&ask, run->a, &ask.rq->batch_into, ch->keys, ch->n, true);
    ch->fetch = fetch_submit(run, b->ctx, &ask, false);
    for (size_t i = 0; i < ch->nwaiters; i++)
        fetch_add_waiter(ch->fetch, ch->waiters[i]);
    free(ch->waiters);
    ch->waiters = NULL;
}

void batch_flush(struct run *run)
{
    while (run->unsent) {
        struct chunk *ch = run->unsent;
        run->unsent = ch->next;
        chunk_send(run, ch);
    }
}
