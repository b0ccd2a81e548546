/* The report for people: the one line that matters, then the evidence. */
#include "report/report.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "report/cell.h"

#include <stdlib.h>
#include <string.h>

enum { REASON_ADDRESSES = 5, WIDTH = 100, WIDTH_MIN = 60 };

struct pen {
    struct pb_buf *b;
    const struct pb_report_opts *o;
    size_t width;
    struct pb_arena *arena;
};

static const char bold[] = "1", dim[] = "2", red[] = "31", green[] = "32", yellow[] = "33",
                  blue[] = "34", magenta[] = "35";

static void safe(struct pb_buf *b, const char *s)
{
    pb_text_add_safe(b, s, strlen(s));
}

static void ink(struct pen *p, const char *style, const char *s)
{
    if (p->o->color)
        pb_buf_addf(p->b, "\033[%sm", style);
    safe(p->b, s);
    if (p->o->color)
        pb_buf_adds(p->b, "\033[0m");
}

static const char *style_of(enum pb_verdict v)
{
    switch (v) {
    case PB_IN_SYNC:
    case PB_CONVERGED: return green;
    case PB_PENDING: return blue;
    case PB_DRIFTED:
    case PB_LAUNDERED:
    case PB_MISSING:
    case PB_CONFLICT: return red;
    case PB_UNKNOWN_V:
    case PB_UNOBSERVED: return magenta;
    case PB_STALE_RECORD:
    case PB_UNMANAGED: return yellow;
    default: return dim;
    }
}

/* "2 drifted, 1 pending" of those verdicts that `effect` says; -1: all. */
static size_t counts(struct pb_buf *b, const size_t by[PB_NVERDICTS], int effect)
{
    size_t n = 0;
    bool first = true;

    for (size_t k = PB_NVERDICTS; k-- > 0;) {
        if (!by[k] || (effect >= 0 && (int)pb_verdicts[k].effect != effect))
            continue;
        pb_buf_addf(b, "%s%zu ", first ? "" : ", ", by[k]);
        for (const char *s = pb_verdicts[k].name; *s; s++)
            pb_buf_addc(b, *s == '_' ? ' ' : *s);
        n += by[k];
        first = false;
    }
    return n;
}

static void headline(struct pen *p, const struct pb_audit *a)
{
    PB_AUTO(buf) struct pb_buf line = PB_BUF_INIT, list = PB_BUF_INIT, dark = PB_BUF_INIT;
    size_t sum[PB_NVERDICTS], differ, unknown;
    const char *style = green;

    for (size_t i = 0; i < PB_NVERDICTS; i++)
        sum[i] = a->by_verdict[i] + a->also[i];
    differ = counts(&list, sum, PB_EFFECT_DIFFERENCE);
    unknown = counts(&dark, sum, PB_EFFECT_INCONCLUSIVE);
    if (a->failed) {
        pb_buf_addf(&line, "error: %zu of %zu units could not be audited; ", a->failed, a->nunits);
        style = red;
    }
    if (differ) {
        pb_buf_addf(&line, "not plumb: %zu of %zu resources differ from Git: %s", differ,
                    a->resources, list.s);
        style = red;
    } else if (unknown) {
        pb_buf_addf(&line, "inconclusive: nothing differs in what was seen");
        style = a->failed ? red : magenta;
    } else if (!a->failed) {
        pb_buf_addf(&line, "plumb: all %zu resources are what Git says", a->resources);
    } else if (a->failed < a->nunits) {
        pb_buf_addf(&line, "the %zu resources of the others are what Git says", a->resources);
    } else {
        pb_buf_truncate(&line, line.len - 2);
    }
    if (unknown)
        pb_buf_addf(&line, "; %zu could not be observed in full", unknown);
    ink(p, style, line.s);
    pb_buf_addc(p->b, '\n');
}

static void pad(struct pb_buf *b, const char *s, size_t width)
{
    size_t w = pb_text_width(s);

    pb_buf_adds(b, s);
    if (w < width)
        pb_buf_addf(b, "%*s", (int)(width - w), "");
}

static size_t widest(size_t w, const char *s)
{
    size_t n = pb_text_width(s);

    return n > w ? n : w;
}

