/* A check for programs. */
#include "report/check.h"

#include "base/clock.h"
#include "model/json.h"
#include "report/put.h"

#include <string.h>

static void flag(struct pb_buf *b, const char *name, bool is)
{
    pb_buf_addf(b, ",\"%s\":%s", name, is ? "true" : "false");
}

static void number(struct pb_buf *b, const char *name, size_t n)
{
    pb_buf_addf(b, ",\"%s\":%zu", name, n);
}

/* 0 says that it is not known. */
static void known(struct pb_buf *b, const char *name, size_t n)
{
    pb_put_key(b, name);
    if (n)
        pb_buf_addf(b, "%zu", n);
    else
        pb_buf_adds(b, "null");
}

static void value(struct pb_buf *b, const char *name, const struct pb_value *v, bool sensitive)
{
    pb_put_key(b, name);
    pb_put_value(b, v, sensitive);
}

static void classes(struct pb_buf *b, const size_t by_class[PB_NCHECKS])
{
    pb_put_key(b, "by_class");
    for (int i = 0; i < PB_NCHECKS; i++)
        pb_buf_addf(b, "%s\"%s\":%zu", i ? "," : "{", pb_check_classes[i].name, by_class[i]);
    pb_buf_addc(b, '}');
}

static void attribute(struct pb_buf *b, const struct pb_check_attr *a)
{
    pb_buf_adds(b, "{\"path\":");
    pb_put_string(b, a->path);
    pb_put_member(b, "class", pb_check_classes[a->class].name);
    flag(b, "touched", a->touched);
    value(b, "base", a->base, a->sensitive);
    value(b, "merged", a->merged, a->sensitive);
    value(b, "recorded", a->recorded, a->sensitive);
    value(b, "live", a->seen ? a->live : NULL, a->sensitive);
    flag(b, "seen", a->seen);
    flag(b, "sensitive", a->sensitive);
    pb_put_member(b, "verdict_before", pb_verdict_name(a->before));
    pb_put_member(b, "verdict_after", pb_verdict_name(a->after));
    pb_put_member(b, "reason", a->reason);
    pb_buf_addc(b, '}');
}

