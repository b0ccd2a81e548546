#include "backends/auth/aws_internal.h"

#include "base/mem.h"
#include "base/text.h"

enum { REFRESH_BEFORE = 300, RETRY_AFTER = 30 }; /* seconds */

static struct pb_aws_signer *signer(struct pb_aws_session *s, const char *service,
                                    const char *region)
{
    struct pb_aws_signer *sg;

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

struct pb_aws_signer *pb_aws_signer(struct pb_aws_session *s, const char *service,
                                    const char *region)
{
    struct pb_aws_signer *sg;

    if (region == NULL)
        region = s->region != NULL ? s->region : "us-east-1";
    pthread_mutex_lock(s->lock);
    sg = signer(s, service, region);
    pthread_mutex_unlock(s->lock);
    return sg;
}

/* Late in their life, so that an audit of many hours goes on; but what never lived longer than
 * that must not be asked for again with each request. */
static int64_t next_renewal(const struct pb_aws_creds *c, int64_t now)
{
    int64_t left = c->expires - now;

    if (c->expires == 0)
        return INT64_MAX;
    return c->expires - (left / 2 < REFRESH_BEFORE ? left / 2 : REFRESH_BEFORE);
}

static void renew(struct pb_aws_session *s, int64_t now)
{
    struct pb_aws_creds fresh = {0};
    int64_t wait = (s->creds.expires - now) / 2;

    s->failed = false;
    if (pb_aws_creds_find(&fresh, s, &s->failure) == 0) {
        pb_aws_creds_release(&s->creds);
        for (size_t i = 0; i < s->nsigners; i++)
            pb_wipe(&s->signers[i]->key, sizeof(s->signers[i]->key));
        s->creds = fresh;
        s->have = true;
        s->next_try = next_renewal(&s->creds, now);
        return;
    }
    pb_aws_creds_release(&fresh);
    s->failed = true;
    wait = wait < 1 || wait > RETRY_AFTER ? RETRY_AFTER : wait;
    s->next_try = s->have ? now + wait : INT64_MAX;
}

int pb_aws_credentials(const struct pb_aws_creds **out, struct pb_aws_session *s,
                       struct pb_err *err)
{
    /* time(), not pb_clock_wall(): a pinned clock is for reports, AWS goes by the real one. */
    int64_t now = (int64_t)time(NULL);

    *out = &s->creds;
    if (now >= s->next_try)
        renew(s, now);
    if (s->have && (s->creds.expires == 0 || s->creds.expires > now))
        return 0; /* also those that could not be renewed, as long as they hold */
    if (!s->failed)
        return pb_fail(err, PB_E_AUTH, "the credentials from the %s have expired: renew them",
                       s->creds.source);
    if (err != NULL)
        *err = s->failure;
    return -1;
}

int pb_aws_sign_as(struct pb_strv *headers, const struct pb_http_rq *rq,
                   const struct pb_aws_creds *c, const char *service, const char *region,
                   struct pb_sigv4_key *key, struct pb_err *err)
{
    struct pb_sigv4 sig = {.access_key = c->access_key,
                           .secret_key = c->secret_key,
                           .token = c->token,
                           .service = service,
                           .region = region,
                           .now = time(NULL),
                           .method = rq->method,
                           .url = rq->url,
                           .headers = rq->headers,
                           .body = rq->body,
                           .body_len = rq->body_len,
                           .key = key};

    return pb_sigv4_sign(headers, &sig, err);
}

int pb_aws_sign(const struct pb_http_rq *rq, struct pb_strv *headers, void *ctx, struct pb_err *err)
{
    struct pb_aws_signer *sg = ctx;
    const struct pb_aws_creds *c;
    int rc = -1;

    pthread_mutex_lock(sg->session->lock);
    if (pb_aws_credentials(&c, sg->session, err) == 0)
        rc = pb_aws_sign_as(headers, rq, c, sg->service, sg->region, &sg->key, err);
    pthread_mutex_unlock(sg->session->lock);
    return rc;
}
