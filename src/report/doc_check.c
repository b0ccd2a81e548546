/* The document of a check before a merge: what refuses it, what the change causes, what is to be
 * known of its text, and in the end what was there before, which is no finding against it. */
#include "report/doc_build.h"

#include "base/text.h"
#include "report/check.h"

#include <string.h>

enum {
    FAILED = 0,
    CONFLICTS,
    REFUSED,
    COLLIDES,
    DENIED,
    TEXT,
    CAUSED,
    UNSEEN,
    NOTICES,
    SETTLES,
    BEFORE_REFUSED,
    BEFORE_REVERTS,
    BEFORE_PENDING,
    BEFORE_UNSEEN,
    UNTOUCHED,
    NGROUPS
};

/* Rules: those that are always there, then codes of refusals and findings as they come. */
enum {
    RULE_FAILED = 0,
    RULE_CONFLICT,
    RULE_PROTECTED,
    RULE_CLASSES,
    RULE_CODES = RULE_CLASSES + PB_NCHECKS
};

static const struct pb_doc_group groups[NGROUPS] = {
    [CONFLICTS] = {"merge-conflict", "in conflict", "both sides changed it: Git cannot merge it",
                   PB_LEVEL_ERROR, false, 0},
    [REFUSED] = {"refused", "refused", "by base's rules, whatever it changes", PB_LEVEL_ERROR,
                 false, 0},
    [COLLIDES] = {"collides", "collides",
                  "somebody changed it outside of Git, and merging would overwrite that",
                  PB_LEVEL_ERROR, false, 0},
    [DENIED] = {"denied", "denied", "base's rules do not let it be applied", PB_LEVEL_ERROR, false,
                0},
    [TEXT] = {"text", "to be looked at", "what the change says, and no plan shows",
              PB_LEVEL_WARNING, false, 0},
    [CAUSED] = {"caused", "caused", "merging would change it", PB_LEVEL_NOTE, false, 0},
    [UNSEEN] = {"unseen", "unseen", "the change is about it, and it could not be seen",
                PB_LEVEL_WARNING, false, 0},
    [NOTICES] = {"notices", "good to know", "what else the change says", PB_LEVEL_NOTE, false, 0},
    [SETTLES] = {"settles", "settled", "it differed before, and nothing is left to do after",
                 PB_LEVEL_NOTE, false, 0},
    [BEFORE_REFUSED] = {"refused-before", "refused before, too", "not of this change",
                        PB_LEVEL_NONE, true, 0},
    [BEFORE_REVERTS] = {"reverts", "drifted before", "not of this change: any apply takes it back",
                        PB_LEVEL_NONE, true, 0},
    [BEFORE_PENDING] = {"pending", "pending before", "not of this change", PB_LEVEL_NONE, true, 0},
    [BEFORE_UNSEEN] = {"unseen-before", "unseen, and not touched", "not of this change",
                       PB_LEVEL_NONE, true, 0},
    [UNTOUCHED] = {"untouched", "untouched", "merging says nothing new about it", PB_LEVEL_NONE,
                   true, 0},
};

static const char *const helps[PB_NCHECKS] = {
    [PB_CHECK_NONE] = "Nothing is to be done.",
    [PB_CHECK_SETTLES] = "Nothing is to be done.",
    [PB_CHECK_PENDING] = "It is to be applied with or without this change.",
    [PB_CHECK_REVERTS] = "Put the outside change into Git if it is wanted.",
    [PB_CHECK_UNSEEN] = "'plumb doctor' checks credentials; check again when it can be seen.",
    [PB_CHECK_CAUSED] = "After the merge 'plumb plan' and 'plumb apply' bring it about.",
    [PB_CHECK_COLLIDES] =
        ("Put into this change what was done outside, or undo it there, and check "
         "again."),
};

static size_t count_codes(const struct pb_check *c)
{
    size_t n = c->findings.n;

    for (size_t i = 0; i < c->nunits; i++)
        n += c->units[i].findings.n + c->units[i].nrefusals;
    return n;
}

