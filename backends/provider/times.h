/*
 * times.h: how long reading takes, type by type, kept for each binary: a provider waits a second by
 * itself for some types, and whoever begins with those is done sooner.
 *
 *	DIR/provider-times/SHA256	lines "TYPE BITS"
 *
 * A time is the shortest of a run, so that waiting for others does not count, and as the number of
 * bits of its milliseconds: that is all that the order needs, and the file seldom changes.
 */
#ifndef PB_PROVIDER_TIMES_H
#define PB_PROVIDER_TIMES_H

#include "base/arena.h"
#include "base/map.h"

struct pb_times {
    struct pb_map types; /* PB_MAP_INIT, or zeroed */
};

/* `binary` is its SHA-256. Nothing that is kept is fine, and so is no folder. */
void pb_times_load(struct pb_times *t, struct pb_arena *a, const char *cache_dir,
                   const char *binary);
void pb_times_store(const struct pb_times *t, const char *cache_dir, const char *binary);
void pb_times_release(struct pb_times *t);

/* How long one took before, for comparing; a type that nobody knows may take longest. */
unsigned pb_times_expected(const struct pb_times *t, const char *type);
/* One was read. Returns how many times the shortest of its type in this run that took; 0: it is the
 * first, which tells nothing. */
double pb_times_add(struct pb_times *t, struct pb_arena *a, const char *type, int64_t ms);

#endif
