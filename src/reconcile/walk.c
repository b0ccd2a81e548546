#include "reconcile/walk.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/path.h"
#include "reconcile/align.h"
#include "reconcile/ignore.h"
#include "reconcile/owner.h"

/* A path under construction: written out only for what is kept. */
struct step {
    const struct step *up; /* NULL above the first */
    const char *key;       /* NULL: an index */
    size_t index;
};

/* One attribute, or part of one, on all sides. */
struct sides {
    const struct pb_value *d, *r, *l, *b;
    const struct pb_value *planned;    /* of a leaf: d, whatever stands for it */
    const struct pb_value *item;       /* live, of the root's list or set that it is part of */
    const struct pb_value *configured; /* a map, or a list of maps whose order says nothing */
    bool silent;                       /* Git leaves it to the provider */
    bool mentioned;                    /* the configuration names the attribute it is part of */
    bool whole;                        /* part of an attribute that is declared as a whole */
    bool opaque;                       /* the configuration could not be seen through here */
    bool seen;                         /* the observer looked at it */
    bool has_b;
    bool element; /* of a map */
    bool nobodys; /* of a mirror: no resource here owns it, however long it has been recorded */
    bool write_only, sensitive;
};

static const struct pb_type any_object = {.kind = PB_T_OBJECT};

static const char why_unmapped[] = "no observer maps it";
static const char why_write_only[] = "write-only: nobody can read it back";
static const char why_unknown_yet[] = "known after apply";
static const char why_nobodys[] = "no resource here owns it";

static void add_path(struct pb_buf *b, const struct step *s)
{
    if (!s)
        return;
    add_path(b, s->up);
    if (s->key)
        pb_path_add_key(b, s->key);
    else
        pb_path_add_index(b, s->index);
}

static bool is_sensitive(const struct pb_value *v)
{
    if (!v || (v->flags & PB_V_SENSITIVE))
        return v != NULL;
    for (size_t i = 0; i < pb_len(v); i++)
        if (is_sensitive(v->kind == PB_LIST ? &v->items[i] : &v->members[i].value))
            return true;
    return false;
}

static const char *reason_inside(const struct pb_value *v)
{
    const char *why = NULL;

    if (pb_is(v, PB_UNKNOWN))
        return v->s ? v->s : "it could not be seen";
    for (size_t i = 0; i < pb_len(v) && !why; i++)
        why = reason_inside(v->kind == PB_LIST ? &v->items[i] : &v->members[i].value);
    return why;
}

/* ---- one leaf ------------------------------------------------------------------------------- */

static bool same(const struct pb_walk *w, const struct pb_type *t, const struct pb_value *x,
                 const struct pb_value *y, unsigned flags)
{
    return pb_same(&w->cmp, t, x, y, flags);
}

static void fill_cell(struct pb_cell *c, const struct pb_walk *w, const struct pb_type *t,
                      const struct sides *s, unsigned flags)
{
    const struct pb_type *seen =
        t && t->kind > PB_T_BOOL && s->l ? pb_type_observed(w->cmp.scratch, t, s->l) : t;
    unsigned loose = flags;

    memset(c, 0, sizeof(*c));
    c->write_only = s->write_only;
    c->declared_silent = s->silent;
    c->live_known = s->seen && !pb_has_unknown(s->l);
    c->declared_known = !pb_is(s->d, PB_UNKNOWN);
    if (!s->silent && c->declared_known && pb_has_unknown(s->d))
        loose |= PB_SAME_UNKNOWN_MATCHES; /* parts of it are known */
    c->r_eq_l = c->live_known && same(w, seen, s->r, s->l, flags);
    if (!s->silent && c->declared_known) {
        c->d_eq_r = same(w, t, s->d, s->r, loose);
        /* Two agreements make three: spare the third, which may parse policies again. */
        c->d_eq_l = c->live_known && ((c->d_eq_r && c->r_eq_l) || same(w, seen, s->d, s->l, loose));
        if (loose != flags && c->d_eq_r)
            c->declared_known = false;
    }
    if (s->has_b && c->live_known && !s->silent && !pb_has_unknown(s->b)) {
        const struct pb_type *base = seen;
        if (base && base->kind > PB_T_BOOL && s->b)
            base = pb_type_observed(w->cmp.scratch, base, s->b);
        c->has_baseline = true;
        c->baseline_eq_d = same(w, base, s->b, s->d, loose);
        c->baseline_eq_l = same(w, base, s->b, s->l, flags);
    }
}

