#include "report/cell.h"

#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

#include <stdlib.h>
#include <string.h>

enum { CELL_MAX = 4096 };

static const char not_seen[] = "(not seen)";

const char *pb_cell_text(struct pb_arena *a, const struct pb_value *v, int column)
{
    PB_AUTO(buf) struct pb_buf raw = PB_BUF_INIT, safe = PB_BUF_INIT;

    if (!v || pb_is(v, PB_NULL))
        return "-";
    if (v->flags & PB_V_SENSITIVE)
        return "(sensitive)";
    if (pb_is(v, PB_UNKNOWN))
        return column == PB_CELL_DECLARED ? "(known after apply)" : not_seen;
    pb_json_add_redacted(&raw, v);
    if (raw.len > CELL_MAX) {
        size_t over = raw.len - CELL_MAX;

        pb_buf_truncate(&raw, CELL_MAX);
        pb_text_add_safe(&safe, raw.s, raw.len);
        pb_buf_addf(&safe, "...(%zu more)", over);
    } else {
        pb_text_add_safe(&safe, raw.s, raw.len);
    }
    return pb_arena_strndup(a, safe.s, safe.len);
}

/* Two sensitive values are told apart without being shown. */
static const char *hidden(const struct pb_attr_result *attr, int column)
{
    const struct pb_value *v[PB_NCELLS] = {attr->declared, attr->recorded, attr->live};

    if (!v[column] || pb_is(v[column], PB_NULL))
        return "-";
    if (column == PB_CELL_LIVE && (attr->verdict == PB_DRIFTED || attr->verdict == PB_CONFLICT ||
                                   attr->verdict == PB_LAUNDERED))
        return "(sensitive, changed)";
    if (column == PB_CELL_DECLARED && (attr->verdict == PB_PENDING || attr->verdict == PB_CONFLICT))
        return "(sensitive, changed)";
    return "(sensitive)";
}

struct pb_row *pb_rows_new(struct pb_rows *rows, struct pb_arena *a,
                           const struct pb_attr_result *attr, const char *path)
{
    PB_AUTO(buf) struct pb_buf safe = PB_BUF_INIT;
    struct pb_row *r;

    rows->v = pb_grow(rows->v, &rows->cap, rows->n + 1, sizeof(*rows->v));
    r = &rows->v[rows->n++];
    memset(r, 0, sizeof(*r));
    pb_text_add_safe(&safe, path, strlen(path));
    r->path = pb_arena_strndup(a, safe.s, safe.len);
    r->verdict = attr->ignored ? "ignored" : pb_verdict_name(attr->verdict);
    if (attr->reason) {
        pb_buf_clear(&safe);
        pb_text_add_safe(&safe, attr->reason, strlen(attr->reason));
        r->reason = pb_arena_strndup(a, safe.s, safe.len);
    }
    return r;
}

bool pb_cell_is_nothing(const struct pb_value *v)
{
    return !v || v->kind == PB_NULL ||
           ((v->kind == PB_STRING || v->kind == PB_LIST || v->kind == PB_MAP) && !v->n);
}

/* Whether something is there as a whole or not at all: an element of a set that came or went. */
static bool is_whole(const struct pb_attr_result *attr)
{
    const struct pb_value *v[PB_NCELLS] = {attr->declared, attr->recorded, attr->live};
    const struct pb_value *first = NULL;
    bool absent = false;

    for (int i = 0; i < PB_NCELLS; i++) {
        if (!v[i] || v[i]->kind == PB_NULL) {
            absent = true;
            continue;
        }
        if (v[i]->kind != PB_MAP || (first && !pb_value_equal(first, v[i])))
            return false;
        first = v[i];
    }
    return absent && first;
}

const struct pb_value *pb_cell_brief(struct pb_arena *a, const struct pb_value *v)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    if (!v || v->kind != PB_MAP)
        return v;
    for (size_t i = 0; i < v->n; i++)
        if (!pb_cell_is_nothing(&v->members[i].value))
            pb_map_add(&b, v->members[i].key, v->members[i].value);
    return pb_box(a, pb_map_done(&b, a));
}

/* Where a refresh hid a change, no column has what it was. */
static void tell_baseline(struct pb_row *r, struct pb_arena *a, const struct pb_attr_result *attr)
{
    if (attr->verdict != PB_LAUNDERED || !attr->has_baseline || r->reason)
        return;
    if (pb_cell_is_nothing(attr->baseline))
        r->reason = "when last verified there was none";
    else if (attr->sensitive)
        r->reason = "when last verified it was another one";
    else
        r->reason =
            pb_arena_printf(a, "when last verified it was %s", pb_cell_text(a, attr->baseline, 2));
}

void pb_rows_add(struct pb_rows *rows, struct pb_arena *a, const struct pb_attr_result *attr)
{
    const struct pb_value *const side[PB_NCELLS] = {attr->declared, attr->recorded, attr->live};
    struct pb_row *r;
    bool whole;

    if (!attr->sensitive && attr->verdict != PB_IN_SYNC && pb_rows_add_parts(rows, a, attr))
        return;
    r = pb_rows_new(rows, a, attr, attr->path);
    whole = is_whole(attr);
    for (int i = 0; i < PB_NCELLS; i++)
        r->cell[i] = attr->sensitive
                         ? hidden(attr, i)
                         : pb_cell_text(a, whole ? pb_cell_brief(a, side[i]) : side[i], i);
    if (!attr->declared)
        r->cell[PB_CELL_DECLARED] = "(silent)";
    if (!attr->seen)
        r->cell[PB_CELL_LIVE] = not_seen;
    if (pb_is(attr->declared, PB_UNKNOWN) && attr->seen && !pb_has_unknown(attr->live))
        r->reason = NULL; /* the cell says it already */
    tell_baseline(r, a, attr);
}

void pb_rows_release(struct pb_rows *rows)
{
    free(rows->v);
    *rows = (struct pb_rows){0};
}

static size_t char_len(const char *s)
{
    size_t n = 1;

    while (((unsigned char)s[n] & 0xc0) == 0x80)
        n++;
    return n;
}

void pb_cell_fit(struct pb_buf *out, const char *s, size_t width)
{
    size_t have = pb_text_width(s), len = strlen(s), used = 0, head, tail;
    PB_AUTO(str) char *mark = NULL;
    const char *p = s;

    if (have <= width) {
        pb_buf_adds(out, s);
        return;
    }
    mark = pb_asprintf("...(%zu)...", have);
    if (width < strlen(mark) + 8) {
        pb_buf_adds(out, mark);
        return;
    }
    head = (width - strlen(mark)) * 2 / 3;
    tail = width - strlen(mark) - head;
    while (*p && used < head) {
        size_t n = char_len(p);

        pb_buf_add(out, p, n);
        p += n;
        used++;
    }
    pb_buf_adds(out, mark);
    p = s + len;
    for (used = 0; p > s && used < tail; used++)
        while (--p > s && ((unsigned char)*p & 0xc0) == 0x80)
            ;
    pb_buf_adds(out, p);
}
