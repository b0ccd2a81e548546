#include "backends/provider/grpc.h"

#include <string.h>

const char *pb_grpc_status_name(int status)
{
    static const char *const names[] = {"ok",
                                        "cancelled",
                                        "unknown error",
                                        "invalid argument",
                                        "deadline exceeded",
                                        "not found",
                                        "already exists",
                                        "permission denied",
                                        "resource exhausted",
                                        "failed precondition",
                                        "aborted",
                                        "out of range",
                                        "not implemented",
                                        "internal error",
                                        "unavailable",
                                        "data loss",
                                        "unauthenticated"};

    if (status < 0 || (size_t)status >= PB_COUNT(names))
        return "a status that gRPC does not have";
    return names[status];
}

void pb_grpc_frame(struct pb_buf *out, const void *msg, size_t n)
{
    const char prefix[PB_GRPC_PREFIX] = {0, (char)(n >> 24), (char)(n >> 16), (char)(n >> 8),
                                         (char)n};

    if (n > UINT32_MAX)
        BUG("a message of %zu bytes", n);
    pb_buf_add(out, prefix, sizeof(prefix));
    pb_buf_add(out, msg, n);
}

/* The message at the front: 1 whole, 0 more is to come, -1 refused. */
static int front(const struct pb_grpc_reader *r, size_t *len, struct pb_err *err)
{
    size_t have = r->b.len - r->taken;
    uint8_t prefix[PB_GRPC_PREFIX];

    if (have < PB_GRPC_PREFIX)
        return 0;
    memcpy(prefix, r->b.s + r->taken, sizeof(prefix));
    if (prefix[0] != 0)
        return pb_fail(err, PB_E_INPUT, "a message is compressed, which was not asked for");
    *len = (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 8 | prefix[4];
    if (*len > r->max)
        return pb_fail(err, PB_E_INPUT, "a message of %zu bytes is longer than the limit of %zu",
                       *len, r->max);
    return have - PB_GRPC_PREFIX >= *len;
}

int pb_grpc_read(struct pb_grpc_reader *r, const void *p, size_t n, struct pb_err *err)
{
    const char *from = p;
    size_t len;

    if (!r->b.s)
        r->b = (struct pb_buf)PB_BUF_INIT;
    if (r->taken) {
        size_t left = r->b.len - r->taken;

        memmove(r->b.s, r->b.s + r->taken, left);
        pb_buf_truncate(&r->b, left);
        r->taken = 0;
    }
    /* The prefix is looked at before the rest is kept: nothing is stored for a message that
     * will be refused. Bytes behind a whole message are at most what one call brings. */
    while (n && r->b.len < PB_GRPC_PREFIX) {
        pb_buf_addc(&r->b, *from++);
        n--;
    }
    if (front(r, &len, err) == -1)
        return -1;
    pb_buf_add(&r->b, from, n);
    return 0;
}

bool pb_grpc_next(struct pb_grpc_reader *r, const uint8_t **msg, size_t *n)
{
    if (front(r, n, NULL) != 1)
        return false;
    *msg = (const uint8_t *)r->b.s + r->taken + PB_GRPC_PREFIX;
    r->taken += PB_GRPC_PREFIX + *n;
    return true;
}

int pb_grpc_end(const struct pb_grpc_reader *r, struct pb_err *err)
{
    size_t len;

    if (front(r, &len, err) == -1)
        return -1;
    if (r->b.len == r->taken)
        return 0;
    return pb_fail(err, PB_E_INPUT, "the reply ends inside a message");
}

void pb_grpc_release(struct pb_grpc_reader *r)
{
    if (r->b.s)
        pb_buf_wipe(&r->b); /* values of resources, secrets among them */
    r->taken = 0;
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 0x20) : NULL;

    return at ? (int)(at - digits) : -1;
}

void pb_grpc_add_decoded(struct pb_buf *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '%' && i + 2 < n && hex_digit(s[i + 1]) >= 0 && hex_digit(s[i + 2]) >= 0) {
            pb_buf_addc(out, (char)(hex_digit(s[i + 1]) << 4 | hex_digit(s[i + 2])));
            i += 2;
        } else {
            pb_buf_addc(out, s[i]);
        }
    }
}

void pb_grpc_add_timeout(struct pb_buf *out, long ms)
{
    /* At most eight digits. */
    if (ms < 100000000)
        pb_buf_addf(out, "%ldm", ms > 0 ? ms : 1);
    else
        pb_buf_addf(out, "%ldS", ms / 1000 < 99999999 ? ms / 1000 : 99999999);
}
