#include "backends/terraform/hcl_expr.h"

#include <stdlib.h>
#include <string.h>

#include "backends/terraform/hcl_scan.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/number.h"

struct exprs {
    struct pb_hcl_expr *v;
    size_t n, cap;
};

static void add(struct exprs *list, struct pb_hcl_expr e)
{
    list->v = pb_grow(list->v, &list->cap, list->n + 1, sizeof(*list->v));
    list->v[list->n++] = e;
}

static const struct pb_hcl_expr *done(struct pb_arena *a, struct exprs *list)
{
    struct pb_hcl_expr *v = pb_arena_alloc(a, list->n * sizeof(*v) + 1);

    if (list->n)
        memcpy(v, list->v, list->n * sizeof(*v));
    free(list->v);
    *list = (struct exprs){NULL, 0, 0};
    return v;
}

static struct pb_hcl_expr other(struct pb_hcl_source *src, const char *s, size_t n, unsigned line)
{
    return (struct pb_hcl_expr){
        .kind = PB_HCL_OTHER,
        .text = pb_arena_strndup(src->arena, s, n),
        .file = src->file,
        .line = line,
    };
}

/* ---- templates ---------------------------------------------------------------------------- */

static void add_utf8(struct pb_buf *b, unsigned long c)
{
    if (c < 0x80) {
        pb_buf_addc(b, (char)c);
    } else if (c < 0x800) {
        pb_buf_addc(b, (char)(0xc0 | (c >> 6)));
        pb_buf_addc(b, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        pb_buf_addc(b, (char)(0xe0 | (c >> 12)));
        pb_buf_addc(b, (char)(0x80 | ((c >> 6) & 0x3f)));
        pb_buf_addc(b, (char)(0x80 | (c & 0x3f)));
    } else {
        pb_buf_addc(b, (char)(0xf0 | ((c >> 18) & 7)));
        pb_buf_addc(b, (char)(0x80 | ((c >> 12) & 0x3f)));
        pb_buf_addc(b, (char)(0x80 | ((c >> 6) & 0x3f)));
        pb_buf_addc(b, (char)(0x80 | (c & 0x3f)));
    }
}

/* One escape that starts at s; returns its length, 0 when it is none. */
static size_t add_escape(struct pb_buf *b, const char *s, size_t n)
{
    static const char from[] = "nrt\"\\", to[] = "\n\r\t\"\\";
    const char *p = n > 1 && s[1] ? strchr(from, s[1]) : NULL;
    size_t digits = n > 1 && s[1] == 'u' ? 4 : n > 1 && s[1] == 'U' ? 8 : 0;
    unsigned long c = 0;

    if (p) {
        pb_buf_addc(b, to[p - from]);
        return 2;
    }
    if (!digits || n < 2 + digits)
        return 0;
    for (size_t i = 0; i < digits; i++) {
        char d = s[2 + i];
        int v = d >= '0' && d <= '9'   ? d - '0'
                : d >= 'a' && d <= 'f' ? d - 'a' + 10
                : d >= 'A' && d <= 'F' ? d - 'A' + 10
                                       : -1;
        if (v < 0)
            return 0;
        c = c * 16 + (unsigned long)v;
    }
    if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    add_utf8(b, c);
    return 2 + digits;
}

static void flush(struct pb_hcl_source *src, struct exprs *parts, struct pb_buf *b, unsigned line)
{
    struct pb_hcl_expr e = other(src, b->s, b->len, line);

    e.kind = PB_HCL_LITERAL;
    e.value = pb_mk_stringn(src->arena, b->s, b->len);
    add(parts, e);
    pb_buf_clear(b);
}

/* The part behind "${" at s[*i]; -1 for directives and what never ends. */
static int add_interpolation(struct pb_hcl_source *src, struct exprs *parts, const char *s,
                             size_t n, size_t *i, unsigned line)
{
    struct pb_hcl_scan p = {.s = s, .n = n, .i = *i + 2, .line = line};
    size_t from = p.i, to;

    if (s[*i] == '%' || pb_hcl_skip_inside(&p))
        return -1;
    to = p.i - 1;
    *i = p.i;
    if (from < to && (s[from] == '~' || s[to - 1] == '~'))
        return -1; /* they strip the spaces around */
    add(parts, *pb_hcl_expression(src, s + from, to - from, line));
    return 0;
}

static int split_template(struct pb_hcl_source *src, struct exprs *parts, struct pb_buf *b,
                          const char *s, size_t n, unsigned line, bool escapes)
{
    for (size_t i = 0; i < n;) {
        bool mark = s[i] == '$' || s[i] == '%';
        if (escapes && s[i] == '\\') {
            size_t len = add_escape(b, s + i, n - i);
            if (!len)
                return -1;
            i += len;
        } else if (mark && i + 2 < n && s[i + 1] == s[i] && s[i + 2] == '{') {
            pb_buf_add(b, s + i + 1, 2);
            i += 3;
        } else if (mark && i + 1 < n && s[i + 1] == '{') {
            if (b->len)
                flush(src, parts, b, line);
            if (add_interpolation(src, parts, s, n, &i, line))
                return -1;
        } else {
            pb_buf_addc(b, s[i++]);
        }
    }
    return 0;
}

struct pb_hcl_expr pb_hcl_template(struct pb_hcl_source *src, const char *text, size_t n,
                                   unsigned line, bool escapes)
{
    struct pb_hcl_expr e = other(src, text, n, line);
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct exprs parts = {NULL, 0, 0};

    if (!pb_utf8_valid(text, n) || memchr(text, '\0', n) ||
        split_template(src, &parts, &b, text, n, line, escapes)) {
        free(parts.v);
        return e;
    }
    if (b.len || !parts.n)
        flush(src, &parts, &b, line);
    if (parts.n == 1 && parts.v[0].kind == PB_HCL_LITERAL && parts.v[0].value.kind == PB_STRING) {
        e.kind = PB_HCL_LITERAL;
        e.value = parts.v[0].value;
        free(parts.v);
        return e;
    }
    e.kind = PB_HCL_TEMPLATE;
    e.n = parts.n;
    e.items = done(src->arena, &parts);
    return e;
}

/* <<EOT keeps its lines as they are; <<-EOT takes off the indentation that all have. */
static struct pb_hcl_expr heredoc(struct pb_hcl_source *src, const char *s, size_t n, unsigned line)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    const char *start = memchr(s, '\n', n), *end = s + n;
    size_t strip = s[2] == '-' ? SIZE_MAX : 0;

    while (end > s && end[-1] != '\n')
        end--;
    if (!start || ++start > end)
        return other(src, s, n, line);
    for (const char *p = start; strip && p < end;) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        size_t indent = strspn(p, " \t");
        if (indent < strip && p + indent < stop)
            strip = indent;
        p = stop + 1;
    }
    for (const char *p = start; p < end;) {
        const char *stop = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
        size_t indent = strspn(p, " \t"), off = indent < strip ? indent : strip;
        if (strip && off > (size_t)(stop - p))
            off = (size_t)(stop - p) - 1;
        pb_buf_add(&b, p + off, (size_t)(stop - p) - off);
        p = stop;
    }
    return pb_hcl_template(src, b.s, b.len, line, false);
}

