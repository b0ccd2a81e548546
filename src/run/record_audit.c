/* What an audit found, as entries of the ledger: one for each unit. */
#include "run/record_internal.h"

#include "base/mem.h"

#include <string.h>

/* An entry names at most so many resources and attributes of each; the rest is counted. */
enum { RESOURCES_MAX = 1000, PATHS_MAX = 20 };

static struct pb_value paths(struct pb_arena *a, const struct pb_resource_result *r)
{
    struct pb_list_builder list = PB_BUILDER_INIT;

    for (size_t i = 0; i < r->nattrs && list.n < PATHS_MAX; i++) {
        const struct pb_attr_result *at = &r->attrs[i];

        if (!at->ignored && pb_verdicts[at->verdict].effect != PB_EFFECT_NONE)
            pb_list_add(&list, pb_mk_string(a, at->path));
    }
    return pb_list_done(&list, a);
}

/* Names only: values may be secrets, and the ledger is for good. */
static struct pb_value resource(struct pb_arena *a, const struct pb_resource_result *r)
{
    struct pb_map_builder m = PB_BUILDER_INIT;

    pb_map_add(&m, "address", pb_mk_string(a, r->address));
    pb_map_add(&m, "verdict", pb_mk_string(a, pb_verdict_name(r->verdict)));
    if (r->also)
        pb_map_add(&m, "also", pb_mk_string(a, pb_verdict_name(r->also)));
    if (r->nattrs)
        pb_map_add(&m, "paths", paths(a, r));
    return pb_map_done(&m, a);
}

static struct pb_value resources(size_t *omitted, struct pb_arena *a,
                                 const struct pb_reconcile_out *out)
{
    struct pb_list_builder list = PB_BUILDER_INIT;

    *omitted = 0;
    for (size_t i = 0; i < out->n; i++) {
        const struct pb_resource_result *r = &out->v[i];

        if (r->ignored || (r->verdict == PB_IN_SYNC && !r->also))
            continue;
        if (list.n == RESOURCES_MAX)
            (*omitted)++;
        else
            pb_list_add(&list, resource(a, r));
    }
    return pb_list_done(&list, a);
}

static struct pb_value counts(struct pb_arena *a, const size_t by_verdict[PB_NVERDICTS])
{
    struct pb_map_builder m = PB_BUILDER_INIT;

    for (int v = 0; v < PB_NVERDICTS; v++)
        if (by_verdict[v])
            pb_map_add(&m, pb_verdict_name((enum pb_verdict)v),
                       pb_mk_int(a, (int64_t)by_verdict[v]));
    return pb_map_done(&m, a);
}

static void add_found(struct pb_map_builder *m, struct pb_arena *a, const struct pb_unit_result *u)
{
    size_t omitted;
    struct pb_value list = resources(&omitted, a, &u->out);

    pb_map_add(m, "total", pb_mk_int(a, (int64_t)u->out.coverage.resources_total));
    pb_map_add(m, "observed", pb_mk_int(a, (int64_t)u->out.coverage.resources_observed));
    pb_map_add(m, "verdicts", counts(a, u->out.by_verdict));
    pb_map_add(m, "resources", list);
    if (omitted)
        pb_map_add(m, "omitted", pb_mk_int(a, (int64_t)omitted));
}

struct pb_value pb_record_state_value(struct pb_arena *a, const char *lineage, int64_t serial,
                                      const char *sha256)
{
    struct pb_map_builder m = PB_BUILDER_INIT;

    if (lineage)
        pb_map_add(&m, "lineage", pb_mk_string(a, lineage));
    pb_map_add(&m, "serial", pb_mk_int(a, serial));
    pb_map_add(&m, "sha256", pb_mk_string(a, sha256));
    return pb_map_done(&m, a);
}

int pb_record_audit(struct pb_record *r, const struct pb_audit *audit, struct pb_err *err)
{
    for (size_t i = 0; i < audit->nunits; i++) {
        const struct pb_unit_result *u = &audit->units[i];
        PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
        struct pb_map_builder m = PB_BUILDER_INIT;
        struct pb_value body;

        pb_map_add(&m, "unit", pb_mk_string(a, u->config.name));
        pb_map_add(&m, "path", pb_mk_string(a, u->config.path));
        pb_map_add(&m, "commit", pb_mk_string(a, audit->commit));
        if (u->recorded.sha256[0])
            pb_map_add(&m, "state",
                       pb_record_state_value(a, u->recorded.lineage, u->recorded.serial,
                                             u->recorded.sha256));
        if (u->failed)
            pb_map_add(&m, "error", pb_mk_string(a, u->err.msg));
        else
            add_found(&m, a, u);
        body = pb_map_done(&m, a);
        if (pb_record_append(r, "audit", &body, err) < 0)
            return -1;
    }
    return 0;
}