static void tables(struct pb_doc *d, size_t codes)
{
    static const enum pb_level levels[PB_NCHECKS] = {
        [PB_CHECK_SETTLES] = PB_LEVEL_NOTE,
        [PB_CHECK_UNSEEN] = PB_LEVEL_WARNING,
        [PB_CHECK_CAUSED] = PB_LEVEL_NOTE,
        [PB_CHECK_COLLIDES] = PB_LEVEL_ERROR,
    };
    struct pb_doc_rule *rules = pb_arena_zalloc(d->arena, (RULE_CODES + codes) * sizeof(*rules));

    d->groups = pb_arena_alloc(d->arena, sizeof(groups));
    memcpy(d->groups, groups, sizeof(groups));
    d->groups[FAILED] = pb_doc_failed_group;
    d->ngroups = NGROUPS;
    rules[RULE_FAILED] = pb_doc_failed_rule;
    rules[RULE_CONFLICT] =
        (struct pb_doc_rule){"merge-conflict", "in conflict", groups[CONFLICTS].meaning,
                             "Merge base into the branch, and check again.", PB_LEVEL_ERROR};
    rules[RULE_PROTECTED] = (struct pb_doc_rule){
        "protected", "protected", "merging would delete or replace what is protected",
        "Take it out of the change; or take the protection away first, in a change of its own.",
        PB_LEVEL_ERROR};
    for (size_t k = 0; k < PB_NCHECKS; k++)
        rules[RULE_CLASSES + k] = (struct pb_doc_rule){
            k ? pb_check_classes[k].name : "untouched", k ? pb_check_classes[k].name : "untouched",
            k ? pb_check_classes[k].meaning : groups[UNTOUCHED].meaning, helps[k], levels[k]};
    d->rules = rules;
    d->nrules = RULE_CODES;
}

static size_t rule_of_code(struct pb_doc *d, const char *code, const char *meaning,
                           const char *help, enum pb_level level)
{
    struct pb_doc_rule *rules = (struct pb_doc_rule *)(uintptr_t)d->rules;

    for (size_t i = 0; i < d->nrules; i++)
        if (strcmp(rules[i].code, code) == 0)
            return i;
    rules[d->nrules] =
        (struct pb_doc_rule){pb_doc_safe(d, code), pb_doc_safe(d, code), meaning, help, level};
    return d->nrules++;
}

/* ---- resources ---------------------------------------------------------------------------- */

static bool is_told(const struct pb_check_attr *a, bool all)
{
    return all || a->class != PB_CHECK_NONE;
}

static void rows(struct pb_doc *d, struct pb_doc_item *i, const struct pb_check_resource *r,
                 bool all)
{
    struct pb_row *v = pb_arena_zalloc(d->arena, (r->nattrs + 1) * sizeof(*v));

    for (size_t k = 0; k < r->nattrs; k++) {
        const struct pb_check_attr *a = &r->attrs[k];
        const char *recorded = pb_check_recorded(d->arena, a);

        if (!is_told(a, all))
            continue;
        v[i->nrows].path = pb_doc_safe(d, a->path);
        v[i->nrows].verdict = a->class ? pb_check_classes[a->class].name : "";
        v[i->nrows].reason = pb_doc_safe(d, pb_check_why(d->arena, a, r->reason));
        if (!v[i->nrows].reason && recorded)
            v[i->nrows].reason = pb_doc_printf(d, "the state has it as %s", recorded);
        for (int c = 0; c < PB_NCELLS; c++)
            v[i->nrows].cell[c] = pb_check_cell(d->arena, a, (enum pb_check_column)c);
        i->nrows++;
    }
    i->rows = v;
}

static size_t group_of(const struct pb_check_resource *r)
{
    static const size_t touched[PB_NCHECKS] = {
        [PB_CHECK_NONE] = UNTOUCHED,   [PB_CHECK_SETTLES] = SETTLES, [PB_CHECK_PENDING] = CAUSED,
        [PB_CHECK_REVERTS] = CAUSED,   [PB_CHECK_UNSEEN] = UNSEEN,   [PB_CHECK_CAUSED] = CAUSED,
        [PB_CHECK_COLLIDES] = COLLIDES};
    static const size_t before[PB_NCHECKS] = {
        [PB_CHECK_NONE] = UNTOUCHED,         [PB_CHECK_SETTLES] = SETTLES,
        [PB_CHECK_PENDING] = BEFORE_PENDING, [PB_CHECK_REVERTS] = BEFORE_REVERTS,
        [PB_CHECK_UNSEEN] = BEFORE_UNSEEN,   [PB_CHECK_CAUSED] = CAUSED,
        [PB_CHECK_COLLIDES] = COLLIDES};

    if (pb_check_is_denied(r))
        return DENIED;
    return (r->touched ? touched : before)[r->class];
}

