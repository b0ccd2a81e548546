/* refs/plumb/live/: what was seen, on top of what had been seen. */
#include "run/record_live.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "git/history.h"
#include "git/refs.h"
#include "git/tree.h"

#include <stdlib.h>
#include <string.h>

enum { TRIES = 8, FILE_MAX = 16 << 20, NAMED = 50 };

/* One try for one unit. */
struct shot {
    struct pb_record *r;
    const struct pb_audit *a;
    const struct pb_unit_result *u;
    struct pb_arena *arena;
    const char *base;     /* the commit that it is put on; "": there is none */
    struct pb_map had;    /* paths of `base`, to the id of the file; NULL when it is none */
    struct pb_map claims; /* those of them that stay, and what is written */
    struct pb_ref_file *files;
    size_t n, cap;
    size_t added, changed, gone;
    struct pb_strv unseen; /* addresses */
};

static void shot_release(struct shot *s)
{
    pb_map_release(&s->had);
    pb_map_release(&s->claims);
    pb_strv_release(&s->unseen);
    free(s->files);
    pb_arena_free(s->arena);
}

/* ---- what is there ---------------------------------------------------------------------- */

static int list_dir(void *ctx, const char *dir, const struct pb_tree_entry *e, size_t n,
                    struct pb_err *err)
{
    struct shot *s = ctx;

    (void)err;
    for (size_t i = 0; i < n; i++) {
        PB_AUTO(str)
        char *path = *dir ? pb_asprintf("%s/%s", dir, e[i].name) : pb_strdup(e[i].name);

        if (e[i].kind != PB_TREE_DIR)
            pb_map_put(&s->had, path,
                       e[i].kind == PB_TREE_FILE ? pb_arena_strdup(s->arena, e[i].id) : NULL);
    }
    return 0;
}

static int list_base(struct shot *s, struct pb_err *err)
{
    if (!*s->base)
        return 0;
    return pb_tree_walk(s->r->repo, s->base, "", list_dir, s, err);
}

/* ---- what is put there ------------------------------------------------------------------ */

/* `p` NULL: it goes. */
static void put(struct shot *s, const char *path, const char *p, size_t n)
{
    s->files = pb_grow(s->files, &s->cap, s->n + 1, sizeof(*s->files));
    s->files[s->n++] = (struct pb_ref_file){pb_arena_strdup(s->arena, path),
                                            p ? pb_arena_strndup(s->arena, p, n) : NULL, n};
}

static const struct pb_declared *declared_of(const struct pb_unit_result *u, const char *address)
{
    const struct pb_declared_set *d = &u->declared.declared;
    const struct pb_declared *found = pb_declared_find(d, address);

    for (size_t i = 0; !found && i < d->n; i++)
        if (pb_streq(d->v[i].previous_address, address))
            found = &d->v[i];
    return found;
}

static int add_known(struct shot *s, const char *path, const struct pb_live *l, const char *type,
                     const struct pb_schema *schema, struct pb_err *err)
{
    const struct pb_recorded *r = pb_recorded_find(&s->u->recorded, l->address);
    const struct pb_declared *d = declared_of(s->u, l->address);
    PB_AUTO(buf) struct pb_buf before = PB_BUF_INIT, now = PB_BUF_INIT;
    struct pb_record_live_one one = {
        .address = l->address,
        .type = type,
        .attributes = l->attributes,
        .schema = schema,
        .marks = {r ? r->attributes : NULL, d ? d->planned : NULL, d ? d->prior : NULL}};
    bool had = pb_map_has(&s->had, path);
    const char *id = pb_map_get(&s->had, path);

    if (id) {
        if (pb_tree_read_id(&before, s->r->repo, id, path, FILE_MAX, err) < 0)
            return -1;
        one.before = before.s;
        one.before_len = before.len;
    }
    pb_record_live_file(&now, &one);
    if (one.before && now.len == before.len && memcmp(now.s, before.s, now.len) == 0)
        return 0;
    put(s, path, now.s, now.len);
    s->changed += had;
    s->added += !had;
    return 0;
}

