#include "backends/terraform/eval.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { EVAL_DEPTH = 64 };

static struct pb_value cannot(const struct pb_tf_scope *s, const struct pb_hcl_expr *e)
{
    return pb_mk_unknown(s->arena, e->text);
}

static struct pb_value with_flags(struct pb_arena *a, struct pb_value v, unsigned flags)
{
    return flags & PB_V_SENSITIVE ? pb_mark_sensitive(a, &v, &pb_true) : v;
}

/* ---- references ---------------------------------------------------------------------------- */

static const struct pb_hcl_block *variable_of(const struct pb_tf_node *node, const char *name)
{
    const struct pb_hcl_body *b = node->module ? node->module->body : NULL;

    for (size_t i = 0; b && i < b->nblocks; i++)
        if (strcmp(b->blocks[i].type, "variable") == 0 &&
            strcmp(pb_hcl_label(&b->blocks[i], 0), name) == 0)
            return &b->blocks[i];
    return NULL;
}

/* -1: not to be had. */
static int variable(struct pb_value *out, const struct pb_tf_scope *s, const char *name)
{
    const struct pb_hcl_block *decl = variable_of(s->node, name);
    const struct pb_hcl_expr *arg;
    const struct pb_value *v;
    struct pb_tf_scope up = *s;

    if (!decl)
        return -1;
    if (!s->node->up) {
        v = pb_get(s->vars, name);
        *out = v ? *v : pb_null;
        return v ? 0 : -1;
    }
    up.node = s->node->up;
    up.depth++;
    arg = pb_hcl_attr_of(s->node->call->body, name);
    if (arg) {
        *out = pb_tf_eval(&up, arg);
    } else {
        arg = pb_hcl_attr_of(decl->body, "default");
        if (!arg)
            return -1;
        *out = pb_tf_eval(&up, arg);
    }
    arg = pb_hcl_attr_of(decl->body, "sensitive");
    if (arg && strcmp(arg->text, "true") == 0)
        *out = with_flags(s->arena, *out, PB_V_SENSITIVE);
    return 0;
}

static int local(struct pb_value *out, const struct pb_tf_scope *s, const char *name)
{
    const struct pb_hcl_body *b = s->node->module ? s->node->module->body : NULL;
    struct pb_tf_scope deeper = *s;
    const struct pb_hcl_expr *e = NULL;

    for (size_t i = 0; b && i < b->nblocks; i++)
        if (strcmp(b->blocks[i].type, "locals") == 0 && pb_hcl_attr_of(b->blocks[i].body, name))
            e = pb_hcl_attr_of(b->blocks[i].body, name);
    if (!e)
        return -1;
    deeper.depth++;
    *out = pb_tf_eval(&deeper, e);
    return 0;
}

static struct pb_value follow(const struct pb_tf_scope *s, const struct pb_hcl_expr *e,
                              struct pb_value v, size_t from)
{
    for (size_t i = from; i < e->value.n; i++) {
        const struct pb_value *step = &e->value.items[i], *next = NULL;
        if (v.kind == PB_UNKNOWN)
            return v;
        if (step->kind == PB_STRING)
            next = pb_get(&v, step->s);
        else if (strlen(step->s) < 9)
            next = pb_at(&v, strtoul(step->s, NULL, 10));
        if (!next)
            return cannot(s, e);
        v = *next;
    }
    return v;
}

static struct pb_value reference(const struct pb_tf_scope *s, const struct pb_hcl_expr *e)
{
    const char *root = pb_str(pb_at(&e->value, 0)), *name = pb_str(pb_at(&e->value, 1));
    struct pb_value v;

    if (!root || !name || s->depth > EVAL_DEPTH)
        return cannot(s, e);
    if (strcmp(root, "var") == 0 && variable(&v, s, name) == 0)
        return follow(s, e, v, 2);
    if (strcmp(root, "local") == 0 && local(&v, s, name) == 0)
        return follow(s, e, v, 2);
    if (strcmp(root, "terraform") == 0 && strcmp(name, "workspace") == 0 && e->value.n == 2)
        return pb_mk_string(s->arena, s->workspace ? s->workspace : "default");
    return cannot(s, e);
}

/* ---- strings and collections --------------------------------------------------------------- */

static bool as_text(struct pb_buf *b, const struct pb_value *v)
{
    if (v->kind == PB_STRING || v->kind == PB_NUMBER)
        pb_buf_add(b, v->s, v->n);
    else if (v->kind == PB_BOOL)
        pb_buf_adds(b, v->b ? "true" : "false");
    else
        return false;
    return true;
}

static struct pb_value template(const struct pb_tf_scope *s, const struct pb_hcl_expr *e)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    unsigned flags = 0;

    if (e->n == 1) /* "${x}" is x */
        return pb_tf_eval(s, &e->items[0]);
    for (size_t i = 0; i < e->n; i++) {
        struct pb_value v = pb_tf_eval(s, &e->items[i]);
        flags |= v.flags;
        if (!as_text(&b, &v) || b.len > PB_HCL_MAX)
            return cannot(s, e);
    }
    return with_flags(s->arena, pb_mk_stringn(s->arena, b.s, b.len), flags);
}

static struct pb_value list(const struct pb_tf_scope *s, const struct pb_hcl_expr *e)
{
    struct pb_list_builder b = PB_BUILDER_INIT;

    for (size_t i = 0; i < e->n; i++)
        pb_list_add(&b, pb_tf_eval(s, &e->items[i]));
    return pb_list_done(&b, s->arena);
}

