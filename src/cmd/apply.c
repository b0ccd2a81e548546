/* plumb apply: plan, gate, apply, verify, record. */
#include "cmd/audit.h"

#include "base/cancel.h"
#include "base/mem.h"
#include "base/text.h"
#include "cmd/apply_view.h"
#include "cmd/plan_options.h"
#include "cmd/progress.h"
#include "report/apply.h"
#include "report/gate.h"
#include "run/apply.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HASH_MIN = 12 };

struct applying {
    const struct pb_args *args;
    struct pb_report_opts report;
    bool for_people; /* stdout: what happens is told there as it happens */
    struct pb_cmd_progress progress;
    struct pb_apply_view view;
};

/* ---- the decision --------------------------------------------------------------------------- */

static bool is_destructive(const struct pb_unit_gate *g)
{
    for (size_t i = 0; i < g->out.n; i++) {
        enum pb_action act = g->out.v[i].change->action;

        if (act == PB_ACT_DELETE || act == PB_ACT_REPLACE || act == PB_ACT_UNKNOWN)
            return true;
    }
    return false;
}

/* What somebody typed, without the newline; false at the end of input. */
static bool read_line(struct pb_buf *out)
{
    int c = EOF;

    /* A terminal gives whole lines. */
    if (!pb_cancel_requested() && pb_cancel_wait(STDIN_FILENO, POLLIN))
        while ((c = getchar()) != EOF && c != '\n')
            pb_buf_addc(out, (char)c);
    return c == '\n';
}

static bool ask(const struct pb_unit_gate *g, const char *unit)
{
    PB_AUTO(buf) struct pb_buf answer = PB_BUF_INIT;
    const char *want = is_destructive(g) ? unit : "yes";

    if (want == unit)
        fprintf(stderr,
                "\nThis deletes or replaces resources. To apply it, type the unit's name "
                "('%s'): ",
                unit);
    else
        fputs("\nTo apply it, type 'yes': ", stderr);
    fflush(stderr);
    return read_line(&answer) && pb_streq(answer.s, want);
}

static bool can_ask(const struct pb_args *args)
{
    const char *input = pb_args_get(args, PB_O_INPUT);

    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO) && !pb_args_has(args, PB_O_AUTO_APPROVE) &&
           !pb_streq(input, "false");
}

static int approve(enum pb_approval *out, const char *given, const char *evidence,
                   struct pb_err *err)
{
    if (strlen(given) < HASH_MIN)
        return pb_fail(err, PB_E_USAGE, "--approve needs at least %d digits of the evidence",
                       HASH_MIN);
    if (!pb_starts_with(evidence, given)) {
        pb_cmd_note("the evidence is %.16s now, not the approved %.16s: look at the plan again",
                    evidence, given);
        return 0;
    }
    *out = PB_APPROVED_EVIDENCE;
    return 0;
}

static int decide(void *ctx, enum pb_approval *out, struct pb_audit *audit, struct pb_unit_gate *g,
                  const char *evidence, struct pb_err *err)
{
    struct applying *a = ctx;
    const char *given = pb_args_get(a->args, PB_O_APPROVE);
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    pb_cmd_progress_erase(&a->progress);
    if (a->for_people) {
        pb_report_gate_text(&b, audit, g, &a->report);
        pb_cmd_print(&b);
    }
    if (given)
        return approve(out, given, evidence, err);
    if (can_ask(a->args))
        *out = ask(g, audit->units[0].config.name) ? PB_APPROVED_PERSON : PB_APPROVED_NOT;
    else if (g->out.decision == PB_GATE_ALLOW)
        *out = PB_APPROVED_POLICY;
    else
        pb_cmd_note("somebody has to say yes to this plan: at a terminal, or with '--approve "
                    "%.16s' by who has seen it",
                    evidence);
    return 0;
}

/* ---- while it runs -------------------------------------------------------------------------- */

static void event(void *ctx, const struct pb_apply_event *e, size_t done, size_t total)
{
    struct applying *a = ctx;
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    pb_apply_view_event(&a->view, e, done, total);
    if (!a->for_people)
        return;
    pb_report_apply_event(&b, e, &a->report);
    if (!b.len)
        return;
    pb_apply_view_erase(&a->view);
    pb_cmd_print(&b);
}

static void tick(void *ctx)
{
    struct applying *a = ctx;

    pb_apply_view_tick(&a->view);
}

static void phase(void *ctx, const char *what)
{
    struct applying *a = ctx;

    if (pb_args_has(a->args, PB_O_VERBOSE))
        pb_cmd_note("%s", what);
    if (strcmp(what, "verify") == 0)
        pb_apply_view_end(&a->view);
}

static void say(void *ctx, const char *what)
{
    struct applying *a = ctx;

    pb_cmd_progress_erase(&a->progress);
    pb_cmd_note("%s", what);
}

/* ---- the command ---------------------------------------------------------------------------- */

static void write_apply(struct pb_buf *b, const struct pb_report_format *f,
                        const struct pb_report_opts *o, const void *what)
{
    const struct pb_apply_run *run = what;

    /* What the gate refuses nobody was asked about, so nobody has seen it yet. */
    if (pb_streq(f->name, "text") && run->outcome.end == PB_END_REFUSED &&
        run->gate.out.decision == PB_GATE_DENY)
        pb_report_gate_text(b, &run->audit, &run->gate, o);
    pb_report_apply(b, f, run, o);
}

int pb_cmd_apply(const struct pb_args *args)
{
    struct pb_audit_options o = pb_cmd_audit_options(args);
    struct applying a = {.args = args,
                         .report = pb_cmd_report_options(args),
                         .for_people = pb_cmd_reports_for_people(args)};
    struct pb_apply_run run = {.decide = decide,
                               .event = event,
                               .tick = tick,
                               .phase = phase,
                               .say = say,
                               .ctx = &a,
                               .any_tree = o.rev != NULL};
    struct pb_cmd_plan_options p;
    struct pb_err err = PB_ERR_INIT;
    int code = pb_cmd_reports_usage(args);

    if (code)
        return code;
    code = pb_cmd_plan_options(&p, args, &err);
    if (code == 0) {
        pb_cmd_plan_into(&o, &p);
        pb_cmd_progress_start(&a.progress, args);
        pb_apply_view_start(&a.view, args);
        o.progress = &a.progress.progress;
        run.wait_ms = p.plan.lock_timeout_ms;
        code = pb_apply(&run, &o, &err);
        pb_cmd_progress_end(&a.progress);
        pb_apply_view_end(&a.view);
    }
    if (code < 0) {
        code = pb_cmd_fail(&err);
    } else {
        code = pb_cmd_reports(args, write_apply, &run);
        code = code ? code : (int)pb_apply_exit(&run.outcome);
    }
    pb_apply_release(&run);
    pb_cmd_plan_options_release(&p);
    return code;
}
