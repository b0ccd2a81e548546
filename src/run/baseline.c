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

enum { FORMAT = 1, FORMAT_NOTE = 2 }; /* a note says only what there is elsewhere */

/* Where it is: of a state that has a lineage by that, which nothing else has. */
static void key_of(char hex[PB_SHA256_HEX], const struct pb_baseline_id *id)
{
    struct pb_sha256 *d = pb_sha256_new();

    pb_sha256_add_str(d, "lineage");
    pb_sha256_add_str(d, id->lineage);
    pb_sha256_add_str(d, id->unit);
    pb_sha256_add_str(d, id->workspace ? id->workspace : "default");
    pb_sha256_end_hex(d, hex);
}

/* Where that of the unit was once kept, and where a note of the last one is now. */
static void place_of(char hex[PB_SHA256_HEX], const struct pb_baseline_id *id, const char *repo)
{
    struct pb_sha256 *d = pb_sha256_new();

    pb_sha256_add_str(d, repo);
    pb_sha256_add_str(d, id->unit);
    pb_sha256_add_str(d, id->workspace);
    pb_sha256_end_hex(d, hex);
}

enum { PLACES = 2 };

/* The places of one unit: a remote may be added, and its URL changed. */
struct files {
    char *own; /* NULL: the state has no lineage */
    char *of_repo[PLACES];
};

static void files_release(struct files *f)
{
    free(f->own);
    for (int i = 0; i < PLACES; i++)
        free(f->of_repo[i]);
}

static int files_of(struct files *f, const struct pb_baseline_id *id, bool make, struct pb_err *err)
{
    const char *const repos[PLACES] = {id->repo, id->folder};
    PB_AUTO(str) char *state = NULL, *dir = NULL;
    char hex[PB_SHA256_HEX];

    *f = (struct files){0};
    if (pb_fs_state_dir(&state, err) < 0)
        return -1;
    dir = pb_fs_join(state, "baseline");
    if (make && pb_fs_mkdirs(dir, 0700, err) < 0)
        return -1;
    if (id->lineage) {
        key_of(hex, id);
        f->own = pb_asprintf("%s/%s.json", dir, hex);
    }
    for (int i = 0; i < PLACES; i++) {
        if (i && (!repos[i] || pb_streq(repos[i], repos[0])))
            continue;
        place_of(hex, id, repos[i]);
        f->of_repo[i] = pb_asprintf("%s/%s.json", dir, hex);
    }
    return 0;
}

/* *doc is NULL when there is none. */
static int read_file(const struct pb_value **doc, struct pb_arena *a, const char *path,
                     struct pb_err *err)
{
    *doc = NULL;
    if (!path || !pb_fs_exists(path))
        return 0;
    if (pb_json_read(doc, a, path, BASELINE_MAX, err) < 0)
        return pb_err_wrap(err, "the baseline cannot be read; remove it and save a new one");
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
    const struct pb_value *doc = NULL;
    struct files f;
    int64_t noted;
    int rc;

    *n = 0;
    *lineage = NULL;
    rc = files_of(&f, id, false, err);
    for (int i = 0; rc == 0 && !doc && i < PLACES; i++)
        rc = read_file(&doc, a, f.of_repo[i], err);
    files_release(&f);
    if (rc < 0)
        return -1;
    *lineage = pb_get_str(doc, "lineage");
    if (!*lineage || pb_streq(*lineage, id->lineage))
        return 0;
    *n =
        pb_get_int(&noted, doc, "verified") == 0 ? (size_t)noted : pb_len(pb_get(doc, "resources"));
    return 0;
}

/* Its own, or what an older version has left for the same state. */
static int find(const struct pb_value **doc, struct pb_arena *a, const struct pb_baseline_id *id,
                struct pb_err *err)
{
    struct files f;
    int64_t format;
    int rc;