static bool differs(enum pb_verdict v)
{
    return v != PB_IN_SYNC && v != PB_UNCHECKED;
}

static bool same_but_case(const struct sides *s)
{
    const struct pb_value *const all[] = {s->silent ? NULL : s->d, s->r, s->l};
    const char *first = NULL;

    for (size_t i = 0; i < PB_COUNT(all); i++) {
        if (!all[i] && i == 0 && s->silent)
            continue;
        if (!pb_str(all[i]))
            return false;
        if (first && strcasecmp(first, all[i]->s) != 0)
            return false;
        first = first ? first : all[i]->s;
    }
    return true;
}

/* The same place in the attribute that this one repeats. */
static void add_repeated(struct pb_buf *b, const struct pb_echo *e, const char *path)
{
    pb_buf_adds(b, e->repeats);
    pb_buf_adds(b, path + strlen(e->path));
}

static bool is_repeated(const struct pb_walk *w, const struct pb_echo *e, const char *path)
{
    struct pb_buf b = PB_BUF_INIT;
    bool is = false;

    if (!e->repeats)
        return false;
    add_repeated(&b, e, path);
    for (size_t i = 0; i < w->n && !is; i++)
        is = differs(w->v[i].verdict) && strcmp(w->v[i].path, b.s) == 0;
    pb_buf_release(&b);
    return is;
}

/* Whether Git decides about what a mirror shows. */
static bool is_gits(const struct pb_type *t, const struct sides *s)
{
    return !s->silent && (s->mentioned || !pb_same_as_null(t, s->d, PB_SAME_ZERO_IS_NULL));
}

/* What the table of echoes says about a difference. */
struct echoed {
    const char *why; /* it is one; NULL: it is none */
    bool repeats;    /* another attribute has it too */
    bool nobodys;    /* a mirror shows what no resource owns */
};

/* Whether what a mirror shows here is somebody's; NULL: nobody's. */
static const char *mirrors(const struct pb_walk *w, const struct pb_echo *e, const struct sides *s)
{
    struct pb_owned_by by;

    if (!e->nowners)
        return e->why;
    if (!pb_owned(&by, w->owners, e, w->r ? w->r : w->l, w->provider, s->item))
        return NULL;
    if (!w->in->all)
        return e->why;
    return by.unit ? pb_arena_printf(w->arena, "%s: %s of %s", e->why, by.address, by.unit)
                   : pb_arena_printf(w->arena, "%s: %s", e->why, by.address);
}

static struct echoed echo_of(const struct pb_walk *w, const struct pb_type *t,
                             const struct sides *s, const char *path)
{
    struct echoed out = {NULL, false, false};
    const struct pb_echo *e;
    size_t at = 0;

    while (!out.why && (e = pb_echo_match(&w->echoes, path, &at))) {
        struct pb_cell c;
        switch (e->kind) {
        case PB_ECHO_MIRROR:
            if (is_gits(t, s))
                break;
            out.why = mirrors(w, e, s);
            out.nobodys = !out.why;
            break;
        case PB_ECHO_NULL_EMPTY:
            fill_cell(&c, w, t, s, PB_SAME_ZERO_IS_NULL);
            out.why = pb_cell_verdict(&c) == PB_IN_SYNC ? e->why : NULL;
            break;
        case PB_ECHO_CASE: out.why = same_but_case(s) ? e->why : NULL; break;
        case PB_ECHO_DECLARED:
            out.repeats = is_repeated(w, e, path);
            out.why = out.repeats ? e->why : NULL;
            break;
        case PB_ECHO_UNORDERED: break; /* the walk aligns such lists as sets */
        }
    }
    return out;
}

static const char *ignored_path(const struct pb_walk *w, const char *path)
{
    const char *const *p = w->declared ? w->declared->ignore_changes : NULL;
    const char *why;

    for (; p && *p; p++)
        if (strcmp(*p, "*") == 0 || strcmp(*p, "all") == 0 || pb_path_covers(*p, path))
            return "lifecycle.ignore_changes";
    why = pb_ignore_attribute(w->in->ignore, w->address, path);
    return why ? pb_arena_intern(w->arena, why, strlen(why)) : NULL;
}

