#include "cmd/audit.h"

#include "base/fs.h"
#include "base/text.h"
#include "cmd/progress.h"
#include "run/record_live.h"
#include "version.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct pb_audit_options pb_cmd_audit_options(const struct pb_args *args)
{
    return (struct pb_audit_options){
        .rev = pb_args_get(args, PB_O_REV),
        .config = pb_args_get(args, PB_O_CONFIG),
        .units = pb_args_all(args, PB_O_UNIT),
        .targets = pb_args_all(args, PB_O_TARGET),
        .ignore = pb_args_all(args, PB_O_IGNORE),
        .fail_on = pb_args_all(args, PB_O_FAIL_ON),
        .observer = pb_args_get(args, PB_O_OBSERVER),
        .cross_check = pb_args_has(args, PB_O_CROSS_CHECK),
        .all = pb_args_has(args, PB_O_ALL),
        .save_baseline = pb_args_has(args, PB_O_SAVE_BASELINE),
        .accept_state = pb_args_has(args, PB_O_ACCEPT_STATE),
    };
}

int pb_cmd_audit_run(struct pb_audit *out, const struct pb_args *args,
                     const struct pb_audit_options *o)
{
    struct pb_cmd_progress progress;
    struct pb_audit_options with;
    struct pb_err err = PB_ERR_INIT;
    int rc, code = -1;

    pb_cmd_progress_start(&progress, args);
    with = *o;
    with.progress = &progress.progress;
    rc = pb_audit_run(out, &with, &err);
    pb_cmd_progress_end(&progress);
    if (rc < 0) {
        code = pb_cmd_fail(&err);
        pb_audit_release(out);
    }
    return code;
}

struct pb_report_opts pb_cmd_report_options(const struct pb_args *args)
{
    const char *no_color = getenv("NO_COLOR");
    struct pb_report_opts o = {.version = PLUMB_VERSION, .all = pb_args_has(args, PB_O_ALL)};
    struct winsize w;

    if (isatty(STDOUT_FILENO)) {
        o.color = !(no_color && *no_color) && !pb_args_has(args, PB_O_NO_COLOR) &&
                  !pb_streq(getenv("TERM"), "dumb");
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col)
            o.width = w.ws_col;
    }
    return o;
}

int pb_cmd_put(const struct pb_buf *b, const char *file)
{
    struct pb_err err = PB_ERR_INIT;

    if (!file || pb_streq(file, "-")) {
        pb_cmd_print(b);
        return 0;
    }
    /* 0600: a report shows what an estate looks like. */
    if (pb_fs_write_atomic(file, b->s, b->len, 0600, &err) < 0)
        return pb_cmd_fail(&err);
    return 0;
}

/* The n-th --output belongs to the n-th --format; what has no file goes to stdout. */
static int write_reports(const struct pb_audit *a, const struct pb_args *args)
{
    const struct pb_strv *formats = &args->value[PB_O_FORMAT], *files = &args->value[PB_O_OUTPUT];
    size_t n = formats->n > files->n ? formats->n : files->n;
    int code = 0;

    for (size_t i = 0; i < (n ? n : 1); i++) {
        struct pb_report_opts o = pb_cmd_report_options(args);
        const char *name = i < formats->n ? formats->v[i] : "text";
        const char *file = i < files->n ? files->v[i] : NULL;
        PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
        const struct pb_report_format *r;
        struct pb_err err = PB_ERR_INIT;
        int rc;

        if (pb_report_format_need(&r, name, &err) < 0)
            return pb_cmd_fail(&err);
        if (file && !pb_streq(file, "-"))
            o = (struct pb_report_opts){.version = o.version, .all = o.all};
        r->write(&b, a, &o);
        rc = pb_cmd_put(&b, file);
        code = code ? code : rc;
    }
    return code;
}

static void tell_failures(const struct pb_audit *a, const struct pb_args *args)
{
    if (!args->value[PB_O_FORMAT].n && !args->value[PB_O_OUTPUT].n)
        return;
    for (size_t i = 0; i < a->nunits; i++)
        if (a->units[i].failed)
            pb_cmd_note("unit '%s': %s", a->units[i].config.name, a->units[i].err.msg);
}

/* The ledger holds what was found before anybody is told of it. */
static int record(const struct pb_audit *a, const struct pb_args *args)
{
    struct pb_record r;
    struct pb_anchored anchored;
    struct pb_err err = PB_ERR_INIT;
    int code = 0;

    if (!pb_args_has(args, PB_O_RECORD))
        return 0;
    if (pb_record_open(&r, a->repo, &a->config.ledger, &err) < 0 ||
        pb_record_audit(&r, a, &err) < 0 || pb_record_anchor(&anchored, &r, &err) < 0 ||
        pb_record_live_all(&r, a, &err) < 0)
        code = pb_cmd_fail(&err);
    pb_record_release(&r);
    return code;
}

int pb_cmd_audit(const struct pb_args *args)
{
    struct pb_audit_options o = pb_cmd_audit_options(args);
    const struct pb_strv *formats = &args->value[PB_O_FORMAT], *files = &args->value[PB_O_OUTPUT];
    struct pb_audit audit;
    int code, recorded;

    if (formats->n > files->n + 1) {
        struct pb_err err = PB_ERR_INIT;

        pb_fail(&err, PB_E_USAGE,
                "only one --format can go to stdout: give the others an --output");
        return pb_cmd_fail(&err);
    }
    code = pb_cmd_audit_run(&audit, args, &o);
    if (code >= 0)
        return code;
    recorded = record(&audit, args);
    code = write_reports(&audit, args);
    tell_failures(&audit, args);
    if (!code)
        code = recorded ? recorded : (int)audit.exit_code;
    pb_audit_release(&audit);
    return code;
}
