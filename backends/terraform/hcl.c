#include "backends/terraform/hcl.h"

#include <stdlib.h>
#include <string.h>

#include "backends/terraform/hcl_expr.h"
#include "backends/terraform/hcl_scan.h"
#include "base/mem.h"
#include "base/strv.h"

struct parser {
    struct pb_hcl_source src;
    struct pb_hcl_scan p;
    int depth;
    bool outline; /* expressions stay text */
    struct pb_err *err;
};

static int wrong(struct parser *x, const char *what)
{
    return pb_fail(x->err, PB_E_CONFIG, "'%s' line %u: %s", x->src.file, x->p.line, what);
}

void pb_hcl_add_attr(struct pb_hcl_parts *b, struct pb_hcl_attr at)
{
    b->attrs = pb_grow(b->attrs, &b->cattrs, b->nattrs + 1, sizeof(*b->attrs));
    b->attrs[b->nattrs++] = at;
}

void pb_hcl_add_block(struct pb_hcl_parts *b, struct pb_hcl_block blk)
{
    b->blocks = pb_grow(b->blocks, &b->cblocks, b->nblocks + 1, sizeof(*b->blocks));
    b->blocks[b->nblocks++] = blk;
}

const struct pb_hcl_body *pb_hcl_finish(struct pb_arena *a, struct pb_hcl_parts *b)
{
    struct pb_hcl_body *out = pb_arena_zalloc(a, sizeof(*out));
    struct pb_hcl_attr *attrs = pb_arena_alloc(a, b->nattrs * sizeof(*attrs) + 1);
    struct pb_hcl_block *blocks = pb_arena_alloc(a, b->nblocks * sizeof(*blocks) + 1);

    if (b->nattrs)
        memcpy(attrs, b->attrs, b->nattrs * sizeof(*attrs));
    if (b->nblocks)
        memcpy(blocks, b->blocks, b->nblocks * sizeof(*blocks));
    out->attrs = attrs;
    out->nattrs = b->nattrs;
    out->blocks = blocks;
    out->nblocks = b->nblocks;
    free(b->attrs);
    free(b->blocks);
    *b = (struct pb_hcl_parts)PB_HCL_PARTS_INIT;
    return out;
}

static int body(const struct pb_hcl_body **out, struct parser *x, bool top);

static const char *word(struct parser *x)
{
    size_t from = x->p.i;

    if (x->p.i < x->p.n && !pb_hcl_is_start(x->p.s[x->p.i]))
        return NULL;
    while (x->p.i < x->p.n && pb_hcl_is_ident(x->p.s[x->p.i]))
        x->p.i++;
    if (x->p.i == from)
        return NULL;
    return pb_arena_intern(x->src.arena, x->p.s + from, x->p.i - from);
}

/* Labels up to the opening brace. */
static int labels(struct parser *x, struct pb_strv *out)
{
    for (;;) {
        const char *name;
        pb_hcl_skip_blank(&x->p, false);
        if (x->p.i >= x->p.n)
            return wrong(x, "a block without '{'");
        if (x->p.s[x->p.i] == '{')
            return 0;
        if (x->p.s[x->p.i] == '"') {
            size_t from = x->p.i;
            const struct pb_hcl_expr *e;
            if (pb_hcl_skip_quoted(&x->p))
                return wrong(x, "a string that does not end");
            e = pb_hcl_expression(&x->src, x->p.s + from, x->p.i - from, x->p.line);
            if (!pb_hcl_str(e))
                return wrong(x, "a label has to be a plain string");
            pb_strv_add(out, pb_hcl_str(e));
        } else if ((name = word(x))) {
            pb_strv_add(out, name);
        } else {
            return wrong(x, "expected '=', a label or '{'");
        }
        if (out->n > 16)
            return wrong(x, "too many labels");
    }
}

static int block(struct parser *x, struct pb_hcl_parts *b, const char *type, size_t from,
                 unsigned line)
{
    PB_AUTO(strv) struct pb_strv names = PB_STRV_INIT;
    struct pb_hcl_block blk = {.type = type, .file = x->src.file, .line = line};
    const char **v;

    if (labels(x, &names))
        return -1;
    x->p.i++; /* the brace */
    if (x->depth >= PB_HCL_DEPTH)
        return wrong(x, "nested too deeply");
    x->depth++;
    if (body(&blk.body, x, false))
        return -1;
    x->depth--;
    blk.last_line = x->p.line;
    v = pb_arena_zalloc(x->src.arena, (names.n + 1) * sizeof(*v));
    for (size_t i = 0; i < names.n; i++)
        v[i] = pb_arena_intern(x->src.arena, names.v[i], strlen(names.v[i]));
    blk.labels = v;
    blk.nlabels = names.n;
    if (x->depth <= 1) /* what may have to be written out again stands at the top */
        blk.text = pb_arena_strndup(x->src.arena, x->p.s + from, x->p.i - from);
    pb_hcl_add_block(b, blk);
    return 0;
}

