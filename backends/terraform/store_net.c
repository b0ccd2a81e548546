/* States behind http and in S3 buckets: one GET, no lock, through the scheduler. */
#include <stdlib.h>
#include <string.h>

#include "backends/auth/auth.h"
#include "backends/auth/aws.h"
#include "backends/terraform/state.h"
#include "backends/terraform/store.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "observe/http.h"

enum { STATE_GET_MS = 120000 };

struct reply {
    struct pb_buf *body;
    int status;
    bool whole;
    char error[512];
};

static void on_reply(const struct pb_http_rq *rq, const struct pb_http_reply *r, void *ctx)
{
    struct reply *out = ctx;

    (void)rq;
    out->whole = r->outcome == PB_HTTP_REPLY;
    out->status = r->status;
    if (out->whole)
        pb_buf_add(out->body, r->body, r->body_len);
    else
        snprintf(out->error, sizeof(out->error), "%s", r->error ? r->error : "no answer");
}

static int ask(struct reply *out, struct pb_http_rq *rq, struct pb_err *err)
{
    struct pb_http_limits limits;
    struct pb_http *h;
    int rc;

    pb_http_limits_default(&limits);
    limits.max_body = PB_TF_STATE_MAX;
    limits.request_ms = STATE_GET_MS;
    h = pb_http_new(&limits, err);
    if (!h)
        return -1;
    rq->done = on_reply;
    rq->ctx = out;
    rc = pb_http_submit(h, rq);
    if (rc == 0)
        rc = pb_http_run(h, err);
    else
        pb_fail(err, PB_E_NET, "cannot ask for the state");
    pb_http_free(h);
    return rc;
}

/* Of S3's "<Error><Code>AccessDenied</Code>": what tells a wrong key from a missing permission. */
static void add_code(struct pb_buf *out, const struct pb_buf *body)
{
    static const char open[] = "<Code>";
    const char *at = body->len ? strstr(body->s, open) : NULL;
    size_t n = at ? strspn(at + sizeof(open) - 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                  "abcdefghijklmnopqrstuvwxyz0123456789")
                  : 0;

    if (n && n < 64)
        pb_buf_addf(out, " %.*s", (int)n, at + sizeof(open) - 1);
}

static int explain(const struct reply *r, const char *where, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf status = PB_BUF_INIT;

    pb_buf_addf(&status, "%d", r->status);
    add_code(&status, r->body);
    if (!r->whole)
        return pb_fail(err, PB_E_NET, "cannot read the state '%s': %s", where, r->error);
    if (r->status == 401 || r->status == 403)
        return pb_fail(err, PB_E_AUTH,
                       "reading the state '%s' is not allowed (status %s): check the credentials "
                       "of its backend; reading is all that is needed",
                       where, status.s);
    return pb_fail(err, PB_E_NET, "cannot read the state '%s': status %s", where, status.s);
}

/* ---- http ------------------------------------------------------------------------------------ */

const char *pb_tf_store_http_setting(const struct pb_tf_backend *be, const char *name,
                                     const char *env)
{
    const char *v = pb_get_str(be->config, name);

    if (v && *v)
        return v;
    v = getenv(env);
    return v && *v ? v : NULL;
}

/* PEM text from the configuration, as a file that only we can read. */
static int pem_file(const char **out, struct pb_arena *a, const struct pb_tf_backend *be,
                    const struct pb_unit_ctx *u, const char *name, const char *env,
                    struct pb_err *err)
{
    const char *pem = pb_tf_store_http_setting(be, name, env);
    PB_AUTO(str) char *path = pb_fs_join(u->work, name);

    *out = NULL;
    if (!pem)
        return 0;
    *out = pb_arena_strdup(a, path);
    return pb_fs_write_atomic(path, pem, strlen(pem), 0600, err);
}

static int http_auth(struct pb_auth **out, struct pb_arena *a, const struct pb_tf_backend *be,
                     struct pb_err *err)
{
    const char *user = pb_tf_store_http_setting(be, "username", "TF_HTTP_USERNAME");
    const char *password = pb_tf_store_http_setting(be, "password", "TF_HTTP_PASSWORD");
    struct pb_map_builder values = PB_BUILDER_INIT, from = PB_BUILDER_INIT, b = PB_BUILDER_INIT;
    struct pb_value v;

