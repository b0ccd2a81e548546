/* The three-way tables of the report for people. */
#include "report/pen.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "report/cell.h"

#include <stdlib.h>
#include <string.h>

enum { INDENT = 6, LINES_MAX = 4 };

static const char *const heads[PB_NCELLS] = {"declared", "recorded", "live"};

static void pad(struct pb_buf *b, const char *s, size_t width)
{
    size_t w = pb_text_width(s);

    pb_buf_adds(b, s);
    if (w < width)
        pb_buf_addf(b, "%*s", (int)(width - w), "");
}

static size_t widest(size_t w, const char *s)
{
    size_t n = pb_text_width(s);

    return n > w ? n : w;
}

static void table(struct pb_pen *p, const struct pb_rows *rows, const size_t w[2 + PB_NCELLS])
{
    pb_buf_addf(p->b, "%*s", INDENT, "");
    pad(p->b, "attribute", w[0] + 2);
    pad(p->b, "verdict", w[1] + 2);
    for (int k = 0; k < PB_NCELLS - 1; k++)
        pad(p->b, heads[k], w[2 + k] + 2);
    pb_buf_addf(p->b, "%s\n", heads[PB_NCELLS - 1]);
    for (size_t i = 0; i < rows->n; i++) {
        const struct pb_row *r = &rows->v[i];

        pb_buf_addf(p->b, "%*s", INDENT, "");
        pad(p->b, r->path, w[0] + 2);
        pad(p->b, r->verdict, w[1] + 2);
        for (int k = 0; k < PB_NCELLS - 1; k++)
            pad(p->b, r->cell[k], w[2 + k] + 2);
        pb_buf_addf(p->b, "%s\n", r->cell[PB_NCELLS - 1]);
        if (r->reason)
            pb_pen_line(p, INDENT + 2, r->reason);
    }
}

/* How many bytes of the text go into a line: behind its last comma, or all there is room
 * for. */
static size_t line_of(const char *s, size_t room)
{
    size_t n = 0, used = 0, comma = 0;

    while (s[n] && used < room) {
        if (s[n] == ',' && used > room / 3)
            comma = n + 1;
        for (n++; ((unsigned char)s[n] & 0xc0) == 0x80; n++)
            ;
        used++;
    }
    return s[n] && comma ? comma : n;
}

/* A value over a few lines; the middle of a longer one is left out. */
static void value(struct pb_pen *p, const char *s, size_t indent)
{
    PB_AUTO(buf) struct pb_buf fit = PB_BUF_INIT;
    size_t room = p->width > indent + 20 ? p->width - indent : 20;

    pb_cell_fit(&fit, s, room * LINES_MAX);
    for (const char *c = fit.s; *c;) {
        size_t n = line_of(c, room);

        if (c != fit.s)
            pb_buf_addf(p->b, "\n%*s", (int)indent, "");
        pb_buf_add(p->b, c, n);
        c += n;
    }
    pb_buf_addc(p->b, '\n');
}

/* When the values are too wide for columns: one under the other, and what is the same once. */
static void stack(struct pb_pen *p, const struct pb_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++) {
        const struct pb_row *r = &rows->v[i];
        bool dr = strcmp(r->cell[0], r->cell[1]) == 0, rl = strcmp(r->cell[1], r->cell[2]) == 0;
        size_t label = dr || rl ? 20 : 10;

        pb_buf_addf(p->b, "%*s%s  %s\n", INDENT, "", r->path, r->verdict);
        for (int k = 0; k < PB_NCELLS; k++) {
            const char *name = k == 0 && dr   ? "declared, recorded"
                               : k == 1 && rl ? "recorded, live"
                                              : heads[k];

            if ((k == 1 && dr) || (k == 2 && rl && !dr))
                continue;
            pb_buf_addf(p->b, "%*s%-*s", INDENT + 2, "", (int)label, name);
            value(p, r->cell[k], INDENT + 2 + label);
        }
        if (r->reason)
            pb_pen_line(p, INDENT + 2, r->reason);
    }
}