static int attribute(struct parser *x, struct pb_hcl_parts *b, const char *name, unsigned line)
{
    struct pb_hcl_attr at = {.name = name, .file = x->src.file, .line = line};
    size_t from = ++x->p.i;
    unsigned start = x->p.line;

    if (pb_hcl_skip_expr(&x->p, ""))
        return wrong(x, "an expression that does not end");
    x->src.depth = x->outline ? PB_HCL_DEPTH : 0;
    at.expr = pb_hcl_expression(&x->src, x->p.s + from, x->p.i - from, start);
    x->src.depth = 0;
    if (!*at.expr->text)
        return wrong(x, "an attribute without a value");
    pb_hcl_add_attr(b, at);
    return 0;
}

static int members(struct parser *x, struct pb_hcl_parts *b, bool top)
{
    for (;;) {
        const char *name;
        size_t from;
        unsigned line;
        pb_hcl_skip_blank(&x->p, true);
        if (x->p.i >= x->p.n)
            return top ? 0 : wrong(x, "a block without its '}'");
        if (x->p.s[x->p.i] == '}') {
            x->p.i++;
            return top ? wrong(x, "a '}' too many") : 0;
        }
        from = x->p.i;
        line = x->p.line;
        name = word(x);
        if (!name)
            return wrong(x, "expected the name of an attribute or a block");
        pb_hcl_skip_blank(&x->p, false);
        if (x->p.i < x->p.n && x->p.s[x->p.i] == '=') {
            if (attribute(x, b, name, line))
                return -1;
        } else if (block(x, b, name, from, line)) {
            return -1;
        }
    }
}

static int body(const struct pb_hcl_body **out, struct parser *x, bool top)
{
    struct pb_hcl_parts b = PB_HCL_PARTS_INIT;
    int rc = members(x, &b, top);

    *out = pb_hcl_finish(x->src.arena, &b);
    return rc;
}

static int parse(const struct pb_hcl_body **out, struct pb_arena *a, const char *text, size_t n,
                 const char *file, bool outline, struct pb_err *err)
{
    struct parser x = {.src = {.arena = a, .file = pb_arena_intern(a, file, strlen(file))},
                       .outline = outline,
                       .err = err};

    if (n > PB_HCL_MAX)
        return pb_fail(err, PB_E_CONFIG, "'%s' is larger than %d bytes", file, PB_HCL_MAX);
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        n -= 3;
    }
    x.p = (struct pb_hcl_scan){.s = text, .n = n, .line = 1};
    if (memchr(text, '\0', n))
        return wrong(&x, "a NUL byte");
    return body(out, &x, true);
}

int pb_hcl_parse(const struct pb_hcl_body **out, struct pb_arena *a, const char *text, size_t n,
                 const char *file, struct pb_err *err)
{
    return parse(out, a, text, n, file, false, err);
}

int pb_hcl_outline(const struct pb_hcl_body **out, struct pb_arena *a, const char *text, size_t n,
                   const char *file, struct pb_err *err)
{
    return parse(out, a, text, n, file, true, err);
}

const struct pb_hcl_expr *pb_hcl_expr_of(struct pb_arena *a, const char *text, size_t n,
                                         const char *file)
{
    struct pb_hcl_source src = {.arena = a, .file = file};

    return pb_hcl_expression(&src, text, n < PB_HCL_MAX ? n : PB_HCL_MAX, 1);
}

const struct pb_hcl_expr *pb_hcl_attr_of(const struct pb_hcl_body *b, const char *name)
{
    for (size_t i = 0; b && i < b->nattrs; i++)
        if (strcmp(b->attrs[i].name, name) == 0)
            return b->attrs[i].expr;
    return NULL;
}

const struct pb_hcl_block *pb_hcl_block_of(const struct pb_hcl_body *b, const char *type, size_t i)
{
    for (size_t j = 0; b && j < b->nblocks; j++)
        if (strcmp(b->blocks[j].type, type) == 0 && i-- == 0)
            return &b->blocks[j];
    return NULL;
}

const char *pb_hcl_label(const struct pb_hcl_block *b, size_t i)
{
    return i < b->nlabels ? b->labels[i] : "";
}

const char *pb_hcl_str(const struct pb_hcl_expr *e)
{
    return e && e->kind == PB_HCL_LITERAL ? pb_str(&e->value) : NULL;
}
