/* Rules for attributes, and conditions. */
#include <ctype.h>

#include "backends/rest/load.h"
#include "base/text.h"

static int load_conds(struct pb_cond *out, struct pb_load *l, const struct pb_value *list);

static int load_cond(struct pb_cond *out, struct pb_load *l, const struct pb_value *v)
{
    *out = (struct pb_cond){0};
    if (pb_is(v, PB_LIST)) {
        out->kind = PB_COND_ALL;
        return load_conds(out, l, v);
    }
    if (pb_is(v, PB_MAP)) {
        out->kind = PB_COND_ANY;
        const struct pb_value *any = pb_get(v, "any");
        if (v->n != 1 || !pb_is(any, PB_LIST))
            return pb_load_fail(l, v, "a condition that is a map is {any: [conditions]}");
        return load_conds(out, l, any);
    }
    return pb_load_expr(&out->expr, l, v);
}

static int load_conds(struct pb_cond *out, struct pb_load *l, const struct pb_value *list)
{
    struct pb_cond *subs = pb_arena_zalloc(l->a, (pb_len(list) + 1) * sizeof(*subs));
    for (size_t i = 0; i < pb_len(list); i++)
        if (load_cond(&subs[i], l, pb_at(list, i)) == -1)
            return -1;
    out->subs = subs;
    out->n = pb_len(list);
    return 0;
}

int pb_load_cond(const struct pb_cond **out, struct pb_load *l, const struct pb_value *v)
{
    *out = NULL;
    if (!v)
        return 0;
    struct pb_cond *c = pb_arena_zalloc(l->a, sizeof(*c));
    *out = c;
    return load_cond(c, l, v);
}

static int add_var(struct pb_load *l, const struct pb_value *at, const char *name)
{
    size_t n = 0;
    while (l->names.vars && l->names.vars[n])
        n++;
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '_')
            return pb_load_fail(l, at, "'%s' cannot be the name of a variable", name);
    if (!*name || n > 16)
        return pb_load_fail(l, at, "a loop needs the name of a variable");
    const char **vars = pb_arena_zalloc(l->a, (n + 2) * sizeof(const char *));
    for (size_t i = 0; i < n; i++)
        vars[i] = l->names.vars[i];
    vars[n] = name;
    l->names.vars = vars;
    return 0;
}

static int load_loop(struct pb_loop *out, struct pb_load *l, const struct pb_value *v)
{
    const char *text = pb_str(v), *in = text ? strstr(text, " in ") : NULL;
    if (!in)
        return pb_load_fail(l, v, "a loop is written 'NAME in EXPRESSION'");
    struct pb_value expr = pb_mk_string(l->a, in + 4);
    expr.line = v->line;
    out->var = pb_arena_strndup(l->a, text, (size_t)(in - text));
    if (pb_load_expr(&out->in, l, &expr) == -1)
        return -1;
    return add_var(l, v, out->var);
}

static int load_loops(struct pb_rule *r, struct pb_load *l, const struct pb_value *v)
{
    size_t n = pb_is(v, PB_LIST) ? v->n : 1;
    struct pb_loop *loops = pb_arena_zalloc(l->a, (n + 1) * sizeof(*loops));
    if (n == 0)
        return pb_load_fail(l, v, "a loop is written 'NAME in EXPRESSION'");
    for (size_t i = 0; i < n; i++)
        if (load_loop(&loops[i], l, pb_is(v, PB_LIST) ? &v->items[i] : v) == -1)
            return -1;
    r->loops = loops;
    r->nloops = n;
    return 0;
}

static int load_fields(struct pb_rule *r, struct pb_load *l, const struct pb_value *v)
{
    struct pb_rule_field *f = pb_arena_zalloc(l->a, (pb_len(v) + 1) * sizeof(*f));
    for (size_t i = 0; i < pb_len(v); i++) {
        size_t mark = pb_load_enter(l, v->members[i].key);
        f[i].name = v->members[i].key;
        if (pb_load_rule(&f[i].rule, l, &v->members[i].value) == -1)
            return -1;
        pb_load_leave(l, mark);
    }
    r->fields = f;
    r->nfields = pb_len(v);
    return 0;
}