static void author(struct pb_buf *b, const struct pb_gate_author *by)
{
    char when[PB_CLOCK_RFC3339];

    pb_put_key(b, "by");
    if (!by) {
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
    known(b, "line", by->line);
    pb_buf_addc(b, '}');
}

static void gate(struct pb_buf *b, const struct pb_gate_verdict *g)
{
    pb_put_key(b, "gate");
    if (!g) {
        pb_buf_adds(b, "null");
        return;
    }
    pb_buf_adds(b, "{\"decision\":");
    pb_put_string(b, pb_gate_decision_names[g->decision]);
    pb_put_member(b, "cause", pb_cause_names[g->cause]);
    pb_put_member(b, "why", g->why);
    pb_put_member(b, "rule", g->rule);
    pb_buf_adds(b, ",\"starts\":[");
    for (size_t i = 0; i < g->change->neffects; i++) {
        pb_buf_adds(b, i ? ",{\"what\":" : "{\"what\":");
        pb_put_string(b, g->change->effects[i].what);
        pb_put_member(b, "where", g->change->effects[i].where);
        pb_put_member(b, "origin", pb_gate_origins[g->change->effects[i].origin]);
        pb_buf_addc(b, '}');
    }
    pb_buf_adds(b, "]}");
}

static void resource(struct pb_buf *b, const struct pb_check_resource *r)
{
    pb_buf_adds(b, "{\"address\":");
    pb_put_string(b, r->address);
    pb_put_member(b, "moved_from", r->moved_from);
    pb_put_member(b, "type", r->type);
    pb_put_member(b, "id", r->id);
    pb_put_member(b, "class", pb_check_classes[r->class].name);
    flag(b, "touched", r->touched);
    flag(b, "unseen", r->unseen);
    flag(b, "importing", r->importing);
    flag(b, "protected", r->guarded);
    pb_put_member(b, "action_before", pb_action_name(r->action_before));
    pb_put_member(b, "action", pb_action_name(r->action));
    pb_put_member(b, "verdict_before", pb_verdict_name(r->before));
    pb_put_member(b, "verdict_after", pb_verdict_name(r->after));
    pb_put_member(b, "observer", r->observer);
    pb_put_member(b, "reason", r->reason);
    pb_put_member(b, "file", r->file);
    known(b, "line", r->line);
    known(b, "last_line", r->last_line);
    flag(b, "file_of_base", r->file_of_base);
    gate(b, r->gate);
    author(b, r->by);
    pb_buf_adds(b, ",\"attributes\":[");
    for (size_t i = 0; i < r->nattrs; i++) {
        pb_buf_adds(b, i ? "," : "");
        attribute(b, &r->attrs[i]);
    }
    pb_buf_adds(b, "]}");
}

static void names(struct pb_buf *b, const char *name, const char *const *v, size_t n)
{
    pb_put_key(b, name);
    pb_buf_adds(b, n ? "[" : "null");
    for (size_t i = 0; i < n; i++) {
        pb_buf_adds(b, i ? "," : "");
        pb_put_string(b, v[i]);
    }
    pb_buf_adds(b, n ? "]" : "");
}

static void findings(struct pb_buf *b, const struct pb_check_findings *f)
{
    pb_buf_adds(b, ",\"findings\":[");
    for (size_t i = 0; i < f->n; i++) {
        const struct pb_check_finding *one = &f->v[i];

        pb_buf_adds(b, i ? ",\n{\"code\":" : "\n{\"code\":");
        pb_put_string(b, one->code);
        pb_put_member(b, "severity", one->severity);
        pb_put_member(b, "message", one->message);
        pb_put_member(b, "address", one->address);
        pb_put_member(b, "file", one->file);
        known(b, "line", one->line);
        known(b, "last_line", one->last_line);
        flag(b, "file_of_base", one->file_of_base);
        known(b, "resources", one->resources);
        names(b, "units", one->units, one->nunits);
        pb_buf_addc(b, '}');
    }
    pb_buf_addc(b, ']');
}

static void refusals(struct pb_buf *b, const struct pb_check_unit *u)
{
    pb_buf_adds(b, ",\"refusals\":[");
    for (size_t i = 0; i < u->nrefusals; i++) {
        pb_buf_adds(b, i ? ",{\"code\":" : "{\"code\":");
        pb_put_string(b, u->refusals[i].code);
        pb_put_member(b, "what", u->refusals[i].what);
        pb_put_member(b, "remedy", u->refusals[i].remedy);
        flag(b, "before", u->refusals[i].before);
        pb_buf_addc(b, '}');
    }
    pb_buf_addc(b, ']');
}

static void coverage(struct pb_buf *b, const struct pb_unit_result *u)
{
    const struct pb_coverage *c = u ? &u->out.coverage : NULL;

    pb_put_key(b, "coverage");
    if (!c) {
        pb_buf_adds(b, "null");
        return;
    }
    pb_buf_addf(b, "{\"resources_observed\":%zu,\"resources_total\":%zu", c->resources_observed,
                c->resources_total);
    pb_buf_addf(b, ",\"attributes_observed\":%zu,\"attributes_total\":%zu}", c->attributes_observed,
                c->attributes_total);
}

static void unit(struct pb_buf *b, const struct pb_check_unit *u)
{
    pb_buf_adds(b, "{\"name\":");
    pb_put_string(b, u->name);
    pb_put_member(b, "path", u->path);
    pb_put_member(b, "mode", pb_check_mode_names[u->mode]);
    flag(b, "added", u->is_added);
    flag(b, "removed", u->is_removed);
    pb_put_member(b, "why", u->why);
    pb_put_member(b, "error", u->mode == PB_CHECK_FAILED ? u->err.msg : NULL);
    pb_put_member(b, "reached_by", u->reached_by);
    number(b, "recorded", u->recorded);
    coverage(b, u->mode == PB_CHECK_FAILED ? NULL : u->base ? u->base : u->merged);
    classes(b, u->by_class);
    refusals(b, u);
    findings(b, &u->findings);
    pb_buf_adds(b, ",\"resources\":[");
    for (size_t i = 0; u->mode != PB_CHECK_FAILED && i < u->nresources; i++) {
        pb_buf_adds(b, i ? ",\n" : "\n");
        resource(b, &u->resources[i]);
    }
    pb_buf_adds(b, "]}");
}

static void diagnostics(struct pb_buf *b, const struct pb_check *c)
{
    bool first = true;

    pb_buf_adds(b, ",\n\"diagnostics\":[");
    for (size_t i = 0; i <= c->nunits; i++) {
        const struct pb_check_unit *u = i < c->nunits ? &c->units[i] : NULL;
        const struct pb_diags *const all[] = {u ? u->base ? &u->base->diags : NULL
                                                : &c->audit.diags,
                                              u && u->merged ? &u->merged->diags : NULL};

        for (size_t k = 0; k < PB_COUNT(all); k++)
            for (size_t n = 0; all[k] && n < all[k]->n; n++) {
                const struct pb_diag *d = &all[k]->v[n];

                pb_buf_adds(b, first ? "{\"severity\":" : ",\n{\"severity\":");
                first = false;
                pb_put_string(b, d->severity);
                pb_put_member(b, "code", d->code);
                pb_put_member(b, "message", d->message);
                pb_put_member(b, "address", d->address);
                pb_put_member(b, "unit", u ? u->name : NULL);
                pb_buf_addc(b, '}');
            }
    }
    pb_buf_addc(b, ']');
}

static void side(struct pb_buf *b, const char *name, const char *ref, const char *id)
{
    pb_put_key(b, name);
    pb_buf_adds(b, "{\"ref\":");
    pb_put_string(b, ref);
    pb_put_member(b, "commit", id);
    pb_buf_addc(b, '}');
}

static void conflicts(struct pb_buf *b, const struct pb_check *c)
{
    pb_buf_adds(b, ",\"conflicts\":[");
    for (size_t i = 0; i < c->nconflicts; i++) {
        pb_buf_adds(b, i ? ",{\"path\":" : "{\"path\":");
        pb_put_string(b, c->conflicts[i]);
        pb_put_member(b, "what", c->conflict_what[i]);
        pb_buf_addc(b, '}');
    }
    pb_buf_addc(b, ']');
}

static void summary(struct pb_buf *b, const struct pb_check *c)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();

    pb_buf_addf(b, ",\n\"summary\":{\"units\":%zu", c->nunits);
    pb_put_member(b, "headline", pb_check_headline(a, c));
    number(b, "units_untouched", c->untouched);
    number(b, "units_failed", c->failed);
    number(b, "changes", c->changes);
    number(b, "deletes", c->deletes);
    number(b, "replaces", c->replaces);
    number(b, "asks", c->asks);
    number(b, "orphaned", c->orphaned);
    number(b, "refused", c->refused);
    number(b, "unseen", c->unseen);
    number(b, "beside", c->beside);
    number(b, "warnings", c->warned);
    classes(b, c->by_class);
    pb_buf_addf(b, ",\"exit_code\":%d}", (int)pb_check_exit(c));
}

