#include "observe/budget.h"

static const double rate_free = 500.0; /* above this a limit is none */
static const double rate_least = 0.5;
static const double burst = 5.0;

void pb_budget_init(struct pb_budget *b, int64_t now_ms)
{
    *b = (struct pb_budget){.filled_ms = now_ms,
                            .throttled_ms = now_ms - 60000,
                            .raised_ms = now_ms,
                            .window_ms = now_ms};
}

static void refill(struct pb_budget *b, int64_t now_ms)
{
    while (b->rate > 0 && now_ms - b->raised_ms >= 1000) {
        b->rate += b->rate < 5 ? 0.5 : b->rate / 10;
        b->raised_ms += 1000;
        if (b->rate > rate_free)
            b->rate = 0;
    }
    b->tokens += b->rate * (double)(now_ms - b->filled_ms) / 1000.0;
    if (b->tokens > burst)
        b->tokens = burst;
    b->filled_ms = now_ms;
}

static void count(struct pb_budget *b, int64_t now_ms)
{
    int64_t past = now_ms - b->window_ms;

    if (past >= 1000) {
        b->sent_before = past < 2000 ? b->sent : 0;
        b->sent = 0;
        b->window_ms = now_ms;
    }
}

int64_t pb_budget_take(struct pb_budget *b, int64_t now_ms)
{
    if (now_ms < b->hold_ms)
        return b->hold_ms - now_ms;
    refill(b, now_ms);
    if (b->rate > 0) {
        if (b->tokens < 1)
            return 1 + (int64_t)((1 - b->tokens) * 1000 / b->rate);
        b->tokens -= 1;
    }
    count(b, now_ms);
    b->sent++;
    return 0;
}

void pb_budget_throttled(struct pb_budget *b, int64_t now_ms)
{
    double seen;

    refill(b, now_ms);
    b->raised_ms = now_ms;
    if (now_ms - b->throttled_ms < 500)
        return; /* the rest of one burst says the same thing again */
    b->throttled_ms = now_ms;
    count(b, now_ms);
    seen = b->sent > b->sent_before ? b->sent : b->sent_before;
    b->rate = (b->rate > 0 ? b->rate : seen) / 2;
    if (b->rate < rate_least)
        b->rate = rate_least;
    b->tokens = 0;
}

void pb_budget_hold(struct pb_budget *b, int64_t until_ms)
{
    if (until_ms > b->hold_ms)
        b->hold_ms = until_ms;
}
