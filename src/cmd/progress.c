#include "cmd/progress.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { QUIET_MS = 1000, REDRAW_MS = 100 };

static void draw(struct pb_cmd_progress *p, const char *what, size_t done, size_t total)
{
    int64_t now = pb_clock_ms();

    if (now - p->start < QUIET_MS || now - p->last < REDRAW_MS)
        return;
    p->last = now;
    p->drawn = true;
    if (done <= total && total)
        fprintf(stderr, "\r\033[Kplumb: %.50s %zu/%zu", what, done, total);
    else
        fprintf(stderr, "\r\033[Kplumb: %.50s", what);
    fflush(stderr);
}

static void report(void *ctx, const char *what, size_t done, size_t total)
{
    struct pb_cmd_progress *p = ctx;

    pthread_mutex_lock(&p->lock);
    if (p->terminal) {
        draw(p, what, done, total);
    } else if (p->phases && strncmp(p->phase, what, sizeof(p->phase) - 1) != 0) {
        snprintf(p->phase, sizeof(p->phase), "%s", what);
        fprintf(stderr, "plumb: %s\n", what);
    }
    pthread_mutex_unlock(&p->lock);
}

void pb_cmd_progress_start(struct pb_cmd_progress *p, const struct pb_args *args)
{
    bool quiet = pb_args_has(args, PB_O_QUIET);

    memset(p, 0, sizeof(*p));
    pthread_mutex_init(&p->lock, NULL);
    p->progress = (struct pb_progress){report, p};
    p->start = pb_clock_ms();
    p->terminal = !quiet && isatty(STDERR_FILENO);
    p->phases = !quiet && pb_args_has(args, PB_O_VERBOSE);
}

void pb_cmd_progress_erase(struct pb_cmd_progress *p)
{
    pthread_mutex_lock(&p->lock);
    if (p->drawn) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
    p->drawn = false;
    pthread_mutex_unlock(&p->lock);
}

void pb_cmd_progress_end(struct pb_cmd_progress *p)
{
    pb_cmd_progress_erase(p);
    pthread_mutex_destroy(&p->lock);
}
