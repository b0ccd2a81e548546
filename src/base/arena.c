#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/format.h"
#include "base/mem.h"

/* From LARGE on blocks are huge pages of their own. */
enum { BLOCK = 256 * 1024, BIG = BLOCK / 4, LARGE = 4 << 20 };

struct block {
    struct block *next;
    size_t used, size;
    bool mapped;
    _Alignas(8) char data[];
};

struct slot {
    uint32_t hash, len;
    const char *s;
};

struct pb_arena {
    struct block *head; /* the one being filled */
    struct block *big;  /* one allocation each */
    size_t total;
    struct slot *slots; /* open addressing, a power of two */
    size_t nslots, nstrings;
};

struct pb_arena *pb_arena_new(void)
{
    return pb_calloc(1, sizeof(struct pb_arena));
}

static void free_chain(struct block *b)
{
    while (b) {
        struct block *next = b->next;
        if (b->mapped)
            pb_mem_unmap(b, sizeof(*b) + b->size);
        else
            free(b);
        b = next;
    }
}

void pb_arena_free(struct pb_arena *a)
{
    if (!a)
        return;
    free_chain(a->head);
    free_chain(a->big);
    free(a->slots);
    free(a);
}

static void add_chain(struct block **to, struct block *b)
{
    while (*to)
        to = &(*to)->next;
    *to = b;
}

void pb_arena_join(struct pb_arena *a, struct pb_arena *other)
{
    if (!other)
        return;
    add_chain(&other->big, other->head);
    add_chain(&other->big, a->big);
    a->big = other->big;
    a->total += other->total;
    free(other->slots);
    free(other);
}

static struct block *block_new(struct pb_arena *a, size_t size)
{
    struct block *b = NULL;

    if (size == BLOCK && a->total >= LARGE && (b = pb_mem_map(PB_MEM_HUGE))) {
        size = PB_MEM_HUGE - sizeof(*b);
        b->mapped = true;
    } else {
        b = pb_malloc(sizeof(*b) + size);
        b->mapped = false;
    }
    b->used = 0;
    b->size = size;
    a->total += sizeof(*b) + size;
    return b;
}

void *pb_arena_alloc(struct pb_arena *a, size_t n)
{
    void *p;

    if (n > SIZE_MAX / 2)
        pb_oom();
    n = (n + 7) & ~(size_t)7;
    if (n > BIG) {
        struct block *b = block_new(a, n);
        b->used = n;
        b->next = a->big;
        a->big = b;
        return b->data;
    }
    if (!a->head || a->head->size - a->head->used < n) {
        struct block *b = block_new(a, BLOCK);
        b->next = a->head;
        a->head = b;
    }
    p = a->head->data + a->head->used;
    a->head->used += n;
    return p;
}

void *pb_arena_zalloc(struct pb_arena *a, size_t n)
{
    void *p = pb_arena_alloc(a, n);

    memset(p, 0, n);
    return p;
}

char *pb_arena_strndup(struct pb_arena *a, const char *s, size_t n)
{
    char *p = pb_arena_alloc(a, n + 1);

    if (n)
        memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

char *pb_arena_strdup(struct pb_arena *a, const char *s)
{
    return pb_arena_strndup(a, s, strlen(s));
}

PB_PRINTF(2, 0)
static char *print(struct pb_arena *a, const char *fmt, va_list ap)
{
    bool plain = pb_format_is_plain(fmt);
    va_list again;
    char *p;
    int n;

    va_copy(again, ap);
    n = plain ? (int)pb_format_len(fmt, again) : vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0)
        BUG("bad format");
    p = pb_arena_alloc(a, (size_t)n + 1);
    if (plain)
        pb_format_put(p, fmt, ap);
    else
        vsnprintf(p, (size_t)n + 1, fmt, ap);
    return p;
}

char *pb_arena_printf(struct pb_arena *a, const char *fmt, ...)
{
    va_list ap;
    char *p;

    va_start(ap, fmt);
    p = print(a, fmt, ap);
    va_end(ap);
    return p;
}

/* Eight bytes at a time; the strings come from files with a size limit, so a flood of collisions
 * costs time in proportion to the file and no more than a linear scan of equal hashes. */
static uint32_t hash_of(const char *s, size_t n)
{
    uint64_t h = n * UINT64_C(0x9e3779b97f4a7c15), word;

    for (; n >= sizeof(word); s += sizeof(word), n -= sizeof(word)) {
        memcpy(&word, s, sizeof(word));
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 32;
    }
    word = 0;
    if (n)
        memcpy(&word, s, n);
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(h >> 32);
}

static void rehash(struct pb_arena *a)
{
    size_t n = a->nslots ? a->nslots * 2 : 1024;
    struct slot *slots = pb_calloc(n, sizeof(*slots));

    for (size_t i = 0; i < a->nslots; i++) {
        size_t at;
        if (!a->slots[i].s)
            continue;
        for (at = a->slots[i].hash & (n - 1); slots[at].s;)
            at = (at + 1) & (n - 1);
        slots[at] = a->slots[i];
    }
    free(a->slots);
    a->slots = slots;
    a->nslots = n;
}

const char *pb_arena_intern(struct pb_arena *a, const char *s, size_t n)
{
    uint32_t h;
    size_t at;

    if (n > UINT32_MAX)
        pb_oom();
    if (a->nstrings * 2 >= a->nslots)
        rehash(a);
    h = hash_of(s, n);
    for (at = h & (a->nslots - 1); a->slots[at].s; at = (at + 1) & (a->nslots - 1)) {
        const struct slot *o = &a->slots[at];
        if (o->hash == h && o->len == n && (n == 0 || memcmp(o->s, s, n) == 0))
            return o->s;
    }
    a->slots[at] = (struct slot){h, (uint32_t)n, pb_arena_strndup(a, s, n)};
    a->nstrings++;
    return a->slots[at].s;
}

size_t pb_arena_bytes(const struct pb_arena *a)
{
    return a->total + a->nslots * sizeof(struct slot);
}

void pb_auto_arena(struct pb_arena **a)
{
    pb_arena_free(*a);
}

const char *const *pb_arena_names(struct pb_arena *a, const char *const *names)
{
    const char **out;
    size_t n = 0;

    while (names && names[n])
        n++;
    out = pb_arena_zalloc(a, (n + 1) * sizeof(*out));
    for (size_t i = 0; i < n; i++)
        out[i] = pb_arena_intern(a, names[i], strlen(names[i]));
    return out;
}
