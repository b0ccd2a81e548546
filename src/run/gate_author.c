/* Which commit is behind a change. What cannot be found is not guessed. */
#include "run/gate_internal.h"

#include "base/mem.h"
#include "git/history.h"

#include <string.h>

static const struct pb_gate_author nobody;

static const struct pb_gate_author *author_of(struct pb_gate_history *h, const char *id,
                                              const char *file, unsigned line, bool block)
{
    struct pb_arena *a = h->u->arena;
    struct pb_gate_author *w = pb_arena_zalloc(a, sizeof(*w));
    PB_AUTO(commit) struct pb_commit c = {0};

    /* Nobody has made a merge that is only in memory: it is whose head is to be merged. */
    if (h->audit->merges && strcmp(id, h->audit->commit) == 0)
        id = h->audit->merges;
    if (pb_repo_commit(&c, h->audit->repo, id, NULL) < 0)
        return &nobody;
    *w = (struct pb_gate_author){.commit = pb_arena_strdup(a, c.id),
                                 .author = pb_arena_strdup(a, c.author),
                                 .summary = pb_arena_strdup(a, c.summary),
                                 .time = c.time,
                                 .file = file ? pb_arena_strdup(a, file) : NULL,
                                 .line = line,
                                 .block = block};
    return w;
}

/* ---- the block ---------------------------------------------------------------------------- */

static const struct pb_gate_author *of_block(struct pb_gate_history *h, const struct pb_declared *d)
{
    PB_AUTO(str) char *key = pb_asprintf("%s:%u", d->source_file, d->source_line);
    struct pb_gate_author *known = pb_map_get(&h->known, key);
    char id[PB_OID_HEX];
    unsigned line;
    bool found;

    if (known)
        return known;
    if (pb_blame_lines(id, &line, &found, h->blame, h->audit->commit, d->source_file,
                       d->source_line, d->source_end, NULL) < 0 ||
        !found)
        known = (struct pb_gate_author *)(uintptr_t)&nobody;
    else
        known = (struct pb_gate_author *)(uintptr_t)author_of(h, id, d->source_file, line, true);
    pb_map_put(&h->known, key, known);
    return known;
}

/* ---- what else the unit reads ------------------------------------------------------------- */

static bool is_news(struct pb_gate_history *h, const char *since, const char *id)
{
    bool old = true;

    return !since || (pb_history_is_ancestor(&old, h->audit->repo, id, since, NULL) == 0 && !old);
}

/* The newest commit that `since` does not have; NULL: any. */
static const struct pb_gate_author *newest_of(struct pb_gate_history *h, const char *since)
{
    PB_AUTO(strv) struct pb_strv reach = PB_STRV_INIT;
    PB_AUTO(str) char *file = NULL;
    char newest[PB_OID_HEX] = "";
    time_t at = 0;

    pb_units_reach(&reach, &h->audit->found, h->audit->repo, h->audit->commit, &h->u->config);
    pb_strv_add(&reach, PB_CONFIG_FILE);
    for (size_t i = 0; i < reach.n; i++) {
        PB_AUTO(commit) struct pb_commit c = {0};
        bool found;

        if (pb_history_last_change(&c, &found, h->audit->repo, h->audit->commit, reach.v[i], 0,
                                   NULL) == 0 &&
            found && (!*newest || c.time > at) && is_news(h, since, c.id)) {
            memcpy(newest, c.id, sizeof(newest));
            at = c.time;
        }
    }
    if (!*newest || pb_history_changed_file(&file, h->audit->repo, newest, &reach, NULL) < 0)
        return &nobody;
    return author_of(h, newest, file, 0, false);
}

static const struct pb_gate_author *of_unit(struct pb_gate_history *h, const char *since)
{
    const char *key = since ? since : "";
    struct pb_gate_author *known = pb_map_get(&h->known, key);

    if (!known) {
        known = (struct pb_gate_author *)(uintptr_t)newest_of(h, since);
        pb_map_put(&h->known, key, known);
    }
    return known;
}

/* The block, where it is not as it was; else what it depends on. */
static const struct pb_gate_author *of_change(struct pb_gate_history *h,
                                              const struct pb_declared *d, const char *since)
{
    bool block = d && d->source_file && d->source_line && d->source_end;

    if (block && !(since && pb_blame_has(h->blame, since, h->audit->commit, d->source_file,
                                         d->source_line, d->source_end))) {
        const struct pb_gate_author *who = of_block(h, d);

        if (who->commit)
            return who;
    }
    return of_unit(h, since);
}

const struct pb_gate_author *pb_gate_author(struct pb_gate_history *h, const struct pb_declared *d,
                                            enum pb_cause cause)
{
    const struct pb_gate_review *r = h->review;

    /* Before a merge the change is behind all that it touches, whatever else is behind it. */
    if (d && r && r->touches && r->touches(r->ctx, d->address))
        return of_change(h, d, h->audit->rules_commit);
    /* Git did not change: who declared what is brought back, or lost, is the answer. */
    if (cause == PB_CAUSE_REVERT || cause == PB_CAUSE_OVERWRITE || cause == PB_CAUSE_UNSEEN)
        return d && d->source_file && d->source_line && d->source_end ? of_block(h, d) : &nobody;
    return cause == PB_CAUSE_GIT ? of_change(h, d, h->last) : &nobody;
}
