#include "run/live.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "run/data.h"

#include <stdlib.h>
#include <string.h>

struct reader {
    struct pb_arena *arena;
    const struct pb_live_request *rq;
    struct pb_observe_request base;
    struct pb_live *out; /* one for each in `res` */
    const struct pb_recorded **res;
    size_t n;
    enum { FIRST, CONFIRM, LAST } pass; /* which observers are asked */
    struct pb_observe_stats *stats;
};

const struct pb_observer *pb_live_observer(const char *name)
{
    for (size_t i = 0; pb_observers[i]; i++)
        if (strcmp(pb_observers[i]->name, name) == 0)
            return pb_observers[i];
    return NULL;
}

static struct pb_value mark_map(struct pb_arena *a, const struct pb_value *v,
                                const struct pb_value *like, const struct pb_type *t)
{
    struct pb_map_builder m = PB_BUILDER_INIT;

    for (size_t i = 0; i < v->n; i++) {
        const char *key = v->members[i].key;
        const struct pb_field *f = t && t->kind == PB_T_OBJECT ? pb_type_field(t, key) : NULL;
        const struct pb_type *inner = f ? f->type : t && t->kind == PB_T_MAP ? t->elem : NULL;
        struct pb_value x = pb_live_mark(a, &v->members[i].value, pb_get(like, key), inner);

        if (f && (f->flags & PB_F_SENSITIVE))
            x.flags |= PB_V_SENSITIVE;
        pb_map_add(&m, key, x);
    }
    return pb_map_done(&m, a);
}

static bool any_sensitive(const struct pb_value *v)
{
    if (!v)
        return false;
    if (v->flags & PB_V_SENSITIVE)
        return true;
    for (size_t i = 0; v->kind == PB_LIST && i < v->n; i++)
        if (any_sensitive(&v->items[i]))
            return true;
    for (size_t i = 0; v->kind == PB_MAP && i < v->n; i++)
        if (any_sensitive(&v->members[i].value))
            return true;
    return false;
}

static bool has_marks(const struct pb_value *v, const struct pb_value *like,
                      const struct pb_type *t);

/* Keys of all three are sorted. */
static bool map_has_marks(const struct pb_value *v, const struct pb_value *like,
                          const struct pb_type *t)
{
    const struct pb_type *object = t && t->kind == PB_T_OBJECT ? t : NULL;
    const struct pb_type *elem = t && t->kind == PB_T_MAP ? t->elem : NULL;
    size_t l = 0, nl = pb_is(like, PB_MAP) ? like->n : 0, f = 0, nf = object ? object->nfields : 0;

    for (size_t i = 0; i < v->n; i++) {
        const char *key = v->members[i].key;
        const struct pb_field *field;
        const struct pb_value *same;
        int at = 1;

        while (f < nf && (at = strcmp(object->fields[f].name, key)) < 0)
            f++;
        field = f < nf && at == 0 ? &object->fields[f] : NULL;
        at = 1;
        while (l < nl && (at = strcmp(like->members[l].key, key)) < 0)
            l++;
        same = l < nl && at == 0 ? &like->members[l].value : NULL;
        if ((field && (field->flags & PB_F_SENSITIVE)) ||
            has_marks(&v->members[i].value, same, field ? field->type : elem))
            return true;
    }
    return false;
}

/* Whether marking would make anything sensitive. */
static bool has_marks(const struct pb_value *v, const struct pb_value *like,
                      const struct pb_type *t)
{
    if (like && (like->flags & PB_V_SENSITIVE))
        return true;
    if (v->kind == PB_MAP)
        return map_has_marks(v, like, t);
    if (v->kind != PB_LIST)
        return false;
    if (any_sensitive(like))
        return true;
    for (size_t i = 0; i < v->n; i++)
        if (has_marks(&v->items[i], NULL, t ? t->elem : NULL))
            return true;
    return false;
}

