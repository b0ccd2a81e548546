/* One spelling for everything that says the same. */
#include <stdlib.h>
#include <string.h>

#include "backends/terraform/hcl_scan.h"
#include "backends/terraform/textdiff.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

enum { NEST_MAX = 256, ONCE_MAX = 1 << 20 };

/* ---- text that is not understood ------------------------------------------------------------- */

struct squeeze {
    struct pb_buf *out;
    struct pb_hcl_scan p;
    char nest[NEST_MAX]; /* '{' where a new line separates, else ' ' */
    size_t depth;
    bool blank;
};

static char last(const struct squeeze *q)
{
    return q->out->len ? q->out->s[q->out->len - 1] : '\0';
}

static void copy(struct squeeze *q, size_t from)
{
    pb_buf_add(q->out, q->p.s + from, q->p.i - from);
    q->blank = false;
}

/* Blanks are nothing but between two words; new lines separate in an object. */
static void squeeze_blank(struct squeeze *q)
{
    size_t from = q->p.i;

    pb_hcl_skip_blank(&q->p, true);
    q->blank = true;
    if (q->depth && q->depth <= NEST_MAX && q->nest[q->depth - 1] == '{' &&
        memchr(q->p.s + from, '\n', q->p.i - from) && last(q) != '{' && last(q) != ',')
        pb_buf_addc(q->out, ',');
}

static bool for_follows(const struct squeeze *q)
{
    struct pb_hcl_scan p = q->p;

    pb_hcl_skip_blank(&p, true);
    return p.n - p.i > 3 && memcmp(p.s + p.i, "for", 3) == 0 && !pb_hcl_is_ident(p.s[p.i + 3]);
}

static void squeeze_char(struct squeeze *q)
{
    char c = q->p.s[q->p.i++];

    if (q->blank && pb_hcl_is_ident(c) && pb_hcl_is_ident(last(q)))
        pb_buf_addc(q->out, ' ');
    q->blank = false;
    if ((c == '}' || c == ']' || c == ')') && last(q) == ',')
        pb_buf_truncate(q->out, q->out->len - 1);
    pb_buf_addc(q->out, c);
    if (c == '{' || c == '[' || c == '(') {
        if (q->depth++ < NEST_MAX)
            q->nest[q->depth - 1] = c == '{' && !for_follows(q) ? '{' : ' ';
    } else if ((c == '}' || c == ']' || c == ')') && q->depth) {
        q->depth--;
    }
}

static void add_squeezed(struct pb_buf *out, const char *text, size_t n)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct squeeze q = {.out = &b, .p = {.s = text, .n = n, .line = 1}};

    while (q.p.i < n) {
        size_t from = q.p.i;
        char c = text[from];
        bool comment = c == '#' || (c == '/' && from + 1 < n && strchr("/*", text[from + 1]));

        if (strchr(" \t\r\n", c) || comment) {
            squeeze_blank(&q);
        } else if (c == '"' || pb_hcl_at_heredoc(&q.p)) {
            if (c == '"' ? pb_hcl_skip_quoted(&q.p) : pb_hcl_skip_heredoc(&q.p))
                q.p.i = n; /* it never ends */
            copy(&q, from);
        } else {
            squeeze_char(&q);
        }
    }
    pb_buf_add(out, b.s, b.len);
}

/* ---- expressions ----------------------------------------------------------------------------- */

static void add_expr(struct pb_buf *b, const struct pb_hcl_expr *e);

static void add_items(struct pb_buf *b, const struct pb_hcl_expr *e, const char *open,
                      const char *close)
{
    pb_buf_adds(b, open);
    for (size_t i = 0; i < e->n; i++) {
        if (i)
            pb_buf_addc(b, ',');
        add_expr(b, &e->items[i]);
    }
    pb_buf_adds(b, close);
}

static void add_map(struct pb_buf *b, const struct pb_hcl_expr *e)
{
    PB_AUTO(strv) struct pb_strv pairs = PB_STRV_INIT;

    for (size_t i = 0; i < e->n; i++) {
        PB_AUTO(buf) struct pb_buf one = PB_BUF_INIT;

        add_expr(&one, &e->keys[i]);
        pb_buf_addc(&one, '=');
        add_expr(&one, &e->items[i]);
        pb_strv_add(&pairs, one.s);
    }
    pb_strv_sort(&pairs);
    pb_buf_addc(b, '{');
    for (size_t i = 0; i < pairs.n; i++)
        pb_buf_addf(b, "%s%s", i ? "," : "", pairs.v[i]);
    pb_buf_addc(b, '}');
}

