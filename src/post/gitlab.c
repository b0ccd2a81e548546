#include <string.h>

#include "base/text.h"
#include "post/internal.h"

static bool runs_us(void)
{
    return pb_post_is_true("GITLAB_CI");
}

static int recognise(struct pb_post_place *place, struct pb_arena *a, struct pb_err *err)
{
    (void)a;
    (void)err;
    place->api = pb_post_env("CI_API_V4_URL");
    place->repo = pb_post_env("CI_PROJECT_ID");
    place->change = pb_post_env("CI_MERGE_REQUEST_IID");
    /* The pipeline of a fork is the fork's, its merge request is not. */
    place->change_repo = pb_post_env("CI_MERGE_REQUEST_PROJECT_ID");
    place->commit = pb_post_env("CI_COMMIT_SHA");
    place->pipeline = pb_post_env("CI_PIPELINE_ID");
    place->page = pb_post_env("CI_JOB_URL");
    return 0;
}

static void authorise(struct pb_strv *headers, const char *token)
{
    pb_strv_addf(headers, "Authorization: Bearer %s", token);
}

static void add_project(struct pb_buf *b, const char *repo)
{
    pb_buf_adds(b, "/projects/");
    pb_post_encode(b, repo);
}

static const char *state_word(enum pb_post_state state)
{
    switch (state) {
    case PB_POST_SUCCESS: return "success";
    case PB_POST_PENDING: return "pending";
    case PB_POST_FAILURE:
    case PB_POST_ERROR: break;
    }
    return "failed";
}

static int post_status(struct pb_post *p, const struct pb_post_status *s, const char *text,
                       struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;
    struct pb_post_reply reply = {.arena = a};
    const char *message, *json;

    json = pb_post_json(
        p, {"state", state_word(s->state)}, {"name", p->asked->name}, {"description", text},
        {"target_url", p->place.page},
        {"=pipeline_id", pb_streq(s->commit, p->place.commit) ? p->place.pipeline : NULL});
    add_project(&path, p->place.repo);
    pb_buf_addf(&path, "/statuses/%s", s->commit);
    if (pb_post_ask(
            p, &(struct pb_post_rq){"POST", path.s, json, "set the status of the commit", false},
            &reply, err) == 0)
        return 0;
    /* What already is in a state cannot be put into it. */
    message = pb_get_str(reply.json, "message");
    if (reply.status != 400 || message == NULL ||
        !pb_starts_with(message, "Cannot transition status"))
        return -1;
    pb_err_clear(err);
    return 0;
}

static void read_author(struct pb_post_item *out, const struct pb_value *v)
{
    out->author = pb_get_str(pb_get(v, "author"), "username");
}

static void read_note(struct pb_post_item *out, const struct pb_value *v)
{
    if (pb_get_int(&out->id, v, "id") < 0)
        return;
    read_author(out, v);
    out->body = pb_get_str(v, "body");
    out->other = pb_get_bool(v, "system", false);
}

static void read_issue(struct pb_post_item *out, const struct pb_value *v)
{
    const struct pb_value *labels = pb_get(v, "labels");

    if (pb_get_int(&out->id, v, "iid") < 0)
        return;
    read_author(out, v);
    out->title = pb_get_str(v, "title");
    out->body = pb_get_str(v, "description");
    out->open = pb_streq(pb_get_str(v, "state"), "opened");
    for (size_t i = 0; i < pb_len(labels); i++)
        out->labelled |= pb_streq(pb_str(pb_at(labels, i)), PB_POST_LABEL);
}

static void add_notes(struct pb_buf *b, const struct pb_post *p)
{
    add_project(b, p->place.change_repo != NULL ? p->place.change_repo : p->place.repo);
    pb_buf_addf(b, "/merge_requests/%s/notes", p->place.change);
}

static int list_notes(struct pb_post *p, const char *marker, struct pb_post_items *out,
                      struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;

    add_notes(&path, p);
    pb_buf_adds(&path, "?order_by=created_at&sort=asc");
    return pb_post_list(p, path.s, true, "read the notes", marker, read_note, out, err);
}