static const char *const heads[PB_NCELLS] = {"declared", "recorded", "live"};

static void table(struct pen *p, const struct pb_rows *rows, const size_t w[2 + PB_NCELLS])
{
    pb_buf_adds(p->b, "      ");
    pad(p->b, "attribute", w[0] + 2);
    pad(p->b, "verdict", w[1] + 2);
    for (int k = 0; k < PB_NCELLS - 1; k++)
        pad(p->b, heads[k], w[2 + k] + 2);
    pb_buf_addf(p->b, "%s\n", heads[PB_NCELLS - 1]);
    for (size_t i = 0; i < rows->n; i++) {
        const struct pb_row *r = &rows->v[i];

        pb_buf_adds(p->b, "      ");
        pad(p->b, r->path, w[0] + 2);
        pad(p->b, r->verdict, w[1] + 2);
        for (int k = 0; k < PB_NCELLS - 1; k++)
            pad(p->b, r->cell[k], w[2 + k] + 2);
        pb_buf_addf(p->b, "%s\n", r->cell[PB_NCELLS - 1]);
        if (r->reason)
            pb_buf_addf(p->b, "        %s\n", r->reason);
    }
}

/* When the values are too wide for columns: one under the other. */
static void stack(struct pen *p, const struct pb_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++) {
        const struct pb_row *r = &rows->v[i];

        pb_buf_addf(p->b, "      %s  %s\n", r->path, r->verdict);
        for (int k = 0; k < PB_NCELLS; k++) {
            pb_buf_addf(p->b, "        %-9s ", heads[k]);
            pb_cell_fit(p->b, r->cell[k], p->width - 18);
            pb_buf_addc(p->b, '\n');
        }
        if (r->reason)
            pb_buf_addf(p->b, "        %s\n", r->reason);
    }
}

static void attributes(struct pen *p, const struct pb_resource_result *r, bool every)
{
    struct pb_rows rows = {0};
    size_t w[2 + PB_NCELLS] = {9, 7, 8, 8, 4}, total = 6;

    for (size_t i = 0; i < r->nattrs; i++) {
        const struct pb_attr_result *at = &r->attrs[i];
        bool quiet = pb_verdicts[at->verdict].effect == PB_EFFECT_NONE || at->ignored;

        if (every || !quiet)
            pb_rows_add(&rows, p->arena, at);
    }
    for (size_t i = 0; i < rows.n; i++) {
        w[0] = widest(w[0], rows.v[i].path);
        w[1] = widest(w[1], rows.v[i].verdict);
        for (int k = 0; k < PB_NCELLS; k++)
            w[2 + k] = widest(w[2 + k], rows.v[i].cell[k]);
    }
    for (size_t k = 0; k < PB_COUNT(w); k++)
        total += w[k] + 2;
    if (rows.n && total <= p->width + 2)
        table(p, &rows, w);
    else
        stack(p, &rows);
    pb_rows_release(&rows);
}

static bool is_whole(const struct pb_resource_result *r)
{
    return r->action == PB_ACT_CREATE || r->action == PB_ACT_DELETE || r->action == PB_ACT_FORGET ||
           r->verdict == PB_MISSING;
}