static void add_expr(struct pb_buf *b, const struct pb_hcl_expr *e)
{
    switch (e->kind) {
    case PB_HCL_LITERAL: pb_json_add_canonical(b, &e->value); return;
    case PB_HCL_LIST: add_items(b, e, "[", "]"); return;
    case PB_HCL_MAP: add_map(b, e); return;
    case PB_HCL_REF: /* a.b["c"] and a.b.c are one */
        pb_buf_addc(b, '&');
        pb_json_add_canonical(b, &e->value);
        return;
    case PB_HCL_CALL:
        pb_buf_adds(b, e->name);
        add_items(b, e, "(", ")");
        return;
    case PB_HCL_TEMPLATE:
        if (e->n == 1) /* "${x}" is x */
            add_expr(b, &e->items[0]);
        else
            add_items(b, e, "<", ">");
        return;
    case PB_HCL_OTHER: add_squeezed(b, e->text, strlen(e->text)); return;
    }
}

/* An outline has expressions as text: they take much more memory once parsed. */
static void add_attr(struct pb_buf *b, struct pb_tf_scratch *t, const struct pb_hcl_attr *at)
{
    const struct pb_hcl_expr *e = at->expr;

    if (e->kind == PB_HCL_OTHER) {
        if (!t->once)
            t->once = pb_arena_new();
        e = pb_hcl_expr_of(t->once, e->text, strlen(e->text), at->file);
    }
    add_expr(b, e);
    if (t->once && pb_arena_bytes(t->once) > ONCE_MAX)
        pb_arena_free(pb_take(&t->once));
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const struct pb_hcl_attr *x = a, *y = b;

    return strcmp(x->name, y->name);
}

/* Blocks of one type keep their order, which may matter to whoever reads them. */
static int by_type(const void *a, const void *b)
{
    const struct pb_hcl_block *const *x = a, *const *y = b;
    int c = strcmp((*x)->type, (*y)->type);

    return c ? c : (*x > *y) - (*x < *y); /* of one array */
}

static void add_block(struct pb_buf *b, struct pb_tf_scratch *t, const struct pb_hcl_block *blk);

static void add_body(struct pb_buf *b, struct pb_tf_scratch *t, const struct pb_hcl_body *body)
{
    struct pb_hcl_attr *attrs = pb_calloc(body->nattrs + 1, sizeof(*attrs));
    const struct pb_hcl_block **blocks = pb_calloc(body->nblocks + 1, sizeof(*blocks));

    for (size_t i = 0; i < body->nattrs; i++)
        attrs[i] = body->attrs[i];
    for (size_t i = 0; i < body->nblocks; i++)
        blocks[i] = &body->blocks[i];
    qsort(attrs, body->nattrs, sizeof(*attrs), by_name);
    qsort(blocks, body->nblocks, sizeof(*blocks), by_type);
    pb_buf_addc(b, '{');
    for (size_t i = 0; i < body->nattrs; i++) {
        pb_buf_addf(b, "%s=", attrs[i].name);
        add_attr(b, t, &attrs[i]);
        pb_buf_addc(b, '\n');
    }
    for (size_t i = 0; i < body->nblocks; i++)
        add_block(b, t, blocks[i]);
    pb_buf_addc(b, '}');
    free(attrs);
    free(blocks);
}

static void add_block(struct pb_buf *b, struct pb_tf_scratch *t, const struct pb_hcl_block *blk)
{
    pb_buf_adds(b, blk->type);
    for (size_t i = 0; i < blk->nlabels; i++) {
        pb_buf_addc(b, ' ');
        pb_json_add_string(b, blk->labels[i], strlen(blk->labels[i]));
    }
    add_body(b, t, blk->body);
    pb_buf_addc(b, '\n');
}

const char *pb_tf_canon_block(struct pb_tf_scratch *t, const struct pb_hcl_block *blk)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    add_block(&b, t, blk);
    return pb_arena_strndup(t->work, b.s, b.len);
}

const char *pb_tf_canon_attr(struct pb_tf_scratch *t, const struct pb_hcl_attr *at)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    add_attr(&b, t, at);
    return pb_arena_strndup(t->work, b.s, b.len);
}

/* Without its labels: they are the address, by which parts are told apart. */
static const char *canon_body(struct pb_tf_scratch *t, const struct pb_hcl_block *blk)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    add_body(&b, t, blk->body);
    return pb_arena_strndup(t->work, b.s, b.len);
}

const char *pb_tf_canon_part(struct pb_tf_scratch *t, struct pb_tf_part *part)
{
    if (!part->canon)
        part->canon = part->block ? canon_body(t, part->block) : pb_tf_canon_attr(t, part->attr);
    return part->canon;
}

bool pb_tf_same_part(struct pb_tf_scratch *t, struct pb_tf_part *x, struct pb_tf_part *y)
{
    if (x->block == y->block && x->attr == y->attr)
        return true;
    if (x->file->override != y->file->override || !x->block != !y->block)
        return false;
    if (x->block && x->block->text && y->block->text && strcmp(x->block->text, y->block->text) == 0)
        return true;
    return strcmp(pb_tf_canon_part(t, x), pb_tf_canon_part(t, y)) == 0;
}