/* Who ignores an attribute ignores what repeats it. */
static const char *ignored_by(const struct pb_walk *w, const char *path)
{
    const char *why = ignored_path(w, path);
    const struct pb_echo *e;
    size_t at = 0;

    while (!why && (e = pb_echo_match(&w->echoes, path, &at))) {
        struct pb_buf b = PB_BUF_INIT;
        if (e->kind != PB_ECHO_DECLARED || !e->repeats)
            continue;
        add_repeated(&b, e, path);
        why = ignored_path(w, b.s);
        pb_buf_release(&b);
    }
    return why;
}

static void keep(struct pb_walk *w, const struct sides *s, const struct pb_attr_result *r)
{
    struct pb_attr_result *out;

    w->v = pb_grow(w->v, &w->cap, w->n + 1, sizeof(*w->v));
    out = &w->v[w->n++];
    *out = *r;
    out->path = pb_arena_strdup(w->arena, r->path);
    out->declared = s->silent ? NULL : s->d ? s->d : &pb_null;
    out->planned = s->silent ? NULL : s->planned ? s->planned : &pb_null;
    out->recorded = s->r;
    out->live = s->seen ? s->l : NULL;
    out->seen = s->seen;
    out->has_baseline = s->has_b;
    out->baseline = s->has_b ? s->b : NULL;
    out->sensitive = s->sensitive || is_sensitive(out->declared) || is_sensitive(s->r) ||
                     is_sensitive(s->l) || is_sensitive(out->baseline);
}

/* Whether Git asks for something else than what is recorded. */
static bool asks(const struct pb_walk *w, const struct pb_type *t, const struct sides *s)
{
    if (s->silent || s->write_only)
        return false;
    return !same(w, t, s->d, s->r, pb_same_as_null(t, s->d, 0) ? PB_SAME_ZERO_IS_NULL : 0);
}

/* The verdict where live was not looked at: only Git and the record can be compared. */
static enum pb_verdict unseen_verdict(const struct pb_walk *w, const struct pb_type *t,
                                      const struct sides *s, const char **why)
{
    bool pending;

    if (s->write_only) {
        *why = why_write_only;
        return PB_UNCHECKED;
    }
    if (w->unobserved) {
        *why = w->why_unobserved;
        return PB_UNKNOWN_V;
    }
    *why = why_unmapped;
    pending = asks(w, t, s);
    if (pending)
        *why = pb_is(s->d, PB_UNKNOWN) ? why_unknown_yet
                                       : "no observer maps it: the live value was not compared";
    return pending ? PB_PENDING : PB_UNCHECKED;
}

static void judge(const struct pb_walk *w, const struct pb_type *t, const struct sides *s,
                  struct pb_attr_result *r)
{
    unsigned flags = s->element ? PB_SAME_ELEMENT : 0;
    struct pb_cell c;

    if (!s->seen) {
        r->verdict = unseen_verdict(w, t, s, &r->reason);
        return;
    }
    /* Where Git says nothing, a provider's false and 0 are as good as null. */
    if (s->silent || pb_is_nullish(s->d))
        flags |= PB_SAME_ZERO_IS_NULL;
    fill_cell(&c, w, t, s, flags);
    r->verdict = pb_cell_verdict(&c);
    if (s->nobodys && r->verdict == PB_IN_SYNC)
        r->verdict = PB_COMPUTED;
    r->baseline_is_live = c.baseline_eq_l;
    if (c.write_only)
        r->reason = why_write_only;
    else if (!c.live_known)
        r->reason = reason_inside(s->l);
    else if (!s->silent && !c.declared_known)
        r->reason = why_unknown_yet;
}

/* What of an attribute decides about its resource. */
static void weigh(struct pb_walk *w, const struct pb_type *t, const struct sides *s,
                  const struct pb_attr_result *r)
{
    if (!differs(r->verdict))
        return;
    if (asks(w, t, s))
        *(r->ignored ? &w->asked_ignored : &w->asked) = true;
    if (r->ignored)
        return;
    if (r->verdict > w->worst)
        w->worst = r->verdict;
    if (pb_verdicts[r->verdict].effect == PB_EFFECT_DIFFERENCE && r->verdict > w->differs)
        w->differs = r->verdict;
}

