/*
 * One page that needs nothing else: style and script are in it, named by their digests in its
 * policy, which forbids everything besides. Complete without the script, which searches, filters
 * and unfolds what is there.
 */
#include "report/doc.h"
#include "report/escape.h"
#include "report/lines.h"
#include "report/page.h" /* made from page.css and page.js */

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>

enum {
    CELL_WIDE = 100, /* wider values are a diff below the other rows */
    VALUE_MAX = 8000,
    OPEN_MAX = 12 /* so many findings are unfolded from the beginning */
};

/* ---- values ------------------------------------------------------------------------------- */

static bool is_meta(const char *s)
{
    return *s == '(' || strcmp(s, "-") == 0;
}

static bool is_wide(const struct pb_row *r)
{
    for (int k = 0; k < PB_NCELLS; k++)
        if (pb_text_width(r->cell[k]) > CELL_WIDE || strstr(r->cell[k], "\\n"))
            return true;
    return false;
}

static void add_part(struct pb_buf *b, const char *s, size_t n)
{
    PB_AUTO(str) char *part = pb_strndup(s, n);

    pb_add_xml(b, part);
}

/* What differs from the other value is marked: all but what both begin and end with. */
static void marked(struct pb_buf *b, const char *s, const char *other)
{
    size_t n = strlen(s), m = strlen(other), head = 0, tail = 0;

    while (head < n && head < m && s[head] == other[head])
        head++;
    while (tail < n - head && tail < m - head && s[n - 1 - tail] == other[m - 1 - tail])
        tail++;
    while (head && ((unsigned char)s[head] & 0xc0) == 0x80)
        head--;
    while (tail && ((unsigned char)s[n - tail] & 0xc0) == 0x80)
        tail--;
    /* Of a short word, or of one that has little in common with the other, all of it. */
    if (is_meta(other) || head + tail < n / 3 || n < 12)
        head = tail = 0;
    add_part(b, s, head);
    pb_buf_adds(b, "<mark>");
    add_part(b, s + head, n - head - tail);
    pb_buf_adds(b, "</mark>");
    add_part(b, s + n - tail, tail);
}

static void cell(struct pb_buf *b, const char *column, const char *s, const char *class,
                 const char *other)
{
    pb_buf_addf(b, "<td data-l=\"%s\"%s>", column, class);
    if (strcmp(s, "-") == 0) {
        pb_buf_addf(b, "<span class=\"meta\">%s</span>",
                    *class ? "<mark>nothing</mark>" : "nothing");
    } else if (is_meta(s)) {
        pb_buf_adds(b, "<span class=\"meta\">");
        pb_add_xml(b, s);
        pb_buf_adds(b, "</span>");
    } else {
        pb_buf_adds(b, "<code>");
        if (*class)
            marked(b, s, other);
        else
            pb_add_xml(b, s);
        pb_buf_adds(b, "</code>");
    }
    pb_buf_adds(b, "</td>");
}

/* What stands out: the live value where the world is not what is recorded, the declared one where
 * Git asks for something else, or the record where only that is behind. */
static void cells(struct pb_buf *b, const struct pb_doc *doc, const struct pb_row *r)
{
    const char *d = r->cell[PB_CELL_DECLARED], *c = r->cell[PB_CELL_RECORDED],
               *l = r->cell[PB_CELL_LIVE];
    bool silent = *d == '(', dr = silent || strcmp(d, c) == 0, rl = strcmp(c, l) == 0;
    bool dl = !silent && strcmp(d, l) == 0, unseen = *l == '(' && !strstr(l, "changed");

    if (doc->trees) {
        cell(b, doc->columns[0], d, "", c);
        cell(b, doc->columns[1], c, strcmp(d, c) != 0 ? " class=\"new\"" : "", unseen ? d : l);
        cell(b, doc->columns[2], l, !unseen && strcmp(d, l) != 0 ? " class=\"off\"" : "", d);
        return;
    }
    cell(b, doc->columns[0], d, !dr && !dl ? " class=\"new\"" : "", c);
    cell(b, doc->columns[1], c, dl && !dr ? " class=\"off\"" : "", l);
    cell(b, doc->columns[2], l, !rl && !dl && !unseen ? " class=\"off\"" : "", silent ? c : d);
}