static void resource(struct pen *p, const struct pb_resource_result *r, bool every)
{
    const struct pb_verdict_row *v = &pb_verdicts[r->verdict];

    pb_buf_adds(p->b, "\n    ");
    ink(p, bold, r->address);
    pb_buf_adds(p->b, "  ");
    ink(p, style_of(r->verdict), v->name);
    if (r->also) {
        pb_buf_adds(p->b, ", ");
        ink(p, style_of(r->also), pb_verdict_name(r->also));
    }
    if (r->ignored)
        pb_buf_adds(p->b, " (ignored)");
    pb_buf_adds(p->b, "\n      ");
    pb_buf_adds(p->b, v->meaning);
    if ((r->verdict == PB_PENDING || r->also == PB_PENDING) && r->action != PB_ACT_NONE &&
        r->action != PB_ACT_UNKNOWN)
        pb_buf_addf(p->b, "; an apply would %s it", pb_action_name(r->action));
    else if (r->verdict != PB_IN_SYNC)
        pb_buf_addf(p->b, "; an apply would: %s", v->apply_would);
    pb_buf_addc(p->b, '\n');
    if (r->reason) {
        pb_buf_adds(p->b, "      ");
        safe(p->b, r->reason);
        pb_buf_addc(p->b, '\n');
    }
    if (r->id || r->observer) {
        pb_buf_adds(p->b, "      ");
        if (r->id) {
            pb_buf_adds(p->b, "id ");
            safe(p->b, r->id);
        }
        if (r->observer && strcmp(r->observer, "none") == 0)
            pb_buf_addf(p->b, "%sexists only in the state", r->id ? ", " : "");
        else if (r->observer)
            pb_buf_addf(p->b, "%sobserved by %s", r->id ? ", " : "", r->observer);
        pb_buf_addc(p->b, '\n');
    }
    if (every || !is_whole(r))
        attributes(p, r, every);
}

static bool is_dark(enum pb_verdict v)
{
    return pb_verdicts[v].effect == PB_EFFECT_INCONCLUSIVE;
}

static const char *dark_reason(const struct pb_resource_result *r)
{
    if (r->reason)
        return r->reason;
    for (size_t i = 0; i < r->nattrs; i++)
        if (is_dark(r->attrs[i].verdict) && r->attrs[i].reason)
            return r->attrs[i].reason;
    return "no reason was given";
}

static const char *remedy(const char *reason)
{
    static const struct {
        const char *part, *what;
    } table_[] = {
        {"no pack for type", "write a pack: schemas/observers/README.md tells how"},
        {"credential", "'plumb doctor' shows which credentials are used"},
        {"403", "the credentials may not read it: 'plumb doctor' shows which are used"},
        {"denied", "the credentials may not read it: 'plumb doctor' shows which are used"},
        {"401", "the credentials are refused: 'plumb doctor' shows which are used"},
        {"429", "the provider limits requests: lower 'observe.concurrency' in plumb.yaml"},
        {"throttl", "the provider limits requests: lower 'observe.concurrency' in plumb.yaml"},
        {"time", "raise 'observe.timeout' in plumb.yaml, or try again"},
        {"region", "name the region under 'providers' of the unit in plumb.yaml"},
    };

    for (size_t i = 0; i < PB_COUNT(table_); i++)
        if (strstr(reason, table_[i].part))
            return table_[i].what;
    return "try again; 'plumb explain ADDRESS' shows more";
}

static void dark_group(struct pen *p, const struct pb_unit_result *u, const char *reason, size_t n)
{
    size_t shown = 0;

    pb_buf_addf(p->b, "      %zu: ", n);
    safe(p->b, reason);
    pb_buf_addc(p->b, '\n');
    for (size_t i = 0; i < u->out.n && (p->o->all || shown < REASON_ADDRESSES); i++) {
        const struct pb_resource_result *r = &u->out.v[i];

        if (r->ignored || !is_dark(r->verdict) || strcmp(dark_reason(r), reason) != 0)
            continue;
        pb_buf_adds(p->b, "        ");
        safe(p->b, r->address);
        pb_buf_addc(p->b, '\n');
        shown++;
    }
    if (shown < n)
        pb_buf_addf(p->b, "        and %zu more (--all)\n", n - shown);
    pb_buf_addf(p->b, "        -> %s\n", remedy(reason));
}

static void darkness(struct pen *p, const struct pb_unit_result *u)
{
    PB_AUTO(map) struct pb_map reasons = PB_MAP_INIT;

    for (size_t i = 0; i < u->out.n; i++) {
        const struct pb_resource_result *r = &u->out.v[i];
        const char *why = dark_reason(r);

        if (r->ignored || !is_dark(r->verdict))
            continue;
        pb_map_put(&reasons, why, (void *)((uintptr_t)pb_map_get(&reasons, why) + 1));
    }
    if (!reasons.n)
        return;
    pb_buf_adds(p->b, "\n    ");
    ink(p, magenta, "could not be observed");
    pb_buf_addc(p->b, '\n');
    for (size_t i = 0; i < reasons.n; i++)
        dark_group(p, u, reasons.e[i].key, (size_t)(uintptr_t)reasons.e[i].value);
}