static bool plan_says_same(const struct pb_walk *w)
{
    return w->declared &&
           (w->declared->action == PB_ACT_NONE || w->declared->action == PB_ACT_READ);
}

/* What takes a difference out of the verdict. */
static void soften(struct pb_walk *w, const struct pb_type *t, struct sides *s,
                   struct pb_attr_result *r)
{
    struct echoed echo = {NULL, false, false};
    const char *ignored;

    if (r->verdict != PB_UNKNOWN_V)
        echo = echo_of(w, t, s, r->path);
    if (echo.why) {
        *r = (struct pb_attr_result){.path = r->path, .verdict = PB_IN_SYNC, .reason = echo.why};
        w->echoed += !echo.repeats;
        return;
    }
    if (echo.nobodys) {
        /* No block in the configuration is no word about what is elsewhere, either. */
        s->silent = true;
        s->d = NULL;
        judge(w, t, s, r);
        /* What is gone is nobody's any more. */
        r->nobodys = differs(r->verdict) && !pb_is_nullish(s->l);
        if (r->nobodys && !r->reason)
            r->reason = why_nobodys;
    }
    ignored = ignored_by(w, r->path);
    if (ignored) {
        r->ignored = true;
        r->nobodys = false;
        r->reason = ignored;
    }
}

/* Echoes and ignore rules go by path: it is written only for what differs or is kept. */
static void leaf(struct pb_walk *w, const struct pb_type *t, const struct sides *in,
                 const struct step *at)
{
    struct pb_attr_result r = {.verdict = PB_IN_SYNC};
    struct sides s = *in;
    struct pb_buf path = PB_BUF_INIT;
    bool shown, blind;

    if (pb_is(s.d, PB_UNKNOWN) &&
        (!w->declared || w->declared->action == PB_ACT_NONE || w->declared->action == PB_ACT_READ))
        s.silent = true; /* nothing will be applied that could make it known */
    if (s.silent)
        s.d = NULL;
    if (pb_is_nullish(s.d) && pb_is_nullish(s.r) && pb_is_nullish(s.l) &&
        !(s.write_only && s.mentioned))
        return;
    w->total++;
    s.planned = s.d;
    judge(w, t, &s, &r);
    if (differs(r.verdict) && plan_says_same(w) && !s.silent) {
        /* The plan compared them with the provider's own knowledge: what differs here is
         * spelling (an upgraded schema). The record stands for what Git asks. */
        s.d = s.r;
        judge(w, t, &s, &r);
    }
    w->observed += s.seen && !s.write_only && !pb_has_unknown(s.l);
    shown = w->in->all || differs(r.verdict) || s.write_only;
    /* Of what could not be observed, what Git asks for is still worth showing. */
    blind = w->unobserved && (s.silent || same(w, t, s.d, s.r, 0));
    if (w->unobserved && !w->in->all)
        shown = !blind;
    if (!shown)
        return;
    add_path(&path, at);
    r.path = path.s;
    if (differs(r.verdict))
        soften(w, t, &s, &r);
    if (r.ignored && !blind)
        pb_ignored_add(&w->ignored, r.reason);
    weigh(w, t, &s, &r);
    if (w->in->all || (differs(r.verdict) && !r.ignored) || r.verdict == PB_UNCHECKED)
        keep(w, &s, &r);
    pb_buf_release(&path);
}

/* ---- what Git declares ---------------------------------------------------------------------- */

/* What the configuration says below `name`; NULL: it does not name it. */
static const struct pb_value *configured_get(const struct pb_value *conf, const char *name)
{
    if (pb_is(conf, PB_LIST)) { /* elements of a set: any of them */
        for (size_t i = 0; i < conf->n; i++) {
            const struct pb_value *v = pb_get(&conf->items[i], name);
            if (v)
                return v;
        }
        return NULL;
    }
    return pb_get(conf, name);
}

/* Who decides about a field: the configuration or the provider (reconcile.h, README.md). */
static bool is_silent(const struct sides *up, const struct pb_field *f, bool named, bool root,
                      const struct pb_value *d)
{
    unsigned flags = f ? f->flags : 0;

    if (up->silent)
        return true;
    if (flags & PB_F_BLOCK)
        /* A block that the configuration leaves out, and that is planned all the same, is
         * one that the provider fills in. */
        return !named && !up->opaque && !up->whole && !pb_same_as_null(f->type, d, 0);
    if (flags & PB_F_REQUIRED)
        return false;
    if (flags & PB_F_OPTIONAL) {
        if (!(flags & PB_F_COMPUTED))
            return false;
        return !named && !(up->opaque && !root);
    }
    if (up->whole && !(flags & PB_F_COMPUTED))
        return false;
    return !named;
}