static void attribute_head(struct pb_buf *b, const struct pb_row *r)
{
    pb_buf_adds(b, "<code>");
    pb_add_xml(b, r->path);
    pb_buf_addf(b, "</code> <span class=\"v\">%s</span>", r->verdict);
    if (r->reason) {
        pb_buf_adds(b, " <span class=\"v\">");
        pb_add_xml(b, r->reason);
        pb_buf_adds(b, "</span>");
    }
}

static void diff_part(struct pb_buf *b, const struct pb_row *r, bool trees, size_t part)
{
    struct pb_diff d;

    pb_diff_of(&d, r, trees, part, VALUE_MAX);
    for (size_t k = 0; k < d.nsides; k++)
        pb_buf_addf(b, "<span class=\"h\">%s %s</span>",
                    d.nsides == 1 ? " "
                    : k           ? "+"
                                  : "-",
                    d.sides[k].label);
    for (size_t k = 0; k < d.n; k++) {
        char sign = d.v[k].sign;

        pb_buf_addf(b, "<span%s>%c ",
                    sign == '-'   ? " class=\"d\""
                    : sign == '+' ? " class=\"a\""
                                  : "",
                    sign);
        add_part(b, d.v[k].s, d.v[k].len);
        pb_buf_adds(b, "</span>");
    }
    pb_diff_release(&d);
}

static void diff(struct pb_buf *b, const struct pb_row *r, bool trees)
{
    pb_buf_adds(b, "<figure><figcaption>");
    attribute_head(b, r);
    pb_buf_adds(b, "</figcaption><pre class=\"diff\">");
    for (size_t part = 0; part < pb_diffs(r, trees); part++)
        diff_part(b, r, trees, part);
    pb_buf_adds(b, "</pre></figure>\n");
}

static void table(struct pb_buf *b, const struct pb_doc *d, const struct pb_doc_item *i)
{
    bool any = false;

    for (size_t k = 0; k < i->nrows; k++) {
        if (is_wide(&i->rows[k]))
            continue;
        if (!any)
            pb_buf_addf(b,
                        "<table class=\"rows\"><thead><tr><th scope=\"col\">attribute</th>"
                        "<th scope=\"col\">%s</th><th scope=\"col\">%s</th>"
                        "<th scope=\"col\">%s</th></tr></thead><tbody>\n",
                        d->columns[0], d->columns[1], d->columns[2]);
        any = true;
        pb_buf_adds(b, "<tr><th scope=\"row\">");
        attribute_head(b, &i->rows[k]);
        pb_buf_adds(b, "</th>");
        cells(b, d, &i->rows[k]);
        pb_buf_adds(b, "</tr>\n");
    }
    pb_buf_adds(b, any ? "</tbody></table>\n" : "");
}

static void rows(struct pb_buf *b, const struct pb_doc *d, const struct pb_doc_item *i)
{
    table(b, d, i);
    for (size_t k = 0; k < i->nrows; k++)
        if (is_wide(&i->rows[k]))
            diff(b, &i->rows[k], d->trees);
}

/* ---- one finding -------------------------------------------------------------------------- */

static void fact(struct pb_buf *b, const char *label, const char *value, bool code)
{
    if (!value || !*value)
        return;
    pb_buf_addf(b, "<div><dt>%s</dt><dd>%s", label, code ? "<code>" : "");
    pb_add_xml(b, value);
    pb_buf_adds(b, code ? "</code></dd></div>\n" : "</dd></div>\n");
}

static void author(struct pb_buf *b, const struct pb_doc_by *by)
{
    if (!by->commit)
        return;
    pb_buf_addf(b, "<div><dt>%s by</dt><dd>", by->says);
    pb_add_xml(b, by->author);
    pb_buf_addf(b, ", %.10s, <code>%.8s</code> ", by->when, by->commit);
    pb_add_xml(b, by->summary);
    pb_buf_adds(b, "</dd></div>\n");
}

