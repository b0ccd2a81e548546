/* JSON in strings, such as policies: what differs in it, part by part. */
#include "report/cell.h"

#include "base/mem.h"
#include "model/json.h"
#include "model/path.h"
#include "reconcile/align.h"
#include "reconcile/policydoc.h"

#include <stdlib.h>
#include <string.h>

enum { PARTS_MAX = 12 };

static bool same(const struct pb_value *a, const struct pb_value *b)
{
    return a == b || (a && b && pb_value_equal(a, b));
}

struct parts {
    struct pb_rows *rows;
    struct pb_arena *arena;
    const struct pb_attr_result *attr;
    struct pb_buf path;
    bool policy; /* normalised: lists of values are sets */
    size_t n;
};

static bool all_or_none(const struct pb_value *const v[PB_NCELLS], enum pb_kind kind)
{
    bool any = false;

    for (int i = 0; i < PB_NCELLS; i++) {
        if (v[i] && v[i]->kind != kind)
            return false;
        any |= v[i] != NULL;
    }
    return any;
}

static void add_parts(struct parts *p, const struct pb_value *const v[PB_NCELLS]);

static void part_keys(struct parts *p, const struct pb_value *const v[PB_NCELLS])
{
    size_t at[PB_NCELLS] = {0}, len = p->path.len;

    for (;;) {
        const struct pb_value *inner[PB_NCELLS] = {NULL};
        const char *least = NULL;

        for (int i = 0; i < PB_NCELLS; i++)
            if (v[i] && at[i] < v[i]->n && (!least || strcmp(v[i]->members[at[i]].key, least) < 0))
                least = v[i]->members[at[i]].key;
        if (!least)
            return;
        for (int i = 0; i < PB_NCELLS; i++)
            if (v[i] && at[i] < v[i]->n && strcmp(v[i]->members[at[i]].key, least) == 0)
                inner[i] = &v[i]->members[at[i]++].value;
        pb_path_add_key(&p->path, least);
        add_parts(p, inner);
        pb_buf_truncate(&p->path, len);
    }
}

static void part_items(struct parts *p, const struct pb_value *const v[PB_NCELLS])
{
    size_t n = 0, len = p->path.len;

    for (int i = 0; i < PB_NCELLS; i++)
        if (v[i] && v[i]->n > n)
            n = v[i]->n;
    for (size_t k = 0; k < n; k++) {
        const struct pb_value *inner[PB_NCELLS];

        for (int i = 0; i < PB_NCELLS; i++)
            inner[i] = pb_at(v[i], k);
        pb_path_add_index(&p->path, k);
        add_parts(p, inner);
        pb_buf_truncate(&p->path, len);
    }
}

static void part_statement(struct parts *p, const struct pb_value *const v[PB_NCELLS], size_t k)
{
    size_t len = p->path.len;
    const char *sid = NULL;

    for (int i = 0; i < PB_NCELLS; i++)
        sid = sid ? sid : pb_get_str(v[i], "Sid");
    if (sid)
        pb_path_add_key(&p->path, sid);
    else
        pb_path_add_index(&p->path, k);
    add_parts(p, v);
    pb_buf_truncate(&p->path, len);
}

/* One that allows is not a changed one that denied. */
static bool other_effect(const struct pb_value *a, const struct pb_value *b)
{
    return a && b && !same(pb_get(a, "Effect"), pb_get(b, "Effect"));
}