struct pb_value pb_live_mark(struct pb_arena *a, const struct pb_value *v,
                             const struct pb_value *like, const struct pb_type *t)
{
    struct pb_value out = *v;

    if (!has_marks(v, like, t)) /* of nearly all there is nothing to copy */
        return out;
    if (like && (like->flags & PB_V_SENSITIVE)) {
        out.flags |= PB_V_SENSITIVE;
        return out;
    }
    if (v->kind == PB_MAP) {
        out = mark_map(a, v, pb_is(like, PB_MAP) ? like : NULL, t);
    } else if (v->kind == PB_LIST) {
        struct pb_list_builder l = PB_BUILDER_INIT;

        /* Items of a set have no place of their own: one secret marks them all. */
        if (any_sensitive(like)) {
            out.flags |= PB_V_SENSITIVE;
            return out;
        }
        for (size_t i = 0; i < v->n; i++)
            pb_list_add(&l, pb_live_mark(a, &v->items[i], NULL, t ? t->elem : NULL));
        out = pb_list_done(&l, a);
    }
    out.flags |= v->flags;
    return out;
}

static void source_of(struct pb_buf *out, const struct reader *rd, const struct pb_recorded *r)
{
    const char *open, *close;

    for (size_t i = 0; r->provider && i < rd->rq->nproviders; i++) {
        if (rd->rq->providers[i].source && strcmp(rd->rq->providers[i].key, r->provider) == 0) {
            pb_buf_adds(out, rd->rq->providers[i].source);
            return;
        }
    }
    open = r->provider ? strstr(r->provider, "provider[\"") : NULL;
    close = open ? strchr(open + 10, '"') : NULL;
    if (close)
        pb_buf_add(out, open + 10, (size_t)(close - open - 10));
}

static void unknown(struct reader *rd, size_t i, const char *reason)
{
    rd->out[i] = (struct pb_live){
        .address = rd->res[i]->address, .presence = PB_P_UNKNOWN, .reason = reason};
}

static bool takes_part(const struct reader *rd, const struct pb_observer *o)
{
    return rd->pass == (o->last_resort ? LAST : o->confirms ? CONFIRM : FIRST);
}

/* What is asked of one observer, which may have begun to read its files. */
static struct pb_observe_request request_to(const struct reader *rd, const struct pb_observer *o)
{
    struct pb_observe_request rq = rd->base;

    rq.ahead = rd->rq->ahead && rd->rq->ahead->of == o ? rd->rq->ahead->what : NULL;
    return rq;
}

static const struct pb_observer *ask_who(struct reader *rd, const char *source, const char *type)
{
    const struct pb_observer *forced = rd->rq->observer ? pb_live_observer(rd->rq->observer) : NULL;

    for (size_t k = 0; pb_observers[k]; k++) {
        struct pb_observe_request rq = request_to(rd, pb_observers[k]);

        if ((forced ? pb_observers[k] == forced : takes_part(rd, pb_observers[k])) &&
            pb_observers[k]->covers(&rq, source, type))
            return pb_observers[k];
    }
    return NULL;
}

/* Asking reads files: once for each type of a provider, not for each resource. */
static const struct pb_observer *who_covers(struct reader *rd, struct pb_map *known,
                                            const struct pb_recorded *r)
{
    static const struct pb_observer nobody;
    PB_AUTO(buf) struct pb_buf source = PB_BUF_INIT, key = PB_BUF_INIT;
    const struct pb_observer *o;

    source_of(&source, rd, r);
    pb_buf_addf(&key, "%s %s", source.s, r->type);
    if (!pb_map_has(known, key.s)) {
        o = ask_who(rd, source.s, r->type);
        pb_map_put(known, key.s, (void *)(uintptr_t)(o ? o : &nobody));
    }
    o = pb_map_get(known, key.s);
    return o == &nobody ? NULL : o;
}

/* Those that need no observer, or have none. Sets who[i] for the others. */
static void assign(struct reader *rd, const struct pb_observer **who)
{
    PB_AUTO(map) struct pb_map known = PB_MAP_INIT;

    for (size_t i = 0; i < rd->n; i++) {
        const struct pb_recorded *r = rd->res[i];
        const char *local = pb_data_local_type(rd->rq->local_types, r->type);

        if (local) {
            rd->out[i] = (struct pb_live){.address = r->address,
                                          .observer = "none",
                                          .presence = PB_P_KNOWN,
                                          .reason = pb_arena_strdup(rd->arena, local),
                                          .attributes = r->attributes};
            continue;
        }
        who[i] = who_covers(rd, &known, r);
        if (!who[i])
            unknown(rd, i, pb_arena_printf(rd->arena, "no pack for type '%s'", r->type));
    }
}

