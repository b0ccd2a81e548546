#include "run/record_apply.h"

#include "base/mem.h"
#include "model/json.h"
#include "run/record_internal.h"

#include <stdlib.h>
#include <string.h>

/* Bytes that the changes of one entry may take of PB_LEDGER_ENTRY_MAX, and attributes of each. */
enum { CHANGES_MAX = 900 << 10, PATHS_MAX = 20, REFUSALS_MAX = 30, TEXT_MAX = 2 << 10 };

const char *const pb_record_results[PB_RECORD_NRESULTS] = {NULL, "done", "failed", "not_started",
                                                           "unsettled"};

static void add_str(struct pb_map_builder *m, struct pb_arena *a, const char *key, const char *s)
{
    if (s)
        pb_map_add(m, key, pb_mk_string(a, s));
}

static void add_text(struct pb_map_builder *m, struct pb_arena *a, const char *key, const char *s)
{
    if (s)
        pb_map_add(m, key, pb_mk_stringn(a, s, strnlen(s, TEXT_MAX)));
}

/* ---- changes ---------------------------------------------------------------------------- */

static struct pb_value change(struct pb_arena *a, const struct pb_record_change *c, bool ended)
{
    struct pb_map_builder m = PB_BUILDER_INIT;
    struct pb_list_builder list = PB_BUILDER_INIT;

    add_str(&m, a, "address", c->address);
    add_str(&m, a, "action", c->action);
    add_str(&m, a, "cause", c->cause);
    add_str(&m, a, "verdict", c->verdict);
    add_str(&m, a, "id", c->id);
    add_str(&m, a, "result", ended ? pb_record_results[c->result] : NULL);
    for (size_t i = 0; c->paths && c->paths[i] && i < PATHS_MAX; i++)
        pb_list_add(&list, pb_mk_string(a, c->paths[i]));
    if (list.n)
        pb_map_add(&m, "paths", pb_list_done(&list, a));
    return pb_map_done(&m, a);
}

static size_t size_of(const struct pb_value *v)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    pb_json_add(&b, v);
    return b.len + 1;
}

/* What went wrong is named before what went well. */
static size_t choose(bool *keep, const size_t *size, const struct pb_record_apply *a)
{
    size_t room = CHANGES_MAX, omitted = 0;

    for (int turn = 0; turn < 2; turn++)
        for (size_t i = 0; i < a->nchanges; i++) {
            bool well = a->changes[i].result == PB_RECORD_DONE ||
                        a->changes[i].result == PB_RECORD_NO_RESULT;

            if (well != (turn == 1))
                continue;
            keep[i] = size[i] <= room;
            room -= keep[i] ? size[i] : 0;
            omitted += !keep[i];
        }
    return omitted;
}

static void add_changes(struct pb_map_builder *m, struct pb_arena *arena,
                        const struct pb_record_apply *a, bool ended)
{
    struct pb_list_builder list = PB_BUILDER_INIT;
    struct pb_value *v = pb_calloc(a->nchanges + 1, sizeof(*v));
    size_t *size = pb_calloc(a->nchanges + 1, sizeof(*size));
    bool *keep = pb_calloc(a->nchanges + 1, sizeof(*keep));
    size_t omitted;

    for (size_t i = 0; i < a->nchanges; i++) {
        v[i] = change(arena, &a->changes[i], ended);
        size[i] = size_of(&v[i]);
    }
    omitted = choose(keep, size, a);
    for (size_t i = 0; i < a->nchanges; i++)
        if (keep[i])
            pb_list_add(&list, v[i]);
    pb_map_add(m, "resources", pb_list_done(&list, arena));
    if (omitted)
        pb_map_add(m, "omitted", pb_mk_int(arena, (int64_t)omitted));
    free(v);
    free(size);
    free(keep);
}

/* How many changes have each word; those that are not named are counted, too. */
static void add_counts(struct pb_map_builder *m, struct pb_arena *arena, const char *key,
                       const struct pb_record_apply *a,
                       const char *(*word)(const struct pb_record_change *c))
{
    struct pb_map_builder counts = PB_BUILDER_INIT;

    for (size_t i = 0; i < a->nchanges; i++) {
        const char *w = word(&a->changes[i]);
        int64_t n = 1;

        for (size_t k = 0; w && k < i; k++)
            if (word(&a->changes[k]) && strcmp(word(&a->changes[k]), w) == 0)
                w = NULL; /* was counted */
        for (size_t k = i + 1; w && k < a->nchanges; k++)
            n += word(&a->changes[k]) && strcmp(word(&a->changes[k]), w) == 0;
        if (w)
            pb_map_add(&counts, pb_arena_strdup(arena, w), pb_mk_int(arena, n));
    }
    if (counts.n)
        pb_map_add(m, key, pb_map_done(&counts, arena));
}

