/* The report as CI systems show tests: a suite for each unit, a case for each resource. */
#include "report/doc.h"
#include "report/escape.h"

#include "base/clock.h"

#include <string.h>

struct tally {
    size_t by[4];
};

static struct tally tally_of(const struct pb_doc_item *v, size_t n)
{
    struct tally t = {{0}};

    for (size_t i = 0; i < n; i++)
        t.by[v[i].outcome]++;
    return t;
}

static void attribute(struct pb_buf *b, const char *name, const char *value)
{
    pb_buf_addf(b, " %s=\"", name);
    pb_add_xml(b, value);
    pb_buf_addc(b, '"');
}

static void line(struct pb_buf *b, const char *label, const char *s)
{
    if (!s)
        return;
    pb_buf_adds(b, label);
    pb_add_xml(b, s);
    pb_buf_addc(b, '\n');
}

/* What somebody reads who opens the case. */
static void details(struct pb_buf *b, const struct pb_doc *d, const struct pb_doc_item *i)
{
    if (i->file) {
        pb_add_xml(b, i->file);
        if (i->line)
            pb_buf_addf(b, ":%u", i->line);
        pb_buf_addc(b, '\n');
    }
    line(b, "id: ", i->id);
    line(b, "observed by: ", i->observer);
    line(b, "why: ", i->why);
    for (size_t k = 0; i->notes && i->notes[k]; k++)
        line(b, "", i->notes[k]);
    if (i->by.commit) {
        pb_buf_addf(b, "%s by ", i->by.says);
        pb_add_xml(b, i->by.author);
        pb_buf_addf(b, ", %.10s, %.8s\n", i->by.when, i->by.commit);
    }
    for (size_t k = 0; k < i->nrows; k++) {
        const struct pb_row *r = &i->rows[k];

        pb_add_xml(b, r->path);
        pb_buf_addf(b, ": %s\n", r->verdict);
        for (int c = 0; c < PB_NCELLS; c++) {
            pb_buf_addf(b, "  %s: ", d->columns[c]);
            line(b, "", r->cell[c]);
        }
        line(b, "  ", r->reason);
    }
    line(b, "remedy: ", i->remedy);
}

static void result(struct pb_buf *b, const struct pb_doc *d, const struct pb_doc_item *i)
{
    static const char *const elements[] = {
        [PB_DOC_FAIL] = "failure", [PB_DOC_UNSEEN] = "error", [PB_DOC_SKIP] = "skipped"};
    const struct pb_doc_rule *rule = &d->rules[i->rule];
    const char *element = elements[i->outcome];

    pb_buf_addf(b, "      <%s message=\"", element);
    pb_add_xml(b, i->badge);
    if (i->action)
        pb_buf_addf(b, " (%s)", i->action);
    pb_buf_adds(b, ": ");
    pb_add_xml(b, i->why ? i->why : rule->meaning);
    pb_buf_addc(b, '"');
    if (i->outcome == PB_DOC_SKIP) { /* what was skipped has no type */
        pb_buf_adds(b, "/>\n");
        return;
    }
    attribute(b, "type", rule->code);
    pb_buf_addc(b, '>');
    details(b, d, i);
    pb_buf_addf(b, "</%s>\n", element);
}

static void open_case(struct pb_buf *b, const char *suite, const char *type, const char *name)
{
    pb_buf_adds(b, "    <testcase classname=\"");
    pb_add_xml(b, suite);
    if (type) {
        pb_buf_addc(b, '.');
        pb_add_xml(b, type);
    }
    pb_buf_addc(b, '"');
    attribute(b, "name", name);
    pb_buf_adds(b, " time=\"0\"");
}

static void test_case(struct pb_buf *b, const struct pb_doc *d, const struct pb_doc_item *i,
                      const char *suite)
{
    open_case(b, suite, i->type, i->subject);
    if (i->outcome == PB_DOC_PASS) {
        pb_buf_adds(b, "/>\n");
        return;
    }
    pb_buf_adds(b, ">\n");
    result(b, d, i);
    pb_buf_adds(b, "    </testcase>\n");
}

static void property(struct pb_buf *b, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    pb_buf_addf(b, "      <property name=\"%s\"", name);
    attribute(b, "value", value);
    pb_buf_adds(b, "/>\n");
}

/* What a case that is no failure has no room for by one of the two schemas: what a change does. */
static void told(struct pb_buf *b, const struct pb_doc *d, const struct pb_doc_item *i)
{
    if (i->level == PB_LEVEL_NONE || (i->outcome != PB_DOC_PASS && i->outcome != PB_DOC_SKIP))
        return;
    pb_buf_adds(b, b->s[b->len - 1] == '\n' ? "\n" : "\n\n");
    pb_add_xml(b, i->subject);
    pb_buf_adds(b, ": ");
    pb_add_xml(b, i->badge);
    if (i->action)
        pb_buf_addf(b, " (%s)", i->action);
    pb_buf_addc(b, '\n');
    details(b, d, i);
}

static void suite(struct pb_buf *b, const struct pb_doc *d, size_t id, const struct pb_doc_unit *u)
{
    const struct pb_doc_item *v = d->items + u->first;
    struct tally t = tally_of(v, u->n);
    char when[PB_CLOCK_RFC3339];

    pb_clock_rfc3339(when, d->started_at);
    pb_buf_adds(b, "  <testsuite");
    attribute(b, "name", u->name);
    pb_buf_addf(b, " package=\"plumb.%s\" id=\"%zu\" timestamp=\"%.19s\" hostname=\"localhost\"",
                d->kind, id, when);
    /* A suite without any case makes some systems fail: nothing to tell is a case, too. */
    pb_buf_addf(b, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"",
                u->n ? u->n : 1, t.by[PB_DOC_FAIL], t.by[PB_DOC_UNSEEN], t.by[PB_DOC_SKIP]);
    pb_buf_addf(b, " time=\"%ld.%03ld\">\n    <properties>\n", u->elapsed_ms / 1000,
                u->elapsed_ms % 1000);
    property(b, "plumb.version", d->version);
    property(b, "commit", d->commit);
    property(b, "path", u->path);
    pb_buf_adds(b, "    </properties>\n");
    for (size_t i = 0; i < u->n; i++)
        test_case(b, d, &v[i], u->name);
    if (!u->n) {
        open_case(b, u->name, NULL, u->result ? u->result : "nothing to tell");
        pb_buf_adds(b, "/>\n");
    }
    pb_buf_adds(b, "    <system-out>");
    pb_add_xml(b, d->headline);
    for (size_t i = 0; i < u->n; i++)
        told(b, d, &v[i]);
    pb_buf_adds(b, "</system-out>\n    <system-err></system-err>\n  </testsuite>\n");
}

void pb_report_junit(struct pb_buf *b, const struct pb_doc *d, const struct pb_report_opts *o)
{
    struct pb_doc_unit whole = {.name = "plumb", .path = "", .result = d->headline};

    (void)o;
    pb_buf_adds(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for (size_t k = 0; k < d->nunits; k++)
        suite(b, d, k, &d->units[k]);
    for (whole.first = 0; whole.first < d->nitems; whole.first++)
        if (d->items[whole.first].unit == PB_DOC_NO_UNIT)
            break;
    whole.n = d->nitems - whole.first;
    if (whole.n || !d->nunits)
        suite(b, d, d->nunits, &whole);
    pb_buf_adds(b, "</testsuites>\n");
}
