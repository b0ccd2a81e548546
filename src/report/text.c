/* The report for people: the line that matters first, then the evidence, coverage last. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"
#include "report/report.h"

enum { WIDTH = 100, PATH_MAX_COLS = 36, VALUE_MIN = 12, VALUE_MAX = 48 };

struct out {
    struct pb_buf *b;
    const struct pb_report_opts *o;
    int width;
};

enum style { PLAIN, BOLD, DIM, RED, YELLOW, GREEN, CYAN };

static const char *const codes[] = {"",         "\033[1m",  "\033[2m", "\033[31m",
                                    "\033[33m", "\033[32m", "\033[36m"};

static void styled(struct out *t, enum style s, const char *text)
{
    bool on = t->o->color && s != PLAIN;

    pb_buf_addf(t->b, "%s%s%s", on ? codes[s] : "", text, on ? "\033[0m" : "");
}

static void safe(struct out *t, const char *text)
{
    pb_text_add_safe(t->b, text, strlen(text));
}

static void pad(struct out *t, const char *text, size_t cols)
{
    for (size_t w = pb_text_width(text); w < cols; w++)
        pb_buf_addc(t->b, ' ');
}

static enum style style_of(enum pb_verdict v)
{
    switch (pb_verdicts[v].effect) {
    case PB_EFFECT_INCONCLUSIVE: return CYAN;
    case PB_EFFECT_DIFFERENCE: return v >= PB_LAUNDERED ? RED : YELLOW;
    case PB_EFFECT_NONE: break;
    }
    return GREEN;
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

/* "2 drifted, 1 pending of 47 resources": worst first. */
static void headline(struct out *t, const struct pb_audit *a)
{
    bool any = false;

    for (int v = PB_NVERDICTS - 1; v > PB_COMPUTED; v--) {
        char text[64];
        if (!a->by_verdict[v])
            continue;
        snprintf(text, sizeof(text), "%zu %s", a->by_verdict[v],
                 pb_verdict_name((enum pb_verdict)v));
        pb_buf_adds(t->b, any ? ", " : "");
        styled(t, style_of((enum pb_verdict)v), text);
        any = true;
    }
    if (!any && a->failed)
        styled(t, RED, "not audited");
    else if (!any)
        styled(t, GREEN, a->resources ? "plumb: everything is what Git says" : "nothing to audit");
    pb_buf_addf(t->b, "%s%zu resource%s", any ? " of " : ", ", a->resources, plural(a->resources));
    if (a->failed && a->failed != a->nunits)
        pb_buf_addf(t->b, "; %zu of %zu units could not be audited", a->failed, a->nunits);
    pb_buf_addc(t->b, '\n');
}

/* One value on one line of at most `cols` columns; a longer one ends in "…". */
static char *cell(const struct pb_value *v, bool sensitive, bool changed, size_t cols)
{
    PB_AUTO(buf) struct pb_buf raw = PB_BUF_INIT;
    struct pb_buf out = PB_BUF_INIT;
    size_t at = 0;

    if (!v || v->kind == PB_NULL)
        return pb_strdup("-");
    if (sensitive || v->kind == PB_SEALED || (v->flags & PB_V_SENSITIVE))
        return pb_strdup(changed ? "(sensitive, changed)" : "(sensitive)");
    if (v->kind == PB_UNKNOWN)
        return pb_strdup("(not known)");
    pb_json_add_redacted(&raw, v);
    pb_text_add_safe(&out, raw.s, raw.len);
    if (pb_text_width(out.s) <= cols)
        return pb_buf_detach(&out);
    while (at < out.len && at < cols - 1)
        at++;
    while (at > 0 && ((unsigned char)out.s[at] & 0xc0) == 0x80)
        at--;
    pb_buf_truncate(&out, at);
    pb_buf_adds(&out, "\xe2\x80\xa6");
    return pb_buf_detach(&out);
}

static bool shown(const struct out *t, const struct pb_attr_result *at)
{
    if (t->o->all)
        return true;
    return !at->ignored && at->verdict != PB_IN_SYNC && at->verdict != PB_UNCHECKED &&
           at->verdict != PB_COMPUTED;
}

