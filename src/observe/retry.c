#include "observe/retry.h"

#include <ctype.h>
#include <stdlib.h>
#include <sys/random.h>

bool pb_retry_status(int status)
{
    return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

bool pb_retry_curl(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: return true;
    default: return false;
    }
}

int64_t pb_retry_after(const char *value, time_t now)
{
    const char *p = value;
    int64_t n = 0;
    time_t when;

    while (*p == ' ')
        p++;
    if (isdigit((unsigned char)*p)) {
        for (; isdigit((unsigned char)*p); p++)
            n = n < 1000000000 ? n * 10 + (*p - '0') : n;
        while (*p == ' ')
            p++;
        return *p == '\0' ? n * 1000 : -1;
    }
    when = curl_getdate(p, NULL);
    if (when == (time_t)-1)
        return -1;
    return when > now ? (int64_t)(when - now) * 1000 : 0;
}

int64_t pb_retry_reset(const char *value, time_t now)
{
    char *end;
    long long when = strtoll(value, &end, 10);

    if (!isdigit((unsigned char)*value) || *end != '\0')
        return -1;
    if (when <= now)
        return 0;
    return when - now < 1000000000 ? (int64_t)(when - now) * 1000 : 1000000000000;
}

int64_t pb_retry_backoff(long base_ms, int tries)
{
    uint64_t r = 0;
    int64_t most = base_ms > 0 ? base_ms : 1;

    for (int i = 1; i < tries && most < 20000; i++)
        most *= 2;
    if (most > 20000)
        most = 20000;
    if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != (ssize_t)sizeof(r))
        return most / 2;
    return (int64_t)(r % (uint64_t)(most + 1));
}