    *out = NULL;
    if (!user)
        return 0;
    pb_map_add(&values, "password", pb_mk_string(a, password ? password : ""));
    pb_map_add(&from, "provider", pb_mk_string(a, "password"));
    pb_map_add(&b, "scheme", pb_mk_string(a, "basic"));
    pb_map_add(&b, "username", pb_mk_string(a, user));
    v = pb_map_done(&from, a);
    pb_map_add(&b, "password", v);
    v = pb_map_done(&values, a);
    return pb_auth_open(out, pb_box(a, pb_map_done(&b, a)), pb_box(a, v), NULL, err);
}

static int http_request(struct reply *reply, struct pb_http_rq *rq, struct pb_arena *a,
                        const struct pb_tf_backend *be, const struct pb_unit_ctx *u,
                        struct pb_err *err)
{
    struct pb_auth *auth = NULL;
    int rc;

    if (pem_file(&rq->client_cert, a, be, u, "client_certificate_pem",
                 "TF_HTTP_CLIENT_CERTIFICATE_PEM", err) ||
        pem_file(&rq->client_key, a, be, u, "client_private_key_pem",
                 "TF_HTTP_CLIENT_PRIVATE_KEY_PEM", err) ||
        pem_file(&rq->ca_file, a, be, u, "client_ca_certificate_pem",
                 "TF_HTTP_CLIENT_CA_CERTIFICATE_PEM", err) ||
        http_auth(&auth, a, be, err))
        return -1;
    if (auth) {
        const char *cert = rq->client_cert, *key = rq->client_key, *ca = rq->ca_file;
        pb_auth_apply(auth, "state", NULL, rq);
        rq->client_cert = cert;
        rq->client_key = key;
        rq->ca_file = ca;
    }
    rc = ask(reply, rq, err);
    pb_auth_free(auth);
    return rc;
}

int pb_tf_store_http_ask(int *status, struct pb_buf *body, const char *method, const char *url,
                         const char *data, struct pb_arena *a, const struct pb_tf_backend *be,
                         const struct pb_unit_ctx *u, struct pb_err *err)
{
    static char json[] = "Content-Type: application/json";
    char *headers[] = {json, NULL};
    struct pb_http_rq rq = {.method = method,
                            .url = url,
                            .headers = headers,
                            .body = data,
                            .body_len = strlen(data),
                            .service = "state",
                            .label = "state lock"};
    struct reply reply = {.body = body};

    if (http_request(&reply, &rq, a, be, u, err))
        return -1;
    *status = reply.status;
    if (!reply.whole)
        return pb_fail(err, PB_E_NET, "no answer from the server of the state of '%s': %s", u->name,
                       reply.error);
    return 0;
}

int pb_tf_store_http(struct pb_buf *text, bool *none, struct pb_arena *a, struct pb_tf_backend *be,
                     const struct pb_unit_ctx *u, struct pb_err *err)
{
    const char *address = pb_tf_store_http_setting(be, "address", "TF_HTTP_ADDRESS");
    struct pb_http_rq rq = {.method = "GET", .url = address, .service = "state", .label = "state"};
    struct reply reply = {.body = text};

    if (!address)
        return pb_fail(err, PB_E_CONFIG,
                       "the http backend of '%s' has no address: set it with 'backend_config' in "
                       "plumb.yaml or TF_HTTP_ADDRESS",
                       u->name);
    if (strchr(address, '@') && strstr(address, "://"))
        be->where = "http backend";
    else
        be->where = pb_arena_strndup(a, address, strcspn(address, "?"));
    if (http_request(&reply, &rq, a, be, u, err))
        return -1;
    *none = reply.whole &&
            (reply.status == 204 || reply.status == 404 || (reply.status == 200 && text->len == 0));
    if (*none)
        pb_buf_clear(text);
    return *none || (reply.whole && reply.status == 200) ? 0 : explain(&reply, be->where, err);
}

/* ---- s3 -------------------------------------------------------------------------------------- */

