/* AWS credentials, region and endpoints: shared files in a folder of its own, and one
 * small server on loopback that is STS, the container's endpoint and the instance. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <sys/socket.h>

#include "backends/auth/aws.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"
#include "tests/support/loopback.h"

static int listener, port, hits;
static char last[8192]; /* the last request, whole */
static char *dir, *config, *credentials, *server;

static void reply(int fd, int status, const char *body)
{
    PB_AUTO(str)
    char *s = pb_asprintf("HTTP/1.1 %d X\r\nConnection: close\r\n"
                          "Content-Length: %zu\r\n\r\n%s",
                          status, strlen(body), body);

    send(fd, s, strlen(s), MSG_NOSIGNAL);
}

static void answer(int fd, const char *rq)
{
    static const char json[] =
        "{\"Code\":\"Success\",\"AccessKeyId\":\"AKNEAR\",\"Token\":\"tn\","
        "\"SecretAccessKey\":\"sn\",\"Expiration\":\"2099-01-01T00:00:00Z\"}";

    if (strstr(rq, "%2Fdenied") != NULL)
        reply(fd, 403,
              "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message>"
              "</Error></ErrorResponse>");
    else if (strstr(rq, "Action=AssumeRole") != NULL)
        reply(fd, 200,
              "<R xmlns='x'><S><Credentials><AccessKeyId>AKROLE</AccessKeyId><SecretAccessKey>a/b"
              "</SecretAccessKey><SessionToken>tr</SessionToken><Expiration>2099-01-01T00:00:00Z"
              "</Expiration></Credentials></S></R>");
    else if (strncmp(rq, "PUT /latest/api/token", 21) == 0)
        reply(fd, 200, "imds-token");
    else if (strncmp(rq, "GET /latest/", 12) == 0 && strstr(rq, "imds-token") == NULL)
        reply(fd, 401, "");
    else if (strstr(rq, "/security-credentials/ ") != NULL)
        reply(fd, 200, "role\n");
    else if (strstr(rq, "/placement/region ") != NULL)
        reply(fd, 200, "eu-north-1");
    else if (strstr(rq, "/container ") != NULL && strstr(rq, "Authorization: tok") == NULL)
        reply(fd, 403, "");
    else
        reply(fd, 200, json);
}

static bool whole(const char *s, size_t n)
{
    const char *end = strstr(s, "\r\n\r\n"), *len = strcasestr(s, "content-length:");

    if (end == NULL)
        return false;
    return len == NULL || len > end || n >= (size_t)(end + 4 - s) + strtoul(len + 15, NULL, 10);
}

static void *serve(void *ctx)
{
    (void)ctx;
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        size_t n = 0;
        ssize_t got;

        if (fd < 0)
            return NULL;
        while ((got = recv(fd, last + n, sizeof(last) - 1 - n, 0)) > 0) {
            n += (size_t)got;
            last[n] = '\0';
            if (whole(last, n))
                break;
        }
        hits++;
        answer(fd, last);
        close(fd);
    }
}

static int setup(void **state)
{
    pthread_t t;

    (void)state;
    unsetenv("http_proxy");
    listener = test_listen(&port);
    if (listener < 0 || pb_work_new(&dir, NULL) == -1)
        return -1;
    server = pb_asprintf("http://127.0.0.1:%d", port);
    config = pb_fs_join(dir, "config");
    credentials = pb_fs_join(dir, "credentials");
    pthread_create(&t, NULL, serve, NULL);
    return pthread_detach(t);
}

static int teardown(void **state)
{
    (void)state;
    pb_work_remove(dir);
    free(dir);
    free(config);
    free(credentials);
    free(server);
    return 0;
}

/* One case: files, an environment and a block go in, and a session comes out. */
struct fixture {
    const char *env[17]; /* name, value, ..., NULL */
    struct pb_auth_env get;
    struct pb_arena *a;
    struct pb_aws_session *s;
    const struct pb_aws_creds *c;
    struct pb_err err;
};

