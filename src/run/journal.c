#include "run/journal.h"

#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/verdict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const pb_journal_steps[PB_JS_NSTEPS] = {
    "none", "prepared", "locked", "started", "exited", "state_ok", "live_ok", "closed",
};

static const char *const event_names[] = {
    [PB_APPLY_STARTED] = "started",
    [PB_APPLY_RUNNING] = "running",
    [PB_APPLY_DONE] = "done",
    [PB_APPLY_FAILED] = "failed",
};

#define STEP_KIND  "step."
#define EVENT_KIND "event."

struct pb_journal {
    struct pb_ledger *log;
    struct pb_ledger_origin origin;
};

/* ---- writing -------------------------------------------------------------------------------- */

static int open_log(struct pb_journal **out, const char *area, const struct pb_ledger_origin *o,
                    struct pb_err *err)
{
    PB_AUTO(str) char *dir = pb_fs_join(area, "journal");
    struct pb_journal *j = pb_calloc(1, sizeof(*j));

    *out = NULL;
    j->origin = *o;
    if (pb_ledger_open(&j->log, dir, &j->origin, err) < 0) {
        free(j);
        return pb_err_wrap(err, "the journal of this apply");
    }
    *out = j;
    return 0;
}

int pb_journal_begin(struct pb_journal **out, const char *area, const struct pb_ledger_origin *o,
                     struct pb_err *err)
{
    PB_AUTO(str) char *log = pb_fs_join(area, "journal/log"), *dir = pb_fs_join(area, "journal");

    if (pb_fs_exists(log))
        return pb_fail(err, PB_E_INTERNAL, "there is a journal in '%s' already", area);
    if (pb_fs_mkdirs(dir, 0700, err) < 0 || pb_fs_sync_folder_of(dir, err) < 0)
        return -1;
    return open_log(out, area, o, err);
}

int pb_journal_resume(struct pb_journal **out, const char *area, const struct pb_ledger_origin *o,
                      struct pb_err *err)
{
    return open_log(out, area, o, err);
}

void pb_journal_end(struct pb_journal *j)
{
    if (!j)
        return;
    pb_ledger_close(j->log);
    free(j);
}

int pb_journal_add(struct pb_journal *j, enum pb_journal_step step, const struct pb_value *body,
                   struct pb_err *err)
{
    PB_AUTO(str) char *kind = pb_asprintf(STEP_KIND "%s", pb_journal_steps[step]);
    PB_AUTO(str) char *before = pb_asprintf("journal.%s", pb_journal_steps[step]);
    PB_AUTO(str) char *after = pb_asprintf("after.%s", pb_journal_steps[step]);

    if (pb_fault(before))
        return pb_fail_errno(err, PB_E_IO, "cannot write the journal of this apply");
    if (pb_ledger_append(j->log, kind, body, err) < 0)
        return -1;
    if (pb_fault(after))
        return pb_fail_errno(err, PB_E_IO, "the apply cannot go on");
    return 0;
}

int pb_journal_event(struct pb_journal *j, const struct pb_apply_event *e, struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(str) char *kind = pb_asprintf(EVENT_KIND "%s", event_names[e->step]);
    struct pb_map_builder m = PB_BUILDER_INIT;
    struct pb_value body;

    pb_map_add(&m, "address", pb_mk_string(a, e->address));
    pb_map_add(&m, "action", pb_mk_string(a, pb_action_name(e->action)));
    if (e->id)
        pb_map_add(&m, "id", pb_mk_string(a, e->id));
    body = pb_map_done(&m, a);
    if (pb_fault("journal.event"))
        return pb_fail_errno(err, PB_E_IO, "cannot write the journal of this apply");
    return pb_ledger_append(j->log, kind, &body, err);
}