static void unit_head(struct pen *p, const struct pb_audit *a, const struct pb_unit_result *u)
{
    pb_buf_addc(p->b, '\n');
    ink(p, bold, u->config.name);
    if (*u->config.path && strcmp(u->config.path, u->config.name) != 0) {
        pb_buf_adds(p->b, "  ");
        safe(p->b, u->config.path);
    }
    pb_buf_addf(p->b, "  commit %.8s", a->commit);
    if (u->recorded.lineage)
        pb_buf_addf(p->b, "  state serial %lld", (long long)u->recorded.serial);
    else if (!u->failed)
        pb_buf_adds(p->b, "  no state yet");
    pb_buf_addc(p->b, '\n');
}

static void unit(struct pen *p, const struct pb_audit *a, const struct pb_unit_result *u)
{
    PB_AUTO(buf) struct pb_buf list = PB_BUF_INIT;

    unit_head(p, a, u);
    if (u->failed) {
        pb_buf_adds(p->b, "    ");
        ink(p, red, u->err.msg);
        pb_buf_addc(p->b, '\n');
        return;
    }
    counts(&list, u->out.by_verdict, -1);
    pb_buf_addf(p->b, "    %s\n", list.len ? list.s : "no resources");
    for (size_t i = 0; i < u->out.n; i++) {
        const struct pb_resource_result *r = &u->out.v[i];

        bool differs = pb_verdicts[r->verdict].effect == PB_EFFECT_DIFFERENCE || r->also;

        if (p->o->all || (!r->ignored && differs))
            resource(p, r, p->o->all);
    }
    darkness(p, u);
    if (u->baseline_saved)
        pb_buf_addf(p->b, "\n    baseline saved: %zu resources that are in sync\n",
                    u->baseline_saved);
}

static void diag(struct pen *p, const struct pb_diag *d)
{
    bool loud = strcmp(d->severity, "notice") != 0;

    pb_buf_adds(p->b, "\n");
    ink(p, loud ? yellow : dim, d->severity);
    pb_buf_adds(p->b, ": ");
    if (d->address) {
        safe(p->b, d->address);
        pb_buf_adds(p->b, ": ");
    }
    safe(p->b, d->message);
}

static void diagnostics(struct pen *p, const struct pb_audit *a)
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

static void footer(struct pen *p, const struct pb_audit *a)
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
    pb_buf_addf(p->b, "\ncoverage: %zu of %zu resources, %zu of %zu attributes observed\n",
                c->resources_observed, c->resources_total, c->attributes_observed,
                c->attributes_total);
    pb_buf_addf(p->b, "took %ld.%02ld s, %zu requests", a->elapsed_ms / 1000,
                a->elapsed_ms % 1000 / 10, requests);
    if (ran)
        pb_buf_addf(p->b, ", declared side %s",
                    cached == ran ? "from the cache"
                    : cached      ? "partly from the cache"
                                  : "planned");
    pb_buf_addf(p->b, "; exit %d\n", (int)a->exit_code);
}

static struct pen pen_of(struct pb_buf *b, const struct pb_report_opts *o)
{
    size_t w = o->width > 0 ? (size_t)o->width : WIDTH;

    return (struct pen){b, o, w < WIDTH_MIN ? WIDTH_MIN : w, pb_arena_new()};
}

void pb_report_text(struct pb_buf *b, const struct pb_audit *a, const struct pb_report_opts *o)
{
    struct pen p = pen_of(b, o);

    headline(&p, a);
    for (size_t i = 0; i < a->nunits; i++)
        unit(&p, a, &a->units[i]);
    diagnostics(&p, a);
    footer(&p, a);
    pb_arena_free(p.arena);
}

void pb_report_resource(struct pb_buf *b, const struct pb_unit_result *u,
                        const struct pb_resource_result *r, const struct pb_report_opts *o)
{
    struct pen p = pen_of(b, o);

    (void)u;
    pb_buf_addf(b, "unit %s", u->config.name);
    resource(&p, r, true);
    pb_arena_free(p.arena);
}