/* ---- the rest ------------------------------------------------------------------------------ */

/* Whether a bracket that opens at s[0] closes at the very end. */
static bool encloses(const char *s, size_t n, char close)
{
    struct pb_hcl_scan p = {.s = s, .n = n, .i = 1};

    if (n < 2 || s[n - 1] != close)
        return false;
    while (p.i < n) {
        if (pb_hcl_skip_expr(&p, ""))
            return false;
        if (p.i < n && (s[p.i] == ')' || s[p.i] == ']' || s[p.i] == '}'))
            return p.i == n - 1;
        pb_hcl_skip_blank(&p, true);
    }
    return false;
}

static bool is_for(const char *s, size_t n)
{
    struct pb_hcl_scan p = {.s = s, .n = n, .i = 1};

    pb_hcl_skip_blank(&p, true);
    return n - p.i > 4 && strncmp(s + p.i, "for", 3) == 0 && !pb_hcl_is_ident(s[p.i + 3]);
}

/* Comma-separated expressions of s[1..n-1). -1: not such. */
static int split_items(struct pb_hcl_source *src, struct exprs *out, const char *s, size_t n,
                       unsigned line)
{
    struct pb_hcl_scan p = {.s = s, .n = n - 1, .i = 1, .line = line};

    for (;;) {
        size_t from;
        unsigned at;
        pb_hcl_skip_blank(&p, true);
        if (p.i >= p.n)
            return 0;
        from = p.i;
        at = p.line;
        if (pb_hcl_skip_expr(&p, ",") || p.i == from)
            return -1;
        add(out, *pb_hcl_expression(src, s + from, p.i - from, at));
        pb_hcl_skip_blank(&p, true);
        if (p.i < p.n && s[p.i++] != ',')
            return -1;
    }
}

