#include <string.h>

#include "base/text.h"
#include "post/internal.h"

static bool runs_us(void)
{
    return pb_post_is_true("GITHUB_ACTIONS") && !pb_post_is_true("GITEA_ACTIONS") &&
           !pb_post_is_true("FORGEJO_ACTIONS");
}

static int recognise(struct pb_post_place *place, struct pb_arena *a, struct pb_err *err)
{
    const char *site = pb_post_env("GITHUB_SERVER_URL"), *run = pb_post_env("GITHUB_RUN_ID");

    if (pb_post_actions(place, a, err) < 0)
        return -1;
    if (site != NULL && run != NULL && place->repo != NULL)
        place->page = pb_arena_printf(a, "%s/%s/actions/runs/%s", site, place->repo, run);
    return 0;
}

static void authorise(struct pb_strv *headers, const char *token)
{
    pb_strv_addf(headers, "Authorization: Bearer %s", token);
    pb_strv_add(headers, "X-GitHub-Api-Version: 2022-11-28");
}

static int list_issues(struct pb_post *p, const char *marker, struct pb_post_items *out,
                       struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;

    pb_repos_path(&path, p,
                  "/issues?state=all&labels=" PB_POST_LABEL "&sort=created&direction=asc");
    return pb_post_list(p, path.s, true, "read the issues", marker, pb_repos_read_issue, out, err);
}

/* An issue whose label is dropped would not be found again: it is made before. */
static int make_label(struct pb_post *p, int64_t *out, struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;
    struct pb_post_reply reply = {.arena = a};
    const char *json;

    *out = 0;
    pb_repos_path(&path, p, "/labels/" PB_POST_LABEL);
    if (pb_post_ask(p, &(struct pb_post_rq){"GET", path.s, NULL, "look for the label", false},
                    &reply, err) == 0)
        return 0;
    if (reply.status != 404)
        return -1;
    pb_err_clear(err);
    json = pb_post_json(p, {"name", PB_POST_LABEL}, {"color", "b60205"},
                        {"description", "Found by plumb, which closes it when all is well"});
    pb_buf_clear(&path);
    pb_repos_path(&path, p, "/labels");
    if (pb_post_ask(
            p,
            &(struct pb_post_rq){"POST", path.s, json, "make the label '" PB_POST_LABEL "'", false},
            &reply, err) == 0)
        return 0;
    /* Another run was quicker. */
    return reply.status == 422 ? (pb_err_clear(err), 0) : -1;
}

static int add_issue(struct pb_post *p, const struct pb_post_draft *d, struct pb_post_item *out,
                     bool *lost, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;
    const char *json = pb_post_json(p, {"title", d->title}, {"body", d->body},
                                    {"=labels", "[\"" PB_POST_LABEL "\"]"});

    pb_repos_path(&path, p, "/issues");
    return pb_post_make(p, &(struct pb_post_rq){"POST", path.s, json, "open an issue", true},
                        pb_repos_read_issue, out, lost, err);
}

const struct pb_post_host pb_post_github = {
    .name = "github",
    .title = "GitHub",
    .change = "pull request",
    .tokens = {"GITHUB_TOKEN", "GH_TOKEN", NULL},
    .token_remedy = "the job's token, '${{ github.token }}', or a personal one",
    .may =
        "statuses, pull requests and issues each need their 'write' among the job's permissions, "
        "and a pull request from a fork gets a token that only reads",
    .most = 65536,
    .unit = PB_POST_UTF16,
    .left_header = "x-ratelimit-remaining",
    .reset_header = "x-ratelimit-reset",
    .bots = true,
    .login_key = "login",
    .size = "per_page",
    .per_page = 100,
    .runs_us = runs_us,
    .recognise = recognise,
    .default_api = "https://api.github.com",
    .authorise = authorise,
    .status = pb_repos_status,
    .comments = pb_repos_comments,
    .add_comment = pb_repos_add_comment,
    .set_comment = pb_repos_set_comment,
    .drop_comment = pb_repos_drop_comment,
    .issues = list_issues,
    .label = make_label,
    .add_issue = add_issue,
    .set_issue = pb_repos_set_issue,
};