static struct pb_value map(const struct pb_tf_scope *s, const struct pb_hcl_expr *e)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    for (size_t i = 0; i < e->n; i++) {
        struct pb_value key = pb_tf_eval(s, &e->keys[i]);
        PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
        if (!as_text(&text, &key)) {
            pb_map_builder_release(&b);
            return cannot(s, e);
        }
        pb_map_add(&b, pb_arena_intern(s->arena, text.s, text.len), pb_tf_eval(s, &e->items[i]));
    }
    return pb_map_done(&b, s->arena);
}

/* ---- functions ----------------------------------------------------------------------------- */

static struct pb_value merge(const struct pb_tf_scope *s, const struct pb_hcl_expr *e)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    for (size_t i = 0; i < e->n; i++) {
        struct pb_value v = pb_tf_eval(s, &e->items[i]);
        if (v.kind != PB_MAP && v.kind != PB_NULL) {
            pb_map_builder_release(&b);
            return cannot(s, e);
        }
        for (size_t j = 0; v.kind == PB_MAP && j < v.n; j++)
            pb_map_add(&b, v.members[j].key, v.members[j].value);
    }
    return pb_map_done(&b, s->arena);
}

static struct pb_value change_case(const struct pb_tf_scope *s, const struct pb_hcl_expr *e,
                                   bool upper)
{
    struct pb_value v = pb_tf_eval(s, &e->items[0]);
    char *text;

    if (e->n != 1 || v.kind != PB_STRING)
        return cannot(s, e);
    text = pb_arena_strndup(s->arena, v.s, v.n);
    for (char *p = text; *p; p++) {
        if (*p & 0x80)
            return cannot(s, e);
        *p = (char)(upper ? toupper(*p) : tolower(*p));
    }
    v.s = text;
    return v;
}

static struct pb_value coalesce(const struct pb_tf_scope *s, const struct pb_hcl_expr *e)
{
    for (size_t i = 0; i < e->n; i++) {
        struct pb_value v = pb_tf_eval(s, &e->items[i]);
        if (v.kind != PB_NULL && !(v.kind == PB_STRING && v.n == 0))
            return v;
    }
    return cannot(s, e);
}

static struct pb_value call(const struct pb_tf_scope *s, const struct pb_hcl_expr *e)
{
    static const char *const same[] = {"tomap", "tolist", "tonumber", "tobool", "nonsensitive"};
    struct pb_value v;

    if (e->n && strcmp(e->name, "merge") == 0)
        return merge(s, e);
    if (e->n && strcmp(e->name, "coalesce") == 0)
        return coalesce(s, e);
    if (e->n == 1 && (strcmp(e->name, "lower") == 0 || strcmp(e->name, "upper") == 0))
        return change_case(s, e, e->name[0] == 'u');
    if (e->n == 1 && strcmp(e->name, "tostring") == 0) {
        PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
        v = pb_tf_eval(s, &e->items[0]);
        return as_text(&b, &v) ? with_flags(s->arena, pb_mk_stringn(s->arena, b.s, b.len), v.flags)
                               : cannot(s, e);
    }
    if (e->n == 1 && strcmp(e->name, "sensitive") == 0)
        return with_flags(s->arena, pb_tf_eval(s, &e->items[0]), PB_V_SENSITIVE);
    for (size_t i = 0; e->n == 1 && i < PB_COUNT(same); i++)
        if (strcmp(e->name, same[i]) == 0)
            return pb_tf_eval(s, &e->items[0]);
    return cannot(s, e);
}

struct pb_value pb_tf_eval(const struct pb_tf_scope *s, const struct pb_hcl_expr *e)
{
    struct pb_tf_scope deeper = *s;

    if (++deeper.depth > EVAL_DEPTH || *s->budget == 0)
        return cannot(s, e);
    --*s->budget;
    switch (e->kind) {
    case PB_HCL_LITERAL: return e->value;
    case PB_HCL_TEMPLATE: return template(&deeper, e);
    case PB_HCL_LIST: return list(&deeper, e);
    case PB_HCL_MAP: return map(&deeper, e);
    case PB_HCL_REF: return reference(&deeper, e);
    case PB_HCL_CALL: return call(&deeper, e);
    case PB_HCL_OTHER: break;
    }
    return cannot(s, e);
}

static bool is_skipped(const char *name, const char *const *skip)
{
    for (; skip && *skip; skip++)
        if (strcmp(name, *skip) == 0)
            return true;
    return false;
}

/* All blocks of the type of the i-th, if that is the first of them. */
static void add_block_type(const struct pb_tf_scope *s, struct pb_map_builder *out,
                           const struct pb_hcl_body *b, size_t i)
{
    struct pb_list_builder list_b = PB_BUILDER_INIT;
    const char *type = b->blocks[i].type;

    for (size_t j = 0; j < i; j++)
        if (strcmp(b->blocks[j].type, type) == 0)
            return;
    if (strcmp(type, "dynamic") == 0) {
        pb_map_add(out, pb_hcl_label(&b->blocks[i], 0), pb_mk_unknown(s->arena, "a dynamic block"));
        return;
    }
    for (size_t j = i; j < b->nblocks; j++)
        if (strcmp(b->blocks[j].type, type) == 0)
            pb_list_add(&list_b, pb_tf_eval_body(s, b->blocks[j].body, NULL));
    pb_map_add(out, type, pb_list_done(&list_b, s->arena));
}

struct pb_value pb_tf_eval_body(const struct pb_tf_scope *s, const struct pb_hcl_body *b,
                                const char *const *skip)
{
    struct pb_map_builder out = PB_BUILDER_INIT;

    for (size_t i = 0; i < b->nattrs; i++)
        if (!is_skipped(b->attrs[i].name, skip))
            pb_map_add(&out, b->attrs[i].name, pb_tf_eval(s, b->attrs[i].expr));
    for (size_t i = 0; i < b->nblocks; i++)
        add_block_type(s, &out, b, i);
    return pb_map_done(&out, s->arena);
}
