/* What both trees make of the same world, resource by resource. */
#include "run/check_internal.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct pairing {
    struct pb_arena *arena;
    struct pb_compare cmp;
    const struct pb_unit_result *base, *merged;
    struct pb_check_unit *unit;
    bool all;
};

/* ---- the same -------------------------------------------------------------------------------- */

static bool same_known(const struct pb_compare *c, const struct pb_value *a,
                       const struct pb_value *b)
{
    return a == b || pb_same(c, &pb_type_dynamic, a, b, 0);
}

bool pb_check_same(const struct pb_compare *c, const struct pb_value *a, const struct pb_value *b)
{
    if (!pb_has_unknown(a) && !pb_has_unknown(b))
        return same_known(c, a, b);
    if (!a || !b || a->kind != b->kind || (a->kind != PB_UNKNOWN && a->n != b->n))
        return false;
    for (size_t i = 0; a->kind == PB_LIST && i < a->n; i++)
        if (!pb_check_same(c, &a->items[i], &b->items[i]))
            return false;
    for (size_t i = 0; a->kind == PB_MAP && i < a->n; i++)
        if (strcmp(a->members[i].key, b->members[i].key) != 0 ||
            !pb_check_same(c, &a->members[i].value, &b->members[i].value))
            return false;
    return true;
}

static bool same(const struct pairing *p, const struct pb_value *a, const struct pb_value *b)
{
    return pb_check_same(&p->cmp, a, b);
}

/* Both silent, or both ask for the same. */
static bool same_asked(const struct pairing *p, const struct pb_attr_result *a,
                       const struct pb_attr_result *b)
{
    return !a->planned == !b->planned && same(p, a->planned, b->planned);
}

static bool same_world(const struct pairing *p, const struct pb_attr_result *a,
                       const struct pb_attr_result *b)
{
    return a->seen == b->seen && same_known(&p->cmp, a->recorded, b->recorded) &&
           same(p, a->live, b->live);
}

/* "rule[2].port" and "rule[0].port": where elements have no order their numbers say nothing. */
static bool same_place(const char *a, const char *b)
{
    while (*a && *a == *b) {
        bool index = *a == '[' && isdigit((unsigned char)a[1]) && isdigit((unsigned char)b[1]);

        a++;
        b++;
        if (index) {
            a += strspn(a, "0123456789");
            b += strspn(b, "0123456789");
        }
    }
    return *a == *b;
}

/* ---- attributes ------------------------------------------------------------------------------ */

struct twins {
    const struct pb_resource_result *base;
    bool *taken;        /* of base->attrs[i] */
    struct pb_map path; /* its index + 1 */
};

/* Among elements that have no order, another one of base that asks for the same. */
static const struct pb_attr_result *elsewhere(const struct pairing *p, struct twins *t,
                                              const struct pb_attr_result *m)
{
    for (size_t i = 0; t->base && i < t->base->nattrs; i++) {
        const struct pb_attr_result *b = &t->base->attrs[i];

        if (t->taken[i] || !same_place(b->path, m->path) || !same_world(p, b, m) ||
            !same_asked(p, b, m))
            continue;
        t->taken[i] = true;
        return b;
    }
    return NULL;
}

/* The attribute of base that is in the same place, and whether the change touches it; NULL: base
 * has nothing there. */
static const struct pb_attr_result *twin_of(bool *touched, const struct pairing *p, struct twins *t,
                                            const struct pb_attr_result *m)
{
    size_t at = (size_t)(uintptr_t)pb_map_get(&t->path, m->path);
    const struct pb_attr_result *b = at && !t->taken[at - 1] ? &t->base->attrs[at - 1] : NULL;
    const struct pb_attr_result *other;
    bool element = strchr(m->path, '[') != NULL;

    if (b && element && !same_world(p, b, m))
        b = NULL;
    *touched = b ? !same_asked(p, b, m) : m->planned != NULL;
    other = *touched && element ? elsewhere(p, t, m) : NULL;
    if (other) {
        *touched = false;
        return other;
    }
    if (b)
        t->taken[at - 1] = true;
    return b;
}

