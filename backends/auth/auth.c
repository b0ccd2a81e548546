#include "backends/auth/auth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/auth/aws_ask.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"

enum { SECRET_MAX = 64 * 1024 };

static const char *const none[] = {NULL};
static const char *const bearer[] = {"token", NULL};
static const char *const token[] = {"token", "header", NULL};
static const char *const basic[] = {"username", "password", NULL};
static const char *const client_cert[] = {"cert_file", "key_file", NULL};

static const char *const ca[] = {"ca_file", NULL};
static const char *const ca_and_prefix[] = {"ca_file", "prefix", NULL};

const struct pb_auth_scheme pb_auth_schemes[] = {
    {"none", none, ca, NULL, "no authentication"},
    {"bearer", bearer, ca, "token", "Authorization: Bearer TOKEN"},
    {"token", token, ca_and_prefix, "token", "a token in a header of its own"},
    {"basic", basic, ca, "password", "user name and password"},
    {"client_cert", client_cert, ca, NULL, "a TLS client certificate"},
    {"aws_sigv4", none, ca, NULL, "AWS Signature Version 4 with the credentials AWS tools find"},
};
const size_t pb_auth_schemes_count = PB_COUNT(pb_auth_schemes);

struct pb_auth {
    struct pb_strv headers; /* "Name: value", added to each try */
    struct pb_strv secrets; /* what of them no message may show */
    char *cert, *key, *ca;
    struct pb_aws_session *aws;
};

const char *pb_auth_getenv(const struct pb_auth_env *env, const char *name)
{
    const char *v = env && env->get ? env->get(name, env->ctx) : getenv(name);

    return v && *v ? v : NULL;
}

static const struct pb_auth_scheme *find_scheme(const char *name)
{
    for (size_t i = 0; i < pb_auth_schemes_count; i++)
        if (strcmp(pb_auth_schemes[i].name, name) == 0)
            return &pb_auth_schemes[i];
    return NULL;
}

struct source {
    const struct pb_value *settings, *provider;
    const struct pb_auth_env *env;
};

static int read_secret_file(char **out, const char *path, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    if (pb_fs_read(&b, path, SECRET_MAX, err) == -1)
        return -1;
    while (b.len && (b.s[b.len - 1] == '\n' || b.s[b.len - 1] == '\r'))
        pb_buf_truncate(&b, b.len - 1);
    *out = pb_strdup(b.s);
    pb_wipe(b.s, b.len);
    return 0;
}

/* One place a setting may come from: leaves *out NULL when there is nothing. */
static int one_place(char **out, const struct source *src, const struct pb_value *v, bool secret,
                     const char *name, struct pb_err *err)
{
    const char *s;

    if (pb_is(v, PB_STRING)) {
        if (secret)
            return pb_fail(err, PB_E_CONFIG,
                           "auth setting '%s' may not be written down: use {env: NAME} or "
                           "{file: PATH}",
                           name);
        *out = pb_strdup(v->s);
        return 0;
    }
    if ((s = pb_get_str(v, "env"))) {
        s = pb_auth_getenv(src->env, s);
        *out = s ? pb_strdup(s) : NULL;
        return 0;
    }
    if ((s = pb_get_str(v, "provider"))) {
        s = pb_str(pb_walk(src->provider, s));
        *out = s && *s ? pb_strdup(s) : NULL;
        return 0;
    }
    if ((s = pb_get_str(v, "file"))) {
        struct pb_err why = PB_ERR_INIT;
        if (read_secret_file(out, s, &why) == 0 || why.sys == ENOENT)
            return 0;
        if (err)
            *err = why;
        return -1;
    }
    return pb_fail(err, PB_E_CONFIG,
                   "auth setting '%s' must be a string or one of {env: NAME}, {file: PATH}, "
                   "{provider: \"path\"}",
                   name);
}

static int setting(char **out, const struct source *src, const char *name, bool secret,
                   struct pb_err *err)
{
    const struct pb_value *v = pb_get(src->settings, name);

    *out = NULL;
    if (!v || !pb_is(v, PB_LIST))
        return v ? one_place(out, src, v, secret, name, err) : 0;
    for (size_t i = 0; i < pb_len(v) && !*out; i++)
        if (one_place(out, src, pb_at(v, i), secret, name, err) == -1)
            return -1;
    return 0;
}

static void drop(char **s)
{
    if (*s)
        pb_wipe(*s, strlen(*s));
    free(*s);
    *s = NULL;
}

static void add_header(struct pb_auth *a, const char *name, const char *prefix, const char *value)
{
    pb_strv_addf(&a->headers, "%s: %s%s", name, prefix, value);
}

static void add_basic(struct pb_auth *a, const char *user, const char *password)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    PB_AUTO(str) char *plain = pb_asprintf("%s:%s", user, password);
    size_t n = strlen(plain);
    struct pb_buf b = PB_BUF_INIT;

    for (size_t i = 0; i < n; i += 3) {
        const unsigned char *p = (const unsigned char *)plain + i;
        size_t left = n - i;
        unsigned v = (unsigned)p[0] << 16 | (left > 1 ? (unsigned)p[1] << 8 : 0U) |
                     (left > 2 ? (unsigned)p[2] : 0U);
        pb_buf_addc(&b, digits[v >> 18]);
        pb_buf_addc(&b, digits[v >> 12 & 63]);
        pb_buf_addc(&b, left > 1 ? digits[v >> 6 & 63] : '=');
        pb_buf_addc(&b, left > 2 ? digits[v & 63] : '=');
    }
    add_header(a, "Authorization", "Basic ", b.s);
    pb_strv_add(&a->secrets, b.s);
    pb_wipe(plain, n);
    pb_buf_wipe(&b);
}

