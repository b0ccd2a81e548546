#include "report/apply.h"

#include "base/clock.h"
#include "base/mem.h"
#include "report/pen.h"
#include "report/put.h"

static const char *const end_names[] = {
    [PB_END_NOTHING] = "nothing", [PB_END_REFUSED] = "refused", [PB_END_MOVED] = "moved",
    [PB_END_APPLIED] = "applied", [PB_END_PARTLY] = "partly",   [PB_END_UNSETTLED] = "unsettled",
};
static const char *const tri_names[] = {
    [PB_TRI_UNKNOWN] = "unknown", [PB_TRI_NO] = "no", [PB_TRI_YES] = "yes"};

/* ---- for people --------------------------------------------------------------------------- */

void pb_report_apply_event(struct pb_buf *b, const struct pb_apply_event *e,
                           const struct pb_report_opts *o)
{
    struct pb_pen p = pb_pen_of(b, o);

    if (e->step == PB_APPLY_DONE || e->step == PB_APPLY_FAILED) {
        bool ok = e->step == PB_APPLY_DONE;

        pb_buf_adds(b, "    ");
        pb_pen_ink(&p, ok ? PB_GREEN : PB_RED, ok ? "done  " : "failed");
        pb_buf_addf(b, "  %-7s  ", pb_action_name(e->action));
        pb_pen_safe(&p, e->address);
        if (e->elapsed_ms >= 1000)
            pb_buf_addf(b, "  %ld s", e->elapsed_ms / 1000);
        if (ok && e->id && e->action == PB_ACT_CREATE) {
            pb_buf_adds(b, "  id ");
            pb_pen_safe(&p, e->id);
        }
        pb_buf_addc(b, '\n');
    }
    pb_pen_release(&p);
}

static size_t count(const struct pb_apply_outcome *o, enum pb_applied_state s)
{
    size_t n = 0;

    for (size_t i = 0; i < o->nchanges; i++)
        n += o->changes[i].state == s;
    return n;
}

/* What somebody has to look at. */
static void open_ends(struct pb_pen *p, const struct pb_apply_outcome *o)
{
    for (size_t i = 0; i < o->nchanges; i++) {
        const struct pb_applied_change *c = &o->changes[i];

        if (c->verified == PB_TRI_YES && c->state == PB_APPLIED_DONE)
            continue;
        pb_buf_adds(p->b, "    ");
        if (c->state == PB_APPLIED_DONE)
            pb_pen_ink(p, PB_YELLOW, c->verified == PB_TRI_NO ? "not so" : "unseen");
        else
            pb_pen_ink(p, PB_RED, c->state == PB_APPLIED_NOT_STARTED ? "not started" : "failed");
        pb_buf_addf(p->b, "  %s  ", pb_action_name(c->action));
        pb_pen_safe(p, c->address);
        pb_buf_addc(p->b, '\n');
        if (c->reason && c->state == PB_APPLIED_DONE)
            pb_pen_line(p, 6, c->reason);
    }
}

static void add_counts(struct pb_buf *b, const struct pb_apply_outcome *o)
{
    static const struct {
        enum pb_action action;
        const char *word;
    } rows[] = {{PB_ACT_CREATE, "created"},   {PB_ACT_UPDATE, "updated"},
                {PB_ACT_REPLACE, "replaced"}, {PB_ACT_DELETE, "deleted"},
                {PB_ACT_FORGET, "forgotten"}, {PB_ACT_NONE, "moved or imported"}};
    size_t start = b->len;

    for (size_t k = 0; k < PB_COUNT(rows); k++) {
        size_t n = 0;

        for (size_t i = 0; i < o->nchanges; i++)
            n += o->changes[i].state == PB_APPLIED_DONE && o->changes[i].action == rows[k].action;
        if (n)
            pb_buf_addf(b, "%s%zu %s", b->len > start ? ", " : "", n, rows[k].word);
    }
    if (b->len == start)
        pb_buf_adds(b, "no resource changed");
}

enum pb_level pb_headline_apply(struct pb_buf *line, const struct pb_apply_outcome *o)
{
    switch (o->end) {
    case PB_END_NOTHING:
        pb_buf_adds(line, "nothing to apply: the world is what Git asks for");
        return PB_LEVEL_NONE;
    case PB_END_REFUSED:
    case PB_END_MOVED: pb_buf_addf(line, "not applied: %s; nothing was touched", o->why.msg); break;
    case PB_END_APPLIED:
        pb_buf_adds(line, "applied: ");
        add_counts(line, o);
        pb_buf_adds(line, o->verified == PB_TRI_YES  ? "; verified"
                          : o->verified == PB_TRI_NO ? "; not verified: the world is something else"
                                                     : "; not verified: not all could be seen");
        return o->verified == PB_TRI_YES ? PB_LEVEL_NONE : PB_LEVEL_WARNING;
    case PB_END_PARTLY:
        pb_buf_addf(line, "%s after %zu of %zu changes (",
                    o->interrupted ? "interrupted" : "failed", count(o, PB_APPLIED_DONE),
                    o->nchanges);
        add_counts(line, o);
        pb_buf_addf(line, "): %s", o->why.msg);
        break;
    case PB_END_UNSETTLED: pb_buf_addf(line, "not settled: %s", o->why.msg); break;
    }
    return PB_LEVEL_ERROR;
}

