#include "base/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/format.h"

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
    va_list again;

    if (pb_format_is_plain(fmt)) {
        va_copy(again, ap);
        p = pb_malloc(pb_format_len(fmt, again) + 1);
        va_end(again);
        pb_format_put(p, fmt, ap);
    } else if (vasprintf(&p, fmt, ap) < 0) {
        pb_oom();
    }
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

/* ---- huge pages --------------------------------------------------------------------------- */

/* What is of MAPPED bytes, the most that can be set, is no part of the heap. */
enum {
    MAPPED = 32 << 20,
    HEAP_FIRST = MAPPED - (1 << 20),
    HEAP_STEP = 1 << 20,
    TRIMMED = 64 << 20
};

static uintptr_t align_up(uintptr_t p)
{
    return (p + PB_MEM_HUGE - 1) & ~((uintptr_t)PB_MEM_HUGE - 1);
}

/* It only takes longer where the kernel has none. */
static void want_huge(uintptr_t from, uintptr_t to)
{
    from = align_up(from);
    to &= ~((uintptr_t)PB_MEM_HUGE - 1);
    if (from < to)
        (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
}

void pb_mem_prepare(void)
{
    static char *gap; /* up to the first page of them: never touched, never freed */
    uintptr_t from;
    char *p;

    if (gap)
        return;
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED);
    (void)mallopt(M_TRIM_THRESHOLD, TRIMMED);
    (void)mallopt(M_TOP_PAD, HEAP_STEP);
    p = malloc(HEAP_FIRST);
    from = (uintptr_t)p;
    if (p)
        want_huge(from, from + HEAP_FIRST);
    free(p);
    gap = malloc(align_up(from) - from);
}

void *pb_mem_map(size_t n)
{
    char *p =
        mmap(NULL, n + PB_MEM_HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const uintptr_t all = (uintptr_t)p, from = align_up(all), to = from + n;

    if (p == MAP_FAILED)
        return NULL;
    if (from > all)
        munmap((void *)all, from - all);
    if (to < all + n + PB_MEM_HUGE)
        munmap((void *)to, all + n + PB_MEM_HUGE - to);
    want_huge(from, to);
    return (void *)from;
}

void pb_mem_unmap(void *p, size_t n)
{
    munmap(p, n);
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