static void judge(struct pb_doc *d, struct pb_doc_item *i, const struct pb_check_resource *r)
{
    bool asks = r->gate && r->gate->decision == PB_GATE_ASK;

    i->group = group_of(r);
    i->rule = r->guarded ? (size_t)RULE_PROTECTED : RULE_CLASSES + (size_t)r->class;
    i->level = d->groups[i->group].level;
    i->outcome = i->level == PB_LEVEL_ERROR                                ? PB_DOC_FAIL
                 : i->group == UNSEEN                                      ? PB_DOC_UNSEEN
                 : i->group >= BEFORE_REFUSED && i->group <= BEFORE_UNSEEN ? PB_DOC_SKIP
                                                                           : PB_DOC_PASS;
    if (i->group == CAUSED && asks) {
        i->level = PB_LEVEL_WARNING;
        i->outcome = PB_DOC_SKIP;
    }
    i->badge = r->guarded ? "protected" : asks ? "needs a yes" : d->groups[i->group].title;
    if (i->level > PB_LEVEL_NONE && i->group != SETTLES)
        i->remedy = r->class == PB_CHECK_COLLIDES && r->action == PB_ACT_DELETE && !r->guarded
                        ? "Keep it in Git, or undo there what was done outside, and check again."
                        : d->rules[i->rule].help;
}

static void resource(struct pb_doc *d, size_t unit, const struct pb_check_resource *r, bool all)
{
    struct pb_doc_item *i = pb_doc_add(d, unit);
    bool unseen = r->class == PB_CHECK_UNSEEN;

    judge(d, i, r);
    i->subject = pb_doc_safe(d, r->address);
    i->type = pb_doc_safe(d, r->type);
    i->id = pb_doc_safe(d, r->id);
    i->observer = unseen || pb_streq(r->observer, "none") ? NULL : pb_doc_safe(d, r->observer);
    i->moved_from = pb_doc_safe(d, r->moved_from);
    i->file = pb_doc_safe(d, r->file);
    if (r->file_of_base) {
        pb_doc_note(d, &i->notes, "its block is base's: line %u", r->line);
    } else {
        i->line = r->line;
        i->last_line = r->last_line;
    }
    i->action = pb_check_action(d->arena, r);
    if (r->gate && r->gate->decision != PB_GATE_ALLOW && i->level >= PB_LEVEL_WARNING && !unseen)
        i->why =
            pb_doc_printf(d, "%s: %s; decided by %s", pb_gate_decision_names[r->gate->decision],
                          r->gate->why, r->gate->rule);
    if ((r->unseen || unseen) && i->why && r->reason)
        pb_doc_note(d, &i->notes, "%s", r->reason);
    else if (r->unseen || unseen)
        i->why = pb_doc_safe(d, r->reason);
    if (r->before == PB_MISSING)
        pb_doc_note(d, &i->notes, "%s", pb_check_deleted(d->arena, r));
    /* The newest commit of its block need not be one of the change: it declares, and no more. */
    pb_doc_author(d, i, r->by && r->by->block ? PB_CAUSE_OVERWRITE : PB_CAUSE_GIT, r->by);
    rows(d, i, r, all);
}

/* ---- beside resources --------------------------------------------------------------------- */

static enum pb_level level_of(const char *severity)
{
    return pb_streq(severity, "error")     ? PB_LEVEL_ERROR
           : pb_streq(severity, "warning") ? PB_LEVEL_WARNING
                                           : PB_LEVEL_NOTE;
}

static void share(struct pb_doc *d, struct pb_doc_item *i, const struct pb_check_finding *f)
{
    const char **names = pb_arena_zalloc(d->arena, (f->nunits + 1) * sizeof(*names));
    const char *slash = f->file ? strrchr(f->file, '/') : NULL;

    for (size_t n = 0; n < f->nunits; n++)
        names[n] = pb_doc_safe(d, f->units[n]);
    i->units = names;
    i->apart = slash ? pb_doc_printf(d, "%.*s", (int)(slash - f->file), f->file) : "";
    i->why = pb_doc_printf(d, "%s, %s", f->message, pb_check_shared_by(d->arena, f));
}

