/*
 * progress.h: how far work has come, on stderr: one line on a terminal, kept up to date and
 * erased at the end, and only for work that takes over a second. Where stderr is no
 * terminal, a line for each phase with --verbose, else nothing.
 * The callback may be called by several threads.
 */
#ifndef PB_CMD_PROGRESS_H
#define PB_CMD_PROGRESS_H

#include <pthread.h>

#include "backends/backend.h"
#include "cmd/cmd.h"

struct pb_cmd_progress {
    struct pb_progress progress; /* hand this to what works */
    pthread_mutex_t lock;
    int64_t start, last;
    bool terminal, phases, drawn;
    char phase[64];
};

void pb_cmd_progress_start(struct pb_cmd_progress *p, const struct pb_args *args);
/* Takes the line off the screen, so that others can write; the next report draws it again. */
void pb_cmd_progress_erase(struct pb_cmd_progress *p);
void pb_cmd_progress_end(struct pb_cmd_progress *p);

#endif