static int split_pairs(struct pb_hcl_source *src, struct exprs *keys, struct exprs *values,
                       const char *s, size_t n, unsigned line)
{
    struct pb_hcl_scan p = {.s = s, .n = n - 1, .i = 1, .line = line};

    for (;;) {
        struct pb_hcl_expr key;
        size_t from;
        unsigned at;
        pb_hcl_skip_blank(&p, true);
        if (p.i >= p.n)
            return 0;
        from = p.i;
        at = p.line;
        if (pb_hcl_skip_expr(&p, "=:") || p.i == from || p.i >= p.n || !strchr("=:", s[p.i]))
            return -1;
        key = *pb_hcl_expression(src, s + from, p.i - from, at);
        if (key.kind == PB_HCL_REF && key.value.n == 1 && s[from] != '(') {
            key.kind = PB_HCL_LITERAL; /* a bare word is its own name */
            key.value = key.value.items[0];
        }
        p.i++;
        pb_hcl_skip_blank(&p, false);
        from = p.i;
        if (pb_hcl_skip_expr(&p, ",") || p.i == from)
            return -1;
        add(keys, key);
        add(values, *pb_hcl_expression(src, s + from, p.i - from, p.line));
        pb_hcl_skip_blank(&p, false);
        if (p.i < p.n && s[p.i] != ',' && s[p.i] != '\n')
            return -1;
        p.i += p.i < p.n && s[p.i] == ',';
    }
}

static bool brackets(struct pb_hcl_source *src, struct pb_hcl_expr *e, const char *s, size_t n)
{
    struct exprs keys = {NULL, 0, 0}, values = {NULL, 0, 0};
    bool map = s[0] == '{';

    if (!encloses(s, n, map ? '}' : ']') || is_for(s, n))
        return false;
    if (map ? split_pairs(src, &keys, &values, s, n, e->line)
            : split_items(src, &values, s, n, e->line)) {
        free(keys.v);
        free(values.v);
        return false;
    }
    e->kind = map ? PB_HCL_MAP : PB_HCL_LIST;
    e->n = values.n;
    e->keys = done(src->arena, &keys);
    e->items = done(src->arena, &values);
    return true;
}

/* An index: ["key"] or [0]; the length of it, 0 when it is anything else. */
static size_t index_step(struct pb_hcl_source *src, struct pb_list_builder *steps, const char *s,
                         size_t n, unsigned line)
{
    struct pb_hcl_scan p = {.s = s, .n = n, .i = 1, .line = line};
    const struct pb_hcl_expr *key;

    if (pb_hcl_skip_expr(&p, "") || p.i >= n || s[p.i] != ']')
        return 0;
    key = pb_hcl_expression(src, s + 1, p.i - 1, line);
    if (key->kind != PB_HCL_LITERAL ||
        (key->value.kind != PB_STRING && key->value.kind != PB_NUMBER))
        return 0;
    pb_list_add(steps, key->value);
    return p.i + 1;
}

/* name, name.name[0]["x"].name; or name(arguments). */
static bool traversal(struct pb_hcl_source *src, struct pb_hcl_expr *e, const char *s, size_t n)
{
    struct pb_list_builder steps = PB_BUILDER_INIT;
    size_t i = 0;

    while (i < n) {
        size_t from = i, len;
        if (s[i] == '[' && i) {
            len = index_step(src, &steps, s + i, n - i, e->line);
            if (!len)
                break;
            i += len;
            continue;
        }
        from += i > 0;
        if ((i && s[i] != '.') || from >= n)
            break;
        for (i = from; i < n && (pb_hcl_is_ident(s[i])); i++)
            ;
        if (i == from || (!pb_hcl_is_start(s[from]) && steps.n == 0))
            break;
        if (s[from] >= '0' && s[from] <= '9') { /* a.0 is the old a[0] */
            char *digits = pb_arena_strndup(src->arena, s + from, i - from);
            if (!pb_number_valid(digits, i - from))
                break;
            pb_list_add(&steps, pb_mk_number(src->arena, digits));
        } else {
            pb_list_add(&steps, pb_mk_stringn(src->arena, s + from, i - from));
        }
    }
    if (i < n || !steps.n) {
        pb_list_builder_release(&steps);
        return false;
    }
    e->kind = PB_HCL_REF;
    e->value = pb_list_done(&steps, src->arena);
    return true;
}