static void finding(struct pb_doc *d, size_t unit, const struct pb_check_finding *f)
{
    struct pb_doc_item *i = pb_doc_add(d, unit);
    const struct pb_text_rule *rule = pb_check_rule_find(f->code);
    const char *of = pb_check_stands_for(d->arena, f);

    i->level = level_of(f->severity);
    i->group = i->level >= PB_LEVEL_WARNING ? TEXT : NOTICES;
    i->rule = rule_of_code(d, f->code, rule ? rule->summary : "of the text of the change",
                           "Somebody should look at it before it is merged.", i->level);
    i->outcome = i->level == PB_LEVEL_ERROR     ? PB_DOC_FAIL
                 : i->level == PB_LEVEL_WARNING ? PB_DOC_SKIP
                                                : PB_DOC_PASS;
    i->badge = d->rules[i->rule].code;
    i->subject = pb_doc_safe(d, f->address               ? f->address
                                : f->file                ? f->file
                                : unit != PB_DOC_NO_UNIT ? d->units[unit].name
                                                         : f->code);
    /* A file can say several things: what it says is which of them it is. */
    if (!f->address)
        i->apart = pb_doc_safe(d, f->message);
    i->why = pb_doc_safe(d, f->message);
    i->file = pb_doc_safe(d, f->file);
    if (f->file_of_base && f->line) {
        pb_doc_note(d, &i->notes, "the file is base's: line %u", f->line);
    } else {
        i->line = f->line;
        i->last_line = f->last_line;
    }
    if (of)
        pb_doc_note(d, &i->notes, "it %s", of);
    if (f->nunits)
        share(d, i, f);
}

static void findings(struct pb_doc *d, size_t unit, const struct pb_check_findings *f)
{
    for (size_t i = 0; i < f->n; i++)
        finding(d, unit, &f->v[i]);
}

static void refusal(struct pb_doc *d, size_t unit, const struct pb_check_refusal *r)
{
    struct pb_doc_item *i = pb_doc_add(d, unit);

    i->rule = rule_of_code(d, r->code, "the gate refuses the whole plan",
                           "The result names the remedy.", PB_LEVEL_ERROR);
    i->group = r->before ? BEFORE_REFUSED : REFUSED;
    i->level = r->before ? PB_LEVEL_NONE : PB_LEVEL_ERROR;
    i->outcome = r->before ? PB_DOC_SKIP : PB_DOC_FAIL;
    i->subject = i->badge = pb_doc_safe(d, r->code);
    i->why = pb_doc_safe(d, r->what);
    i->remedy = pb_doc_safe(d, r->remedy);
}

static void whole(struct pb_doc *d, size_t unit, size_t group, const char *subject, const char *why)
{
    struct pb_doc_item *i = pb_doc_add(d, unit);

    i->group = group;
    i->rule = group == FAILED ? RULE_FAILED : RULE_CONFLICT;
    i->level = PB_LEVEL_ERROR;
    i->outcome = group == FAILED ? PB_DOC_UNSEEN : PB_DOC_FAIL;
    i->subject = pb_doc_safe(d, subject);
    i->badge = d->groups[group].title;
    i->why = pb_doc_safe(d, why);
    i->file = group == CONFLICTS ? i->subject : NULL;
    i->remedy = group == CONFLICTS ? d->rules[i->rule].help : NULL;
}

/* ---- units -------------------------------------------------------------------------------- */

static const char *result(struct pb_doc *d, const struct pb_check_unit *u)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    size_t touched[PB_NCHECKS] = {0}, denied = 0, n = 0;

    for (size_t i = 0; i < u->nresources; i++) {
        const struct pb_check_resource *r = &u->resources[i];

        if (pb_check_is_denied(r))
            denied++;
        else if (r->touched || r->class >= PB_CHECK_CAUSED)
            touched[r->class]++;
    }
    pb_buf_adds(&b, pb_check_mode(d->arena, u));
    for (int k = PB_CHECK_COLLIDES; k > PB_CHECK_NONE; k--) {
        if (k == PB_CHECK_CAUSED && denied)
            pb_buf_addf(&b, "%s%zu denied", n++ ? ", " : ": ", denied);
        if (touched[k])
            pb_buf_addf(&b, "%s%zu %s", n++ ? ", " : ": ", touched[k], pb_check_classes[k].name);
    }
    if (!n && u->mode == PB_CHECK_PLANNED)
        pb_buf_adds(&b, ": changes nothing");
    return pb_arena_strdup(d->arena, b.s);
}