static int add_live(struct shot *s, const struct pb_live *l, struct pb_err *err)
{
    const struct pb_recorded *r = pb_recorded_find(&s->u->recorded, l->address);
    const struct pb_declared *d = r ? NULL : declared_of(s->u, l->address);
    const char *type = r ? r->type : d ? d->type : NULL;
    const struct pb_schema *schema = type ? pb_schema_find(&s->u->declared.schemas, type) : NULL;
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;

    if (pb_streq(l->observer, "none")) /* it lives in the state alone */
        return 0;
    pb_record_live_path(&path, l->address);
    if (l->presence == PB_P_ABSENT) {
        if (pb_map_has(&s->had, path.s) && s->u->narrowed) {
            put(s, path.s, NULL, 0);
            s->gone++;
        }
        return 0;
    }
    pb_map_put(&s->claims, path.s, s);
    if (l->presence == PB_P_KNOWN && schema && pb_is(l->attributes, PB_MAP))
        return add_known(s, path.s, l, type, schema, err);
    pb_strv_add(&s->unseen, l->address);
    return 0;
}

/* What the state has and nobody looked at stays; what no state has any more goes. */
static void add_rest(struct shot *s)
{
    for (size_t i = 0; i < s->u->recorded.n; i++) {
        const char *address = s->u->recorded.v[i].address;
        PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;

        if (pb_live_find(&s->u->live, address))
            continue;
        pb_record_live_path(&path, address);
        pb_map_put(&s->claims, path.s, s);
        pb_strv_add(&s->unseen, address);
    }
    for (size_t i = 0; !s->u->narrowed && i < s->had.n; i++)
        if (!pb_map_has(&s->claims, s->had.e[i].key)) {
            put(s, s->had.e[i].key, NULL, 0);
            s->gone++;
        }
}

static int fill(struct shot *s, struct pb_err *err)
{
    if (list_base(s, err) < 0)
        return -1;
    for (size_t i = 0; i < s->u->live.n; i++)
        if (add_live(s, &s->u->live.v[i], err) < 0)
            return -1;
    add_rest(s);
    return 0;
}

/* ---- the commit ------------------------------------------------------------------------- */

static void add_count(struct pb_buf *b, size_t n, const char *what)
{
    if (n)
        pb_buf_addf(b, "%s%zu %s", b->len ? ", " : "", n, what);
}

static char *message(const struct shot *s)
{
    const struct pb_unit_result *u = s->u;
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT, counts = PB_BUF_INIT;
    char when[PB_CLOCK_RFC3339];

    pb_clock_rfc3339(when, pb_clock_wall()); /* an apply looks when it has ended */
    add_count(&counts, s->changed, "changed");
    add_count(&counts, s->added, "new");
    add_count(&counts, s->gone, "gone");
    pb_buf_addf(&b, "live %s: %s\n\nseen %s\ncommit %s\nunit %s (%s, workspace %s)\n",
                u->config.name, counts.s, when, s->a->commit, u->config.name,
                *u->config.path ? u->config.path : ".", u->config.workspace);
    if (s->unseen.n)
        pb_buf_adds(&b, "\nnot seen, and left as they were:\n");
    for (size_t i = 0; i < s->unseen.n && i < NAMED; i++) {
        pb_buf_adds(&b, "  ");
        pb_text_add_safe(&b, s->unseen.v[i], strlen(s->unseen.v[i]));
        pb_buf_addc(&b, '\n');
    }
    if (s->unseen.n > NAMED)
        pb_buf_addf(&b, "  and %zu more\n", s->unseen.n - NAMED);
    return pb_buf_detach(&b);
}

/* `id` is what the ref has then: `base`, when nothing has changed. */
static int take(char id[PB_OID_HEX], bool *moved, struct pb_record *r, const struct pb_audit *a,
                const struct pb_unit_result *u, const char *ref, const char *base,
                struct pb_err *err)
{
    struct shot s = {.r = r, .a = a, .u = u, .base = base, .arena = pb_arena_new()};
    int rc = fill(&s, err);

