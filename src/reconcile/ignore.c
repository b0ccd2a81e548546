#include "reconcile/ignore.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/match.h"
#include "model/path.h"
#include "model/pattern.h"
#include "reconcile/echo.h"
#include "reconcile/reconcile.h"

struct rule {
    struct pb_match address, path;
    bool has_path;
    char *reason;
    int line;
    int failed; /* what went wrong, once something did */
    size_t matched;
    enum pb_ignore_use use;
};

struct pb_ignore_set {
    struct rule *v;
    size_t n;
    char *file;
};

void pb_ignore_free(struct pb_ignore_set *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++) {
        pb_match_release(&s->v[i].address);
        pb_match_release(&s->v[i].path);
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

static int compile(struct pb_match *out, const struct pb_value *v, const char *file, int line,
                   struct pb_err *err)
{
    if (!pb_is_nullish(v) && (!pb_str(v) || strlen(pb_str(v)) != v->n))
        return pb_fail(err, PB_E_CONFIG, "%s:%d: a pattern must be a string of at most %d bytes",
                       file, line, PB_PATTERN_MAX);
    return pb_match_compile(out, pb_str(v), file, line, err);
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

/* A failure is no match, and the rule is not applied again. */
static bool meant(struct rule *r, int rc)
{
    if (rc < 0)
        r->failed = rc;
    return rc > 0;
}

static const char *match(const struct pb_ignore_set *s, const char *address, const char *path)
{
    for (size_t i = 0; s && i < s->n; i++) {
        struct rule *r = &s->v[i];
        if (r->failed || r->has_path != (path != NULL))
            continue;
        if (!meant(r, pb_match_address(&r->address, address)) ||
            (path && !meant(r, pb_match_path(&r->path, path))))
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

static void add_reason(struct pb_ignored *g, const char *why)
{
    for (size_t i = 0; i < g->nreasons; i++)
        if (strcmp(g->reasons[i], why) == 0)
            return;
    if (g->nreasons < PB_IGNORED_REASONS)
        g->reasons[g->nreasons++] = why;
    else
        g->more = true;
}

void pb_ignored_add(struct pb_ignored *g, const char *why)
{
    g->n++;
    add_reason(g, why);
}

void pb_ignored_join(struct pb_ignored *g, const struct pb_ignored *other)
{
    g->n += other->n;
    for (size_t i = 0; i < other->nreasons; i++)
        add_reason(g, other->reasons[i]);
    g->more |= other->more;
}

static bool has_name(const char *name, const struct pb_value *attributes, const struct pb_type *t)
{
    return pb_get(attributes, name) || (t && pb_type_field(t, name));
}

/* An expression may be about anything in there. */
static bool any_path(struct rule *r, const struct pb_value *v, struct pb_buf *path)
{
    size_t len = path->len;
    bool is = len && meant(r, pb_match_path(&r->path, path->s));

    for (size_t i = 0; i < pb_len(v) && !is && !r->failed; i++) {
        bool map = v->kind == PB_MAP;

        if (map)
            pb_path_add_key(path, v->members[i].key);
        else
            pb_path_add_index(path, i);
        is = any_path(r, map ? &v->members[i].value : &v->items[i], path);
        pb_buf_truncate(path, len);
    }
    return is;
}

static bool any_field(struct rule *r, const struct pb_type *t)
{
    for (size_t i = 0; t && t->kind == PB_T_OBJECT && i < t->nfields; i++)
        if (meant(r, pb_match_path(&r->path, t->fields[i].name)))
            return true;
    return false;
}

static bool has_attribute(struct rule *r, const struct pb_value *attributes,
                          const struct pb_type *t)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    if (!r->path.literal)
        return !r->path.code || any_field(r, t) || any_path(r, attributes, &b);
    pb_buf_add(&b, r->path.literal, strcspn(r->path.literal, ".["));
    return !b.len || *b.s == '"' || has_name(b.s, attributes, t);
}

void pb_ignore_meet(const struct pb_ignore_set *s, const char *address,
                    const struct pb_value *attributes, const struct pb_type *type)
{
    for (size_t i = 0; s && i < s->n; i++) {
        struct rule *r = &s->v[i];

        if (r->matched || r->failed)
            r->use = PB_IGNORE_USED;
        if (r->use == PB_IGNORE_USED || !meant(r, pb_match_address(&r->address, address)))
            continue;
        r->use = PB_IGNORE_NO_ATTRIBUTE;
        if (!r->has_path || has_attribute(r, attributes, type))
            r->use = PB_IGNORE_USED;
    }
}

enum pb_ignore_use pb_ignore_use_of(const struct pb_ignore_set *s, size_t i)
{
    return s->v[i].failed ? PB_IGNORE_USED : s->v[i].use;
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
