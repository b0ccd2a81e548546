#include "cmd/audit.h"

#include "base/fs.h"
#include "base/text.h"
#include "cmd/post.h"
#include "cmd/progress.h"
#include "report/level.h"
#include "run/record_live.h"
#include "version.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
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
    struct pb_report_opts o = {.version = PLUMB_VERSION,
                               .all = pb_args_has(args, PB_O_ALL),
                               .units = pb_args_all(args, PB_O_UNIT)};
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
    if (pb_fs_put(file, b->s, b->len, &err) < 0)
        return pb_cmd_fail(&err);
    return 0;
}

/* By whatever name: the later one would replace the first. */
static bool is_same_file(const char *a, const char *b)
{
    struct stat x, y;

    return pb_streq(a, b) || (stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISREG(x.st_mode) &&
                              x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

static int fail_same_files(const struct pb_strv *formats, const struct pb_strv *files,
                           struct pb_err *err)
{
    for (size_t i = 0; i < files->n && i < formats->n; i++)
        for (size_t j = 0; j < i; j++)
            if (!pb_streq(files->v[i], "-") && is_same_file(files->v[j], files->v[i]))
                return pb_fail(err, PB_E_USAGE,
                               "'--format %s' and '--format %s' cannot both be in '%s': give each "
                               "an --output of its own",
                               formats->v[j], formats->v[i], files->v[i]);
    return 0;
}

int pb_cmd_reports_usage(const struct pb_args *args)
{
    const struct pb_strv *formats = &args->value[PB_O_FORMAT], *files = &args->value[PB_O_OUTPUT];
    struct pb_err err = PB_ERR_INIT;

    if (formats->n > files->n + 1)
        pb_fail(&err, PB_E_USAGE,
                "only one --format can go to stdout: give the others an --output");
    else if (files->n > formats->n && files->n > 1)
        pb_fail(&err, PB_E_USAGE,
                "the n-th --output takes the n-th --format, and '%s' has none: give it a --format",
                files->v[formats->n ? formats->n : 1]);
    else if (fail_same_files(formats, files, &err) == 0)
        return 0;
    return pb_cmd_fail(&err);
}

static bool is_stdout(const char *file)
{
    return !file || pb_streq(file, "-");
}

static size_t count_of(const struct pb_args *args)
{
    size_t formats = args->value[PB_O_FORMAT].n, files = args->value[PB_O_OUTPUT].n;
    size_t n = formats > files ? formats : files;

    return n ? n : 1;
}

static const char *nth(const struct pb_args *args, enum pb_opt_id id, size_t i)
{
    return i < args->value[id].n ? args->value[id].v[i] : NULL;
}

static const char *format_of(const struct pb_args *args, size_t i)
{
    const char *name = nth(args, PB_O_FORMAT, i);

    return name ? name : "text";
}

bool pb_cmd_reports_for_people(const struct pb_args *args)
{
    for (size_t i = 0; i < count_of(args); i++)
        if (is_stdout(nth(args, PB_O_OUTPUT, i)))
            return pb_streq(format_of(args, i), "text");
    return false;
}

/* Where the whole of it is, for a report that may have to be cut. */
static const char *whole_report(const struct pb_args *args)
{
    for (size_t i = 0; i < count_of(args); i++)
        if (pb_streq(format_of(args, i), "html") && !is_stdout(nth(args, PB_O_OUTPUT, i)))
            return nth(args, PB_O_OUTPUT, i);
    return NULL;
}

int pb_cmd_reports(const struct pb_args *args, pb_cmd_report_fn *write, const void *what)
{
    int code = 0;

    for (size_t i = 0; i < count_of(args); i++) {
        struct pb_report_opts o = pb_cmd_report_options(args);
        const char *file = nth(args, PB_O_OUTPUT, i);
        PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
        const struct pb_report_format *f;
        struct pb_err err = PB_ERR_INIT;
        int rc;

        if (pb_report_format_need(&f, format_of(args, i), &err) < 0)
            return pb_cmd_fail(&err);
        if (!is_stdout(file)) {
            o.color = false;
            o.width = 0;
        }
        o.more = whole_report(args);
        write(&b, f, &o, what);
        rc = pb_cmd_put(&b, file);
        code = code ? code : rc;
    }
    return code;
}

void pb_cmd_write_audit(struct pb_buf *b, const struct pb_report_format *f,
                        const struct pb_report_opts *o, const void *what)
{
    pb_report_audit(b, f, what, o);
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

/* An audit that could not see everything says nothing for sure. */
static void post(struct pb_cmd_post *p, const struct pb_audit *a)
{
    PB_AUTO(buf) struct pb_buf line = PB_BUF_INIT;
    struct pb_cmd_post_result r = {.state = PB_POST_ERROR,
                                   .commit = a->commit,
                                   .sure = pb_args_get(p->args, PB_O_REV) != NULL,
                                   .write = pb_cmd_write_audit,
                                   .what = a};

    if (a->exit_code == PB_EXIT_PLUMB)
        r.state = PB_POST_SUCCESS;
    else if (a->exit_code == PB_EXIT_DRIFT)
        r.state = PB_POST_FAILURE;
    pb_headline_audit(&line, a);
    r.text = line.s;
    pb_cmd_post_result(p, &r);
    pb_cmd_post_issues(p, a);
}

int pb_cmd_audit(const struct pb_args *args)
{
    struct pb_audit_options o = pb_cmd_audit_options(args);
    struct pb_cmd_post posted;
    struct pb_audit audit;
    int code = pb_cmd_reports_usage(args), recorded;

    if (code)
        return code;
    code = pb_cmd_post_open(&posted, args);
    if (!code)
        code = pb_cmd_audit_run(&audit, args, &o);
    if (code >= 0) {
        pb_cmd_post_failure(&posted, code);
        pb_cmd_post_close(&posted);
        return code;
    }
    recorded = record(&audit, args);
    code = pb_cmd_reports(args, pb_cmd_write_audit, &audit);
    tell_failures(&audit, args);
    post(&posted, &audit);
    pb_cmd_post_close(&posted);
    if (!code)
        code = recorded ? recorded : (int)audit.exit_code;
    pb_audit_release(&audit);
    return code;
}
