/* States behind http and in S3, against a server on loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/terraform/store.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"
#include "tests/support/loopback.h"

/* Answers every request with one reply and keeps what was asked last. */
static struct {
    int fd;
    int port;
    pthread_t thread;
    const char *reply;
    char asked[8192];
} server;

static void *serve(void *ctx)
{
    int c;

    (void)ctx;
    while ((c = accept(server.fd, NULL, NULL)) >= 0) {
        size_t n = 0;
        ssize_t got;
        while (n < sizeof(server.asked) - 1 && !memmem(server.asked, n, "\r\n\r\n", 4) &&
               (got = recv(c, server.asked + n, sizeof(server.asked) - 1 - n, 0)) > 0)
            n += (size_t)got;
        server.asked[n] = '\0';
        if (n)
            (void)!send(c, server.reply, strlen(server.reply), MSG_NOSIGNAL);
        close(c);
    }
    return NULL;
}

static struct pb_arena *arena;
static struct pb_err err;
static char *work;
static struct pb_unit_ctx unit;

static int setup(void **state)
{
    (void)state;
    arena = pb_arena_new();
    pb_err_clear(&err);
    unit = (struct pb_unit_ctx){.name = "u", .path = "", .workspace = "default"};
    assert_int_equal(pb_work_new(&work, NULL), 0);
    unit.work = work;
    server.fd = test_listen(&server.port);
    assert_true(server.fd >= 0);
    assert_int_equal(pthread_create(&server.thread, NULL, serve, NULL), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shutdown(server.fd, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    close(server.fd);
    pb_work_remove(work);
    free(work);
    pb_arena_free(arena);
    return 0;
}

static struct pb_tf_backend backend(const char *type, const char *format)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_tf_backend be = {.type = type};

    for (const char *p = format; *p; p++) {
        if (*p == '@')
            pb_buf_addf(&text, "http://127.0.0.1:%d", server.port);
        else
            pb_buf_addc(&text, *p);
    }
    assert_int_equal(pb_json_parse(&be.config, arena, text.s, text.len, "config", NULL), 0);
    return be;
}

static void asked(const char *part)
{
    if (!strstr(server.asked, part))
        fail_msg("'%s' is not in:\n%s", part, server.asked);
}

#define OK(body) "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" body

static void tf_store__http(void **state)
{
    static const struct {
        const char *reply, *text;
        bool none;
        enum pb_err_class cls;
    } rows[] = {
        {OK("{\"a\":1}"), "{\"a\":1}", false, PB_E_NONE},
        {"HTTP/1.1 204 No\r\nConnection: close\r\n\r\n", "", true, PB_E_NONE},
        {"HTTP/1.1 404 No\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", "", true, PB_E_NONE},
        {OK(""), "", true, PB_E_NONE},
        {"HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "", false, PB_E_AUTH},
        {"HTTP/1.1 403 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "", false, PB_E_AUTH},
        {"HTTP/1.1 302 No\r\nConnection: close\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", "",
         false, PB_E_NET},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_tf_backend be =
            backend("http", "{\"address\":\"@/s?t=1\",\"username\":\"me\",\"password\":\"pw\"}");
        PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
        bool none = false;
        int rc;
        server.reply = rows[i].reply;
        rc = pb_tf_store_read(&text, &none, arena, &be, &unit, &err);
        assert_int_equal(rc, rows[i].cls ? -1 : 0);
        if (rc) {
            assert_int_equal(err.cls, rows[i].cls);
            assert_null(strstr(err.msg, "pw"));
        } else {
            assert_int_equal(none, rows[i].none);
            if (!none)
                assert_string_equal(text.s, rows[i].text);
        }
        asked("GET /s?t=1 HTTP");
        asked("Authorization: Basic bWU6cHc=");
    }
}

static void tf_store__http_needs_an_address(void **state)
{
    struct pb_tf_backend be = backend("http", "{}");
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    bool none;

    (void)state;
    unsetenv("TF_HTTP_ADDRESS");
    assert_int_equal(pb_tf_store_read(&text, &none, arena, &be, &unit, &err), -1);
    assert_non_null(strstr(err.msg, "TF_HTTP_ADDRESS"));
    PB_AUTO(str) char *address = pb_asprintf("http://127.0.0.1:%d/e", server.port);
    setenv("TF_HTTP_ADDRESS", address, 1);
    server.reply = OK("{}");
    assert_int_equal(pb_tf_store_read(&text, &none, arena, &be, &unit, &err), 0);
    asked("GET /e HTTP");
    unsetenv("TF_HTTP_ADDRESS");
}

#define S3                                                                              \
    "{\"bucket\":\"b.x\",\"key\":\"p/s.json\",\"region\":\"eu-west-1\",\"access_key\":" \
    "\"AKIA\",\"secret_key\":\"sk\",\"endpoints\":{\"s3\":\"@\"},\"use_path_style\":true"

static void tf_store__s3(void **state)
{
    static const struct {
        const char *workspace, *config, *path;
    } rows[] = {
        {"default", S3 "}", "GET /b.x/p/s.json HTTP"},
        {"blue", S3 "}", "GET /b.x/env%3A/blue/p/s.json HTTP"},
        {"blue", S3 ",\"workspace_key_prefix\":\"ws\"}", "GET /b.x/ws/blue/p/s.json HTTP"},
        {"blue", S3 ",\"workspace_key_prefix\":\"\"}", "GET /b.x/blue/p/s.json HTTP"},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_tf_backend be = backend("s3", rows[i].config);
        PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
        bool none = true;
        unit.workspace = rows[i].workspace;
        server.reply = OK("{\"a\":1}");
        if (pb_tf_store_read(&text, &none, arena, &be, &unit, &err))
            fail_msg("%s", err.msg);
        assert_false(none);
        assert_string_equal(text.s, "{\"a\":1}");
        asked(rows[i].path);
        asked("Credential=AKIA/");
        asked("/eu-west-1/s3/aws4_request");
    }
}

static void tf_store__s3_absence_needs_its_own_code(void **state)
{
    static const struct {
        const char *reply;
        bool none;
        enum pb_err_class cls;
        const char *said;
    } rows[] = {
        {"HTTP/1.1 404 No\r\nConnection: close\r\n\r\n<Error><Code>NoSuchKey</Code></Error>", true,
         PB_E_NONE, ""},
        {"HTTP/1.1 404 No\r\nConnection: close\r\n\r\n<Error><Code>NoSuchBucket</Code></Error>",
         false, PB_E_NET, "status 404 NoSuchBucket"},
        {"HTTP/1.1 404 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", false, PB_E_NET,
         "status 404"},
        {"HTTP/1.1 403 No\r\nConnection: close\r\n\r\n<Error><Code>InvalidAccessKeyId</Code>",
         false, PB_E_AUTH, "(status 403 InvalidAccessKeyId): "},
        {"HTTP/1.1 403 No\r\nConnection: close\r\n\r\n<Code>\x1b[31m</Code>", false, PB_E_AUTH,
         "(status 403): "},
        {"HTTP/1.1 403 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", false, PB_E_AUTH,
         "(status 403): "},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_tf_backend be = backend("s3", S3 "}");
        PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
        bool none = false;
        int rc;
        server.reply = rows[i].reply;
        rc = pb_tf_store_read(&text, &none, arena, &be, &unit, &err);
        assert_int_equal(rc, rows[i].cls ? -1 : 0);
        if (rc)
            assert_int_equal(err.cls, rows[i].cls);
        if (rc && !strstr(err.msg, rows[i].said))
            fail_msg("%s", err.msg);
        assert_int_equal(none, rows[i].none);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tf_store__http, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_store__http_needs_an_address, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_store__s3, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_store__s3_absence_needs_its_own_code, setup, teardown),
    };

    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    setenv("NO_PROXY", "127.0.0.1", 1);
    unsetenv("AWS_ENDPOINT_URL");
    unsetenv("AWS_ENDPOINT_URL_S3");
    unsetenv("AWS_PROFILE");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
