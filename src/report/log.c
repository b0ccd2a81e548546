#include "report/log.h"

#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"
#include "report/pen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pb_log_item {
    char *json, *ledger;
    char time[32];
    uint64_t seq;
    size_t order; /* in which it came: within a ledger time may step back */
    unsigned char hash[PB_SHA256_LEN];
};

void pb_log_add(struct pb_log_report *l, const char *name, const struct pb_ledger_entry *e)
{
    struct pb_log_item *i;

    l->v = pb_grow(l->v, &l->cap, l->n + 1, sizeof(*l->v));
    i = &l->v[l->n];
    *i = (struct pb_log_item){.json = pb_strndup(e->text, e->text_len),
                              .ledger = pb_strdup(name),
                              .seq = e->seq,
                              .order = l->n++};
    snprintf(i->time, sizeof(i->time), "%s", e->time);
    memcpy(i->hash, e->hash, sizeof(i->hash));
}

void pb_log_release(struct pb_log_report *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->v[i].json);
        free(l->v[i].ledger);
    }
    free(l->v);
    memset(l, 0, sizeof(*l));
}

static int by_time(const void *x, const void *y)
{
    const struct pb_log_item *a = x, *b = y;
    int c = strcmp(a->time, b->time); /* all are UTC, of one shape */

    return c ? c : a->order < b->order ? -1 : a->order > b->order;
}

static void sort(struct pb_log_report *l)
{
    if (l->n)
        qsort(l->v, l->n, sizeof(*l->v), by_time);
}

/* ---- for people ------------------------------------------------------------------------- */

static void add_who(struct pb_pen *p, const struct pb_value *who)
{
    const char *user = pb_get_str(who, "user"), *host = pb_get_str(who, "host");
    const char *email = pb_get_str(who, "email");

    pb_pen_safe(p, user ? user : "?");
    pb_buf_adds(p->b, "@");
    pb_pen_safe(p, host ? host : "?");
    if (email) {
        pb_buf_adds(p->b, " (");
        pb_pen_safe(p, email);
        pb_buf_adds(p->b, ")");
    }
}

static void add_counts(struct pb_pen *p, const struct pb_value *verdicts)
{
    size_t n = 0;

    for (int v = PB_NVERDICTS; v-- > 0;) {
        const char *name = pb_verdict_name((enum pb_verdict)v);
        int64_t count;

        if (pb_get_int(&count, verdicts, name) < 0)
            continue;
        pb_buf_addf(p->b, "%s%lld ", n++ ? ", " : "", (long long)count);
        for (const char *c = name; *c; c++)
            pb_buf_addc(p->b, *c == '_' ? ' ' : *c);
    }
    if (!n)
        pb_buf_adds(p->b, "nothing to compare");
}

static void add_verdict(struct pb_pen *p, const char *verdict)
{
    enum pb_verdict v;

    if (verdict && pb_verdict_parse(&v, verdict) == 0)
        pb_pen_ink(p, pb_pen_style_of(v), verdict);
    else
        pb_pen_safe(p, verdict ? verdict : "?");
}

/* A change of an apply has an action, and what became of it; a finding has a verdict. */
static void add_resource(struct pb_pen *p, const struct pb_value *r)
{
    const struct pb_value *paths = pb_get(r, "paths");
    const char *verdict = pb_get_str(r, "verdict"), *address = pb_get_str(r, "address");
    const char *action = pb_get_str(r, "action"), *first = action ? action : verdict;
    static const char *const about[] = {"id", "cause", "result"};

    pb_buf_adds(p->b, "    ");
    if (action)
        pb_pen_safe(p, action);
    else
        add_verdict(p, verdict);
    pb_buf_addf(p->b, "%*s ", (int)(first && strlen(first) < 11 ? 11 - strlen(first) : 0), "");
    pb_pen_safe(p, address ? address : "?");
    for (size_t i = 0; action && i < PB_COUNT(about); i++) {
        const char *word = pb_get_str(r, about[i]);

        if (!word)
            continue;
        pb_buf_adds(p->b, i ? "  " : " (");
        pb_pen_safe(p, word);
        pb_buf_adds(p->b, i ? "" : ")");
    }
    if (action && verdict) {
        pb_buf_adds(p->b, "  ");
        add_verdict(p, verdict);
    }
    for (size_t i = 0; i < pb_len(paths); i++) {
        pb_buf_adds(p->b, i ? ", " : "  ");
        pb_pen_safe(p, pb_str(pb_at(paths, i)) ? pb_str(pb_at(paths, i)) : "?");
    }
    pb_buf_addc(p->b, '\n');
}

