/* The stream of an apply: pieces make no difference, and a state that is found in it is one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backends/terraform/lock.h"
#include "backends/terraform/state.h"
#include "backends/terraform/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_event(void *ctx, const struct pb_apply_event *e)
{
    pb_buf_addf(ctx, "%d %s %d %s %ld\n", (int)e->step, e->address, (int)e->action,
                e->id ? e->id : "-", e->elapsed_ms);
}

static struct pb_tf_stream_seen feed(struct pb_buf *out, const char *p, size_t n, size_t piece)
{
    struct pb_tf_stream s = {.event = on_event, .ctx = out};

    for (size_t i = 0; i < n; i += piece)
        pb_tf_stream_feed(&s, p + i, n - i < piece ? n - i : piece);
    pb_tf_stream_release(&s);
    return s.seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PB_AUTO(buf) struct pb_buf a = PB_BUF_INIT, b = PB_BUF_INIT, text = PB_BUF_INIT;
    struct pb_tf_stream_seen x, y;
    struct pb_recorded_set set;
    struct pb_state_lock lock;
    struct pb_arena *arena = pb_arena_new();
    const char *at;
    size_t n;

    pb_buf_add(&text, data, size);
    x = feed(&a, text.s, size, size ? size : 1);
    y = feed(&b, text.s, size, 3);
    if (strcmp(a.s, b.s) != 0 || x.lines != y.lines || x.summary != y.summary ||
        x.added != y.added || x.failed != y.failed || x.state_dump != y.state_dump)
        abort();
    if (pb_tf_stream_find_state(&at, &n, text.s, size) &&
        pb_tf_state_parse(&set, arena, at, n, "state", NULL, NULL) != 0)
        abort();
    (void)pb_tf_lock_parse_text(&lock, arena, text.s);
    (void)pb_tf_lock_parse(&lock, arena, text.s, size);
    pb_arena_free(arena);
    return 0;
}