static size_t path_cols(const struct out *t, const struct pb_resource_result *r)
{
    size_t cols = 9;

    for (size_t i = 0; i < r->nattrs; i++) {
        size_t w = shown(t, &r->attrs[i]) ? pb_text_width(r->attrs[i].path) : 0;
        if (w > cols)
            cols = w;
    }
    return cols < PATH_MAX_COLS ? cols : PATH_MAX_COLS;
}

static void attribute(struct out *t, const struct pb_attr_result *at, size_t pcols, size_t vcols)
{
    bool dr = at->verdict != PB_DRIFTED && at->verdict != PB_LAUNDERED;
    PB_AUTO(str) char *d = cell(at->declared, at->sensitive, dr && at->sensitive, vcols);
    PB_AUTO(str) char *r = cell(at->recorded, at->sensitive, false, vcols);
    PB_AUTO(str) char *l = cell(at->live, at->sensitive, !dr && at->sensitive, vcols);

    pb_buf_adds(t->b, "      ");
    safe(t, at->path);
    pad(t, at->path, pcols + 2);
    pb_buf_adds(t->b, d);
    pad(t, d, vcols + 2);
    pb_buf_adds(t->b, r);
    pad(t, r, vcols + 2);
    pb_buf_adds(t->b, l);
    pad(t, l, vcols + 2);
    styled(t, style_of(at->verdict), pb_verdict_name(at->verdict));
    if (at->reason) {
        pb_buf_adds(t->b, ": ");
        safe(t, at->reason);
    }
    pb_buf_addc(t->b, '\n');
}

static void attributes(struct out *t, const struct pb_resource_result *r)
{
    size_t pcols = path_cols(t, r), vcols, n = 0;
    long left = t->width - 6 - (long)pcols - 2 - 12;

    for (size_t i = 0; i < r->nattrs; i++)
        n += shown(t, &r->attrs[i]) ? 1 : 0;
    if (n == 0)
        return;
    vcols = left / 3 - 2 < VALUE_MIN   ? VALUE_MIN
            : left / 3 - 2 > VALUE_MAX ? VALUE_MAX
                                       : (size_t)(left / 3 - 2);
    PB_AUTO(str)
    char *head = pb_asprintf("      %-*s%-*s%-*s%s\n", (int)pcols + 2, "attribute", (int)vcols + 2,
                             "declared", (int)vcols + 2, "recorded", "live");
    styled(t, DIM, head);
    for (size_t i = 0; i < r->nattrs; i++)
        if (shown(t, &r->attrs[i]))
            attribute(t, &r->attrs[i], pcols, vcols);
}

static bool resource_shown(const struct out *t, const struct pb_resource_result *r)
{
    if (t->o->all)
        return true;
    return !r->ignored && r->verdict > PB_COMPUTED && r->verdict != PB_UNOBSERVED;
}

static void resource(struct out *t, const struct pb_resource_result *r)
{
    const char *name = pb_verdict_name(r->verdict);

    pb_buf_adds(t->b, "\n  ");
    styled(t, style_of(r->verdict), name);
    pad(t, name, 12);
    PB_AUTO(buf) struct pb_buf address = PB_BUF_INIT;
    pb_text_add_safe(&address, r->address, strlen(r->address));
    styled(t, BOLD, address.s);
    if (r->id) {
        pb_buf_adds(t->b, "  (");
        safe(t, r->id);
        pb_buf_addc(t->b, ')');
    }
    pb_buf_addc(t->b, '\n');
    if (r->ignored || r->reason) {
        pb_buf_adds(t->b, r->ignored ? "      ignored: " : "      ");
        safe(t, r->reason ? r->reason : "by configuration");
        pb_buf_addc(t->b, '\n');
    }
    if (r->verdict == PB_PENDING && r->action > PB_ACT_NONE)
        pb_buf_addf(t->b, "      an apply would %s it\n", pb_action_name(r->action));
    else if (pb_verdicts[r->verdict].effect == PB_EFFECT_DIFFERENCE)
        pb_buf_addf(t->b, "      an apply would: %s\n", pb_verdicts[r->verdict].apply_would);
    attributes(t, r);
}

