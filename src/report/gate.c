#include "report/gate.h"

#include "base/clock.h"
#include "base/mem.h"
#include "report/level.h"
#include "report/pen.h"
#include "report/put.h"

#include <string.h>

/* ---- for people --------------------------------------------------------------------------- */

static enum pb_style style_of(enum pb_gate_decision d)
{
    return d == PB_GATE_ALLOW ? PB_GREEN : d == PB_GATE_ASK ? PB_YELLOW : PB_RED;
}

static void headline(struct pb_pen *p, const struct pb_audit *a, const struct pb_unit_gate *gates)
{
    static const enum pb_style styles[] = {PB_GREEN, PB_GREEN, PB_YELLOW, PB_RED};
    PB_AUTO(buf) struct pb_buf line = PB_BUF_INIT;

    pb_pen_on(p, styles[pb_headline_gates(&line, a, gates)]);
    pb_pen_words(p, line.s, 0, 2);
    pb_pen_off(p);
    pb_buf_addc(p->b, '\n');
}

/* Half a line: whose commit, and where. */
static const char *author(struct pb_pen *p, const struct pb_gate_verdict *v,
                          const struct pb_gate_author *by)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    char when[PB_CLOCK_RFC3339];

    if (!by->commit)
        return v->cause == PB_CAUSE_GIT ? "which commit it was cannot be told" : NULL;
    pb_clock_rfc3339(when, by->time);
    pb_buf_addf(&b, "%s by %s, %.10s, %.8s \"%s\"",
                v->cause != PB_CAUSE_GIT ? "declared"
                : by->block              ? "changed"
                                         : "last change to what it depends on",
                by->author, when, by->commit, by->summary);
    if (by->file)
        pb_buf_addf(&b, " (%s", by->file);
    if (by->line)
        pb_buf_addf(&b, ":%u", by->line);
    pb_buf_adds(&b, by->file ? ")" : "");
    return pb_arena_strdup(p->arena, b.s);
}

static void change(struct pb_pen *p, const struct pb_gate_verdict *v,
                   const struct pb_resource_result *r, const struct pb_gate_author *by)
{
    const char *who = author(p, v, by);
    bool whole =
        r->action == PB_ACT_CREATE || r->action == PB_ACT_DELETE || r->action == PB_ACT_FORGET;

    pb_buf_adds(p->b, "\n    ");
    pb_pen_ink(p, style_of(v->decision), pb_gate_decision_names[v->decision]);
    pb_buf_addf(p->b, "  %s  ",
                r->action == PB_ACT_NONE ? v->change->imports ? "import" : "move"
                                         : pb_action_name(r->action));
    pb_pen_ink(p, PB_BOLD, r->address);
    pb_buf_addf(p->b, "  %s\n", pb_cause_names[v->cause]);
    pb_pen_line(p, 6, pb_arena_printf(p->arena, "%s; decided by %s", v->why, v->rule));
    if (who)
        pb_pen_line(p, 6, who);
    if (!whole)
        pb_pen_attributes(p, r, false);
}

static void refusal(struct pb_pen *p, const struct pb_gate_refusal *r)
{
    pb_buf_adds(p->b, "\n    ");
    pb_pen_ink(p, PB_RED, "refused");
    pb_buf_addf(p->b, "  %s\n", r->code);
    pb_pen_line(p, 6, r->what);
    pb_pen_line(p, 6, pb_arena_printf(p->arena, "remedy: %s", r->remedy));
}

static void unit(struct pb_pen *p, const struct pb_audit *a, const struct pb_unit_result *u,
                 const struct pb_unit_gate *g)
{
    pb_pen_unit(p, a, u);
    if (u->failed) {
        pb_buf_adds(p->b, "    ");
        pb_pen_words(p, u->err.msg, 4, 4);
        pb_buf_addc(p->b, '\n');
        return;
    }
    if (g->facts.last)
        pb_buf_addf(p->b, "    last verified at commit %.8s\n", g->facts.last);
    else
        pb_pen_line(p, 4,
                    "nothing was verified yet: 'plumb audit --save-baseline' at what is applied "
                    "now lets later plans be told from stale ones");
    if (g->facts.added) {
        PB_AUTO(buf) struct pb_buf line = PB_BUF_INIT;

        for (size_t i = 0; g->facts.added[i]; i++)
            pb_buf_addf(&line, "%s%s",
                        i ? ", " : "not in Git, but asked for here: ", g->facts.added[i]);
        pb_pen_line(p, 4, line.s);
    }
    for (size_t i = 0; i < g->out.nrefusals; i++)
        refusal(p, &g->out.refusals[i]);
    for (int d = PB_GATE_DENY; d >= PB_GATE_ALLOW; d--)
        for (size_t i = 0; i < g->out.n; i++)
            if ((int)g->out.v[i].decision == d)
                change(p, &g->out.v[i], g->results[i], g->by[i]);
    if (!g->out.n)
        pb_buf_adds(p->b, "    no changes\n");
    else
        pb_buf_addf(p->b, "\n    evidence: sha256:%s\n", g->evidence);
}

