#include "backends/auth/aws_internal.h"

#include "backends/auth/sigv4.h"
#include "base/mem.h"
#include "base/text.h"

enum { REFRESH_BEFORE = 300 };

struct pb_aws_signer *pb_aws_signer(struct pb_aws_session *s, const char *service,
                                    const char *region)
{
    struct pb_aws_signer *sg;

    if (region == NULL)
        region = s->region != NULL ? s->region : "us-east-1";
    for (size_t i = 0; i < s->nsigners; i++)
        if (strcmp(s->signers[i]->service, service) == 0 &&
            strcmp(s->signers[i]->region, region) == 0)
            return s->signers[i];
    s->signers = pb_grow(s->signers, &s->cap, s->nsigners + 1, sizeof(struct pb_aws_signer *));
    sg = pb_calloc(1, sizeof(*sg));
    sg->session = s;
    sg->service = pb_strdup(service);
    sg->region = pb_strdup(region);
    s->signers[s->nsigners++] = sg;
    return sg;
}

int pb_aws_credentials(const struct pb_aws_creds **out, struct pb_aws_session *s,
                       struct pb_err *err)
{
    /* time(), not pb_clock_wall(): a pinned clock is for reports, AWS goes by the real one. */
    int64_t now = (int64_t)time(NULL);
    struct pb_aws_creds fresh = {0};

    *out = &s->creds;
    if (s->have && (s->creds.expires == 0 || s->creds.expires - now > REFRESH_BEFORE))
        return 0;
    if (!s->failed && pb_aws_creds_find(&fresh, s, &s->failure) == 0) {
        pb_aws_creds_release(&s->creds);
        s->creds = fresh;
        s->have = true;
        return 0;
    }
    if (!s->failed)
        pb_aws_creds_release(&fresh);
    s->failed = true;
    if (s->have && s->creds.expires > now)
        return 0; /* could not be renewed, but still hold */
    if (err != NULL)
        *err = s->failure;
    return -1;
}

int pb_aws_sign(const struct pb_http_rq *rq, struct pb_strv *headers, void *ctx, struct pb_err *err)
{
    struct pb_aws_signer *sg = ctx;
    const struct pb_aws_creds *c;
    struct pb_sigv4 sig = {.service = sg->service,
                           .region = sg->region,
                           .now = time(NULL),
                           .method = rq->method,
                           .url = rq->url,
                           .headers = rq->headers,
                           .body = rq->body,
                           .body_len = rq->body_len};

    if (pb_aws_credentials(&c, sg->session, err) == -1)
        return -1;
    sig.access_key = c->access_key;
    sig.secret_key = c->secret_key;
    sig.token = c->token;
    return pb_sigv4_sign(headers, &sig, err);
}
