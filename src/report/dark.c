/* What could not be observed, told by reason and not by resource. */
#include "report/dark.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "report/pen.h"
#include "run/live.h"

#include <stdlib.h>
#include <string.h>

enum { ADDRESSES = 5 };

struct group {
    const char *first; /* what was said, as it was */
    const char **addresses;
    size_t n, kept, cap;
    bool asked_others; /* who could not tell either */
};

static bool is_dark(enum pb_verdict v)
{
    return pb_verdicts[v].effect == PB_EFFECT_INCONCLUSIVE;
}

const char *pb_dark_reason(const struct pb_resource_result *r)
{
    if (r->reason)
        return r->reason;
    for (size_t i = 0; i < r->nattrs; i++)
        if (is_dark(r->attrs[i].verdict) && r->attrs[i].reason)
            return r->attrs[i].reason;
    return "no reason was given";
}

/* Types and requests are many, and what ails them is one thing: they are told of together. */
static void add_cause(struct pb_buf *b, const char *why, size_t n)
{
    static const char pack[] = "no pack for type '", reply[] = "no reply from ";
    const char *colon = strstr(why, ": ");

    if (pb_starts_with(why, pack))
        pb_buf_adds(b, "no pack for its type");
    else if (pb_starts_with(why, reply) && colon && colon < why + n)
        pb_buf_addf(b, "no reply%.*s", (int)(n - (size_t)(colon - why)), colon);
    else
        pb_buf_add(b, why, n);
}

const char *pb_dark_remedy(const char *reason)
{
    static const struct {
        const char *part, *what;
    } rows[] = {
        {"no pack for", "write a pack: schemas/observers/README.md tells how"},
        {"credential", "'plumb doctor' shows which credentials are used"},
        {"403", "the credentials may not read it: 'plumb doctor' shows which are used"},
        {"denied", "the credentials may not read it: 'plumb doctor' shows which are used"},
        {"401", "the credentials are refused: 'plumb doctor' shows which are used"},
        {"429", "the provider limits requests: lower 'observe.concurrency' in plumb.yaml"},
        {"throttl", "the provider limits requests: lower 'observe.concurrency' in plumb.yaml"},
        {"time", "raise 'observe.timeout' in plumb.yaml, or try again"},
        {"region", "name the region under 'providers' of the unit in plumb.yaml"},
    };

    for (size_t i = 0; i < PB_COUNT(rows); i++)
        if (strstr(reason, rows[i].part))
            return rows[i].what;
    return "try again; 'plumb explain ADDRESS' shows more";
}

static void tell_remedy(struct pb_pen *p, const char *reason)
{
    pb_pen_line(p, 8, pb_arena_printf(p->arena, "-> %s", pb_dark_remedy(reason)));
}

/* The one of that cause; one more is of it. */
static struct group *join(struct pb_map *groups, struct pb_arena *a, const char *said, size_t n,
                          const char *id)
{
    PB_AUTO(buf) struct pb_buf key = PB_BUF_INIT;
    struct group *g;

    pb_dark_alike(&key, said, n, id);
    g = pb_map_get(groups, key.s);
    if (!g) {
        g = pb_arena_zalloc(a, sizeof(*g));
        g->first = pb_arena_strndup(a, said, n);
        pb_map_put(groups, pb_arena_strdup(a, key.s), g);
    }
    g->n++;
    return g;
}

static void add(struct pb_map *groups, struct pb_map *others, struct pb_pen *p,
                const struct pb_resource_result *r)
{
    PB_AUTO(buf) struct pb_buf cause = PB_BUF_INIT;
    const char *why = pb_dark_reason(r), *nor = strstr(why, PB_LIVE_NOR);
    struct group *g;

    add_cause(&cause, why, nor ? (size_t)(nor - why) : strlen(why));
    g = join(groups, p->arena, cause.s, cause.len, r->id);
    g->asked_others |= nor != NULL;
    for (const char *next; nor; nor = next) {
        const char *said = nor + strlen(PB_LIVE_NOR);

        next = strstr(said, PB_LIVE_NOR);
        (void)join(others, p->arena, said, next ? (size_t)(next - said) : strlen(said), r->id);
    }
    if (p->o->all || g->kept < ADDRESSES) {
        g->addresses = pb_grow(g->addresses, &g->cap, g->kept + 1, sizeof(*g->addresses));
        g->addresses[g->kept++] = r->address;
    }
}

/* As it was said where nobody else said it. */
static const char *words_of(const struct pb_map *groups, size_t i)
{
    const struct group *g = groups->e[i].value;

    return g->n > 1 ? groups->e[i].key : g->first;
}

static void tell(struct pb_pen *p, const char *cause, struct group *g)
{
    pb_pen_line(p, 6, pb_arena_printf(p->arena, "%zu: %s", g->n, cause));
    for (size_t i = 0; i < g->kept; i++) {
        pb_buf_adds(p->b, "        ");
        pb_pen_safe(p, g->addresses[i]);
        pb_buf_addc(p->b, '\n');
    }
    if (g->kept < g->n)
        pb_buf_addf(p->b, "        and %zu more (--all)\n", g->n - g->kept);
    /* Where others were asked, too, what they said is what can be mended. */
    if (!g->asked_others)
        tell_remedy(p, cause);
    free(g->addresses);
}

void pb_pen_darkness(struct pb_pen *p, const struct pb_unit_result *u)
{
    PB_AUTO(map) struct pb_map groups = PB_MAP_INIT, others = PB_MAP_INIT;

    for (size_t i = 0; i < u->out.n; i++)
        if (!u->out.v[i].ignored && is_dark(u->out.v[i].verdict))
            add(&groups, &others, p, &u->out.v[i]);
    if (!groups.n)
        return;
    pb_buf_adds(p->b, "\n    ");
    pb_pen_ink(p, PB_MAGENTA, "could not be observed");
    pb_buf_addc(p->b, '\n');
    for (size_t i = 0; i < groups.n; i++)
        tell(p, words_of(&groups, i), groups.e[i].value);
    for (size_t i = 0; i < others.n; i++) {
        const char *said = words_of(&others, i);

        pb_pen_line(p, 6, pb_arena_printf(p->arena, "nor otherwise: %s", said));
        tell_remedy(p, said);
    }
}