static int need(char **out, const struct source *src, const struct pb_auth_scheme *s,
                const char *name, struct pb_err *err)
{
    if (setting(out, src, name, pb_streq(s->secret, name), err) == -1)
        return -1;
    if (!*out)
        return pb_fail(err, PB_E_AUTH,
                       "auth scheme '%s' needs '%s', and none of its places has one", s->name,
                       name);
    if (strpbrk(*out, "\r\n"))
        return pb_fail(err, PB_E_AUTH, "auth setting '%s' contains a line break", name);
    return 0;
}

static int open_scheme(struct pb_auth *a, const struct source *src, const struct pb_auth_scheme *s,
                       struct pb_err *err)
{
    char *one = NULL, *two = NULL, *prefix = NULL;
    int rc = -1;

    if (s->required[0] && need(&one, src, s, s->required[0], err) == -1)
        goto out;
    if (s->required[0] && s->required[1] && need(&two, src, s, s->required[1], err) == -1)
        goto out;
    if (setting(&a->ca, src, "ca_file", false, err) == -1 ||
        setting(&prefix, src, "prefix", false, err) == -1)
        goto out;
    if (s->secret)
        pb_strv_add(&a->secrets, s->required == basic ? two : one);
    if (s->required == bearer)
        add_header(a, "Authorization", "Bearer ", one);
    else if (s->required == token)
        add_header(a, two, prefix ? prefix : "", one);
    else if (s->required == basic)
        add_basic(a, one, two);
    else if (s->required == client_cert)
        a->cert = pb_take(&one), a->key = pb_take(&two);
    rc = 0;
out:
    drop(&one);
    drop(&two);
    drop(&prefix);
    return rc;
}

int pb_auth_open(struct pb_auth **out, const struct pb_value *settings,
                 const struct pb_value *provider, const struct pb_auth_env *env, struct pb_err *err)
{
    struct source src = {settings, provider, env};
    const char *name = settings ? pb_get_str(settings, "scheme") : "none";
    const struct pb_auth_scheme *s = name ? find_scheme(name) : NULL;
    struct pb_auth *a;

    if (!s)
        return pb_fail(err, PB_E_CONFIG, "unknown auth scheme '%s'", name ? name : "");
    a = pb_calloc(1, sizeof(*a));
    if (open_scheme(a, &src, s, err) == -1 ||
        (strcmp(s->name, "aws_sigv4") == 0 &&
         pb_aws_session_new(&a->aws, provider, env, err) == -1)) {
        pb_auth_free(a);
        return -1;
    }
    *out = a;
    return 0;
}

static int add_own_headers(const struct pb_http_rq *rq, struct pb_strv *headers, void *ctx,
                           struct pb_err *err)
{
    const struct pb_auth *a = ctx;

    (void)rq;
    (void)err;
    for (size_t i = 0; i < a->headers.n; i++)
        pb_strv_add(headers, a->headers.v[i]);
    return 0;
}

void pb_auth_apply(struct pb_auth *auth, const char *service, const char *region,
                   struct pb_http_rq *rq)
{
    if (!auth)
        return;
    rq->client_cert = auth->cert;
    rq->client_key = auth->key;
    if (auth->aws)
        pb_aws_transport(auth->aws, rq);
    if (auth->ca || !auth->aws)
        rq->ca_file = auth->ca;
    if (auth->aws) {
        rq->sign = pb_aws_sign;
        rq->sign_ctx = pb_aws_signer(auth->aws, service, region);
    } else if (auth->headers.n) {
        rq->sign = add_own_headers;
        rq->sign_ctx = auth;
    }
}

void pb_auth_take_out_one(struct pb_buf *text, const char *secret)
{
    struct pb_buf encoded = PB_BUF_INIT;

    if (!secret)
        return;
    pb_text_take_out(text, secret);
    pb_aws_form(&encoded, "", secret);
    if (encoded.len)
        pb_text_take_out(text, encoded.s + 1); /* behind "=" */
    pb_buf_wipe(&encoded);
}

void pb_auth_take_out(struct pb_buf *text, const struct pb_auth *auth)
{
    for (size_t i = 0; auth && i < auth->secrets.n; i++)
        pb_auth_take_out_one(text, auth->secrets.v[i]);
    if (auth && auth->aws) {
        pthread_mutex_lock(auth->aws->lock);
        pb_auth_take_out_one(text, auth->aws->creds.secret_key);
        pb_auth_take_out_one(text, auth->aws->creds.token);
        pthread_mutex_unlock(auth->aws->lock);
    }
}

struct pb_aws_session *pb_auth_aws(struct pb_auth *auth)
{
    return auth ? auth->aws : NULL;
}

void pb_auth_free(struct pb_auth *auth)
{
    if (!auth)
        return;
    for (size_t i = 0; i < auth->headers.n; i++)
        pb_wipe(auth->headers.v[i], strlen(auth->headers.v[i]));
    pb_strv_release(&auth->headers);
    for (size_t i = 0; i < auth->secrets.n; i++)
        pb_wipe(auth->secrets.v[i], strlen(auth->secrets.v[i]));
    pb_strv_release(&auth->secrets);
    free(auth->cert);
    free(auth->key);
    free(auth->ca);
    pb_aws_session_free(auth->aws);
    free(auth);
}
