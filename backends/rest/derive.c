#include "backends/rest/derive.h"

#include "base/text.h"

static enum pb_truth all_or_any(const struct pb_cond *c, struct pb_eval *ev, const char **why)
{
    enum pb_truth decisive = c->kind == PB_COND_ALL ? PB_FALSE : PB_TRUE;
    enum pb_truth otherwise = c->kind == PB_COND_ALL ? PB_TRUE : PB_FALSE;
    for (size_t i = 0; i < c->n; i++) {
        enum pb_truth t = pb_cond_eval(&c->subs[i], ev, why);
        if (t == decisive)
            return t;
        if (t == PB_TRUTH_UNKNOWN)
            otherwise = t;
    }
    return otherwise;
}

enum pb_truth pb_cond_eval(const struct pb_cond *c, struct pb_eval *ev, const char **why)
{
    if (!c)
        return PB_TRUE;
    if (c->kind != PB_COND_EXPR)
        return all_or_any(c, ev, why);
    struct pb_value v = pb_expr_eval(c->expr, ev);
    if (v.kind == PB_BOOL)
        return v.b ? PB_TRUE : PB_FALSE;
    if (v.kind == PB_NULL)
        return PB_FALSE;
    const char *text = pb_scalar_text(ev->a, &v);
    if (text && strcmp(text, "true") == 0)
        return PB_TRUE;
    if (text && strcmp(text, "false") == 0)
        return PB_FALSE;
    if (why)
        *why = v.kind == PB_UNKNOWN
                   ? v.s
                   : pb_arena_printf(ev->a, "'%s' is neither true nor false", c->expr->text);
    return PB_TRUTH_UNKNOWN;
}

static bool recorded_has(const struct pb_value *v)
{
    if (pb_is_nullish(v))
        return false;
    return !((v->kind == PB_LIST || v->kind == PB_MAP || v->kind == PB_STRING) && v->n == 0);
}

/* Whether the record says that this is not to be looked at. */
static bool left_out(const struct pb_rule *r, struct pb_eval *ev)
{
    return r->unless_recorded && recorded_has(pb_walk(ev->recorded, r->unless_recorded));
}

static struct pb_value eval_fields(const struct pb_rule *r, struct pb_eval *ev)
{
    struct pb_map_builder m = PB_BUILDER_INIT;
    for (size_t i = 0; i < r->nfields; i++)
        if (!left_out(r->fields[i].rule, ev))
            pb_map_add(&m, r->fields[i].name, pb_rule_eval(r->fields[i].rule, ev));
    return pb_map_done(&m, ev->a);
}

struct collect {
    struct pb_list_builder list;
    struct pb_map_builder map;
    struct pb_value unknown; /* PB_UNKNOWN once something could not be seen */
};

static void collect_one(const struct pb_rule *r, struct pb_eval *ev, struct collect *c)
{
    const char *why = NULL;
    enum pb_truth t = pb_cond_eval(r->where, ev, &why);
    if (t == PB_TRUTH_UNKNOWN)
        c->unknown = pb_mk_unknown(ev->a, why);
    if (t != PB_TRUE)
        return;
    struct pb_value v = r->value ? pb_rule_eval(r->value, ev) : eval_fields(r, ev);
    if (!r->key) {
        if (v.kind != PB_NULL || !r->value)
            pb_list_add(&c->list, v);
        return;
    }
    struct pb_value k = pb_expr_eval(r->key, ev);
    const char *key = pb_scalar_text(ev->a, &k);
    if (key)
        pb_map_add(&c->map, pb_arena_intern(ev->a, key, strlen(key)), v);
    else if (k.kind == PB_UNKNOWN)
        c->unknown = k;
}

