/* What both plans say beside resources: how providers are set up, who uses which, and outputs. The
 * text says only what is written into the blocks themselves. Values are not told: names alone. */
#include "run/check_internal.h"

#include "base/mem.h"
#include "base/text.h"

#include <string.h>

static const char other_provider[] = "provider-config-changed"; /* a rule of the text, too */

struct plans {
    struct pb_compare cmp;
    struct pb_arena *arena;
    struct pb_check_unit *unit;
    const struct pb_check_findings *shared; /* of the text, in several units */
    const struct pb_declared_set *base, *merged;
};

static void find(const struct plans *p, const struct pb_text_rule *rule, const char *address,
                 const char *message)
{
    pb_check_find(&p->unit->findings, p->arena, rule,
                  &(struct pb_check_finding){.message = message, .address = address});
}

/* ---- providers ------------------------------------------------------------------------------- */

static const struct pb_provider_config *config_of(const struct pb_declared_set *d, const char *key)
{
    for (size_t i = 0; key && i < d->nproviders; i++)
        if (strcmp(d->providers[i].key, key) == 0)
            return &d->providers[i];
    return NULL;
}

/* As the text has it: "module.net.provider.aws.west". */
static const char *name_of(const struct plans *p, const struct pb_provider_config *c)
{
    const char *at = strstr(c->key, "provider[\""), *slash = strrchr(c->source, '/');

    return pb_arena_printf(p->arena, "%.*sprovider.%s%s%s", at ? (int)(at - c->key) : 0, c->key,
                           slash ? slash + 1 : c->source, c->alias ? "." : "",
                           c->alias ? c->alias : "");
}

static bool is_told(const struct pb_check_findings *f, const char *code, const char *address,
                    const char *quoted)
{
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->v[i].code, code) == 0 && pb_streq(f->v[i].address, address) &&
            strstr(f->v[i].message, quoted))
            return true;
    return false;
}

/* The settings that are others, in quotes, but for what the text has told already. */
static void differing(struct pb_buf *out, const struct plans *p, const char *address,
                      const struct pb_value *b, const struct pb_value *m)
{
    const char *code = other_provider;

    for (int side = 0; side < 2; side++) {
        const struct pb_value *mine = side ? m : b;

        for (size_t i = 0; pb_is(mine, PB_MAP) && i < mine->n; i++) {
            const char *key = mine->members[i].key;
            PB_AUTO(str) char *quoted = pb_asprintf("'%s'", key);

            if ((side && pb_get(b, key)) ||
                pb_check_same(&p->cmp, pb_get(b, key), pb_get(m, key)) ||
                is_told(&p->unit->findings, code, address, quoted) ||
                is_told(p->shared, code, address, quoted))
                continue;
            pb_buf_addf(out, "%s%s", out->len ? ", " : "", quoted);
        }
    }
}

static void compare_settings(const struct plans *p)
{
    for (size_t i = 0; i < p->merged->nproviders; i++) {
        const struct pb_provider_config *m = &p->merged->providers[i];
        const struct pb_provider_config *b = config_of(p->base, m->key);
        const char *address = name_of(p, m);
        PB_AUTO(buf) struct pb_buf names = PB_BUF_INIT;

        if (!b) /* a block that is new is told by the text */
            continue;
        differing(&names, p, address, b->values, m->values);
        if (names.len)
            find(p, pb_check_rule_find(other_provider), address,
                 pb_arena_printf(p->arena, "'%s' is set up otherwise: %s", address, names.s));
    }
}

/* ---- who uses which -------------------------------------------------------------------------- */

static const struct pb_declared *before(const struct plans *p, const struct pb_declared *m)
{
    const struct pb_declared *b = pb_declared_find(p->base, m->address);

    return b || !m->previous_address ? b : pb_declared_find(p->base, m->previous_address);
}

