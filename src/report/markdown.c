/*
 * Markdown as GitHub, GitLab and Gitea show it in a comment: the line that matters, a table of the
 * units, then a folded section for each kind of finding. It is written as blocks of HTML, in which
 * none of the three looks for Markdown, and everything that comes from outside is escaped and, if
 * it is not just words, in <code> (escape.h); long values are fenced diffs. What does not fit is
 * left out at the borders of findings, the most serious ones stay.
 */
#include "report/doc.h"
#include "report/escape.h"
#include "report/lines.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum {
    BYTES_MAX = 65000, /* hosts take 65,536 characters; whoever posts it may add a line */
    UNITS_BYTES = 16000,
    DIAGS_BYTES = 6000,
    TAIL_BYTES = 1500,
    CELL_WIDE = 48,   /* wider values go into a diff */
    VALUE_MAX = 2000, /* columns of a value in a diff */
    ROWS_MAX = 20,    /* of one finding */
    OPEN_MAX = 5,     /* so many findings are shown unfolded */
    DIAGS_MAX = 50
};

static const char *const marks[] = {"\xe2\x9c\x85", "\xe2\x84\xb9\xef\xb8\x8f",
                                    "\xe2\x9a\xa0\xef\xb8\x8f", "\xe2\x9d\x8c"};

/* ---- one finding -------------------------------------------------------------------------- */

static bool is_wide(const struct pb_row *r)
{
    for (int k = 0; k < PB_NCELLS; k++)
        if (pb_text_width(r->cell[k]) > CELL_WIDE || strstr(r->cell[k], "\\n"))
            return true;
    return false;
}

static void cell(struct pb_buf *b, const char *s)
{
    pb_buf_adds(b, "<td>");
    if (strcmp(s, "-") == 0 || *s == '(')
        pb_add_xml(b, s);
    else
        pb_add_code(b, s);
    pb_buf_adds(b, "</td>");
}

static void table(struct pb_buf *b, const struct pb_doc *d, const struct pb_doc_item *i)
{
    bool any = false;

    for (size_t k = 0; k < i->nrows && k < ROWS_MAX; k++) {
        const struct pb_row *r = &i->rows[k];

        if (is_wide(r))
            continue;
        if (!any)
            pb_buf_addf(b,
                        "<table>\n<tr><th>attribute</th><th></th><th>%s</th><th>%s</th>"
                        "<th>%s</th></tr>\n",
                        d->columns[0], d->columns[1], d->columns[2]);
        any = true;
        pb_buf_adds(b, "<tr><td>");
        pb_add_code(b, r->path);
        pb_buf_addf(b, "</td><td>%s</td>", r->verdict);
        for (int c = 0; c < PB_NCELLS; c++)
            cell(b, r->cell[c]);
        pb_buf_adds(b, "</tr>\n");
        if (r->reason) {
            pb_buf_adds(b, "<tr><td></td><td colspan=\"4\">");
            pb_add_prose(b, r->reason);
            pb_buf_adds(b, "</td></tr>\n");
        }
    }
    if (any)
        pb_buf_adds(b, "</table>\n");
}

/* A fence is longer than any run of backticks in it. */
static size_t fence_of(const struct pb_row *r)
{
    size_t longest = 2, run = 0;

    for (int k = 0; k < PB_NCELLS; k++)
        for (const char *c = r->cell[k]; *c; c++) {
            run = *c == '`' ? run + 1 : 0;
            longest = run > longest ? run : longest;
        }
    return longest + 1;
}

static void fence(struct pb_buf *b, size_t n)
{
    while (n--)
        pb_buf_addc(b, '`');
}

static void diff_part(struct pb_buf *b, const struct pb_row *r, bool trees, size_t part)
{
    struct pb_diff d;

    pb_diff_of(&d, r, trees, part, VALUE_MAX);
    for (size_t k = 0; k < d.nsides; k++)
        pb_buf_addf(b, "%s %s\n", k ? "+++" : "---", d.sides[k].label);
    for (size_t k = 0; k < d.n; k++)
        pb_buf_addf(b, "%c %.*s\n", d.v[k].sign, (int)d.v[k].len, d.v[k].s);
    pb_diff_release(&d);
}

static void diff(struct pb_buf *b, const struct pb_row *r, bool trees)
{
    size_t n = fence_of(r);

    pb_buf_adds(b, "<p>");
    pb_add_code(b, r->path);
    pb_buf_addf(b, " %s", r->verdict);
    if (r->reason) {
        pb_buf_adds(b, ": ");
        pb_add_prose(b, r->reason);
    }
    pb_buf_adds(b, "</p>\n\n");
    fence(b, n);
    pb_buf_adds(b, "diff\n");
    for (size_t part = 0; part < pb_diffs(r, trees); part++)
        diff_part(b, r, trees, part);
    fence(b, n);
    pb_buf_adds(b, "\n\n");
}