int pb_journal_note(struct pb_journal *j, const char *kind, const char *what, struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_map_builder m = PB_BUILDER_INIT;
    struct pb_value body;

    pb_map_add(&m, "what", pb_mk_string(a, what));
    body = pb_map_done(&m, a);
    return pb_ledger_append(j->log, kind, &body, err);
}

/* ---- reading -------------------------------------------------------------------------------- */

struct reading {
    struct pb_journal_read *out;
    struct pb_arena *arena;
    size_t cap;
    struct pb_journal_change *v; /* on the heap while it grows */
    size_t n;
};

static int index_of(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (pb_streq(names[i], name))
            return (int)i;
    return -1;
}

static struct pb_journal_change *change_of(struct reading *r, const char *address,
                                           enum pb_action action)
{
    /* A replacement is a deletion and a creation under one address. */
    for (size_t i = r->n; i-- > 0;)
        if (strcmp(r->v[i].address, address) == 0 && r->v[i].action == action)
            return &r->v[i];
    r->v = pb_grow(r->v, &r->cap, r->n + 1, sizeof(*r->v));
    r->v[r->n] =
        (struct pb_journal_change){.address = pb_arena_strdup(r->arena, address), .action = action};
    return &r->v[r->n++];
}

static void take_event(struct reading *r, enum pb_apply_step step, const struct pb_value *body)
{
    const char *address = pb_get_str(body, "address"), *id = pb_get_str(body, "id");
    const char *name = pb_get_str(body, "action");
    struct pb_journal_change *c;
    enum pb_action action = PB_ACT_UNKNOWN;

    for (int i = 0; i < PB_ACT_UNKNOWN; i++)
        if (pb_streq(pb_action_name((enum pb_action)i), name))
            action = (enum pb_action)i;
    if (!address)
        return;
    c = change_of(r, address, action);
    c->step = step;
    if (id)
        c->id = pb_arena_strdup(r->arena, id);
}

static int take_entry(void *ctx, const struct pb_ledger_entry *e)
{
    struct reading *r = ctx;
    int i;

    if (pb_starts_with(e->kind, STEP_KIND)) {
        i = index_of(pb_journal_steps, PB_JS_NSTEPS, e->kind + strlen(STEP_KIND));
        if (i < 0)
            return 0;
        r->out->step = (enum pb_journal_step)i;
        r->out->body[i] = pb_box(r->arena, pb_value_copy(r->arena, e->body));
        r->out->time[i] = pb_arena_strdup(r->arena, e->time);
    } else if (pb_starts_with(e->kind, EVENT_KIND)) {
        i = index_of(event_names, PB_COUNT(event_names), e->kind + strlen(EVENT_KIND));
        if (i >= 0)
            take_event(r, (enum pb_apply_step)i, e->body);
    } else if (pb_streq(e->kind, "recover.put")) {
        r->out->put = pb_arena_strdup(r->arena, pb_get_str(e->body, "what"));
    }
    return 0;
}

int pb_journal_read(struct pb_journal_read *out, struct pb_arena *a, const char *area,
                    struct pb_err *err)
{
    PB_AUTO(str) char *dir = pb_fs_join(area, "journal");
    struct reading r = {.out = out, .arena = a};
    struct pb_err why = PB_ERR_INIT;
    enum pb_ledger_end end = PB_LEDGER_END_WHOLE;
    int rc;

    memset(out, 0, sizeof(*out));
    rc = pb_ledger_walk(dir, take_entry, &r, &end, &why);
    if (rc < 0 && why.sys == ENOENT)
        rc = 0;
    else if (rc < 0 && err)
        *err = why;
    out->torn = end == PB_LEDGER_END_TORN;
    out->changes = pb_arena_zalloc(a, (r.n + 1) * sizeof(*out->changes));
    if (r.n)
        memcpy(out->changes, r.v, r.n * sizeof(*r.v));
    out->nchanges = r.n;
    free(r.v);
    return rc < 0 ? pb_err_wrap(err, "the journal of the last apply") : 0;
}
