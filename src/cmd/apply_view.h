/*
 * apply_view.h: an apply while it runs, on stderr of a terminal: a bar for the whole and one line
 * for each resource that is under way, with the time it has taken so far. Drawn again in place,
 * erased at the end.
 */
#ifndef PB_CMD_APPLY_VIEW_H
#define PB_CMD_APPLY_VIEW_H

#include "backends/backend.h"
#include "cmd/cmd.h"

enum { PB_VIEW_ROWS = 12 };

struct pb_apply_view {
    bool on;
    int rows; /* drawn now */
    int64_t last;
    size_t done, total;
    size_t n, cap; /* under way */
    struct pb_apply_view_row {
        char *address;
        enum pb_action action;
        int64_t since;
    } * v;
};

void pb_apply_view_start(struct pb_apply_view *v, const struct pb_args *args);
void pb_apply_view_event(struct pb_apply_view *v, const struct pb_apply_event *e, size_t done,
                         size_t total);
void pb_apply_view_tick(struct pb_apply_view *v);
/* Takes it off the screen, so that others can write; the next tick draws it again. */
void pb_apply_view_erase(struct pb_apply_view *v);
void pb_apply_view_end(struct pb_apply_view *v);

#endif
