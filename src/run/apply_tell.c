/* An apply in the words of its journal and of the ledger. */
#include "run/apply_internal.h"

#include "base/exits.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "run/record_apply.h"
#include "run/record_live.h"

#include <stdlib.h>
#include <string.h>

enum { PATHS_MAX = 20 };

/* ---- the journal ---------------------------------------------------------------------------- */

static struct pb_value state(struct pb_arena *a, const struct pb_recorded_set *s)
{
    struct pb_map_builder m = PB_BUILDER_INIT;

    if (s->lineage)
        pb_map_add(&m, "lineage", pb_mk_string(a, s->lineage));
    pb_map_add(&m, "serial", pb_mk_int(a, s->serial));
    pb_map_add(&m, "sha256", pb_mk_string(a, s->sha256));
    return pb_map_done(&m, a);
}

static struct pb_value changes(struct pb_arena *a, const struct pb_apply_outcome *o)
{
    struct pb_list_builder list = PB_BUILDER_INIT;

    for (size_t i = 0; i < o->nchanges; i++) {
        struct pb_map_builder m = PB_BUILDER_INIT;

        pb_map_add(&m, "address", pb_mk_string(a, o->changes[i].address));
        pb_map_add(&m, "action", pb_mk_string(a, pb_action_name(o->changes[i].action)));
        pb_map_add(&m, "cause", pb_mk_string(a, pb_cause_names[o->changes[i].cause]));
        if (o->changes[i].id)
            pb_map_add(&m, "id", pb_mk_string(a, o->changes[i].id));
        pb_list_add(&list, pb_map_done(&m, a));
    }
    return pb_list_done(&list, a);
}

struct pb_value pb_apply_prepared(const struct pb_applying *p, struct pb_arena *a)
{
    const struct pb_apply_outcome *o = &p->run->outcome;
    const struct pb_unit_result *u = p->j->u;
    const struct pb_saved_plan *s = &p->j->saved;
    struct pb_map_builder m = PB_BUILDER_INIT;

    pb_map_add(&m, "unit", pb_mk_string(a, u->config.name));
    pb_map_add(&m, "path", pb_mk_string(a, u->config.path));
    pb_map_add(&m, "workspace", pb_mk_string(a, p->j->ctx.workspace));
    pb_map_add(&m, "commit", pb_mk_string(a, p->run->audit.commit));
    pb_map_add(&m, "evidence", pb_mk_string(a, o->evidence));
    pb_map_add(&m, "approval", pb_mk_string(a, pb_approval_names[o->approval]));
    pb_map_add(&m, "plan", pb_mk_string(a, s->sha256));
    pb_map_add(&m, "plugins", pb_mk_string(a, s->plugins));
    pb_map_add(&m, "state", state(a, &o->before));
    pb_map_add(&m, "changes", changes(a, o));
    return pb_map_done(&m, a);
}

struct pb_value pb_apply_exited(const struct pb_applying *p, struct pb_arena *a)
{
    const struct pb_apply_result *t = &p->run->outcome.tool;
    struct pb_map_builder m = PB_BUILDER_INIT;

    pb_map_add(&m, "ok", t->ok ? pb_true : pb_false);
    pb_map_add(&m, "signal", pb_mk_int(a, t->signal));
    pb_map_add(&m, "survivors", pb_mk_int(a, t->survivors));
    if (t->errors)
        pb_map_add(&m, "errors", pb_mk_string(a, t->errors));
    return pb_map_done(&m, a);
}

/* ---- the ledger ----------------------------------------------------------------------------- */

static const char *const *paths(struct pb_arena *a, const struct pb_resource_result *r)
{
    const char **v = pb_arena_zalloc(a, (PATHS_MAX + 1) * sizeof(*v));
    size_t n = 0;

    for (size_t i = 0; i < r->nattrs && n < PATHS_MAX; i++)
        if (pb_verdicts[r->attrs[i].verdict].effect != PB_EFFECT_NONE)
            v[n++] = r->attrs[i].path;
    return n ? v : NULL;
}

static enum pb_record_result result_of(enum pb_applied_state s)
{
    switch (s) {
    case PB_APPLIED_DONE: return PB_RECORD_DONE;
    case PB_APPLIED_FAILED: return PB_RECORD_FAILED;
    case PB_APPLIED_STARTED: return PB_RECORD_UNSETTLED;
    case PB_APPLIED_NOT_STARTED: break;
    }
    return PB_RECORD_NOT_STARTED;
}

static struct pb_record_state state_of(const struct pb_recorded_set *s)
{
    return (struct pb_record_state){s->lineage, s->serial, *s->sha256 ? s->sha256 : NULL};
}

static struct pb_record_apply entry(const struct pb_applying *p, struct pb_arena *a, bool over)
{
    const struct pb_apply_outcome *o = &p->run->outcome;
    struct pb_record_change *v = pb_arena_zalloc(a, (o->nchanges + 1) * sizeof(*v));
    const struct pb_unit_result *u = p->j->u;
    static const char *const how[] = {NULL, "policy", "terminal", "--approve"};