/* Where nobody looked, a difference proves nothing about who made it. */
static enum pb_verdict proved(const struct pb_attr_result *r)
{
    return r->verdict == PB_PENDING && !r->seen ? PB_UNKNOWN_V : r->verdict;
}

/* By 'ignore_changes' one tree leaves to the world what the other goes on asking for. */
static void weigh_ignoring(struct pb_check_attr *a, const struct pb_attr_result *b,
                           const struct pb_attr_result *m)
{
    a->touched = true;
    a->before = b->ignored ? PB_IN_SYNC : b->verdict;
    a->after = m->ignored ? PB_IN_SYNC : m->verdict;
    a->class = pb_check_attr_class(true, a->before, a->after);
    a->reason = m->ignored ? "it is ignored from now on: what is there now stays"
                           : "it is not ignored any more";
}

static struct pb_check_attr attr_of(const struct pb_attr_result *b, const struct pb_attr_result *m,
                                    bool touched)
{
    const struct pb_attr_result *any = m ? m : b;
    struct pb_check_attr a = {.path = any->path,
                              .touched = touched,
                              .base = b ? b->planned : NULL,
                              .merged = m ? m->planned : NULL,
                              .recorded = any->recorded,
                              .live = any->live,
                              .seen = any->seen,
                              .sensitive = (b && b->sensitive) || (m && m->sensitive),
                              .before = b ? b->verdict : PB_IN_SYNC,
                              .after = m ? m->verdict : PB_IN_SYNC,
                              .reason = any->reason};

    if (!touched)
        a.after = a.before = b ? b->verdict : a.after;
    /* An element that goes as a whole has no base of its own: that tells its parts. */
    if (!b && pb_is_nullish(a.merged))
        a.base = m->recorded;
    if (!touched && b && m && b->ignored != m->ignored) {
        weigh_ignoring(&a, b, m);
        return a;
    }
    if (touched || !(b ? b->ignored : any->ignored))
        a.class = pb_check_attr_class(touched, a.before, touched && m ? proved(m) : a.after);
    return a;
}

static bool is_outside(enum pb_verdict v)
{
    return v == PB_DRIFTED || v == PB_LAUNDERED || v == PB_CONFLICT || v == PB_MISSING;
}

/* Git is silent of it, and somebody may have set it outside: what only the provider fills in has
 * nobody set. */
static bool may_be_set(const struct pairing *p, const struct pb_check_resource *r,
                       const struct pb_check_attr *a)
{
    const struct pb_schema *s = pb_schema_find(&p->merged->declared.schemas, r->type);
    PB_AUTO(str) char *name = pb_strndup(a->path, strcspn(a->path, ".["));
    const struct pb_field *f = s ? pb_type_field(s->root, name) : NULL;

    return a->before == PB_COMPUTED && (!f || (f->flags & (PB_F_OPTIONAL | PB_F_BLOCK)));
}

/* By itself that is no drift, so nothing collides with it; but it is lost with the whole. */
static void weigh_silent(const struct pairing *p, struct pb_check_attr *a,
                         const struct pb_check_resource *r)
{
    if (a->class || a->merged || r->action == PB_ACT_FORGET || !may_be_set(p, r, a))
        return;
    a->class = PB_CHECK_CAUSED;
    a->reason = "Git is silent about it, and it was changed outside: that is lost";
}

/* Where the whole is made, replaced or taken away, what was changed outside goes with it: but for
 * what others are meant to change. */
static void weigh_whole(const struct pairing *p, struct pb_check_attr *a,
                        const struct pb_check_resource *r, bool ignored)
{
    bool gone = r->action == PB_ACT_DELETE || r->action == PB_ACT_FORGET;

    if (r->action == r->action_before || (!gone && r->action != PB_ACT_REPLACE))
        return;
    if (gone) /* that Git says nothing of any attribute any more is said by the action */
        a->touched = false;
    if (gone || a->class < PB_CHECK_COLLIDES)
        a->class = is_outside(a->before) && !ignored && r->action != PB_ACT_FORGET
                       ? PB_CHECK_COLLIDES
                   : gone ? PB_CHECK_NONE
                          : a->class;
    if (!ignored)
        weigh_silent(p, a, r);
}

