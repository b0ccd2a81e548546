#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "model/json.h"
#include "report/report.h"

static void string(struct pb_buf *b, const char *s)
{
    if (s)
        pb_json_add_string(b, s, strlen(s));
    else
        pb_buf_adds(b, "null");
}

static void member(struct pb_buf *b, const char *name, const char *s)
{
    pb_buf_addf(b, ",\"%s\":", name);
    string(b, s);
}

static void value(struct pb_buf *b, const char *name, const struct pb_value *v, bool sensitive)
{
    pb_buf_addf(b, ",\"%s\":", name);
    if (!v || v->kind == PB_NULL)
        pb_buf_adds(b, "null");
    else if (sensitive || v->kind == PB_SEALED)
        pb_buf_adds(b, "\"(sensitive)\"");
    else if (v->kind == PB_UNKNOWN)
        pb_buf_adds(b, "\"(unknown)\"");
    else
        pb_json_add_redacted(b, v);
}

static void attribute(struct pb_buf *b, const struct pb_attr_result *r)
{
    pb_buf_adds(b, "{\"path\":");
    string(b, r->path);
    member(b, "verdict", pb_verdict_name(r->verdict));
    value(b, "declared", r->declared, r->sensitive);
    value(b, "recorded", r->recorded, r->sensitive);
    value(b, "live", r->live, r->sensitive);
    pb_buf_addf(b, ",\"sensitive\":%s", r->sensitive ? "true" : "false");
    member(b, "reason", r->reason);
    pb_buf_addf(b, ",\"ignored\":%s}", r->ignored ? "true" : "false");
}

static void resource(struct pb_buf *b, const struct pb_resource_result *r, bool all)
{
    bool first = true;

    pb_buf_adds(b, "{\"address\":");
    string(b, r->address);
    member(b, "type", r->type);
    member(b, "id", r->id);
    member(b, "verdict", pb_verdict_name(r->verdict));
    member(b, "action", pb_action_name(r->action));
    member(b, "observer", r->observer);
    member(b, "reason", r->reason);
    pb_buf_addf(b, ",\"ignored\":%s,\"attributes\":[", r->ignored ? "true" : "false");
    for (size_t i = 0; i < r->nattrs; i++) {
        const struct pb_attr_result *at = &r->attrs[i];
        if (!all && (at->ignored || at->verdict == PB_IN_SYNC || at->verdict == PB_UNCHECKED))
            continue;
        if (!first)
            pb_buf_addc(b, ',');
        first = false;
        attribute(b, at);
    }
    pb_buf_adds(b, "]}");
}

static void diagnostics(struct pb_buf *b, const struct pb_diags *d, const char *unit, bool *first)
{
    for (size_t i = 0; i < d->n; i++) {
        pb_buf_adds(b, *first ? "{\"severity\":" : ",{\"severity\":");
        *first = false;
        string(b, d->v[i].severity);
        member(b, "code", d->v[i].code);
        member(b, "message", d->v[i].message);
        member(b, "address", d->v[i].address);
        member(b, "unit", unit);
        pb_buf_addc(b, '}');
    }
}

static void unit(struct pb_buf *b, const struct pb_audit *a, const struct pb_unit_result *u,
                 bool all)
{
    pb_buf_adds(b, "{\"name\":");
    string(b, u->config.name);
    member(b, "path", u->config.path);
    member(b, "engine", u->engine);
    member(b, "commit", a->commit);
    member(b, "error", u->failed ? u->err.msg : NULL);
    pb_buf_adds(b, ",\"state\":{\"lineage\":");
    string(b, u->recorded.lineage);
    pb_buf_addf(b, ",\"serial\":%" PRId64, u->recorded.serial);
    member(b, "sha256", u->recorded.sha256[0] ? u->recorded.sha256 : NULL);
    pb_buf_adds(b, "},\"resources\":[");
    for (size_t i = 0; i < u->out.n; i++) {
        if (i)
            pb_buf_addc(b, ',');
        resource(b, &u->out.v[i], all);
    }
    pb_buf_adds(b, "],\"unmanaged\":[]}");
}

static void summary(struct pb_buf *b, const struct pb_audit *a)
{
    bool first = true;

    pb_buf_addf(b, "\"summary\":{\"units\":%zu,\"resources\":%zu,\"by_verdict\":{", a->nunits,
                a->resources);
    for (size_t v = 0; v < PB_NVERDICTS; v++) {
        if (!a->by_verdict[v])
            continue;
        pb_buf_addf(b, "%s\"%s\":%zu", first ? "" : ",", pb_verdict_name((enum pb_verdict)v),
                    a->by_verdict[v]);
        first = false;
    }
    pb_buf_addf(b,
                "},\"coverage\":{\"resources_observed\":%zu,\"resources_total\":%zu,"
                "\"attributes_observed\":%zu,\"attributes_total\":%zu},\"exit_code\":%d}",
                a->coverage.resources_observed, a->coverage.resources_total,
                a->coverage.attributes_observed, a->coverage.attributes_total, (int)a->exit_code);
}

void pb_report_json(struct pb_buf *b, const struct pb_audit *a, const struct pb_report_opts *o)
{
    char at[PB_CLOCK_RFC3339];
    bool first = true;

    pb_clock_rfc3339(at, a->started_at);
    pb_buf_adds(b, "{\"format_version\":\"1.0\"");
    member(b, "plumb_version", o->version);
    member(b, "started_at", at);
    pb_buf_addf(b, ",\"duration_ms\":%ld,", a->elapsed_ms);
    summary(b, a);
    pb_buf_adds(b, ",\"units\":[");
    for (size_t i = 0; i < a->nunits; i++) {
        if (i)
            pb_buf_addc(b, ',');
        unit(b, a, &a->units[i], o->all);
    }
    pb_buf_adds(b, "],\"diagnostics\":[");
    diagnostics(b, &a->diags, NULL, &first);
    for (size_t i = 0; i < a->nunits; i++)
        diagnostics(b, &a->units[i].diags, a->units[i].config.name, &first);
    pb_buf_adds(b, "]}\n");
}