static void where(struct pb_buf *b, const struct pb_doc_item *i)
{
    PB_AUTO(str) char *at = i->file && i->line ? pb_asprintf("%s:%u", i->file, i->line) : NULL;

    pb_buf_adds(b, "<dl class=\"where\">\n");
    fact(b, "in", at ? at : i->file, true);
    fact(b, "id", i->id, true);
    fact(b, "was", i->moved_from, true);
    fact(b, "observed by", i->observer, false);
    author(b, &i->by);
    pb_buf_adds(b, "</dl>\n");
}

static void paragraph(struct pb_buf *b, const char *class, const char *s)
{
    if (!s)
        return;
    pb_buf_addf(b, "<p%s>", class);
    pb_add_xml(b, s);
    pb_buf_adds(b, "</p>\n");
}

static void helps(struct pb_buf *b, const char *remedy)
{
    if (!remedy)
        return;
    pb_buf_adds(b, "<p class=\"fix\"><b>What helps:</b> ");
    pb_add_xml(b, remedy);
    pb_buf_adds(b, "</p>\n");
}

/* What a folded finding tells of itself. */
static void hint(struct pb_buf *b, const struct pb_doc_item *i)
{
    pb_buf_adds(b, "<span class=\"hint\">");
    if (i->nrows)
        pb_add_xml(b, i->rows[0].path);
    else if (i->why)
        pb_add_xml(b, i->why);
    if (i->nrows > 1)
        pb_buf_addf(b, " and %zu more", i->nrows - 1);
    pb_buf_adds(b, "</span>");
}

static bool is_flat(const struct pb_doc_item *i)
{
    return i->level == PB_LEVEL_NONE && !i->nrows && !i->why;
}

static void line(struct pb_buf *b, const struct pb_doc *d, const struct pb_doc_item *i)
{
    pb_buf_adds(b, "<code class=\"name\">");
    pb_add_xml(b, i->subject);
    pb_buf_adds(b, "</code>");
    if (!is_flat(i))
        hint(b, i);
    if (i->action)
        pb_buf_addf(b, "<span class=\"act\">%s</span>", i->action);
    if (!pb_streq(i->badge, i->subject) && !pb_streq(i->badge, d->groups[i->group].title)) {
        pb_buf_adds(b, "<span class=\"badge\">");
        pb_add_xml(b, i->badge);
        pb_buf_adds(b, "</span>");
    }
}

/* What is as it should be is told in a line, thousands of times. */
static void item(struct pb_buf *b, const struct pb_doc *d, const struct pb_doc_item *i, bool open,
                 bool remedy)
{
    const char *of = i->unit == PB_DOC_NO_UNIT ? "whole" : "u";
    size_t unit = i->unit == PB_DOC_NO_UNIT ? 0 : i->unit;
    bool flat = is_flat(i);

    pb_buf_addf(b, "<%s class=\"item%s l%d\"%s data-g=\"%s\" data-u=\"%s%zu\"",
                flat ? "div" : "details", flat ? " flat" : "", (int)i->level,
                open && !flat ? " open" : "", d->groups[i->group].code, of, unit);
    if (!flat)
        pb_buf_addf(b, " id=\"f-%.16s\"", i->fingerprint);
    pb_buf_addc(b, '>');
    if (flat) {
        line(b, d, i);
        pb_buf_adds(b, "</div>\n");
        return;
    }
    pb_buf_adds(b, "<summary>");
    line(b, d, i);
    pb_buf_adds(b, "</summary>\n<div class=\"body\">\n");
    where(b, i);
    paragraph(b, "", i->why);
    for (size_t k = 0; i->notes && i->notes[k]; k++)
        paragraph(b, "", i->notes[k]);
    if (remedy)
        helps(b, i->remedy);
    rows(b, d, i);
    pb_buf_adds(b, "</div></details>\n");
}

/* ---- units -------------------------------------------------------------------------------- */

