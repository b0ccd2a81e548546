#include "cmd/audit.h"

int pb_cmd_observe(const struct pb_args *args)
{
    struct pb_audit_options o = pb_cmd_audit_options(args);
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_audit audit;
    int code = pb_cmd_audit_run(&audit, args, &o);
    bool unknown = false;

    if (code >= 0)
        return code;
    pb_report_live(&b, &audit);
    code = pb_cmd_put(&b, pb_args_get(args, PB_O_OUTPUT));
    for (size_t i = 0; i < audit.nunits; i++)
        for (size_t k = 0; !audit.units[i].failed && k < audit.units[i].live.n; k++)
            unknown |= audit.units[i].live.v[k].presence == PB_P_UNKNOWN;
    if (!code)
        code = audit.failed ? PB_EXIT_ERROR : unknown ? PB_EXIT_INCONCLUSIVE : PB_EXIT_PLUMB;
    for (size_t i = 0; i < audit.nunits; i++)
        if (audit.units[i].failed)
            pb_cmd_note("unit '%s': %s", audit.units[i].config.name, audit.units[i].err.msg);
    pb_audit_release(&audit);
    return code;
}