/* What the table says Git decides about, whatever the schema says. */
static bool is_declared(const struct pb_walk *w, const char *name)
{
    const struct pb_echo *e;
    size_t at = 0;

    while ((e = pb_echo_match(&w->echoes, name, &at)))
        if (e->kind == PB_ECHO_DECLARED)
            return true;
    return false;
}

/* Fills in all but the values. */
static void field_sides(struct sides *s, const struct pb_walk *w, const struct sides *up,
                        const struct pb_field *f, const char *name, bool root)
{
    const struct pb_value *conf = configured_get(up->configured, name);
    bool block = f && (f->flags & PB_F_BLOCK);

    s->b = pb_get(up->b, name);
    s->silent = is_silent(up, f, conf != NULL, root, s->d);
    s->mentioned = root ? conf != NULL : up->mentioned;
    s->configured = conf && (conf->kind == PB_LIST || conf->kind == PB_MAP) ? conf : NULL;
    s->whole = up->whole || (!block && !s->configured && !s->silent);
    s->opaque = up->opaque && !conf;
    s->seen = up->seen && (s->l || pb_is_nullish(up->l));
    s->has_b = up->has_b && (s->b || pb_is_nullish(up->b));
    s->item = up->item;
    s->sensitive = up->sensitive || (f && (f->flags & PB_F_SENSITIVE));
    s->write_only = up->write_only || (f && (f->flags & PB_F_WRITE_ONLY));
    if (w->unobserved)
        s->seen = false;
    /* What is not known yet is not asked for either: what it repeats says what is. */
    if (root && s->silent && !up->silent && !pb_is(s->d, PB_UNKNOWN) && is_declared(w, name))
        s->silent = false;
}

/* ---- the shapes ----------------------------------------------------------------------------- */

static void walk(struct pb_walk *w, const struct pb_type *t, const struct sides *s,
                 const struct step *at);

/* Members of up to three maps, together, in the order of their keys. */
struct members {
    const struct pb_value *map[3]; /* d, r, l; NULL: none */
    size_t at[3];
    const char *key;
    const struct pb_value *v[3]; /* what they have under that key */
};

static void members_start(struct members *m, const struct sides *s)
{
    const struct pb_value *const all[3] = {s->silent ? NULL : s->d, s->r, s->l};

    memset(m, 0, sizeof(*m));
    for (size_t i = 0; i < 3; i++)
        m->map[i] = pb_is(all[i], PB_MAP) ? all[i] : NULL;
}

static bool members_next(struct members *m)
{
    const struct pb_member *here[3];

    m->key = NULL;
    for (size_t i = 0; i < 3; i++) {
        here[i] = m->map[i] && m->at[i] < m->map[i]->n ? &m->map[i]->members[m->at[i]] : NULL;
        if (here[i] && here[i]->key != m->key && (!m->key || strcmp(here[i]->key, m->key) < 0))
            m->key = here[i]->key;
    }
    for (size_t i = 0; m->key && i < 3; i++) {
        bool has = here[i] && (here[i]->key == m->key || strcmp(here[i]->key, m->key) == 0);
        m->v[i] = has ? &here[i]->value : NULL;
        m->at[i] += has;
    }
    return m->key != NULL;
}

/* Like pb_type_field(), for names that come in ascending order. */
static const struct pb_field *next_field(const struct pb_type *t, size_t *at, const char *name)
{
    for (; *at < t->nfields; (*at)++) {
        int c = strcmp(t->fields[*at].name, name);
        if (c >= 0)
            return c == 0 ? &t->fields[*at] : NULL;
    }
    return NULL;
}

/* Git sets it, somebody could have seen it, and nobody looked. */
static void note_unlooked(struct pb_walk *w, const struct sides *s, const char *name)
{
    if (w->unobserved || s->seen || s->silent || s->write_only || !s->mentioned ||
        pb_is_nullish(s->d) || pb_is(s->d, PB_UNKNOWN) || pb_is_among(name, w->unseeable) ||
        ignored_by(w, name))
        return;
    pb_buf_addf(&w->unlooked, "%s%s", w->unlooked.len ? ", " : "", name);
}

