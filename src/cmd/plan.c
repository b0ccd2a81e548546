/* plumb plan: what an apply would do, and whether the gate lets it. */
#include "cmd/audit.h"

#include "base/mem.h"
#include "base/text.h"
#include "cmd/plan_options.h"
#include "report/gate.h"

#include <stdlib.h>

static int exit_code(const struct pb_audit *a, const struct pb_unit_gate *gates)
{
    bool changes = false, refused = false;

    if (a->failed)
        return PB_EXIT_ERROR;
    for (size_t i = 0; i < a->nunits; i++) {
        changes |= gates[i].out.n > 0;
        refused |= gates[i].out.decision == PB_GATE_DENY;
    }
    return refused ? PB_EXIT_REFUSED : changes ? PB_EXIT_DRIFT : PB_EXIT_PLUMB;
}

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

int pb_cmd_plan(const struct pb_args *args)
{
    struct pb_audit_options o = pb_cmd_audit_options(args);
    struct pb_report_opts ro = pb_cmd_report_options(args);
    const char *file = pb_args_get(args, PB_O_OUTPUT);
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_cmd_plan_options p;
    struct pb_unit_gate *gates;
    struct pb_audit audit;
    struct pb_err err = PB_ERR_INIT;
    int code;

    if (pb_cmd_plan_options(&p, args, &err) < 0) {
        pb_cmd_plan_options_release(&p);
        return pb_cmd_fail(&err);
    }
    pb_cmd_plan_into(&o, &p);
    code = pb_cmd_audit_run(&audit, args, &o);
    if (code >= 0) {
        pb_cmd_plan_options_release(&p);
        return code;
    }
    gates = pb_calloc(audit.nunits + 1, sizeof(*gates));
    judge(gates, &audit, o.rev != NULL);
    if (file && !pb_streq(file, "-"))
        ro = (struct pb_report_opts){.version = ro.version};
    if (pb_streq(pb_args_get(args, PB_O_FORMAT), "json"))
        pb_report_gate_json(&b, &audit, gates, &ro);
    else
        pb_report_gate_text(&b, &audit, gates, &ro);
    code = pb_cmd_put(&b, file);
    if (!code)
        code = exit_code(&audit, gates);
    free(gates);
    pb_audit_release(&audit);
    pb_cmd_plan_options_release(&p);
    return code;
}
