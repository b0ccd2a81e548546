/* plumb plan: what an apply would do, and whether the gate lets it. */
#include "cmd/audit.h"

#include "base/mem.h"
#include "cmd/plan_options.h"
#include "cmd/post.h"
#include "report/gate.h"
#include "report/level.h"

#include <stdlib.h>

/* A unit of which the gate cannot say anything is one that failed. */
static void judge(struct pb_unit_gate *gates, struct pb_audit *a, bool any_tree)
{
    for (size_t i = 0; i < a->nunits; i++) {
        struct pb_unit_result *u = &a->units[i];

        if (u->failed || pb_run_gate(&gates[i], a, u, any_tree, &u->err) == 0)
            continue;
        u->failed = true;
        a->failed++;
    }
}

struct planned {
    const struct pb_audit *audit;
    const struct pb_unit_gate *gates;
};

static void write_plan(struct pb_buf *b, const struct pb_report_format *f,
                       const struct pb_report_opts *o, const void *what)
{
    const struct planned *p = what;

    pb_report_gate(b, f, p->audit, p->gates, o);
}

static void post(struct pb_cmd_post *p, const struct planned *planned)
{
    PB_AUTO(buf) struct pb_buf line = PB_BUF_INIT;
    struct pb_cmd_post_result r = {
        .state = pb_cmd_post_of_change(pb_gates_exit(planned->audit, planned->gates)),
        .commit = planned->audit->commit,
        .sure = pb_args_get(p->args, PB_O_REV) != NULL,
        .write = write_plan,
        .what = planned};

    pb_headline_gates(&line, planned->audit, planned->gates);
    r.text = line.s;
    pb_cmd_post_result(p, &r);
}

/* Everything but what the command line asks for beside it. */
static int plan(const struct pb_args *args, struct pb_audit_options *o, struct pb_cmd_post *posted)
{
    struct pb_unit_gate *gates;
    struct pb_audit audit;
    int code = pb_cmd_audit_run(&audit, args, o);

    if (code >= 0) {
        pb_cmd_post_failure(posted, code);
        return code;
    }
    gates = pb_calloc(audit.nunits + 1, sizeof(*gates));
    judge(gates, &audit, o->rev != NULL);
    code = pb_cmd_reports(args, write_plan, &(struct planned){&audit, gates});
    post(posted, &(struct planned){&audit, gates});
    if (!code)
        code = (int)pb_gates_exit(&audit, gates);
    free(gates);
    pb_audit_release(&audit);
    return code;
}

int pb_cmd_plan(const struct pb_args *args)
{
    struct pb_audit_options o = pb_cmd_audit_options(args);
    struct pb_cmd_plan_options p = {0};
    struct pb_cmd_post posted;
    struct pb_err err = PB_ERR_INIT;
    int code = pb_cmd_reports_usage(args);

    if (code)
        return code;
    code = pb_cmd_post_open(&posted, args);
    if (!code && pb_cmd_plan_options(&p, args, &err) < 0)
        code = pb_cmd_fail(&err);
    if (!code) {
        pb_cmd_plan_into(&o, &p);
        code = plan(args, &o, &posted);
    }
    pb_cmd_post_close(&posted);
    pb_cmd_plan_options_release(&p);
    return code;
}
