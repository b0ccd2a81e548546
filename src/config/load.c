#include "config/internal.h"

#include "base/map.h"
#include "base/strv.h"
#include "base/text.h"
#include "model/json.h"
#include "model/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 64, LABEL_MAX = 160 };

/* Where in the file the loader is, for messages. */
struct at {
    struct pb_arena *arena;
    const char *file;
    const char *label; /* "unit 'prod'", or "" at the top */
    unsigned line;
};

static int load_object(void *out, const struct pb_param *fields, const struct pb_value *v,
                       const struct at *at, struct pb_err *err);

static int wrong(const struct at *at, unsigned line, struct pb_err *err, const char *fmt, ...)
    PB_PRINTF(4, 5);

static int wrong(const struct at *at, unsigned line, struct pb_err *err, const char *fmt, ...)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    pb_buf_vaddf(&b, fmt, ap);
    va_end(ap);
    return pb_fail(err, PB_E_CONFIG, "%s:%u: %s", at->file, line ? line : at->line, b.s);
}

static const char *in(const struct at *at)
{
    return *at->label ? pb_arena_printf(at->arena, " in %s", at->label) : "";
}

static int unknown_key(const struct pb_param *fields, const struct pb_member *m,
                       const struct at *at, struct pb_err *err)
{
    const char *names[NAMES_MAX], *near;
    PB_AUTO(buf) struct pb_buf all = PB_BUF_INIT;
    size_t n = 0;

    for (; n < NAMES_MAX && fields[n].name; n++) {
        names[n] = fields[n].name;
        pb_buf_addf(&all, "%s%s", n ? ", " : "", fields[n].name);
    }
    near = pb_text_nearest(m->key, names, n);
    if (near)
        return wrong(at, m->value.line, err, "unknown key '%s'%s; did you mean '%s'?", m->key,
                     in(at), near);
    return wrong(at, m->value.line, err, "unknown key '%s'%s; there is: %s", m->key, in(at), all.s);
}

static const char *kind_words(enum pb_param_kind kind)
{
    switch (kind) {
    case PB_PK_INT: return "a whole number";
    case PB_PK_BOOL: return "true or false";
    case PB_PK_DURATION: return "a time such as 90s, 15m, 24h or 7d";
    case PB_PK_STRINGS:
    case PB_PK_PATHS: return "a list of strings";
    case PB_PK_ASSIGN:
    case PB_PK_TREE:
    case PB_PK_OBJECT: return "a map";
    case PB_PK_OBJECTS: return "a list of maps";
    case PB_PK_STRING:
    case PB_PK_NAME:
    case PB_PK_PATH: break;
    }
    return "a string";
}

static int wrong_kind(const struct pb_param *p, const struct pb_value *v, const struct at *at,
                      struct pb_err *err)
{
    return wrong(at, v->line, err, "'%s'%s must be %s, not a %s", p->name, in(at),
                 kind_words(p->kind), pb_kind_name((enum pb_kind)v->kind));
}

static int check_values(const struct pb_param *p, const char *s, unsigned line, const struct at *at,
                        struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf all = PB_BUF_INIT;
    const char *near;
    size_t n = 0;

    if (!p->values)
        return 0;
    for (; p->values[n]; n++) {
        if (strcmp(p->values[n], s) == 0)
            return 0;
        pb_buf_addf(&all, "%s%s", n ? ", " : "", p->values[n]);
    }
    near = pb_text_nearest(s, p->values, n);
    if (near)
        return wrong(at, line, err, "'%s'%s cannot be '%s'; did you mean '%s'?", p->name, in(at), s,
                     near);
    return wrong(at, line, err, "'%s'%s cannot be '%s'; there is: %s", p->name, in(at), s, all.s);
}

/* Folds "./a//b/" to "a/b"; NULL when it leaves the repository. */
static const char *clean_path(struct pb_arena *a, const char *s)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    if (*s == '/')
        return NULL;
    while (*s) {
        size_t n = strcspn(s, "/");

        if (n == 2 && memcmp(s, "..", 2) == 0)
            return NULL;
        if (n && !(n == 1 && *s == '.')) {
            if (b.len)
                pb_buf_addc(&b, '/');
            pb_buf_add(&b, s, n);
        }
        s += n + (s[n] == '/');
    }
    return pb_arena_strndup(a, b.s, b.len);
}