static int load_rules(struct pb_rule *r, struct pb_load *l, const struct pb_value *v)
{
    const struct pb_rule **rules = pb_arena_zalloc(l->a, (v->n + 1) * sizeof(struct pb_rule *));
    for (size_t i = 0; i < v->n; i++)
        if (pb_load_rule(&rules[i], l, &v->items[i]) == -1)
            return -1;
    r->rules = rules;
    r->nrules = v->n;
    return 0;
}

static int load_cases(struct pb_rule *r, struct pb_load *l, const struct pb_value *v)
{
    struct pb_rule_case *cases = pb_arena_zalloc(l->a, (v->n + 1) * sizeof(*cases));
    for (size_t i = 0; i < v->n; i++) {
        const struct pb_value *c = &v->items[i], *when = pb_get(c, "if");
        const struct pb_value *then = pb_get(c, when ? "then" : "else");
        if (!then || pb_len(c) != (when ? 2 : 1))
            return pb_load_fail(l, c, "a case is {if: CONDITION, then: RULE} or {else: RULE}");
        if (pb_load_cond(&cases[i].when, l, when) == -1 ||
            pb_load_rule(&cases[i].then, l, then) == -1)
            return -1;
    }
    r->cases = cases;
    r->ncases = v->n;
    return 0;
}

/* The keys of which a rule has exactly one, and what may stand beside each. */
static const struct form {
    const char *name;
    enum pb_rule_kind kind;
    const char *beside; /* space-separated */
} forms[] = {
    {"for", PB_RULE_FOR, "where value fields key"},
    {"block", PB_RULE_BLOCK, "as fields"},
    {"object", PB_RULE_OBJECT, "as fields"},
    {"first_of", PB_RULE_FIRST_OF, ""},
    {"concat", PB_RULE_CONCAT, ""},
    {"cases", PB_RULE_CASES, ""},
    {"group", PB_RULE_GROUP, "by like_recorded"},
    {"value", PB_RULE_EXPR, ""},
};

static const struct form *form_of(struct pb_load *l, const struct pb_value *v)
{
    const struct form *form = NULL;
    for (size_t i = 0; i < PB_COUNT(forms) && !form; i++)
        if (pb_get(v, forms[i].name))
            form = &forms[i];
    if (!form) {
        pb_load_fail(l, v,
                     "a rule has one of value, for, block, object, first_of, concat, cases, "
                     "group");
        return NULL;
    }
    for (size_t i = 0; i < v->n; i++) {
        const char *key = v->members[i].key, *hit = strstr(form->beside, key);
        bool modifier = strcmp(key, "then") == 0 || strcmp(key, "sensitive") == 0 ||
                        strcmp(key, "only_if_recorded") == 0 || strcmp(key, "unless_recorded") == 0;
        size_t n = strlen(key);
        bool beside = hit && (hit == form->beside || hit[-1] == ' ') && strchr(" ", hit[n]);
        if (!modifier && !beside && strcmp(key, form->name) != 0) {
            pb_load_fail(l, &v->members[i].value, "'%s' does not go with '%s'; remove one", key,
                         form->name);
            return NULL;
        }
    }
    return form;
}

static int load_for(struct pb_rule *r, struct pb_load *l, const struct pb_value *v)
{
    if (load_loops(r, l, pb_get(v, "for")) == -1 ||
        pb_load_cond(&r->where, l, pb_get(v, "where")) == -1)
        return -1;
    const struct pb_value *value = pb_get(v, "value"), *key = pb_get(v, "key");
    if (!value == !pb_get(v, "fields"))
        return pb_load_fail(l, v, "'for' needs either 'value' or 'fields'");
    if (key && pb_load_expr(&r->key, l, key) == -1)
        return -1;
    return value ? pb_load_rule(&r->value, l, value) : load_fields(r, l, pb_get(v, "fields"));
}

