/* plumb log: the ledger. */
#include "cmd/audit.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "report/log.h"
#include "run/record.h"

#include <string.h>

/* What every job needs. */
struct session {
    const struct pb_args *args;
    struct pb_audit audit; /* repository and configuration only */
    struct pb_record record;
};

static int open_session(struct session *s, struct pb_err *err)
{
    struct pb_audit_options o = {.config = pb_args_get(s->args, PB_O_CONFIG)};

    if (pb_audit_open_config(&s->audit, &o, err) < 0 ||
        pb_record_open(&s->record, s->audit.repo, &s->audit.config.ledger, err) < 0)
        return -1;
    if (!pb_args_has(s->args, PB_O_FETCH))
        return 0;
    if (!s->record.config.remote)
        return pb_fail(err, PB_E_CONFIG,
                       "there is nothing to fetch from: name a remote as 'ledger: remote:' in %s",
                       PB_CONFIG_FILE);
    return pb_record_fetch(&s->record, err);
}

static int when(int64_t *out, const struct pb_args *args, enum pb_opt_id id, const char *name,
                struct pb_err *err)
{
    const char *s = pb_args_get(args, id);
    time_t t;

    if (!s)
        return 0;
    if (pb_clock_parse_when(&t, s, pb_clock_wall()) < 0)
        return pb_fail(err, PB_E_USAGE,
                       "--%s '%s' is not a time: write 2026-11-19, '2026-11-19 14:00', 14:00, or "
                       "how long ago: 90m, 24h, 7d",
                       name, s);
    *out = (int64_t)t;
    return 0;
}

static int query_of(struct pb_ledger_query *q, const struct pb_args *args, struct pb_err *err)
{
    *q = (struct pb_ledger_query){.units = pb_args_all(args, PB_O_UNIT),
                                  .who = pb_args_all(args, PB_O_WHO),
                                  .addresses = pb_args_all(args, PB_O_ADDRESS),
                                  .verdicts = pb_args_all(args, PB_O_VERDICT),
                                  .kinds = pb_args_all(args, PB_O_KIND)};
    if (when(&q->since, args, PB_O_SINCE, "since", err) < 0 ||
        when(&q->until, args, PB_O_UNTIL, "until", err) < 0)
        return -1;
    if (q->since && q->until && q->since >= q->until)
        return pb_fail(err, PB_E_USAGE, "--since is not before --until: nothing can be between");
    return 0;
}

struct collector {
    struct pb_ledger_query query;
    struct pb_log_report report;
    size_t seen;
};

static int collect(void *ctx, const char *name, const struct pb_ledger_entry *e)
{
    struct collector *c = ctx;

    c->seen++;
    if (pb_ledger_matches(&c->query, e))
        pb_log_add(&c->report, name, e);
    return 0;
}

static int show(struct session *s, struct pb_err *err)
{
    struct pb_report_opts o = pb_cmd_report_options(s->args);
    struct collector c = {.report = PB_LOG_REPORT_INIT};
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_err damaged = PB_ERR_INIT;
    int rc = -1;

    if (query_of(&c.query, s->args, err) == 0 &&
        pb_record_walk(&s->record, collect, &c, &damaged, err) == 0) {
        if (pb_streq(pb_args_get(s->args, PB_O_FORMAT), "json"))
            pb_log_json(&b, &c.report);
        else
            pb_log_text(&b, &c.report, &o);
        rc = pb_cmd_put(&b, pb_args_get(s->args, PB_O_OUTPUT));
        if (!c.report.n && !pb_args_has(s->args, PB_O_QUIET))
            pb_cmd_note(c.seen ? "no entry fits; there are %zu"
                               : "nothing was recorded here yet (%zu entries); "
                                 "'plumb audit --record' begins",
                        c.seen);
    }
    pb_log_release(&c.report);
    if (rc >= 0 && damaged.cls) {
        *err = damaged;
        rc = -1;
    }
    return rc;
}

static void add_pins(struct pb_buf *b, const struct session *s, const struct pb_record_check *k)
{
    const struct pb_record *r = &s->record;

    if (k->in_ref)
        pb_buf_addf(b, "  fits  %s: the first %llu entries%s%s\n", r->ref,
                    (unsigned long long)k->in_ref, *k->signer ? ", signed by " : "", k->signer);
    if (k->in_copy)
        pb_buf_addf(b, "  fits  %s as last fetched from '%s': the first %llu\n", r->ref,
                    r->config.remote, (unsigned long long)k->in_copy);
    for (char *const *p = pb_args_all(s->args, PB_O_PIN); p && *p; p++) {
        pb_buf_adds(b, "  fits  ");
        pb_text_add_safe(b, *p, strlen(*p));
        pb_buf_addc(b, '\n');
    }
}

