#include <stdlib.h>

#include "base/text.h"
#include "post/internal.h"

static bool runs_forgejo(void)
{
    return pb_post_is_true("FORGEJO_ACTIONS");
}

static bool runs_gitea(void)
{
    return pb_post_is_true("GITEA_ACTIONS") && !runs_forgejo();
}

static int recognise(struct pb_post_place *place, struct pb_arena *a, struct pb_err *err)
{
    const char *site = pb_post_env("GITHUB_SERVER_URL"), *run = pb_post_env("GITHUB_RUN_NUMBER");

    if (pb_post_actions(place, a, err) < 0)
        return -1;
    if (place->api == NULL && site != NULL)
        place->api = pb_arena_printf(a, "%s/api/v1", site);
    if (site != NULL && run != NULL && place->repo != NULL)
        place->page = pb_arena_printf(a, "%s/%s/actions/runs/%s", site, place->repo, run);
    return 0;
}

static void authorise(struct pb_strv *headers, const char *token)
{
    pb_strv_addf(headers, "Authorization: token %s", token);
}

static int list_issues(struct pb_post *p, const char *marker, struct pb_post_items *out,
                       struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;

    pb_repos_path(&path, p, "/issues?state=all&type=issues&labels=" PB_POST_LABEL);
    return pb_post_list(p, path.s, true, "read the issues", marker, pb_repos_read_issue, out, err);
}

static void read_label(struct pb_post_item *out, const struct pb_value *v)
{
    if (pb_get_int(&out->id, v, "id") < 0)
        return;
    out->body = pb_get_str(v, "name");
    out->other = !pb_streq(out->body, PB_POST_LABEL);
}

/* Issues take labels by their numbers. */
static int find_label(struct pb_post *p, int64_t *out, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;
    struct pb_post_items found = {0};
    struct pb_post_item made = {0};
    const char *json =
        pb_post_json(p, {"name", PB_POST_LABEL}, {"color", "#b60205"},
                     {"description", "Found by plumb, which closes it when all is well"});
    bool lost;
    int rc;

    pb_repos_path(&path, p, "/labels");
    rc = pb_post_list(p, path.s, true, "read the labels", NULL, read_label, &found, err);
    if (rc == 0 && found.n == 0)
        rc = pb_post_make(
            p,
            &(struct pb_post_rq){"POST", path.s, json, "make the label '" PB_POST_LABEL "'", true},
            read_label, &made, &lost, err);
    *out = found.n > 0 ? found.v[0].id : made.id;
    free(found.v);
    return rc;
}

static int add_issue(struct pb_post *p, const struct pb_post_draft *d, struct pb_post_item *out,
                     bool *lost, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT, labels = PB_BUF_INIT;
    const char *json;

    pb_buf_addf(&labels, "[%lld]", (long long)d->label);
    json = pb_post_json(p, {"title", d->title}, {"body", d->body}, {"=labels", labels.s});
    pb_repos_path(&path, p, "/issues");
    return pb_post_make(p, &(struct pb_post_rq){"POST", path.s, json, "open an issue", true},
                        pb_repos_read_issue, out, lost, err);
}

/* Forgejo's API is Gitea's. Neither documents a limit for texts; databases where comments are
 * 64 KiB exist. */
#define HOST(id, title_, token, other, runs)                                               \
    .name = id, .title = title_, .change = "pull request", .tokens = {token, other, NULL}, \
    .job_token = "GITHUB_TOKEN",                                                           \
    .token_remedy = "a token that may write to the repository and its issues",             \
    .may = "it needs to write to the repository (for statuses) and to issues, which pull " \
           "requests are, too; a pull request from a fork gets a token that only reads",   \
    .most = 65535, .unit = PB_POST_BYTES, .left_header = "x-ratelimit-remaining",          \
    .reset_header = "x-ratelimit-reset", .login_key = "login", .whole_comments = true,     \
    .size = "limit", .per_page = 50, .runs_us = runs, .recognise = recognise,              \
    .authorise = authorise, .status = pb_repos_status, .comments = pb_repos_comments,      \
    .add_comment = pb_repos_add_comment, .set_comment = pb_repos_set_comment,              \
    .drop_comment = pb_repos_drop_comment, .issues = list_issues, .label = find_label,     \
    .add_issue = add_issue, .set_issue = pb_repos_set_issue

const struct pb_post_host pb_post_gitea = {
    HOST("gitea", "Gitea", "GITEA_TOKEN", "FORGEJO_TOKEN", runs_gitea)};
const struct pb_post_host pb_post_forgejo = {
    HOST("forgejo", "Forgejo", "FORGEJO_TOKEN", "GITEA_TOKEN", runs_forgejo)};