/* ", 2 update, 1 delete" of a map of counts. */
static void add_tally(struct pb_pen *p, const struct pb_value *counts)
{
    for (size_t i = 0; pb_is(counts, PB_MAP) && i < counts->n; i++) {
        int64_t n = 0;

        pb_get_int(&n, counts, counts->members[i].key);
        pb_buf_addf(p->b, "%s%lld ", i ? ", " : "", (long long)n);
        pb_pen_safe(p, counts->members[i].key);
    }
    if (!pb_len(counts))
        pb_buf_adds(p->b, "no changes");
}

static void add_approval(struct pb_pen *p, const struct pb_value *approved)
{
    const char *by = pb_get_str(approved, "by"), *how = pb_get_str(approved, "how");

    if (!approved)
        return;
    pb_buf_adds(p->b, ", approved by ");
    pb_pen_safe(p, by ? by : how ? how : "?");
    if (by && how) {
        pb_buf_adds(p->b, " (");
        pb_pen_safe(p, how);
        pb_buf_adds(p->b, ")");
    }
}

/* What became of it, the one thing that matters first. */
static void add_end(struct pb_pen *p, const struct pb_value *body)
{
    const char *outcome = pb_get_str(body, "outcome");
    int64_t n;

    if (outcome) {
        pb_pen_safe(p, outcome);
        pb_buf_adds(p->b, ": ");
    }
    add_tally(p, pb_get(body, pb_get(body, "results") ? "results" : "actions"));
    if (pb_get_bool(body, "verified", false))
        pb_pen_ink(p, PB_GREEN, ", verified");
    else
        pb_pen_ink(p, PB_RED, ", not verified");
    if (pb_get_int(&n, body, "exit") == 0)
        pb_buf_addf(p->b, ", exit %lld", (long long)n);
    if (pb_get_int(&n, body, "duration_ms") == 0)
        pb_buf_addf(p->b, ", %lld.%lld s", (long long)n / 1000, (long long)n % 1000 / 100);
    add_approval(p, pb_get(body, "approved"));
}

static void add_refusals(struct pb_pen *p, const struct pb_value *list)
{
    for (size_t i = 0; i < pb_len(list); i++) {
        const char *code = pb_get_str(pb_at(list, i), "code");
        const char *what = pb_get_str(pb_at(list, i), "what");

        pb_buf_adds(p->b, "    ");
        pb_pen_ink(p, PB_RED, code ? code : "?");
        if (what) {
            pb_buf_adds(p->b, "  ");
            pb_pen_safe(p, what);
        }
        pb_buf_addc(p->b, '\n');
    }
}

static void add_apply(struct pb_pen *p, const struct pb_value *body)
{
    const char *command = pb_get_str(body, "command"), *error = pb_get_str(body, "error");

    pb_buf_adds(p->b, "  ");
    if (command && !pb_streq(command, "apply")) {
        pb_pen_safe(p, command);
        pb_buf_adds(p->b, ": ");
    }
    if (pb_get(body, "verified")) {
        add_end(p, body);
    } else {
        add_tally(p, pb_get(body, "actions"));
        add_approval(p, pb_get(body, "approved"));
    }
    pb_buf_addc(p->b, '\n');
    if (error) {
        pb_buf_adds(p->b, "    ");
        pb_pen_safe(p, error);
        pb_buf_addc(p->b, '\n');
    }
    add_refusals(p, pb_get(body, "refusals"));
}