static void loop(const struct pb_rule *r, size_t depth, struct pb_eval *ev, struct collect *c)
{
    if (depth == r->nloops) {
        collect_one(r, ev, c);
        return;
    }
    struct pb_value in = pb_expr_eval(r->loops[depth].in, ev);
    if (in.kind == PB_UNKNOWN)
        c->unknown = in;
    if (in.kind == PB_UNKNOWN || in.kind == PB_NULL)
        return;
    struct pb_var var = {.up = ev->vars, .name = r->loops[depth].var, .value = in};
    ev->vars = &var;
    if (in.kind != PB_LIST)
        loop(r, depth + 1, ev, c);
    for (size_t i = 0; in.kind == PB_LIST && i < in.n; i++) {
        var.value = in.items[i];
        loop(r, depth + 1, ev, c);
    }
    ev->vars = var.up;
}

static struct pb_value eval_for(const struct pb_rule *r, struct pb_eval *ev)
{
    struct collect c = {.list = PB_BUILDER_INIT, .map = PB_BUILDER_INIT, .unknown = pb_null};
    loop(r, 0, ev, &c);
    if (c.unknown.kind == PB_UNKNOWN) {
        pb_list_builder_release(&c.list);
        pb_map_builder_release(&c.map);
        return c.unknown;
    }
    return r->key ? pb_map_done(&c.map, ev->a) : pb_list_done(&c.list, ev->a);
}

static struct pb_value eval_object(const struct pb_rule *r, struct pb_eval *ev)
{
    bool block = r->kind == PB_RULE_BLOCK;
    struct pb_value v = pb_expr_eval(r->expr, ev);
    if (v.kind == PB_UNKNOWN)
        return v;
    /* An empty XML element is an empty object. */
    if (v.kind == PB_NULL || (v.kind == PB_BOOL && !v.b) || (v.kind == PB_LIST && v.n == 0))
        return block ? pb_empty_list : pb_null;
    struct pb_var var = {.up = ev->vars, .name = r->as, .value = v};
    ev->vars = &var;
    struct pb_value object = eval_fields(r, ev);
    ev->vars = var.up;
    if (!block)
        return object;
    struct pb_list_builder b = PB_BUILDER_INIT;
    pb_list_add(&b, object);
    return pb_list_done(&b, ev->a);
}

static struct pb_value eval_first_of(const struct pb_rule *r, struct pb_eval *ev)
{
    for (size_t i = 0; i < r->nrules; i++) {
        struct pb_value v = pb_rule_eval(r->rules[i], ev);
        if (v.kind != PB_NULL)
            return v;
    }
    return pb_null;
}

static struct pb_value eval_concat(const struct pb_rule *r, struct pb_eval *ev)
{
    struct pb_list_builder b = PB_BUILDER_INIT;
    for (size_t i = 0; i < r->nrules; i++) {
        struct pb_value v = pb_rule_eval(r->rules[i], ev);
        if (v.kind == PB_UNKNOWN) {
            pb_list_builder_release(&b);
            return v;
        }
        for (size_t j = 0; v.kind == PB_LIST && j < v.n; j++)
            pb_list_add(&b, v.items[j]);
        if (v.kind != PB_LIST && v.kind != PB_NULL)
            pb_list_add(&b, v);
    }
    return pb_list_done(&b, ev->a);
}

static struct pb_value eval_cases(const struct pb_rule *r, struct pb_eval *ev)
{
    for (size_t i = 0; i < r->ncases; i++) {
        const char *why = NULL;
        enum pb_truth t = pb_cond_eval(r->cases[i].when, ev, &why);
        if (t == PB_TRUTH_UNKNOWN)
            return pb_mk_unknown(ev->a, why);
        if (t == PB_TRUE)
            return pb_rule_eval(r->cases[i].then, ev);
    }
    return pb_null;
}

static struct pb_value eval_kind(const struct pb_rule *r, struct pb_eval *ev)
{
    switch (r->kind) {
    case PB_RULE_EXPR: return pb_expr_eval(r->expr, ev);
    case PB_RULE_CONST: return r->constant;
    case PB_RULE_FOR: return eval_for(r, ev);
    case PB_RULE_BLOCK:
    case PB_RULE_OBJECT: return eval_object(r, ev);
    case PB_RULE_FIRST_OF: return eval_first_of(r, ev);
    case PB_RULE_CONCAT: return eval_concat(r, ev);
    case PB_RULE_CASES: return eval_cases(r, ev);
    case PB_RULE_GROUP: {
        struct pb_value v = pb_rule_eval(r->rules[0], ev);
        return v.kind == PB_LIST ? pb_group(ev->a, &v, r->by) : v;
    }
    }
    return pb_null;
}

