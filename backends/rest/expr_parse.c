/* The parser of expressions and templates. */
#include <ctype.h>

#include "backends/rest/expr.h"
#include "backends/rest/transform.h"
#include "base/mem.h"
#include "base/text.h"

enum { MAX_SEGS = 32, MAX_CALLS = 16, MAX_ARGS = 8, MAX_PARTS = 64, MAX_TEXT = 4096 };

struct cursor {
    struct pb_arena *a;
    const char *text; /* whole, for messages */
    const char *p;
    const struct pb_names *names;
    struct pb_err *err;
};

static int fail_at(struct cursor *c, const char *what)
{
    return pb_fail(c->err, PB_E_CONFIG, "%s at character %zu of '%s'", what,
                   (size_t)(c->p - c->text) + 1, c->text);
}

static void skip_space(struct cursor *c)
{
    while (*c->p == ' ' || *c->p == '\t' || *c->p == '\n')
        c->p++;
}

static bool name_char(char ch)
{
    return isalnum((unsigned char)ch) || (ch && strchr("_@#:-", ch));
}

static const char *take_name(struct cursor *c)
{
    const char *start = c->p;
    while (name_char(*c->p))
        c->p++;
    return c->p == start ? NULL : pb_arena_intern(c->a, start, (size_t)(c->p - start));
}

/* Text in `quote`s; the quote itself is written twice. */
static int take_quoted(const char **out, struct cursor *c, char quote)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    for (c->p++; *c->p; c->p++) {
        if (*c->p == quote && c->p[1] == quote)
            c->p++;
        else if (*c->p == quote)
            break;
        pb_buf_addc(&b, *c->p);
    }
    if (*c->p != quote)
        return fail_at(c, "a quote is not closed");
    c->p++;
    *out = pb_arena_intern(c->a, b.s, b.len);
    return 0;
}

static bool is_number(const char *s)
{
    if (*s == '-')
        s++;
    if (!isdigit((unsigned char)*s) || (s[0] == '0' && isdigit((unsigned char)s[1])))
        return false;
    while (isdigit((unsigned char)*s))
        s++;
    if (*s == '.' && isdigit((unsigned char)s[1]))
        for (s++; isdigit((unsigned char)*s);)
            s++;
    return *s == '\0';
}

static struct pb_value bare_word(struct pb_arena *a, const char *word)
{
    if (strcmp(word, "true") == 0)
        return pb_true;
    if (strcmp(word, "false") == 0)
        return pb_false;
    if (strcmp(word, "null") == 0)
        return pb_null;
    if (strcmp(word, "[]") == 0)
        return pb_empty_list;
    return is_number(word) ? pb_mk_number(a, word) : pb_mk_string(a, word);
}

static int take_select(struct pb_seg *seg, struct cursor *c)
{
    c->p++;
    if (*c->p == '-' || isdigit((unsigned char)*c->p)) {
        char *end = NULL;
        long i = strtol(c->p, &end, 10);
        if (*end == ']') {
            c->p = end + 1;
            *seg = (struct pb_seg){.kind = PB_SEG_INDEX, .index = i};
            return 0;
        }
    }
    const char *name = take_name(c), *value = NULL;
    if (!name || *c->p != '=')
        return fail_at(c, "expected [NUMBER] or [member=value]");
    c->p++;
    if (*c->p == '\'') {
        if (take_quoted(&value, c, '\'') == -1)
            return -1;
    } else {
        size_t n = strcspn(c->p, "]");
        value = pb_arena_intern(c->a, c->p, n);
        c->p += n;
    }
    if (*c->p != ']')
        return fail_at(c, "expected ']'");
    c->p++;
    *seg = (struct pb_seg){.kind = PB_SEG_SELECT, .name = name, .value = value};
    return 0;
}

