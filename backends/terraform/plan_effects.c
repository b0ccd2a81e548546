#include "backends/terraform/plan_effects.h"

#include <string.h>

#include "backends/terraform/plan_config.h"
#include "base/text.h"

const struct pb_side_effect *pb_tf_provisioners(size_t *n, struct pb_arena *a,
                                                const struct pb_value *provisioners,
                                                const struct pb_tf_hint *hint)
{
    struct pb_side_effect *v;
    bool fits = hint && hint->neffects == pb_len(provisioners);

    *n = pb_len(provisioners);
    if (!*n)
        return NULL;
    v = pb_arena_zalloc(a, *n * sizeof(*v));
    for (size_t i = 0; i < *n; i++) {
        const char *type = pb_get_str(pb_at(provisioners, i), "type");
        bool same = fits && pb_streq(type, hint->effects[i].what);

        v[i] = (struct pb_side_effect){.what = type ? type : "of an unknown type",
                                       .on_create = !same || hint->effects[i].on_create,
                                       .on_destroy = !same || hint->effects[i].on_destroy,
                                       .file = hint ? hint->file : NULL,
                                       .line = hint ? hint->line : 0,
                                       .last_line = hint ? hint->last_line : 0};
    }
    return v;
}

/* module.net["a"].action.example_restart.all[0]: the block by its module, type and name. */
static const struct pb_tf_hint *hint_of(struct pb_arena *a, const struct pb_value *one,
                                        const struct pb_tf_plan_in *in)
{
    PB_AUTO(buf) struct pb_buf calls = PB_BUF_INIT;
    const char *type = pb_get_str(one, "type"), *name = pb_get_str(one, "name");

    if (!in->hints || !type || !name)
        return NULL;
    pb_tf_module_calls(&calls, pb_get_str(one, "address"));
    return in->hints->find(in->hints->ctx, calls.s, pb_arena_printf(a, "action.%s", type), name);
}

static void append(const struct pb_side_effect **v, size_t *n, struct pb_arena *a,
                   struct pb_side_effect one)
{
    struct pb_side_effect *more = pb_arena_alloc(a, (*n + 1) * sizeof(*more));

    if (*n)
        memcpy(more, *v, *n * sizeof(*more));
    more[(*n)++] = one;
    *v = more;
}

int pb_tf_invocations(struct pb_declared_set *set, struct pb_arena *a, const struct pb_value *list,
                      const struct pb_tf_plan_in *in, struct pb_err *err)
{
    for (size_t i = 0; i < pb_len(list); i++) {
        const struct pb_value *one = pb_at(list, i);
        const char *address = pb_get_str(one, "address");
        const char *by =
            pb_get_str(pb_get(one, "lifecycle_action_trigger"), "triggering_resource_address");
        const struct pb_tf_hint *hint = hint_of(a, one, in);
        struct pb_declared *d =
            by ? (struct pb_declared *)(uintptr_t)pb_declared_find(set, by) : NULL;
        struct pb_side_effect e = {.what = address,
                                   .invoked = true,
                                   .file = hint ? hint->file : NULL,
                                   .line = hint ? hint->line : 0,
                                   .last_line = hint ? hint->last_line : 0};

        if (!address)
            return pb_fail(err, PB_E_INPUT,
                           "%s invokes an action without an address: this plumb cannot read it",
                           in->what);
        if (d)
            append(&d->effects, &d->neffects, a, e);
        else
            append(&set->effects, &set->neffects, a, e);
    }
    return 0;
}