struct attr_list {
    struct pb_check_attr *v;
    size_t n, cap;
};

static void add_attr(struct attr_list *l, const struct pairing *p,
                     const struct pb_check_resource *r, struct pb_check_attr a)
{
    /* Where nothing was seen, each attribute is unseen: that is told once, of the whole. */
    bool dark = r->before == PB_UNOBSERVED || r->after == PB_UNOBSERVED;

    if (!a.touched && (!a.class || dark) && !p->all)
        return;
    l->v = pb_grow(l->v, &l->cap, l->n + 1, sizeof(*l->v));
    l->v[l->n++] = a;
}

static bool same_collection(const char *a, const char *b)
{
    size_t n = strcspn(a, "[");

    return a[n] && strncmp(a, b, n) == 0 && b[n] == '[';
}

/* Somebody took an element away that the change takes away, too, and both put others in its place:
 * each element for itself would look as if nobody was in the other's way. */
static void weigh_collections(struct attr_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        for (size_t k = 0; l->v[i].class == PB_CHECK_CAUSED && k < l->n; k++)
            if (l->v[k].touched && is_outside(l->v[k].before) &&
                same_collection(l->v[k].path, l->v[i].path))
                l->v[i].class = PB_CHECK_COLLIDES;
    /* Of an element that goes as a whole: its parts settle nothing where the whole collides. */
    for (size_t i = 0; i < l->n; i++)
        for (size_t k = 0; l->v[i].class == PB_CHECK_SETTLES && !l->v[i].merged && k < l->n; k++)
            if (l->v[k].class == PB_CHECK_COLLIDES && same_collection(l->v[k].path, l->v[i].path))
                l->v[i].class = PB_CHECK_NONE;
}

static void take_attrs(struct pb_check_resource *r, struct attr_list *l, const struct pairing *p)
{
    struct pb_check_attr *out = pb_arena_alloc(p->arena, (l->n + 1) * sizeof(*out));

    if (l->n)
        memcpy(out, l->v, l->n * sizeof(*out));
    free(l->v);
    r->attrs = out;
    r->nattrs = l->n;
}

static void add_pair(struct attr_list *l, const struct pairing *p,
                     const struct pb_check_resource *r, const struct pb_attr_result *b,
                     const struct pb_attr_result *m, bool touched)
{
    struct pb_check_attr a = attr_of(b, m, touched);

    weigh_whole(p, &a, r, b ? b->ignored : m->ignored);
    add_attr(l, p, r, a);
}

/* Of a resource that the trees make different things of. */
static void pair_attributes(struct pb_check_resource *r, const struct pairing *p)
{
    const struct pb_resource_result *b = r->base, *m = r->merged;
    struct twins t = {.base = b, .path = PB_MAP_INIT};
    struct attr_list l = {0};

    t.taken = pb_calloc((b ? b->nattrs : 0) + 1, sizeof(*t.taken));
    for (size_t i = 0; b && i < b->nattrs; i++)
        pb_map_put(&t.path, b->attrs[i].path, (void *)(uintptr_t)(i + 1));
    for (size_t i = 0; m && i < m->nattrs; i++) {
        bool touched;
        const struct pb_attr_result *twin = twin_of(&touched, p, &t, &m->attrs[i]);

        add_pair(&l, p, r, twin, &m->attrs[i], touched);
    }
    for (size_t i = 0; b && i < b->nattrs; i++)
        if (!t.taken[i])
            add_pair(&l, p, r, &b->attrs[i], NULL, m && b->attrs[i].planned);
    weigh_collections(&l);
    take_attrs(r, &l, p);
    pb_map_release(&t.path);
    free(t.taken);
}