struct pb_value pb_rule_eval(const struct pb_rule *r, struct pb_eval *ev)
{
    struct pb_value v = pb_calls_eval(r->then, r->nthen, eval_kind(r, ev), ev);
    v.line = 0;
    if (r->sensitive)
        v.flags |= PB_V_SENSITIVE;
    return v;
}

/* Whether the attribute is to be had; ev->steps are those that it came from. */
static bool derive_one(struct pb_value *out, const struct pb_attr *attr, struct pb_eval *ev)
{
    const struct pb_value *recorded = pb_get(ev->recorded, attr->name);
    if ((attr->rule->only_if_recorded && !recorded_has(recorded)) || left_out(attr->rule, ev))
        return false;
    ev->skipped = false;
    ev->steps = 0;
    *out = pb_rule_eval(attr->rule, ev);
    if (attr->rule->like_recorded && out->kind == PB_LIST && !ev->skipped)
        *out = pb_split_like(ev->a, out, attr->rule->by, recorded);
    return !ev->skipped;
}

/* Whether the record has something that is not in `live`. Objects within have only what the pack
 * maps. */
static bool poorer(struct pb_arena *a, const struct pb_value *live, const struct pb_value *recorded,
                   bool within)
{
    if (!recorded_has(recorded) || live->kind == PB_UNKNOWN)
        return false;
    if (!recorded_has(live))
        return true;
    if (live->kind == PB_LIST || (live->kind == PB_MAP && !within)) {
        if (pb_len(live) < pb_len(recorded))
            return true;
    }
    for (size_t i = 0; live->kind == PB_LIST && i < live->n; i++)
        if (poorer(a, &live->items[i], pb_at(recorded, i), true))
            return true;
    for (size_t i = 0; live->kind == PB_MAP && i < live->n; i++)
        if (poorer(a, &live->members[i].value, pb_get(recorded, live->members[i].key), true))
            return true;
    if (live->kind == PB_LIST || live->kind == PB_MAP)
        return false;
    return !pb_streq(pb_scalar_text(a, live), pb_scalar_text(a, recorded));
}

unsigned pb_derive_missed(const struct pb_pack *pack, struct pb_eval *ev)
{
    unsigned missed = 0;
    struct pb_value v;
    for (size_t i = 0; i < pack->nattrs; i++)
        if (derive_one(&v, &pack->attrs[i], ev) &&
            poorer(ev->a, &v, pb_get(ev->recorded, pack->attrs[i].name), false))
            missed |= ev->steps;
    return missed;
}

static const char *doubt_of(unsigned steps, const char *const *doubts)
{
    for (size_t i = 0; doubts && i < PB_MAX_STEPS; i++)
        if ((steps & (1u << i)) && doubts[i])
            return doubts[i];
    return NULL;
}

struct pb_value pb_derive(const struct pb_pack *pack, struct pb_eval *ev, const char *const *doubts)
{
    struct pb_map_builder m = PB_BUILDER_INIT;
    struct pb_value v;
    unsigned sensitive = 0;
    for (size_t i = 0; i < pack->nsteps; i++)
        if (pack->steps[i].sensitive)
            sensitive |= 1u << i;
    for (size_t i = 0; i < pack->nattrs; i++) {
        const struct pb_attr *attr = &pack->attrs[i];
        if (!derive_one(&v, attr, ev))
            continue;
        const char *doubt = doubt_of(ev->steps, doubts);
        if (ev->steps & sensitive)
            v.flags |= PB_V_SENSITIVE;
        if (doubt && poorer(ev->a, &v, pb_get(ev->recorded, attr->name), false))
            v = pb_mk_unknown(ev->a, doubt);
        pb_map_add(&m, attr->name, v);
    }
    return pb_map_done(&m, ev->a);
}
