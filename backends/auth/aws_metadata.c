/* Credentials of the container or the instance that plumb runs on. */
#include "backends/auth/aws_ask.h"

#include "base/mem.h"
#include "base/text.h"

static int expect(struct pb_buf *body, struct pb_http_rq *rq, struct pb_err *err)
{
    int status = 0;

    rq->direct = pb_starts_with(rq->url, "http://"); /* keys in the clear are nobody else's */
    if (pb_aws_ask(body, &status, rq, PB_AWS_NEAR_MS, err) == -1)
        return -1;
    if (status == 200)
        return 0;
    return pb_fail(err, PB_E_AUTH, "'%s' answered %d", rq->label, status);
}

bool pb_aws_has_container(const struct pb_aws_session *s)
{
    return pb_aws_env(s, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") != NULL ||
           pb_aws_env(s, "AWS_CONTAINER_CREDENTIALS_FULL_URI") != NULL;
}

/* A token must not be sent in the clear to any host but the container's own. */
static bool may_be_asked(const char *url)
{
    static const char *const hosts[] = {"127.0.0.1",     "localhost",      "[::1]",
                                        "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};

    if (pb_starts_with(url, "https://"))
        return true;
    if (!pb_starts_with(url, "http://"))
        return false;
    url += strlen("http://");
    for (size_t i = 0; i < PB_COUNT(hosts); i++) {
        size_t n = strlen(hosts[i]);
        size_t end = strcspn(url, "/?#");

        if (strncmp(url, hosts[i], n) == 0 && memchr(url, '@', end) == NULL &&
            (url[n] == ':' || url[n] == '/' || url[n] == '\0'))
            return true;
    }
    return false;
}

/* "Authorization: ..." into `line`, or nothing. */
static int container_token(struct pb_buf *line, const struct pb_aws_session *s, struct pb_err *err)
{
    const char *file = pb_aws_env(s, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = pb_aws_env(s, "AWS_CONTAINER_AUTHORIZATION_TOKEN");

    struct pb_buf read = PB_BUF_INIT;
    int rc = -1;

    if (file == NULL && token == NULL)
        return 0;
    if (file != NULL && pb_aws_token_file(&read, s, file, err) == -1)
        goto out;
    pb_buf_addf(line, "Authorization: %s", file != NULL ? read.s : token);
    if (strpbrk(line->s, "\r\n") != NULL)
        pb_fail(err, PB_E_AUTH, "the container's authorization token holds a line end");
    else
        rc = 0;
out:
    pb_buf_wipe(&read);
    return rc;
}

int pb_aws_creds_container(struct pb_aws_creds *out, struct pb_aws_session *s, struct pb_err *err)
{
    const char *path = pb_aws_env(s, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = pb_aws_env(s, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    PB_AUTO(str)
    char *url = path != NULL ? pb_asprintf("http://169.254.170.2%s", path)
                             : pb_strdup(full != NULL ? full : "");
    struct pb_buf line = PB_BUF_INIT, body = PB_BUF_INIT;
    char *headers[] = {NULL, NULL};
    struct pb_http_rq rq = {
        .method = "GET", .url = url, .headers = headers, .label = "container credentials"};
    int rc = -1;

    if ((path != NULL && *path != '/') || !may_be_asked(url))
        return pb_fail(err, PB_E_AUTH,
                       "AWS_CONTAINER_CREDENTIALS_%s_URI is neither https nor the container's own "
                       "endpoint: correct it",
                       path != NULL ? "RELATIVE" : "FULL");
    if (container_token(&line, s, err) == 0) {
        headers[0] = line.len > 0 ? line.s : NULL;
        if (expect(&body, &rq, err) == 0)
            rc = pb_aws_creds_json(out, &body, "Token", "container endpoint", err);
    }
    pb_buf_wipe(&line);
    pb_buf_wipe(&body);
    return rc;
}

bool pb_aws_has_instance(const struct pb_aws_session *s)
{
    const char *off = pb_aws_env(s, "AWS_EC2_METADATA_DISABLED");
    const char *skip = pb_aws_block(s, "skip_metadata_api_check");

    return !(off != NULL && strcasecmp(off, "true") == 0) &&
           !(skip != NULL && strcmp(skip, "true") == 0) &&
           !pb_get_bool(s->block, "skip_metadata_api_check", false);
}

static char *metadata_base(const struct pb_aws_session *s)
{
    const char *url = pb_aws_block(s, "ec2_metadata_service_endpoint");
    const char *mode = pb_aws_block(s, "ec2_metadata_service_endpoint_mode");
    char *own;

    if (url == NULL)
        url = pb_aws_env(s, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    if (mode == NULL)
        mode = pb_aws_env(s, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    if (url == NULL)
        url = mode != NULL && strcasecmp(mode, "ipv6") == 0 ? "http://[fd00:ec2::254]"
                                                            : "http://169.254.169.254";
    own = pb_strdup(url);
    for (size_t n = strlen(own); n > 0 && own[n - 1] == '/'; n--)
        own[n - 1] = '\0';
    return own;
}

/* IMDSv2: a session token, then what is asked for. */
static int metadata(struct pb_buf *body, const char *base, const char *token, const char *path,
                    struct pb_err *err)
{
    PB_AUTO(str) char *url = pb_asprintf("%s/latest/%s", base, path);
    PB_AUTO(str)
    char *line = pb_asprintf("X-aws-ec2-metadata-token%s: %s", token == NULL ? "-ttl-seconds" : "",
                             token == NULL ? "21600" : token);
    char *headers[] = {line, NULL};
    struct pb_http_rq rq = {.method = token == NULL ? "PUT" : "GET",
                            .url = url,
                            .headers = headers,
                            .label = "instance metadata"};

    return expect(body, &rq, err);
}

static int metadata_token(struct pb_buf *token, const char *base, struct pb_err *err)
{
    if (metadata(token, base, NULL, "api/token", err) == -1)
        return -1;
    if (token->len == 0 || strpbrk(token->s, "\r\n") != NULL)
        return pb_fail(err, PB_E_AUTH, "'instance metadata' answered with no token");
    return 0;
}

int pb_aws_creds_instance(struct pb_aws_creds *out, struct pb_aws_session *s, struct pb_err *err)
{
    static const char roles[] = "meta-data/iam/security-credentials/";
    PB_AUTO(str) char *base = metadata_base(s);
    PB_AUTO(str) char *path = NULL;
    struct pb_buf token = PB_BUF_INIT, role = PB_BUF_INIT, body = PB_BUF_INIT;
    int rc = -1;

    if (metadata_token(&token, base, err) == 0 && metadata(&role, base, token.s, roles, err) == 0) {
        pb_buf_truncate(&role, strcspn(role.s, "\r\n"));
        path = pb_asprintf("%s%s", roles, role.s);
        if (*role.s == '\0' || strpbrk(role.s, "/?# ") != NULL)
            pb_fail(err, PB_E_AUTH, "the instance has no role: give it an instance profile");
        else if (metadata(&body, base, token.s, path, err) == 0)
            rc = pb_aws_creds_json(out, &body, "Token", "instance metadata", err);
    }
    pb_buf_wipe(&token);
    pb_buf_release(&role);
    pb_buf_wipe(&body);
    return rc;
}

int pb_aws_instance_region(char **out, struct pb_aws_session *s, struct pb_err *err)
{
    PB_AUTO(str) char *base = metadata_base(s);
    struct pb_buf token = PB_BUF_INIT, body = PB_BUF_INIT;
    int rc = -1;

    if (metadata_token(&token, base, err) == 0 &&
        metadata(&body, base, token.s, "meta-data/placement/region", err) == 0) {
        if (strspn(body.s, "abcdefghijklmnopqrstuvwxyz0123456789-") == body.len && body.len > 0)
            rc = 0;
        else
            pb_fail(err, PB_E_AUTH, "'instance metadata' answered with no region");
    }
    if (rc == 0)
        *out = pb_strdup(body.s);
    pb_buf_wipe(&token);
    pb_buf_release(&body);
    return rc;
}