/* The chain proves order and content; what it cannot prove has to be said. */
static void add_limits(struct pb_buf *b, const struct pb_record_check *k)
{
    if (k->log.torn_bytes)
        pb_buf_addf(
            b,
            "  torn  %llu bytes at the end are no whole entry: an append was interrupted, or "
            "the file was cut; the next entry sets them aside\n",
            (unsigned long long)k->log.torn_bytes);
    if (!k->elsewhere)
        pb_buf_adds(b, "  not shown: that it was not written anew as a whole, since every "
                       "checkpoint at hand is on this machine; pin it elsewhere "
                       "('plumb log checkpoint') or give the ledger a remote\n");
    else if (k->elsewhere < k->log.now.size)
        pb_buf_addf(b,
                    "  not shown: that no entry was cut off behind entry %llu; "
                    "'plumb log anchor' covers the rest\n",
                    (unsigned long long)k->elsewhere - 1);
}

static int verify(struct session *s, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_record_check k;
    int code;

    if (pb_record_verify(&k, &s->record, pb_args_all(s->args, PB_O_PIN), err) < 0)
        return -1;
    if (k.absent) {
        pb_buf_adds(&b, "there is no ledger yet\n");
    } else {
        pb_buf_addf(&b, "the ledger stands: %llu entries%s%s%s%s\n",
                    (unsigned long long)k.log.now.size, *k.log.first ? ", " : "", k.log.first,
                    *k.log.first ? " to " : "", k.log.last);
        add_pins(&b, s, &k);
        add_limits(&b, &k);
    }
    if (k.others)
        pb_buf_addf(&b, "%zu of other machines, as far as they were fetched, %s too\n", k.others,
                    k.others == 1 ? "stands" : "stand");
    code = pb_cmd_put(&b, pb_args_get(s->args, PB_O_OUTPUT));
    if (k.damaged.cls)
        code = pb_cmd_fail(&k.damaged);
    return code;
}

static int checkpoint(struct session *s, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_record_check k;

    if (pb_record_verify(&k, &s->record, NULL, err) < 0)
        return -1;
    if (k.absent || !k.log.now.size)
        return pb_fail(err, PB_E_INPUT,
                       "there is no ledger yet: 'plumb audit --record' begins one");
    pb_checkpoint_add(&b, &k.log.now);
    return pb_cmd_put(&b, pb_args_get(s->args, PB_O_OUTPUT));
}

static int anchor(struct session *s, struct pb_err *err)
{
    struct pb_anchored a;

    if (pb_record_anchor(&a, &s->record, err) < 0)
        return -1;
    if (!pb_args_has(s->args, PB_O_QUIET))
        pb_cmd_note("%llu entries are at %s%s%s", (unsigned long long)a.checkpoint.size,
                    s->record.ref, a.pushed ? ", here and on " : " of this clone",
                    a.pushed ? s->record.config.remote : "");
    return 0;
}

static const struct {
    const char *name;
    int (*run)(struct session *s, struct pb_err *err);
} jobs[] = {{"verify", verify}, {"checkpoint", checkpoint}, {"anchor", anchor}};

int pb_cmd_log(const struct pb_args *args)
{
    const char *name = args->pos.n ? args->pos.v[0] : NULL;
    struct session s = {.args = args};
    struct pb_err err = PB_ERR_INIT;
    int (*run)(struct session *, struct pb_err *) = name ? NULL : show;
    int rc = -1;

    for (size_t i = 0; name && i < PB_COUNT(jobs); i++)
        if (pb_streq(jobs[i].name, name))
            run = jobs[i].run;
    if (!run)
        pb_fail(&err, PB_E_USAGE, "'log %s' is nothing: there is verify, checkpoint and anchor",
                name);
    else if (name && run != verify && pb_args_has(args, PB_O_PIN))
        pb_fail(&err, PB_E_USAGE, "--pin is for 'log verify'");
    else if (open_session(&s, &err) == 0)
        rc = run(&s, &err);
    if (rc < 0)
        rc = pb_cmd_fail(&err);
    pb_record_release(&s.record);
    pb_audit_release(&s.audit);
    return rc;
}