static size_t group(struct pb_buf *b, const struct pb_doc *d, size_t from, size_t end, bool open)
{
    const struct pb_doc_item *v = d->items;
    const struct pb_doc_group *g = &d->groups[v[from].group];
    bool folded = g->folded || g->level == PB_LEVEL_NONE;
    const char *remedy;
    size_t to = from;

    while (to < end && v[to].group == v[from].group)
        to++;
    remedy = pb_doc_common_remedy(d, from, to);
    pb_buf_addf(b, "<%s class=\"group l%d\"><%s><b>%zu %s</b> \xc2\xb7 ",
                folded ? "details" : "section", (int)g->level, folded ? "summary" : "h3", to - from,
                g->title);
    pb_add_xml(b, g->meaning);
    pb_buf_addf(b, "</%s>\n", folded ? "summary" : "h3");
    if (!folded)
        helps(b, remedy);
    pb_buf_adds(b, "<div class=\"items\">\n");
    for (size_t i = from; i < to; i++)
        item(b, d, &v[i], open && v[i].level >= PB_LEVEL_NOTE, !remedy);
    pb_buf_addf(b, "</div></%s>\n", folded ? "details" : "section");
    return to;
}

static void groups(struct pb_buf *b, const struct pb_doc *d, size_t from, size_t n, bool open)
{
    for (size_t i = from; i < from + n;)
        i = group(b, d, i, from + n, open);
}

static void unit(struct pb_buf *b, const struct pb_doc *d, size_t k, bool open)
{
    const struct pb_doc_unit *u = &d->units[k];
    bool named = *u->path && strcmp(u->path, u->name) != 0;

    pb_buf_addf(b,
                "<section class=\"unit l%d\" id=\"u%zu\" data-u=\"u%zu\" "
                "aria-labelledby=\"h%zu\">\n<h2 id=\"h%zu\">",
                (int)u->level, k, k, k, k);
    pb_add_xml(b, u->name);
    if (named) {
        pb_buf_adds(b, " <small>");
        pb_add_xml(b, u->path);
        pb_buf_adds(b, "</small>");
    }
    pb_buf_adds(b, "</h2>\n<p class=\"sub\">");
    pb_add_xml(b, u->result ? u->result : "");
    if (u->resources)
        pb_buf_addf(b, " \xc2\xb7 %zu of %zu resources observed", u->observed, u->resources);
    if (u->state)
        pb_buf_addf(b, " \xc2\xb7 %s", u->state);
    pb_buf_adds(b, "</p>\n");
    for (size_t i = 0; u->notes && u->notes[i]; i++)
        paragraph(b, " class=\"sub\"", u->notes[i]);
    groups(b, d, u->first, u->n, open);
    pb_buf_adds(b, "</section>\n");
}

static void unit_row(struct pb_buf *b, const struct pb_doc *d, size_t k, bool coverage)
{
    const struct pb_doc_unit *u = &d->units[k];

    pb_buf_addf(b, "<tr class=\"l%d\"><td><span class=\"dot\"></span><a href=\"#u%zu\">",
                (int)u->level, k);
    pb_add_xml(b, u->name);
    pb_buf_adds(b, "</a></td><td>");
    pb_add_xml(b, u->error ? u->error : u->result);
    if (coverage && u->error)
        pb_buf_adds(b, "</td><td class=\"num\">\xe2\x80\x93");
    else if (coverage)
        pb_buf_addf(b, "</td><td class=\"num\">%zu of %zu", u->observed, u->resources);
    pb_buf_adds(b, "</td></tr>\n");
}

static void units(struct pb_buf *b, const struct pb_doc *d)
{
    bool coverage = d->coverage.resources_total > 0;

    if (d->nunits < 2)
        return;
    pb_buf_adds(b, "<table class=\"units\"><thead><tr><th scope=\"col\">unit</th>"
                   "<th scope=\"col\">result</th>");
    pb_buf_adds(b, coverage ? "<th scope=\"col\" class=\"num\">observed</th></tr></thead><tbody>\n"
                            : "</tr></thead><tbody>\n");
    for (int level = PB_LEVEL_ERROR; level >= PB_LEVEL_NONE; level--)
        for (size_t k = 0; k < d->nunits; k++)
            if ((int)d->units[k].level == level)
                unit_row(b, d, k, coverage);
    pb_buf_adds(b, "</tbody></table>\n");
}

/* ---- around ------------------------------------------------------------------------------- */