static void about(struct pb_buf *b, const struct pb_doc_item *i)
{
    const char *sep = "<br>\n<sub>";

    if (i->id) {
        pb_buf_addf(b, "%sid ", sep);
        pb_add_code(b, i->id);
        sep = ", ";
    }
    if (i->file) {
        PB_AUTO(str)
        char *at = i->line ? pb_asprintf("%s:%u", i->file, i->line) : pb_strdup(i->file);

        pb_buf_addf(b, "%sin ", sep);
        pb_add_code(b, at);
        sep = ", ";
    }
    if (i->observer) {
        pb_buf_addf(b, "%sobserved by ", sep);
        pb_add_prose(b, i->observer);
        sep = ", ";
    }
    if (i->moved_from) {
        pb_buf_addf(b, "%swas ", sep);
        pb_add_code(b, i->moved_from);
        sep = ", ";
    }
    pb_buf_adds(b, *sep == ',' ? "</sub>" : "");
}

static void author(struct pb_buf *b, const struct pb_doc_by *by)
{
    if (!by->commit)
        return;
    pb_buf_addf(b, "<br>\n%s by ", by->says);
    pb_add_code(b, by->author);
    pb_buf_addf(b, ", %.10s, <code>%.8s</code> ", by->when, by->commit);
    pb_add_code(b, by->summary);
}

/* `remedy`: it says by itself what helps. */
static void finding(struct pb_buf *b, const struct pb_doc *d, const struct pb_doc_item *i,
                    bool remedy)
{
    const char *title = d->groups[i->group].title;

    pb_buf_adds(b, "<p>");
    pb_add_code(b, i->subject);
    if (!pb_streq(i->badge, i->subject) && !pb_streq(i->badge, title)) {
        pb_buf_adds(b, " <b>");
        pb_add_prose(b, i->badge);
        pb_buf_adds(b, "</b>");
    }
    if (i->action)
        pb_buf_addf(b, " (%s)", i->action);
    about(b, i);
    if (i->why) {
        pb_buf_adds(b, "<br>\n");
        pb_add_prose(b, i->why);
    }
    for (size_t k = 0; i->notes && i->notes[k]; k++) {
        pb_buf_adds(b, "<br>\n");
        pb_add_prose(b, i->notes[k]);
    }
    author(b, &i->by);
    if (remedy && i->remedy) {
        pb_buf_adds(b, "<br>\n\xe2\x86\x92 ");
        pb_add_prose(b, i->remedy);
    }
    pb_buf_adds(b, "</p>\n");
    table(b, d, i);
    for (size_t k = 0; k < i->nrows && k < ROWS_MAX; k++)
        if (is_wide(&i->rows[k]))
            diff(b, &i->rows[k], d->trees);
    if (i->nrows > ROWS_MAX)
        pb_buf_addf(b, "<p>and %zu more attributes</p>\n", i->nrows - ROWS_MAX);
}

/* ---- what fits ---------------------------------------------------------------------------- */

struct md {
    const struct pb_doc *d;
    const struct pb_report_opts *o;
    struct pb_buf head, diags;
    struct pb_buf *found; /* of each item that is shown */
    bool *kept;
    size_t shown, nkept, used;
};

static bool is_shown(const struct pb_doc_item *i, const struct pb_report_opts *o)
{
    return i->level != PB_LEVEL_NONE || (o->all && i->nrows);
}

static const char *unit_name(const struct md *m, size_t unit)
{
    return unit == PB_DOC_NO_UNIT ? NULL : m->d->units[unit].name;
}

/* Items of one unit and group stand side by side. */
static size_t section_end(const struct md *m, size_t i)
{
    const struct pb_doc_item *v = m->d->items;
    size_t end = i;

    while (end < m->d->nitems && v[end].unit == v[i].unit && v[end].group == v[i].group)
        end++;
    return end;
}

static void open_section(struct pb_buf *b, const struct md *m, size_t from, size_t to)
{
    const struct pb_doc_item *i = &m->d->items[from];
    const struct pb_doc_group *g = &m->d->groups[i->group];
    const char *name = unit_name(m, i->unit), *remedy = pb_doc_common_remedy(m->d, from, to);
    bool open = m->shown <= OPEN_MAX && g->level == PB_LEVEL_ERROR;

    pb_buf_addf(b, "<details%s>\n<summary>%s ", open ? " open" : "", marks[g->level]);
    if (name && m->d->nunits > 1) {
        pb_add_code(b, name);
        pb_buf_addc(b, ' ');
    }
    pb_buf_addf(b, "<b>%zu %s</b>: ", to - from, g->title);
    pb_add_prose(b, g->meaning);
    pb_buf_adds(b, "</summary>\n");
    if (remedy) {
        pb_buf_adds(b, "<p>\xe2\x86\x92 ");
        pb_add_prose(b, remedy);
        pb_buf_adds(b, "</p>\n");
    }
}