static int load_string(const char **out, const struct pb_param *p, enum pb_param_kind kind,
                       const struct pb_value *v, const struct at *at, struct pb_err *err)
{
    static const char name_chars[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-";
    const char *s = pb_str(v);

    if (!s)
        return wrong_kind(p, v, at, err);
    if (strlen(s) != v->n)
        return wrong(at, v->line, err, "'%s'%s holds a NUL character", p->name, in(at));
    if (!*s && kind != PB_PK_PATH)
        return wrong(at, v->line, err, "'%s'%s is empty", p->name, in(at));
    if (kind == PB_PK_NAME && (s[strspn(s, name_chars)] || *s == '-'))
        return wrong(at, v->line, err, "'%s'%s is '%s': use letters, digits, '.', '_', '/' and '-'",
                     p->name, in(at), s);
    if (kind == PB_PK_PATH && !(s = clean_path(at->arena, s)))
        return wrong(at, v->line, err, "'%s'%s leaves the repository: '%s'", p->name, in(at),
                     pb_str(v));
    if (check_values(p, s, v->line, at, err) < 0)
        return -1;
    *out = s;
    return 0;
}

static int load_int(int64_t *out, const struct pb_param *p, const struct pb_value *v,
                    const struct at *at, struct pb_err *err)
{
    long long n;
    char *end;

    if (!pb_is(v, PB_NUMBER))
        return wrong_kind(p, v, at, err);
    errno = 0;
    n = strtoll(v->s, &end, 10);
    if (*end || errno)
        return wrong_kind(p, v, at, err);
    if (n < p->min || n > p->max)
        return wrong(at, v->line, err, "'%s'%s is %s: it must be %lld%s%lld", p->name, in(at), v->s,
                     (long long)p->min, p->min == p->max ? ", nothing else than " : " to ",
                     (long long)p->max);
    *out = n;
    return 0;
}

static int load_duration(int64_t *out, const struct pb_param *p, const struct pb_value *v,
                         const struct at *at, struct pb_err *err)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    const char *s = pb_str(v);
    char *end;
    long long n;

    if (!s || *s < '0' || *s > '9')
        return wrong_kind(p, v, at, err);
    errno = 0;
    n = strtoll(s, &end, 10);
    for (size_t i = 0; i < PB_COUNT(units); i++) {
        if (strcmp(end, units[i].unit) == 0 && !errno && n <= (int64_t)86400000 * 365) {
            *out = n * units[i].ms;
            if (*out > (int64_t)86400000 * 365)
                return wrong(at, v->line, err, "'%s'%s is over a year: '%s'", p->name, in(at), s);
            return 0;
        }
    }
    return wrong(at, v->line, err, "'%s'%s is '%s': it must be %s", p->name, in(at), s,
                 kind_words(PB_PK_DURATION));
}

static char *const *words_done(struct pb_arena *a, const struct pb_strv *v)
{
    char **out = pb_arena_zalloc(a, (v->n + 1) * sizeof(*out));

    for (size_t i = 0; i < v->n; i++)
        out[i] = pb_arena_strdup(a, v->v[i]);
    return out;
}

/* One by one first: then it is known which line is to be mended. */
static int check_usable(char *const *list, const struct pb_param *p, const struct pb_value *v,
                        const struct at *at, struct pb_err *err)
{
    struct pb_err why = PB_ERR_INIT;

    for (size_t i = 0; p->usable && i < v->n; i++) {
        char *const one[] = {list[i], NULL};

        if (p->usable(one, &why) < 0)
            return wrong(at, pb_at(v, i)->line, err, "'%s'%s: %s", p->name, in(at), why.msg);
    }
    if (p->usable && p->usable(list, &why) < 0)
        return wrong(at, v->line, err, "'%s'%s: %s", p->name, in(at), why.msg);
    return 0;
}