static const char *env_get(const char *name, void *ctx)
{
    const struct fixture *f = ctx;

    if (strcmp(name, "AWS_CONFIG_FILE") == 0)
        return config;
    if (strcmp(name, "AWS_SHARED_CREDENTIALS_FILE") == 0)
        return credentials;
    for (size_t i = 0; f->env[i] != NULL; i += 2)
        if (strcmp(f->env[i], name) == 0)
            return f->env[i + 1];
    if (strcmp(name, "AWS_ENDPOINT_URL_STS") == 0)
        return server;
    return strcmp(name, "AWS_EC2_METADATA_DISABLED") == 0 ? "true" : NULL;
}

static void files(const char *conf, const char *cred)
{
    assert_int_equal(pb_fs_write_atomic(config, conf, strlen(conf), 0600, NULL), 0);
    assert_int_equal(pb_fs_write_atomic(credentials, cred, strlen(cred), 0600, NULL), 0);
}

static int begin(struct fixture *f, const char *block)
{
    const struct pb_value *v = NULL;

    f->a = pb_arena_new();
    f->get.get = env_get;
    f->get.ctx = f;
    if (block != NULL)
        assert_int_equal(pb_json_parse(&v, f->a, block, strlen(block), "block", NULL), 0);
    return pb_aws_session_new(&f->s, v, &f->get, &f->err);
}

static void finish(struct fixture *f)
{
    pb_aws_session_free(f->s);
    pb_arena_free(f->a);
}

/* The access key that these give; the message when none. Borrowed until the next call. */
static const char *key_of(struct fixture *f, const char *block)
{
    static char out[PB_ERR_MAX];

    snprintf(out, sizeof(out), "%s",
             begin(f, block) == 0 && pb_aws_credentials(&f->c, f->s, &f->err) == 0
                 ? f->c->access_key
                 : f->err.msg);
    finish(f);
    return out;
}

static void aws_creds__order(void **state)
{
    struct fixture none = {0};
    struct fixture env = {
        .env = {"AWS_ACCESS_KEY_ID", "AKENV", "AWS_SECRET_ACCESS_KEY", "s", "AWS_PROFILE", "dev"}};
    struct fixture named = {.env = {"AWS_PROFILE", "dev"}};
    struct fixture lost = {.env = {"AWS_PROFILE", "lost"}};

    (void)state;
    files("[default]\naws_access_key_id = AKCONF # not this\naws_secret_access_key=s\n"
          "[profile dev]\nregion = eu-west-1\n[dev]\naws_access_key_id = AKWRONG\n",
          "; keys\n[dev]\r\nAWS_ACCESS_KEY_ID = AKDEV\r\naws_secret_access_key = s\r\n");
    assert_string_equal(key_of(&env, "{\"access_key\":\"AKB\",\"secret_key\":\"s\"}"), "AKB");
    assert_string_equal(key_of(&env, NULL), "AKENV");
    assert_string_equal(key_of(&env, "{\"profile\":\"dev\"}"), "AKDEV");
    assert_string_equal(key_of(&named, NULL), "AKDEV");
    assert_string_equal(key_of(&none, NULL), "AKCONF");
    assert_non_null(strstr(key_of(&lost, NULL), "no profile 'lost'"));
    files("", "");
    assert_non_null(strstr(key_of(&none, NULL), "set AWS_ACCESS_KEY_ID"));
}

static void aws_creds__region_and_endpoints(void **state)
{
    struct fixture f = {
        .env = {"AWS_PROFILE", "dev", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "http://logs:1/"}};
    struct fixture env = {.env = {"AWS_PROFILE", "dev", "AWS_DEFAULT_REGION", "us-west-2",
                                  "AWS_ENDPOINT_URL", "http://all"}};

    (void)state;
    files("[profile dev]\nregion = eu-west-1\nservices = local\nendpoint_url = http://conf\n"
          "[services local]\ns3 =\n  endpoint_url = http://s3conf\nec2 =\n"
          "  endpoint_url = http://ec2conf\n",
          "");
    assert_int_equal(begin(&f, "{\"endpoints\":[{\"s3\":\"http://s3block/\"}]}"), 0);
    assert_string_equal(pb_aws_region(f.s), "eu-west-1");
    assert_string_equal(pb_aws_endpoint(f.s, "s3"), "http://s3block");
    assert_string_equal(pb_aws_endpoint(f.s, "logs"), "http://logs:1");
    assert_string_equal(pb_aws_endpoint(f.s, "ec2"), "http://ec2conf");
    assert_string_equal(pb_aws_endpoint(f.s, "sqs"), "http://conf");
    assert_ptr_equal(pb_aws_signer(f.s, "s3", NULL), pb_aws_signer(f.s, "s3", "eu-west-1"));
    finish(&f);
    assert_int_equal(begin(&env, "{\"region\":\"\"}"), 0);
    assert_string_equal(pb_aws_region(env.s), "us-west-2");
    assert_string_equal(pb_aws_endpoint(env.s, "ec2"), "http://all");
    finish(&env);
    assert_string_equal(pb_aws_dns_suffix("cn-north-1"), "amazonaws.com.cn");
    assert_string_equal(pb_aws_dns_suffix("us-gov-west-1"), "amazonaws.com");
}