void pb_report_gate_text(struct pb_buf *b, const struct pb_audit *a,
                         const struct pb_unit_gate *gates, const struct pb_report_opts *o)
{
    struct pb_pen p = pb_pen_of(b, o);

    headline(&p, a, gates);
    for (size_t i = 0; i < a->nunits; i++)
        unit(&p, a, &a->units[i], &gates[i]);
    pb_pen_diagnostics(&p, a);
    pb_pen_release(&p);
}

/* ---- for programs ------------------------------------------------------------------------- */

static void put_author(struct pb_buf *b, const struct pb_gate_author *by)
{
    char when[PB_CLOCK_RFC3339];

    pb_put_key(b, "by");
    if (!by->commit) {
        pb_buf_adds(b, "null");
        return;
    }
    pb_clock_rfc3339(when, by->time);
    pb_buf_adds(b, "{\"commit\":");
    pb_put_string(b, by->commit);
    pb_put_member(b, "author", by->author);
    pb_put_member(b, "date", when);
    pb_put_member(b, "summary", by->summary);
    pb_put_member(b, "file", by->file);
    pb_put_key(b, "line");
    if (by->line)
        pb_buf_addf(b, "%u", by->line);
    else
        pb_buf_adds(b, "null");
    pb_put_member(b, "scope", by->block ? "block" : "unit");
    pb_buf_addc(b, '}');
}

static void put_change(struct pb_buf *b, const struct pb_gate_verdict *v,
                       const struct pb_resource_result *r, const struct pb_gate_author *by)
{
    pb_buf_adds(b, "{\"address\":");
    pb_put_string(b, r->address);
    pb_put_member(b, "action", pb_action_name(r->action));
    pb_put_member(b, "verdict", pb_verdict_name(r->verdict));
    pb_put_member(b, "cause", pb_cause_names[v->cause]);
    pb_put_member(b, "decision", pb_gate_decision_names[v->decision]);
    pb_put_member(b, "why", v->why);
    pb_put_member(b, "rule", v->rule);
    put_author(b, by);
    pb_buf_adds(b, ",\"starts\":[");
    for (size_t i = 0; i < v->change->neffects; i++) {
        const struct pb_gate_effect *e = &v->change->effects[i];

        pb_buf_adds(b, i ? ",{\"what\":" : "{\"what\":");
        pb_put_string(b, e->what);
        pb_put_member(b, "where", e->where);
        pb_put_member(b, "origin", pb_gate_origins[e->origin]);
        pb_buf_addc(b, '}');
    }
    pb_buf_addc(b, ']');
    pb_put_key(b, "attributes");
    pb_put_attributes(b, r, false);
    pb_buf_addc(b, '}');
}

static void put_gate(struct pb_buf *b, const struct pb_unit_gate *g)
{
    pb_put_member(b, "decision", pb_gate_decision_names[g->out.decision]);
    pb_put_member(b, "last_verified", g->facts.last);
    pb_put_member(b, "evidence", g->evidence);
    pb_buf_adds(b, ",\"added\":[");
    for (size_t i = 0; g->facts.added && g->facts.added[i]; i++) {
        pb_buf_adds(b, i ? "," : "");
        pb_put_string(b, g->facts.added[i]);
    }
    pb_buf_adds(b, "],\"refusals\":[");
    for (size_t i = 0; i < g->out.nrefusals; i++) {
        pb_buf_adds(b, i ? ",{\"code\":" : "{\"code\":");
        pb_put_string(b, g->out.refusals[i].code);
        pb_put_member(b, "what", g->out.refusals[i].what);
        pb_put_member(b, "remedy", g->out.refusals[i].remedy);
        pb_buf_addc(b, '}');
    }
    pb_buf_adds(b, "],\"changes\":[");
    for (size_t i = 0; i < g->out.n; i++) {
        pb_buf_adds(b, i ? ",\n" : "\n");
        put_change(b, &g->out.v[i], g->results[i], g->by[i]);
    }
    pb_buf_addc(b, ']');
}

void pb_report_gate_json(struct pb_buf *b, const struct pb_audit *a,
                         const struct pb_unit_gate *gates, const struct pb_report_opts *o)
{
    pb_buf_adds(b, "{\"format_version\":\"1.0\"");
    pb_put_member(b, "plumb_version", o->version);
    pb_buf_adds(b, ",\"units\":[");
    for (size_t i = 0; i < a->nunits; i++) {
        const struct pb_unit_result *u = &a->units[i];

        pb_buf_adds(b, i ? ",\n{\"name\":" : "\n{\"name\":");
        pb_put_string(b, u->config.name);
        pb_put_member(b, "path", u->config.path);
        pb_put_member(b, "commit", a->commit);
        if (u->failed)
            pb_put_member(b, "error", u->err.msg);
        else
            put_gate(b, &gates[i]);
        pb_buf_addc(b, '}');
    }
    pb_buf_adds(b, "],\n\"diagnostics\":[");
    pb_put_diagnostics(b, a);
    pb_buf_adds(b, "]}\n");
}
