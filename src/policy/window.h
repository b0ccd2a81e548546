/*
 * window.h: when may be applied. Pure: the time is given.
 *
 * Zones are UTC or a fixed offset. Named ones would need the machine's zone files and its TZ
 * variable, which belongs to the whole process; and a window that moves with summer time has an
 * hour each year that happens twice.
 */
#ifndef PB_POLICY_WINDOW_H
#define PB_POLICY_WINDOW_H

#include <time.h>

#include "base/err.h"

/* Open from..to on these days; one that ends at or before its begin lasts into the next day. */
struct pb_window {
    unsigned days; /* bits 1 << day, Monday is 0; 0: every day */
    int from, to;  /* minutes of the day */
    int offset;    /* minutes east of UTC */
    const char *reason, *at;
};

/* Closed from..until, the second not included. */
struct pb_freeze {
    time_t from, until;
    const char *reason, *at;
};

struct pb_windows {
    const struct pb_window *v; /* none: always open but for freezes */
    size_t n;
    const struct pb_freeze *freezes;
    size_t nfreezes;
};

/* Whether it is open at `now`; if not, *freeze is the one that closes it, or NULL. */
bool pb_windows_open(const struct pb_freeze **freeze, const struct pb_windows *w, time_t now);
/* The next time that it is open, from `now` on; -1: not within a year and a bit. */
time_t pb_windows_next(const struct pb_windows *w, time_t now);

/* "mon" .. "sun"; "09:00", at most "24:00"; "UTC", "Z", "+01:00". -1: it is none. */
int pb_window_parse_day(unsigned *bit, const char *s);
int pb_window_parse_time(int *minutes, const char *s);
int pb_window_parse_zone(int *minutes, const char *s);
/* 2026-12-20, in that zone, or RFC 3339. `last`: a date is meant with the whole of its day. */
int pb_window_parse_date(time_t *out, const char *s, int offset, bool last);

#endif
