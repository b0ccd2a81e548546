#include "cmd/apply_view.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { REDRAW_MS = 100, BAR = 24, BAR_LEAST = 4, COLUMNS = 80, LINES = 24, MARGIN = 24 };

void pb_apply_view_start(struct pb_apply_view *v, const struct pb_args *args)
{
    memset(v, 0, sizeof(*v));
    v->on = !pb_args_has(args, PB_O_QUIET) && isatty(STDERR_FILENO) &&
            !pb_streq(getenv("TERM"), "dumb");
}

void pb_apply_view_erase(struct pb_apply_view *v)
{
    if (v->rows > 0)
        fprintf(stderr, "\r\033[%dA\033[J", v->rows);
    v->rows = 0;
    fflush(stderr);
}

static struct winsize window(void)
{
    struct winsize w;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) != 0)
        w.ws_col = w.ws_row = 0;
    w.ws_col = w.ws_col ? w.ws_col : COLUMNS;
    w.ws_row = w.ws_row ? w.ws_row : LINES;
    return w;
}

/* As much of a bar as there is room for. */
static void add_bar(struct pb_buf *b, const struct pb_apply_view *v, size_t width)
{
    PB_AUTO(str) char *count = pb_asprintf("%zu of %zu", v->done, v->total);
    size_t taken = strlen("applying [] ") + strlen(count), full;
    size_t bar = width > taken ? width - taken - 1 : 0;

    bar = bar > BAR ? BAR : bar;
    full = v->total ? v->done * bar / v->total : 0;
    pb_buf_adds(b, "applying ");
    if (bar >= BAR_LEAST) {
        pb_buf_addc(b, '[');
        for (size_t i = 0; i < bar; i++)
            pb_buf_addc(b, i < full ? '#' : '.');
        pb_buf_adds(b, "] ");
    }
    pb_buf_addf(b, "%s\n", count);
}

/* The end tells one address from another. */
static const char *end_of(const char *s, size_t n, size_t room)
{
    const char *from = s + n - room;

    while (((unsigned char)*from & 0xc0) == 0x80)
        from++;
    return from;
}

/* A line that wraps would not be erased. */
static void add_row(struct pb_buf *b, const struct pb_apply_view_row *r, int64_t now, size_t width)
{
    PB_AUTO(buf) struct pb_buf line = PB_BUF_INIT;
    size_t room = width > MARGIN + 8 ? width - MARGIN : 8;
    bool cut;

    pb_text_add_safe(&line, r->address, strlen(r->address));
    cut = line.len > room;
    pb_buf_addf(b, "  %-8s %s%s  %lld s\n", pb_action_name(r->action), cut ? "..." : "",
                cut ? end_of(line.s, line.len, room - 3) : line.s,
                (long long)((now - r->since) / 1000));
}

static void draw(struct pb_apply_view *v)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    int64_t now = pb_clock_ms();
    struct winsize w = window();
    /* What scrolled away cannot be erased: the bar, "more" and the cursor's line are there, too. */
    size_t most = w.ws_row > 3 ? (size_t)w.ws_row - 3 : 0;
    size_t shown = most < PB_VIEW_ROWS ? most : PB_VIEW_ROWS;

    shown = v->n < shown ? v->n : shown;
    add_bar(&b, v, w.ws_col);
    for (size_t i = 0; i < shown; i++)
        add_row(&b, &v->v[i], now, w.ws_col);
    if (v->n > shown)
        pb_buf_addf(&b, "  and %zu more\n", v->n - shown);
    pb_apply_view_erase(v);
    fputs(b.s, stderr);
    fflush(stderr);
    v->rows = 1 + (int)shown + (v->n > shown);
    v->last = now;
}

static void forget(struct pb_apply_view *v, const struct pb_apply_event *e)
{
    for (size_t i = 0; i < v->n; i++) {
        if (strcmp(v->v[i].address, e->address) != 0)
            continue;
        free(v->v[i].address);
        memmove(&v->v[i], &v->v[i + 1], (v->n - i - 1) * sizeof(*v->v));
        v->n--;
        return;
    }
}

void pb_apply_view_event(struct pb_apply_view *v, const struct pb_apply_event *e, size_t done,
                         size_t total)
{
    v->done = done;
    v->total = total;
    if (e->step == PB_APPLY_RUNNING)
        return;
    forget(v, e);
    if (e->step != PB_APPLY_STARTED)
        return;
    v->v = pb_grow(v->v, &v->cap, v->n + 1, sizeof(*v->v));
    v->v[v->n++] = (struct pb_apply_view_row){pb_strdup(e->address), e->action, pb_clock_ms()};
}

void pb_apply_view_tick(struct pb_apply_view *v)
{
    if (v->on && v->total && pb_clock_ms() - v->last >= REDRAW_MS)
        draw(v);
}

void pb_apply_view_end(struct pb_apply_view *v)
{
    pb_apply_view_erase(v);
    for (size_t i = 0; i < v->n; i++)
        free(v->v[i].address);
    free(v->v);
    memset(v, 0, sizeof(*v));
}
