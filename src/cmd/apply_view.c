#include "cmd/apply_view.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { REDRAW_MS = 100, BAR = 24, COLUMNS = 80 };

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

static size_t columns(void)
{
    struct winsize w;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : COLUMNS;
}

static void add_bar(struct pb_buf *b, const struct pb_apply_view *v)
{
    size_t full = v->total ? v->done * BAR / v->total : 0;

    pb_buf_adds(b, "applying [");
    for (size_t i = 0; i < BAR; i++)
        pb_buf_addc(b, i < full ? '#' : '.');
    pb_buf_addf(b, "] %zu of %zu\n", v->done, v->total);
}

/* A line that wraps would not be erased. */
static void add_row(struct pb_buf *b, const struct pb_apply_view_row *r, int64_t now, size_t width)
{
    PB_AUTO(buf) struct pb_buf line = PB_BUF_INIT;
    size_t room = width > 24 ? width - 24 : 8;

    pb_text_add_safe(&line, r->address, strlen(r->address));
    if (line.len > room) {
        while (room && ((unsigned char)line.s[room] & 0xc0) == 0x80)
            room--;
        line.s[room] = '\0';
    }
    pb_buf_addf(b, "  %-8s %s  %lld s\n", pb_action_name(r->action), line.s,
                (long long)((now - r->since) / 1000));
}

static void draw(struct pb_apply_view *v)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    int64_t now = pb_clock_ms();
    size_t width = columns(), shown = v->n < PB_VIEW_ROWS ? v->n : PB_VIEW_ROWS;

    add_bar(&b, v);
    for (size_t i = 0; i < shown; i++)
        add_row(&b, &v->v[i], now, width);
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
