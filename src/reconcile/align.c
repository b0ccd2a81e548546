#include "reconcile/align.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Pairing by likeness is quadratic: beyond this, left-over elements stay gone and come. */
enum { PAIRS_MAX = 10000, FEW = 16 };

struct entry {
    char *key;
    long index;
};

struct pair {
    size_t x, y; /* rows */
    size_t score;
};

struct job {
    const struct pb_compare *c;
    const struct pb_align_in *in;
    const struct pb_type *seen; /* the elements' type, cut down to what was looked at */
    const struct pb_type *base; /* the same for the baseline */
    struct pb_aligned *v;
    size_t n;
    bool *gone; /* rows that were merged into another one */
};

static int by_key(const void *pa, const void *pb)
{
    const struct entry *a = pa, *b = pb;
    int c = strcmp(a->key, b->key);

    return c ? c : (a->index > b->index) - (a->index < b->index);
}

static struct entry *entries(const struct job *j, const struct pb_type *t,
                             const struct pb_value *list, const bool *taken, size_t *n)
{
    struct entry *e = pb_calloc(pb_len(list), sizeof(*e));

    *n = 0;
    for (size_t i = 0; i < pb_len(list); i++) {
        struct pb_buf b = PB_BUF_INIT;
        if (taken[i])
            continue;
        pb_same_key(&b, j->c, t, &list->items[i], 0);
        e[*n] = (struct entry){pb_buf_detach(&b), (long)i};
        (*n)++;
    }
    qsort(e, *n, sizeof(*e), by_key);
    return e;
}

static void free_entries(struct entry *e, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(e[i].key);
    free(e);
}

/* Few enough that comparing pairs is cheaper than making keys. */
static void match_few(long *out, const struct job *j, const struct pb_type *t,
                      const struct pb_value *x, const bool *x_taken, const struct pb_value *y,
                      bool *y_taken)
{
    for (size_t i = 0; i < pb_len(x); i++) {
        for (size_t k = 0; !x_taken[i] && k < pb_len(y); k++) {
            if (y_taken[k] || !pb_same(j->c, t, &x->items[i], &y->items[k], 0))
                continue;
            out[i] = (long)k;
            y_taken[k] = true;
            break;
        }
    }
}

/* match[i] = the element of `y` that equals element i of `x`, or -1. Each is used once. */
static long *match(const struct job *j, const struct pb_type *t, const struct pb_value *x,
                   const bool *x_taken, const struct pb_value *y, bool *y_taken)
{
    size_t nx, ny, i = 0, k = 0;
    struct entry *ex, *ey;
    long *out = pb_calloc(pb_len(x), sizeof(*out));

    for (size_t m = 0; m < pb_len(x); m++)
        out[m] = -1;
    if (pb_len(x) <= FEW && pb_len(y) <= FEW) {
        match_few(out, j, t, x, x_taken, y, y_taken);
        return out;
    }
    ex = entries(j, t, x, x_taken, &nx);
    ey = entries(j, t, y, y_taken, &ny);
    while (i < nx && k < ny) {
        int c = strcmp(ex[i].key, ey[k].key);
        if (c == 0) {
            out[ex[i].index] = ey[k].index;
            y_taken[ey[k].index] = true;
        }
        i += c <= 0;
        k += c >= 0;
    }
    free_entries(ex, nx);
    free_entries(ey, ny);
    return out;
}

/* How many fields agree; fields of which nothing is set do not count. */
static size_t likeness(const struct job *j, const struct pb_type *t, const struct pb_value *x,
                       const struct pb_value *y)
{
    size_t score = 0;

    if (!pb_is(x, PB_MAP) || !pb_is(y, PB_MAP))
        return 0;
    for (size_t i = 0; i < x->n; i++) {
        const struct pb_member *m = &x->members[i];
        const struct pb_field *f = pb_type_field(t, m->key);
        const struct pb_type *ft = f ? f->type : NULL;
        if (pb_same_as_null(ft, &m->value, 0))
            continue;
        score += pb_same(j->c, ft, &m->value, pb_get(y, m->key), PB_SAME_UNKNOWN_MATCHES);
    }
    return score;
}

static int by_score(const void *pa, const void *pb)
{
    const struct pair *a = pa, *b = pb;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    if (a->x != b->x)
        return a->x < b->x ? -1 : 1;
    return (a->y > b->y) - (a->y < b->y);
}

typedef bool can_fn(const struct pb_aligned *x, const struct pb_aligned *y);
typedef size_t score_fn(const struct job *j, const struct pb_aligned *x,
                        const struct pb_aligned *y);

/* The rows that are (or are not) recorded and lack some other side. */
static size_t *left_over(const struct job *j, bool recorded, size_t *n)
{
    size_t *rows = pb_calloc(j->n, sizeof(*rows));

    *n = 0;
    for (size_t i = 0; i < j->n; i++) {
        const struct pb_aligned *row = &j->v[i];
        if (!j->gone[i] && (row->r >= 0) == recorded && (!recorded || row->l < 0 || row->d < 0))
            rows[(*n)++] = i;
    }
    return rows;
}

/* Merges rows that `can` be one, the most alike first. */
static void merge_alike(struct job *j, can_fn *can, score_fn *score)
{
    size_t nx, ny, n = 0;
    size_t *xs = left_over(j, true, &nx), *ys = left_over(j, false, &ny);
    struct pair *pairs = pb_calloc(nx && ny && nx <= PAIRS_MAX / ny ? nx * ny : 0, sizeof(*pairs));

    for (size_t i = 0; nx && ny && nx <= PAIRS_MAX / ny && i < nx * ny; i++) {
        struct pair p = {xs[i / ny], ys[i % ny], 0};
        if (can(&j->v[p.x], &j->v[p.y]))
            p.score = score(j, &j->v[p.x], &j->v[p.y]);
        if (p.score)
            pairs[n++] = p;
    }
    if (n)
        qsort(pairs, n, sizeof(*pairs), by_score);
    for (size_t i = 0; i < n; i++) {
        struct pb_aligned *x = &j->v[pairs[i].x], *y = &j->v[pairs[i].y];
        if (j->gone[pairs[i].y] || !can(x, y))
            continue;
        x->d = x->d < 0 ? y->d : x->d;
        x->l = x->l < 0 ? y->l : x->l;
        j->gone[pairs[i].y] = true;
    }
    free(pairs);
    free(xs);
    free(ys);
}