static void add_found(struct pb_pen *p, const struct pb_value *body)
{
    const char *error = pb_get_str(body, "error");
    const struct pb_value *verdicts = pb_get(body, "verdicts");

    if (error) {
        pb_buf_adds(p->b, "  failed: ");
        pb_pen_safe(p, error);
    } else if (verdicts) {
        pb_buf_adds(p->b, "  ");
        add_counts(p, verdicts);
    }
    pb_buf_addc(p->b, '\n');
}

static void add_body(struct pb_pen *p, const char *kind, const struct pb_value *body)
{
    const char *commit = pb_get_str(body, "commit");
    const struct pb_value *list = pb_get(body, "resources");
    int64_t omitted;

    if (commit)
        pb_buf_addf(p->b, "  %.8s", commit);
    if (pb_starts_with(kind, "apply."))
        add_apply(p, body);
    else
        add_found(p, body);
    for (size_t i = 0; i < pb_len(list); i++)
        add_resource(p, pb_at(list, i));
    if (pb_get_int(&omitted, body, "omitted") == 0)
        pb_buf_addf(p->b, "    and %lld more, which the entry does not name\n", (long long)omitted);
}

static void add_entry(struct pb_pen *p, const struct pb_log_item *i, bool many)
{
    struct pb_arena *a = pb_arena_new();
    const struct pb_value *e = NULL, *body;
    const char *kind, *unit;

    if (pb_json_parse(&e, a, i->json, strlen(i->json), "the entry", NULL) < 0)
        BUG("an entry that was read before");
    kind = pb_get_str(e, "kind");
    body = pb_get(e, "body");
    unit = pb_get_str(body, "unit");
    pb_pen_on(p, PB_DIM);
    pb_buf_addf(p->b, "%.10s %s", i->time, i->time + (i->time[0] ? 11 : 0));
    pb_pen_off(p);
    pb_buf_adds(p->b, "  ");
    pb_pen_on(p, PB_BOLD);
    pb_pen_safe(p, kind);
    pb_pen_off(p);
    if (unit) {
        pb_buf_adds(p->b, "  ");
        pb_pen_safe(p, unit);
    }
    pb_buf_adds(p->b, "  ");
    add_who(p, pb_get(e, "who"));
    if (many) {
        pb_buf_adds(p->b, "  in ");
        pb_pen_safe(p, i->ledger);
    }
    add_body(p, kind, body);
    pb_arena_free(a);
}

void pb_log_text(struct pb_buf *b, struct pb_log_report *l, const struct pb_report_opts *o)
{
    struct pb_pen p = pb_pen_of(b, o);
    bool many = false;

    sort(l);
    for (size_t i = 1; i < l->n; i++)
        many |= strcmp(l->v[i].ledger, l->v[0].ledger) != 0;
    for (size_t i = 0; i < l->n; i++)
        add_entry(&p, &l->v[i], many);
    pb_pen_release(&p);
}

/* ---- for programs ----------------------------------------------------------------------- */

void pb_log_json(struct pb_buf *b, struct pb_log_report *l)
{
    sort(l);
    pb_buf_adds(b, "{\"format_version\":\"1.0\",\"entries\":[");
    for (size_t i = 0; i < l->n; i++) {
        pb_buf_adds(b, i ? ",\n{\"ledger\":" : "\n{\"ledger\":");
        pb_json_add_string(b, l->v[i].ledger, strlen(l->v[i].ledger));
        pb_buf_adds(b, ",\"hash\":\"");
        pb_buf_add_hex(b, l->v[i].hash, sizeof(l->v[i].hash));
        pb_buf_addf(b, "\",\"entry\":%s}", l->v[i].json);
    }
    pb_buf_adds(b, "\n]}\n");
}
