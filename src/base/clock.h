/*
 * clock.h: time. The wall clock can be pinned with PLUMB_NOW (RFC 3339, for tests and
 * reproducible reports); the monotonic clock cannot.
 */
#ifndef PB_BASE_CLOCK_H
#define PB_BASE_CLOCK_H

#include <time.h>

#include "base/compiler.h"

int64_t pb_clock_ms(void); /* monotonic milliseconds */
time_t pb_clock_wall(void);

enum { PB_CLOCK_RFC3339 = 32 };
void pb_clock_rfc3339(char out[PB_CLOCK_RFC3339], time_t t); /* 2026-03-01T12:00:00Z */
int pb_clock_parse_rfc3339(time_t *out, const char *s);      /* -1: not a time */

/* A time as people write it, seen from `now`: 2026-11-19, "2026-11-19 14:00", either with a 'T',
 * seconds and a zone if wanted (none: the machine's), 14:00 (today), or how long ago: 90m, 24h,
 * 7d. -1: none of these. */
int pb_clock_parse_when(time_t *out, const char *s, time_t now);

#endif