static const char *action_of(const struct pb_record_change *c)
{
    return c->action;
}

static const char *cause_of(const struct pb_record_change *c)
{
    return c->cause;
}

static const char *result_of(const struct pb_record_change *c)
{
    return pb_record_results[c->result];
}

/* ---- the body --------------------------------------------------------------------------- */

static void add_state(struct pb_map_builder *m, struct pb_arena *a, const char *key,
                      const struct pb_record_state *s)
{
    if (s->sha256 && *s->sha256)
        pb_map_add(m, key, pb_record_state_value(a, s->lineage, s->serial, s->sha256));
}

static struct pb_value common(struct pb_map_builder *m, struct pb_arena *arena,
                              const struct pb_record_apply *a, bool ended)
{
    struct pb_map_builder by = PB_BUILDER_INIT, state = PB_BUILDER_INIT;

    add_str(m, arena, "unit", a->unit);
    add_str(m, arena, "path", a->path);
    add_str(m, arena, "workspace", a->workspace);
    add_str(m, arena, "commit", a->commit);
    add_str(m, arena, "command", a->command ? a->command : "apply");
    add_str(m, arena, "run", a->run);
    add_str(m, arena, "evidence", a->evidence);
    add_str(&by, arena, "by", a->approved_by);
    add_str(&by, arena, "how", a->how);
    if (by.n)
        pb_map_add(m, "approved", pb_map_done(&by, arena));
    add_state(&state, arena, "before", &a->before);
    add_state(&state, arena, "after", &a->after);
    if (state.n)
        pb_map_add(m, "state", pb_map_done(&state, arena));
    add_counts(m, arena, "actions", a, action_of);
    add_counts(m, arena, "causes", a, cause_of);
    if (ended)
        add_counts(m, arena, "results", a, result_of);
    add_changes(m, arena, a, ended);
    return pb_map_done(m, arena);
}

/* What only the end of an apply knows. */
static void add_end(struct pb_map_builder *m, struct pb_arena *arena,
                    const struct pb_record_apply *a)
{
    pb_map_add(m, "verified", a->verified ? pb_true : pb_false);
    pb_map_add(m, "exit", pb_mk_int(arena, a->exit_code));
    pb_map_add(m, "duration_ms", pb_mk_int(arena, a->duration_ms));
    add_text(m, arena, "error", a->error);
}

static void add_refusals(struct pb_map_builder *m, struct pb_arena *arena,
                         const struct pb_record_apply *a)
{
    struct pb_list_builder list = PB_BUILDER_INIT;

    for (size_t i = 0; i < a->nrefusals && i < REFUSALS_MAX; i++) {
        struct pb_map_builder one = PB_BUILDER_INIT;

        add_str(&one, arena, "code", a->refusals[i].code);
        add_text(&one, arena, "what", a->refusals[i].what);
        pb_list_add(&list, pb_map_done(&one, arena));
    }
    pb_map_add(m, "refusals", pb_list_done(&list, arena));
}

enum kind { REFUSED, STARTED, FINISHED, RECOVERED };

static int append(struct pb_record *r, enum kind kind, const struct pb_record_apply *a,
                  struct pb_err *err)
{
    static const char *const names[] = {"apply.refused", "apply.started", "apply.finished",
                                        "apply.recovered"};
    PB_AUTO(arena) struct pb_arena *arena = pb_arena_new();
    struct pb_map_builder m = PB_BUILDER_INIT;
    struct pb_value body;

    if (kind == REFUSED)
        add_refusals(&m, arena, a);
    if (kind >= FINISHED)
        add_end(&m, arena, a);
    if (kind == RECOVERED)
        add_str(&m, arena, "outcome", a->outcome ? a->outcome : "settled");
    body = common(&m, arena, a, kind >= FINISHED);
    return pb_record_append(r, names[kind], &body, err);
}

int pb_record_apply_refused(struct pb_record *r, const struct pb_record_apply *a,
                            struct pb_err *err)
{
    return append(r, REFUSED, a, err);
}

int pb_record_apply_started(struct pb_record *r, const struct pb_record_apply *a,
                            struct pb_err *err)
{
    return append(r, STARTED, a, err);
}

int pb_record_apply_finished(struct pb_record *r, const struct pb_record_apply *a,
                             struct pb_err *err)
{
    return append(r, FINISHED, a, err);
}

int pb_record_apply_recovered(struct pb_record *r, const struct pb_record_apply *a,
                              struct pb_err *err)
{
    return append(r, RECOVERED, a, err);
}