/* A recorded element that is not live, and a live one that is not recorded. */
static bool can_change(const struct pb_aligned *x, const struct pb_aligned *y)
{
    return x->r >= 0 && x->l < 0 && y->r < 0 && y->l >= 0 && (x->d < 0 || y->d < 0);
}

static size_t score_change(const struct job *j, const struct pb_aligned *x,
                           const struct pb_aligned *y)
{
    return likeness(j, j->seen, pb_at(j->in->r, (size_t)x->r), pb_at(j->in->l, (size_t)y->l));
}

/* A recorded element that is not declared, and a declared one that is nowhere else. */
static bool can_update(const struct pb_aligned *x, const struct pb_aligned *y)
{
    return x->r >= 0 && x->d < 0 && y->r < 0 && y->l < 0 && y->d >= 0;
}

static size_t score_update(const struct job *j, const struct pb_aligned *x,
                           const struct pb_aligned *y)
{
    return likeness(j, j->in->elem, pb_at(j->in->r, (size_t)x->r), pb_at(j->in->d, (size_t)y->d));
}

static void add_row(struct job *j, long d, long r, long l)
{
    j->v[j->n++] = (struct pb_aligned){d, r, l, -1};
}

/* Rows of what is equal; every element of every side is in exactly one. */
static void rows_of_equal(struct job *j)
{
    const struct pb_align_in *in = j->in;
    size_t nd = pb_len(in->d), nr = pb_len(in->r), nl = pb_len(in->l);
    bool *d_taken = pb_calloc(nd, 1), *l_taken = pb_calloc(nl, 1), *none = pb_calloc(nr, 1);
    long *rl = match(j, j->seen, in->r, none, in->l, l_taken);
    long *rd = match(j, in->elem, in->r, none, in->d, d_taken);
    long *dl = match(j, j->seen, in->d, d_taken, in->l, l_taken);

    for (size_t i = 0; i < nr; i++)
        add_row(j, rd[i], (long)i, rl[i]);
    for (size_t i = 0; i < nd; i++)
        if (!d_taken[i])
            add_row(j, (long)i, -1, dl[i]);
    for (size_t i = 0; i < nl; i++)
        if (!l_taken[i])
            add_row(j, -1, -1, (long)i);
    free(d_taken);
    free(l_taken);
    free(none);
    free(rl);
    free(rd);
    free(dl);
}

/* The baseline's element for each row: what equals its declared side, else its live one. */
static void find_baseline(struct job *j)
{
    const struct pb_value *sides[] = {j->in->d, j->in->l, j->in->r};
    bool *b_taken = pb_calloc(pb_len(j->in->b), 1);

    for (size_t s = 0; s < PB_COUNT(sides); s++) {
        size_t n = pb_len(sides[s]);
        bool *skip = pb_calloc(n, 1);
        long *m;
        memset(skip, 1, n);
        for (size_t i = 0; i < j->n; i++) {
            const struct pb_aligned *row = &j->v[i];
            long at = s == 0 ? row->d : s == 1 ? row->l : row->r;
            if (at >= 0 && row->b < 0 && !j->gone[i])
                skip[at] = false;
        }
        m = match(j, j->base, sides[s], skip, j->in->b, b_taken);
        for (size_t i = 0; i < j->n; i++) {
            struct pb_aligned *row = &j->v[i];
            long at = s == 0 ? row->d : s == 1 ? row->l : row->r;
            if (at >= 0 && row->b < 0 && !j->gone[i])
                row->b = m[at];
        }
        free(skip);
        free(m);
    }
    free(b_taken);
}

static const struct pb_type *elem_seen(const struct job *j, const struct pb_type *elem,
                                       const struct pb_value *list)
{
    struct pb_type set = {.kind = PB_T_SET, .elem = elem};
    const struct pb_type *seen;

    if (!pb_len(list))
        return elem;
    seen = pb_type_observed(j->c->scratch, &set, list);
    return seen->elem;
}

size_t pb_align_set(struct pb_aligned **out, const struct pb_compare *c,
                    const struct pb_align_in *in)
{
    const struct pb_type *elem = in->elem ? in->elem : &pb_type_dynamic;
    struct pb_align_in typed = {elem, in->d, in->r, in->l, in->b};
    struct job j = {.c = c, .in = &typed};
    size_t most = pb_len(in->d) + pb_len(in->r) + pb_len(in->l), kept = 0;

    j.v = pb_calloc(most, sizeof(*j.v));
    j.gone = pb_calloc(most, 1);
    j.seen = elem_seen(&j, elem, in->l);
    j.base = elem_seen(&j, j.seen, in->b);
    rows_of_equal(&j);
    if (elem->kind == PB_T_OBJECT || elem->kind == PB_T_DYNAMIC) {
        merge_alike(&j, can_change, score_change);
        merge_alike(&j, can_update, score_update);
    }
    if (pb_len(in->b))
        find_baseline(&j);
    for (size_t i = 0; i < j.n; i++)
        if (!j.gone[i])
            j.v[kept++] = j.v[i];
    free(j.gone);
    *out = j.v;
    return kept;
}
