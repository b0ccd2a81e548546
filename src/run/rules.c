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
