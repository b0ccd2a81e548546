#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

void *pb_malloc(size_t n)
{
    void *p = malloc(n ? n : 1);

    if (!p)
        pb_oom();
    return p;
}

void *pb_calloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);

    if (!p)
        pb_oom();
    return p;
}

void *pb_realloc(void *p, size_t n)
{
    void *q = realloc(p, n ? n : 1);

    if (!q)
        pb_oom();
    return q;
}

char *pb_strndup(const char *s, size_t n)
{
    char *p = pb_malloc(n + 1);

    memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

char *pb_strdup(const char *s)
{
    return pb_strndup(s, strlen(s));
}

char *pb_vasprintf(const char *fmt, va_list ap)
{
    char *p = NULL;

    if (vasprintf(&p, fmt, ap) < 0)
        pb_oom();
    return p;
}

char *pb_asprintf(const char *fmt, ...)
{
    char *p;
    va_list ap;

    va_start(ap, fmt);
    p = pb_vasprintf(fmt, ap);
    va_end(ap);
    return p;
}

void pb_wipe(void *p, size_t n)
{
    if (p)
        explicit_bzero(p, n);
}

void *pb_grow(void *p, size_t *cap, size_t need, size_t size)
{
    size_t want = *cap ? *cap : 8;

    if (need <= *cap)
        return p;
    while (want < need) {
        if (want > SIZE_MAX / 2)
            pb_oom();
        want *= 2;
    }
    if (size && want > SIZE_MAX / size)
        pb_oom();
    p = pb_realloc(p, want * size);
    *cap = want;
    return p;
}

void pb_auto_str(char **p)
{
    free(*p);
}

void pb_auto_free(void *p)
{
    free(*(void **)p);
}

void pb_auto_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

int pb_take_fd(int *fd)
{
    int v = *fd;

    *fd = -1;
    return v;
}
