/*
 * map.h: string to pointer, in order of insertion.
 *
 * Keys are copied. Values are borrowed: the map frees none of them.
 * A key can be replaced, not removed.
 */
#ifndef PB_BASE_MAP_H
#define PB_BASE_MAP_H

#include "base/compiler.h"

struct pb_map_entry {
    char *key;
    void *value;
    uint32_t hash;
};

struct pb_map {
    struct pb_map_entry *e; /* e[0..n), in order of insertion: iterate over this */
    size_t n, cap;
    uint32_t *index; /* entry number + 1; 0 is free */
    size_t nindex;
};

#define PB_MAP_INIT         \
    {                       \
        NULL, 0, 0, NULL, 0 \
    }

void pb_map_release(struct pb_map *m);
void *pb_map_get(const struct pb_map *m, const char *key); /* NULL when not there */
bool pb_map_has(const struct pb_map *m, const char *key);
/* Returns the value that was there before, or NULL. */
void *pb_map_put(struct pb_map *m, const char *key, void *value);

void pb_auto_map(struct pb_map *m);

#endif
