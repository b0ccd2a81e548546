/* The stable JSON report; schemas/report.schema.json is its contract. */
#include "report/put.h"

#include "base/clock.h"
#include "model/json.h"

#include <string.h>

void pb_put_string(struct pb_buf *b, const char *s)
{
    if (s)
        pb_json_add_string(b, s, strlen(s));
    else
        pb_buf_adds(b, "null");
}

void pb_put_key(struct pb_buf *b, const char *name)
{
    pb_buf_addf(b, ",\"%s\":", name);
}

void pb_put_member(struct pb_buf *b, const char *name, const char *s)
{
    pb_put_key(b, name);
    pb_put_string(b, s);
}

void pb_put_value(struct pb_buf *b, const struct pb_value *v, bool sensitive)
{
    if (!v)
        pb_buf_adds(b, "null");
    else if (sensitive)
        pb_buf_adds(b, "\"(sensitive)\"");
    else
        pb_json_add_redacted(b, v);
}

static void attribute(struct pb_buf *b, const struct pb_attr_result *a)
{
    pb_buf_adds(b, "{\"path\":");
    pb_put_string(b, a->path);
    pb_put_key(b, "verdict");
    pb_put_string(b, pb_verdict_name(a->verdict));
    pb_put_key(b, "declared");
    pb_put_value(b, a->declared, a->sensitive);
    pb_put_key(b, "recorded");
    pb_put_value(b, a->recorded, a->sensitive);
    pb_put_key(b, "live");
    pb_put_value(b, a->live, a->sensitive);
    if (a->has_baseline) {
        pb_put_key(b, "baseline");
        pb_put_value(b, a->baseline, a->sensitive);
    }
    pb_put_key(b, "sensitive");
    pb_buf_adds(b, a->sensitive ? "true" : "false");
    if (a->reason) {
        pb_put_key(b, "reason");
        pb_put_string(b, a->reason);
    }
    if (a->ignored)
        pb_buf_adds(b, ",\"ignored\":true");
    pb_buf_addc(b, '}');
}

void pb_put_attributes(struct pb_buf *b, const struct pb_resource_result *r, bool all)
{
    size_t n = 0;

    pb_buf_addc(b, '[');
    for (size_t i = 0; i < r->nattrs; i++) {
        const struct pb_attr_result *a = &r->attrs[i];

        if (!all && (a->verdict == PB_IN_SYNC || a->verdict == PB_UNCHECKED || a->ignored))
            continue;
        if (n++)
            pb_buf_addc(b, ',');
        attribute(b, a);
    }
    pb_buf_addc(b, ']');
}

static void resource(struct pb_buf *b, const struct pb_resource_result *r, bool all)
{
    pb_buf_adds(b, "{\"address\":");
    pb_put_string(b, r->address);
    pb_put_key(b, "type");
    pb_put_string(b, r->type);
    pb_put_key(b, "id");
    pb_put_string(b, r->id);
    pb_put_key(b, "verdict");
    pb_put_string(b, pb_verdict_name(r->verdict));
    if (r->also) {
        pb_put_key(b, "also");
        pb_put_string(b, pb_verdict_name(r->also));
    }
    pb_put_key(b, "action");
    pb_put_string(b, pb_action_name(r->action));
    pb_put_key(b, "observer");
    pb_put_string(b, r->observer);
    pb_put_key(b, "reason");
    pb_put_string(b, r->reason);
    if (r->ignored)
        pb_buf_adds(b, ",\"ignored\":true");
    pb_put_key(b, "attributes");
    pb_put_attributes(b, r, all);
    pb_buf_addc(b, '}');
}

static void state(struct pb_buf *b, const struct pb_recorded_set *s)
{
    if (!s->lineage && !s->sha256[0]) {
        pb_buf_adds(b, "null");
        return;
    }
    pb_buf_adds(b, "{\"lineage\":");
    pb_put_string(b, s->lineage);
    pb_buf_addf(b, ",\"serial\":%lld,\"sha256\":\"%s\"}", (long long)s->serial, s->sha256);
}

/* Those that nobody manages, or the others. */
static void resources(struct pb_buf *b, const struct pb_unit_result *u, bool unmanaged, bool all)
{
    const char *sep = "\n";

    for (size_t i = 0; !u->failed && i < u->out.n; i++) {
        const struct pb_resource_result *r = &u->out.v[i];

        if ((r->verdict == PB_UNMANAGED) != unmanaged || (r->ignored && !all))
            continue;
        pb_buf_adds(b, sep);
        sep = ",\n";
        resource(b, r, all);
    }
}

static void unit(struct pb_buf *b, const struct pb_audit *a, const struct pb_unit_result *u,
                 bool all)
{
    pb_buf_adds(b, "{\"name\":");
    pb_put_string(b, u->config.name);
    pb_put_key(b, "path");
    pb_put_string(b, u->config.path);
    pb_put_key(b, "engine");
    pb_put_string(b, u->engine);
    pb_put_key(b, "commit");
    pb_put_string(b, a->commit);
    pb_put_key(b, "state");
    state(b, &u->recorded);
    if (u->failed) {
        pb_put_key(b, "error");
        pb_put_string(b, u->err.msg);
    }
    pb_buf_adds(b, ",\"resources\":[");
    resources(b, u, false, all);
    pb_buf_adds(b, "],\"unmanaged\":[");
    resources(b, u, true, all);
    pb_buf_adds(b, "]}");
}

