/* The steps of a pack: reads. */
#include "backends/rest/load.h"
#include "base/text.h"

/* The keys of a step that belong to its requests, with those of `way` over them; maps
 * (form, query, headers, body) are put together member by member. */
static struct pb_value merge(struct pb_load *l, const struct pb_value *step,
                             const struct pb_value *way)
{
    struct pb_map_builder b = PB_BUILDER_INIT;
    for (size_t k = 0; k < pb_keys_way.n; k++) {
        const char *key = pb_keys_way.keys[k].name;
        const struct pb_value *base = pb_get(step, key), *over = pb_get(way, key);
        if (pb_is(base, PB_MAP) && pb_is(over, PB_MAP) && strcmp(key, "page") != 0 &&
            strcmp(key, "batch") != 0) {
            struct pb_map_builder m = PB_BUILDER_INIT;
            for (size_t i = 0; i < base->n; i++)
                if (!pb_get(over, base->members[i].key))
                    pb_map_add(&m, base->members[i].key, base->members[i].value);
            for (size_t i = 0; i < over->n; i++)
                pb_map_add(&m, over->members[i].key, over->members[i].value);
            struct pb_value both = pb_map_done(&m, l->a);
            both.line = over->line;
            pb_map_add(&b, key, both);
        } else if (over || base) {
            pb_map_add(&b, key, over ? *over : *base);
        }
    }
    struct pb_value v = pb_map_done(&b, l->a);
    v.line = way ? way->line : step->line;
    return v;
}

static int load_way(const struct pb_request **out, struct pb_load *l, const struct pb_value *step,
                    const char *name, const struct pb_service *service)
{
    const struct pb_value *way = name ? pb_get(step, name) : NULL;
    if (name && !way)
        return 0;
    size_t mark = l->field.len;
    if (way) {
        pb_load_enter(l, name);
        if (pb_load_check(l, way, &pb_keys_way) == -1)
            return -1;
    }
    struct pb_value both = merge(l, step, way);
    if (pb_get(way, "service") && !(service = pb_load_service(l, pb_get(way, "service"))))
        return -1;
    if (pb_load_request(out, l, &both, service) == -1)
        return -1;
    pb_load_leave(l, mark);
    return 0;
}

static int check_identity(const struct pb_step *s, struct pb_load *l, const struct pb_value *v)
{
    if (!s->identity) {
        if (s->gone_when || s->unlisted || s->confirm)
            return pb_load_fail(l, v,
                                "'gone_when', 'unlisted' and 'confirm' belong to the step "
                                "with 'identity: true' alone");
        return 0;
    }
    if (s->only_if)
        return pb_load_fail(l, v, "the identity step is always sent; remove 'if'");
    if (!s->not_found && !s->unlisted)
        return pb_load_fail(l, v,
                            "the identity step needs 'not_found', the API's codes for an "
                            "object that does not exist, or 'unlisted'");
    if (!s->one && !s->unlisted)
        return pb_load_fail(l, v,
                            "the identity step needs 'one', a request for that object "
                            "alone, to confirm with");
    if (s->one && s->one->batch_key)
        return pb_load_fail(l, v,
                            "the identity step's 'one' asks for one object; move 'batch' to "
                            "'many'");
    if (s->not_found && s->none_when)
        for (size_t i = 0; s->none_when[i]; i++)
            for (size_t j = 0; s->not_found[j]; j++)
                if (strcmp(s->none_when[i], s->not_found[j]) == 0)
                    return pb_load_fail(l, v, "'%s' cannot be in both 'not_found' and 'none_when'",
                                        s->none_when[i]);
    return 0;
}

/* On the object, and not on this resource: paths have no root. */
static int load_gone(struct pb_step *s, struct pb_load *l, const struct pb_value *v)
{
    struct pb_names names = l->names;
    if (!v)
        return 0;
    l->names = (struct pb_names){.item = true};
    size_t mark = pb_load_enter(l, "gone_when");
    int rc = pb_load_cond(&s->gone_when, l, v);
    if (rc == 0)
        pb_load_leave(l, mark);
    l->names = names;
    s->gone_text = v->s;
    return rc;
}