/* The backend's own spelling of older settings, as the session understands them. */
static const struct pb_value *s3_settings(struct pb_arena *a, const struct pb_value *config)
{
    static const char *const role[][2] = {
        {"role_arn", "role_arn"}, {"session_name", "session_name"}, {"external_id", "external_id"}};
    const char *endpoint = pb_get_str(config, "endpoint");
    struct pb_map_builder b = PB_BUILDER_INIT, r = PB_BUILDER_INIT, e = PB_BUILDER_INIT;

    for (size_t i = 0; i < config->n; i++)
        pb_map_add(&b, config->members[i].key, config->members[i].value);
    if (pb_get_str(config, "role_arn") && !pb_get(config, "assume_role")) {
        for (size_t i = 0; i < PB_COUNT(role); i++)
            if (pb_get_str(config, role[i][0]))
                pb_map_add(&r, role[i][1], *pb_get(config, role[i][0]));
        pb_map_add(&b, "assume_role", pb_map_done(&r, a));
    }
    if (endpoint && *endpoint && pb_is_nullish(pb_get(config, "endpoints"))) {
        pb_map_add(&e, "s3", pb_mk_string(a, endpoint));
        pb_map_add(&b, "endpoints", pb_map_done(&e, a));
    }
    return pb_box(a, pb_map_done(&b, a));
}

static bool is_true(const struct pb_value *config, const char *name)
{
    return pb_get_bool(config, name, false) || pb_streq(pb_get_str(config, name), "true");
}

static const char *s3_key(struct pb_arena *a, const struct pb_value *config,
                          const struct pb_unit_ctx *u)
{
    const char *key = pb_get_str(config, "key");
    const char *prefix = pb_get_str(config, "workspace_key_prefix");

    if (!key || !u->workspace || strcmp(u->workspace, "default") == 0)
        return key;
    if (!prefix)
        prefix = "env:";
    return *prefix ? pb_arena_printf(a, "%s/%s/%s", prefix, u->workspace, key)
                   : pb_arena_printf(a, "%s/%s", u->workspace, key);
}

static bool is_no_such_key(const struct reply *r)
{
    return r->whole && r->status == 404 && r->body->len &&
           strstr(r->body->s, "<Code>NoSuchKey</Code>") != NULL;
}

static int s3_get(struct reply *reply, struct pb_aws_session *s, const struct pb_tf_backend *be,
                  const char *bucket, const char *key, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf url = PB_BUF_INIT;
    const char *region = pb_get_str(be->config, "region");
    bool path_style =
        is_true(be->config, "use_path_style") || is_true(be->config, "force_path_style");
    struct pb_http_rq rq = {
        .method = "GET", .service = "s3", .label = "s3 GetObject", .sign = pb_aws_sign};

    if (!region)
        region = pb_aws_region(s);
    PB_AUTO(str)
    char *own =
        pb_asprintf("https://s3.%s.%s", region ? region : "us-east-1", pb_aws_dns_suffix(region));
    PB_AUTO(str) char *public = pb_aws_public_url(s, region, own);
    const char *endpoint = pb_aws_endpoint(s, "s3");

    if (pb_aws_s3_url(&url, endpoint ? endpoint : public, region, bucket, key, path_style, err))
        return -1;
    rq.url = url.s;
    rq.sign_ctx = pb_aws_signer(s, "s3", region);
    pb_aws_transport(s, &rq);
    return ask(reply, &rq, err);
}

int pb_tf_store_s3_get(struct pb_buf *text, bool *none, struct pb_arena *a,
                       struct pb_tf_backend *be, const struct pb_unit_ctx *u, const char *suffix,
                       struct pb_err *err)
{
    const char *bucket = pb_get_str(be->config, "bucket"), *key = s3_key(a, be->config, u);
    struct reply reply = {.body = text};
    struct pb_aws_session *s = NULL;
    int rc = -1;

    if (!bucket || !key)
        return pb_fail(err, PB_E_CONFIG,
                       "the s3 backend of '%s' has no %s: set it with 'backend_config' in "
                       "plumb.yaml",
                       u->name, bucket ? "key" : "bucket");
    key = pb_arena_printf(a, "%s%s", key, suffix);
    be->where = pb_arena_printf(a, "s3://%s/%s", bucket, key);
    if (pb_aws_session_new(&s, s3_settings(a, be->config), NULL, err))
        return -1;
    if (s3_get(&reply, s, be, bucket, key, err) == 0) {
        *none = is_no_such_key(&reply);
        if (*none)
            pb_buf_clear(text);
        rc = *none || (reply.whole && reply.status == 200) ? 0 : explain(&reply, be->where, err);
    }
    pb_aws_session_free(s);
    return rc;
}

int pb_tf_store_s3(struct pb_buf *text, bool *none, struct pb_arena *a, struct pb_tf_backend *be,
                   const struct pb_unit_ctx *u, struct pb_err *err)
{
    return pb_tf_store_s3_get(text, none, a, be, u, "", err);
}