    memcpy(id, base, strlen(base) + 1);
    *moved = false;
    if (rc == 0 && s.n) {
        PB_AUTO(str) char *text = message(&s);
        PB_AUTO(str) char *mail = pb_asprintf("%s@%s", r->user, r->host);
        struct pb_ref_change change = {.ref = ref,
                                       .expect = base,
                                       .files = s.files,
                                       .nfiles = s.n,
                                       .name = r->person ? r->person : r->user,
                                       .email = r->email ? r->email : mail,
                                       .message = text,
                                       .when = pb_clock_wall()};

        rc = pb_ref_write(id, moved, r->repo, &change, err);
    }
    shot_release(&s);
    return rc;
}

/* ---- the ref and the remote ------------------------------------------------------------- */

/* What the remote had when it was asked last is the base, unless this clone is ahead of it. */
static int choose_base(char id[PB_OID_HEX], bool *moved, struct pb_record *r, const char *ref,
                       const char *theirs, struct pb_err *err)
{
    bool ahead = true;

    *moved = false;
    if (pb_ref_id(id, r->repo, ref, err) < 0)
        return -1;
    if (!*theirs || strcmp(id, theirs) == 0)
        return 0;
    if (*id && pb_history_is_ancestor(&ahead, r->repo, theirs, id, err) < 0)
        return -1;
    if (*id && ahead)
        return 0;
    if (pb_ref_move(moved, r->repo, ref, id, theirs, err) < 0)
        return -1;
    memcpy(id, theirs, PB_OID_HEX);
    return 0;
}

/* 1: somebody was faster, here or there. */
static int try_once(struct pb_record *r, const struct pb_audit *a, const struct pb_unit_result *u,
                    const char *ref, const char *copy, bool fetch, struct pb_err *err)
{
    char base[PB_OID_HEX], id[PB_OID_HEX], theirs[PB_OID_HEX] = "";
    bool moved;

    if (copy && fetch &&
        pb_ref_fetch(r->repo, r->config.remote, PB_LIVE_REFS, r->live_copies, err) < 0)
        return -1;
    if (copy && pb_ref_id(theirs, r->repo, copy, err) < 0)
        return -1;
    if (choose_base(base, &moved, r, ref, theirs, err) < 0)
        return -1;
    if (!moved && take(id, &moved, r, a, u, ref, base, err) < 0)
        return -1;
    if (moved)
        return 1;
    if (!copy || !*id || strcmp(id, theirs) == 0)
        return 0;
    if (pb_ref_push(&moved, r->repo, r->config.remote, ref, id, theirs, err) < 0)
        return -1;
    if (moved)
        return 1;
    return pb_ref_set(r->repo, copy, id, err);
}

int pb_record_live(struct pb_record *r, const struct pb_audit *a, const struct pb_unit_result *u,
                   struct pb_err *err)
{
    PB_AUTO(str) char *ref = pb_record_live_ref(u->config.name);
    PB_AUTO(str) char *copy = NULL;
    int rc = 1;

    if (u->failed || pb_streq(r->config.live, "none"))
        return 0;
    if (r->live_copies && !pb_streq(r->config.live, "local"))
        copy = pb_asprintf("%s%s", r->live_copies, ref + strlen(PB_LIVE_REFS));
    for (int i = 0; rc == 1 && i < TRIES; i++)
        rc = try_once(r, a, u, ref, copy, i > 0, err);
    if (rc == 1)
        return pb_fail(err, PB_E_LOCKED,
                       "ref '%s' is locked or keeps moving: if no git is at work in '%s', remove "
                       "the ref's .lock file",
                       ref, pb_repo_gitdir(r->repo));
    if (rc < 0)
        return pb_err_wrap(err, "what was seen of '%s' could not be kept in '%s'", u->config.name,
                           ref);
    return 0;
}

int pb_record_live_all(struct pb_record *r, const struct pb_audit *a, struct pb_err *err)
{
    for (size_t i = 0; i < a->nunits; i++)
        if (pb_record_live(r, a, &a->units[i], err) < 0)
            return -1;
    return 0;
}
