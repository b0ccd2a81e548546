/* Ignore rules from three places as one set. */
#include "run/internal.h"

#include "reconcile/ignore.h"

#include <string.h>

static void add_rule(struct pb_list_builder *l, struct pb_arena *a, const char *address,
                     const char *path, const char *reason, int64_t line)
{
    struct pb_map_builder m = PB_BUILDER_INIT;
    struct pb_value v;

    if (address)
        pb_map_add(&m, "address", pb_mk_string(a, address));
    if (path)
        pb_map_add(&m, "path", pb_mk_string(a, path));
    if (reason)
        pb_map_add(&m, "reason", pb_mk_string(a, reason));
    v = pb_map_done(&m, a);
    v.line = line > UINT16_MAX ? UINT16_MAX : (uint16_t)line;
    pb_list_add(l, v);
}

/* The ':' between address and path: outside of keys, and behind a whole /expression/. */
static const char *separator(const char *s)
{
    const char *p = s;
    bool quoted = false;

    if (*s == '/') {
        for (p = s + 1; *p && !(p[0] == '/' && (p[1] == ':' || !p[1])); p++)
            ;
        return *p && p[1] ? p + 1 : NULL;
    }
    for (; *p; p++) {
        if (*p == '\\' && quoted && p[1])
            p++;
        else if (*p == '"')
            quoted = !quoted;
        else if (*p == ':' && !quoted)
            return p;
    }
    return NULL;
}

static void add_config(struct pb_list_builder *l, struct pb_arena *a,
                       const struct pb_config_ignore *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add_rule(l, a, v[i].address, v[i].path, v[i].reason, v[i].line);
}

/* ADDRESS or ADDRESS:PATH of the command line. */
static void add_adhoc(struct pb_list_builder *l, struct pb_arena *a, const char *text)
{
    const char *sep = separator(text);
    const char *address = sep ? pb_arena_strndup(a, text, (size_t)(sep - text)) : text;

    add_rule(l, a, *address ? address : NULL, sep ? sep + 1 : NULL, "ignored on the command line",
             0);
}

int pb_audit_check_ignore(char *const *adhoc, struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();

    for (; adhoc && *adhoc; adhoc++) {
        PB_AUTO(ignore) struct pb_ignore_set *set = NULL;
        struct pb_list_builder l = PB_BUILDER_INIT;
        struct pb_err why = PB_ERR_INIT;
        struct pb_value list;
        const char *at;

        add_adhoc(&l, a, *adhoc);
        list = pb_list_done(&l, a);
        if (pb_ignore_parse(&set, pb_box(a, list), "--ignore", &why) == 0)
            continue;
        at = strstr(why.msg, ": ");
        return pb_fail(err, PB_E_USAGE, "--ignore '%s': %s", *adhoc, at ? at + 2 : why.msg);
    }
    return 0;
}

/* ---- rules that are about nothing ------------------------------------------------------------ */

/* One side is enough: what another one has beside it differs, and was matched then. */
static void meet_all(const struct pb_unit_result *u)
{
    for (size_t i = 0; i < u->out.n; i++) {
        const struct pb_resource_result *r = &u->out.v[i];
        const struct pb_schema *schema = pb_schema_find(&u->declared.schemas, r->type);
        const struct pb_type *t = schema ? schema->root : NULL;
        const struct pb_recorded *rec = pb_recorded_find(&u->recorded, r->address);
        const struct pb_declared *d =
            rec ? NULL : pb_declared_find(&u->declared.declared, r->address);

        pb_ignore_meet(u->ignore, r->address, rec ? rec->attributes : d ? d->planned : NULL, t);
    }
}

static void tell(struct pb_diags *to, struct pb_arena *a, const char *rule, enum pb_ignore_use use,
                 const char *address, const char *path)
{
    if (use == PB_IGNORE_USED)
        return;
    if (use == PB_IGNORE_NO_ATTRIBUTE || !address)
        pb_diag_add(to, a, "notice", "ignore-unused", NULL,
                    "%s matches nothing: no resource%s has the attribute '%s'", rule,
                    address ? " that it names" : "", path ? path : "*");
    else
        pb_diag_add(to, a, "notice", "ignore-unused", NULL,
                    "%s matches nothing: no resource has the address '%s'", rule, address);
}

static void tell_config(struct pb_diags *to, struct pb_audit *a, const struct pb_config_ignore *c,
                        enum pb_ignore_use use)
{
    tell(
        to, a->arena,
        pb_arena_printf(a->arena, "the ignore rule at %s:%lld", a->config.file, (long long)c->line),
        use, c->address, c->path);
}

static void tell_adhoc(struct pb_audit *a, const char *text, enum pb_ignore_use use)
{
    const char *sep = separator(text), *address;

    address = sep ? pb_arena_strndup(a->arena, text, (size_t)(sep - text)) : text;
    tell(&a->diags, a->arena, pb_arena_printf(a->arena, "--ignore '%s'", text), use,
         *address ? address : NULL, sep ? sep + 1 : NULL);
}

/* What all units share is told once, when none of them has it; not where one could not be seen. */
void pb_audit_tell_unused(struct pb_audit *a, char *const *adhoc)
{
    size_t shared = a->config.nignore, whole = 0;
    enum pb_ignore_use *use;

    while (adhoc && adhoc[shared - a->config.nignore])
        shared++;
    use = pb_arena_zalloc(a->arena, (shared + 1) * sizeof(*use));
    for (size_t i = 0; i < a->nunits; i++) {
        const struct pb_unit_result *u = &a->units[i];

        if (u->failed || !u->ignore)
            continue;
        whole++;
        meet_all(u);
        for (size_t k = 0; k < u->config.nignore; k++)
            tell_config(&a->units[i].diags, a, &u->config.ignore[k],
                        pb_ignore_use_of(u->ignore, k));
        for (size_t k = 0; k < shared; k++) {
            enum pb_ignore_use here = pb_ignore_use_of(u->ignore, u->config.nignore + k);

            use[k] = here > use[k] ? here : use[k];
        }
    }
    for (size_t k = 0; whole && whole == a->nunits && k < shared; k++) {
        if (k < a->config.nignore)
            tell_config(&a->diags, a, &a->config.ignore[k], use[k]);
        else
            tell_adhoc(a, adhoc[k - a->config.nignore], use[k]);
    }
}

int pb_audit_ignore(struct pb_unit_result *u, const struct pb_config *c, char *const *adhoc,
                    struct pb_err *err)
{
    struct pb_list_builder l = PB_BUILDER_INIT;
    struct pb_value list;

    add_config(&l, u->arena, u->config.ignore, u->config.nignore);
    add_config(&l, u->arena, c->ignore, c->nignore);
    for (; adhoc && *adhoc; adhoc++)
        add_adhoc(&l, u->arena, *adhoc);
    list = pb_list_done(&l, u->arena);
    return pb_ignore_parse(&u->ignore, pb_box(u->arena, list),
                           c->file ? c->file : "the command line", err);
}