static void add_stats(struct pb_observe_stats *to, const struct pb_observe_stats *s)
{
    to->requests += s->requests;
    to->retries += s->retries;
    to->failed += s->failed;
    to->bytes += s->bytes;
}

void pb_live_ahead_start(struct pb_live_ahead *out, struct pb_crew *crew, const char *observer,
                         const char *pack_dirs, const struct pb_recorded_set *recorded)
{
    const struct pb_observer *o = observer ? pb_live_observer(observer) : pb_observers[0];

    *out = (struct pb_live_ahead){0};
    if (crew && o && o->ahead && recorded->n)
        *out = (struct pb_live_ahead){o, o->ahead(crew, pack_dirs, recorded)};
}

void pb_live_ahead_end(struct pb_live_ahead *h)
{
    if (h->of)
        h->of->ahead_end(h->what);
    *h = (struct pb_live_ahead){0};
}

static int ask(struct reader *rd, const struct pb_observer *o, const struct pb_observer **who,
               struct pb_err *err)
{
    const struct pb_recorded **res = pb_calloc(rd->n + 1, sizeof(*res));
    struct pb_live *out = pb_calloc(rd->n + 1, sizeof(*out));
    struct pb_observe_request rq = request_to(rd, o);
    struct pb_observe_stats stats = {0};
    size_t n = 0;
    int rc = 0;

    for (size_t i = 0; i < rd->n; i++)
        if (who[i] == o)
            res[n++] = rd->res[i];
    rq.resources = res;
    rq.n = n;
    if (n && o->confirms && rd->rq->plugins)
        rq.plugins = rd->rq->plugins(rd->rq->ctx);
    if (n)
        rc = o->observe(out, &stats, rd->arena, &rq, err);
    n = 0;
    for (size_t i = 0; rc == 0 && i < rd->n; i++) {
        if (who[i] != o)
            continue;
        rd->out[i] = out[n++];
        rd->out[i].address = rd->res[i]->address;
        if (!rd->out[i].observer)
            rd->out[i].observer = o->name;
    }
    add_stats(rd->stats, &stats);
    free(res);
    free(out);
    return rc;
}

static void mark_all(struct reader *rd)
{
    for (size_t i = 0; i < rd->n; i++) {
        const struct pb_schema *s =
            rd->rq->schemas ? pb_schema_find(rd->rq->schemas, rd->res[i]->type) : NULL;
        struct pb_value v;

        if (!rd->out[i].attributes)
            continue;
        v = pb_live_mark(rd->arena, rd->out[i].attributes, rd->res[i]->attributes,
                         s ? s->root : NULL);
        rd->out[i].attributes = pb_box(rd->arena, v);
    }
}

/* What earlier passes left of the unit's time; 0 would be no limit but the observer's own. */
static long time_left(const struct reader *rd)
{
    long all = rd->rq->timeout_ms, left = all - rd->stats->elapsed_ms;

    return all <= 0 ? 0 : left > 0 ? left : 1;
}

static int read_them(struct reader *rd, struct pb_err *err)
{
    static const struct pb_schema_set none;
    const struct pb_live_request *rq = rd->rq;
    const struct pb_observer **who = pb_calloc(rd->n + 1, sizeof(*who));
    const struct pb_observer *forced;
    int64_t start = pb_clock_ms();
    int rc = 0;

    rd->base = (struct pb_observe_request){
        .recorded = rq->whole ? rq->whole : rq->recorded,
        .providers = rq->providers,
        .nproviders = rq->nproviders,
        .schemas = rq->schemas ? rq->schemas : &none,
        .pack_dirs = rq->pack_dirs,
        .concurrency = rq->concurrency,
        .timeout_ms = time_left(rd),
        .progress = rq->progress,
        .diags = rq->diags,
    };
    forced = rq->observer ? pb_live_observer(rq->observer) : NULL;
    if (rq->observer && !forced)
        rc = pb_fail(err, PB_E_USAGE, "there is no observer '%s'", rq->observer);
    else if (rq->unit && (forced ? forced->last_resort : rd->pass == LAST)) {
        rd->base.unit = rq->unit(rq->ctx, err);
        rc = rd->base.unit ? 0 : -1;
    }
    if (rc == 0)
        assign(rd, who);
    for (size_t k = 0; rc == 0 && pb_observers[k]; k++)
        rc = ask(rd, pb_observers[k], who, err);
    if (rc == 0)
        mark_all(rd);
    rd->stats->elapsed_ms += (long)(pb_clock_ms() - start);
    free(who);
    return rc;
}