static int load_strings(char *const **out, const struct pb_param *p, const struct pb_value *v,
                        const struct at *at, struct pb_err *err)
{
    enum pb_param_kind kind = p->kind == PB_PK_PATHS ? PB_PK_PATH : PB_PK_STRING;
    PB_AUTO(strv) struct pb_strv words = PB_STRV_INIT;

    if (!pb_is(v, PB_LIST))
        return wrong_kind(p, v, at, err);
    for (size_t i = 0; i < v->n; i++) {
        const char *s;

        if (load_string(&s, p, kind, pb_at(v, i), at, err) < 0)
            return -1;
        pb_strv_add(&words, s);
    }
    *out = words_done(at->arena, &words);
    return check_usable(*out, p, v, at, err);
}

static int load_assign(char *const **out, const struct pb_param *p, const struct pb_value *v,
                       const struct at *at, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv words = PB_STRV_INIT;

    if (!pb_is(v, PB_MAP))
        return wrong_kind(p, v, at, err);
    for (size_t i = 0; i < v->n; i++) {
        const struct pb_member *m = &v->members[i];
        PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

        if (!*m->key || strchr(m->key, '='))
            return wrong(at, m->value.line, err, "'%s'%s has a key that is no name: '%s'", p->name,
                         in(at), m->key);
        if (pb_str(&m->value))
            pb_buf_adds(&b, m->value.s);
        else
            pb_json_add(&b, &m->value);
        pb_strv_addf(&words, "%s=%s", m->key, b.s);
    }
    *out = words_done(at->arena, &words);
    return 0;
}

static const char *label_of(struct pb_arena *a, const struct pb_param *p, const struct pb_value *v,
                            size_t i, const char *outer)
{
    const char *name = pb_get_str(v, "name"), *of = *outer ? " of " : "";

    if (name && strlen(name) < LABEL_MAX)
        return pb_arena_printf(a, "%s '%s'%s%s", p->singular, name, of, outer);
    return pb_arena_printf(a, "%s %zu%s%s", p->singular, i + 1, of, outer);
}

static int load_objects(char *base, const struct pb_param *p, const struct pb_value *v,
                        const struct at *at, struct pb_err *err)
{
    char *objects;

    if (!pb_is(v, PB_LIST))
        return wrong_kind(p, v, at, err);
    objects = pb_arena_zalloc(at->arena, p->size * (v->n ? v->n : 1));
    for (size_t i = 0; i < v->n; i++) {
        const struct pb_value *item = pb_at(v, i);
        struct at inner = *at;

        if (!pb_is(item, PB_MAP))
            return wrong_kind(p, item, at, err);
        inner.label = label_of(at->arena, p, item, i, at->label);
        inner.line = item->line;
        if (p->line)
            *(int64_t *)(void *)(objects + i * p->size + p->line) = item->line;
        if (load_object(objects + i * p->size, p->fields, item, &inner, err) < 0)
            return -1;
    }
    *(void **)(void *)(base + p->offset) = objects;
    *(size_t *)(void *)(base + p->count) = v->n;
    return 0;
}

static int load_param(char *base, const struct pb_param *p, const struct pb_value *v,
                      const struct at *at, struct pb_err *err)
{
    void *slot = base + p->offset;

    switch (p->kind) {
    case PB_PK_STRING:
    case PB_PK_NAME:
    case PB_PK_PATH: return load_string(slot, p, p->kind, v, at, err);
    case PB_PK_INT: return load_int(slot, p, v, at, err);
    case PB_PK_BOOL:
        if (!pb_is(v, PB_BOOL))
            return wrong_kind(p, v, at, err);
        *(bool *)slot = v->b;
        return 0;
    case PB_PK_DURATION: return load_duration(slot, p, v, at, err);
    case PB_PK_STRINGS:
    case PB_PK_PATHS: return load_strings(slot, p, v, at, err);
    case PB_PK_ASSIGN: return load_assign(slot, p, v, at, err);
    case PB_PK_TREE:
        if (!pb_is(v, PB_MAP))
            return wrong_kind(p, v, at, err);
        *(const struct pb_value **)slot = v;
        return 0;
    case PB_PK_OBJECTS: return load_objects(base, p, v, at, err);
    case PB_PK_OBJECT: {
        struct at inner = *at;

        if (!pb_is(v, PB_MAP))
            return wrong_kind(p, v, at, err);
        inner.label = pb_arena_printf(at->arena, "'%s'", p->name);
        inner.line = v->line;
        return load_object(slot, p->fields, v, &inner, err);
    }
    }
    BUG("parameter '%s' of an unknown kind", p->name);
}

