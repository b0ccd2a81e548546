/* SARIF 2.1.0, for code scanning: a result for each finding, at the block of its resource. */
#include "report/doc.h"
#include "report/escape.h"
#include "report/put.h"

#include "base/clock.h"

#include <ctype.h>
#include <string.h>

enum { ROWS_SAID = 5, CELL_SAID = 240 };

#define SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"

static void member(struct pb_buf *b, const char *name, const char *s)
{
    if (!s)
        return;
    pb_put_key(b, name);
    pb_put_string(b, s);
}

static void text_member(struct pb_buf *b, const char *name, const char *s)
{
    pb_put_key(b, name);
    pb_buf_adds(b, "{\"text\":");
    pb_put_string(b, s);
    pb_buf_addc(b, '}');
}

/* In a message, [a](b) is a link and {0} a placeholder. Elsewhere brackets and braces are what they
 * are, so that addresses stay readable where nobody takes the escapes away. */
static void add_message(struct pb_buf *b, const char *s)
{
    bool links = strstr(s, "](") != NULL;

    for (const char *c = s; *c; c++) {
        if (links && strchr("[]\\", *c))
            pb_buf_addc(b, '\\');
        pb_buf_addc(b, *c);
        if (*c == '{' && isdigit((unsigned char)c[1]))
            pb_buf_addc(b, '{');
        else if (*c == '}' && c > s && isdigit((unsigned char)c[-1]))
            pb_buf_addc(b, '}');
    }
}

static void add_row(struct pb_buf *b, const struct pb_doc *d, const struct pb_row *r)
{
    pb_buf_addf(b, "\n%s:", r->path);
    for (int k = 0; k < PB_NCELLS; k++) {
        pb_buf_addf(b, "%s %s ", k ? "," : "", d->columns[k]);
        pb_cell_fit(b, r->cell[k], CELL_SAID);
    }
}

static void message(struct pb_buf *b, const struct pb_doc *d, const struct pb_doc_item *i)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT, safe = PB_BUF_INIT;

    pb_buf_addf(&text, "%s: %s", i->subject, i->badge);
    if (i->action)
        pb_buf_addf(&text, " (%s)", i->action);
    pb_buf_addf(&text, ": %s", i->why ? i->why : d->rules[i->rule].meaning);
    for (size_t k = 0; i->notes && i->notes[k]; k++)
        pb_buf_addf(&text, "; %s", i->notes[k]);
    for (size_t k = 0; k < i->nrows && k < ROWS_SAID; k++)
        add_row(&text, d, &i->rows[k]);
    if (i->nrows > ROWS_SAID)
        pb_buf_addf(&text, "\nand %zu more", i->nrows - ROWS_SAID);
    if (i->remedy)
        pb_buf_addf(&text, "\n%s", i->remedy);
    add_message(&safe, text.s);
    text_member(b, "message", safe.s);
}

/* Code scanning takes no result without a file, and with one such none of the others. */
static const char *file_of(unsigned *line, const struct pb_doc *d, const struct pb_doc_item *i)
{
    const struct pb_doc_unit *u = i->unit == PB_DOC_NO_UNIT ? NULL : &d->units[i->unit];

    *line = i->file ? i->line : u && u->file ? u->line : 0;
    return i->file ? i->file : u && u->file ? u->file : PB_CONFIG_FILE;
}

static void location(struct pb_buf *b, const struct pb_doc *d, const struct pb_doc_item *i)
{
    PB_AUTO(buf) struct pb_buf uri = PB_BUF_INIT;
    unsigned line;

    pb_buf_adds(b, ",\"locations\":[{\"logicalLocations\":[{\"fullyQualifiedName\":");
    pb_put_string(b, i->subject);
    pb_buf_adds(b, i->type ? ",\"kind\":\"resource\"}]" : "}]");
    pb_add_uri_path(&uri, file_of(&line, d, i));
    pb_buf_adds(b, ",\"physicalLocation\":{\"artifactLocation\":{\"uri\":");
    pb_put_string(b, uri.s);
    /* Where no line is known the file is meant, and code scanning wants a line. */
    pb_buf_addf(b, ",\"uriBaseId\":\"%%SRCROOT%%\"},\"region\":{\"startLine\":%u", line ? line : 1);
    if (i->file && i->last_line > i->line)
        pb_buf_addf(b, ",\"endLine\":%u", i->last_line);
    pb_buf_adds(b, "}}}]");
}