int pb_live_read(struct pb_live_set *out, struct pb_observe_stats *stats, struct pb_arena *a,
                 const struct pb_live_request *rq, struct pb_err *err)
{
    struct reader rd = {.arena = a, .rq = rq, .stats = stats};
    int rc;

    rd.res = pb_calloc(rq->recorded->n + 1, sizeof(*rd.res));
    for (size_t i = 0; i < rq->recorded->n; i++)
        if (!rq->recorded->v[i].deposed)
            rd.res[rd.n++] = &rq->recorded->v[i];
    rd.out = pb_arena_zalloc(a, (rd.n + 1) * sizeof(*rd.out));
    rc = read_them(&rd, err);
    *out = (struct pb_live_set){rd.out, rc == 0 ? rd.n : 0};
    free(rd.res);
    return rc;
}

static const struct pb_provider_config *config_of(const struct pb_provider_config *v, size_t n,
                                                  const char *key)
{
    for (size_t i = 0; key && i < n; i++)
        if (strcmp(v[i].key, key) == 0)
            return &v[i];
    return NULL;
}

static bool same_config(const struct pb_provider_config *a, const struct pb_provider_config *b)
{
    if (!a || !b)
        return a == b;
    if (!a->values || !b->values)
        return a->values == b->values;
    return pb_value_equal(a->values, b->values);
}

int pb_live_again(struct pb_live_set *set, size_t *again, struct pb_observe_stats *stats,
                  struct pb_arena *a, const struct pb_live_request *rq,
                  const struct pb_provider_config *before, size_t nbefore, struct pb_err *err)
{
    struct reader rd = {.arena = a, .rq = rq, .stats = stats};
    struct pb_live *all = pb_arena_zalloc(a, (set->n + 1) * sizeof(*all));
    int rc = 0;

    memcpy(all, set->v, set->n * sizeof(*all));
    rd.res = pb_calloc(rq->recorded->n + 1, sizeof(*rd.res));
    for (size_t i = 0; i < rq->recorded->n; i++) {
        const struct pb_recorded *r = &rq->recorded->v[i];

        if (!r->deposed && !same_config(config_of(before, nbefore, r->provider),
                                        config_of(rq->providers, rq->nproviders, r->provider)))
            rd.res[rd.n++] = r;
    }
    *again = rd.n;
    rd.out = pb_arena_zalloc(a, (rd.n + 1) * sizeof(*rd.out));
    if (rd.n)
        rc = read_them(&rd, err);
    for (size_t i = 0, k = 0; rc == 0 && i < rd.n; i++) {
        while (k < set->n && strcmp(all[k].address, rd.out[i].address) != 0)
            k++;
        if (k < set->n)
            all[k] = rd.out[i];
    }
    set->v = all;
    free(rd.res);
    return rc;
}

/* ---- asking again through the tool's own plugins ------------------------------------------- */

static bool empty(const struct pb_value *v)
{
    return pb_is_nullish(v) ||
           ((v->kind == PB_LIST || v->kind == PB_MAP || v->kind == PB_STRING) && v->n == 0);
}

/* What was read out of replies of which one was wrong in itself: as recorded, it cannot have come
 * from that; anything else can. */
static void doubt_changes(struct pb_live *l, const struct pb_value *recorded, const char *garbled,
                          struct pb_arena *a)
{
    const char *why = pb_arena_printf(a,
                                      "%s; '%s' sees something else than is recorded, which such a "
                                      "reply explains",
                                      garbled, l->observer);
    struct pb_map_builder m = PB_BUILDER_INIT;

    for (size_t i = 0; i < pb_len(l->attributes); i++) {
        const struct pb_member *e = &l->attributes->members[i];
        const struct pb_value *r = pb_get(recorded, e->key);
        bool same = (empty(r) && empty(&e->value)) || pb_value_equal(r, &e->value);

        pb_map_add(&m, e->key, same ? e->value : pb_mk_unknown(a, why));
    }
    l->attributes = pb_box(a, pb_map_done(&m, a));
}

