/* The report for people: the one line that matters, then the evidence. */
#include "report/level.h"
#include "report/pen.h"

#include "base/mem.h"

#include <string.h>

enum { UNITS_EACH = 3, UNITS_NAMED = 10 };

static const char *in_words(struct pb_pen *p, enum pb_verdict v)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    pb_add_verdict_words(&b, v);
    return pb_arena_strdup(p->arena, b.s);
}

static void headline(struct pb_pen *p, const struct pb_audit *a)
{
    static const enum pb_style styles[] = {PB_GREEN, PB_GREEN, PB_MAGENTA, PB_RED};
    PB_AUTO(buf) struct pb_buf line = PB_BUF_INIT;

    pb_pen_on(p, styles[pb_headline_audit(&line, a)]);
    pb_pen_words(p, line.s, 0, 2);
    pb_pen_off(p);
    pb_buf_addc(p->b, '\n');
}

static bool is_whole(const struct pb_resource_result *r)
{
    return r->action == PB_ACT_CREATE || r->action == PB_ACT_DELETE || r->action == PB_ACT_FORGET ||
           r->verdict == PB_MISSING;
}

/* What a verdict means and what an apply would do about it: said once for all that have it. */
static const char *meaning(struct pb_pen *p, enum pb_verdict v)
{
    const struct pb_verdict_row *row = &pb_verdicts[v];

    if (v == PB_IN_SYNC || row->effect == PB_EFFECT_INCONCLUSIVE)
        return row->meaning;
    return pb_arena_printf(p->arena, "%s; an apply would: %s", row->meaning, row->apply_would);
}

static bool ignores(const struct pb_resource_result *r)
{
    bool any = false;

    for (size_t i = 0; i < r->nattrs; i++)
        any |= r->attrs[i].ignored;
    return any;
}

/* The same of one resource. What it waits for may be no change of Git's: it is tainted, or an
 * object was left over; then the reason says so. */
static const char *meaning_of(struct pb_pen *p, const struct pb_resource_result *r)
{
    if (r->verdict == PB_IN_SYNC && ignores(r))
        return r->action == PB_ACT_UPDATE ? "all that differs is ignored; an apply would update it"
                                          : "all that differs is ignored";
    if (r->verdict != PB_PENDING || r->action == PB_ACT_NONE || r->action == PB_ACT_UNKNOWN)
        return meaning(p, r->verdict);
    return pb_arena_printf(p->arena, "%san apply would %s it",
                           r->reason ? "" : "Git asks for a change not yet applied; ",
                           pb_action_name(r->action));
}

static void resource_head(struct pb_pen *p, const struct pb_resource_result *r)
{
    bool acts = r->verdict == PB_PENDING || r->also == PB_PENDING;

    pb_buf_adds(p->b, "    ");
    pb_pen_ink(p, PB_BOLD, r->address);
    pb_buf_adds(p->b, "  ");
    pb_pen_ink(p, pb_pen_style_of(r->verdict), pb_verdict_name(r->verdict));
    if (r->also) {
        pb_buf_adds(p->b, ", ");
        pb_pen_ink(p, pb_pen_style_of(r->also), pb_verdict_name(r->also));
    }
    if (acts && r->action != PB_ACT_NONE && r->action != PB_ACT_UNKNOWN)
        pb_buf_addf(p->b, " (%s)", pb_action_name(r->action));
    if (r->ignored)
        pb_buf_adds(p->b, " (ignored)");
    pb_buf_addc(p->b, '\n');
}

static void where_seen(struct pb_pen *p, const struct pb_resource_result *r)
{
    const char *sep = r->id ? ", " : "";

    if (!r->id && !r->observer)
        return;
    pb_buf_adds(p->b, "      ");
    if (r->id) {
        pb_buf_adds(p->b, "id ");
        pb_pen_safe(p, r->id);
    }
    if (r->observer && strcmp(r->observer, "none") == 0)
        pb_buf_addf(p->b, "%sexists only in the state", sep);
    else if (r->observer)
        pb_buf_addf(p->b, "%sobserved by %s", sep, r->observer);
    pb_buf_addc(p->b, '\n');
}

/* An empty line parts it from what is above, unless both are a single line. */
static void resource(struct pb_pen *p, const struct pb_resource_result *r, bool every, bool *alone)
{
    size_t lines = 0, start;

    if (!*alone || r->reason || r->id || r->observer)
        pb_buf_addc(p->b, '\n');
    start = p->b->len;
    resource_head(p, r);
    if (r->reason)
        pb_pen_line(p, 6, r->reason);
    where_seen(p, r);
    if (every || !is_whole(r))
        pb_pen_attributes(p, r, every);
    for (size_t i = start; i < p->b->len; i++)
        lines += p->b->s[i] == '\n';
    *alone = lines == 1;
}

