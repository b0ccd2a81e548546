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

static bool is_news(struct pb_gate_history *h, const char *id)
{
    bool old = true;

    return !h->last ||
           (pb_history_is_ancestor(&old, h->audit->repo, id, h->last, NULL) == 0 && !old);
}

static const struct pb_gate_author *of_unit(struct pb_gate_history *h)
{
    PB_AUTO(strv) struct pb_strv reach = PB_STRV_INIT;
    PB_AUTO(str) char *file = NULL;
    char newest[PB_OID_HEX] = "";
    time_t at = 0;

    if (h->unit)
        return h->unit;
    h->unit = &nobody;
    pb_units_reach(&reach, &h->audit->found, h->audit->repo, h->audit->commit, &h->u->config);
    pb_strv_add(&reach, PB_CONFIG_FILE);
    for (size_t i = 0; i < reach.n; i++) {
        PB_AUTO(commit) struct pb_commit c = {0};
        bool found;

        if (pb_history_last_change(&c, &found, h->audit->repo, h->audit->commit, reach.v[i], 0,
                                   NULL) == 0 &&
            found && (!*newest || c.time > at)) {
            memcpy(newest, c.id, sizeof(newest));
            at = c.time;
        }
    }
    if (*newest && is_news(h, newest) &&
        pb_history_changed_file(&file, h->audit->repo, newest, &reach, NULL) == 0)
        h->unit = author_of(h, newest, file, 0, false);
    return h->unit;
}

const struct pb_gate_author *pb_gate_author(struct pb_gate_history *h, const struct pb_declared *d,
                                            enum pb_cause cause)
{
    bool block = d && d->source_file && d->source_line && d->source_end;

    /* Git did not change: who declared what is brought back, or lost, is the answer. */
    if (cause == PB_CAUSE_REVERT || cause == PB_CAUSE_OVERWRITE || cause == PB_CAUSE_UNSEEN)
        return block ? of_block(h, d) : &nobody;
    if (cause != PB_CAUSE_GIT)
        return &nobody;
    if (block && !(h->last && pb_blame_has(h->blame, h->last, h->audit->commit, d->source_file,
                                           d->source_line, d->source_end))) {
        const struct pb_gate_author *who = of_block(h, d);

        if (who->commit)
            return who;
    }
    return of_unit(h);
}
