#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

static bool is_ago(time_t *out, const char *s, time_t now)
{
    static const struct {
        char unit;
        long seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    char *rest;
    long n = *s >= '0' && *s <= '9' ? strtol(s, &rest, 10) : -1;

    if (n < 0 || n > 100000 || !*rest || rest[1])
        return false;
    for (size_t i = 0; i < PB_COUNT(units); i++)
        if (units[i].unit == *rest) {
            *out = now - n * units[i].seconds;
            return true;
        }
    return false;
}

/* What is left of `s` behind one of the formats; NULL: none fits. */
static const char *read_any(struct tm *tm, const char *s, time_t now)
{
    static const char *const dates[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M",
                                        "%Y-%m-%d %H:%M", "%Y-%m-%d"};
    const char *rest = NULL;

    for (size_t i = 0; !rest && i < PB_COUNT(dates); i++) {
        memset(tm, 0, sizeof(*tm));
        rest = strptime(s, dates[i], tm);
    }
    if (!rest) {
        localtime_r(&now, tm);
        tm->tm_sec = 0;
        rest = strptime(s, "%H:%M", tm);
    }
    tm->tm_isdst = -1;
    return rest;
}

int pb_clock_parse_when(time_t *out, const char *s, time_t now)
{
    struct tm tm;
    const char *rest;

    if (pb_clock_parse_rfc3339(out, s) == 0 || is_ago(out, s, now))
        return 0;
    rest = read_any(&tm, s, now);
    if (!rest || (*rest && strcmp(rest, "Z") != 0))
        return -1;
    *out = *rest ? timegm(&tm) : mktime(&tm);
    return *out == (time_t)-1 ? -1 : 0;
}