/* Managed with another configuration, and that is not the same under another name. */
static bool is_elsewhere(const struct plans *p, const struct pb_declared *b,
                         const struct pb_declared *m)
{
    const struct pb_provider_config *from, *to;

    if (!b || !b->planned || !m->planned || !b->provider || !m->provider ||
        strcmp(b->provider, m->provider) == 0)
        return false;
    from = config_of(p->base, b->provider);
    to = config_of(p->merged, m->provider);
    return !from || !to || strcmp(from->source, to->source) != 0 || pb_has_unknown(from->values) ||
           pb_has_unknown(to->values) || !pb_check_same(&p->cmp, from->values, to->values);
}

static const char *shown(const struct plans *p, const struct pb_declared_set *d, const char *key)
{
    const struct pb_provider_config *c = config_of(d, key);

    return c ? name_of(p, c) : key;
}

static void say_elsewhere(const struct plans *p, const struct pb_declared *b,
                          const struct pb_declared *m, size_t n)
{
    const char *more = n > 1 ? pb_arena_printf(p->arena, " and %zu more are", n - 1) : " is";

    find(p, pb_check_rule_find(other_provider), m->address,
         pb_arena_printf(p->arena, "'%s'%s managed with '%s' in place of '%s'", m->address, more,
                         shown(p, p->merged, m->provider), shown(p, p->base, b->provider)));
}

/* All that go from one configuration to the same other are told once, with the first of them. */
static void compare_users(const struct plans *p)
{
    for (size_t i = 0; i < p->merged->n; i++) {
        const struct pb_declared *m = &p->merged->v[i], *b = before(p, m);
        size_t same = 0;
        bool first = true;

        if (!is_elsewhere(p, b, m))
            continue;
        for (size_t k = 0; k < p->merged->n && first; k++) {
            const struct pb_declared *o = &p->merged->v[k], *ob = before(p, o);

            if (!is_elsewhere(p, ob, o) || strcmp(o->provider, m->provider) != 0 ||
                strcmp(ob->provider, b->provider) != 0)
                continue;
            first = k >= i;
            same++;
        }
        if (first)
            say_elsewhere(p, b, m, same);
    }
}

/* ---- outputs --------------------------------------------------------------------------------- */

static void say_output(const struct plans *p, enum pb_check_rule rule, const char *name,
                       const char *what)
{
    find(p, pb_check_rule_at(rule), pb_arena_printf(p->arena, "output.%s", name),
         pb_arena_printf(p->arena, "the output '%s' %s", name, what));
}

static void compare_output(const struct plans *p, const char *name, const struct pb_value *b,
                           const struct pb_value *m)
{
    if (!pb_check_same(&p->cmp, b, m))
        say_output(p, PB_CHECK_OUTPUT_CHANGED, name, "has another value");
    else if ((b->flags & PB_V_SENSITIVE) && !(m->flags & PB_V_SENSITIVE))
        say_output(p, PB_CHECK_OUTPUT_CHANGED, name, "is not hidden any more");
}

static void compare_outputs(const struct plans *p)
{
    const struct pb_value *b = p->base->outputs, *m = p->merged->outputs;

    if (!pb_is(b, PB_MAP) || !pb_is(m, PB_MAP))
        return;
    for (size_t i = 0; i < m->n; i++) {
        const char *name = m->members[i].key;

        if (pb_get(b, name))
            compare_output(p, name, pb_get(b, name), &m->members[i].value);
        else
            say_output(p, PB_CHECK_OUTPUT_ADDED, name, "is new");
    }
    for (size_t i = 0; i < b->n; i++)
        if (!pb_get(m, b->members[i].key))
            say_output(p, PB_CHECK_OUTPUT_REMOVED, b->members[i].key, "is gone");
}

void pb_check_plans(struct pb_check_unit *cu, const struct pb_check_findings *shared,
                    const struct pb_seal *seal)
{
    PB_AUTO(arena) struct pb_arena *scratch = pb_arena_new();
    struct plans p = {.cmp = {scratch, seal}, .arena = cu->arena, .unit = cu, .shared = shared};

    if (cu->mode != PB_CHECK_PLANNED || !cu->base || !cu->merged)
        return;
    p.base = &cu->base->declared.declared;
    p.merged = &cu->merged->declared.declared;
    compare_settings(&p);
    compare_users(&p);
    compare_outputs(&p);
}