static void result(struct pb_pen *p, const struct pb_apply_outcome *o)
{
    static const enum pb_style styles[] = {PB_GREEN, PB_GREEN, PB_YELLOW, PB_RED};
    PB_AUTO(buf) struct pb_buf line = PB_BUF_INIT;

    pb_pen_on(p, styles[pb_headline_apply(&line, o)]);
    pb_pen_words(p, line.s, 0, 2);
    pb_pen_off(p);
    pb_buf_addc(p->b, '\n');
}

void pb_report_apply_text(struct pb_buf *b, const struct pb_apply_run *run,
                          const struct pb_report_opts *o)
{
    const struct pb_unit_result *u = &run->audit.units[0];
    struct pb_pen p = pb_pen_of(b, o);

    if (run->outcome.end == PB_END_APPLIED || run->outcome.end == PB_END_PARTLY)
        open_ends(&p, &run->outcome);
    for (size_t i = run->outcome.shown; i < u->diags.n; i++)
        pb_pen_line(
            &p, 0,
            pb_arena_printf(p.arena, "%s: %s", u->diags.v[i].severity, u->diags.v[i].message));
    result(&p, &run->outcome);
    pb_pen_release(&p);
}

/* ---- for programs ------------------------------------------------------------------------- */

static void number(struct pb_buf *b, const char *name, long n)
{
    pb_put_key(b, name);
    pb_buf_addf(b, "%ld", n);
}

static void put_state(struct pb_buf *b, const char *name, const struct pb_recorded_set *s)
{
    pb_put_key(b, name);
    pb_buf_adds(b, "{\"lineage\":");
    pb_put_string(b, s->lineage);
    number(b, "serial", (long)s->serial);
    pb_put_member(b, "sha256", *s->sha256 ? s->sha256 : NULL);
    pb_buf_addc(b, '}');
}

static void put_phases(struct pb_buf *b, const struct pb_apply_run *run)
{
    const struct pb_apply_outcome *out = &run->outcome;
    const struct pb_declare_result *d = &run->audit.units[0].declared;

    pb_buf_addf(b, ",\"phases_ms\":{\"sides\":%ld", out->sides_ms);
    number(b, "prepare", d->prepare_ms);
    number(b, "plan", d->plan_ms);
    number(b, "show", d->show_ms);
    number(b, "observe", out->observe_ms);
    number(b, "gate", out->gate_ms);
    number(b, "check", out->check_ms);
    number(b, "apply", out->apply_ms);
    number(b, "verify", out->verify_ms);
    number(b, "ledger", out->ledger_ms);
    pb_buf_addc(b, '}');
}

static void put_change(struct pb_buf *b, const struct pb_applied_change *c)
{
    pb_buf_adds(b, "{\"address\":");
    pb_put_string(b, c->address);
    pb_put_member(b, "action", pb_action_name(c->action));
    pb_put_member(b, "cause", pb_cause_names[c->cause]);
    pb_put_member(b, "state", pb_applied_names[c->state]);
    pb_put_member(b, "id", c->id);
    pb_put_member(b, "verified", tri_names[c->verified]);
    pb_put_member(b, "verdict", pb_verdict_name(c->verdict));
    pb_put_member(b, "reason", c->reason);
    pb_buf_addc(b, '}');
}

void pb_report_apply_json(struct pb_buf *b, const struct pb_apply_run *run,
                          const struct pb_report_opts *o)
{
    const struct pb_apply_outcome *out = &run->outcome;
    const struct pb_unit_result *u = &run->audit.units[0];
    char at[PB_CLOCK_RFC3339];

    pb_clock_rfc3339(at, run->audit.started_at);
    pb_buf_adds(b, "{\"format_version\":\"1.0\"");
    pb_put_member(b, "plumb_version", o->version);
    pb_put_member(b, "started_at", at);
    number(b, "duration_ms", out->elapsed_ms);
    pb_put_member(b, "unit", u->config.name);
    pb_put_member(b, "path", u->config.path);
    pb_put_member(b, "commit", run->audit.commit);
    pb_put_member(b, "end", end_names[out->end]);
    pb_put_member(b, "why", out->why.cls ? out->why.msg : NULL);
    number(b, "exit_code", (long)pb_apply_exit(out));
    pb_put_member(b, "evidence", *out->evidence ? out->evidence : NULL);
    pb_put_member(b, "approval", pb_approval_names[out->approval]);
    pb_put_member(b, "verified", tri_names[out->verified]);
    put_state(b, "before", &out->before);
    put_state(b, "after", &out->after);
    put_phases(b, run);
    pb_buf_adds(b, ",\"changes\":[");
    for (size_t i = 0; i < out->nchanges; i++) {
        pb_buf_adds(b, i ? ",\n" : "\n");
        put_change(b, &out->changes[i]);
    }
    pb_buf_adds(b, "],\n\"diagnostics\":[");
    pb_put_diagnostics(b, &run->audit);
    pb_buf_adds(b, "]}\n");
}
