/* Which credentials: the order of the AWS SDK that the provider is built on. */
#include "backends/auth/aws_internal.h"

#include "base/mem.h"

static void wipe(char **p)
{
    if (*p != NULL)
        pb_wipe(*p, strlen(*p));
    free(pb_take(p));
}

void pb_aws_creds_release(struct pb_aws_creds *c)
{
    wipe(&c->access_key);
    wipe(&c->secret_key);
    wipe(&c->token);
    c->expires = 0;
    c->source = NULL;
}

void pb_aws_creds_set(struct pb_aws_creds *c, const char *access, const char *secret,
                      const char *token, const char *source)
{
    pb_aws_creds_release(c);
    c->access_key = pb_strdup(access);
    c->secret_key = pb_strdup(secret);
    c->token = token != NULL && *token != '\0' ? pb_strdup(token) : NULL;
    c->source = source;
}

static bool from_env(struct pb_aws_creds *out, const struct pb_aws_session *s)
{
    const char *id = pb_aws_env(s, "AWS_ACCESS_KEY_ID");
    const char *secret = pb_aws_env(s, "AWS_SECRET_ACCESS_KEY");

    if (id == NULL)
        id = pb_aws_env(s, "AWS_ACCESS_KEY");
    if (secret == NULL)
        secret = pb_aws_env(s, "AWS_SECRET_KEY");
    if (id == NULL || secret == NULL)
        return false;
    pb_aws_creds_set(out, id, secret, pb_aws_env(s, "AWS_SESSION_TOKEN"), "environment");
    return true;
}

static int from_profile(struct pb_aws_creds *out, struct pb_aws_session *s, struct pb_err *err)
{
    const char *id = pb_aws_profile(s, "aws_access_key_id");
    const char *secret = pb_aws_profile(s, "aws_secret_access_key");

    if (id == NULL || secret == NULL)
        return pb_fail(err, PB_E_AUTH,
                       "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                       "AWS_PROFILE to a profile that has them ('%s' has none)",
                       s->profile);
    pb_aws_creds_set(out, id, secret, pb_aws_profile(s, "aws_session_token"), "profile");
    return 0;
}

int pb_aws_creds_find(struct pb_aws_creds *out, struct pb_aws_session *s, struct pb_err *err)
{
    const char *id = pb_aws_block(s, "access_key"), *secret = pb_aws_block(s, "secret_key");

    if (id != NULL && secret != NULL) {
        pb_aws_creds_set(out, id, secret, pb_aws_block(s, "token"), "provider block");
        return 0;
    }
    if (!s->profile_block && from_env(out, s))
        return 0;
    return from_profile(out, s, err);
}