static bool call(struct pb_hcl_source *src, struct pb_hcl_expr *e, const char *s, size_t n)
{
    struct exprs args = {NULL, 0, 0};
    size_t i = 0;

    while (i < n && pb_hcl_is_ident(s[i]))
        i++;
    if (i == 0 || i == n || s[i] != '(' || !encloses(s + i, n - i, ')'))
        return false;
    if (split_items(src, &args, s + i, n - i, e->line)) {
        free(args.v);
        return false;
    }
    e->kind = PB_HCL_CALL;
    e->name = pb_arena_strndup(src->arena, s, i);
    e->n = args.n;
    e->items = done(src->arena, &args);
    return true;
}

static bool word(struct pb_hcl_expr *e, const char *s, size_t n)
{
    static const struct {
        const char *name;
        const struct pb_value *value;
    } words[] = {{"true", &pb_true}, {"false", &pb_false}, {"null", &pb_null}};

    for (size_t i = 0; i < PB_COUNT(words); i++) {
        if (strlen(words[i].name) == n && strncmp(words[i].name, s, n) == 0) {
            e->kind = PB_HCL_LITERAL;
            e->value = *words[i].value;
            return true;
        }
    }
    return false;
}

static bool quoted(struct pb_hcl_source *src, struct pb_hcl_expr *e, const char *s, size_t n)
{
    struct pb_hcl_scan p = {.s = s, .n = n, .i = 0};
    struct pb_hcl_expr inner;

    if (pb_hcl_skip_quoted(&p) || p.i != n)
        return false;
    inner = pb_hcl_template(src, s + 1, n - 2, e->line, true);
    inner.text = e->text;
    *e = inner;
    return true;
}

static void primary(struct pb_hcl_source *src, struct pb_hcl_expr *e, const char *s, size_t n)
{
    struct pb_hcl_scan p = {.s = s, .n = n, .i = 0};

    if (s[0] == '"') {
        quoted(src, e, s, n);
    } else if (pb_hcl_at_heredoc(&p)) {
        if (pb_hcl_skip_heredoc(&p) == 0 && p.i == n) {
            struct pb_hcl_expr inner = heredoc(src, s, n, e->line);
            inner.text = e->text;
            *e = inner;
        }
    } else if (s[0] == '[' || s[0] == '{') {
        brackets(src, e, s, n);
    } else if (s[0] == '(' && encloses(s, n, ')')) {
        *e = *pb_hcl_expression(src, s + 1, n - 2, e->line);
    } else if (pb_number_valid(s, n)) {
        e->kind = PB_HCL_LITERAL;
        e->value = pb_mk_number(src->arena, e->text);
    } else if (!word(e, s, n) && pb_hcl_is_start(s[0])) {
        if (!traversal(src, e, s, n))
            call(src, e, s, n);
    }
}

const struct pb_hcl_expr *pb_hcl_expression(struct pb_hcl_source *src, const char *text, size_t n,
                                            unsigned line)
{
    struct pb_hcl_expr *e = pb_arena_alloc(src->arena, sizeof(*e));
    struct pb_hcl_scan p = {.s = text, .n = n, .i = 0, .line = line};

    pb_hcl_skip_blank(&p, true);
    while (n > p.i && strchr(" \t\r\n", text[n - 1]) && text[n - 1])
        n--;
    *e = other(src, text + p.i, n - p.i, p.line);
    if (n > p.i && src->depth < PB_HCL_DEPTH) {
        src->depth++;
        primary(src, e, e->text, n - p.i);
        src->depth--;
    }
    return e;
}
