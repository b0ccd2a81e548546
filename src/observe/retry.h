/*
 * retry.h: whether to try again, and after how long. Pure but for the random numbers.
 */
#ifndef PB_OBSERVE_RETRY_H
#define PB_OBSERVE_RETRY_H

#include <time.h>

#include "base/compiler.h"
#include "observe/curl.h"

bool pb_retry_status(int status); /* 429, 500, 502, 503, 504 */
bool pb_retry_curl(CURLcode code);
/* Milliseconds from a Retry-After value (seconds, or an HTTP date); -1 when it is neither. */
int64_t pb_retry_after(const char *value, time_t now);
/* The same from a time in seconds of Unix, as rate limits give it. */
int64_t pb_retry_reset(const char *value, time_t now);
/* Full jitter: anything up to base * 2^(tries - 1), at most 20 s. */
int64_t pb_retry_backoff(long base_ms, int tries);

#endif