static void aws_creds__roles(void **state)
{
    static const char role[] = "{\"access_key\":\"AKB\",\"secret_key\":\"s\",\"assume_role\":[{"
                               "\"role_arn\":\"arn:aws:iam::123456789012:role/x\","
                               "\"external_id\":\"e 1\",\"duration\":\"1h30m\"}]}";
    struct fixture f = {0}, g = {.env = {"AWS_PROFILE", "a"}}, loop = {.env = {"AWS_PROFILE", "l"}};

    (void)state;
    files("[profile a]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = b\n"
          "[profile l]\nrole_arn = x\nsource_profile = m\n[profile m]\nrole_arn = y\n"
          "source_profile = l\n",
          "[b]\naws_access_key_id = AKSRC\naws_secret_access_key = s\n");
    assert_string_equal(key_of(&f, role), "AKROLE");
    assert_non_null(strstr(last, "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fx"));
    assert_non_null(strstr(last, "&ExternalId=e%201"));
    assert_non_null(strstr(last, "&DurationSeconds=5400"));
    assert_non_null(strstr(last, "Credential=AKB/"));
    assert_string_equal(key_of(&g, NULL), "AKROLE");
    assert_non_null(strstr(last, "Credential=AKSRC/"));
    assert_non_null(strstr(key_of(&loop, NULL), "circle"));
}

static void aws_creds__refused_once(void **state)
{
    static const char role[] = "{\"access_key\":\"AKB\",\"secret_key\":\"s\",\"assume_role\":[{"
                               "\"role_arn\":\"arn:aws:iam::123456789012:role/denied\"}]}";
    struct fixture f = {0};
    int before;

    (void)state;
    assert_int_equal(begin(&f, role), 0);
    assert_int_equal(pb_aws_credentials(&f.c, f.s, &f.err), -1);
    assert_int_equal(f.err.cls, PB_E_AUTH);
    assert_non_null(strstr(f.err.msg, "AccessDenied: not you"));
    before = hits;
    assert_int_equal(pb_aws_credentials(&f.c, f.s, &f.err), -1);
    assert_int_equal(hits, before);
    finish(&f);
}

static void aws_creds__web_identity(void **state)
{
    PB_AUTO(str) char *token = pb_fs_join(dir, "token");
    struct fixture f = {.env = {"AWS_WEB_IDENTITY_TOKEN_FILE", token, "AWS_ROLE_ARN",
                                "arn:aws:iam::123456789012:role/w"}};

    (void)state;
    files("", "");
    assert_int_equal(pb_fs_write_atomic(token, "j.w.t\n", 6, 0600, NULL), 0);
    assert_string_equal(key_of(&f, NULL), "AKROLE");
    assert_true(pb_ends_with(last, "&WebIdentityToken=j.w.t"));
    assert_null(strstr(last, "Authorization:"));
}

static void aws_creds__container(void **state)
{
    PB_AUTO(str) char *url = pb_asprintf("%s/container", server);
    struct fixture f = {.env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI", url,
                                "AWS_CONTAINER_AUTHORIZATION_TOKEN", "tok"}};
    struct fixture far = {.env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/x",
                                  "AWS_CONTAINER_AUTHORIZATION_TOKEN", "tok"}};

    (void)state;
    files("", "");
    assert_string_equal(key_of(&f, NULL), "AKNEAR");
    assert_non_null(strstr(key_of(&far, NULL), "neither https nor"));
}