void pb_report_check_json(struct pb_buf *b, const struct pb_check *c,
                          const struct pb_report_opts *o)
{
    char when[PB_CLOCK_RFC3339];

    pb_clock_rfc3339(when, c->audit.started_at);
    pb_buf_adds(b, "{\"format_version\":\"1.1\"");
    pb_put_member(b, "plumb_version", o->version);
    pb_put_member(b, "started_at", when);
    pb_buf_addf(b, ",\"duration_ms\":%ld", c->elapsed_ms);
    side(b, "base", c->base_ref, c->base);
    side(b, "head", c->head_ref, c->head);
    pb_put_key(b, "merge");
    pb_put_string(b, c->up_to_date     ? "nothing"
                     : c->nconflicts   ? "conflict"
                     : c->fast_forward ? "fast_forward"
                                       : "made");
    conflicts(b, c);
    flag(b, "trusted", c->trusted);
    pb_put_member(b, "trust", c->trust);
    pb_put_member(b, "broken", c->broken);
    summary(b, c);
    findings(b, &c->findings);
    pb_buf_adds(b, ",\n\"units\":[");
    for (size_t i = 0; i < c->nunits; i++) {
        pb_buf_adds(b, i ? ",\n" : "\n");
        unit(b, &c->units[i]);
    }
    pb_buf_addc(b, ']');
    diagnostics(b, c);
    pb_buf_adds(b, "}\n");
}
