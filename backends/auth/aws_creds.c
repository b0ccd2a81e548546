/* Which credentials: the order of the AWS SDK that the provider is built on. */
#include "backends/auth/aws_internal.h"

#include "backends/auth/aws_chain.h"
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

bool pb_aws_creds_env(struct pb_aws_creds *out, const struct pb_aws_session *s)
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

/* A Go duration ("1h30m"): seconds, or -1. */
static int64_t seconds_of(const char *s)
{
    int64_t all = 0;

    while (*s != '\0') {
        char *end;
        long n = strtol(s, &end, 10);
        long unit = *end == 'h' ? 3600 : *end == 'm' ? 60 : *end == 's' ? 1 : 0;

        if (end == s || n < 0 || n > 1000000 || unit == 0)
            return -1;
        all += n * unit;
        s = end + 1;
    }
    return all;
}

/* A member that matters and is not known would silently be another account. */
static int known(const struct pb_value *v, const char *key, struct pb_err *err)
{
    const struct pb_value *m = pb_get(v, key);

    if (!pb_is(m, PB_UNKNOWN) && !pb_is(m, PB_SEALED))
        return 0;
    return pb_fail(err, PB_E_AUTH,
                   "'%s' of the AWS provider block is not known before an apply: give it a value "
                   "that does not depend on a resource",
                   key);
}

static int read_role(struct pb_aws_role *r, const struct pb_value *v, struct pb_err *err)
{
    const char *duration = pb_get_str(v, "duration");

    *r = (struct pb_aws_role){.arn = pb_get_str(v, "role_arn"),
                              .session = pb_get_str(v, "session_name"),
                              .external_id = pb_get_str(v, "external_id"),
                              .policy = pb_get_str(v, "policy"),
                              .source_identity = pb_get_str(v, "source_identity"),
                              .policy_arns = pb_get(v, "policy_arns"),
                              .tags = pb_get(v, "tags"),
                              .transitive_tag_keys = pb_get(v, "transitive_tag_keys")};
    if (r->session != NULL && *r->session == '\0')
        r->session = NULL;
    if (known(v, "role_arn", err) == -1 || known(v, "external_id", err) == -1)
        return -1;
    if (pb_get_int(&r->seconds, v, "duration_seconds") == -1)
        (void)pb_get_int(&r->seconds, v, "assume_role_duration_seconds");
    if (duration != NULL && *duration != '\0')
        r->seconds = seconds_of(duration);
    if (r->seconds < 0)
        return pb_fail(err, PB_E_CONFIG, "the duration '%s' of the role '%s' is none: write \"1h\"",
                       duration != NULL ? duration : "", r->arn != NULL ? r->arn : "");
    return 0;
}

/* The block's roles, each assumed with the one before. */
static int assume_block(struct pb_aws_creds *c, struct pb_aws_session *s, struct pb_err *err)
{
    const struct pb_value *all = pb_get(s->block, "assume_role"), *v;
    struct pb_aws_role role;
    bool any = false;

    if (known(s->block, "assume_role", err) == -1)
        return -1;
    for (size_t i = 0; (v = pb_aws_nested(all, i)) != NULL; i++) {
        if (read_role(&role, v, err) == -1)
            return -1;
        if (role.arn == NULL || *role.arn == '\0')
            continue; /* as the provider does */
        any = true;
        if (pb_aws_creds_role(c, s, &role, c, NULL, "assumed role", err) == -1)
            return -1;
    }
    if (any || pb_aws_block(s, "role_arn") == NULL)
        return 0;
    if (read_role(&role, s->block, err) == -1) /* the s3 backend's older form */
        return -1;
    return pb_aws_creds_role(c, s, &role, c, NULL, "assumed role", err);
}

static int web_identity_file(struct pb_aws_creds *out, struct pb_aws_session *s,
                             const struct pb_aws_role *role, const char *path, struct pb_err *err)
{
    struct pb_buf token = PB_BUF_INIT;
    int rc = -1;

    if (role->arn == NULL)
        pb_fail(err, PB_E_AUTH,
                "a web identity token without a role: set AWS_ROLE_ARN or role_arn");
    else if (pb_aws_token_file(&token, s, path, err) == 0)
        rc = pb_aws_creds_role(out, s, role, NULL, token.s, "web identity", err);
    pb_buf_wipe(&token);
    return rc;
}

int pb_aws_web_identity(struct pb_aws_creds *out, struct pb_aws_session *s, const char *path,
                        const char *arn, const char *session, struct pb_err *err)
{
    struct pb_aws_role role = {.arn = arn, .session = session};

    return web_identity_file(out, s, &role, path, err);
}

/* assume_role_with_web_identity: 0 done, 1 the block has none. */
static int web_identity_block(struct pb_aws_creds *out, struct pb_aws_session *s,
                              struct pb_err *err)
{
    const struct pb_value *v = pb_aws_nested(pb_get(s->block, "assume_role_with_web_identity"), 0);
    const char *token = pb_get_str(v, "web_identity_token");
    const char *file = pb_get_str(v, "web_identity_token_file");
    struct pb_aws_role role;

    if (v == NULL || v->kind != PB_MAP)
        return 1;
    if (read_role(&role, v, err) == -1)
        return -1;
    if (role.arn == NULL || *role.arn == '\0')
        role.arn = pb_aws_env(s, "AWS_ROLE_ARN");
    if (role.arn != NULL && token != NULL && *token != '\0')
        return pb_aws_creds_role(out, s, &role, NULL, token, "web identity", err);
    if (file == NULL || *file == '\0')
        file = pb_aws_env(s, "AWS_WEB_IDENTITY_TOKEN_FILE");
    if (file == NULL)
        return pb_fail(err, PB_E_AUTH,
                       "assume_role_with_web_identity has no token: set "
                       "web_identity_token_file or AWS_WEB_IDENTITY_TOKEN_FILE");
    return web_identity_file(out, s, &role, file, err);
}

static int base(struct pb_aws_creds *out, struct pb_aws_session *s, struct pb_err *err)
{
    const char *id = pb_aws_block(s, "access_key"), *secret = pb_aws_block(s, "secret_key");
    const char *file = pb_aws_env(s, "AWS_WEB_IDENTITY_TOKEN_FILE");
    static const char *const members[] = {"access_key", "secret_key", "token", "profile",
                                          "assume_role_with_web_identity"};
    int rc;

    for (size_t i = 0; i < PB_COUNT(members); i++)
        if (known(s->block, members[i], err) == -1)
            return -1;
    rc = web_identity_block(out, s, err);
    if (rc != 1)
        return rc;
    if (id != NULL && secret != NULL) {
        pb_aws_creds_set(out, id, secret, pb_aws_block(s, "token"), "provider block");
        return 0;
    }
    if (id != NULL || secret != NULL) /* the environment's could be another account's */
        return pb_fail(err, PB_E_AUTH,
                       "the AWS provider block has one of access_key and "
                       "secret_key and lacks the other: set both, or neither");
    if (!s->profile_block && pb_aws_creds_env(out, s))
        return 0;
    if (!s->profile_block && file != NULL)
        return pb_aws_web_identity(out, s, file, pb_aws_env(s, "AWS_ROLE_ARN"),
                                   pb_aws_env(s, "AWS_ROLE_SESSION_NAME"), err);
    return pb_aws_creds_profile(out, s, s->profile, err);
}

int pb_aws_creds_find(struct pb_aws_creds *out, struct pb_aws_session *s, struct pb_err *err)
{
    if (base(out, s, err) == -1)
        return -1;
    return assume_block(out, s, err);
}
