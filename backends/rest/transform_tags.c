/* Tags: as a map, and without those that the provider adds to everything. */
#include "backends/rest/transform.h"
#include "base/text.h"

static bool dropped(const struct pb_tag_rules *rules, const char *key)
{
    const struct pb_value *prefixes[] = {rules->drop_prefixes, rules->ignore_prefixes};
    for (size_t l = 0; l < PB_COUNT(prefixes); l++)
        for (size_t i = 0; i < pb_len(prefixes[l]); i++) {
            const char *prefix = pb_str(pb_at(prefixes[l], i));
            if (prefix && *prefix && pb_starts_with(key, prefix))
                return true;
        }
    for (size_t i = 0; i < pb_len(rules->ignore_keys); i++)
        if (pb_streq(pb_str(pb_at(rules->ignore_keys, i)), key))
            return true;
    return false;
}

static const struct pb_value *first_member(const struct pb_value *v, const char *const *names)
{
    for (; *names; names++) {
        const struct pb_value *m = pb_get(v, *names);
        if (m)
            return m;
    }
    return NULL;
}

static void add_tag(struct pb_map_builder *m, struct pb_eval *ev, const char *key,
                    const struct pb_value *value)
{
    const char *text = pb_scalar_text(ev->a, value);
    if (key && !dropped(ev->tags, key))
        pb_map_add(m, pb_arena_intern(ev->a, key, strlen(key)),
                   pb_mk_string(ev->a, text ? text : ""));
}

PB_TRANSFORM(pb_tf_tags)
{
    const char *key = nargs > 0 ? pb_str(&args[0]) : NULL;
    const char *value = nargs > 1 ? pb_str(&args[1]) : NULL;
    const char *const keys[] = {key ? key : "Key", "key", "TagKey", NULL};
    const char *const values[] = {value ? value : "Value", "value", "TagValue", NULL};
    if (in.kind == PB_NULL || (in.kind == PB_STRING && in.n == 0))
        return pb_empty_map;
    struct pb_map_builder m = PB_BUILDER_INIT;
    if (in.kind == PB_LIST) {
        for (size_t i = 0; i < in.n; i++)
            add_tag(&m, ev, pb_str(first_member(&in.items[i], keys)),
                    first_member(&in.items[i], values));
    } else if (in.kind == PB_MAP && pb_is(first_member(&in, keys), PB_STRING) && in.n <= 2 &&
               (in.n == 1 || first_member(&in, values))) {
        add_tag(&m, ev, pb_str(first_member(&in, keys)), first_member(&in, values));
    } else if (in.kind == PB_MAP) {
        for (size_t i = 0; i < in.n; i++)
            add_tag(&m, ev, in.members[i].key, &in.members[i].value);
    } else {
        return pb_tf_cannot(ev, in, "a set of tags");
    }
    return pb_map_done(&m, ev->a);
}

/* A default tag that the resource also sets itself stays: the provider keeps it then. */
PB_TRANSFORM(pb_tf_own_tags)
{
    const struct pb_value *defaults = ev->tags->defaults;
    const struct pb_value *recorded = pb_get(ev->recorded, "tags");
    if (pb_is(defaults, PB_UNKNOWN))
        return pb_mk_unknown(ev->a, "the provider's default tags are not known");
    if (in.kind != PB_MAP || pb_len(defaults) == 0)
        return in;
    struct pb_map_builder m = PB_BUILDER_INIT;
    for (size_t i = 0; i < in.n; i++) {
        const struct pb_value *d = pb_get(defaults, in.members[i].key);
        if (pb_is(d, PB_UNKNOWN)) {
            pb_map_builder_release(&m);
            return pb_mk_unknown(ev->a, "the provider's default tags are not known");
        }
        const char *dt = pb_scalar_text(ev->a, d), *t = pb_str(&in.members[i].value);
        if (!dt || !t || strcmp(dt, t) != 0 || pb_get(recorded, in.members[i].key))
            pb_map_add(&m, in.members[i].key, in.members[i].value);
    }
    return pb_map_done(&m, ev->a);
}
