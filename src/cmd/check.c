/* plumb check: what merging a change would do. */
#include "cmd/audit.h"
#include "cmd/post.h"

#include "base/text.h"
#include "cmd/progress.h"
#include "report/check.h"

#include <stdlib.h>

/* The branch that a pull request is for, as CI systems say it. Where two of them say different
 * things nobody can tell. */
static const char *base_of_environment(struct pb_arena *a)
{
    static const char *const names[] = {
        "GITHUB_BASE_REF",                     /* GitHub, Gitea, Forgejo */
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", /* GitLab */
        "CHANGE_TARGET",                       /* Jenkins */
        "BITBUCKET_PR_DESTINATION_BRANCH",
        "SYSTEM_PULLREQUEST_TARGETBRANCHNAME", /* Azure */
    };
    const char *found = NULL;

    for (size_t i = 0; i < PB_COUNT(names); i++) {
        const char *v = getenv(names[i]);

        if (!v || !*v)
            continue;
        if (found && !pb_streq(found, v))
            return NULL;
        found = v;
    }
    return found ? pb_arena_printf(a, "origin/%s", found) : NULL;
}

static enum pb_check_level level_of(const struct pb_args *args)
{
    const char *name = pb_args_get(args, PB_O_FAIL_ON);
    enum pb_check_level level = PB_CHECK_ON_CHANGES;

    while (name && !pb_streq(pb_check_levels[level], name)) /* parsing has let in no other */
        level++;
    return level;
}

static int options_of(struct pb_check_options *o, struct pb_arena *a, const struct pb_args *args,
                      struct pb_err *err)
{
    *o = (struct pb_check_options){.base = pb_args_get(args, PB_O_BASE),
                                   .head = pb_args_get(args, PB_O_HEAD),
                                   .config = pb_args_get(args, PB_O_CONFIG),
                                   .units = pb_args_all(args, PB_O_UNIT),
                                   .observer = pb_args_get(args, PB_O_OBSERVER),
                                   .trust = pb_args_has(args, PB_O_TRUST),
                                   .fail_on = level_of(args),
                                   .all = pb_args_has(args, PB_O_ALL)};
    if (!o->base)
        o->base = base_of_environment(a);
    if (!o->base)
        return pb_fail(err, PB_E_USAGE,
                       "into what is it to be merged? --base REV, such as --base origin/main (CI "
                       "systems that say so in the environment need none)");
    return 0;
}

static void write_check(struct pb_buf *b, const struct pb_report_format *f,
                        const struct pb_report_opts *o, const void *what)
{
    pb_report_check(b, f, what, o);
}

static void post(struct pb_cmd_post *p, struct pb_arena *a, const struct pb_check *c, bool sure)
{
    struct pb_cmd_post_result r = {.state = pb_cmd_post_of_change(pb_check_exit(c)),
                                   .text = pb_check_headline(a, c),
                                   .commit = c->head,
                                   .sure = sure,
                                   .write = write_check,
                                   .what = c};

    pb_cmd_post_result(p, &r);
}

int pb_cmd_check(const struct pb_args *args)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_cmd_progress progress;
    struct pb_check_options o;
    struct pb_cmd_post posted;
    struct pb_check check;
    struct pb_err err = PB_ERR_INIT;
    int rc, code = pb_cmd_reports_usage(args);

    if (code)
        return code;
    if (options_of(&o, a, args, &err) < 0)
        return pb_cmd_fail(&err);
    code = pb_cmd_post_open(&posted, args);
    if (code) {
        pb_cmd_post_close(&posted);
        return code;
    }
    pb_cmd_progress_start(&progress, args);
    o.progress = &progress.progress;
    rc = pb_check_run(&check, &o, &err);
    pb_cmd_progress_end(&progress);
    code = rc < 0 ? pb_cmd_fail(&err) : pb_cmd_reports(args, write_check, &check);
    if (rc < 0)
        pb_cmd_post_failure(&posted, code);
    else
        post(&posted, a, &check, o.head != NULL);
    pb_cmd_post_close(&posted);
    if (!code)
        code = (int)pb_check_exit(&check);
    pb_check_release(&check);
    return code;
}
