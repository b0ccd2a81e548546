/* --post: where to, and what cannot be posted. */
#include "cmd/post.h"

#include "base/mem.h"
#include "base/text.h"
#include "cmd/plan_options.h"
#include "version.h"

#include <stdlib.h>
#include <string.h>

static bool wants(const struct pb_args *args, const char *what)
{
    const struct pb_strv *lists = &args->value[PB_O_POST];
    size_t n = strlen(what);

    for (size_t i = 0; i < lists->n; i++)
        for (const char *p = lists->v[i]; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
            if (strncmp(p, what, n) == 0 && (p[n] == ',' || p[n] == '\0'))
                return true;
    return false;
}

static int read_options(struct pb_cmd_post *p, const struct pb_args *args, struct pb_err *err)
{
    const char *timeout = pb_args_get(args, PB_O_POST_TIMEOUT);
    const char *name = pb_args_get(args, PB_O_POST_NAME);

    p->name = name ? pb_strdup(name) : pb_asprintf("plumb %s", args->command->name);
    p->asked = (struct pb_post_asked){.host = pb_args_get(args, PB_O_POST_TO),
                                      .api = pb_args_get(args, PB_O_POST_URL),
                                      .repo = pb_args_get(args, PB_O_POST_REPO),
                                      .change = pb_args_get(args, PB_O_POST_CHANGE),
                                      .commit = pb_args_get(args, PB_O_POST_COMMIT),
                                      .name = p->name};
    if (timeout && (pb_cmd_duration(&p->asked.timeout_ms, timeout) < 0 || !p->asked.timeout_ms))
        return pb_fail(err, PB_E_USAGE,
                       "--post-timeout takes a time such as 30s or 5m, a week at most, not '%s'",
                       timeout);
    if (!args->value[PB_O_POST].n)
        for (int id = PB_O_POST_TO; id <= PB_O_POST_TIMEOUT; id++)
            if (pb_args_get(args, (enum pb_opt_id)id))
                return pb_fail(err, PB_E_USAGE,
                               "'--%s' says how to post, and nothing is to be posted: add '--post'",
                               pb_args_name(args, (enum pb_opt_id)id));
    return 0;
}

static void warn(const struct pb_err *err)
{
    pb_cmd_note("warning: not posted: %s", err->msg);
}

int pb_cmd_post_open(struct pb_cmd_post *out, const struct pb_args *args)
{
    struct pb_err err = PB_ERR_INIT;

    *out = (struct pb_cmd_post){.args = args,
                                .status = wants(args, "status"),
                                .comment = wants(args, "comment"),
                                .issues = wants(args, "issues")};
    if (read_options(out, args, &err) < 0)
        return pb_cmd_fail(&err);
    if (!args->value[PB_O_POST].n || pb_post_new(&out->post, &out->asked, &err) == 0)
        return 0;
    if (err.cls == PB_E_USAGE)
        return pb_cmd_fail(&err);
    warn(&err);
    return 0;
}

void pb_cmd_post_markdown(struct pb_buf *b, const struct pb_cmd_post *p, pb_cmd_report_fn *write,
                          const void *what)
{
    struct pb_report_opts o = {.version = PLUMB_VERSION,
                               .all = pb_args_has(p->args, PB_O_ALL),
                               .units = pb_args_all(p->args, PB_O_UNIT)};

    write(b, pb_report_format_find("markdown"), &o, what);
}

void pb_cmd_post_close(struct pb_cmd_post *p)
{
    pb_post_free(p->post);
    free(p->name);
    *p = (struct pb_cmd_post){0};
}

enum pb_post_state pb_cmd_post_of_change(enum pb_exit code)
{
    if (code == PB_EXIT_PLUMB || code == PB_EXIT_DRIFT)
        return PB_POST_SUCCESS;
    return code == PB_EXIT_REFUSED ? PB_POST_FAILURE : PB_POST_ERROR;
}

void pb_cmd_post_result(struct pb_cmd_post *p, const struct pb_cmd_post_result *r)
{
    PB_AUTO(buf) struct pb_buf body = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;

    if (!p->post)
        return;
    if (p->status &&
        pb_post_status(p->post, &(struct pb_post_status){r->state, r->text, r->commit, r->sure},
                       &err) < 0)
        warn(&err);
    if (!p->comment)
        return;
    /* A run that is about no pull request, such as that after the merge, is no mistake; but what
     * was asked for and is not done is said, whoever wants it quiet. */
    if (!pb_post_has_change(p->post)) {
        pb_cmd_note(
            "no comment on %s: this is about no pull request, as far as the environment and "
            "'--post-change' say",
            pb_post_host_name(p->post));
        return;
    }
    pb_cmd_post_markdown(&body, p, r->write, r->what);
    if (pb_post_comment(p->post, body.s, &err) < 0)
        warn(&err);
}

void pb_cmd_post_failure(struct pb_cmd_post *p, int code)
{
    struct pb_err err = PB_ERR_INIT;
    struct pb_post_status status = {.state = PB_POST_ERROR,
                                    .text = "plumb could not do its work; its output says why"};

    /* Whoever interrupts does not want to wait. */
    if (!p->post || !p->status || code == PB_EXIT_INTERRUPTED)
        return;
    if (pb_post_status(p->post, &status, &err) < 0)
        warn(&err);
}