static void put_rows(struct pb_buf *b, const struct pb_doc *d, const struct pb_doc_item *i)
{
    pb_buf_adds(b, ",\"attributes\":[");
    for (size_t k = 0; k < i->nrows; k++) {
        const struct pb_row *r = &i->rows[k];

        pb_buf_adds(b, k ? ",{\"path\":" : "{\"path\":");
        pb_put_string(b, r->path);
        member(b, "verdict", r->verdict);
        for (int c = 0; c < PB_NCELLS; c++)
            member(b, d->columns[c], r->cell[c]);
        member(b, "reason", r->reason);
        pb_buf_addc(b, '}');
    }
    pb_buf_addc(b, ']');
}

static void units(struct pb_buf *b, const struct pb_doc_item *i)
{
    if (!i->units)
        return;
    pb_buf_adds(b, ",\"units\":[");
    for (size_t k = 0; i->units[k]; k++) {
        pb_buf_adds(b, k ? "," : "");
        pb_put_string(b, i->units[k]);
    }
    pb_buf_addc(b, ']');
}

static void properties(struct pb_buf *b, const struct pb_doc *d, const struct pb_doc_item *i)
{
    pb_buf_adds(b, ",\"properties\":{\"group\":");
    pb_put_string(b, d->groups[i->group].code);
    member(b, "unit", i->unit == PB_DOC_NO_UNIT ? NULL : d->units[i->unit].name);
    units(b, i);
    member(b, "type", i->type);
    member(b, "id", i->id);
    member(b, "action", i->action);
    member(b, "observer", i->observer);
    member(b, "commit", i->by.commit);
    member(b, "author", i->by.commit ? i->by.author : NULL);
    put_rows(b, d, i);
    pb_buf_addc(b, '}');
}

static void result(struct pb_buf *b, const struct pb_doc *d, const struct pb_doc_item *i)
{
    pb_buf_addf(b, "{\"ruleId\":\"%s/%s\",\"ruleIndex\":%zu,\"level\":\"%s\"", d->kind,
                d->rules[i->rule].code, i->rule, pb_level_names[i->level]);
    message(b, d, i);
    location(b, d, i);
    pb_buf_addf(b, ",\"partialFingerprints\":{\"plumbFinding/v1\":\"%s\"}", i->fingerprint);
    properties(b, d, i);
    pb_buf_addc(b, '}');
}

/* "unit-failed" as "UnitFailed". */
static void pascal(struct pb_buf *b, const char *code)
{
    bool up = true;

    for (; *code; code++) {
        if (isalnum((unsigned char)*code))
            pb_buf_addc(b, up ? (char)toupper((unsigned char)*code) : *code);
        up = !isalnum((unsigned char)*code);
    }
}

static void rule(struct pb_buf *b, const struct pb_doc *d, const struct pb_doc_rule *r)
{
    PB_AUTO(buf) struct pb_buf name = PB_BUF_INIT;

    pascal(&name, r->code);
    pb_buf_addf(b, "{\"id\":\"%s/%s\",\"name\":\"%s\"", d->kind, r->code, name.s);
    text_member(b, "shortDescription", r->meaning);
    text_member(b, "fullDescription", r->meaning);
    text_member(b, "help", r->help);
    pb_buf_addf(b,
                ",\"defaultConfiguration\":{\"level\":\"%s\"},"
                "\"properties\":{\"tags\":[\"infrastructure\",\"%s\"]}}",
                pb_level_names[r->level], d->kind);
}

static void tool(struct pb_buf *b, const struct pb_doc *d)
{
    pb_buf_adds(b, "{\"tool\":{\"driver\":{\"name\":\"plumb\"");
    member(b, "version", d->version);
    pb_buf_adds(b, ",\"rules\":[");
    for (size_t i = 0; i < d->nrules; i++) {
        pb_buf_adds(b, i ? ",\n" : "\n");
        rule(b, d, &d->rules[i]);
    }
    pb_buf_adds(b, "]}}");
}