/* What could not be observed, by reason: one line of reason, then the addresses. */
static void unobserved(struct out *t, const struct pb_unit_result *u)
{
    PB_AUTO(map) struct pb_map seen = PB_MAP_INIT;

    for (size_t i = 0; i < u->out.n && !t->o->all; i++) {
        const struct pb_resource_result *r = &u->out.v[i];
        const char *why = r->reason ? r->reason : "no reason given";
        if (r->verdict != PB_UNOBSERVED || r->ignored || pb_map_has(&seen, why))
            continue;
        pb_map_put(&seen, why, NULL);
        pb_buf_adds(t->b, "\n  ");
        styled(t, CYAN, "unobserved");
        pb_buf_adds(t->b, "  ");
        safe(t, why);
        pb_buf_addc(t->b, '\n');
        for (size_t j = i; j < u->out.n; j++) {
            const struct pb_resource_result *o = &u->out.v[j];
            if (o->verdict != PB_UNOBSERVED || o->ignored ||
                !pb_streq(o->reason ? o->reason : "no reason given", why))
                continue;
            pb_buf_adds(t->b, "              ");
            safe(t, o->address);
            pb_buf_addc(t->b, '\n');
        }
    }
}

static void diagnostics(struct out *t, const struct pb_diags *d)
{
    for (size_t i = 0; i < d->n; i++) {
        const struct pb_diag *g = &d->v[i];
        pb_buf_adds(t->b, "  ");
        styled(t, strcmp(g->severity, "error") == 0 ? RED : YELLOW, g->severity);
        pb_buf_adds(t->b, ": ");
        if (g->address) {
            safe(t, g->address);
            pb_buf_adds(t->b, ": ");
        }
        safe(t, g->message);
        pb_buf_addc(t->b, '\n');
    }
}

static void unit(struct out *t, const struct pb_audit *a, const struct pb_unit_result *u)
{
    pb_buf_addc(t->b, '\n');
    styled(t, BOLD, u->config.name);
    pb_buf_addf(t->b, "  %s  commit %.12s", u->engine ? u->engine : "?", a->commit);
    if (u->recorded.lineage)
        pb_buf_addf(t->b, "  state serial %" PRId64, u->recorded.serial);
    else if (!u->failed)
        pb_buf_adds(t->b, "  no state yet");
    pb_buf_addc(t->b, '\n');
    if (u->failed) {
        pb_buf_adds(t->b, "  ");
        styled(t, RED, "error");
        pb_buf_adds(t->b, ": ");
        safe(t, u->err.msg);
        pb_buf_addc(t->b, '\n');
    }
    diagnostics(t, &u->diags);
    for (int v = PB_NVERDICTS - 1; v >= 0; v--)
        for (size_t i = 0; i < u->out.n; i++)
            if (u->out.v[i].verdict == (enum pb_verdict)v && resource_shown(t, &u->out.v[i]))
                resource(t, &u->out.v[i]);
    unobserved(t, u);
}

static void coverage(struct out *t, const struct pb_audit *a)
{
    const struct pb_coverage *c = &a->coverage;
    size_t requests = 0;

    for (size_t i = 0; i < a->nunits; i++)
        requests += a->units[i].stats.requests;
    pb_buf_addf(t->b,
                "\ncoverage: %zu of %zu resources and %zu of %zu attributes observed; %zu "
                "request%s, %ld.%ld s\n",
                c->resources_observed, c->resources_total, c->attributes_observed,
                c->attributes_total, requests, plural(requests), a->elapsed_ms / 1000,
                a->elapsed_ms % 1000 / 100);
}

void pb_report_text(struct pb_buf *b, const struct pb_audit *a, const struct pb_report_opts *o)
{
    struct out t = {b, o, o->width > 0 ? o->width : WIDTH};

    headline(&t, a);
    diagnostics(&t, &a->diags);
    for (size_t i = 0; i < a->nunits; i++)
        unit(&t, a, &a->units[i]);
    coverage(&t, a);
}
