#include "reconcile/owner.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/path.h"
#include "reconcile/compare.h"

/* A resource that may own something, under one of the values that it refers to. */
struct child {
    const struct pb_owner *as;
    const char *ref;      /* of the first attribute in as->of */
    const char *provider; /* whose configuration it uses */
    const struct pb_value *attributes;
    struct pb_owned_by is;
};

struct pb_owners {
    const struct pb_reconcile_in *in;
    bool indexed;
    const struct pb_owner **as; /* sorted by type */
    size_t nas, as_cap;
    struct child *v; /* sorted by `as` and ref */
    size_t n, cap;

    /* Whose turn it is: the attributes of one parent are asked for one after the other. */
    const struct pb_echo *echo;
    const struct pb_value *parent;
    const char *provider; /* the parent's */
    const struct child **mine;
    size_t nmine, mine_cap;
};

struct pb_owners *pb_owners_new(const struct pb_reconcile_in *in)
{
    struct pb_owners *o = pb_calloc(1, sizeof(*o));

    o->in = in->whole ? in->whole : in;
    return o;
}

void pb_owners_free(struct pb_owners *o)
{
    if (!o)
        return;
    free(o->as);
    free(o->v);
    free(o->mine);
    free(o);
}

/* ---- what names what ------------------------------------------------------------------------ */

static bool may_be_anything(const struct pb_value *v)
{
    return !v || v->kind == PB_SEALED || pb_has_unknown(v);
}

static bool says_nothing(const struct pb_value *v)
{
    return pb_same_as_null(&pb_type_dynamic, v, PB_SAME_ZERO_IS_NULL);
}

static bool is_text(const struct pb_value *v)
{
    return v->kind == PB_STRING || v->kind == PB_NUMBER;
}

static bool is_in(const struct pb_value *list, const char *s)
{
    for (size_t i = 0; i < pb_len(list); i++)
        if (pb_str(&list->items[i]) && strcmp(list->items[i].s, s) == 0)
            return true;
    return false;
}

static bool same_text(const struct pb_value *x, const struct pb_value *y,
                      const struct pb_value *alike)
{
    if (x->kind == PB_NUMBER && y->kind == PB_NUMBER)
        return pb_number_cmp(x->s, y->s) == 0;
    if (strcmp(x->s, y->s) == 0)
        return true;
    for (size_t i = 0; i < pb_len(alike); i++)
        if (is_in(&alike->items[i], x->s) && is_in(&alike->items[i], y->s))
            return true;
    return false;
}

/* Whether a child's attribute `v` names `what`. */
static bool names(const struct pb_value *v, const struct pb_value *what,
                  const struct pb_value *alike)
{
    bool nothing;

    if (may_be_anything(v) || may_be_anything(what))
        return true;
    nothing = says_nothing(v);
    if (nothing || says_nothing(what))
        return nothing && says_nothing(what);
    if (v->kind == PB_LIST) {
        for (size_t i = 0; i < v->n; i++)
            if (names(&v->items[i], what, alike))
                return true;
        return false;
    }
    if (what->kind == PB_BOOL) /* true: false says nothing */
        return v->kind == PB_BOOL || v->kind == PB_STRING;
    return is_text(v) && is_text(what) && same_text(v, what, alike);
}

/* As names(), for a list of which one is enough. */
static bool names_one(const struct pb_value *v, const struct pb_value *whats,
                      const struct pb_value *alike)
{
    if (!pb_is(whats, PB_LIST))
        return names(v, whats, alike);
    for (size_t i = 0; i < whats->n; i++)
        if (names(v, &whats->items[i], alike))
            return true;
    return false;
}

/* ---- which resources there are -------------------------------------------------------------- */

static int by_type(const void *pa, const void *pb)
{
    const struct pb_owner *a = *(const struct pb_owner *const *)pa;
    const struct pb_owner *b = *(const struct pb_owner *const *)pb;

    return strcmp(a->type, b->type);
}