static int add_note(struct pb_post *p, const char *body, struct pb_post_item *out, bool *lost,
                    struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;
    const char *json = pb_post_json(p, {"body", body});

    add_notes(&path, p);
    return pb_post_make(p, &(struct pb_post_rq){"POST", path.s, json, "write the note", true},
                        read_note, out, lost, err);
}

static int set_note(struct pb_post *p, int64_t id, const char *body, bool *gone, struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;
    struct pb_post_reply reply = {.arena = a};
    const char *json = pb_post_json(p, {"body", body});
    int rc;

    add_notes(&path, p);
    pb_buf_addf(&path, "/%lld", (long long)id);
    rc = pb_post_ask(p, &(struct pb_post_rq){"PUT", path.s, json, "update the note", false}, &reply,
                     err);
    *gone = reply.status == 404;
    return rc;
}

static int drop_note(struct pb_post *p, int64_t id, struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;
    struct pb_post_reply reply = {.arena = a};

    add_notes(&path, p);
    pb_buf_addf(&path, "/%lld", (long long)id);
    if (pb_post_ask(p,
                    &(struct pb_post_rq){"DELETE", path.s, NULL, "take away a second note", false},
                    &reply, err) < 0)
        return reply.status == 404 ? 0 : -1;
    return 0;
}

static int list_issues(struct pb_post *p, const char *marker, struct pb_post_items *out,
                       struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;

    add_project(&path, p->place.repo);
    pb_buf_adds(&path, "/issues?labels=" PB_POST_LABEL "&order_by=created_at&sort=asc");
    return pb_post_list(p, path.s, true, "read the issues", marker, read_issue, out, err);
}

static int add_issue(struct pb_post *p, const struct pb_post_draft *d, struct pb_post_item *out,
                     bool *lost, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;
    const char *json =
        pb_post_json(p, {"title", d->title}, {"description", d->body}, {"labels", PB_POST_LABEL});

    add_project(&path, p->place.repo);
    pb_buf_adds(&path, "/issues");
    return pb_post_make(p, &(struct pb_post_rq){"POST", path.s, json, "open an issue", true},
                        read_issue, out, lost, err);
}

static int set_issue(struct pb_post *p, int64_t number, const struct pb_post_draft *d,
                     struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;
    struct pb_post_reply reply = {.arena = a};
    const char *event = d->state == NULL ? NULL : pb_streq(d->state, "open") ? "reopen" : "close";
    const char *json =
        pb_post_json(p, {"title", d->title}, {"description", d->body}, {"state_event", event});

    add_project(&path, p->place.repo);
    pb_buf_addf(&path, "/issues/%lld", (long long)number);
    return pb_post_ask(p, &(struct pb_post_rq){"PUT", path.s, json, "update an issue", false},
                       &reply, err);
}

/* CI_JOB_TOKEN is documented to read notes and to write none, nor statuses, nor issues. */
const struct pb_post_host pb_post_gitlab = {
    .name = "gitlab",
    .title = "GitLab",
    .change = "merge request",
    .tokens = {"GITLAB_TOKEN", NULL},
    .token_remedy = "a project access token with the scope 'api' (what a job's CI_JOB_TOKEN may do "
                    "is not enough)",
    .may = "it needs the scope 'api' and, for statuses, at least the role Developer",
    .most = 1000000,
    .unit = PB_POST_UTF16,
    .commands = true,
    .left_header = "ratelimit-remaining",
    .reset_header = "ratelimit-reset",
    .login_key = "username",
    .size = "per_page",
    .per_page = 100,
    .runs_us = runs_us,
    .recognise = recognise,
    .default_api = "https://gitlab.com/api/v4",
    .authorise = authorise,
    .status = post_status,
    .comments = list_notes,
    .add_comment = add_note,
    .set_comment = set_note,
    .drop_comment = drop_note,
    .issues = list_issues,
    .add_issue = add_issue,
    .set_issue = set_issue,
};