static void walk_object(struct pb_walk *w, const struct pb_type *t, const struct sides *s,
                        const struct step *at)
{
    struct members m;
    size_t field = 0;

    members_start(&m, s);
    while (members_next(&m)) {
        const struct pb_field *f = next_field(t, &field, m.key);
        struct step step = {at, m.key, 0};
        struct sides child = {.d = m.v[0], .r = m.v[1], .l = m.v[2]};
        field_sides(&child, w, s, f, m.key, !at);
        if (!at)
            note_unlooked(w, &child, m.key);
        walk(w, f ? f->type : &pb_type_dynamic, &child, &step);
    }
}

/* Part of a collection: everything but the values is as in the collection. */
static struct sides part_of(const struct sides *s)
{
    struct sides child = *s;

    child.d = child.r = child.l = child.b = NULL;
    child.element = false;
    return child;
}

static void walk_map(struct pb_walk *w, const struct pb_type *t, const struct sides *s,
                     const struct step *at)
{
    const struct pb_type *elem = t->kind == PB_T_MAP && t->elem ? t->elem : &pb_type_dynamic;
    struct members m;

    members_start(&m, s);
    while (members_next(&m)) {
        struct step step = {at, m.key, 0};
        struct sides child = part_of(s);
        child.element = true;
        child.d = m.v[0];
        child.r = m.v[1];
        child.l = m.v[2];
        child.b = pb_get(s->b, m.key);
        child.configured = configured_get(s->configured, m.key);
        walk(w, elem, &child, &step);
    }
}

/* Whether this element of an attribute is one of a mirror with owners of elements, and none of
 * them owns it. A refresh records what was put there by hand, so the record proves nothing. What
 * owners own as a whole has a default of its own in the API, which is nobody's either. */
static bool is_nobodys(const struct pb_walk *w, const struct pb_type *t, const struct sides *s,
                       const struct step *at)
{
    const struct pb_echo *e;
    bool mirrored = false;
    size_t i = 0;

    if (!w->echoes.nown || !at->up || at->up->up || !s->seen || pb_is_nullish(s->l) ||
        is_gits(t, s) || !same(w, t, s->r, s->l, PB_SAME_ZERO_IS_NULL))
        return false; /* what differs inside is told by what differs */
    while ((e = pb_echo_match(&w->echoes, at->up->key, &i))) {
        if (e->kind != PB_ECHO_MIRROR || !e->nowners || !e->owners[0].key)
            continue;
        if (mirrors(w, e, s))
            return false;
        mirrored = true;
    }
    return mirrored;
}

/* One element: a leaf by itself where a side lacks it, else whatever is inside. */
static void walk_element(struct pb_walk *w, const struct pb_type *t, struct sides *s,
                         const struct step *at)
{
    bool r = s->r != NULL;
    bool live_lacks = s->seen && (s->l != NULL) != r;
    bool declared_lacks = !s->silent && (s->d != NULL) != r;

    s->nobodys = !live_lacks && !declared_lacks && is_nobodys(w, t, s, at);
    if (live_lacks || declared_lacks || s->nobodys)
        leaf(w, t, s, at);
    else
        walk(w, t, s, at);
}

static void walk_list(struct pb_walk *w, const struct pb_type *t, const struct sides *s,
                      const struct step *at)
{
    size_t nd = s->silent ? 0 : pb_len(s->d), nr = pb_len(s->r), nl = pb_len(s->l);
    size_t n = nd > nr ? nd : nr;

    for (size_t i = 0; i < n || i < nl; i++) {
        const struct pb_type *elem = t->kind == PB_T_TUPLE && i < t->nfields ? t->fields[i].type
                                     : t->elem                               ? t->elem
                                                                             : &pb_type_dynamic;
        struct step step = {at, NULL, i};
        struct sides child = part_of(s);
        child.d = pb_at(s->d, i);
        child.r = pb_at(s->r, i);
        child.l = pb_at(s->l, i);
        child.b = pb_at(s->b, i);
        child.item = at->up ? s->item : child.l;
        if (pb_is(s->configured, PB_LIST))
            child.configured = pb_at(s->configured, i);
        walk_element(w, elem, &child, &step);
    }
}

