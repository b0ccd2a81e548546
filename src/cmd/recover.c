/* plumb recover: bring an interrupted apply to its end. */
#include "cmd/audit.h"

#include "base/mem.h"
#include "base/text.h"
#include "run/recover.h"

#include <string.h>

static void add_text(struct pb_buf *b, const struct pb_recovery *r)
{
    for (size_t i = 0; i < r->said.n; i++) {
        pb_text_add_safe(b, r->said.v[i], strlen(r->said.v[i]));
        pb_buf_addc(b, '\n');
    }
    if (r->found)
        pb_buf_addf(b, "settled: %s\n", pb_recovered_names[r->outcome]);
    else
        pb_buf_adds(b, "no apply was interrupted: there is nothing to settle\n");
}

int pb_cmd_recover(const struct pb_args *args)
{
    struct pb_audit_options o = pb_cmd_audit_options(args);
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;
    struct pb_recovery r;
    int code = PB_EXIT_PLUMB;

    o.one = true;
    if (pb_recover(&r, &o, 0, &err) < 0) {
        for (size_t i = 0; i < r.said.n; i++)
            pb_cmd_note("%s", r.said.v[i]);
        code = pb_cmd_fail(&err);
    } else {
        add_text(&b, &r);
        pb_cmd_print(&b);
    }
    pb_recovery_release(&r);
    return code;
}