static int load_step(struct pb_step *s, struct pb_load *l, const struct pb_value *v,
                     const struct pb_service *service)
{
    unsigned needs = 0;
    uint64_t *asked = l->names.used_lets, lets = 0;
    l->names.used_steps = &needs;
    l->names.used_lets = &lets;
    if (pb_load_check(l, v, &pb_keys_step) == -1)
        return -1;
    if (pb_get(v, "service") && !(service = pb_load_service(l, pb_get(v, "service"))))
        return -1;
    s->identity = pb_get_bool(v, "identity", false);
    s->optional = pb_get_bool(v, "optional", false);
    s->sensitive = l->sensitive = pb_get_bool(v, "sensitive", false);
    const char *otherwise = pb_get_str(v, "otherwise");
    if (otherwise)
        return pb_load_fail(l, v, "'otherwise' can only be null");
    s->otherwise_null = pb_get(v, "otherwise") != NULL;
    s->unlisted = pb_get_str(v, "unlisted");
    bool ways = pb_get(v, "one") || pb_get(v, "many");
    if (load_way(&s->one, l, v, ways ? "one" : NULL, service) == -1 ||
        load_way(&s->many, l, v, "many", service) == -1 ||
        load_way(&s->confirm, l, v, "confirm", service) == -1 ||
        pb_load_strings(&s->none_when, l, pb_get(v, "none_when")) == -1 ||
        pb_load_strings(&s->not_found, l, pb_get(v, "not_found")) == -1 ||
        pb_load_cond(&s->only_if, l, pb_get(v, "if")) == -1)
        return -1;
    if (!ways && s->one->batch_key) {
        s->many = s->one;
        s->one = NULL;
    }
    if (s->many && !s->many->items.text)
        return pb_load_fail(l, pb_get(v, "many"), "'many' needs 'items' and 'match'");
    if (load_gone(s, l, pb_get(v, "gone_when")) == -1)
        return -1;
    s->needs = needs;
    l->names.used_steps = NULL;
    l->names.used_lets = asked;
    if (s->identity)
        *asked |= lets;
    return check_identity(s, l, v);
}

static int find_step(const struct pb_pack *p, const char *name)
{
    for (size_t i = 0; i < p->nsteps; i++)
        if (strcmp(p->steps[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* Steps that wait for each other would never run. */
static int check_cycles(const struct pb_pack *p, struct pb_load *l, const struct pb_value *reads)
{
    unsigned done = 0, before = 0;
    do {
        before = done;
        for (size_t i = 0; i < p->nsteps; i++)
            if ((p->steps[i].needs & ~done) == 0)
                done |= 1u << i;
    } while (done != before);
    for (size_t i = 0; i < p->nsteps; i++)
        if (!(done & (1u << i)))
            return pb_load_fail(l, &reads->members[i].value,
                                "step '%s' waits for itself, through the steps it refers to",
                                p->steps[i].name);
    return 0;
}

static int check_names(struct pb_load *l, const struct pb_value *reads)
{
    static const char *const taken[] = {"id", "recorded", "account", "true", "false", "null"};
    for (size_t i = 0; i < reads->n; i++)
        for (size_t j = 0; j < PB_COUNT(taken); j++)
            if (strcmp(reads->members[i].key, taken[j]) == 0)
                return pb_load_fail(l, &reads->members[i].value,
                                    "a step cannot be called '%s'; choose another name", taken[j]);
    return 0;
}

int pb_load_steps(struct pb_pack *pack, struct pb_load *l, const struct pb_value *reads)
{
    struct pb_step *steps = pb_arena_zalloc(l->a, (reads->n + 1) * sizeof(*steps));
    int identity = -1;
    if (reads->n > PB_MAX_STEPS)
        return pb_load_fail(l, reads, "more than %d steps", PB_MAX_STEPS);
    if (check_names(l, reads) == -1)
        return -1;
    pack->steps = steps;
    pack->nsteps = reads->n;
    for (size_t i = 0; i < reads->n; i++) {
        const struct pb_value *v = &reads->members[i].value;
        steps[i].name = reads->members[i].key;
        steps[i].index = (unsigned)i;
        steps[i].witness = -1;
        size_t mark = pb_load_enter(l, steps[i].name);
        if (load_step(&steps[i], l, v, pack->service) == -1)
            return -1;
        if (steps[i].identity && identity >= 0)
            return pb_load_fail(l, v, "step '%s' is the identity step already",
                                steps[identity].name);
        if (steps[i].identity)
            identity = (int)i;
        pb_load_leave(l, mark);
    }
    if (identity < 0)
        return pb_load_fail(l, reads, "one step needs 'identity: true', the object itself");
    struct pb_step *id = &steps[identity];
    if (id->unlisted && strcmp(id->unlisted, "listing") != 0) {
        id->witness = find_step(pack, id->unlisted);
        if (id->witness < 0 || id->witness == identity)
            return pb_load_fail(l, reads, "'unlisted: %s' is neither 'listing' nor another step",
                                id->unlisted);
    }
    for (size_t i = 0; i < reads->n; i++)
        if (steps[i].not_found && (int)i != identity && (int)i != id->witness)
            return pb_load_fail(l, &reads->members[i].value,
                                "'not_found' belongs to the identity step, and to the step that "
                                "its 'unlisted' names");
    pack->identity = (unsigned)identity;
    return check_cycles(pack, l, reads);
}
