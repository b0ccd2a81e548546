#include "backends/auth/aws_ask.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

enum { ANSWER_MAX = 1 << 20 };

struct waiting {
    struct pb_buf *body;
    int status;
    char error[512];
};

static void arrived(const struct pb_http_rq *rq, const struct pb_http_reply *r, void *ctx)
{
    struct waiting *w = ctx;

    (void)rq;
    if (r->outcome == PB_HTTP_REPLY) {
        w->status = r->status;
        pb_buf_add(w->body, r->body, r->body_len);
    } else {
        snprintf(w->error, sizeof(w->error), "%s", r->error != NULL ? r->error : "no reply");
    }
}

int pb_aws_ask(struct pb_buf *body, int *status, const struct pb_http_rq *rq, long connect_ms,
               struct pb_err *err)
{
    struct pb_http_limits limits;
    struct waiting w = {.body = body};
    struct pb_http_rq own = *rq;
    struct pb_http *h;
    int rc = -1;

    pb_http_limits_default(&limits);
    limits.max_body = ANSWER_MAX;
    if (connect_ms > 0) {
        limits.connect_ms = connect_ms;
        limits.request_ms = 5000;
        limits.tries = 2;
    }
    own.service = "credentials";
    own.done = arrived;
    own.ctx = &w;
    h = pb_http_new(&limits, err);
    if (h == NULL)
        return -1;
    if (pb_http_submit(h, &own) == -1) {
        pb_fail(err, PB_E_INTERNAL, "cannot ask for '%s'", rq->label);
    } else if (pb_http_run(h, err) == 0) {
        *status = w.status;
        rc = w.status != 0 ? 0 : pb_fail(err, PB_E_NET, "'%s': %s", rq->label, w.error);
    }
    pb_http_free(h);
    return rc;
}

int pb_aws_creds_json(struct pb_aws_creds *out, const struct pb_buf *text, const char *token,
                      const char *source, struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    const struct pb_value *v;
    const char *id, *secret, *until;
    time_t t = 0;

    /* The parser's own message could quote the text. */
    if (pb_json_parse(&v, a, text->s, text->len, source, NULL) == -1)
        return pb_fail(err, PB_E_AUTH, "the answer of the %s is no JSON", source);
    id = pb_get_str(v, "AccessKeyId");
    secret = pb_get_str(v, "SecretAccessKey");
    until = pb_get_str(v, "Expiration");
    if (id == NULL || secret == NULL)
        return pb_fail(err, PB_E_AUTH, "the answer of the %s has no AccessKeyId or SecretAccessKey",
                       source);
    if (until != NULL && pb_clock_parse_rfc3339(&t, until) == -1)
        return pb_fail(err, PB_E_AUTH, "the answer of the %s has an Expiration that is no time",
                       source);
    pb_aws_creds_set(out, id, secret, pb_get_str(v, token), source);
    out->expires = until != NULL ? (int64_t)t : 0;
    return 0;
}

int pb_aws_token_file(struct pb_buf *out, const struct pb_aws_session *s, const char *path,
                      struct pb_err *err)
{
    const char *home = pb_aws_env(s, "HOME");
    PB_AUTO(str)
    char *full =
        pb_starts_with(path, "~/") && home != NULL ? pb_fs_join(home, path + 2) : pb_strdup(path);

    if (pb_fs_read(out, full, ANSWER_MAX, err) == -1)
        return -1;
    while (out->len > 0 && strchr("\r\n ", out->s[out->len - 1]) != NULL)
        pb_buf_truncate(out, out->len - 1);
    return 0;
}