static void notification(struct pb_buf *b, const struct pb_doc_diag *n)
{
    const char *level = strcmp(n->severity, "notice") == 0 ? "note" : n->severity;
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT, safe = PB_BUF_INIT;

    pb_buf_addf(&text, "%s%s%s", n->address ? n->address : "", n->address ? ": " : "", n->message);
    add_message(&safe, text.s);
    pb_buf_adds(b, "{\"descriptor\":{\"id\":");
    pb_put_string(b, n->code);
    pb_buf_addf(b, "},\"level\":\"%s\"", level);
    text_member(b, "message", safe.s);
    if (n->unit) {
        pb_buf_adds(b, ",\"properties\":{\"unit\":");
        pb_put_string(b, n->unit);
        pb_buf_addc(b, '}');
    }
    pb_buf_addc(b, '}');
}

/* What a person reads first: without results, it is all there is. */
static void say(struct pb_buf *b, const char *words)
{
    struct pb_doc_diag n = {.severity = "notice", .code = "summary", .message = words};

    notification(b, &n);
}

static void invocation(struct pb_buf *b, const struct pb_doc *d)
{
    char from[PB_CLOCK_RFC3339], to[PB_CLOCK_RFC3339];

    pb_clock_rfc3339(from, d->started_at);
    pb_clock_rfc3339(to, d->started_at + d->elapsed_ms / 1000);
    pb_buf_addf(b,
                ",\n\"invocations\":[{\"executionSuccessful\":%s,\"exitCode\":%d,"
                "\"startTimeUtc\":\"%s\",\"endTimeUtc\":\"%s\"",
                d->exit_code == PB_EXIT_ERROR ? "false" : "true", (int)d->exit_code, from, to);
    member(b, "exitCodeDescription", pb_exit_find(d->kind, d->exit_code)->meaning);
    pb_buf_adds(b, ",\"toolExecutionNotifications\":[\n");
    say(b, d->headline);
    for (size_t i = 0; d->notes && d->notes[i]; i++) {
        pb_buf_adds(b, ",\n");
        say(b, d->notes[i]);
    }
    for (size_t i = 0; i < d->ndiags; i++) {
        pb_buf_adds(b, ",\n");
        notification(b, &d->diags[i]);
    }
    pb_buf_adds(b, "]}]");
}

static void provenance(struct pb_buf *b, const struct pb_doc *d)
{
    pb_buf_adds(b,
                ",\n\"originalUriBaseIds\":{\"%SRCROOT%\":{\"description\":{\"text\":\"the top of "
                "the repository\"}}}");
    if (!d->repository)
        return;
    pb_buf_adds(b, ",\n\"versionControlProvenance\":[{\"repositoryUri\":");
    pb_put_string(b, d->repository);
    member(b, "revisionId", d->commit);
    member(b, "branch", d->branch);
    pb_buf_adds(b, ",\"mappedTo\":{\"uriBaseId\":\"%SRCROOT%\"}}]");
}

void pb_report_sarif(struct pb_buf *b, const struct pb_doc *d, const struct pb_report_opts *o)
{
    const char *sep = "\n";

    (void)o;
    pb_buf_adds(b, "{\"$schema\":\"" SCHEMA "\",\"version\":\"2.1.0\",\"runs\":[\n");
    tool(b, d);
    invocation(b, d);
    provenance(b, d);
    pb_buf_addf(b,
                ",\n\"automationDetails\":{\"id\":\"plumb/%s/%s/\"},"
                "\"columnKind\":\"unicodeCodePoints\",\n\"results\":[",
                d->kind, d->scope);
    for (size_t i = 0; i < d->nitems; i++) {
        if (d->items[i].level == PB_LEVEL_NONE)
            continue;
        pb_buf_adds(b, sep);
        sep = ",\n";
        result(b, d, &d->items[i]);
    }
    pb_buf_adds(b, "]}]}\n");
}