    *doc = NULL;
    rc = files_of(&f, id, false, err);
    for (int i = -1; rc == 0 && !*doc && i < PLACES; i++) {
        const char *path = i < 0 ? f.own : f.of_repo[i];

        rc = read_file(doc, a, path, err);
        if (rc < 0 || !*doc)
            continue;
        if (pb_get_int(&format, *doc, "format") < 0 || (format != FORMAT && format != FORMAT_NOTE))
            rc = pb_fail(err, PB_E_INPUT, "baseline '%s' is of another version of plumb", path);
        else if (format == FORMAT_NOTE || !pb_streq(pb_get_str(*doc, "lineage"), id->lineage))
            *doc = NULL;
    }
    files_release(&f);
    return rc;
}

int pb_baseline_load(struct pb_live_set **out, const char **commit, struct pb_arena *a,
                     const struct pb_baseline_id *id, struct pb_err *err)
{
    const struct pb_value *doc;

    *out = NULL;
    *commit = NULL;
    if (find(&doc, a, id, err) < 0)
        return -1;
    if (!doc)
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
                      const struct pb_recorded_set *recorded, const struct pb_seal *seal,
                      size_t *all)
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

        /* What a refresh took out of the state is still to be settled. */
        bool open = r && r->verdict == PB_LAUNDERED;

        if ((open || pb_recorded_find(recorded, address)) &&
            !(r && is_proved(r, pb_live_find(live, address))))
            add_one(b, a, &old->v[i], seal, &n);
    }
    *all = n;
    return saved;
}

static void add_member(struct pb_buf *b, const char *name, const char *s)
{
    pb_buf_addf(b, ",\"%s\":", name);
    if (s)
        pb_json_add_string(b, s, strlen(s));
    else
        pb_buf_adds(b, "null");
}

/* The repository, the unit and the workspace are for people. */
static void add_head(struct pb_buf *b, const struct pb_baseline_id *id, int format)
{
    char now[PB_CLOCK_RFC3339];

    pb_clock_rfc3339(now, pb_clock_wall());
    pb_buf_addf(b, "{\"format\":%d,\"saved_at\":\"%s\"", format, now);
    add_member(b, "repository", id->repo);
    add_member(b, "unit", id->unit);
    add_member(b, "workspace", id->workspace);
    add_member(b, "lineage", id->lineage);
    add_member(b, "commit", id->commit ? id->commit : "");
}

/* The note comes last: until it is there, the gate knows the one before. */
static int write_files(const struct files *f, const struct pb_buf *whole, const struct pb_buf *note,
                       struct pb_err *err)
{
    const struct pb_buf *rest = f->own ? note : whole;

    if (f->own && pb_fs_write_atomic(f->own, whole->s, whole->len, 0600, err) < 0)
        return -1;
    for (int i = 0; i < PLACES; i++)
        if (f->of_repo[i] && pb_fs_write_atomic(f->of_repo[i], rest->s, rest->len, 0600, err) < 0)
            return -1;
    return 0;
}

int pb_baseline_save(const struct pb_baseline_id *id, const struct pb_live_set *live,
                     const struct pb_reconcile_out *result, const struct pb_live_set *old,
                     const struct pb_recorded_set *recorded, const struct pb_seal *seal,
                     size_t *saved, struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf whole = PB_BUF_INIT, note = PB_BUF_INIT;
    struct files f;
    size_t all;
    int rc;

    *saved = 0;
    rc = files_of(&f, id, true, err);
    if (rc == 0) {
        add_head(&whole, id, FORMAT);
        pb_buf_adds(&whole, ",\"resources\":[");
        *saved = add_all(&whole, a, live, result, old, recorded, seal, &all);
        pb_buf_adds(&whole, "\n]}\n");
        add_head(&note, id, FORMAT_NOTE);
        pb_buf_addf(&note, ",\"verified\":%zu}\n", all);
        rc = write_files(&f, &whole, &note, err);
    }
    files_release(&f);
    return rc;
}
