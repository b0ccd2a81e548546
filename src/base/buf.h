/*
 * buf.h: a growing byte buffer, always NUL-terminated, with a declared maximum.
 *
 *	PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
 *	pb_buf_addf(&b, "%d items", n);
 *	puts(b.s);
 *
 * Adding beyond `max` (PB_BUF_MAX unless set) aborts for trusted writers; readers of
 * outside data use pb_buf_try_add(), which returns -1 instead and leaves the buffer.
 */
#ifndef PB_BASE_BUF_H
#define PB_BASE_BUF_H

#include <stdarg.h>

#include "base/compiler.h"

#define PB_BUF_MAX ((size_t)2 << 30)

struct pb_buf {
    char *s;    /* never NULL after INIT; "" when empty */
    size_t len; /* without the NUL */
    size_t cap; /* 0: s is static */
    size_t max; /* 0: PB_BUF_MAX */
};

extern char pb_buf_empty[1];
#define PB_BUF_INIT           \
    {                         \
        pb_buf_empty, 0, 0, 0 \
    }

void pb_buf_release(struct pb_buf *b);
void pb_buf_wipe(struct pb_buf *b); /* overwrite, then release: for secrets */
void pb_buf_clear(struct pb_buf *b);
void pb_buf_reserve(struct pb_buf *b, size_t extra);
void pb_buf_advance(struct pb_buf *b, size_t n); /* n bytes were put behind the end, with room */
void pb_buf_add(struct pb_buf *b, const void *p, size_t n);
void pb_buf_adds(struct pb_buf *b, const char *s);
void pb_buf_addc(struct pb_buf *b, char c);
void pb_buf_addf(struct pb_buf *b, const char *fmt, ...) PB_PRINTF(2, 3);
void pb_buf_vaddf(struct pb_buf *b, const char *fmt, va_list ap) PB_PRINTF(2, 0);
void pb_buf_add_hex(struct pb_buf *b, const unsigned char *p, size_t n);
int pb_buf_try_add(struct pb_buf *b, const void *p, size_t n); /* -1: over max */
void pb_buf_truncate(struct pb_buf *b, size_t len);
char *pb_buf_detach(struct pb_buf *b); /* caller frees; the buffer is empty again */

void pb_auto_buf(struct pb_buf *b);

#endif
