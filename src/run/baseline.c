#include "run/baseline.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BASELINE_MAX ((size_t)512 << 20)

static int file_of(char **out, const struct pb_baseline_id *id, bool make, struct pb_err *err)
{
    PB_AUTO(str) char *state = NULL, *dir = NULL;
    struct pb_sha256 *d = pb_sha256_new();
    char hex[PB_SHA256_HEX];

    pb_sha256_add_str(d, id->repo);
    pb_sha256_add_str(d, id->unit);
    pb_sha256_add_str(d, id->workspace);
    pb_sha256_end_hex(d, hex);
    if (pb_fs_state_dir(&state, err) < 0)
        return -1;
    dir = pb_fs_join(state, "baseline");
    if (make && pb_fs_mkdirs(dir, 0700, err) < 0)
        return -1;
    *out = pb_asprintf("%s/%s.json", dir, hex);
    return 0;
}

/* Of what begins with an address. */
static int by_first(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct pb_live_set *parse(struct pb_arena *a, const struct pb_value *doc)
{
    const struct pb_value *list = pb_get(doc, "resources");
    struct pb_live_set *set = pb_arena_zalloc(a, sizeof(*set));
    struct pb_live *v = pb_arena_zalloc(a, (pb_len(list) + 1) * sizeof(*v));

    for (size_t i = 0; i < pb_len(list); i++) {
        const struct pb_value *r = pb_at(list, i);
        struct pb_live *l = &v[set->n];

        l->address = pb_get_str(r, "address");
        l->attributes = pb_get(r, "attributes");
        if (!l->address || !l->attributes)
            continue;
        l->attributes = pb_json_unwrap(a, l->attributes);
        l->observer = "baseline";
        l->presence = PB_P_KNOWN;
        set->n++;
    }
    qsort(v, set->n, sizeof(*v), by_first);
    set->v = v;
    return set;
}

int pb_baseline_of_other(size_t *n, const char **lineage, struct pb_arena *a,
                         const struct pb_baseline_id *id, struct pb_err *err)
{
    PB_AUTO(str) char *path = NULL;
    const struct pb_value *doc;

    *n = 0;
    *lineage = NULL;
    if (file_of(&path, id, false, err) < 0)
        return -1;
    if (!pb_fs_exists(path))
        return 0;
    if (pb_json_read(&doc, a, path, BASELINE_MAX, err) < 0)
        return pb_err_wrap(err, "the baseline cannot be read; remove it and save a new one");
    *lineage = pb_get_str(doc, "lineage");
    if (*lineage && !pb_streq(*lineage, id->lineage))
        *n = pb_len(pb_get(doc, "resources"));
    return 0;
}

int pb_baseline_load(struct pb_live_set **out, const char **commit, struct pb_arena *a,
                     const struct pb_baseline_id *id, struct pb_err *err)
{
    PB_AUTO(str) char *path = NULL;
    const struct pb_value *doc;
    int64_t format;

    *out = NULL;
    *commit = NULL;
    if (file_of(&path, id, false, err) < 0)
        return -1;
    if (!pb_fs_exists(path))
        return 0;
    if (pb_json_read(&doc, a, path, BASELINE_MAX, err) < 0)
        return pb_err_wrap(err, "the baseline cannot be read; remove it and save a new one");
    if (pb_get_int(&format, doc, "format") < 0 || format != 1)
        return pb_fail(err, PB_E_INPUT, "baseline '%s' is of another version of plumb", path);
    if (!pb_streq(pb_get_str(doc, "lineage"), id->lineage))
        return 0;
    *out = parse(a, doc);
    *commit = pb_get_str(doc, "commit");
    if (pb_streq(*commit, ""))
        *commit = NULL;
    return 0;
}

static void add_one(struct pb_buf *b, struct pb_arena *a, const struct pb_live *l,
                    const struct pb_seal *seal, size_t *n)
{
    struct pb_value sealed = pb_seal_tree(seal, a, l->attributes);

    pb_buf_adds(b, *n ? ",\n{\"address\":" : "\n{\"address\":");
    pb_json_add_string(b, l->address, strlen(l->address));
    pb_buf_adds(b, ",\"attributes\":");
    pb_json_add(b, &sealed);
    pb_buf_addc(b, '}');
    (*n)++;
}

/* What is sorted by address, and has been judged. */
static const struct pb_resource_result *result_at(const struct pb_reconcile_out *out,
                                                  const char *address)
{
    return out->n ? bsearch(&address, out->v, out->n, sizeof(*out->v), by_first) : NULL;
}

/* What Git is silent about may differ: all that it asks for is there. */
static bool is_proved(const struct pb_resource_result *r, const struct pb_live *l)
{
    return (r->verdict == PB_IN_SYNC || r->verdict == PB_COMPUTED) && l &&
           l->presence == PB_P_KNOWN && l->attributes;
}

static size_t add_all(struct pb_buf *b, struct pb_arena *a, const struct pb_live_set *live,
                      const struct pb_reconcile_out *result, const struct pb_live_set *old,
                      const struct pb_recorded_set *recorded, const struct pb_seal *seal)
{
    size_t n = 0, saved = 0;

    for (size_t i = 0; i < result->n; i++) {
        const struct pb_live *l = pb_live_find(live, result->v[i].address);

        if (!is_proved(&result->v[i], l))
            continue;
        add_one(b, a, l, seal, &n);
        saved++;
    }
    for (size_t i = 0; old && i < old->n; i++) {
        const char *address = old->v[i].address;
        const struct pb_resource_result *r = result_at(result, address);

        if (pb_recorded_find(recorded, address) &&
            !(r && is_proved(r, pb_live_find(live, address))))
            add_one(b, a, &old->v[i], seal, &n);
    }
    return saved;
}

int pb_baseline_save(const struct pb_baseline_id *id, const struct pb_live_set *live,
                     const struct pb_reconcile_out *result, const struct pb_live_set *old,
                     const struct pb_recorded_set *recorded, const struct pb_seal *seal,
                     size_t *saved, struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    PB_AUTO(str) char *path = NULL;
    char now[PB_CLOCK_RFC3339];

    *saved = 0;
    if (file_of(&path, id, true, err) < 0)
        return -1;
    pb_clock_rfc3339(now, pb_clock_wall());
    pb_buf_addf(&b, "{\"format\":1,\"saved_at\":\"%s\",\"lineage\":", now);
    if (id->lineage)
        pb_json_add_string(&b, id->lineage, strlen(id->lineage));
    else
        pb_buf_adds(&b, "null");
    pb_buf_addf(&b, ",\"commit\":\"%s\",\"resources\":[", id->commit ? id->commit : "");
    *saved = add_all(&b, a, live, result, old, recorded, seal);
    pb_buf_adds(&b, "\n]}\n");
    return pb_fs_write_atomic(path, b.s, b.len, 0600, err);
}
