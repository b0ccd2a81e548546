/* Grouping of objects: AWS merges security group rules, Terraform keeps them as written. */
#include "backends/rest/derive.h"
#include "base/mem.h"

static bool in_by(const char *const *by, const char *name)
{
    for (; by && *by; by++)
        if (strcmp(*by, name) == 0)
            return true;
    return false;
}

static bool same_group(const struct pb_value *a, const struct pb_value *b, const char *const *by)
{
    for (; by && *by; by++) {
        const struct pb_value *x = pb_get(a, *by), *y = pb_get(b, *by);
        bool xn = pb_is_nullish(x), yn = pb_is_nullish(y);
        if (xn != yn || (!xn && !pb_value_equal(x, y)))
            return false;
    }
    return true;
}

static struct pb_value join_lists(struct pb_arena *a, const struct pb_value *x,
                                  const struct pb_value *y)
{
    struct pb_list_builder b = PB_BUILDER_INIT;
    for (size_t i = 0; i < pb_len(x); i++)
        pb_list_add(&b, *pb_at(x, i));
    for (size_t i = 0; i < pb_len(y); i++)
        pb_list_add(&b, *pb_at(y, i));
    return pb_list_done(&b, a);
}

static struct pb_value join_objects(struct pb_arena *a, const struct pb_value *x,
                                    const struct pb_value *y, const char *const *by)
{
    struct pb_map_builder m = PB_BUILDER_INIT;
    for (size_t i = 0; i < x->n; i++) {
        const char *key = x->members[i].key;
        const struct pb_value *p = &x->members[i].value, *q = pb_get(y, key);
        struct pb_value v = *p;
        if (!in_by(by, key) && q) {
            if (p->kind == PB_LIST && q->kind == PB_LIST)
                v = join_lists(a, p, q);
            else if (p->kind == PB_BOOL && q->kind == PB_BOOL)
                v = p->b || q->b ? pb_true : pb_false;
            else if (p->kind == PB_NULL)
                v = *q;
        }
        pb_map_add(&m, key, v);
    }
    return pb_map_done(&m, a);
}

struct pb_value pb_group(struct pb_arena *a, const struct pb_value *list, const char *const *by)
{
    struct pb_list_builder b = PB_BUILDER_INIT;
    for (size_t i = 0; i < list->n; i++) {
        const struct pb_value *item = &list->items[i];
        size_t j = 0;
        if (item->kind == PB_UNKNOWN) {
            pb_list_builder_release(&b);
            return *item;
        }
        while (j < b.n && !same_group(&b.v[j], item, by))
            j++;
        if (j < b.n)
            b.v[j] = join_objects(a, &b.v[j], item, by);
        else
            pb_list_add(&b, *item);
    }
    return pb_list_done(&b, a);
}

static bool has_item(const struct pb_value *list, const struct pb_value *item)
{
    for (size_t i = 0; i < pb_len(list); i++)
        if (pb_value_equal(pb_at(list, i), item))
            return true;
    return false;
}

/* Whether everything in `part` is in `whole`, and something is. */
static bool is_part(const struct pb_value *part, const struct pb_value *whole,
                    const char *const *by)
{
    bool something = false;
    for (size_t i = 0; i < pb_len(part); i++) {
        const char *key = part->members[i].key;
        const struct pb_value *p = &part->members[i].value, *w = pb_get(whole, key);
        if (in_by(by, key) || !w)
            continue;
        for (size_t k = 0; p->kind == PB_LIST && k < p->n; k++) {
            something = true;
            if (!has_item(w, &p->items[k]))
                return false;
        }
        if (p->kind == PB_BOOL && p->b) {
            something = true;
            if (!pb_is(w, PB_BOOL) || !w->b)
                return false;
        }
    }
    return something;
}

/* `whole` with either only what is in `part`, or all but that. */
static struct pb_value take(struct pb_arena *a, const struct pb_value *whole,
                            const struct pb_value *part, const char *const *by, bool rest)
{
    struct pb_map_builder m = PB_BUILDER_INIT;
    for (size_t i = 0; i < whole->n; i++) {
        const char *key = whole->members[i].key;
        const struct pb_value *w = &whole->members[i].value, *p = pb_get(part, key);
        struct pb_value v = *w;
        if (!in_by(by, key) && w->kind == PB_LIST) {
            struct pb_list_builder b = PB_BUILDER_INIT;
            for (size_t k = 0; k < w->n; k++)
                if (has_item(p, &w->items[k]) != rest)
                    pb_list_add(&b, w->items[k]);
            v = pb_list_done(&b, a);
        } else if (!in_by(by, key) && w->kind == PB_BOOL && w->b) {
            bool in_part = pb_is(p, PB_BOOL) && p->b;
            v = in_part != rest ? pb_true : pb_false;
        }
        pb_map_add(&m, key, v);
    }
    return pb_map_done(&m, a);
}

static bool has_content(const struct pb_value *v, const char *const *by)
{
    for (size_t i = 0; i < pb_len(v); i++) {
        const struct pb_value *m = &v->members[i].value;
        if (!in_by(by, v->members[i].key) &&
            ((m->kind == PB_LIST && m->n > 0) || (m->kind == PB_BOOL && m->b)))
            return true;
    }
    return false;
}

struct pb_value pb_split_like(struct pb_arena *a, const struct pb_value *groups,
                              const char *const *by, const struct pb_value *recorded)
{
    struct pb_list_builder b = PB_BUILDER_INIT;
    for (size_t i = 0; i < groups->n; i++) {
        struct pb_value left = groups->items[i];
        for (size_t j = 0; j < pb_len(recorded); j++) {
            const struct pb_value *part = pb_at(recorded, j);
            if (!same_group(&left, part, by) || !is_part(part, &left, by))
                continue;
            struct pb_value hit = take(a, &left, part, by, false);
            pb_list_add(&b, hit);
            left = take(a, &left, part, by, true);
        }
        if (has_content(&left, by) || !has_content(&groups->items[i], by))
            pb_list_add(&b, left);
    }
    return pb_list_done(&b, a);
}