static void close_section(struct pb_buf *b, size_t left_out)
{
    if (left_out)
        pb_buf_addf(b, "<p>and %zu more, which did not fit</p>\n", left_out);
    pb_buf_adds(b, "</details>\n\n");
}

/* The cost of a section is counted with its first finding. */
static size_t section_cost(const struct md *m, size_t from, size_t to)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    for (size_t i = from; i < to; i++)
        if (m->kept[i])
            return 0;
    open_section(&b, m, from, to);
    close_section(&b, 1000);
    return b.len;
}

/* Of one level, in order; what is too long is left out, what comes behind it may fit. */
static void choose(struct md *m, enum pb_level level)
{
    size_t from = 0, to = 0;
    const char *remedy = NULL;

    for (size_t i = 0; i < m->d->nitems; i++) {
        const struct pb_doc_item *it = &m->d->items[i];
        size_t cost;

        if (i >= to) {
            from = i;
            to = section_end(m, i);
            remedy = pb_doc_common_remedy(m->d, from, to);
        }
        if (it->level != level || !is_shown(it, m->o) || m->used + 200 > BYTES_MAX)
            continue;
        finding(&m->found[i], m->d, it, !remedy);
        cost = m->found[i].len + section_cost(m, from, to);
        if (m->used + cost > BYTES_MAX) {
            pb_buf_release(&m->found[i]);
            m->found[i] = (struct pb_buf)PB_BUF_INIT;
            continue;
        }
        m->used += cost;
        m->kept[i] = true;
        m->nkept++;
    }
}

/* `grave`: what somebody has to look at, of all units; or else what is left. */
static void sections(struct pb_buf *b, const struct md *m, bool grave)
{
    for (size_t from = 0, to; from < m->d->nitems; from = to) {
        bool is_grave = m->d->groups[m->d->items[from].group].level >= PB_LEVEL_WARNING;
        size_t kept = 0, shown = 0;

        to = section_end(m, from);
        if (is_grave != grave)
            continue;
        for (size_t i = from; i < to; i++) {
            kept += m->kept[i];
            shown += is_shown(&m->d->items[i], m->o);
        }
        if (!kept)
            continue;
        open_section(b, m, from, to);
        for (size_t i = from; i < to; i++)
            if (m->kept[i])
                pb_buf_add(b, m->found[i].s, m->found[i].len);
        close_section(b, shown - kept);
    }
}

/* ---- what is around ----------------------------------------------------------------------- */

static void head(struct pb_buf *b, const struct pb_doc *d)
{
    pb_doc_marker(b, d->kind, d->scope);
    pb_buf_addf(b, "<h3>%s ", marks[d->level]);
    pb_add_prose(b, d->headline);
    pb_buf_addf(b, "</h3>\n<p><code>plumb %s</code>", d->kind);
    if (d->commit)
        pb_buf_addf(b, " of <code>%.8s</code>", d->commit);
    if (d->base)
        pb_buf_addf(b, " against <code>%.8s</code>", d->base);
    if (d->coverage.resources_total)
        pb_buf_addf(b, ", %zu of %zu resources observed", d->coverage.resources_observed,
                    d->coverage.resources_total);
    pb_buf_addf(b, ", exit %d (%s)", (int)d->exit_code, pb_exit_find(d->kind, d->exit_code)->name);
    for (size_t i = 0; d->notes && d->notes[i]; i++) {
        pb_buf_adds(b, "<br>\n");
        pb_add_prose(b, d->notes[i]);
    }
    pb_buf_adds(b, "</p>\n\n");
}

static void unit_row(struct pb_buf *b, const struct pb_doc_unit *u, bool coverage)
{
    pb_buf_addf(b, "<tr><td>%s</td><td>", marks[u->level]);
    pb_add_code(b, u->name);
    pb_buf_adds(b, "</td><td>");
    pb_add_prose(b, u->error ? u->error : u->result);
    for (size_t i = 0; u->notes && u->notes[i]; i++) {
        pb_buf_adds(b, "<br><sub>");
        pb_add_prose(b, u->notes[i]);
        pb_buf_adds(b, "</sub>");
    }
    if (coverage && u->error)
        pb_buf_adds(b, "</td><td>");
    else if (coverage)
        pb_buf_addf(b, "</td><td>%zu of %zu", u->observed, u->resources);
    pb_buf_adds(b, "</td></tr>\n");
}