void pb_pen_unit(struct pb_pen *p, const struct pb_audit *a, const struct pb_unit_result *u)
{
    pb_buf_addc(p->b, '\n');
    pb_pen_ink(p, PB_BOLD, u->config.name);
    if (*u->config.path && strcmp(u->config.path, u->config.name) != 0) {
        pb_buf_adds(p->b, "  ");
        pb_pen_safe(p, u->config.path);
    }
    pb_buf_addf(p->b, "  commit %.8s", a->commit);
    if (u->recorded.lineage)
        pb_buf_addf(p->b, "  state serial %lld", (long long)u->recorded.serial);
    else if (!u->failed)
        pb_buf_adds(p->b, "  no state yet");
    pb_buf_addc(p->b, '\n');
}

/* How many of each verdict, the worst first, and what that means. */
static void legend(struct pb_pen *p, const struct pb_unit_result *u)
{
    size_t width = 0, digits = 1, at;

    for (size_t k = 0; k < PB_NVERDICTS; k++) {
        size_t n = strlen(in_words(p, (enum pb_verdict)k)), d = 1;

        for (size_t rest = u->out.by_verdict[k]; rest > 9; rest /= 10)
            d++;
        digits = d > digits ? d : digits;
        if (u->out.by_verdict[k] && k != PB_IN_SYNC && n > width)
            width = n;
    }
    at = 4 + digits + 1 + width + 2;
    for (size_t k = PB_NVERDICTS; k-- > 0;) {
        const char *name = in_words(p, (enum pb_verdict)k);

        if (!u->out.by_verdict[k])
            continue;
        pb_buf_addf(p->b, "    %*zu ", (int)digits, u->out.by_verdict[k]);
        pb_pen_ink(p, pb_pen_style_of((enum pb_verdict)k), name);
        if (k != PB_IN_SYNC) {
            pb_buf_addf(p->b, "%*s", (int)(width + 2 - strlen(name)), "");
            pb_pen_words(p, meaning(p, (enum pb_verdict)k), at, at);
        }
        pb_buf_addc(p->b, '\n');
    }
    if (!u->out.n)
        pb_buf_adds(p->b, "    no resources\n");
}

static void unit(struct pb_pen *p, const struct pb_audit *a, const struct pb_unit_result *u)
{
    pb_pen_unit(p, a, u);
    if (u->failed) {
        pb_pen_on(p, PB_RED);
        pb_buf_adds(p->b, "    ");
        pb_pen_words(p, u->err.msg, 4, 4);
        pb_pen_off(p);
        pb_buf_addc(p->b, '\n');
        return;
    }
    legend(p, u);
    bool alone = false;
    for (size_t i = 0; i < u->out.n; i++) {
        const struct pb_resource_result *r = &u->out.v[i];
        bool differs = pb_verdicts[r->verdict].effect == PB_EFFECT_DIFFERENCE || r->also ||
                       (r->verdict == PB_UNCHECKED && r->unlooked) || r->nobodys;

        if (p->o->all || (!r->ignored && differs))
            resource(p, r, p->o->all, &alone);
    }
    pb_pen_darkness(p, u);
    if (u->baseline_saved)
        pb_buf_addf(p->b, "\n    baseline saved: %s in sync\n",
                    pb_pen_count(p, u->baseline_saved, "resource"));
}

static void diag(struct pb_pen *p, const struct pb_diag *d)
{
    size_t at = strlen(d->severity) + 2;

    pb_buf_addc(p->b, '\n');
    pb_pen_ink(p, strcmp(d->severity, "notice") != 0 ? PB_YELLOW : PB_DIM, d->severity);
    pb_buf_adds(p->b, ": ");
    if (d->address)
        pb_pen_words(p, pb_arena_printf(p->arena, "%s: %s", d->address, d->message), at, 2);
    else
        pb_pen_words(p, d->message, at, 2);
}

void pb_pen_diagnostics(struct pb_pen *p, const struct pb_audit *a)
{
    size_t start = p->b->len;

    for (size_t i = 0; i < a->nunits; i++)
        for (size_t k = 0; k < a->units[i].diags.n; k++)
            diag(p, &a->units[i].diags.v[k]);
    for (size_t i = 0; i < a->diags.n; i++)
        diag(p, &a->diags.v[i]);
    if (p->b->len > start)
        pb_buf_addc(p->b, '\n');
}