static int take_segs(struct pb_expr *e, struct cursor *c, bool first_is_member)
{
    struct pb_seg segs[MAX_SEGS];
    size_t n = 0;
    bool member = first_is_member;
    for (;;) {
        if (n == MAX_SEGS)
            return fail_at(c, "a path this long is not supported");
        if (*c->p == '.' && !member) {
            c->p++;
            member = true;
        }
        if (member) {
            const char *name = NULL;
            if (*c->p == '"') {
                if (take_quoted(&name, c, '"') == -1)
                    return -1;
            } else if (!(name = take_name(c))) {
                return fail_at(c, "expected a name");
            }
            segs[n++] = (struct pb_seg){.kind = PB_SEG_MEMBER, .name = name};
            member = false;
        } else if (*c->p == '[') {
            if (take_select(&segs[n], c) == -1)
                return -1;
            n++;
        } else {
            break;
        }
    }
    struct pb_seg *copy = pb_arena_alloc(c->a, (n ? n : 1) * sizeof(*copy));
    if (n)
        memcpy(copy, segs, n * sizeof(*copy));
    e->segs = copy;
    e->nsegs = n;
    return 0;
}

static int find_in(const char *const *list, const char *name)
{
    for (int i = 0; list && list[i]; i++)
        if (strcmp(list[i], name) == 0)
            return i;
    return -1;
}

static int unknown_name(struct cursor *c, const char *name)
{
    const struct pb_names *n = c->names;
    const char *all[128];
    size_t k = 0;
    const char *const *lists[] = {n->vars, n->no_steps ? NULL : n->steps, n->lets, n->settings};
    for (size_t l = 0; l < PB_COUNT(lists); l++)
        for (size_t i = 0; lists[l] && lists[l][i] && k < PB_COUNT(all) - 2; i++)
            all[k++] = lists[l][i];
    all[k++] = "id";
    const char *near = pb_text_nearest(name, all, k);
    return pb_fail(c->err, PB_E_CONFIG,
                   "'%s' in '%s' is neither a step, a 'let', a loop's variable nor a setting%s%s%s",
                   name, c->text, near ? "; did you mean '" : "", near ? near : "",
                   near ? "'?" : "");
}

static int bind_root(struct pb_expr *e, struct cursor *c, const char *name)
{
    const struct pb_names *n = c->names;
    int i = -1;
    e->name = name;
    if (find_in(n->vars, name) >= 0) {
        e->root = PB_ROOT_VAR;
    } else if (!n->no_steps && (i = find_in(n->steps, name)) >= 0) {
        e->root = PB_ROOT_STEP;
        e->index = (unsigned)i;
        if (n->used_steps)
            *n->used_steps |= 1u << i;
    } else if ((i = find_in(n->lets, name)) >= 0) {
        e->root = PB_ROOT_LET;
        e->index = (unsigned)i;
        if (n->used_lets)
            *n->used_lets |= UINT64_C(1) << i;
    } else if (strcmp(name, "id") == 0) {
        e->root = PB_ROOT_ID;
        if (n->used_id)
            *n->used_id = true;
    } else if (strcmp(name, "recorded") == 0) {
        if (n->no_recorded)
            return pb_fail(c->err, PB_E_CONFIG,
                           "'%s' uses 'recorded', which is what live is compared with and no "
                           "observation: derive the value from a step, or leave it out",
                           c->text);
        e->root = PB_ROOT_RECORDED;
    } else if (strcmp(name, "account") == 0) {
        if (n->no_account)
            return pb_fail(c->err, PB_E_CONFIG,
                           "'%s' uses 'account', which is known only in 'attributes'", c->text);
        e->root = PB_ROOT_ACCOUNT;
        if (n->used_account)
            *n->used_account = true;
    } else if (find_in(n->settings, name) >= 0) {
        e->root = PB_ROOT_SETTING;
    } else {
        return unknown_name(c, name);
    }
    return 0;
}

static int take_primary(struct pb_expr *e, struct cursor *c)
{
    skip_space(c);
    const char *start = c->p, *word = NULL;
    if (*c->p == '\'') {
        if (take_quoted(&word, c, '\'') == -1)
            return -1;
        e->literal = pb_mk_string(c->a, word);
        return 0;
    }
    if (strncmp(c->p, "[]", 2) == 0) {
        c->p += 2;
        e->literal = pb_empty_list;
        return 0;
    }
    if (*c->p == '-' || isdigit((unsigned char)*c->p)) {
        while (name_char(*c->p) || *c->p == '.')
            c->p++;
        word = pb_arena_strndup(c->a, start, (size_t)(c->p - start));
        if (is_number(word)) {
            e->literal = pb_mk_number(c->a, word);
            return 0;
        }
        c->p = start;
    }
    e->kind = PB_EXPR_PATH;
    if (c->names->item) {
        e->root = PB_ROOT_ITEM;
        if (*c->p == '.' && !name_char(c->p[1]) && c->p[1] != '"') {
            c->p++;
            return 0;
        }
        return take_segs(e, c, true);
    }
    if (!(word = take_name(c)))
        return fail_at(c, "expected a path or a literal");
    if (!strchr(".[", *c->p) || *c->p == '\0') {
        if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0 || strcmp(word, "null") == 0) {
            e->kind = PB_EXPR_LITERAL;
            e->literal = bare_word(c->a, word);
            return 0;
        }
    }
    return bind_root(e, c, word) == -1 ? -1 : take_segs(e, c, false);
}

