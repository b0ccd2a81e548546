#include <stdarg.h>
#include <string.h>

#include "base/text.h"
#include "post/internal.h"

void pb_repos_path(struct pb_buf *b, const struct pb_post *p, const char *fmt, ...)
{
    va_list ap;

    pb_buf_adds(b, "/repos/");
    pb_post_encode_repo(b, p->place.repo);
    va_start(ap, fmt);
    pb_buf_vaddf(b, fmt, ap);
    va_end(ap);
}

static const char *state_word(enum pb_post_state state)
{
    switch (state) {
    case PB_POST_SUCCESS: return "success";
    case PB_POST_FAILURE: return "failure";
    case PB_POST_PENDING: return "pending";
    case PB_POST_ERROR: break;
    }
    return "error";
}

int pb_repos_status(struct pb_post *p, const struct pb_post_status *s, const char *text,
                    struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;
    struct pb_post_reply reply = {.arena = a};
    const char *body = pb_post_json(p, {"state", state_word(s->state)}, {"context", p->asked->name},
                                    {"description", text}, {"target_url", p->place.page});

    pb_repos_path(&path, p, "/statuses/%s", s->commit);
    /* Twice the same is the same. */
    return pb_post_ask(
        p, &(struct pb_post_rq){"POST", path.s, body, "set the status of the commit", false},
        &reply, err);
}

static void read_author(struct pb_post_item *out, const struct pb_value *v)
{
    const struct pb_value *user = pb_get(v, "user");

    out->author = pb_get_str(user, "login");
    out->bot = pb_streq(pb_get_str(user, "type"), "Bot");
    out->body = pb_get_str(v, "body");
}

static void read_comment(struct pb_post_item *out, const struct pb_value *v)
{
    if (pb_get_int(&out->id, v, "id") == 0)
        read_author(out, v);
}

void pb_repos_read_issue(struct pb_post_item *out, const struct pb_value *v)
{
    const struct pb_value *labels = pb_get(v, "labels");

    if (pb_get_int(&out->id, v, "number") < 0)
        return;
    read_author(out, v);
    out->title = pb_get_str(v, "title");
    out->open = pb_streq(pb_get_str(v, "state"), "open");
    out->other = !pb_is_nullish(pb_get(v, "pull_request"));
    for (size_t i = 0; i < pb_len(labels); i++)
        out->labelled |= pb_streq(pb_get_str(pb_at(labels, i), "name"), PB_POST_LABEL);
}

int pb_repos_comments(struct pb_post *p, const char *marker, struct pb_post_items *out,
                      struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;

    pb_repos_path(&path, p, "/issues/%s/comments", p->place.change);
    return pb_post_list(p, path.s, !p->place.host->whole_comments, "read the comments", marker,
                        read_comment, out, err);
}

int pb_repos_add_comment(struct pb_post *p, const char *body, struct pb_post_item *out, bool *lost,
                         struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;
    const char *json = pb_post_json(p, {"body", body});

    pb_repos_path(&path, p, "/issues/%s/comments", p->place.change);
    return pb_post_make(p, &(struct pb_post_rq){"POST", path.s, json, "write the comment", true},
                        read_comment, out, lost, err);
}

int pb_repos_set_comment(struct pb_post *p, int64_t id, const char *body, bool *gone,
                         struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;
    struct pb_post_reply reply = {.arena = a};
    const char *json = pb_post_json(p, {"body", body});
    int rc;

    pb_repos_path(&path, p, "/issues/comments/%lld", (long long)id);
    rc = pb_post_ask(p, &(struct pb_post_rq){"PATCH", path.s, json, "update the comment", false},
                     &reply, err);
    *gone = reply.status == 404;
    return rc;
}

int pb_repos_drop_comment(struct pb_post *p, int64_t id, struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;
    struct pb_post_reply reply = {.arena = a};

    pb_repos_path(&path, p, "/issues/comments/%lld", (long long)id);
    if (pb_post_ask(
            p, &(struct pb_post_rq){"DELETE", path.s, NULL, "take away a second comment", false},
            &reply, err) < 0)
        return reply.status == 404 ? 0 : -1;
    return 0;
}

int pb_repos_set_issue(struct pb_post *p, int64_t number, const struct pb_post_draft *d,
                       struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;
    struct pb_post_reply reply = {.arena = a};
    const char *json = pb_post_json(p, {"title", d->title}, {"body", d->body}, {"state", d->state});

    pb_repos_path(&path, p, "/issues/%lld", (long long)number);
    return pb_post_ask(p, &(struct pb_post_rq){"PATCH", path.s, json, "update an issue", false},
                       &reply, err);
}