static void base64(struct pb_buf *b, const unsigned char *p, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < n; i += 3) {
        unsigned long v = (unsigned long)p[i] << 16 |
                          (i + 1 < n ? (unsigned long)p[i + 1] << 8 : 0) |
                          (i + 2 < n ? p[i + 2] : 0);

        pb_buf_addc(b, digits[v >> 18 & 63]);
        pb_buf_addc(b, digits[v >> 12 & 63]);
        pb_buf_addc(b, i + 1 < n ? digits[v >> 6 & 63] : '=');
        pb_buf_addc(b, i + 2 < n ? digits[v & 63] : '=');
    }
}

static void source(struct pb_buf *b, const char *directive, const char *text, size_t n)
{
    unsigned char digest[PB_SHA256_LEN];

    pb_sha256_of(digest, text, n);
    pb_buf_addf(b, "; %s 'sha256-", directive);
    base64(b, digest, sizeof(digest));
    pb_buf_addc(b, '\'');
}

/* A plumb bob. */
#define BOB "M7 0h2v5h4l-1 9-4 8-4-8-1-9h4z"

static void head(struct pb_buf *b, const struct pb_doc *d)
{
    pb_buf_adds(b, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'");
    source(b, "style-src", pb_page_css, sizeof(pb_page_css) - 1);
    source(b, "script-src", pb_page_js, sizeof(pb_page_js) - 1);
    pb_buf_adds(b, "; img-src data:; base-uri 'none'; form-action 'none'\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta name=\"referrer\" content=\"no-referrer\">\n"
                   "<meta name=\"color-scheme\" content=\"light dark\">\n"
                   "<link rel=\"icon\" href=\"data:image/svg+xml,%3Csvg xmlns='http:"
                   "//www.w3.org/2000/svg' viewBox='-4 -1 24 24'%3E%3Cpath fill='gray' d='" BOB
                   "'/%3E%3C/svg%3E\">\n<title>");
    pb_add_xml(b, d->headline);
    pb_buf_addf(b, " \xc2\xb7 plumb %s</title>\n<style>", d->kind);
    pb_buf_add(b, pb_page_css, sizeof(pb_page_css) - 1);
    pb_buf_adds(b, "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">To the "
                   "findings</a>\n");
}

static void facts(struct pb_buf *b, const struct pb_doc *d)
{
    char when[PB_CLOCK_RFC3339];
    PB_AUTO(str) char *coverage = NULL, *took = NULL, *code = NULL, *commit = NULL, *base = NULL;

    pb_clock_rfc3339(when, d->started_at);
    if (d->coverage.resources_total)
        coverage = pb_asprintf("%zu of %zu resources, %zu of %zu attributes",
                               d->coverage.resources_observed, d->coverage.resources_total,
                               d->coverage.attributes_observed, d->coverage.attributes_total);
    took = pb_asprintf("%.10s %.5s UTC, %ld.%02ld s", when, when + 11, d->elapsed_ms / 1000,
                       d->elapsed_ms % 1000 / 10);
    code = pb_asprintf("%d, %s", (int)d->exit_code, pb_exit_find(d->kind, d->exit_code)->name);
    pb_buf_adds(b, "<dl class=\"facts\">\n");
    commit = d->commit ? pb_asprintf("%.12s", d->commit) : NULL;
    fact(b, "commit", commit, true);
    base = d->base ? pb_asprintf("%.12s", d->base) : NULL;
    fact(b, "against", base, true);
    fact(b, "branch", d->branch, true);
    fact(b, "at", took, false);
    fact(b, "observed", coverage, false);
    fact(b, "exit code", code, false);
    pb_buf_adds(b, "</dl>\n");
}

static void banner(struct pb_buf *b, const struct pb_doc *d)
{
    pb_buf_addf(b,
                "<header class=\"wrap l%d\">\n<div class=\"top\"><svg viewBox=\"2 0 12 22\" "
                "aria-hidden=\"true\"><path d=\"" BOB "\"/></svg><span class=\"brand\">plumb</span>"
                "<span>%s</span><span class=\"grow\"></span>"
                "<button type=\"button\" id=\"theme\" hidden>Theme</button></div>\n<h1>",
                (int)d->level, d->kind);
    pb_add_xml(b, d->headline);
    pb_buf_adds(b, "</h1>\n");
    facts(b, d);
    for (size_t i = 0; d->notes && d->notes[i]; i++)
        paragraph(b, " class=\"notes\"", d->notes[i]);
    pb_buf_adds(b, "</header>\n");
}

static void choices(struct pb_buf *b, const struct pb_doc *d)
{
    pb_buf_adds(b, "<select id=\"unit\" aria-label=\"Unit\"><option value=\"\">all units</option>");
    for (size_t k = 0; k < d->nunits; k++) {
        pb_buf_addf(b, "<option value=\"u%zu\">", k);
        pb_add_xml(b, d->units[k].name);
        pb_buf_adds(b, "</option>");
    }
    pb_buf_adds(b, "</select>\n");
}

static void bar(struct pb_buf *b, const struct pb_doc *d)
{
    pb_buf_adds(b, "<nav class=\"bar\" aria-label=\"Filters\"><div class=\"wrap\">\n"
                   "<ul class=\"counts\">\n");
    for (size_t i = 0; i < d->ncounts; i++)
        pb_buf_addf(b, "<li class=\"count l%d\" data-g=\"%s\">%zu %s</li>\n",
                    (int)d->counts[i].level, d->counts[i].code, d->counts[i].n, d->counts[i].title);
    pb_buf_adds(b, "</ul>\n<div class=\"tools\" role=\"search\" hidden>\n");
    if (d->nunits > 1)
        choices(b, d);
    pb_buf_adds(b,
                "<input type=\"search\" id=\"search\" aria-label=\"Search\" "
                "placeholder=\"Search  /\" autocomplete=\"off\" spellcheck=\"false\">\n"
                "<button type=\"button\" id=\"fold\" aria-pressed=\"false\">Unfold all</button>\n"
                "<span class=\"shown\" id=\"shown\" role=\"status\"></span>\n"
                "</div>\n</div></nav>\n");
}

static void messages(struct pb_buf *b, const struct pb_doc *d)
{
    if (!d->ndiags)
        return;
    pb_buf_addf(b, "<section class=\"log\"><h2>Messages</h2>\n<ul>\n");
    for (size_t i = 0; i < d->ndiags; i++) {
        const struct pb_doc_diag *n = &d->diags[i];

        pb_buf_addf(b, "<li><span class=\"meta\">%s</span> ", n->severity);
        if (n->address) {
            pb_buf_adds(b, "<code>");
            pb_add_xml(b, n->address);
            pb_buf_adds(b, "</code> ");
        }
        pb_add_xml(b, n->message);
        pb_buf_adds(b, "</li>\n");
    }
    pb_buf_adds(b, "</ul></section>\n");
}

/* Findings of no unit come last, and are told first. */
static size_t of_no_unit(const struct pb_doc *d)
{
    size_t i = d->nitems;

    while (i && d->items[i - 1].unit == PB_DOC_NO_UNIT)
        i--;
    return i;
}

void pb_report_html(struct pb_buf *b, const struct pb_doc *d, const struct pb_report_opts *o)
{
    size_t serious = 0, whole = of_no_unit(d);

    (void)o;
    for (size_t i = 0; i < d->nitems; i++)
        serious += d->items[i].level >= PB_LEVEL_NOTE;
    head(b, d);
    banner(b, d);
    bar(b, d);
    pb_buf_adds(b, "<main class=\"wrap\" id=\"main\">\n");
    units(b, d);
    if (whole < d->nitems) {
        pb_buf_adds(b,
                    "<section class=\"unit\" data-u=\"whole0\"><h2>The change as a whole</h2>\n");
        groups(b, d, whole, d->nitems - whole, serious <= OPEN_MAX);
        pb_buf_adds(b, "</section>\n");
    }
    for (size_t k = 0; k < d->nunits; k++)
        unit(b, d, k, serious <= OPEN_MAX);
    pb_buf_adds(b, "<p class=\"none\" id=\"none\" hidden>Nothing fits.</p>\n");
    messages(b, d);
    pb_buf_adds(b, "</main>\n<footer><div class=\"wrap\">plumb ");
    pb_add_xml(b, d->version);
    pb_buf_adds(b, "</div></footer>\n<script>");
    pb_buf_add(b, pb_page_js, sizeof(pb_page_js) - 1);
    pb_buf_adds(b, "</script>\n</body>\n</html>\n");
}
