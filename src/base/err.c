#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int pb_vfail(struct pb_err *err, enum pb_err_class cls, const char *fmt, va_list ap)
{
    if (!err)
        return -1;
    err->cls = cls;
    err->sys = 0;
    vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    return -1;
}

int pb_fail(struct pb_err *err, enum pb_err_class cls, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    pb_vfail(err, cls, fmt, ap);
    va_end(ap);
    return -1;
}

int pb_fail_errno(struct pb_err *err, enum pb_err_class cls, const char *fmt, ...)
{
    int saved = errno;
    char text[256];
    size_t used;
    va_list ap;

    if (!err)
        return -1;
    va_start(ap, fmt);
    pb_vfail(err, cls, fmt, ap);
    va_end(ap);
    err->sys = saved;
    used = strlen(err->msg);
    snprintf(err->msg + used, sizeof(err->msg) - used, ": %s",
             strerror_r(saved, text, sizeof(text)));
    return -1;
}

int pb_err_wrap(struct pb_err *err, const char *fmt, ...)
{
    char old[PB_ERR_MAX];
    size_t used;
    va_list ap;

    if (!err)
        return -1;
    memcpy(old, err->msg, sizeof(old));
    va_start(ap, fmt);
    vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    va_end(ap);
    used = strlen(err->msg);
    snprintf(err->msg + used, sizeof(err->msg) - used, ": %s", old);
    return -1;
}

void pb_err_clear(struct pb_err *err)
{
    err->cls = PB_E_NONE;
    err->sys = 0;
    err->msg[0] = '\0';
}

void pb_bug(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "plumb: bug at %s:%d: ", file, line);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}

void pb_oom(void)
{
    fputs("plumb: out of memory\n", stderr);
    abort();
}
