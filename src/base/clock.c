#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t pb_clock_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

time_t pb_clock_wall(void)
{
    const char *pinned = getenv("PLUMB_NOW");
    time_t t;

    if (pinned && pb_clock_parse_rfc3339(&t, pinned) == 0)
        return t;
    return time(NULL);
}

void pb_clock_rfc3339(char out[PB_CLOCK_RFC3339], time_t t)
{
    struct tm tm;

    gmtime_r(&t, &tm);
    strftime(out, PB_CLOCK_RFC3339, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

int pb_clock_parse_rfc3339(time_t *out, const char *s)
{
    struct tm tm = {0};
    const char *rest = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
    long offset = 0;

    if (!rest)
        return -1;
    if (*rest == '.')
        for (rest++; *rest >= '0' && *rest <= '9';)
            rest++;
    if (*rest == '+' || *rest == '-') {
        int h, m, used = 0;
        if (sscanf(rest + 1, "%2d:%2d%n", &h, &m, &used) != 2 || used != 5)
            return -1;
        offset = (*rest == '-' ? -1 : 1) * (h * 3600L + m * 60L);
        rest += 6;
    } else if (*rest == 'Z' || *rest == 'z') {
        rest++;
    } else {
        return -1;
    }
    if (*rest)
        return -1;
    *out = timegm(&tm) - offset;
    return 0;
}
