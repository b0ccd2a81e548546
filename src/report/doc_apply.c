/* The document of an apply: what became of each change; or, where nothing was touched, what the
 * gate says of them. */
#include "report/doc_build.h"

#include "report/apply.h"

#include <string.h>

enum { FAILED = 0, NOT_SO, UNSEEN, NOT_STARTED, DONE, NGROUPS };

static const struct pb_doc_rule rules[NGROUPS] = {
    [FAILED] = {"apply-failed", "failed", "it failed, or nobody saw how it ended",
                "The tool's message says why; 'plumb recover' settles what was cut short.",
                PB_LEVEL_ERROR},
    [NOT_SO] = {"not-verified", "not so", "it was applied, and the world is something else",
                "'plumb explain ADDRESS' shows what; plan again.", PB_LEVEL_ERROR},
    [UNSEEN] = {"not-seen", "unseen", "it was applied, and could not be seen afterwards",
                "'plumb doctor' checks credentials; audit again.", PB_LEVEL_WARNING},
    [NOT_STARTED] = {"not-started", "not started", "it was not begun", "Plan and apply again.",
                     PB_LEVEL_WARNING},
    [DONE] = {"applied", "done", "it was applied, and the world is what was declared",
              "Nothing is to be done.", PB_LEVEL_NOTE},
};

static size_t class_of(const struct pb_applied_change *c)
{
    if (c->state == PB_APPLIED_NOT_STARTED)
        return NOT_STARTED;
    if (c->state != PB_APPLIED_DONE)
        return FAILED;
    return c->verified == PB_TRI_YES ? DONE : c->verified == PB_TRI_NO ? NOT_SO : UNSEEN;
}

static void change(struct pb_doc *d, const struct pb_unit_result *u,
                   const struct pb_applied_change *c)
{
    static const enum pb_doc_outcome outcomes[NGROUPS] = {[FAILED] = PB_DOC_FAIL,
                                                          [NOT_SO] = PB_DOC_FAIL,
                                                          [UNSEEN] = PB_DOC_UNSEEN,
                                                          [NOT_STARTED] = PB_DOC_SKIP,
                                                          [DONE] = PB_DOC_PASS};
    struct pb_doc_item *i = pb_doc_add(d, 0);
    size_t k = class_of(c);

    i->group = i->rule = k;
    i->level = rules[k].level;
    i->outcome = outcomes[k];
    i->subject = pb_doc_safe(d, c->address);
    i->id = pb_doc_safe(d, c->id);
    i->badge = rules[k].title;
    i->action = c->action != PB_ACT_NONE ? pb_action_name(c->action) : NULL;
    i->why = pb_doc_safe(d, c->reason);
    i->remedy = k == DONE ? NULL : rules[k].help;
    pb_doc_locate(d, i, u, c->address);
}

static void tables(struct pb_doc *d)
{
    d->rules = rules;
    d->nrules = d->ngroups = NGROUPS;
    d->groups = pb_arena_zalloc(d->arena, NGROUPS * sizeof(*d->groups));
    for (size_t i = 0; i < NGROUPS; i++)
        d->groups[i] = (struct pb_doc_group){rules[i].code,  rules[i].title, rules[i].meaning,
                                             rules[i].level, i == DONE,      0};
}

static void changes(struct pb_doc *d, const struct pb_apply_run *run)
{
    const struct pb_unit_result *u = &run->audit.units[0];
    struct pb_doc_unit *out;
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    size_t by[NGROUPS] = {0};

    tables(d);
    out = pb_doc_unit_of(d, 0, &run->audit, FAILED, FAILED);
    for (size_t i = 0; i < run->outcome.nchanges; i++) {
        change(d, u, &run->outcome.changes[i]);
        by[class_of(&run->outcome.changes[i])]++;
    }
    for (size_t k = 0; k < NGROUPS; k++)
        if (by[k])
            pb_buf_addf(&b, "%s%zu %s", b.len ? ", " : "", by[k], rules[k].title);
    if (!out->result)
        out->result = b.len ? pb_arena_strdup(d->arena, b.s) : "no changes";
    if (run->outcome.rescued)
        pb_doc_note(d, &out->notes, "the state is saved in %s", run->outcome.rescued);
}

void pb_doc_of_apply(struct pb_doc *d, const struct pb_apply_run *run,
                     const struct pb_report_opts *o)
{
    const struct pb_apply_outcome *out = &run->outcome;
    PB_AUTO(buf) struct pb_buf line = PB_BUF_INIT;
    bool touched =
        out->end == PB_END_APPLIED || out->end == PB_END_PARTLY || out->end == PB_END_UNSETTLED;

    pb_doc_begin(d, "apply", &run->audit, run->audit.nunits, o);
    d->exit_code = pb_apply_exit(out);
    d->elapsed_ms = out->elapsed_ms;
    d->level = pb_headline_apply(&line, out);
    d->headline = pb_doc_safe(d, line.s);
    if (touched)
        changes(d, run);
    else
        pb_doc_add_gates(d, &run->audit, &run->gate);
    if (*out->evidence && touched)
        pb_doc_note(d, &d->notes, "evidence: sha256:%s", out->evidence);
    pb_doc_end(d);
}
