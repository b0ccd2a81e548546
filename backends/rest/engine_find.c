/* An object in the replies of a fetch. */
#include "backends/rest/engine.h"
#include "base/mem.h"
#include "base/text.h"

static const char *fault(struct fetch *f, const struct pb_path *p)
{
    return pb_arena_printf(f->run->a, "the reply of '%s' has no '%s'", f->ask.label, p->text);
}

/* A list that is not there at all is no empty list. In XML, an empty list is there as the
 * element around its items. */
static bool list_is_there(struct fetch *f, const struct pb_request *rq, const struct pb_value *doc)
{
    enum pb_protocol_id id = rq->service->protocol;
    bool xml = id == PB_PROTO_QUERY || id == PB_PROTO_EC2_QUERY || id == PB_PROTO_REST_XML;
    size_t n = xml ? rq->items.n > 1 : rq->items.n;
    if (rq->lenient)
        return true;
    return pb_segs_walk(f->run->a, *doc, rq->items.segs, n).kind != PB_NULL;
}

static const char *key_part(struct pb_buf *key, struct pb_arena *a, struct pb_value v)
{
    if (v.kind == PB_NULL) {
        pb_buf_adds(key, "\x1e");
        return NULL;
    }
    const char *text = pb_scalar_text(a, &v);
    if (!text)
        return v.kind == PB_UNKNOWN && v.s ? v.s : "a key is no text";
    pb_buf_addf(key, "%s\x1f", text);
    return NULL;
}

/* What an item is known by; false when a part of that is no text. */
static bool item_key(struct pb_buf *key, struct fetch *f, const struct pb_match *match, size_t n,
                     const struct pb_value *item)
{
    struct pb_eval ev = {.a = f->run->a,
                         .item = *item,
                         .tags = &f->ctx->tags,
                         .tables = {NULL, f->ctx->pack->tables}};
    for (size_t i = 0; i < n; i++)
        if (key_part(key, f->run->a, pb_expr_eval(match[i].item, &ev)))
            return false;
    return true;
}

static size_t count(const struct pb_value *v)
{
    return v->kind == PB_LIST ? v->n : v->kind != PB_NULL;
}

static struct pb_value go_in(struct fetch *f, const struct pb_request *rq, struct pb_value v)
{
    return rq->then.text ? pb_segs_walk(f->run->a, v, rq->then.segs, rq->then.n) : v;
}

/* How much a listing says of an item: what is inside of it, where that is looked for. */
static size_t said_of(struct fetch *f, const struct pb_request *rq, const struct pb_value *item)
{
    if (!rq->then.text)
        return 1;
    struct pb_value in = go_in(f, rq, *item);
    return count(&in);
}

static void index_item(struct page_index *x, struct fetch *f, const struct pb_request *rq,
                       const struct pb_value *item)
{
    PB_AUTO(buf) struct pb_buf key = PB_BUF_INIT;
    x->items += said_of(f, rq, item);
    if (!item_key(&key, f, rq->match, rq->nmatch, item))
        return;
    struct pb_list_builder *b = pb_map_get(&x->map, key.s);
    if (!b) {
        b = pb_arena_zalloc(f->run->a, sizeof(*b));
        pb_map_put(&x->map, key.s, b);
    }
    pb_list_add(b, *item);
}

static struct page_index *index_of(struct fetch *f, const struct pb_request *rq, const char **why)
{
    for (struct page_index *x = f->indexes; x; x = x->next)
        if (x->rq == rq)
            return x;
    for (size_t i = 0; i < f->ndocs; i++)
        if (!list_is_there(f, rq, &f->docs[i])) {
            *why = fault(f, &rq->items);
            return NULL;
        }
    struct page_index *x = pb_arena_zalloc(f->run->a, sizeof(*x));
    x->rq = rq;
    x->next = f->indexes;
    f->indexes = x;
    for (size_t i = 0; i < f->ndocs; i++) {
        struct pb_value v = pb_segs_walk(f->run->a, f->docs[i], rq->items.segs, rq->items.n);
        if (v.kind != PB_LIST && v.kind != PB_NULL)
            index_item(x, f, rq, &v);
        for (size_t k = 0; v.kind == PB_LIST && k < v.n; k++)
            index_item(x, f, rq, &v.items[k]);
    }
    return x;
}