/* Statements have no order: those that are most alike go together. They are told by their Sid. */
static void part_statements(struct parts *p, const struct pb_value *const v[PB_NCELLS])
{
    const struct pb_compare cmp = {.scratch = p->arena};
    const struct pb_align_in in = {&pb_type_dynamic, v[0], v[1], v[2], NULL};
    struct pb_aligned *rows;
    size_t n = pb_align_set(&rows, &cmp, &in);

    for (size_t k = 0; k < n; k++) {
        const long at[PB_NCELLS] = {rows[k].d, rows[k].r, rows[k].l};
        const struct pb_value *all[PB_NCELLS], *live[PB_NCELLS] = {NULL};

        for (int i = 0; i < PB_NCELLS; i++)
            all[i] = at[i] < 0 ? NULL : pb_at(v[i], (size_t)at[i]);
        if (other_effect(all[PB_CELL_RECORDED], all[PB_CELL_LIVE])) {
            live[PB_CELL_LIVE] = all[PB_CELL_LIVE];
            all[PB_CELL_LIVE] = NULL;
            part_statement(p, live, k);
        }
        part_statement(p, all, k);
    }
    free(rows);
}

static bool any_absent(const struct pb_value *const v[PB_NCELLS])
{
    return !v[0] || !v[1] || !v[2];
}

static void add_parts(struct parts *p, const struct pb_value *const v[PB_NCELLS])
{
    bool top = !p->path.len;
    struct pb_row *r;

    if (same(v[0], v[1]) && same(v[1], v[2]))
        return;
    /* What came or went as a whole is told as a whole. */
    if (all_or_none(v, PB_MAP) && (top || !any_absent(v))) {
        part_keys(p, v);
        return;
    }
    if (p->policy && all_or_none(v, PB_LIST) && strcmp(p->path.s, "Statement") == 0) {
        part_statements(p, v);
        return;
    }
    if (!p->policy && all_or_none(v, PB_LIST)) {
        part_items(p, v);
        return;
    }
    if (p->n++ >= PARTS_MAX)
        return;
    r = pb_rows_new(p->rows, p->arena, p->attr,
                    pb_arena_printf(p->arena, "%s: %s", p->attr->path, p->path.s));
    for (int i = 0; i < PB_NCELLS; i++)
        r->cell[i] = pb_cell_text(p->arena, pb_cell_brief(p->arena, v[i]), i);
    if (!p->attr->declared)
        r->cell[PB_CELL_DECLARED] = "(silent)";
}

/* Strings that hold a JSON object or list, on all sides that have a say. */
static bool as_json(const struct pb_value *out[PB_NCELLS], struct pb_arena *a,
                    const struct pb_attr_result *attr)
{
    const struct pb_value *v[PB_NCELLS] = {attr->declared, attr->recorded, attr->live};

    for (int i = PB_NCELLS - 1; i >= 0; i--) {
        const char *s = pb_str(v[i]);

        if (i == PB_CELL_DECLARED && !v[i]) {
            out[i] = out[PB_CELL_RECORDED]; /* Git is silent: it differs from nothing */
            continue;
        }
        if (!s || (*s != '{' && *s != '[') ||
            pb_json_parse(&out[i], a, s, v[i]->n, "value", NULL) < 0)
            return false;
    }
    return true;
}

static bool normalise(const struct pb_value *v[PB_NCELLS], struct pb_arena *a)
{
    for (int i = 0; i < PB_NCELLS; i++)
        if (v[i] && !pb_policydoc_is(v[i]))
            return false;
    for (int i = 0; i < PB_NCELLS; i++)
        if (v[i])
            v[i] = pb_box(a, pb_policydoc_normal(a, v[i]));
    return true;
}

bool pb_rows_add_parts(struct pb_rows *rows, struct pb_arena *a, const struct pb_attr_result *attr)
{
    const struct pb_value *v[PB_NCELLS];
    struct parts p = {.rows = rows, .arena = a, .attr = attr, .path = PB_BUF_INIT};

    if (!as_json(v, a, attr))
        return false;
    p.policy = normalise(v, a);
    add_parts(&p, v);
    pb_buf_release(&p.path);
    if (p.n > PARTS_MAX) {
        struct pb_row *r =
            pb_rows_new(rows, a, attr,
                        pb_arena_printf(a, "%s: and %zu more parts", attr->path, p.n - PARTS_MAX));

        r->cell[0] = r->cell[1] = r->cell[2] = "...";
    }
    return p.n > 0;
}
