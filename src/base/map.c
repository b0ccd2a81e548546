#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static uint32_t hash_of(const char *s)
{
    uint32_t h = 2166136261U;

    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 16777619U;
    return h ^ (h >> 15);
}

void pb_map_release(struct pb_map *m)
{
    for (size_t i = 0; i < m->n; i++)
        free(m->e[i].key);
    free(m->e);
    free(m->index);
    *m = (struct pb_map)PB_MAP_INIT;
}

static struct pb_map_entry *find(const struct pb_map *m, const char *key, uint32_t h)
{
    if (!m->nindex)
        return NULL;
    for (size_t at = h & (m->nindex - 1); m->index[at]; at = (at + 1) & (m->nindex - 1)) {
        struct pb_map_entry *e = &m->e[m->index[at] - 1];
        if (e->hash == h && strcmp(e->key, key) == 0)
            return e;
    }
    return NULL;
}

void *pb_map_get(const struct pb_map *m, const char *key)
{
    const struct pb_map_entry *e = find(m, key, hash_of(key));

    return e ? e->value : NULL;
}

bool pb_map_has(const struct pb_map *m, const char *key)
{
    return find(m, key, hash_of(key)) != NULL;
}

static void index_add(struct pb_map *m, size_t entry)
{
    size_t at = m->e[entry].hash & (m->nindex - 1);

    while (m->index[at])
        at = (at + 1) & (m->nindex - 1);
    m->index[at] = (uint32_t)entry + 1;
}

void *pb_map_put(struct pb_map *m, const char *key, void *value)
{
    uint32_t h = hash_of(key);
    struct pb_map_entry *e = find(m, key, h);

    if (e) {
        void *old = e->value;
        e->value = value;
        return old;
    }
    m->e = pb_grow(m->e, &m->cap, m->n + 1, sizeof(*m->e));
    m->e[m->n] = (struct pb_map_entry){pb_strdup(key), value, h};
    m->n++;
    if (m->n * 2 > m->nindex) {
        m->nindex = m->nindex ? m->nindex * 2 : 16;
        free(m->index);
        m->index = pb_calloc(m->nindex, sizeof(*m->index));
        for (size_t i = 0; i < m->n; i++)
            index_add(m, i);
    } else {
        index_add(m, m->n - 1);
    }
    return NULL;
}

void pb_auto_map(struct pb_map *m)
{
    pb_map_release(m);
}