static void walk_set(struct pb_walk *w, const struct pb_type *t, const struct sides *s,
                     const struct step *at)
{
    const struct pb_type *elem = t->elem ? t->elem : &pb_type_dynamic;
    struct pb_align_in in = {elem, s->silent ? NULL : s->d, s->r, s->seen ? s->l : NULL,
                             s->has_b ? s->b : NULL};
    struct pb_aligned *rows;
    size_t n = pb_align_set(&rows, &w->cmp, &in);

    for (size_t i = 0; i < n; i++) {
        struct step step = {at, NULL, i};
        struct sides child = part_of(s);
        child.d = rows[i].d < 0 ? NULL : pb_at(s->d, (size_t)rows[i].d);
        child.r = rows[i].r < 0 ? NULL : pb_at(s->r, (size_t)rows[i].r);
        child.l = rows[i].l < 0 ? NULL : pb_at(s->l, (size_t)rows[i].l);
        child.b = rows[i].b < 0 ? NULL : pb_at(s->b, (size_t)rows[i].b);
        child.item = at->up ? s->item : child.l;
        walk_element(w, elem, &child, &step);
    }
    free(rows);
}

/* Whether every side that has something has a value of this kind. */
static bool all_are(const struct sides *s, enum pb_kind kind)
{
    const struct pb_value *const all[] = {s->silent ? NULL : s->d, s->r, s->l};
    bool some = false;

    for (size_t i = 0; i < PB_COUNT(all); i++) {
        if (!pb_is_nullish(all[i]) && all[i]->kind != kind)
            return false;
        some = some || pb_len(all[i]) > 0;
    }
    return some;
}

/* A list that an echo calls unordered is aligned as a set. */
static bool is_unordered(const struct pb_walk *w, const struct step *at)
{
    struct pb_buf path = PB_BUF_INIT;
    const struct pb_echo *e;
    size_t i = 0;

    if (!w->echoes.nown && !w->echoes.nany)
        return false;
    add_path(&path, at);
    while ((e = pb_echo_match(&w->echoes, path.s, &i)) && e->kind != PB_ECHO_UNORDERED)
        ;
    pb_buf_release(&path);
    return e != NULL;
}

static void walk(struct pb_walk *w, const struct pb_type *t, const struct sides *s,
                 const struct step *at)
{
    bool list, map;

    if (s->write_only) {
        leaf(w, t, s, at);
        return;
    }
    list = t->kind != PB_T_OBJECT && t->kind != PB_T_MAP && all_are(s, PB_LIST);
    map = t->kind != PB_T_LIST && t->kind != PB_T_SET && all_are(s, PB_MAP);
    if (map && t->kind == PB_T_OBJECT)
        walk_object(w, t, s, at);
    else if (map && (t->kind == PB_T_MAP || t->kind == PB_T_DYNAMIC))
        walk_map(w, t, s, at);
    else if (list && t->kind != PB_T_TUPLE && (t->kind == PB_T_SET || is_unordered(w, at)))
        walk_set(w, t, s, at);
    else if (list && (t->kind == PB_T_LIST || t->kind == PB_T_TUPLE || t->kind == PB_T_DYNAMIC))
        walk_list(w, t, s, at);
    else
        leaf(w, t, s, at);
}

void pb_walk_resource(struct pb_walk *w)
{
    const struct pb_type *t = w->schema ? w->schema->root : &any_object;
    struct sides s = {.d = w->d, .r = w->r, .l = w->l, .b = w->b};

    s.silent = w->silent || !w->d;
    s.configured = w->declared ? w->declared->configured : NULL;
    s.opaque = w->declared && w->declared->configured_opaque;
    s.seen = !w->unobserved && w->l;
    s.has_b = w->b != NULL;
    w->n = 0;
    w->total = w->observed = w->echoed = 0;
    w->worst = w->differs = PB_IN_SYNC;
    w->asked = w->asked_ignored = false;
    w->ignored = (struct pb_ignored){0};
    pb_buf_clear(&w->unlooked);
    walk_object(w, t, &s, NULL);
}

void pb_walk_release(struct pb_walk *w)
{
    pb_buf_release(&w->unlooked);
    free(w->v);
    w->v = NULL;
    w->n = w->cap = 0;
}