static int load_object(void *out, const struct pb_param *fields, const struct pb_value *v,
                       const struct at *at, struct pb_err *err)
{
    for (size_t i = 0; i < v->n; i++) {
        const struct pb_member *m = &v->members[i];
        const struct pb_param *p = fields;

        while (p->name && strcmp(p->name, m->key) != 0)
            p++;
        if (!p->name)
            return unknown_key(fields, m, at, err);
        /* `vars:` with nothing behind it is a key that was left out. */
        if (!pb_is(&m->value, PB_NULL) && load_param(out, p, &m->value, at, err) < 0)
            return -1;
    }
    for (const struct pb_param *p = fields; p->name; p++)
        if (p->required && pb_is_nullish(pb_get(v, p->name)))
            return wrong(at, at->line, err, "'%s' is missing%s%s", p->name, in(at),
                         strcmp(p->name, "version") == 0 ? ": write 'version: 1'" : "");
    return 0;
}

/* It names a folder of the private copy and a key of the remote one, so it has to stay there. */
static bool is_workspace(const char *s)
{
    static const char chars[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-~$&+:=@";

    return !s[strspn(s, chars)] && strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

static int check_units(const struct pb_config *c, const struct at *at, struct pb_err *err)
{
    PB_AUTO(map) struct pb_map names = PB_MAP_INIT;

    for (size_t i = 0; i < c->nunits; i++) {
        const struct pb_config_unit *u = &c->units[i];

        if (u->workspace && !is_workspace(u->workspace))
            return wrong(at, (unsigned)u->line, err,
                         "'workspace' in unit '%s' is '%s', which no Terraform workspace is "
                         "called: write what 'terraform workspace list' shows",
                         u->name, u->workspace);
        if (pb_map_put(&names, c->units[i].name, (void *)(uintptr_t)(i + 1)))
            return wrong(at, (unsigned)c->units[i].line, err,
                         "there are two units '%s': names must differ", c->units[i].name);
    }
    return 0;
}

void pb_config_default(struct pb_config *out)
{
    *out = (struct pb_config){.version = 1,
                              .cache = {.data_source_ttl = 15 * 60000},
                              .gate = {.max_delete = -1, .max_replace = -1}};
}

int pb_config_parse(struct pb_config *out, struct pb_arena *a, const char *text, size_t n,
                    const char *file, struct pb_err *err)
{
    struct at at = {.arena = a, .file = file, .label = "", .line = 1};
    const struct pb_value *v;

    pb_config_default(out);
    out->file = file;
    if (n > PB_CONFIG_MAX)
        return pb_fail(err, PB_E_CONFIG, "%s:1: over %d bytes", file, PB_CONFIG_MAX);
    if (pb_yaml_parse(&v, a, text, n, file, err) < 0)
        return -1;
    if (!pb_is(v, PB_MAP))
        return wrong(&at, v->line, err, "a map is expected: start with 'version: 1'");
    if (load_object(out, pb_params, v, &at, err) < 0 || check_units(out, &at, err) < 0)
        return -1;
    for (size_t i = 0; i < out->nunits; i++) {
        struct pb_config_unit *u = (struct pb_config_unit *)(uintptr_t)&out->units[i];

        if (!u->workspace)
            u->workspace = "default";
    }
    return 0;
}

const struct pb_config_unit *pb_config_unit_find(const struct pb_config *c, const char *name)
{
    for (size_t i = 0; c && i < c->nunits; i++)
        if (strcmp(c->units[i].name, name) == 0)
            return &c->units[i];
    return NULL;
}
