#define PCRE2_CODE_UNIT_WIDTH 8
#include "reconcile/ignore.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/path.h"
#include "reconcile/echo.h"

enum { MATCH_LIMIT = 100000, PATTERN_MAX = 4096 };

/* Either a literal or a compiled expression; neither means: everything. */
struct pattern {
    char *literal;
    pcre2_code *code;
};

struct rule {
    struct pattern address, path;
    bool has_path;
    char *reason;
    int line;
    int failed; /* pcre2's error, once one happened */
    size_t matched;
};

struct pb_ignore_set {
    struct rule *v;
    size_t n;
    char *file;
    pcre2_match_context *limits;
    pcre2_match_data *data;
};

static void pattern_release(struct pattern *p)
{
    free(p->literal);
    pcre2_code_free(p->code);
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
    pcre2_match_context_free(s->limits);
    pcre2_match_data_free(s->data);
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
    PCRE2_SIZE at;
    int code;

    if (pb_is_nullish(v) || (s && strcmp(s, "*") == 0))
        return 0;
    if (!s || !n || n > PATTERN_MAX)
        return pb_fail(err, PB_E_CONFIG, "%s:%d: a pattern must be a string of at most %d bytes",
                       file, line, PATTERN_MAX);
    if (n < 3 || s[0] != '/' || s[n - 1] != '/') {
        out->literal = pb_strdup(s);
        return 0;
    }
    out->code = pcre2_compile(
        (PCRE2_SPTR)s + 1, n - 2,
        PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &code, &at, NULL);
    if (!out->code) {
        PCRE2_UCHAR text[128] = {0};
        pcre2_get_error_message(code, text, sizeof(text));
        return pb_fail(err, PB_E_CONFIG, "%s:%d: pattern '%s' at character %zu: %s", file, line, s,
                       (size_t)at + 1, (const char *)text);
    }
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
    s->limits = pcre2_match_context_create(NULL);
    s->data = pcre2_match_data_create(1, NULL);
    if (!s->limits || !s->data)
        pb_oom();
    pcre2_set_match_limit(s->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(s->limits, MATCH_LIMIT);
    s->v = pb_calloc(pb_len(list), sizeof(*s->v));
    for (size_t i = 0; i < pb_len(list); i++) {
        s->n++;
        if (parse_rule(&s->v[i], &list->items[i], file, err))
            return -1;
    }
    *out = pb_take(&s);
    return 0;
}

static bool run(const struct pb_ignore_set *s, struct rule *r, const struct pattern *p,
                const char *subject)
{
    int rc = pcre2_match(p->code, (PCRE2_SPTR)subject, strlen(subject), 0, 0, s->data, s->limits);

    if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
        r->failed = rc;
    return rc >= 0;
}

static bool address_matches(const struct pb_ignore_set *s, struct rule *r, const char *address)
{
    if (r->address.code)
        return run(s, r, &r->address, address);
    return !r->address.literal || pb_addr_within(address, r->address.literal);
}

static bool path_matches(const struct pb_ignore_set *s, struct rule *r, const char *path)
{
    if (r->path.code)
        return run(s, r, &r->path, path);
    return !r->path.literal || pb_path_covers(r->path.literal, path);
}

static const char *match(const struct pb_ignore_set *s, const char *address, const char *path)
{
    for (size_t i = 0; s && i < s->n; i++) {
        struct rule *r = &s->v[i];
        if (r->failed || r->has_path != (path != NULL))
            continue;
        if (!address_matches(s, r, address) || (path && !path_matches(s, r, path)))
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
        PCRE2_UCHAR text[128] = {0};
        if (!r->failed)
            continue;
        pcre2_get_error_message(r->failed, text, sizeof(text));
        pb_diag_add(d, a, "warning", "ignore-rule", NULL,
                    "the ignore rule at %s:%d was not applied: its pattern failed (%s)", s->file,
                    r->line, (const char *)text);
    }
}