static struct pb_expr *new_expr(struct cursor *c)
{
    struct pb_expr *e = pb_arena_zalloc(c->a, sizeof(*e));
    e->text = c->text;
    return e;
}

/* $step.member: an argument that is looked up. */
static int take_dynamic(const struct pb_expr **out, struct cursor *c)
{
    struct pb_expr *e = new_expr(c);
    c->p++;
    e->kind = PB_EXPR_PATH;
    *out = e;
    if (c->names->item)
        return take_segs(e, c, true);
    const char *word = take_name(c);
    if (!word)
        return fail_at(c, "expected a path behind '$'");
    return bind_root(e, c, word) == -1 ? -1 : take_segs(e, c, false);
}

static int take_arg(struct pb_value *out, const struct pb_expr **dynamic, struct cursor *c)
{
    const char *word = NULL;
    *dynamic = NULL;
    if (*c->p == '$')
        return take_dynamic(dynamic, c);
    if (*c->p == '\'') {
        if (take_quoted(&word, c, '\'') == -1)
            return -1;
        *out = pb_mk_string(c->a, word);
        return 0;
    }
    size_t len = strcspn(c->p, " \t\n,|}");
    *out = bare_word(c->a, pb_arena_strndup(c->a, c->p, len));
    c->p += len;
    return 0;
}

static int take_args(struct pb_call *call, struct cursor *c)
{
    struct pb_value *args = pb_arena_zalloc(c->a, MAX_ARGS * sizeof(*args));
    const struct pb_expr **dynamic = pb_arena_zalloc(c->a, MAX_ARGS * sizeof(struct pb_expr *));
    const struct pb_transform *t = call->t;
    size_t n = 0;
    for (;; n++) {
        while (*c->p == ',' || *c->p == ' ' || *c->p == '\t' || *c->p == '\n')
            c->p++;
        if (*c->p == '\0' || *c->p == '|' || *c->p == '}')
            break;
        if (n == MAX_ARGS)
            return fail_at(c, "too many arguments");
        if (take_arg(&args[n], &dynamic[n], c) == -1)
            return -1;
        if (dynamic[n])
            call->dynamic = dynamic;
    }
    if (n < t->min_args || n > t->max_args)
        return pb_fail(c->err, PB_E_CONFIG, "'%s' in '%s' is written '%s%s%s'", t->name, c->text,
                       t->name, *t->args ? " " : "", t->args);
    call->args = args;
    call->nargs = n;
    return 0;
}