/* Where the first could not see, the word of the other that it does not exist is no proof:
 * providers take many a wrong reply for that. Where it saw it: providers give up an object that is
 * not whole, such as a rule that lost one of its ranges, and what is left of it tells more. */
static void merge_absent(struct pb_live *l, const struct pb_live *more, struct pb_arena *a,
                         struct pb_diags *diags)
{
    if (l->presence == PB_P_ABSENT || !l->observer) {
        *l = *more;
    } else if (l->presence == PB_P_UNKNOWN) {
        l->reason =
            pb_arena_printf(a, "%s; '%s' says that it does not exist, which is no proof then",
                            l->reason ? l->reason : "not read", more->observer);
    } else if (diags) {
        pb_diag_add(diags, a, "notice", "not-confirmed", l->address,
                    "the pack reads it, and the provider takes it for deleted");
    }
}

/* What is told of a resource once both were asked; `more` is the confirming one. */
static void merge(struct pb_live *l, const struct pb_live *more, const struct pb_recorded *r,
                  struct pb_map *told, struct pb_arena *a, struct pb_diags *diags)
{
    const char *why = more->reason ? more->reason : "no reason given";

    if (more->presence == PB_P_ABSENT) {
        merge_absent(l, more, a, diags);
    } else if (more->presence == PB_P_KNOWN) {
        const char *garbled = l->garbled;

        *l = *more;
        if (garbled)
            doubt_changes(l, more->upgraded ? more->upgraded : r->attributes, garbled, a);
    } else if (l->presence == PB_P_UNKNOWN) {
        l->reason =
            pb_arena_printf(a, "%s%s%s", l->reason ? l->reason : "not read", PB_LIVE_NOR, why);
        l->unusable = more->unusable;
    } else if (diags && !pb_map_has(told, why)) {
        pb_map_put(told, why, told);
        pb_diag_add(diags, a, "notice", "not-confirmed", l->address,
                    "only the pack says so, for this and perhaps others: %s", why);
    }
}

/* One pass over `want`; what was learned is merged into `all`. */
static int pass_over(struct pb_live *all, const size_t *want, size_t n, struct reader *rd,
                     struct pb_err *err)
{
    const struct pb_live_request *rq = rd->rq;
    size_t *at = pb_calloc(n + 1, sizeof(*at));
    PB_AUTO(map) struct pb_map told = PB_MAP_INIT;
    int rc = 0;

    rd->n = 0;
    rd->res = pb_calloc(n + 1, sizeof(*rd->res));
    for (size_t i = 0; i < n; i++) {
        const struct pb_recorded *r = pb_recorded_find(rq->recorded, all[want[i]].address);

        if (!r)
            continue;
        at[rd->n] = want[i];
        rd->res[rd->n++] = r;
    }
    rd->out = pb_arena_zalloc(rd->arena, (rd->n + 1) * sizeof(*rd->out));
    if (rd->n)
        rc = read_them(rd, err);
    for (size_t i = 0; rc == 0 && i < rd->n; i++)
        if (rd->out[i].observer) /* else none covers its type */
            merge(&all[at[i]], &rd->out[i], rd->res[i], &told, rd->arena, rq->diags);
    free(pb_take(&rd->res));
    free(at);
    return rc;
}

int pb_live_confirm(struct pb_live_set *set, const size_t *want, size_t n,
                    struct pb_observe_stats *stats, struct pb_arena *a,
                    const struct pb_live_request *rq, struct pb_err *err)
{
    struct reader rd = {.arena = a, .rq = rq, .stats = stats, .pass = CONFIRM};
    struct pb_live *all = pb_arena_zalloc(a, (set->n + 1) * sizeof(*all));
    size_t *dark = pb_calloc(n + 1, sizeof(*dark)), ndark = 0;
    int rc;

    memcpy(all, set->v, set->n * sizeof(*all));
    rc = pass_over(all, want, n, &rd, err);
    /* Where a pack looked and could not see, a whole refresh would ask the same cloud in vain. */
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (!set->v[want[i]].observer && all[want[i]].presence == PB_P_UNKNOWN &&
            all[want[i]].unusable)
            dark[ndark++] = want[i];
    rd.pass = LAST;
    if (rc == 0 && ndark && rq->unit)
        rc = pass_over(all, dark, ndark, &rd, err);
    set->v = all;
    free(dark);
    return rc;
}
