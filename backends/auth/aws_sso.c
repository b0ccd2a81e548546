/* SSO profiles: the token that `aws sso login` left behind, exchanged for credentials. The
 * token is used as long as it holds and never renewed: renewing writes to the person's files. */
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "backends/auth/aws_chain.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

enum { TOKEN_MAX = 1 << 20 };

struct sso {
    const char *profile, *key; /* key: what the token's file is named after */
    const char *region, *account, *role;
};

static int log_in(const struct sso *sso, const char *why, struct pb_err *err)
{
    return pb_fail(err, PB_E_AUTH,
                   "profile '%s' signs in with SSO, and %s: run 'aws sso login "
                   "--profile %s'",
                   sso->profile, why, sso->profile);
}

static int settings(struct sso *sso, const struct pb_aws_session *s, const char *name,
                    struct pb_err *err)
{
    const char *session = pb_aws_ini_get(&s->ini, "profile", name, "sso_session");
    const char *kind = session != NULL ? "sso-session" : "profile";
    const char *section = session != NULL ? session : name;
    const char *url = pb_aws_ini_get(&s->ini, kind, section, "sso_start_url");

    *sso = (struct sso){.profile = name,
                        .key = session != NULL ? session : url,
                        .region = pb_aws_ini_get(&s->ini, kind, section, "sso_region"),
                        .account = pb_aws_ini_get(&s->ini, "profile", name, "sso_account_id"),
                        .role = pb_aws_ini_get(&s->ini, "profile", name, "sso_role_name")};
    if (session != NULL && !pb_aws_ini_has(&s->ini, kind, session))
        return pb_fail(err, PB_E_AUTH, "profile '%s' has sso_session '%s', which is not there",
                       name, session);
    if (url != NULL && sso->region != NULL && sso->account != NULL && sso->role != NULL)
        return 0;
    return pb_fail(err, PB_E_AUTH,
                   "profile '%s' signs in with SSO and lacks %s: run 'aws "
                   "configure sso'",
                   name,
                   url == NULL            ? "sso_start_url"
                   : sso->region == NULL  ? "sso_region"
                   : sso->account == NULL ? "sso_account_id"
                                          : "sso_role_name");
}

/* The AWS CLI writes "...UTC" in older versions. */
static int parse_time(time_t *out, const char *s)
{
    PB_AUTO(str) char *own = NULL;

    if (s == NULL || !pb_ends_with(s, "UTC"))
        return s != NULL ? pb_clock_parse_rfc3339(out, s) : -1;
    own = pb_asprintf("%.*sZ", (int)(strlen(s) - 3), s);
    return pb_clock_parse_rfc3339(out, own);
}

/* "x-amz-sso_bearer_token: ..." */
static int token_line(struct pb_buf *line, const struct pb_aws_session *s, const struct sso *sso,
                      struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    const char *home = pb_aws_env(s, "HOME"), *token;
    unsigned char sha[SHA_DIGEST_LENGTH];
    struct pb_buf text = PB_BUF_INIT;
    PB_AUTO(buf) struct pb_buf path = PB_BUF_INIT;
    const struct pb_value *v = NULL;
    struct pb_err why = PB_ERR_INIT;
    time_t until = 0;
    int rc = -1;

    if (EVP_Digest(sso->key, strlen(sso->key), sha, NULL, EVP_sha1(), NULL) != 1)
        return pb_fail(err, PB_E_INTERNAL, "libcrypto has no SHA-1, which names SSO's tokens");
    pb_buf_addf(&path, "%s/.aws/sso/cache/", home != NULL ? home : "");
    pb_buf_add_hex(&path, sha, sizeof(sha));
    pb_buf_adds(&path, ".json");
    if (pb_fs_read(&text, path.s, TOKEN_MAX, &why) == -1) {
        if (why.sys == ENOENT)
            log_in(sso, "nobody has signed in yet", err);
        else if (err != NULL)
            *err = why;
        goto out;
    }
    /* The parser's own message could quote the text. */
    (void)pb_json_parse(&v, a, text.s, text.len, "SSO token", NULL);
    token = pb_get_str(v, "accessToken");
    if (token == NULL || strpbrk(token, "\r\n") != NULL ||
        parse_time(&until, pb_get_str(v, "expiresAt")) == -1)
        log_in(sso, "the file with its token cannot be understood", err);
    else if (until <= time(NULL))
        log_in(sso, "that has expired", err);
    else
        rc = 0;
    if (rc == 0)
        pb_buf_addf(line, "x-amz-sso_bearer_token: %s", token);
out:
    pb_buf_wipe(&text);
    return rc;
}

static int take(struct pb_aws_creds *out, const struct sso *sso, const struct pb_buf *body,
                struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    const struct pb_value *v = NULL, *keys;
    const char *id, *secret;
    int64_t until = 0;

    (void)pb_json_parse(&v, a, body->s, body->len, "SSO", NULL);
    keys = pb_get(v, "roleCredentials");
    id = pb_get_str(keys, "accessKeyId");
    secret = pb_get_str(keys, "secretAccessKey");
    if (id == NULL || secret == NULL || pb_get_int(&until, keys, "expiration") == -1)
        return pb_fail(err, PB_E_AUTH, "SSO sent no credentials for profile '%s'", sso->profile);
    pb_aws_creds_set(out, id, secret, pb_get_str(keys, "sessionToken"), "SSO");
    out->expires = until / 1000;
    return 0;
}

static int exchange(struct pb_aws_creds *out, struct pb_aws_session *s, const struct sso *sso,
                    char *line, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf url = PB_BUF_INIT;
    const char *endpoint = pb_aws_endpoint(s, "sso");
    struct pb_buf body = PB_BUF_INIT;
    char *headers[] = {line, NULL};
    struct pb_http_rq rq = {.method = "GET", .headers = headers, .label = "SSO GetRoleCredentials"};
    int status = 0, rc = -1;

    if (endpoint != NULL)
        pb_buf_adds(&url, endpoint);
    else
        pb_buf_addf(&url, "https://portal.sso.%s.%s", sso->region, pb_aws_dns_suffix(sso->region));
    pb_buf_adds(&url, "/federation/credentials?");
    pb_aws_form(&url, "role_name", sso->role);
    pb_aws_form(&url, "account_id", sso->account);
    rq.url = url.s;
    pb_aws_transport(s, &rq);
    if (pb_aws_ask(&body, &status, &rq, 0, err) == -1)
        goto out;
    if (status == 200)
        rc = take(out, sso, &body, err);
    else if (status == 401)
        log_in(sso, "that is no longer valid", err);
    else
        pb_fail(err, PB_E_AUTH,
                "SSO answered %d to profile '%s': check that you may use the role '%s' in account "
                "'%s'",
                status, sso->profile, sso->role, sso->account);
out:
    pb_buf_wipe(&body);
    return rc;
}

int pb_aws_creds_sso(struct pb_aws_creds *out, struct pb_aws_session *s, const char *name,
                     struct pb_err *err)
{
    struct pb_buf line = PB_BUF_INIT;
    struct sso sso;
    int rc = -1;

    if (settings(&sso, s, name, err) == 0 && token_line(&line, s, &sso, err) == 0)
        rc = exchange(out, s, &sso, line.s, err);
    pb_buf_wipe(&line);
    return rc;
}
