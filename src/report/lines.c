#include "report/lines.h"

#include "base/mem.h"
#include "model/verdict.h"

#include <stdlib.h>
#include <string.h>

enum { LINE = 96, CONTEXT = 2 };

struct pieces {
    struct pb_diff_line *v;
    size_t n, cap;
};

/* Where the next line ends: behind a newline that is written out, or behind a comma or a bracket
 * where JSON would be broken, or where there is no more room. */
static size_t line_of(const char *s)
{
    size_t n = 0, used = 0, comma = 0;

    while (s[n] && used < LINE) {
        if (s[n] == '\\' && s[n + 1] == 'n' && (!n || s[n - 1] != '\\'))
            return n + 2;
        if (s[n] == ',' && used > LINE / 4)
            comma = n + 1;
        for (n++; ((unsigned char)s[n] & 0xc0) == 0x80; n++)
            ;
        used++;
    }
    return s[n] && comma ? comma : n;
}

static void add(struct pieces *p, char sign, const char *s, size_t len)
{
    p->v = pb_grow(p->v, &p->cap, p->n + 1, sizeof(*p->v));
    p->v[p->n++] = (struct pb_diff_line){sign, s, len};
}

/* What is not there has no line, and a word in brackets is no value. */
static void split(struct pieces *p, char sign, const char *s)
{
    if (strcmp(s, "-") == 0)
        return;
    sign = *s == '(' ? ' ' : sign;
    while (*s) {
        size_t n = line_of(s);

        add(p, sign, s, n);
        s += n;
    }
}

static bool same(const struct pb_diff_line *a, const struct pb_diff_line *b)
{
    return a->len == b->len && memcmp(a->s, b->s, a->len) == 0;
}

/* What is the same at both ends: once, and not more of it than tells where one is. */
static void join(struct pieces *out, const struct pieces *a, const struct pieces *b)
{
    static const char dots[] = "...";
    size_t head = 0, tail = 0, least = a->n < b->n ? a->n : b->n;

    while (head < least && same(&a->v[head], &b->v[head]))
        head++;
    while (tail < least - head && same(&a->v[a->n - 1 - tail], &b->v[b->n - 1 - tail]))
        tail++;
    if (head > CONTEXT)
        add(out, ' ', dots, strlen(dots));
    for (size_t i = head > CONTEXT ? head - CONTEXT : 0; i < head; i++)
        add(out, ' ', a->v[i].s, a->v[i].len);
    for (size_t i = head; i < a->n - tail; i++)
        add(out, a->v[i].sign, a->v[i].s, a->v[i].len);
    for (size_t i = head; i < b->n - tail; i++)
        add(out, b->v[i].sign, b->v[i].s, b->v[i].len);
    for (size_t i = 0; i < tail && i < CONTEXT; i++)
        add(out, ' ', a->v[a->n - tail + i].s, a->v[a->n - tail + i].len);
    if (tail > CONTEXT)
        add(out, ' ', dots, strlen(dots));
}

static char *fit(const char *s, size_t columns)
{
    struct pb_buf b = PB_BUF_INIT;

    pb_cell_fit(&b, s, columns);
    return pb_buf_detach(&b);
}

/* Which cells are the two sides, and what they are called with those that agree with them. */
static void choose(struct pb_diff *d, const struct pb_row *r, int cells[2])
{
    bool dr = strcmp(r->cell[0], r->cell[1]) == 0, rl = strcmp(r->cell[1], r->cell[2]) == 0;
    bool asks = strcmp(r->verdict, pb_verdict_name(PB_PENDING)) == 0 ||
                strcmp(r->verdict, pb_verdict_name(PB_CONVERGED)) == 0;

    d->nsides = 2;
    if (dr && rl) {
        d->nsides = 1;
        cells[0] = PB_CELL_LIVE;
        d->sides[0].label = "declared, recorded, live";
    } else if (asks) {
        cells[0] = PB_CELL_RECORDED;
        cells[1] = PB_CELL_DECLARED;
        d->sides[0].label = rl ? "recorded, live" : "recorded";
        d->sides[1].label = rl ? "declared" : "declared, live";
    } else {
        cells[0] = PB_CELL_DECLARED;
        cells[1] = PB_CELL_LIVE;
        d->sides[0].label = dr ? "declared, recorded" : "declared";
        d->sides[1].label = rl ? "recorded, live" : "live";
    }
}

static bool all_differ(const struct pb_row *r)
{
    const char *base = r->cell[0], *merged = r->cell[1], *live = r->cell[2];

    return *live != '(' && strcmp(base, merged) != 0 && strcmp(base, live) != 0 &&
           strcmp(merged, live) != 0;
}

static void sides(struct pb_diff *d, int cells[2], int old, const char *old_label, int new,
                  const char *new_label)
{
    d->nsides = 2;
    cells[0] = old;
    cells[1] = new;
    d->sides[0].label = old_label;
    d->sides[1].label = new_label;
}

/* What an apply would make of the world; where all three differ, first what was done to it. */
static void choose_of_trees(struct pb_diff *d, const struct pb_row *r, size_t part, int cells[2])
{
    enum { BASE, MERGED, LIVE };
    const char *base = r->cell[BASE], *merged = r->cell[MERGED], *live = r->cell[LIVE];
    bool seen = *live != '(', touched = strcmp(base, merged) != 0;

    if (all_differ(r) && part == 0)
        sides(d, cells, BASE, "base", LIVE, "live: changed outside");
    else if (!touched)
        sides(d, cells, LIVE, "live", MERGED, "base, merged");
    else if (!seen)
        sides(d, cells, BASE, "base", MERGED, "merged");
    else if (strcmp(merged, live) == 0)
        sides(d, cells, BASE, "base", MERGED, "merged, live");
    else
        sides(d, cells, LIVE, strcmp(base, live) == 0 ? "base, live" : "live", MERGED, "merged");
}

size_t pb_diffs(const struct pb_row *r, bool trees)
{
    return trees && all_differ(r) ? 2 : 1;
}

void pb_diff_of(struct pb_diff *d, const struct pb_row *r, bool trees, size_t part, size_t columns)
{
    struct pieces p[2] = {{0}}, out = {0};
    int cells[2] = {0, 0};

    memset(d, 0, sizeof(*d));
    if (trees)
        choose_of_trees(d, r, part, cells);
    else
        choose(d, r, cells);
    for (size_t k = 0; k < d->nsides; k++) {
        d->sides[k].text = fit(r->cell[cells[k]], columns);
        split(&p[k], k ? '+' : d->nsides == 1 ? ' ' : '-', d->sides[k].text);
    }
    if (d->nsides == 1) {
        d->v = p[0].v;
        d->n = p[0].n;
        return;
    }
    join(&out, &p[0], &p[1]);
    d->v = out.v;
    d->n = out.n;
    free(p[0].v);
    free(p[1].v);
}

void pb_diff_release(struct pb_diff *d)
{
    free(d->sides[0].text);
    free(d->sides[1].text);
    free(d->v);
    memset(d, 0, sizeof(*d));
}
