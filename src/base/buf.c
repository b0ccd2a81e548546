#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/format.h"
#include "base/mem.h"

char pb_buf_empty[1];

void pb_buf_release(struct pb_buf *b)
{
    if (b->cap)
        free(b->s);
    b->s = pb_buf_empty;
    b->len = b->cap = 0;
}

void pb_buf_wipe(struct pb_buf *b)
{
    if (b->cap)
        pb_wipe(b->s, b->cap);
    pb_buf_release(b);
}

void pb_buf_clear(struct pb_buf *b)
{
    b->len = 0;
    if (b->cap)
        b->s[0] = '\0';
}

static int room(struct pb_buf *b, size_t extra)
{
    size_t max = b->max ? b->max : PB_BUF_MAX;

    if (extra > max || b->len > max - extra)
        return -1;
    if (b->len + extra + 1 > b->cap) {
        char *old = b->cap ? b->s : NULL;
        b->s = pb_grow(old, &b->cap, b->len + extra + 1, 1);
        b->s[b->len] = '\0';
    }
    return 0;
}

void pb_buf_reserve(struct pb_buf *b, size_t extra)
{
    if (room(b, extra))
        BUG("buffer over its maximum");
}

void pb_buf_advance(struct pb_buf *b, size_t n)
{
    if (n >= b->cap - b->len)
        BUG("more than there was room for");
    b->len += n;
    b->s[b->len] = '\0';
}

int pb_buf_try_add(struct pb_buf *b, const void *p, size_t n)
{
    if (room(b, n))
        return -1;
    if (n)
        memcpy(b->s + b->len, p, n);
    b->len += n;
    b->s[b->len] = '\0';
    return 0;
}

void pb_buf_add(struct pb_buf *b, const void *p, size_t n)
{
    if (pb_buf_try_add(b, p, n))
        BUG("buffer over its maximum");
}

void pb_buf_adds(struct pb_buf *b, const char *s)
{
    pb_buf_add(b, s, strlen(s));
}

void pb_buf_addc(struct pb_buf *b, char c)
{
    if (b->len + 1 >= b->cap || b->max)
        pb_buf_reserve(b, 1);
    b->s[b->len++] = c;
    b->s[b->len] = '\0';
}

PB_PRINTF(2, 0)
static void add_plain(struct pb_buf *b, const char *fmt, va_list ap)
{
    va_list again;
    size_t n;

    va_copy(again, ap);
    n = pb_format_len(fmt, again);
    va_end(again);
    pb_buf_reserve(b, n);
    pb_format_put(b->s + b->len, fmt, ap);
    b->len += n;
}

void pb_buf_vaddf(struct pb_buf *b, const char *fmt, va_list ap)
{
    size_t left = b->cap ? b->cap - b->len : 0;
    va_list again;
    int n;

    if (pb_format_is_plain(fmt)) {
        add_plain(b, fmt, ap);
        return;
    }
    /* Mostly it fits into what there is; printing twice to know would be half of the time. */
    va_copy(again, ap);
    n = vsnprintf(left ? b->s + b->len : NULL, left, fmt, again);
    va_end(again);
    if (n < 0)
        BUG("bad format");
    if ((size_t)n >= left || room(b, (size_t)n)) {
        pb_buf_reserve(b, (size_t)n);
        vsnprintf(b->s + b->len, (size_t)n + 1, fmt, ap);
    }
    b->len += (size_t)n;
}

void pb_buf_addf(struct pb_buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    pb_buf_vaddf(b, fmt, ap);
    va_end(ap);
}

void pb_buf_add_hex(struct pb_buf *b, const unsigned char *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";

    pb_buf_reserve(b, n * 2);
    for (size_t i = 0; i < n; i++) {
        b->s[b->len++] = digits[p[i] >> 4];
        b->s[b->len++] = digits[p[i] & 15];
    }
    b->s[b->len] = '\0';
}

void pb_buf_truncate(struct pb_buf *b, size_t len)
{
    if (len >= b->len)
        return;
    b->len = len;
    b->s[len] = '\0';
}

char *pb_buf_detach(struct pb_buf *b)
{
    char *s = b->cap ? b->s : pb_strdup("");

    b->s = pb_buf_empty;
    b->len = b->cap = 0;
    return s;
}

void pb_auto_buf(struct pb_buf *b)
{
    pb_buf_release(b);
}