    for (size_t i = 0; i < o->nchanges; i++) {
        const struct pb_applied_change *c = &o->changes[i];
        const struct pb_resource_result *r = p->run->gate.results[i];

        v[i] = (struct pb_record_change){
            .address = c->address,
            .action = pb_action_name(c->action),
            .cause = pb_cause_names[c->cause],
            .verdict = pb_verdict_name(over ? c->verdict : r->verdict),
            .id = c->id,
            .result = over ? result_of(c->state) : PB_RECORD_NO_RESULT,
            .paths = paths(a, r),
        };
    }
    return (struct pb_record_apply){
        .unit = u->config.name,
        .path = u->config.path,
        .workspace = p->j->ctx.workspace,
        .commit = p->run->audit.commit,
        .run = p->id,
        .evidence = *o->evidence ? o->evidence : NULL,
        .approved_by = o->approval == PB_APPROVED_PERSON || o->approval == PB_APPROVED_EVIDENCE
                           ? p->record.person ? p->record.person : p->record.user
                           : NULL,
        .how = how[o->approval],
        .changes = v,
        .nchanges = o->nchanges,
        .before = state_of(&o->before),
    };
}

int pb_apply_tell_refused(struct pb_applying *p, struct pb_err *err)
{
    const struct pb_gate_out *g = &p->run->gate.out;
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_record_apply e = entry(p, a, false);
    struct pb_record_reason *v = pb_arena_zalloc(a, (g->nrefusals + 1) * sizeof(*v));

    for (size_t i = 0; i < g->nrefusals; i++)
        v[e.nrefusals++] = (struct pb_record_reason){g->refusals[i].code, g->refusals[i].what};
    if (!e.nrefusals && g->decision == PB_GATE_DENY)
        v[e.nrefusals++] = (struct pb_record_reason){"denied", "the rules deny a change"};
    else if (p->unadopted)
        v[e.nrefusals++] = (struct pb_record_reason){"not-imported", p->run->outcome.why.msg};
    else if (!e.nrefusals)
        v[e.nrefusals++] = (struct pb_record_reason){"not-approved", "nobody said yes"};
    e.refusals = v;
    return pb_record_apply_refused(&p->record, &e, err);
}

int pb_apply_tell_started(struct pb_applying *p, struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_record_apply e = entry(p, a, false);

    if (pb_record_apply_started(&p->record, &e, err) < 0)
        return -1;
    p->told = true;
    return 0;
}

static int finished(struct pb_applying *p, const char *error, struct pb_err *err)
{
    const struct pb_apply_outcome *o = &p->run->outcome;
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_record_apply e = entry(p, a, true);

    e.after = state_of(&o->after);
    e.verified = o->verified == PB_TRI_YES;
    e.exit_code = (int)pb_apply_exit(o);
    e.duration_ms = o->apply_ms;
    e.error = error;
    return pb_record_apply_finished(&p->record, &e, err);
}

int pb_apply_tell_finished(struct pb_applying *p, struct pb_err *err)
{
    const struct pb_apply_outcome *o = &p->run->outcome;

    return finished(p, o->why.cls ? o->why.msg : NULL, err);
}

/* The ledger has its beginning: an end belongs to it, if there is a way to write one. */
void pb_apply_tell_not_started(struct pb_applying *p, const struct pb_err *why)
{
    if (!p->told)
        return;
    p->run->outcome.after = p->run->outcome.before;
    p->run->outcome.why = *why;
    if (finished(p, why->msg, NULL) < 0)
        p->keep_area = true;
}

/* What was seen afterwards, of all that the state has: targets narrowed the unit's own side. */
static void show_live(struct pb_applying *p)
{
    struct pb_unit_result *u = p->j->u, whole = *u;
    struct pb_err why = PB_ERR_INIT;

    whole.recorded = p->run->outcome.after;
    if (pb_record_live(&p->record, &p->run->audit, &whole, &why) < 0)
        pb_diag_add(&u->diags, u->arena, "warning", "live-ref", NULL,
                    "what was seen is not in Git: %s", why.msg);
}

void pb_apply_anchor(struct pb_applying *p)
{
    enum pb_apply_end end = p->run->outcome.end;
    struct pb_unit_result *u = p->j->u;
    struct pb_anchored done;
    struct pb_err why = PB_ERR_INIT;

    if (end == PB_END_APPLIED || end == PB_END_PARTLY)
        show_live(p);
    if (pb_record_anchor(&done, &p->record, &why) < 0)
        pb_diag_add(&u->diags, u->arena, "warning", "ledger-anchor", NULL,
                    "the ledger has it, its copies in Git do not yet: %s", why.msg);
}

enum pb_exit pb_apply_exit(const struct pb_apply_outcome *o)
{
    switch (o->end) {
    case PB_END_NOTHING: break;
    case PB_END_REFUSED:
    case PB_END_MOVED: return PB_EXIT_REFUSED;
    case PB_END_PARTLY: return pb_exit_of(o->why.cls);
    case PB_END_UNSETTLED: return PB_EXIT_ERROR;
    case PB_END_APPLIED:
        return o->verified == PB_TRI_YES  ? PB_EXIT_PLUMB
               : o->verified == PB_TRI_NO ? PB_EXIT_DRIFT
                                          : PB_EXIT_INCONCLUSIVE;
    }
    return PB_EXIT_PLUMB;
}