static struct pb_value listed(struct pb_arena *a, const struct pb_list_builder *b)
{
    struct pb_list_builder copy = PB_BUILDER_INIT;
    for (size_t i = 0; b && i < b->n; i++)
        pb_list_add(&copy, b->v[i]);
    return pb_list_done(&copy, a);
}

/* The one of these for which all of `then_match` agree. */
static enum found find_within(struct pb_value *out, struct fetch *f, const struct pb_request *rq,
                              struct pb_eval *ev, const struct pb_value *in, const char **why)
{
    const struct pb_value *items = in->kind == PB_LIST ? in->items : in;
    PB_AUTO(buf) struct pb_buf want = PB_BUF_INIT;
    for (size_t i = 0; i < rq->nthen_match; i++)
        if ((*why = key_part(&want, f->run->a, pb_expr_eval(rq->then_match[i].want, ev))))
            return FOUND_UNCLEAR;
    for (size_t k = 0; k < count(in); k++) {
        PB_AUTO(buf) struct pb_buf key = PB_BUF_INIT;
        if (item_key(&key, f, rq->then_match, rq->nthen_match, &items[k]) &&
            strcmp(key.s, want.s) == 0) {
            *out = items[k];
            return FOUND_IT;
        }
    }
    return FOUND_NOTHING;
}

static enum found find_item(struct pb_value *out, struct fetch *f, const struct pb_request *rq,
                            struct pb_eval *ev, const struct pb_list_builder *hits,
                            const char **why)
{
    /* What stands on a page that was seen is seen; only what is not found may be on
     * the missing one. */
    if (f->incomplete && (rq->take_all || !hits)) {
        *why = f->incomplete;
        return FOUND_FAULT;
    }
    if (rq->take_all && !rq->then.text) {
        *out = listed(f->run->a, hits);
        return FOUND_IT;
    }
    if (!hits)
        return FOUND_NOTHING;
    struct pb_value v = go_in(f, rq, hits->v[0]);
    if (rq->nthen_match)
        return find_within(out, f, rq, ev, &v, why);
    if (rq->then.text && !rq->take_all && v.kind == PB_NULL)
        return FOUND_NOTHING;
    if (rq->take_all) {
        struct pb_value all = listed(f->run->a, hits);
        v = pb_segs_walk(f->run->a, all, rq->then.segs, rq->then.n);
        if (v.kind != PB_LIST && v.kind != PB_NULL) {
            struct pb_list_builder one = PB_BUILDER_INIT;
            pb_list_add(&one, v);
            v = pb_list_done(&one, f->run->a);
        } else if (v.kind == PB_NULL) {
            v = pb_empty_list;
        }
    }
    *out = v;
    return FOUND_IT;
}

enum found find_object(struct pb_value *out, struct fetch *f, const struct pb_request *rq,
                       struct pb_eval *ev, size_t *others, const char **why)
{
    *others = 0;
    if (!rq->items.text) {
        struct pb_value v = f->docs[0];
        if (rq->item.text)
            v = pb_segs_walk(f->run->a, v, rq->item.segs, rq->item.n);
        if (v.kind == PB_NULL && !rq->lenient) {
            *why = fault(f, &rq->item);
            return FOUND_FAULT;
        }
        *out = go_in(f, rq, v);
        return FOUND_IT;
    }
    PB_AUTO(buf) struct pb_buf key = PB_BUF_INIT;
    bool named = rq->nmatch == 0;
    for (size_t i = 0; i < rq->nmatch; i++) {
        struct pb_value want = pb_expr_eval(rq->match[i].want, ev);
        named = named || want.kind != PB_NULL;
        if ((*why = key_part(&key, f->run->a, want)))
            return FOUND_UNCLEAR;
    }
    if (!named) {
        *why = "the record does not say which object it is";
        return FOUND_UNCLEAR;
    }
    struct page_index *x = index_of(f, rq, why);
    if (!x)
        return FOUND_FAULT;
    const struct pb_list_builder *hits = pb_map_get(&x->map, key.s);
    *others = x->items;
    for (size_t i = 0; hits && i < hits->n; i++)
        *others -= said_of(f, rq, &hits->v[i]);
    return find_item(out, f, rq, ev, hits, why);
}
