#include "backends/terraform/schemas.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/mem.h"
#include "model/json.h"

#define FILE_MAX ((size_t)32 << 20)

static char *path_of(const char *dir, const char *source, const char *version)
{
    struct pb_sha256 *d = pb_sha256_new();
    char hex[PB_SHA256_HEX];

    pb_sha256_add_str(d, source);
    pb_sha256_add_str(d, version);
    pb_sha256_end_hex(d, hex);
    return pb_asprintf("%s/schemas/%s.json", dir, hex);
}

bool pb_tf_schemas_have(const char *dir, const char *source, const char *version)
{
    PB_AUTO(str) char *path = path_of(dir, source, version);

    return pb_fs_exists(path);
}

static int store_provider(const char *dir, const char *source, const char *version,
                          const struct pb_value *types, struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    PB_AUTO(str) char *path = path_of(dir, source, version);
    struct pb_map_builder b = PB_BUILDER_INIT;
    struct pb_value all;

    for (size_t i = 0; pb_is(types, PB_MAP) && i < types->n; i++) {
        const struct pb_member *m = &types->members[i];
        const struct pb_schema *s;
        if (pb_schema_from_json(&s, a, m->key, &m->value, err) == -1) {
            pb_map_builder_release(&b);
            return -1;
        }
        pb_map_add(&b, m->key, pb_schema_to_value(a, s));
    }
    all = pb_map_done(&b, a);
    pb_json_add(&text, &all);
    return pb_fs_cache(path, text.s, text.len, err);
}

int pb_tf_schemas_store(const char *dir, const char *text, size_t n,
                        const struct pb_value *versions, struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    const struct pb_value *doc, *all;
    const char *format;

    if (pb_json_parse(&doc, a, text, n, "the providers' schemas", err) == -1)
        return -1;
    format = pb_get_str(doc, "format_version");
    if (!format || strncmp(format, "1.", 2) != 0)
        return pb_fail(err, PB_E_INPUT,
                       "the providers' schemas have format '%s' and plumb knows 1.x: use a version "
                       "of plumb made for this tool",
                       format ? format : "?");
    all = pb_get(doc, "provider_schemas");
    for (size_t i = 0; pb_is(all, PB_MAP) && i < all->n; i++) {
        const char *source = all->members[i].key, *version = pb_get_str(versions, source);
        const struct pb_value *types = pb_get(&all->members[i].value, "resource_schemas");
        if (version && store_provider(dir, source, version, types, err) == -1)
            return -1;
    }
    return 0;
}

static int by_type(const void *x, const void *y)
{
    const struct pb_schema *const *a = x, *const *b = y;

    return strcmp((*a)->type, (*b)->type);
}

/* The file of one provider version, read once for all its types; NULL when not there. */
static const struct pb_value *read_provider(struct pb_map *seen, struct pb_arena *a,
                                            const char *dir, const char *source,
                                            const char *version)
{
    PB_AUTO(str) char *path = path_of(dir, source, version);
    const struct pb_value *v = NULL;

    const struct pb_value **slot = pb_map_get(seen, path);

    if (slot)
        return *slot;
    /* A damaged file is as none: it will be written again. */
    if (pb_json_read(&v, a, path, FILE_MAX, NULL) == -1)
        v = NULL;
    slot = pb_arena_alloc(a, sizeof(*slot));
    *slot = v;
    pb_map_put(seen, path, slot);
    return v;
}

int pb_tf_schemas_load(struct pb_schema_set *out, struct pb_arena *a, const char *dir,
                       const char *more, const struct pb_strv *types,
                       const struct pb_value *versions, struct pb_err *err)
{
    const struct pb_schema **v = pb_arena_zalloc(a, (types->n + 1) * sizeof(*v));
    PB_AUTO(map) struct pb_map seen = PB_MAP_INIT;
    size_t n = 0;

    for (size_t i = 0; i < types->n; i++) {
        const char *tab = strchr(types->v[i], '\t');
        PB_AUTO(str)
        char *source = pb_strndup(types->v[i], tab ? (size_t)(tab - types->v[i]) : 0);
        const char *version = pb_get_str(versions, source);
        const struct pb_value *all, *one;
        if (!tab || !version)
            continue;
        all = read_provider(&seen, a, dir, source, version);
        if (!all && more)
            all = read_provider(&seen, a, more, source, version);
        one = pb_get(all, tab + 1);
        if (one && pb_schema_from_value(&v[n++], a, one, err) == -1)
            return -1;
    }
    if (n > 1)
        qsort(v, n, sizeof(*v), by_type);
    out->v = v;
    out->n = n;
    return 0;
}