static void differences(struct pb_pen *p, const struct pb_rows *rows)
{
    size_t w[2 + PB_NCELLS] = {9, 7, 8, 8, 4}, total = INDENT;

    for (size_t i = 0; i < rows->n; i++) {
        w[0] = widest(w[0], rows->v[i].path);
        w[1] = widest(w[1], rows->v[i].verdict);
        for (int k = 0; k < PB_NCELLS; k++)
            w[2 + k] = widest(w[2 + k], rows->v[i].cell[k]);
    }
    for (size_t k = 0; k < PB_COUNT(w); k++)
        total += w[k] + 2;
    if (rows->n && total <= p->width + 2)
        table(p, rows, w);
    else
        stack(p, rows);
}

/* What agrees on all sides needs no columns. */
static void agreement(struct pb_pen *p, const struct pb_rows *rows)
{
    size_t w = 0, room;

    for (size_t i = 0; i < rows->n; i++)
        w = widest(w, rows->v[i].path);
    if (rows->n)
        pb_pen_line(p, INDENT, "in sync:");
    w = w > p->width / 2 ? p->width / 2 : w;
    room = p->width - INDENT - 4 - w;
    for (size_t i = 0; i < rows->n; i++) {
        size_t n = pb_text_width(rows->v[i].path), over = n > w ? n - w : 0;

        pb_buf_addf(p->b, "%*s", INDENT + 2, "");
        pad(p->b, rows->v[i].path, w + over + 2);
        pb_cell_fit(p->b, rows->v[i].cell[PB_CELL_RECORDED], room > over + 20 ? room - over : 20);
        pb_buf_addc(p->b, '\n');
    }
}

static void add_name(struct pb_map *by_reason, struct pb_pen *p, const struct pb_attr_result *at)
{
    const char *why = at->reason ? at->reason : "not observed";
    const char *names = pb_map_get(by_reason, why);

    names = names ? pb_arena_printf(p->arena, "%s, %s", names, at->path) : at->path;
    pb_map_put(by_reason, why, (void *)(uintptr_t)names);
}

static void by_reason(struct pb_pen *p, const char *what, const struct pb_map *reasons)
{
    for (size_t i = 0; i < reasons->n; i++)
        pb_pen_line(p, INDENT,
                    pb_arena_printf(p->arena, "%s (%s): %s", what, reasons->e[i].key,
                                    (const char *)reasons->e[i].value));
}

static bool says_nothing(const struct pb_value *v)
{
    return !v || v->kind == PB_NULL ||
           ((v->kind == PB_STRING || v->kind == PB_LIST || v->kind == PB_MAP) && !v->n);
}

void pb_pen_attributes(struct pb_pen *p, const struct pb_resource_result *r, bool every)
{
    PB_AUTO(map) struct pb_map unchecked = PB_MAP_INIT, echoes = PB_MAP_INIT;
    struct pb_rows loud = {0}, quiet = {0};

    for (size_t i = 0; i < r->nattrs; i++) {
        const struct pb_attr_result *at = &r->attrs[i];
        bool none =
            (pb_verdicts[at->verdict].effect == PB_EFFECT_NONE && !at->nobodys) || at->ignored;

        if (!none)
            pb_rows_add(&loud, p->arena, at);
        else if (!every)
            continue;
        else if (at->verdict == PB_UNCHECKED)
            add_name(&unchecked, p, at);
        else if (at->verdict == PB_IN_SYNC && at->reason)
            add_name(&echoes, p, at);
        else if (at->verdict != PB_IN_SYNC)
            pb_rows_add(&loud, p->arena, at);
        else if (!says_nothing(at->recorded) || !says_nothing(at->live))
            pb_rows_add(&quiet, p->arena, at);
    }
    for (size_t i = 0; i < loud.n; i++)
        if (pb_streq(loud.v[i].reason, r->reason))
            loud.v[i].reason = NULL; /* said of the resource already */
    differences(p, &loud);
    agreement(p, &quiet);
    by_reason(p, "known echo", &echoes);
    by_reason(p, "not compared", &unchecked);
    pb_rows_release(&loud);
    pb_rows_release(&quiet);
}