/* Of what the merged tree has: only that can be looked at there. */
static void speaks_for(struct pb_doc *d, struct pb_doc_unit *out, const struct pb_check_unit *u)
{
    if (u->merged)
        pb_doc_speaks_for(d, out, u->merged);
    if (!out->file && u->reached_by)
        out->file = pb_doc_safe(d, u->reached_by);
    if (!out->file)
        out->file = PB_CONFIG_FILE;
}

static void unit(struct pb_doc *d, size_t k, const struct pb_check *c, bool all)
{
    const struct pb_check_unit *u = &c->units[k];
    struct pb_doc_unit *out = &d->units[k];
    const char *before = pb_check_before(d->arena, u);

    out->name = pb_doc_safe(d, u->name);
    out->path = pb_doc_safe(d, u->path);
    out->engine = "";
    out->result = result(d, u);
    speaks_for(d, out, u);
    if (u->mode == PB_CHECK_FAILED) {
        out->error = pb_doc_safe(d, u->err.msg);
        whole(d, k, FAILED, u->name, u->err.msg);
        findings(d, k, &u->findings);
        return;
    }
    if (u->mode == PB_CHECK_STATIC)
        out->level = PB_LEVEL_WARNING;
    if (u->why && c->trusted) /* else it is the head, of which that was said */
        pb_doc_note(d, &out->notes, "%s", u->why);
    if (u->reached_by)
        pb_doc_note(d, &out->notes, "reached by %s", u->reached_by);
    if (u->mode == PB_CHECK_ADDED || u->mode == PB_CHECK_REMOVED)
        pb_doc_note(d, &out->notes, "resources in its state: %zu", u->recorded);
    for (size_t i = 0; i < u->nrefusals; i++)
        refusal(d, k, &u->refusals[i]);
    for (size_t i = 0; i < u->nresources; i++)
        resource(d, k, &u->resources[i], all);
    findings(d, k, &u->findings);
    if (before)
        pb_doc_note(d, &out->notes, "%s", before);
}

/* What several units have is listed with none of them, and a reason to look at each. */
static void weigh_shared(struct pb_doc *d)
{
    for (size_t i = 0; i < d->nitems; i++)
        for (const char *const *name = d->items[i].units; name && *name; name++)
            for (size_t k = 0; k < d->nunits; k++)
                if (d->units[k].level < d->items[i].level && pb_streq(d->units[k].name, *name))
                    d->units[k].level = d->items[i].level;
}

/* Other rules change nothing yet, and are no reason for a green tick. */
static enum pb_level level_of_check(const struct pb_check *c)
{
    switch (c->exit_code) {
    case PB_EXIT_PLUMB: return c->rules ? PB_LEVEL_NOTE : PB_LEVEL_NONE;
    case PB_EXIT_DRIFT: return PB_LEVEL_NOTE;
    case PB_EXIT_INCONCLUSIVE: return PB_LEVEL_WARNING;
    default: return PB_LEVEL_ERROR;
    }
}

void pb_doc_of_check(struct pb_doc *d, const struct pb_check *c, const struct pb_report_opts *o)
{
    static const char *const columns[PB_NCELLS] = {"base", "merged", "live"};

    pb_doc_begin(d, "check", &c->audit, c->nunits, o);
    tables(d, count_codes(c));
    d->columns = columns;
    d->trees = true;
    d->commit = pb_arena_strdup(d->arena, c->head);
    d->base = pb_arena_strdup(d->arena, c->base);
    d->exit_code = pb_check_exit(c);
    d->elapsed_ms = c->elapsed_ms;
    d->level = level_of_check(c);
    d->headline = pb_doc_safe(d, pb_check_headline(d->arena, c));
    if (c->trust && c->nunits)
        pb_doc_note(d, &d->notes, "%strusted: %s", c->trusted ? "" : "not ", c->trust);
    if (c->untouched)
        pb_doc_note(d, &d->notes, "not reached by the change: %zu unit%s", c->untouched,
                    c->untouched == 1 ? "" : "s");
    pb_doc_diagnostics(d, &c->diags, NULL);
    for (size_t i = 0; i < c->nconflicts; i++)
        whole(d, PB_DOC_NO_UNIT, CONFLICTS, c->conflicts[i], c->conflict_what[i]);
    if (c->broken)
        whole(d, PB_DOC_NO_UNIT, FAILED, PB_CONFIG_FILE, c->broken);
    findings(d, PB_DOC_NO_UNIT, &c->findings);
    for (size_t k = 0; k < c->nunits; k++)
        unit(d, k, c, o->all);
    weigh_shared(d);
    pb_doc_end(d);
}
