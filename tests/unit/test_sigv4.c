/* Signature Version 4: AWS's published examples, and requests signed by botocore. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "backends/auth/sigv4.h"
#include "base/clock.h"
#include "model/json.h"

static const char *authorization(struct pb_strv *out, const struct pb_sigv4 *rq)
{
    struct pb_err err = PB_ERR_INIT;

    if (pb_sigv4_sign(out, rq, &err) == -1)
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < out->n; i++)
        if (strncmp(out->v[i], "Authorization: ", 15) == 0)
            return out->v[i] + 15;
    fail_msg("no Authorization header");
    return NULL;
}

static void sigv4__published_examples(void **state)
{
    static const struct {
        const char *secret, *key, *service, *at, *url, *signature;
    } t[] = {
        {"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "AKIDEXAMPLE", "service",
         "2015-08-30T12:36:00Z", "https://example.amazonaws.com/",
         "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "AKIDEXAMPLE", "service",
         "2015-08-30T12:36:00Z", "https://example.amazonaws.com/?Param2=value2&Param1=value1",
         "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        {"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "AKIDEXAMPLE", "service",
         "2015-08-30T12:36:00Z", "https://example.amazonaws.com/example/..",
         "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AKIAIOSFODNN7EXAMPLE", "s3",
         "2013-05-24T00:00:00Z", "https://examplebucket.s3.amazonaws.com/?lifecycle",
         "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
        {"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AKIAIOSFODNN7EXAMPLE", "s3",
         "2013-05-24T00:00:00Z", "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J",
         "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(t); i++) {
        PB_AUTO(strv) struct pb_strv out = PB_STRV_INIT;
        struct pb_sigv4 rq = {.access_key = t[i].key,
                              .secret_key = t[i].secret,
                              .service = t[i].service,
                              .region = "us-east-1",
                              .method = "GET",
                              .url = t[i].url};
        assert_int_equal(pb_clock_parse_rfc3339(&rq.now, t[i].at), 0);
        const char *got = strstr(authorization(&out, &rq), "Signature=");
        assert_non_null(got);
        assert_string_equal(got + 10, t[i].signature);
    }
}

static void sigv4__agrees_with_botocore(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_err err = PB_ERR_INIT;
    const struct pb_value *cases;

    (void)state;
    if (pb_json_read(&cases, a, "fixtures/sigv4/botocore.json", 1 << 20, &err) == -1)
        fail_msg("%s", err.msg);
    assert_true(pb_len(cases) >= 100);
    for (size_t i = 0; i < pb_len(cases); i++) {
        const struct pb_value *c = pb_at(cases, i), *list = pb_get(c, "headers");
        PB_AUTO(strv) struct pb_strv out = PB_STRV_INIT, headers = PB_STRV_INIT;
        struct pb_sigv4 rq = {.access_key = "AKIDEXAMPLE",
                              .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                              .token = pb_get_str(c, "token"),
                              .service = pb_get_str(c, "service"),
                              .region = "eu-west-1",
                              .method = pb_get_str(c, "method"),
                              .url = pb_get_str(c, "url"),
                              .body = pb_get_str(c, "body")};
        for (size_t j = 0; j < pb_len(list); j++)
            pb_strv_add(&headers, pb_str(pb_at(list, j)));
        rq.headers = headers.v;
        rq.body_len = strlen(rq.body);
        assert_int_equal(pb_clock_parse_rfc3339(&rq.now, "2026-02-03T04:05:06Z"), 0);
        const char *got = authorization(&out, &rq), *want = pb_get_str(c, "authorization");
        if (strcmp(got, want) != 0)
            fail_msg("case %zu: %s\n got %s\nwant %s", i, rq.url, got, want);
    }
}

static void same_signature(struct pb_sigv4 rq, struct pb_sigv4_key *key)
{
    PB_AUTO(strv) struct pb_strv kept = PB_STRV_INIT, anew = PB_STRV_INIT;
    const char *got;

    rq.key = key;
    got = authorization(&kept, &rq);
    rq.key = NULL;
    assert_string_equal(got, authorization(&anew, &rq));
}

static void sigv4__a_kept_key_is_of_one_day(void **state)
{
    struct pb_sigv4_key key = {0};
    unsigned char first[PB_SHA256_LEN];
    struct pb_sigv4 rq = {.access_key = "A",
                          .secret_key = "s",
                          .service = "ec2",
                          .region = "r",
                          .now = 86400,
                          .method = "GET",
                          .url = "https://h/"};

    (void)state;
    same_signature(rq, &key);
    memcpy(first, key.mac, sizeof(first));
    same_signature(rq, &key);
    assert_memory_equal(first, key.mac, sizeof(first));
    rq.now += 86400;
    same_signature(rq, &key);
    assert_memory_not_equal(first, key.mac, sizeof(first));
}

static void sigv4__refuses_line_breaks(void **state)
{
    PB_AUTO(strv) struct pb_strv out = PB_STRV_INIT;
    struct pb_err err = PB_ERR_INIT;
    struct pb_sigv4 rq = {.access_key = "A\r\nX: y",
                          .secret_key = "s",
                          .service = "ec2",
                          .region = "r",
                          .method = "GET",
                          .url = "https://h/"};

    (void)state;
    assert_int_equal(pb_sigv4_sign(&out, &rq, &err), -1);
    assert_non_null(strstr(err.msg, "line break"));
    assert_int_equal(out.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sigv4__published_examples),
        cmocka_unit_test(sigv4__agrees_with_botocore),
        cmocka_unit_test(sigv4__a_kept_key_is_of_one_day),
        cmocka_unit_test(sigv4__refuses_line_breaks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