static int take_call(struct pb_call *call, struct cursor *c)
{
    skip_space(c);
    const char *name = take_name(c);
    if (!name)
        return fail_at(c, "expected the name of a transform");
    call->t = pb_transform_find(name);
    if (!call->t) {
        const char *all[128];
        size_t n = 0;
        for (; n < pb_transforms_count && n < PB_COUNT(all); n++)
            all[n] = pb_transforms[n].name;
        const char *near = pb_text_nearest(name, all, n);
        return pb_fail(c->err, PB_E_CONFIG, "'%s' in '%s' is no transform%s%s%s", name, c->text,
                       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    return take_args(call, c);
}

static int take_calls(const struct pb_call **out, size_t *nout, struct cursor *c, bool first)
{
    struct pb_call calls[MAX_CALLS] = {0};
    size_t n = 0;
    for (;; first = false) {
        skip_space(c);
        if (!first) {
            if (*c->p != '|')
                break;
            c->p++;
        }
        if (n == MAX_CALLS)
            return fail_at(c, "too many transforms");
        if (take_call(&calls[n], c) == -1)
            return -1;
        n++;
    }
    struct pb_call *copy = pb_arena_alloc(c->a, (n ? n : 1) * sizeof(*copy));
    if (n)
        memcpy(copy, calls, n * sizeof(*copy));
    *out = copy;
    *nout = n;
    return 0;
}

static int take_expr(struct pb_expr *e, struct cursor *c)
{
    if (take_primary(e, c) == -1)
        return -1;
    return take_calls(&e->calls, &e->ncalls, c, false);
}

static struct pb_expr *text_part(struct cursor *c, struct pb_buf *text)
{
    struct pb_expr *e = new_expr(c);
    e->literal = pb_mk_stringn(c->a, text->s, text->len);
    pb_buf_clear(text);
    return e;
}

static int take_braced(struct pb_expr **out, struct cursor *c)
{
    struct pb_expr *e = new_expr(c);
    c->p++;
    if (*c->p == '+') {
        e->keep_slashes = true;
        c->p++;
    }
    if (take_expr(e, c) == -1)
        return -1;
    if (*c->p != '}')
        return fail_at(c, "expected '}'");
    c->p++;
    *out = e;
    return 0;
}

static int take_template(const struct pb_expr **out, struct cursor *c)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    const struct pb_expr *parts[MAX_PARTS + 2];
    size_t n = 0;
    while (*c->p) {
        if (n >= MAX_PARTS)
            return fail_at(c, "too many parts in a template");
        if ((*c->p == '{' || *c->p == '}') && c->p[1] == *c->p) {
            pb_buf_addc(&text, *c->p);
            c->p += 2;
        } else if (*c->p == '}') {
            return fail_at(c, "'}' without '{' (write '}}' for a brace)");
        } else if (*c->p == '{') {
            if (text.len)
                parts[n++] = text_part(c, &text);
            struct pb_expr *e = NULL;
            if (take_braced(&e, c) == -1)
                return -1;
            parts[n++] = e;
        } else {
            pb_buf_addc(&text, *c->p++);
        }
    }
    if (text.len || n == 0)
        parts[n++] = text_part(c, &text);
    if (n == 1) {
        *out = parts[0];
        return 0;
    }
    struct pb_expr *e = new_expr(c);
    const struct pb_expr **copy = pb_arena_alloc(c->a, n * sizeof(const struct pb_expr *));
    for (size_t i = 0; i < n; i++)
        copy[i] = parts[i];
    e->kind = PB_EXPR_TEMPLATE;
    e->parts = copy;
    e->nparts = n;
    *out = e;
    return 0;
}

static int start(struct cursor *c, struct pb_arena *a, const char *text,
                 const struct pb_names *names, struct pb_err *err)
{
    if (strlen(text) > MAX_TEXT)
        return pb_fail(err, PB_E_CONFIG, "an expression is longer than %d characters", MAX_TEXT);
    const char *copy = pb_arena_strdup(a, text);
    *c = (struct cursor){.a = a, .text = copy, .p = copy, .names = names, .err = err};
    return 0;
}

int pb_template_parse(const struct pb_expr **out, struct pb_arena *a, const char *text,
                      const struct pb_names *names, struct pb_err *err)
{
    struct cursor c;
    return start(&c, a, text, names, err) == -1 ? -1 : take_template(out, &c);
}

int pb_expr_parse(const struct pb_expr **out, struct pb_arena *a, const char *text,
                  const struct pb_names *names, struct pb_err *err)
{
    struct cursor c;
    if (start(&c, a, text, names, err) == -1)
        return -1;
    if (strpbrk(text, "{}"))
        return take_template(out, &c);
    struct pb_expr *e = new_expr(&c);
    if (take_expr(e, &c) == -1)
        return -1;
    if (*c.p)
        return fail_at(&c, "did not expect this");
    *out = e;
    return 0;
}

int pb_calls_parse(const struct pb_call **out, size_t *n, struct pb_arena *a, const char *text,
                   const struct pb_names *names, struct pb_err *err)
{
    struct cursor c;
    if (start(&c, a, text, names, err) == -1 || take_calls(out, n, &c, true) == -1)
        return -1;
    return *c.p ? fail_at(&c, "did not expect this") : 0;
}