static void diag(struct pb_buf *b, size_t *n, const char *unit_name, const struct pb_diag *d)
{
    pb_buf_adds(b, (*n)++ ? ",\n{\"severity\":" : "\n{\"severity\":");
    pb_put_string(b, d->severity);
    pb_put_key(b, "code");
    pb_put_string(b, d->code);
    pb_put_key(b, "message");
    pb_put_string(b, d->message);
    pb_put_key(b, "address");
    pb_put_string(b, d->address);
    if (unit_name) {
        pb_put_key(b, "unit");
        pb_put_string(b, unit_name);
    }
    pb_buf_addc(b, '}');
}

void pb_put_diagnostics(struct pb_buf *b, const struct pb_audit *a)
{
    size_t n = 0;

    for (size_t i = 0; i < a->nunits; i++) {
        const struct pb_unit_result *u = &a->units[i];
        struct pb_diag failed = {"error", "unit-failed", u->err.msg, NULL};

        if (u->failed)
            diag(b, &n, u->config.name, &failed);
        for (size_t k = 0; k < u->diags.n; k++)
            diag(b, &n, u->config.name, &u->diags.v[k]);
    }
    for (size_t i = 0; i < a->diags.n; i++)
        diag(b, &n, NULL, &a->diags.v[i]);
}

static void summary(struct pb_buf *b, const struct pb_audit *a)
{
    const char *sep = "";

    pb_buf_addf(b, ",\n\"summary\":{\"units\":%zu,\"resources\":%zu,\"by_verdict\":{", a->nunits,
                a->resources);
    for (size_t i = 0; i < PB_NVERDICTS; i++) {
        if (!pb_verdicts[i].for_resource)
            continue;
        pb_buf_addf(b, "%s\"%s\":%zu", sep, pb_verdicts[i].name, a->by_verdict[i]);
        sep = ",";
    }
    pb_buf_addf(b,
                "},\"coverage\":{\"resources_observed\":%zu,\"resources_total\":%zu,"
                "\"attributes_observed\":%zu,\"attributes_total\":%zu},"
                "\"ignored_attributes\":%zu,\"exit_code\":%d}",
                a->coverage.resources_observed, a->coverage.resources_total,
                a->coverage.attributes_observed, a->coverage.attributes_total, a->ignored.n,
                (int)a->exit_code);
}

void pb_report_json(struct pb_buf *b, const struct pb_audit *a, const struct pb_report_opts *o)
{
    char now[PB_CLOCK_RFC3339];

    pb_clock_rfc3339(now, a->started_at);
    pb_buf_adds(b, "{\"format_version\":\"1.0\",\"plumb_version\":");
    pb_put_string(b, o->version);
    pb_buf_addf(b, ",\"started_at\":\"%s\",\"duration_ms\":%ld", now, a->elapsed_ms);
    summary(b, a);
    pb_buf_adds(b, ",\n\"units\":[");
    for (size_t i = 0; i < a->nunits; i++) {
        pb_buf_adds(b, i ? ",\n" : "\n");
        unit(b, a, &a->units[i], o->all);
    }
    pb_buf_adds(b, "],\n\"diagnostics\":[");
    pb_put_diagnostics(b, a);
    pb_buf_adds(b, "]}\n");
}

static void live_one(struct pb_buf *b, const struct pb_live *l, const struct pb_recorded *r)
{
    static const char *const names[] = {"unknown", "known", "absent"};

    pb_buf_adds(b, "{\"address\":");
    pb_put_string(b, l->address);
    pb_put_key(b, "type");
    pb_put_string(b, r ? r->type : NULL);
    pb_put_key(b, "id");
    pb_put_string(b, r ? r->id : NULL);
    pb_put_key(b, "presence");
    pb_put_string(b, names[l->presence]);
    pb_put_key(b, "observer");
    pb_put_string(b, l->observer);
    pb_put_key(b, "reason");
    pb_put_string(b, l->reason);
    pb_put_key(b, "attributes");
    pb_put_value(b, l->attributes, false);
    pb_buf_addc(b, '}');
}

void pb_report_live(struct pb_buf *b, const struct pb_audit *a)
{
    pb_buf_adds(b, "{\"format_version\":\"1.0\",\"units\":[");
    for (size_t i = 0; i < a->nunits; i++) {
        const struct pb_unit_result *u = &a->units[i];

        pb_buf_adds(b, i ? ",\n{\"name\":" : "\n{\"name\":");
        pb_put_string(b, u->config.name);
        pb_put_key(b, "error");
        pb_put_string(b, u->failed ? u->err.msg : NULL);
        pb_buf_adds(b, ",\"resources\":[");
        for (size_t k = 0; !u->failed && k < u->live.n; k++) {
            pb_buf_adds(b, k ? ",\n" : "\n");
            live_one(b, &u->live.v[k], pb_recorded_find(&u->recorded, u->live.v[k].address));
        }
        pb_buf_adds(b, "]}");
    }
    pb_buf_adds(b, "]}\n");
}
