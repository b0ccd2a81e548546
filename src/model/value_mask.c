/* Terraform's parallel trees, put onto the values that they speak about. */
#include <string.h>

#include "model/value.h"

static bool mask_says(const struct pb_value *mask)
{
    return pb_is(mask, PB_BOOL) && mask->b;
}

/* Whether there is a true anywhere: most masks are empty, and their values are shared. */
static bool mask_any(const struct pb_value *mask)
{
    if (pb_is(mask, PB_LIST)) {
        for (size_t i = 0; i < mask->n; i++)
            if (mask_any(&mask->items[i]))
                return true;
    } else if (pb_is(mask, PB_MAP)) {
        for (size_t i = 0; i < mask->n; i++)
            if (mask_any(&mask->members[i].value))
                return true;
    }
    return mask_says(mask);
}

struct pb_value pb_mark_sensitive(struct pb_arena *a, const struct pb_value *v,
                                  const struct pb_value *mask)
{
    struct pb_value out = v ? *v : pb_null;
    bool whole = mask_says(mask);

    if (!mask_any(mask))
        return out;
    if (whole)
        out.flags |= PB_V_SENSITIVE;
    if (out.kind == PB_LIST && out.n) {
        struct pb_value *items = pb_arena_alloc(a, out.n * sizeof(*items));
        for (size_t i = 0; i < out.n; i++)
            items[i] = pb_mark_sensitive(a, &v->items[i], whole ? mask : pb_at(mask, i));
        out.items = items;
    } else if (out.kind == PB_MAP && out.n) {
        struct pb_member *members = pb_arena_alloc(a, out.n * sizeof(*members));
        for (size_t i = 0; i < out.n; i++) {
            const struct pb_member *m = &v->members[i];
            members[i].key = m->key;
            members[i].value = pb_mark_sensitive(a, &m->value, whole ? mask : pb_get(mask, m->key));
        }
        out.members = members;
    }
    return out;
}

static struct pb_value mark_unknown_map(struct pb_arena *a, const struct pb_value *v,
                                        const struct pb_value *mask)
{
    struct pb_map_builder b = PB_BUILDER_INIT;
    size_t n = pb_is(v, PB_MAP) ? v->n : 0;
    struct pb_value out;

    for (size_t i = 0; i < n; i++) {
        const struct pb_member *m = &v->members[i];
        pb_map_add(&b, m->key, pb_mark_unknown(a, &m->value, pb_get(mask, m->key)));
    }
    for (size_t i = 0; i < mask->n; i++) {
        const struct pb_member *m = &mask->members[i];
        if (!pb_get(v, m->key) && mask_any(&m->value))
            pb_map_add(&b, pb_arena_intern(a, m->key, strlen(m->key)),
                       pb_mark_unknown(a, NULL, &m->value));
    }
    out = pb_map_done(&b, a);
    if (v)
        out.flags = v->flags;
    return out;
}

static struct pb_value mark_unknown_list(struct pb_arena *a, const struct pb_value *v,
                                         const struct pb_value *mask)
{
    struct pb_list_builder b = PB_BUILDER_INIT;
    size_t n = pb_is(v, PB_LIST) ? v->n : 0;
    struct pb_value out;

    for (size_t i = 0; i < n || i < mask->n; i++)
        pb_list_add(&b, pb_mark_unknown(a, i < n ? &v->items[i] : NULL, pb_at(mask, i)));
    out = pb_list_done(&b, a);
    if (v)
        out.flags = v->flags;
    return out;
}

struct pb_value pb_mark_unknown(struct pb_arena *a, const struct pb_value *v,
                                const struct pb_value *mask)
{
    struct pb_value out = v ? *v : pb_null;

    if (mask_says(mask)) {
        out = pb_unknown;
        out.flags = v ? v->flags : 0;
        return out;
    }
    if (!mask_any(mask))
        return out;
    if (mask->kind == PB_MAP)
        return mark_unknown_map(a, pb_is_nullish(v) ? NULL : v, mask);
    return mark_unknown_list(a, pb_is_nullish(v) ? NULL : v, mask);
}