static int ref_cmp(const char *a, const char *b)
{
    if (!a || !b)
        return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

static int child_cmp(const struct child *a, const struct child *b)
{
    if (a->as != b->as)
        return (uintptr_t)a->as < (uintptr_t)b->as ? -1 : 1;
    return ref_cmp(a->ref, b->ref);
}

static int by_ref(const void *pa, const void *pb)
{
    const struct child *a = pa, *b = pb;
    int c = child_cmp(a, b);

    if (!c)
        c = ref_cmp(a->is.unit, b->is.unit);
    return c ? c : strcmp(a->is.address, b->is.address);
}

static bool is_meant(const struct pb_owner *as, const struct pb_value *attributes,
                     const struct pb_value *alike)
{
    for (size_t i = 0; i < pb_len(as->where); i++) {
        const struct pb_member *m = &as->where->members[i];

        if (!names_one(pb_walk(attributes, m->key), &m->value, alike))
            return false;
    }
    return true;
}

static void add_child(struct pb_owners *o, const struct child *c, const struct pb_value *ref)
{
    if (pb_is(ref, PB_LIST)) {
        for (size_t i = 0; i < ref->n; i++)
            add_child(o, c, &ref->items[i]);
        return;
    }
    if (!pb_str(ref))
        return; /* null: it refers to none; not known yet: it has made nothing yet */
    o->v = pb_grow(o->v, &o->cap, o->n + 1, sizeof(*o->v));
    o->v[o->n] = *c;
    o->v[o->n++].ref = ref->s;
}

static void add(struct pb_owners *o, struct pb_owned_by is, const char *type, const char *provider,
                const struct pb_value *attributes)
{
    size_t lo = 0, hi = o->nas;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(o->as[mid]->type, type) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < o->nas && strcmp(o->as[lo]->type, type) == 0; lo++) {
        struct child c = {o->as[lo], NULL, provider, attributes, is};

        if (attributes && !pb_addr_is_data(is.address))
            add_child(o, &c, pb_walk(attributes, c.as->of->members[0].key));
    }
}

static void index_children(struct pb_owners *o)
{
    const struct pb_declared_set *d = o->in->declared;
    const struct pb_recorded_set *r = o->in->recorded;
    size_t n;
    const struct pb_echo *e = pb_echo_all(o->in->echoes, &n);

    o->indexed = true;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < e[i].nowners; k++) {
            o->as = pb_grow(o->as, &o->as_cap, o->nas + 1, sizeof(*o->as));
            o->as[o->nas++] = &e[i].owners[k];
        }
    }
    if (o->nas)
        qsort(o->as, o->nas, sizeof(*o->as), by_type);
    for (size_t i = 0; d && i < d->n; i++)
        add(o, (struct pb_owned_by){NULL, d->v[i].address}, d->v[i].type, d->v[i].provider,
            d->v[i].planned);
    for (size_t i = 0; r && i < r->n; i++)
        add(o, (struct pb_owned_by){NULL, r->v[i].address}, r->v[i].type, r->v[i].provider,
            r->v[i].attributes);
    for (size_t k = 0; k < o->in->nothers; k++)
        for (size_t i = 0; i < o->in->others[k].recorded->n; i++) {
            const struct pb_recorded *x = &o->in->others[k].recorded->v[i];

            add(o, (struct pb_owned_by){o->in->others[k].unit, x->address}, x->type, x->provider,
                x->attributes);
        }
    if (o->n)
        qsort(o->v, o->n, sizeof(*o->v), by_ref);
}

/* ---- those of one parent -------------------------------------------------------------------- */

static bool points_at(const struct pb_member *of, const struct pb_value *child,
                      const struct pb_value *parent)
{
    const struct pb_value *at = pb_walk(child, of->key);
    size_t n = pb_is(&of->value, PB_LIST) ? of->value.n : 1;

    for (size_t i = 0; i < n; i++) {
        const struct pb_value *name = of->value.kind == PB_LIST ? &of->value.items[i] : &of->value;

        if (names(at, pb_walk(parent, name->s), NULL))
            return true;
    }
    return false;
}

