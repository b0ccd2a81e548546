/* Roles through STS. */
#include <ctype.h>

#include "backends/auth/aws_ask.h"
#include "backends/auth/aws_sts_reply.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

void pb_aws_form(struct pb_buf *b, const char *name, const char *value)
{
    if (value == NULL || *value == '\0')
        return;
    pb_buf_addf(b, "%s%s=", b->len == 0 || b->s[b->len - 1] == '?' ? "" : "&", name);
    for (const unsigned char *p = (const unsigned char *)value; *p != '\0'; p++)
        if (isalnum(*p) || strchr("-_.~", *p) != NULL)
            pb_buf_addc(b, (char)*p);
        else
            pb_buf_addf(b, "%%%02X", *p);
}

static void form_list(struct pb_buf *b, const char *fmt, const struct pb_value *list)
{
    for (size_t i = 0; pb_is(list, PB_LIST) && i < pb_len(list); i++) {
        PB_AUTO(buf) struct pb_buf name = PB_BUF_INIT;

        pb_buf_addf(&name, "%s.member.%zu%s", fmt, i + 1,
                    strcmp(fmt, "PolicyArns") == 0 ? ".arn" : "");
        pb_aws_form(b, name.s, pb_str(pb_at(list, i)));
    }
}

static void form_tags(struct pb_buf *b, const struct pb_value *tags)
{
    for (size_t i = 0; pb_is(tags, PB_MAP) && i < pb_len(tags); i++) {
        PB_AUTO(str) char *key = pb_asprintf("Tags.member.%zu.Key", i + 1);
        PB_AUTO(str) char *value = pb_asprintf("Tags.member.%zu.Value", i + 1);

        pb_aws_form(b, key, tags->members[i].key);
        pb_aws_form(b, value, pb_str(&tags->members[i].value));
    }
}

static void role_body(struct pb_buf *b, const struct pb_aws_role *r, const char *token)
{
    pb_buf_addf(b, "Action=AssumeRole%s&Version=2011-06-15",
                token != NULL ? "WithWebIdentity" : "");
    pb_aws_form(b, "RoleArn", r->arn);
    pb_aws_form(b, "RoleSessionName", r->session != NULL ? r->session : "plumb");
    pb_aws_form(b, "WebIdentityToken", token);
    if (r->seconds > 0)
        pb_buf_addf(b, "&DurationSeconds=%lld", (long long)r->seconds);
    pb_aws_form(b, "Policy", r->policy);
    form_list(b, "PolicyArns", r->policy_arns);
    if (token != NULL)
        return;
    pb_aws_form(b, "ExternalId", r->external_id);
    pb_aws_form(b, "SourceIdentity", r->source_identity);
    form_tags(b, r->tags);
    form_list(b, "TransitiveTagKeys", r->transitive_tag_keys);
}

struct sts_signer {
    const struct pb_aws_creds *creds;
    const char *region;
};

static int sign(const struct pb_http_rq *rq, struct pb_strv *headers, void *ctx, struct pb_err *err)
{
    const struct sts_signer *sg = ctx;

    return pb_aws_sign_as(headers, rq, sg->creds, "sts", sg->region, NULL, err);
}

static const char *region_of(const struct pb_aws_session *s)
{
    const char *r = pb_aws_block(s, "sts_region");

    return r != NULL ? r : s->region != NULL ? s->region : "us-east-1";
}

struct sent { /* the secrets */
    const struct pb_aws_creds *with;
    const char *token;
};

/* What STS says names the role and the caller; a signature that does not match makes it repeat
 * what was signed, session token and all. */
static int refused(const struct pb_aws_role *role, int status, struct pb_aws_sts_reply *r,
                   const struct sent *sent, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf said = PB_BUF_INIT;

    if (sent->with != NULL) {
        pb_auth_take_out_one(&r->message, sent->with->secret_key);
        pb_auth_take_out_one(&r->message, sent->with->token);
    }
    pb_auth_take_out_one(&r->message, sent->token);
    pb_auth_take_out_one(&r->message, role->external_id);
    pb_text_add_safe(&said, r->message.s, r->message.len);
    return pb_fail(
        err, PB_E_AUTH,
        "cannot assume the role '%s': STS answered %d %s%s%.300s; check the role's trust "
        "policy and the credentials it is assumed with",
        role->arn, status, r->code.s, said.len > 0 ? ": " : "", said.s);
}

static int take(struct pb_aws_creds *out, const struct pb_aws_role *role, int status,
                const struct pb_buf *body, const struct sent *sent, const char *source,
                struct pb_err *err)
{
    struct pb_aws_sts_reply r = PB_AWS_STS_REPLY_INIT;
    time_t until = 0;
    int rc = -1;

    if (pb_aws_sts_reply_parse(&r, body) == -1 && status == 200)
        pb_fail(err, PB_E_AUTH, "cannot assume the role '%s': the reply of STS is no XML",
                role->arn);
    else if (status != 200)
        refused(role, status, &r, sent, err);
    else if (r.access_key.len == 0 || r.secret_key.len == 0 || r.token.len == 0)
        pb_fail(err, PB_E_AUTH, "cannot assume the role '%s': STS sent no credentials", role->arn);
    else if (pb_clock_parse_rfc3339(&until, r.expiration.s) == -1)
        pb_fail(err, PB_E_AUTH, "cannot assume the role '%s': STS sent no time of expiry",
                role->arn);
    else
        rc = 0;
    if (rc == 0) {
        pb_aws_creds_set(out, r.access_key.s, r.secret_key.s, r.token.s, source);
        out->expires = (int64_t)until;
    }
    pb_aws_sts_reply_release(&r);
    return rc;
}

/* With a 400, which is otherwise final. */
static bool throttled(int status, const char *body, size_t n, void *ctx)
{
    static const char code[] = "<Code>Throttling"; /* and ThrottlingException */

    (void)ctx;
    return status == 400 && memmem(body, n, code, sizeof(code) - 1) != NULL;
}

int pb_aws_creds_role(struct pb_aws_creds *out, struct pb_aws_session *s,
                      const struct pb_aws_role *role, const struct pb_aws_creds *with,
                      const char *token, const char *source, struct pb_err *err)
{
    char type[] = "Content-Type: application/x-www-form-urlencoded; charset=utf-8";
    char *headers[] = {type, NULL};
    struct sts_signer sg = {.creds = with, .region = region_of(s)};
    struct pb_buf body = PB_BUF_INIT, reply = PB_BUF_INIT;
    const char *endpoint = pb_aws_endpoint(s, "sts");
    PB_AUTO(str)
    char *own = pb_asprintf("https://sts.%s.%s", sg.region, pb_aws_dns_suffix(sg.region));
    PB_AUTO(str) char *public = pb_aws_public_url(s, sg.region, own);
    PB_AUTO(str) char *url = pb_asprintf("%s/", endpoint != NULL ? endpoint : public);
    struct pb_http_rq rq = {.method = "POST",
                            .url = url,
                            .headers = headers,
                            .label = "sts AssumeRole",
                            .throttled = throttled};
    int status = 0, rc = -1;

    pb_aws_transport(s, &rq);
    role_body(&body, role, token);
    rq.body = body.s;
    rq.body_len = body.len;
    if (with != NULL) {
        rq.sign = sign;
        rq.sign_ctx = &sg;
    }
    if (pb_aws_ask(&reply, &status, &rq, 0, err) == 0)
        rc = take(out, role, status, &reply, &(struct sent){with, token}, source, err);
    pb_buf_wipe(&body);
    pb_buf_wipe(&reply);
    return rc;
}
