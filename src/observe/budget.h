/*
 * budget.h: how fast one service may be asked, learnt from what it answers.
 *
 * A budget starts without a limit. The first throttle sets the rate to half of what was
 * sent in the second before, each further one halves it, and every quiet second raises it
 * by a tenth (half a request at least) until it is high enough to be no limit again. Pure:
 * the caller gives the time.
 */
#ifndef PB_OBSERVE_BUDGET_H
#define PB_OBSERVE_BUDGET_H

#include "base/compiler.h"

struct pb_budget {
    double rate; /* requests a second; 0: no limit */
    double tokens;
    int64_t filled_ms, throttled_ms, raised_ms;
    int64_t hold_ms;   /* nothing before this: Retry-After */
    int64_t window_ms; /* start of the second that is being counted */
    int sent, sent_before;
};

void pb_budget_init(struct pb_budget *b, int64_t now_ms);
/* 0: take one now (it is taken); else milliseconds to wait. */
int64_t pb_budget_take(struct pb_budget *b, int64_t now_ms);
void pb_budget_throttled(struct pb_budget *b, int64_t now_ms);
void pb_budget_hold(struct pb_budget *b, int64_t until_ms);

#endif
