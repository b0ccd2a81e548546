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

int pb_audit_ignore(struct pb_unit_result *u, const struct pb_config *c, char *const *adhoc,
                    struct pb_err *err)
{
    struct pb_list_builder l = PB_BUILDER_INIT;
    struct pb_value list;

    add_config(&l, u->arena, u->config.ignore, u->config.nignore);
    add_config(&l, u->arena, c->ignore, c->nignore);
    for (; adhoc && *adhoc; adhoc++) {
        const char *sep = separator(*adhoc);
        const char *address =
            sep ? pb_arena_strndup(u->arena, *adhoc, (size_t)(sep - *adhoc)) : *adhoc;

        add_rule(&l, u->arena, *address ? address : NULL, sep ? sep + 1 : NULL,
                 "ignored on the command line", 0);
    }
    list = pb_list_done(&l, u->arena);
    return pb_ignore_parse(&u->ignore, pb_box(u->arena, list),
                           c->file ? c->file : "the command line", err);
}