/* What has no place above without --all, though a person may be looking for it. */
static void hidden(struct pb_pen *p, const struct pb_audit *a)
{
    PB_AUTO(buf) struct pb_buf line = PB_BUF_INIT;
    size_t echoes = 0, computed = a->by_verdict[PB_COMPUTED];

    for (size_t i = 0; i < a->nunits; i++) {
        const struct pb_reconcile_out *out = &a->units[i].out;

        echoes += out->echoes;
        for (size_t k = 0; k < out->n; k++)
            computed -= out->v[k].nobodys && !out->v[k].ignored && out->v[k].verdict == PB_COMPUTED;
    }
    if (computed)
        pb_buf_addf(&line, "%zu computed", computed);
    if (a->ignored.n)
        pb_buf_adds(&line, line.len ? ", " : "");
    pb_add_ignored(&line, &a->ignored);
    if (echoes)
        pb_buf_addf(&line, "%s%zu known echo%s", line.len ? ", " : "", echoes,
                    echoes == 1 ? "" : "es");
    if (!line.len || p->o->all)
        return;
    pb_pen_words(p, pb_arena_printf(p->arena, "not shown: %s; --all shows everything", line.s), 0,
                 2);
    pb_buf_addc(p->b, '\n');
}

static void footer(struct pb_pen *p, const struct pb_audit *a)
{
    size_t requests = 0, cached = 0, ran = 0;
    const struct pb_coverage *c = &a->coverage;

    for (size_t i = 0; i < a->nunits; i++) {
        requests += a->units[i].stats.requests;
        if (a->units[i].failed)
            continue;
        cached += a->units[i].declared.from_cache;
        ran++;
    }
    pb_buf_addc(p->b, '\n');
    if (a->failed < a->nunits)
        pb_buf_addf(p->b, "coverage: %zu of %zu resources, %zu of %zu attributes observed\n",
                    c->resources_observed, c->resources_total, c->attributes_observed,
                    c->attributes_total);
    hidden(p, a);
    pb_buf_addf(p->b, "took %ld.%02ld s, %zu requests", a->elapsed_ms / 1000,
                a->elapsed_ms % 1000 / 10, requests);
    if (ran)
        pb_buf_addf(p->b, ", declared side %s",
                    cached == ran ? "from the cache"
                    : cached      ? "partly from the cache"
                                  : "planned");
    pb_buf_addf(p->b, "; exit %d\n", (int)a->exit_code);
}

/* With nothing to tell but that all is well. */
static bool is_quiet(const struct pb_unit_result *u)
{
    return !u->failed && !u->baseline_saved && u->recorded.lineage &&
           u->out.n == u->out.by_verdict[PB_IN_SYNC] + u->out.by_verdict[PB_COMPUTED];
}

/* Where units are many, those that are as they should be share a line. */
static size_t tell_quiet(struct pb_pen *p, const struct pb_audit *a, bool tell)
{
    PB_AUTO(buf) struct pb_buf names = PB_BUF_INIT;
    size_t n = 0;

    for (size_t i = 0; i < a->nunits; i++) {
        if (!is_quiet(&a->units[i]))
            continue;
        if (n++ < UNITS_NAMED)
            pb_buf_addf(&names, "%s%s", names.len ? ", " : "", a->units[i].config.name);
    }
    if (!tell || !n)
        return n;
    if (n > UNITS_NAMED)
        pb_buf_addf(&names, " and %zu more (--all)", n - UNITS_NAMED);
    pb_buf_addc(p->b, '\n');
    pb_pen_line(p, 0,
                pb_arena_printf(p->arena, "in sync: %s: %s", pb_pen_count(p, n, "unit"), names.s));
    return n;
}

void pb_report_text(struct pb_buf *b, const struct pb_audit *a, const struct pb_report_opts *o)
{
    struct pb_pen p = pb_pen_of(b, o);
    bool together;

    headline(&p, a);
    together = !o->all && tell_quiet(&p, a, false) > UNITS_EACH;
    for (size_t i = 0; i < a->nunits; i++)
        if (!together || !is_quiet(&a->units[i]))
            unit(&p, a, &a->units[i]);
    if (together)
        tell_quiet(&p, a, true);
    pb_pen_diagnostics(&p, a);
    footer(&p, a);
    pb_pen_release(&p);
}

void pb_report_resource(struct pb_buf *b, const struct pb_unit_result *u,
                        const struct pb_resource_result *r, const struct pb_report_opts *o)
{
    struct pb_pen p = pb_pen_of(b, o);

    pb_buf_addf(b, "unit %s\n\n", u->config.name);
    resource_head(&p, r);
    pb_pen_line(&p, 6, meaning_of(&p, r));
    if (r->reason)
        pb_pen_line(&p, 6,
                    r->ignored ? pb_arena_printf(p.arena, "ignored as a whole: %s", r->reason)
                               : r->reason);
    where_seen(&p, r);
    pb_pen_attributes(&p, r, true);
    pb_pen_release(&p);
}
