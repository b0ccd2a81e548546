#include "reconcile/ignore.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/path.h"
#include "model/pattern.h"
#include "reconcile/echo.h"

/* Either a literal or a compiled expression; neither means: everything. */
struct pattern {
    char *literal;
    struct pb_pattern *code;
};

struct rule {
    struct pattern address, path;
    bool has_path;
    char *reason;
    int line;
    int failed; /* what went wrong, once something did */
    size_t matched;
};

struct pb_ignore_set {
    struct rule *v;
    size_t n;
    char *file;
};

static void pattern_release(struct pattern *p)
{
    free(p->literal);
    pb_pattern_free(p->code);
}

void pb_ignore_free(struct pb_ignore_set *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++) {
        pattern_release(&s->v[i].address);
        pattern_release(&s->v[i].path);
        free(s->v[i].reason);
    }
    free(s->v);
    free(s->file);
    free(s);
}

void pb_auto_ignore(struct pb_ignore_set **s)
{
    pb_ignore_free(*s);
}

static int compile(struct pattern *out, const struct pb_value *v, const char *file, int line,
                   struct pb_err *err)
{
    const char *s = pb_str(v);
    size_t n = s ? v->n : 0;
    char why[128];
    size_t at;

    if (pb_is_nullish(v) || (s && strcmp(s, "*") == 0))
        return 0;
    if (!s || !n || n > PB_PATTERN_MAX)
        return pb_fail(err, PB_E_CONFIG, "%s:%d: a pattern must be a string of at most %d bytes",
                       file, line, PB_PATTERN_MAX);
    if (n < 3 || s[0] != '/' || s[n - 1] != '/') {
        out->literal = pb_strdup(s);
        return 0;
    }
    if (pb_pattern_compile(&out->code, s + 1, n - 2, &at, why))
        return pb_fail(err, PB_E_CONFIG, "%s:%d: pattern '%s' at character %zu: %s", file, line, s,
                       at + 1, why);
    return 0;
}

static int parse_rule(struct rule *r, const struct pb_value *v, const char *file,
                      struct pb_err *err)
{
    const char *reason = pb_get_str(v, "reason");

    r->line = v->line;
    if (!pb_is(v, PB_MAP) || (!pb_get(v, "address") && !pb_get(v, "path")))
        return pb_fail(err, PB_E_CONFIG, "%s:%d: an ignore rule needs 'address', 'path' or both",
                       file, v->line);
    r->has_path = !pb_is_nullish(pb_get(v, "path"));
    r->reason = reason && *reason ? pb_strdup(reason)
                                  : pb_asprintf("ignored by the rule at %s:%d", file, v->line);
    if (compile(&r->address, pb_get(v, "address"), file, v->line, err))
        return -1;
    return compile(&r->path, pb_get(v, "path"), file, v->line, err);
}

int pb_ignore_parse(struct pb_ignore_set **out, const struct pb_value *list, const char *file,
                    struct pb_err *err)
{
    PB_AUTO(ignore) struct pb_ignore_set *s = pb_calloc(1, sizeof(*s));

    if (!pb_is_nullish(list) && !pb_is(list, PB_LIST))
        return pb_fail(err, PB_E_CONFIG, "%s:%d: 'ignore' must be a list of rules", file,
                       list->line);
    s->file = pb_strdup(file);
    s->v = pb_calloc(pb_len(list), sizeof(*s->v));
    for (size_t i = 0; i < pb_len(list); i++) {
        s->n++;
        if (parse_rule(&s->v[i], &list->items[i], file, err))
            return -1;
    }
    *out = pb_take(&s);
    return 0;
}

static bool run(struct rule *r, const struct pattern *p, const char *subject)
{
    int rc = pb_pattern_match(p->code, subject);

    if (rc < 0)
        r->failed = rc;
    return rc > 0;
}

static bool address_matches(struct rule *r, const char *address)
{
    if (r->address.code)
        return run(r, &r->address, address);
    return !r->address.literal || pb_addr_within(address, r->address.literal);
}

static bool path_matches(struct rule *r, const char *path)
{
    if (r->path.code)
        return run(r, &r->path, path);
    return !r->path.literal || pb_path_covers(r->path.literal, path);
}

static const char *match(const struct pb_ignore_set *s, const char *address, const char *path)
{
    for (size_t i = 0; s && i < s->n; i++) {
        struct rule *r = &s->v[i];
        if (r->failed || r->has_path != (path != NULL))
            continue;
        if (!address_matches(r, address) || (path && !path_matches(r, path)))
            continue;
        r->matched++;
        return r->reason;
    }
    return NULL;
}

const char *pb_ignore_resource(const struct pb_ignore_set *s, const char *address)
{
    return match(s, address, NULL);
}

const char *pb_ignore_attribute(const struct pb_ignore_set *s, const char *address,
                                const char *path)
{
    return match(s, address, path);
}

void pb_ignore_problems(const struct pb_ignore_set *s, struct pb_diags *d, struct pb_arena *a)
{
    for (size_t i = 0; s && i < s->n; i++) {
        const struct rule *r = &s->v[i];
        char text[128];
        if (!r->failed)
            continue;
        pb_pattern_why(text, r->failed);
        pb_diag_add(d, a, "warning", "ignore-rule", NULL,
                    "the ignore rule at %s:%d was not applied: its pattern failed (%s)", s->file,
                    r->line, text);
    }
}
