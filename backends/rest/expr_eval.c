/* Evaluating expressions: cannot fail, see expr.h. */
#include "backends/rest/expr.h"
#include "backends/rest/transform.h"
#include "base/text.h"

static struct pb_value unboxed(const struct pb_value *v)
{
    return v ? *v : pb_null;
}

static struct pb_value walk_each(struct pb_arena *a, struct pb_value list,
                                 const struct pb_seg *segs, size_t n);

static bool selects(struct pb_arena *a, const struct pb_value *v, const struct pb_seg *seg)
{
    const char *text = pb_scalar_text(a, pb_get(v, seg->name));
    return text && strcmp(text, seg->value) == 0;
}

static struct pb_value select_items(struct pb_arena *a, struct pb_value v, const struct pb_seg *seg)
{
    struct pb_list_builder b = PB_BUILDER_INIT;
    if (v.kind == PB_MAP && selects(a, &v, seg))
        pb_list_add(&b, v);
    for (size_t i = 0; v.kind == PB_LIST && i < v.n; i++)
        if (v.items[i].kind == PB_UNKNOWN || selects(a, &v.items[i], seg))
            pb_list_add(&b, v.items[i]);
    return pb_list_done(&b, a);
}

static struct pb_value index_item(struct pb_value v, long i)
{
    if (v.kind != PB_LIST)
        return i == 0 || i == -1 ? v : pb_null;
    if (i < 0)
        i += (long)v.n;
    return i < 0 || i >= (long)v.n ? pb_null : v.items[i];
}

struct pb_value pb_segs_walk(struct pb_arena *a, struct pb_value v, const struct pb_seg *segs,
                             size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (v.kind == PB_UNKNOWN || v.kind == PB_NULL)
            return v;
        switch (segs[i].kind) {
        case PB_SEG_INDEX: v = index_item(v, segs[i].index); break;
        case PB_SEG_SELECT: v = select_items(a, v, &segs[i]); break;
        case PB_SEG_MEMBER:
            if (v.kind == PB_LIST)
                return walk_each(a, v, segs + i, n - i);
            v = unboxed(pb_get(&v, segs[i].name));
            break;
        }
    }
    return v;
}

/* Through a list: the rest of the path for each element, lists within laid flat. An index
 * or selection behind that is of the whole. */
static struct pb_value walk_each(struct pb_arena *a, struct pb_value list,
                                 const struct pb_seg *segs, size_t n)
{
    size_t members = 0;
    while (members < n && segs[members].kind == PB_SEG_MEMBER)
        members++;
    struct pb_list_builder b = PB_BUILDER_INIT;
    for (size_t i = 0; i < list.n; i++) {
        struct pb_value v = pb_segs_walk(a, list.items[i], segs, members);
        if (v.kind == PB_LIST)
            for (size_t j = 0; j < v.n; j++)
                pb_list_add(&b, v.items[j]);
        else if (v.kind != PB_NULL)
            pb_list_add(&b, v);
    }
    return pb_segs_walk(a, pb_list_done(&b, a), segs + members, n - members);
}

const char *pb_scalar_text(struct pb_arena *a, const struct pb_value *v)
{
    (void)a;
    if (!v)
        return NULL;
    switch (v->kind) {
    case PB_STRING:
    case PB_NUMBER: return v->s;
    case PB_BOOL: return v->b ? "true" : "false";
    default: return NULL;
    }
}

static struct pb_value root_value(const struct pb_expr *e, struct pb_eval *ev)
{
    struct pb_value v = pb_null;
    switch (e->root) {
    case PB_ROOT_ITEM: return ev->item;
    case PB_ROOT_STEP:
        ev->steps |= 1u << e->index;
        if (ev->step(&v, ev->ctx, e->index) == PB_STEP_SKIPPED)
            ev->skipped = true;
        return v;
    case PB_ROOT_LET: return ev->let(ev->ctx, e->index);
    case PB_ROOT_VAR:
        for (const struct pb_var *var = ev->vars; var; var = var->up)
            if (strcmp(var->name, e->name) == 0)
                return var->value;
        return pb_null;
    case PB_ROOT_ID: return ev->id ? pb_mk_string(ev->a, ev->id) : pb_null;
    case PB_ROOT_RECORDED: return unboxed(ev->recorded);
    case PB_ROOT_SETTING: return ev->setting(ev->ctx, e->name);
    case PB_ROOT_ACCOUNT: return ev->account(ev->ctx);
    }
    return pb_null;
}

static struct pb_value eval_template(const struct pb_expr *e, struct pb_eval *ev)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    for (size_t i = 0; i < e->nparts; i++) {
        const struct pb_expr *part = e->parts[i];
        struct pb_value v = pb_expr_eval(part, ev);
        if (v.kind == PB_UNKNOWN || v.kind == PB_NULL)
            return v;
        const char *text = pb_scalar_text(ev->a, &v);
        if (!text)
            return pb_mk_unknown(ev->a, pb_arena_printf(ev->a, "'%s': a %s cannot be put into text",
                                                        e->text, pb_kind_name(v.kind)));
        if (part->kind != PB_EXPR_LITERAL && ev->encode)
            ev->encode(&b, text, strlen(text), part->keep_slashes);
        else
            pb_buf_adds(&b, text);
    }
    return pb_mk_stringn(ev->a, b.s, b.len);
}

static struct pb_value call_one(const struct pb_call *c, struct pb_value in, struct pb_eval *ev)
{
    if (in.kind == PB_UNKNOWN)
        return in;
    if (in.kind == PB_NULL && !(c->t->flags & PB_TF_TAKES_NULL))
        return in;
    uint8_t flags = in.flags;
    struct pb_value args[8];
    if (c->dynamic) {
        for (size_t i = 0; i < c->nargs; i++) {
            args[i] = c->dynamic[i] ? pb_expr_eval(c->dynamic[i], ev) : c->args[i];
            if (args[i].kind == PB_UNKNOWN)
                return args[i];
        }
    }
    struct pb_value out = c->t->fn(ev, in, c->dynamic ? args : c->args, c->nargs);
    out.flags |= flags;
    return out;
}

struct pb_value pb_calls_eval(const struct pb_call *calls, size_t n, struct pb_value in,
                              struct pb_eval *ev)
{
    for (size_t i = 0; i < n; i++) {
        if (in.kind != PB_LIST || !(calls[i].t->flags & PB_TF_EACH)) {
            in = call_one(&calls[i], in, ev);
            continue;
        }
        struct pb_list_builder b = PB_BUILDER_INIT;
        for (size_t j = 0; j < in.n; j++)
            pb_list_add(&b, call_one(&calls[i], in.items[j], ev));
        uint8_t flags = in.flags;
        in = pb_list_done(&b, ev->a);
        in.flags |= flags;
    }
    return in;
}

struct pb_value pb_expr_eval(const struct pb_expr *e, struct pb_eval *ev)
{
    struct pb_value v = e->literal;
    if (e->kind == PB_EXPR_TEMPLATE)
        v = eval_template(e, ev);
    else if (e->kind == PB_EXPR_PATH)
        v = pb_segs_walk(ev->a, root_value(e, ev), e->segs, e->nsegs);
    return pb_calls_eval(e->calls, e->ncalls, v, ev);
}
