#include "policy/window.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { DAY = 1440, AHEAD = 400 };

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Minutes since the epoch by that zone's clocks. */
static int64_t local(time_t t, int offset)
{
    return floor_div((int64_t)t, 60) + offset;
}

static bool on_day(const struct pb_window *w, int64_t day)
{
    int64_t weekday = ((day + 3) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */

    return !w->days || w->days & 1u << weekday;
}

static bool is_in(const struct pb_window *w, time_t t)
{
    int64_t now = local(t, w->offset), today = floor_div(now, DAY);
    int lasts = w->to > w->from ? w->to - w->from : w->to + DAY - w->from;

    for (int64_t day = today - 1; day <= today; day++) {
        int64_t start = day * DAY + w->from;

        if (on_day(w, day) && now >= start && now < start + lasts)
            return true;
    }
    return false;
}

bool pb_windows_open(const struct pb_freeze **freeze, const struct pb_windows *w, time_t now)
{
    bool open = !w->n;

    *freeze = NULL;
    for (size_t i = 0; i < w->nfreezes && !*freeze; i++)
        if (now >= w->freezes[i].from && now < w->freezes[i].until)
            *freeze = &w->freezes[i];
    for (size_t i = 0; i < w->n && !open; i++)
        open = is_in(&w->v[i], now);
    return open && !*freeze;
}

static void take(time_t *best, const struct pb_windows *w, time_t t, time_t now)
{
    const struct pb_freeze *freeze;

    if (t >= now && (*best < 0 || t < *best) && pb_windows_open(&freeze, w, t))
        *best = t;
}

/* It can only open where a window begins or a freeze ends. */
time_t pb_windows_next(const struct pb_windows *w, time_t now)
{
    time_t best = -1;

    take(&best, w, now, now);
    for (size_t i = 0; i < w->nfreezes; i++)
        take(&best, w, w->freezes[i].until, now);
    for (size_t i = 0; i < w->n; i++) {
        int64_t today = floor_div(local(now, w->v[i].offset), DAY);

        for (int64_t day = today; day < today + AHEAD; day++)
            take(&best, w, (time_t)((day * DAY + w->v[i].from - w->v[i].offset) * 60), now);
    }
    return best;
}

int pb_window_parse_day(unsigned *bit, const char *s)
{
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

    for (unsigned i = 0; i < PB_COUNT(names); i++)
        if (strcmp(names[i], s) == 0) {
            *bit = 1u << i;
            return 0;
        }
    return -1;
}

static bool digits(const char *s)
{
    return s[0] >= '0' && s[0] <= '9' && s[1] >= '0' && s[1] <= '9';
}

int pb_window_parse_time(int *minutes, const char *s)
{
    if (strlen(s) != 5 || !digits(s) || s[2] != ':' || !digits(s + 3) || s[3] > '5')
        return -1;
    *minutes = ((s[0] - '0') * 10 + s[1] - '0') * 60 + (s[3] - '0') * 10 + s[4] - '0';
    return *minutes <= DAY ? 0 : -1;
}

int pb_window_parse_zone(int *minutes, const char *s)
{
    *minutes = 0;
    if (strcmp(s, "UTC") == 0 || strcmp(s, "Z") == 0)
        return 0;
    if ((*s != '+' && *s != '-') || pb_window_parse_time(minutes, s + 1) < 0 || *minutes > 14 * 60)
        return -1;
    if (*s == '-')
        *minutes = -*minutes;
    return 0;
}

int pb_window_parse_date(time_t *out, const char *s, int offset, bool last)
{
    char full[PB_CLOCK_RFC3339];

    if (strlen(s) != 10)
        return pb_clock_parse_rfc3339(out, s);
    snprintf(full, sizeof(full), "%sT00:00:00Z", s);
    if (pb_clock_parse_rfc3339(out, full) < 0)
        return -1;
    *out += (last ? DAY * 60 : 0) - offset * 60;
    return 0;
}
