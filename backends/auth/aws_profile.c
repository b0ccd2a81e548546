/* Credentials as a profile of the shared files describes them. */
#include "backends/auth/aws_chain.h"

#include "base/mem.h"

enum { CHAIN_MAX = 8 };

static const char *get(const struct pb_aws_session *s, const char *name, const char *key)
{
    return pb_aws_ini_get(&s->ini, "profile", name, key);
}

static int none(const struct pb_aws_session *s, const char *why, struct pb_err *err)
{
    return pb_fail(err, PB_E_AUTH,
                   "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                   "AWS_PROFILE to a profile that has them (profile '%s' has none%s%s)",
                   s->profile, *why != '\0' ? "; " : "", why);
}

static int from_machine(struct pb_aws_creds *out, struct pb_aws_session *s, struct pb_err *err)
{
    struct pb_err why = PB_ERR_INIT;

    if (pb_aws_has_container(s))
        return pb_aws_creds_container(out, s, err);
    if (!pb_aws_has_instance(s))
        return none(s, "", err);
    if (pb_aws_creds_instance(out, s, &why) == 0)
        return 0;
    return none(s, why.msg, err);
}

static int from_source(struct pb_aws_creds *out, struct pb_aws_session *s, const char *name,
                       const char *source, struct pb_err *err)
{
    if (strcmp(source, "Environment") == 0) {
        if (pb_aws_creds_env(out, s))
            return 0;
        return pb_fail(err, PB_E_AUTH,
                       "profile '%s' takes credentials from the environment, which has none: set "
                       "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
                       name);
    }
    if (strcmp(source, "Ec2InstanceMetadata") == 0 && pb_aws_has_instance(s))
        return pb_aws_creds_instance(out, s, err);
    if (strcmp(source, "EcsContainer") == 0 && pb_aws_has_container(s))
        return pb_aws_creds_container(out, s, err);
    return pb_fail(err, PB_E_AUTH,
                   "profile '%s' has credential_source '%s', which is unknown, switched off or not "
                   "there: correct it",
                   name, source);
}

static bool keys(struct pb_aws_creds *out, const struct pb_aws_session *s, const char *name)
{
    const char *id = get(s, name, "aws_access_key_id");
    const char *secret = get(s, name, "aws_secret_access_key");

    if (id == NULL || secret == NULL)
        return false;
    pb_aws_creds_set(out, id, secret, get(s, name, "aws_session_token"), "profile");
    return true;
}

static int resolve(struct pb_aws_creds *out, struct pb_aws_session *s, const char *name, int depth,
                   struct pb_err *err);

/* What a role is assumed with, or what the profile gives when it has no role. */
static int ground(struct pb_aws_creds *out, struct pb_aws_session *s, const char *name, int depth,
                  struct pb_err *err)
{
    const char *from = get(s, name, "source_profile"), *role = get(s, name, "role_arn");
    const char *source = get(s, name, "credential_source");
    const char *process = get(s, name, "credential_process");

    if (role != NULL && from != NULL && strcmp(from, name) != 0) {
        if (!pb_aws_ini_has(&s->ini, "profile", from))
            return pb_fail(err, PB_E_AUTH,
                           "profile '%s' has source_profile '%s', which is not there", name, from);
        return resolve(out, s, from, depth + 1, err);
    }
    if (keys(out, s, name))
        return 0;
    if (role != NULL && source != NULL)
        return from_source(out, s, name, source, err);
    if (get(s, name, "sso_session") != NULL || get(s, name, "sso_start_url") != NULL)
        return pb_aws_creds_sso(out, s, name, err);
    if (get(s, name, "login_session") != NULL)
        return pb_fail(
            err, PB_E_AUTH,
            "profile '%s' signs in with 'aws login', whose sessions plumb does not "
            "renew: run 'aws configure export-credentials --profile %s --format env' and "
            "set what it prints",
            name, name);
    if (process != NULL)
        return pb_aws_creds_process(out, process, err);
    if (depth > 0 || role != NULL)
        return pb_fail(err, PB_E_AUTH,
                       "profile '%s' has no credentials: add keys, a "
                       "credential_process or a source_profile",
                       name);
    return from_machine(out, s, err);
}

static int resolve(struct pb_aws_creds *out, struct pb_aws_session *s, const char *name, int depth,
                   struct pb_err *err)
{
    struct pb_aws_role role = {.arn = get(s, name, "role_arn"),
                               .session = get(s, name, "role_session_name"),
                               .external_id = get(s, name, "external_id")};
    const char *web = get(s, name, "web_identity_token_file");
    const char *seconds = get(s, name, "duration_seconds");

    if (depth > CHAIN_MAX)
        return pb_fail(err, PB_E_AUTH, "the source_profile of '%s' leads in a circle: correct it",
                       s->profile);
    if (get(s, name, "mfa_serial") != NULL && role.arn != NULL)
        return pb_fail(err, PB_E_AUTH,
                       "profile '%s' asks for an MFA code, which plumb cannot prompt for: get a "
                       "session first ('aws configure export-credentials --profile %s --format "
                       "env') and set what it prints",
                       name, name);
    if (web != NULL && get(s, name, "source_profile") == NULL &&
        get(s, name, "aws_access_key_id") == NULL)
        return pb_aws_web_identity(out, s, web, role.arn, role.session, err);
    if (ground(out, s, name, depth, err) == -1)
        return -1;
    if (role.arn == NULL)
        return 0;
    role.seconds = seconds != NULL ? strtol(seconds, NULL, 10) : 0;
    return pb_aws_creds_role(out, s, &role, out, NULL, "profile", err);
}

int pb_aws_creds_profile(struct pb_aws_creds *out, struct pb_aws_session *s, const char *name,
                         struct pb_err *err)
{
    return resolve(out, s, name, 0, err);
}