/* Of one that both declare alike. */
static void copy_attributes(struct pb_check_resource *r, const struct pairing *p)
{
    struct attr_list l = {0};

    for (size_t i = 0; i < r->base->nattrs; i++) {
        struct pb_check_attr a = attr_of(&r->base->attrs[i], NULL, false);

        a.merged = a.base;
        add_attr(&l, p, r, a);
    }
    take_attrs(r, &l, p);
}

/* Of one that an import block takes in, what the plan read of it, and asks for. */
static void import_attributes(struct pb_check_resource *r, const struct pairing *p,
                              const struct pb_declared *m)
{
    struct attr_list l = {0};

    for (size_t i = 0; i < m->planned->n; i++) {
        const struct pb_value *now = &m->planned->members[i].value;
        const struct pb_value *was = pb_get(m->prior, m->planned->members[i].key);

        if (pb_is(now, PB_UNKNOWN) || same(p, was, now))
            continue;
        add_attr(&l, p, r,
                 (struct pb_check_attr){.path = m->planned->members[i].key,
                                        .class = PB_CHECK_CAUSED,
                                        .touched = true,
                                        .merged = now,
                                        .live = was,
                                        .seen = true,
                                        .sensitive =
                                            ((was ? was->flags : 0) | now->flags) & PB_V_SENSITIVE,
                                        .after = PB_PENDING});
    }
    take_attrs(r, &l, p);
}

static bool same_words(const char *const *a, const char *const *b)
{
    for (; a && b && *a && *b && strcmp(*a, *b) == 0; a++, b++)
        ;
    return (!a || !*a) && (!b || !*b);
}

/* ---- resources ------------------------------------------------------------------------------- */

static const struct pb_declared *declared_of(const struct pb_unit_result *u,
                                             const struct pb_resource_result *r)
{
    return u && r ? pb_declared_find(&u->declared.declared, r->address) : NULL;
}

/* Changed outside in base's eyes, whichever attribute it is. */
static bool changed_outside(const struct pb_resource_result *b)
{
    if (!b || b->ignored)
        return false;
    for (size_t i = 0; i < b->nattrs; i++)
        if (!b->attrs[i].ignored && is_outside(b->attrs[i].verdict))
            return true;
    return is_outside(b->verdict) || is_outside(b->also);
}

static const struct pb_recorded *recorded_of(const struct pairing *p,
                                             const struct pb_check_resource *r)
{
    const struct pb_recorded_set *s = &p->merged->recorded;
    const struct pb_recorded *found = pb_recorded_find(s, r->address);

    return found || !r->moved_from ? found : pb_recorded_find(s, r->moved_from);
}

static bool moves_or_imports_anew(const struct pb_declared *b, const struct pb_declared *m)
{
    if (!m)
        return false;
    return (m->importing && !(b && b->importing)) ||
           (m->previous_address && !(b && pb_streq(b->previous_address, m->previous_address) &&
                                     pb_streq(b->address, m->address)));
}

static struct pb_check_cell cell_of(const struct pairing *p, const struct pb_check_resource *r,
                                    const struct pb_declared *b, const struct pb_declared *m)
{
    const struct pb_recorded *rec = recorded_of(p, r);
    const struct pb_live *l = rec ? pb_live_find(&p->merged->live, rec->address) : NULL;
    struct pb_check_cell c = {.before = r->action_before,
                              .after = r->action,
                              .brought = moves_or_imports_anew(b, m),
                              .outside = changed_outside(r->base),
                              .missing = l && l->presence == PB_P_ABSENT,
                              .unobserved = rec && (!l || l->presence == PB_P_UNKNOWN)};

    /* Where the whole is made there are no attributes to tell. Elsewhere they do: what a provider
     * fills in is nobody's change. */
    if (r->action == PB_ACT_CREATE)
        c.touched = !b || !same(p, b->planned, m ? m->planned : NULL);
    if (r->merged)
        c.settled = r->merged->verdict == PB_CONVERGED || r->merged->verdict == PB_STALE_RECORD ||
                    r->merged->verdict == PB_IN_SYNC;
    for (size_t i = 0; i < r->nattrs; i++) {
        c.touched |= r->attrs[i].touched;
        c.blind |= r->attrs[i].touched && r->attrs[i].class == PB_CHECK_UNSEEN;
        if (r->attrs[i].class > c.attrs)
            c.attrs = r->attrs[i].class;
    }
    return c;
}

