/*
 * arena.h: memory that is freed all at once.
 *
 * Parsed models (states, plans, packs, snapshots) live in one arena per run and are
 * immutable; whoever made the arena owns everything in it. Not for secrets that must be
 * wiped early. An arena belongs to one thread at a time.
 *
 * pb_arena_intern() returns one shared copy of equal strings, which is what makes a
 * state with 100,000 resources (the same keys and many of the same values) fit.
 * Interned strings may be compared by pointer only within one arena.
 */
#ifndef PB_BASE_ARENA_H
#define PB_BASE_ARENA_H

#include "base/compiler.h"

struct pb_arena;

struct pb_arena *pb_arena_new(void);
void pb_arena_free(struct pb_arena *a); /* NULL is fine */

void *pb_arena_alloc(struct pb_arena *a, size_t n);  /* 8-byte aligned, not zeroed */
void *pb_arena_zalloc(struct pb_arena *a, size_t n); /* zeroed */
char *pb_arena_strdup(struct pb_arena *a, const char *s);
char *pb_arena_strndup(struct pb_arena *a, const char *s, size_t n);
char *pb_arena_printf(struct pb_arena *a, const char *fmt, ...) PB_PRINTF(2, 3);
const char *pb_arena_intern(struct pb_arena *a, const char *s, size_t n);
/* A NULL-terminated list, of interned strings; of NULL an empty one. */
const char *const *pb_arena_names(struct pb_arena *a, const char *const *names);
/* All that `other` holds lives as long as `a` from now on; `other` itself is gone. Strings that
 * both interned stay two. NULL is fine. */
void pb_arena_join(struct pb_arena *a, struct pb_arena *other);
size_t pb_arena_bytes(const struct pb_arena *a); /* allocated from the system */

void pb_auto_arena(struct pb_arena **a);

#endif