static int load_object(struct pb_rule *r, struct pb_load *l, const struct pb_value *v,
                       const char *form)
{
    const char *as = pb_get_str(v, "as");
    r->as = as ? as : "it";
    if (!pb_get(v, "fields"))
        return pb_load_fail(l, v, "'%s' needs 'fields'", form);
    if (pb_load_expr(&r->expr, l, pb_get(v, form)) == -1 || add_var(l, v, r->as) == -1)
        return -1;
    return load_fields(r, l, pb_get(v, "fields"));
}

static int load_group(struct pb_rule *r, struct pb_load *l, const struct pb_value *v)
{
    const struct pb_rule **of = pb_arena_zalloc(l->a, 2 * sizeof(struct pb_rule *));
    r->like_recorded = pb_get_bool(v, "like_recorded", false);
    if (!pb_get(v, "by"))
        return pb_load_fail(l, v, "'group' needs 'by': [names]");
    if (pb_load_rule(&of[0], l, pb_get(v, "group")) == -1 ||
        pb_load_strings(&r->by, l, pb_get(v, "by")) == -1)
        return -1;
    r->rules = of;
    r->nrules = 1;
    return 0;
}

static int load_form(struct pb_rule *r, struct pb_load *l, const struct pb_value *v,
                     const struct form *form)
{
    const struct pb_value *of = pb_get(v, form->name);
    r->kind = form->kind;
    switch (form->kind) {
    case PB_RULE_FOR: return load_for(r, l, v);
    case PB_RULE_BLOCK:
    case PB_RULE_OBJECT: return load_object(r, l, v, form->name);
    case PB_RULE_FIRST_OF:
    case PB_RULE_CONCAT: return load_rules(r, l, of);
    case PB_RULE_CASES: return load_cases(r, l, of);
    case PB_RULE_GROUP: return load_group(r, l, v);
    default: break;
    }
    const struct pb_rule *inner = NULL;
    if (pb_load_rule(&inner, l, of) == -1)
        return -1;
    const struct pb_rule **list = pb_arena_zalloc(l->a, 2 * sizeof(struct pb_rule *));
    list[0] = inner;
    r->kind = PB_RULE_FIRST_OF;
    r->rules = list;
    r->nrules = 1;
    return 0;
}

int pb_load_rule(const struct pb_rule **out, struct pb_load *l, const struct pb_value *v)
{
    struct pb_rule *r = pb_arena_zalloc(l->a, sizeof(*r));
    *out = r;
    if (pb_is(v, PB_STRING)) {
        r->kind = PB_RULE_EXPR;
        return pb_load_expr(&r->expr, l, v);
    }
    if (!pb_is(v, PB_MAP)) {
        if (pb_len(v) > 0)
            return pb_load_fail(l, v, "a list is written as a rule: for, concat, or []");
        r->kind = PB_RULE_CONST;
        r->constant = *v;
        r->constant.line = 0;
        return 0;
    }
    if (pb_load_check(l, v, &pb_keys_rule) == -1)
        return -1;
    const struct form *form = form_of(l, v);
    if (!form)
        return -1;
    const char *const *vars = l->names.vars;
    r->sensitive = pb_get_bool(v, "sensitive", false);
    r->only_if_recorded = pb_get_bool(v, "only_if_recorded", false);
    r->unless_recorded = pb_get_str(v, "unless_recorded");
    if (load_form(r, l, v, form) == -1)
        return -1;
    l->names.vars = vars;
    const char *then = pb_get_str(v, "then");
    if (then && pb_calls_parse(&r->then, &r->nthen, l->a, then, &l->names, l->err) == -1)
        return pb_load_wrap(l, pb_get(v, "then"));
    return 0;
}