static void aws_creds__instance(void **state)
{
    struct fixture f = {
        .env = {"AWS_EC2_METADATA_DISABLED", "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT", server}};

    (void)state;
    files("", "");
    assert_int_equal(begin(&f, NULL), 0);
    assert_string_equal(pb_aws_region(f.s), "eu-north-1");
    assert_int_equal(pb_aws_credentials(&f.c, f.s, &f.err), 0);
    assert_string_equal(f.c->token, "tn");
    assert_true(f.c->expires > 4000000000);
    finish(&f);
}

static void aws_creds__process(void **state)
{
    struct fixture f = {.env = {"AWS_PROFILE", "p"}}, bad = {.env = {"AWS_PROFILE", "q"}};

    (void)state;
    files("[profile p]\ncredential_process = /bin/echo '{\"Version\":1,\"AccessKeyId\":\"AKP\","
          "\"SecretAccessKey\":\"s\"}'\n[profile q]\ncredential_process = /bin/false x\n",
          "");
    assert_string_equal(key_of(&f, NULL), "AKP");
    assert_non_null(strstr(key_of(&bad, NULL), "ended with exit code 1"));
}

static void aws_creds__refusals(void **state)
{
    struct fixture mfa = {.env = {"AWS_PROFILE", "m"}}, sso = {.env = {"AWS_PROFILE", "s"}};
    struct fixture env = {.env = {"AWS_ACCESS_KEY_ID", "AKENV", "AWS_SECRET_ACCESS_KEY", "s"}};
    struct pb_map_builder m = PB_BUILDER_INIT;
    struct pb_value block;

    (void)state;
    files("[profile m]\nrole_arn = r\nsource_profile = m\nmfa_serial = x\n"
          "[profile s]\nsso_session = x\n[sso-session x]\n",
          "");
    assert_non_null(strstr(key_of(&mfa, NULL), "MFA"));
    assert_non_null(strstr(key_of(&sso, NULL), "lacks sso_start_url"));
    env.a = pb_arena_new();
    pb_map_add(&m, "profile", pb_unknown);
    block = pb_map_done(&m, env.a);
    env.get.get = env_get;
    env.get.ctx = &env;
    assert_int_equal(pb_aws_session_new(&env.s, &block, &env.get, &env.err), 0);
    assert_int_equal(pb_aws_credentials(&env.c, env.s, &env.err), -1);
    assert_non_null(strstr(env.err.msg, "'profile' of the AWS provider block is not known"));
    finish(&env);
}

static void aws_creds__s3_url(void **state)
{
    static const struct {
        const char *endpoint, *bucket, *key;
        bool path;
        const char *url;
    } t[] = {
        {NULL, "states", "a b/c", false, "https://states.s3.eu-west-1.amazonaws.com/a%20b/c"},
        {NULL, "my.states", "k", false, "https://s3.eu-west-1.amazonaws.com/my.states/k"},
        {NULL, "states", NULL, true, "https://s3.eu-west-1.amazonaws.com/states"},
        {"http://127.0.0.1:5000", "states", "k", false, "http://127.0.0.1:5000/states/k"},
        {"http://s3.local:1", "states", "k", false, "http://states.s3.local:1/k"},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(t); i++) {
        PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

        assert_int_equal(
            pb_aws_s3_url(&b, t[i].endpoint, "eu-west-1", t[i].bucket, t[i].key, t[i].path, NULL),
            0);
        assert_string_equal(b.s, t[i].url);
    }
    assert_int_equal(pb_aws_s3_url(NULL, NULL, NULL, "a/b", "k", true, NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aws_creds__order),
        cmocka_unit_test(aws_creds__region_and_endpoints),
        cmocka_unit_test(aws_creds__roles),
        cmocka_unit_test(aws_creds__refused_once),
        cmocka_unit_test(aws_creds__web_identity),
        cmocka_unit_test(aws_creds__container),
        cmocka_unit_test(aws_creds__instance),
        cmocka_unit_test(aws_creds__process),
        cmocka_unit_test(aws_creds__refusals),
        cmocka_unit_test(aws_creds__s3_url),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