/* Those first that somebody has to look at; those that are as they should be share a line where
 * they are many. */
static void units(struct pb_buf *b, const struct pb_doc *d)
{
    bool coverage = d->coverage.resources_total > 0;
    size_t start = b->len, quiet = 0, rest = 0;

    for (size_t k = 0; k < d->nunits; k++)
        quiet += d->units[k].quiet;
    quiet = quiet > 3 ? quiet : 0;
    if (!d->nunits)
        return;
    pb_buf_adds(b, "<table>\n<tr><th></th><th>unit</th><th>result</th>");
    pb_buf_adds(b, coverage ? "<th>observed</th></tr>\n" : "</tr>\n");
    for (int level = PB_LEVEL_ERROR; level >= PB_LEVEL_NONE; level--)
        for (size_t k = 0; k < d->nunits; k++) {
            const struct pb_doc_unit *u = &d->units[k];

            if ((int)u->level != level || (quiet && u->quiet))
                continue;
            if (b->len - start > UNITS_BYTES)
                rest++;
            else
                unit_row(b, u, coverage);
        }
    if (quiet)
        pb_buf_addf(
            b, "<tr><td>%s</td><td colspan=\"%d\">%zu other units: nothing differs</td></tr>\n",
            marks[0], coverage ? 3 : 2, quiet);
    if (rest)
        pb_buf_addf(b,
                    "<tr><td></td><td colspan=\"%d\">and %zu more units, which did not fit</td>"
                    "</tr>\n",
                    coverage ? 3 : 2, rest);
    pb_buf_adds(b, "</table>\n\n");
}

static void diagnostics(struct pb_buf *b, const struct pb_doc *d)
{
    size_t n = 0;

    if (!d->ndiags)
        return;
    pb_buf_addf(b, "<details>\n<summary>%s %zu %s</summary>\n<ul>\n", marks[PB_LEVEL_NOTE],
                d->ndiags, d->ndiags == 1 ? "message" : "messages");
    for (; n < d->ndiags && n < DIAGS_MAX && b->len < DIAGS_BYTES; n++) {
        PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

        pb_cell_fit(&text, d->diags[n].message, VALUE_MAX);
        pb_buf_addf(b, "<li>%s: ", d->diags[n].severity);
        if (d->diags[n].address) {
            pb_add_code(b, d->diags[n].address);
            pb_buf_adds(b, ": ");
        }
        pb_add_prose(b, text.s);
        pb_buf_adds(b, "</li>\n");
    }
    if (n < d->ndiags)
        pb_buf_addf(b, "<li>and %zu more</li>\n", d->ndiags - n);
    pb_buf_adds(b, "</ul>\n</details>\n\n");
}

static void pointer(struct pb_buf *b, const struct md *m)
{
    if (m->nkept == m->shown)
        return;
    pb_buf_addf(b, "<p><b>%zu of %zu findings did not fit here.</b> The whole report: ",
                m->shown - m->nkept, m->shown);
    if (pb_is_web_link(m->o->more)) {
        pb_buf_adds(b, "<a href=\"");
        pb_add_xml(b, m->o->more);
        pb_buf_adds(b, "\">what ran</a>");
    } else if (m->o->more) {
        pb_add_code(b, m->o->more);
    } else {
        pb_buf_addf(b, "<code>plumb %s --format html --output report.html</code>", m->d->kind);
    }
    pb_buf_adds(b, "</p>\n");
}

void pb_report_markdown(struct pb_buf *b, const struct pb_doc *d, const struct pb_report_opts *o)
{
    struct md m = {.d = d, .o = o, .head = PB_BUF_INIT, .diags = PB_BUF_INIT};

    m.found = pb_calloc(d->nitems + 1, sizeof(*m.found));
    m.kept = pb_calloc(d->nitems + 1, sizeof(*m.kept));
    for (size_t i = 0; i < d->nitems; i++) {
        m.found[i] = (struct pb_buf)PB_BUF_INIT;
        m.shown += is_shown(&d->items[i], o);
    }
    head(&m.head, d);
    units(&m.head, d);
    diagnostics(&m.diags, d);
    m.used = m.head.len + m.diags.len + TAIL_BYTES;
    for (int level = PB_LEVEL_ERROR; level >= PB_LEVEL_NONE; level--)
        choose(&m, (enum pb_level)level);
    pb_buf_add(b, m.head.s, m.head.len);
    sections(b, &m, true);
    sections(b, &m, false);
    pb_buf_add(b, m.diags.s, m.diags.len);
    pointer(b, &m);
    for (size_t i = 0; i < d->nitems; i++)
        pb_buf_release(&m.found[i]);
    free(m.found);
    free(m.kept);
    pb_buf_release(&m.head);
    pb_buf_release(&m.diags);
}
