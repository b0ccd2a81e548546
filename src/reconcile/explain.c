#include "reconcile/explain.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/path.h"

/* The nearest of all the addresses that any side knows. */
static const char *nearest(const struct pb_reconcile_in *in, const char *address)
{
    size_t nd = in->declared ? in->declared->n : 0, nr = in->recorded ? in->recorded->n : 0;
    size_t nl = in->live ? in->live->n : 0, n = 0;
    const char **all = pb_calloc(nd + nr + nl, sizeof(*all));
    const char *found;

    for (size_t i = 0; i < nd; i++)
        all[n++] = in->declared->v[i].address;
    for (size_t i = 0; i < nr; i++)
        all[n++] = in->recorded->v[i].address;
    for (size_t i = 0; i < nl; i++)
        all[n++] = in->live->v[i].address;
    found = pb_text_nearest(address, all, n);
    free(all);
    return found;
}

static bool replaces(const struct pb_declared *d, const char *path)
{
    const char *const *p = d ? d->replace_paths : NULL;

    for (; p && *p; p++)
        if (pb_path_covers(*p, path))
            return true;
    return false;
}

static void explain_attrs(struct pb_explanation *e, struct pb_arena *a)
{
    const struct pb_resource_result *r = e->result;
    struct pb_explained_attr *v = pb_arena_zalloc(a, r->nattrs * sizeof(*v) + 1);

    for (size_t i = 0; i < r->nattrs; i++) {
        v[i].attr = &r->attrs[i];
        v[i].baseline = e->baseline ? pb_walk(e->baseline->attributes, r->attrs[i].path) : NULL;
        v[i].git_decides = r->attrs[i].declared != NULL;
        v[i].replaces = replaces(e->declared, r->attrs[i].path);
        v[i].meaning = pb_verdicts[r->attrs[i].verdict].meaning;
        v[i].apply_would = pb_verdicts[r->attrs[i].verdict].apply_would;
    }
    e->attrs = v;
    e->nattrs = r->nattrs;
}

/* The one resource, with the sets cut down to it. */
static void judge_one(struct pb_explanation *e, struct pb_arena *a,
                      const struct pb_reconcile_in *in)
{
    struct pb_declared_set d = {.v = e->declared, .n = e->declared != NULL};
    struct pb_recorded_set r = {.v = e->recorded, .n = e->recorded != NULL};
    struct pb_live_set l = {.v = e->live, .n = e->live != NULL};
    struct pb_reconcile_in one = *in;
    struct pb_reconcile_out out;

    d.complete = in->declared && in->declared->complete;
    one.declared = &d;
    one.recorded = &r;
    one.live = &l;
    one.all = true;
    one.whole = in->whole ? in->whole : in;
    pb_reconcile(&out, a, &one);
    e->result = out.n ? &out.v[0] : NULL;
}

/* The current object, where a deposed one has the same address. */
static const struct pb_recorded *current(const struct pb_recorded_set *s, const char *address)
{
    const struct pb_recorded *r = pb_recorded_find(s, address);

    if (!r || !r->deposed)
        return r;
    for (size_t i = 0; i < s->n; i++)
        if (!s->v[i].deposed && strcmp(s->v[i].address, address) == 0)
            return &s->v[i];
    return r;
}

int pb_explain(struct pb_explanation *out, struct pb_arena *a, const struct pb_reconcile_in *in,
               const char *address)
{
    const char *from = address;

    memset(out, 0, sizeof(*out));
    out->declared = pb_declared_find(in->declared, address);
    out->recorded = current(in->recorded, address);
    if (!out->recorded && out->declared && out->declared->previous_address) {
        from = out->declared->previous_address;
        out->recorded = current(in->recorded, from);
    }
    out->live = pb_live_find(in->live, address);
    if (!out->live)
        out->live = pb_live_find(in->live, from);
    out->baseline = pb_live_find(in->baseline, address);
    if (out->declared || out->recorded || out->live)
        judge_one(out, a, in);
    if (!out->result) {
        out->nearest = nearest(in, address);
        return -1;
    }
    out->schema = pb_schema_find(in->schemas, out->result->type);
    out->meaning = pb_verdicts[out->result->verdict].meaning;
    out->apply_would = pb_verdicts[out->result->verdict].apply_would;
    explain_attrs(out, a);
    return 0;
}