static void take(struct pb_owners *o, const struct pb_owner *as, const char *ref)
{
    const struct child want = {.as = as, .ref = ref};
    size_t lo = 0, hi = o->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (child_cmp(&o->v[mid], &want) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < o->n && child_cmp(&o->v[lo], &want) == 0; lo++) {
        const struct child *c = &o->v[lo];
        /* A name may be another object's in another account. */
        bool all = (o->echo->elsewhere || (!c->is.unit && pb_streq(c->provider, o->provider))) &&
                   is_meant(as, c->attributes, o->echo->alike);

        for (size_t i = 1; all && i < as->of->n; i++)
            all = points_at(&as->of->members[i], c->attributes, o->parent);
        if (!all)
            continue;
        o->mine = pb_grow(o->mine, &o->mine_cap, o->nmine + 1, sizeof(*o->mine));
        o->mine[o->nmine++] = c;
    }
}

static void take_all(struct pb_owners *o, const struct pb_owner *as)
{
    const struct pb_value *of = &as->of->members[0].value;
    size_t n = of->kind == PB_LIST ? of->n : 1;

    for (size_t i = 0; i < n; i++) {
        const struct pb_value *name = of->kind == PB_LIST ? &of->items[i] : of;
        const char *ref = pb_str(pb_walk(o->parent, name->s));

        if (ref)
            take(o, as, ref);
    }
}

static void gather(struct pb_owners *o, const struct pb_echo *e, const struct pb_value *parent,
                   const char *provider)
{
    if (o->echo == e && o->parent == parent)
        return;
    o->echo = e;
    o->parent = parent;
    o->provider = provider;
    o->nmine = 0;
    for (size_t i = 0; i < e->nowners; i++)
        take_all(o, &e->owners[i]);
}

/* ---- an element of the list ----------------------------------------------------------------- */

static const struct pb_value *member(const struct pb_value *item, const char *name)
{
    return strcmp(name, ".") == 0 ? item : pb_get(item, name);
}

static bool has_key_of(const struct pb_owners *o, const struct child *c,
                       const struct pb_value *item)
{
    for (size_t i = 0; i < pb_len(c->as->key); i++) {
        const struct pb_member *m = &c->as->key->members[i];

        if (!names(pb_walk(c->attributes, m->value.s), member(item, m->key), o->echo->alike))
            return false;
    }
    return true;
}

static bool some_child_names(const struct pb_owners *o, const struct pb_value *item,
                             const char *name, const struct pb_value *what)
{
    for (size_t i = 0; i < o->nmine; i++) {
        const struct child *c = o->mine[i];
        const char *attribute = pb_get_str(c->as->each, name);

        if (attribute && has_key_of(o, c, item) &&
            names(pb_walk(c->attributes, attribute), what, o->echo->alike))
            return true;
    }
    return false;
}

/* Whether somebody asks for each value that this member collects. */
static bool all_named(const struct pb_owners *o, const struct pb_value *item, const char *name)
{
    const struct pb_value *v = member(item, name);
    bool list = pb_is(v, PB_LIST);

    for (size_t i = 0; i < (list ? v->n : 1); i++) {
        const struct pb_value *what = list ? &v->items[i] : v;
        if (!says_nothing(what) && !some_child_names(o, item, name, what))
            return false;
    }
    return true;
}

/* Of an element that collects what many ask for, in members that not every kind of owner has. */
static bool each_is_named(const struct pb_owners *o, const struct pb_value *item)
{
    for (size_t i = 0; i < o->echo->nowners; i++) {
        const struct pb_value *each = o->echo->owners[i].each;

        for (size_t k = 0; k < pb_len(each); k++)
            if (!all_named(o, item, each->members[k].key))
                return false;
    }
    return true;
}

bool pb_owned(struct pb_owned_by *by, struct pb_owners *o, const struct pb_echo *e,
              const struct pb_value *parent, const char *provider, const struct pb_value *item)
{
    if (!o->indexed)
        index_children(o);
    gather(o, e, parent, provider);
    for (size_t i = 0; i < o->nmine; i++) {
        const struct child *c = o->mine[i];

        if (item && !has_key_of(o, c, item))
            continue;
        if (item && c->as->each && !each_is_named(o, item))
            continue;
        *by = c->is;
        return true;
    }
    return false;
}