static void place(struct pb_check_resource *r, const struct pb_declared *b,
                  const struct pb_declared *m)
{
    const struct pb_declared *d = m && m->source_file ? m : b;

    if (!d || !d->source_file)
        return;
    r->file = d->source_file;
    r->line = d->source_line;
    r->last_line = d->source_end;
    r->file_of_base = d == b;
}

static void classify(struct pb_check_resource *r, const struct pairing *p,
                     const struct pb_declared *b, const struct pb_declared *m)
{
    const struct pb_resource_result *any = r->merged ? r->merged : r->base;
    struct pb_check_cell c = cell_of(p, r, b, m);
    struct pb_check_answer a = pb_check_resource_class(&c);

    r->class = !a.touched && any->ignored ? PB_CHECK_NONE : a.class;
    r->touched = a.touched;
    r->unseen = a.unseen;
}

static struct pb_check_resource resource_of(const struct pairing *p,
                                            const struct pb_resource_result *base,
                                            const struct pb_resource_result *merged)
{
    const struct pb_resource_result *any = merged ? merged : base;
    const struct pb_declared *b = declared_of(p->base, base), *m = declared_of(p->merged, merged);
    struct pb_check_resource r = {.address = any->address,
                                  .moved_from = any->moved_from,
                                  .type = any->type,
                                  .id = any->id,
                                  .importing = m && m->importing,
                                  .action_before = base ? base->action : PB_ACT_NONE,
                                  .action = merged ? merged->action : PB_ACT_NONE,
                                  .before = base ? base->verdict : PB_IN_SYNC,
                                  .after = merged ? merged->verdict : PB_IN_SYNC,
                                  .observer = any->observer,
                                  .reason = any->reason,
                                  .base = base,
                                  .merged = merged};

    if (b && m && base->action == merged->action && same(p, b->planned, m->planned) &&
        same_words(b->ignore_changes, m->ignore_changes))
        copy_attributes(&r, p);
    else
        pair_attributes(&r, p);
    if (r.importing && !(b && b->importing) && !r.nattrs && pb_is(m->planned, PB_MAP) &&
        pb_is(m->prior, PB_MAP))
        import_attributes(&r, p, m);
    classify(&r, p, b, m);
    place(&r, b, m);
    return r;
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* base's results by the address that they have, and by that of the state. */
static void index_base(struct pb_map *by_address, const struct pb_unit_result *base)
{
    for (size_t i = 0; base && i < base->out.n; i++)
        pb_map_put(by_address, base->out.v[i].address, (void *)(uintptr_t)(i + 1));
    for (size_t i = 0; base && i < base->out.n; i++)
        if (base->out.v[i].moved_from && !pb_map_has(by_address, base->out.v[i].moved_from))
            pb_map_put(by_address, base->out.v[i].moved_from, (void *)(uintptr_t)(i + 1));
}

static size_t find_base(const struct pb_map *by_address, const struct pb_resource_result *m)
{
    size_t at = (size_t)(uintptr_t)pb_map_get(by_address, m->address);

    if (!at && m->moved_from)
        at = (size_t)(uintptr_t)pb_map_get(by_address, m->moved_from);
    return at;
}

static int by_address(const void *a, const void *b)
{
    return strcmp(((const struct pb_check_resource *)a)->address,
                  ((const struct pb_check_resource *)b)->address);
}

struct resource_list {
    struct pb_check_resource *v;
    size_t n, cap;
};

static void add_resource(struct resource_list *l, const struct pairing *p,
                         struct pb_check_resource r)
{
    p->unit->by_class[r.class]++;
    if (!r.class && !r.touched && !p->all)
        return;
    l->v = pb_grow(l->v, &l->cap, l->n + 1, sizeof(*l->v));
    l->v[l->n++] = r;
}

static void pair_some(struct resource_list *l, const struct pairing *p, const struct pb_map *known,
                      bool *used, bool moved)
{
    const struct pb_reconcile_out *mo = &p->merged->out;

    for (size_t i = 0; i < mo->n; i++) {
        size_t at = find_base(known, &mo->v[i]);

        if ((mo->v[i].moved_from != NULL) != moved)
            continue;
        if (at && used[at - 1])
            at = 0;
        if (at)
            used[at - 1] = true;
        add_resource(l, p, resource_of(p, at ? &p->base->out.v[at - 1] : NULL, &mo->v[i]));
    }
}

static void pair_all(struct resource_list *l, const struct pairing *p)
{
    size_t nbase = p->base ? p->base->out.n : 0;
    PB_AUTO(map) struct pb_map known = PB_MAP_INIT;
    bool *used = pb_calloc(nbase + 1, sizeof(*used));

    index_base(&known, p->base);
    /* What moves takes its past along, whatever is made in its place. */
    pair_some(l, p, &known, used, true);
    pair_some(l, p, &known, used, false);
    for (size_t i = 0; i < nbase; i++)
        if (!used[i])
            add_resource(l, p, resource_of(p, &p->base->out.v[i], NULL));
    free(used);
}

void pb_check_resources(struct pb_check_unit *cu, const struct pb_unit_result *base,
                        const struct pb_unit_result *merged, const struct pb_seal *seal, bool all)
{
    PB_AUTO(arena) struct pb_arena *scratch = pb_arena_new();
    struct pairing p = {.arena = cu->arena,
                        .cmp = {scratch, seal},
                        .base = base,
                        .merged = merged,
                        .unit = cu,
                        .all = all};
    struct resource_list l = {0};
    struct pb_check_resource *out;

    memset(cu->by_class, 0, sizeof(cu->by_class));
    pair_all(&l, &p);
    out = pb_arena_alloc(cu->arena, (l.n + 1) * sizeof(*out));
    if (l.n) {
        memcpy(out, l.v, l.n * sizeof(*out));
        qsort(out, l.n, sizeof(*out), by_address);
    }
    free(l.v);
    cu->resources = out;
    cu->nresources = l.n;
}

const struct pb_check_resource *pb_check_resource_at(const struct pb_check_unit *cu,
                                                     const char *address)
{
    size_t lo = 0, hi = cu->nresources;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = strcmp(cu->resources[mid].address, address);

        if (c == 0)
            return &cu->resources[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* ---- what is looked at once more ------------------------------------------------------------- */

/* By an observer whose word is taken for a difference. */
static bool is_confirmed(const char *observer)
{
    const struct pb_observer *o = observer ? pb_live_observer(observer) : NULL;

    return o && o->confirms;
}

static bool is_doubtful(const struct pb_check_resource *r)
{
    for (size_t k = 0; k < r->nattrs; k++) {
        const struct pb_check_attr *a = &r->attrs[k];

        if (!a->touched)
            continue;
        if ((!a->seen && a->class == PB_CHECK_UNSEEN) ||
            (a->class == PB_CHECK_COLLIDES && !is_confirmed(r->observer)))
            return true;
    }
    return false;
}

struct pb_reconcile_out pb_check_doubts(struct pb_arena *a, const struct pb_check_unit *cu,
                                        const struct pb_unit_result *merged)
{
    struct pb_reconcile_out out = merged->out;
    struct pb_resource_result *v = pb_arena_alloc(a, (out.n + 1) * sizeof(*v));
    bool any = false;

    for (size_t i = 0; i < out.n; i++) {
        const struct pb_check_resource *r = pb_check_resource_at(cu, out.v[i].address);
        bool doubt = out.v[i].verdict != PB_UNOBSERVED && r && is_doubtful(r);

        v[i] = out.v[i];
        v[i].verdict = doubt ? PB_UNKNOWN_V : PB_IN_SYNC;
        v[i].also = PB_IN_SYNC;
        v[i].ignored = false;
        any |= doubt;
    }
    out.v = v;
    if (!any)
        out.n = 0;
    return out;
}
