/*
 * The engine on whatever attributes a schema, a plan, a state and an observer could bring.
 * Input: {"schema": {"block": ...}, "d": {}, "r": {}, "l": {}, "b": {}, "conf": {}}.
 *
 * A resource of which all three sides are the same is in sync; a second run says the same;
 * what could not be seen is never in sync.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/json.h"
#include "reconcile/reconcile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct pb_value *map(const struct pb_value *v, const char *key)
{
    const struct pb_value *m = pb_get(v, key);

    return pb_is(m, PB_MAP) ? m : &pb_empty_map;
}

struct input {
    const struct pb_value *d, *r, *l, *b, *conf;
    struct pb_schema_set schemas;
    enum pb_action action;
};

static void run(struct pb_reconcile_out *out, struct pb_arena *a, const struct input *in)
{
    const struct pb_declared d = {.address = "t.a",
                                  .type = "t",
                                  .planned = in->d,
                                  .configured = in->conf,
                                  .action = in->action};
    const struct pb_recorded r = {.address = "t.a", .type = "t", .attributes = in->r};
    const struct pb_live l = {.address = "t.a", .presence = PB_P_KNOWN, .attributes = in->l};
    const struct pb_live b = {.address = "t.a", .presence = PB_P_KNOWN, .attributes = in->b};
    const struct pb_declared_set ds = {.v = &d, .n = 1, .complete = true};
    const struct pb_recorded_set rs = {.v = &r, .n = 1};
    const struct pb_live_set ls = {.v = &l, .n = 1}, bs = {.v = &b, .n = 1};
    const struct pb_reconcile_in rin = {.declared = &ds,
                                        .recorded = &rs,
                                        .live = &ls,
                                        .baseline = &bs,
                                        .schemas = &in->schemas,
                                        .all = true};

    pb_reconcile(out, a, &rin);
    if (out->n != 1)
        abort();
}

static void check_seen(const struct pb_resource_result *r)
{
    for (size_t i = 0; i < r->nattrs; i++) {
        const struct pb_attr_result *at = &r->attrs[i];
        if (pb_has_unknown(at->live) && at->verdict == PB_IN_SYNC)
            abort();
        if (at->verdict > r->verdict)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pb_arena *a = pb_arena_new();
    const struct pb_schema *schema = NULL;
    const struct pb_value *v;
    struct pb_reconcile_out one, two;
    struct input in;

    if (pb_json_parse(&v, a, (const char *)data, size, "input", NULL)) {
        pb_arena_free(a);
        return 0;
    }
    v = pb_json_unwrap(a, v);
    if (pb_get(v, "schema"))
        if (pb_schema_from_json(&schema, a, "t", pb_get(v, "schema"), NULL))
            schema = NULL;
    in = (struct input){map(v, "d"),  map(v, "r"),    map(v, "l"),
                        map(v, "b"),  map(v, "conf"), {.v = &schema, .n = schema != NULL},
                        PB_ACT_UPDATE};
    run(&one, a, &in);
    check_seen(one.v);
    run(&two, a, &in);
    if (one.v->verdict != two.v->verdict || one.v->nattrs != two.v->nattrs)
        abort();
    in.d = in.l = in.r;
    in.action = PB_ACT_NONE;
    run(&two, a, &in);
    if (!pb_has_unknown(in.r) && two.v->verdict != PB_IN_SYNC && two.v->verdict != PB_UNCHECKED)
        abort();
    pb_arena_free(a);
    return 0;
}
