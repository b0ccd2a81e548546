/* Each protocol: a request as bytes, and what a reply means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backends/rest/load.h"
#include "backends/rest/proto.h"
#include "model/json.h"
#include "model/yaml.h"

static const char provider_text[] =
    "sources: [registry.terraform.io/example/p]\n"
    "services:\n"
    "  ec2: {endpoint: 'https://e', protocol: ec2-query, version: 2016-11-15}\n"
    "  iam: {endpoint: 'https://e', protocol: query, version: 2010-05-08}\n"
    "  ssm: {endpoint: 'https://e', protocol: json-1.1, target: AmazonSSM}\n"
    "  lambda: {endpoint: 'https://e', protocol: rest-json}\n"
    "  s3: {endpoint: 'https://e', protocol: rest-xml}\n"
    "  api: {endpoint: 'https://e', protocol: json, headers: {Accept: application/json}}\n";

static const struct pb_value *yaml(struct pb_arena *a, const char *text)
{
    const struct pb_value *v = NULL;
    struct pb_err err = PB_ERR_INIT;
    if (pb_yaml_parse(&v, a, text, strlen(text), "t", &err))
        fail_msg("%s", err.msg);
    return v;
}

static void ask(struct pb_ask *out, struct pb_arena *a, const char *service, const char *request)
{
    static const struct pb_tag_rules tags;
    const struct pb_pack_provider *p = NULL;
    const struct pb_request *rq = NULL;
    struct pb_err err = PB_ERR_INIT;
    struct pb_load l = {.a = a, .file = "t", .err = &err, .field = PB_BUF_INIT};
    struct pb_eval ev = {.a = a, .id = "a/b c&d", .tags = &tags};
    if (pb_pack_load_provider(&p, a, provider_text, strlen(provider_text), "p", &err))
        fail_msg("%s", err.msg);
    l.provider = p;
    const struct pb_value name = pb_mk_string(a, service);
    if (pb_load_request(&rq, &l, yaml(a, request), pb_load_service(&l, &name)))
        fail_msg("%s", err.msg);
    assert_null(pb_ask_render(out, rq, &ev));
    pb_buf_release(&l.field);
}

static void proto__requests(void **state)
{
    static const struct {
        const char *service, *request, *out;
    } rows[] = {
        {"ec2", "{action: DescribeVpcs, form: {VpcId.1: '{id}', Max: 5}}",
         "POST https://e/ [Content-Type: application/x-www-form-urlencoded; charset=utf-8] "
         "Action=DescribeVpcs&Version=2016-11-15&Max=5&VpcId.1=a%2Fb%20c%26d"},
        {"ssm", "{action: GetParameter, body: {Name: '{id}', WithDecryption: true, N: [1, x]}}",
         "POST https://e/ [Content-Type: application/x-amz-json-1.1] [X-Amz-Target: "
         "AmazonSSM.GetParameter] {\"N\":[1,\"x\"],\"Name\":\"a/b c&d\",\"WithDecryption\":true}"},
        {"ssm", "{action: DescribeParameters}",
         "POST https://e/ [Content-Type: application/x-amz-json-1.1] [X-Amz-Target: "
         "AmazonSSM.DescribeParameters] {}"},
        {"lambda", "{path: '/2015-03-31/functions/{id}'}",
         "GET https://e/2015-03-31/functions/a%2Fb%20c%26d "},
        {"s3", "{path: '/{+id}', query: {policy: '', x: '{id}'}}",
         "GET https://e/a/b%20c%26d?policy=&x=a%2Fb%20c%26d "},
        {"api", "{path: /x, method: POST, body: {a: null}, headers: {X-A: b}}",
         "POST https://e/x [Content-Type: application/json] [Accept: application/json] [X-A: b] "
         "{\"a\":null}"},
    };
    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_arena *a = pb_arena_new();
        struct pb_ask q;
        struct pb_wire w;
        struct pb_buf b = PB_BUF_INIT;
        ask(&q, a, rows[i].service, rows[i].request);
        pb_ask_wire(&w, a, &q, "https://e");
        pb_buf_addf(&b, "%s %s ", w.method, w.url);
        for (char **h = w.headers; *h; h++)
            pb_buf_addf(&b, "[%s] ", *h);
        pb_buf_addf(&b, "%s", w.body ? w.body : "");
        assert_string_equal(b.s, rows[i].out);
        pb_buf_release(&b);
        pb_arena_free(a);
    }
}

static void proto__batch_keys_and_tokens(void **state)
{
    static const struct {
        const char *service, *request;
        struct pb_place place;
        bool numbered;
        const char *url_or_body;
    } rows[] = {
        {"ec2",
         "{action: D}",
         {PB_PLACE_FORM, "F.1.Value"},
         true,
         "&F.1.Value.1=k1&F.1.Value.2=k2"},
        {"ssm",
         "{action: D, body: {A: {B: 1}}}",
         {PB_PLACE_BODY, "A.Names"},
         true,
         "{\"A\":{\"B\":1,\"Names\":[\"k1\",\"k2\"]}}"},
        {"api", "{path: /x}", {PB_PLACE_QUERY, "id"}, true, "/x?id=k1&id=k2"},
        {"api", "{path: /x, query: {page: 1}}", {PB_PLACE_QUERY, "page"}, false, "/x?page=k1"},
        {"ssm", "{action: D}", {PB_PLACE_BODY, "NextToken"}, false, "{\"NextToken\":\"k1\"}"},
    };
    static const char *const keys[] = {"k1", "k2"};
    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_arena *a = pb_arena_new();
        struct pb_ask q;
        struct pb_wire w;
        ask(&q, a, rows[i].service, rows[i].request);
        pb_ask_put(&q, a, &rows[i].place, keys, rows[i].numbered ? 2 : 1, rows[i].numbered);
        pb_ask_wire(&w, a, &q, "https://e");
        if (!strstr(w.body ? w.body : w.url, rows[i].url_or_body))
            fail_msg("%s", w.body ? w.body : w.url);
        pb_arena_free(a);
    }
}

static const char *error_type(const struct pb_http_reply *r, const char *name)
{
    (void)r;
    return strcmp(name, "x-amzn-errortype") == 0 ? "ResourceNotFoundException:http://x" : NULL;
}

#define EC2 "{action: DescribeVpcs}"
#define GET "{action: GetRole}"
#define S3  "{path: /x, root: Tagging}"

static const struct {
    const char *service, *request;
    int status;
    const char *type, *body;
    bool header;
    enum pb_reply_kind kind;
    const char *out; /* the document, the code, or part of the reason */
} replies[] = {
    {"ec2", EC2, 200, "text/xml", "<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>", 0,
     PB_REPLY_OK, "{\"vpcSet\":\"\"}"},
    {"ec2", EC2, 200, "text/xml", "<html/>", 0, PB_REPLY_BAD, "is an HTML page"},
    {"ec2", EC2, 200, "text/html", "<DescribeVpcsResponse/>", 0, PB_REPLY_BAD, "expected XML"},
    {"ec2", EC2, 200, "text/xml", "<DescribeVpcsResponse><vpcSet>", 0, PB_REPLY_BAD,
     "not well-formed"},
    {"ec2", EC2, 400, "text/xml",
     "<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code></Error></Errors></Response>", 0,
     PB_REPLY_FAULT, "InvalidVpcID.NotFound"},
    {"ec2", EC2, 403, "text/xml", "<Response/>", 0, PB_REPLY_BAD, "403 from ec2 DescribeVpcs"},
    {"iam", GET, 200, "text/xml",
     "<GetRoleResponse><GetRoleResult><Role><A>1</A></Role></GetRoleResult><M/></"
     "GetRoleResponse>",
     0, PB_REPLY_OK, "{\"Role\":{\"A\":\"1\"}}"},
    {"iam", GET, 404, "text/xml",
     "<ErrorResponse><Error><Code>NoSuchEntity</Code></Error></ErrorResponse>", 0, PB_REPLY_FAULT,
     "NoSuchEntity"},
    {"ssm", "{action: D}", 400, "application/x-amz-json-1.1",
     "{\"__type\":\"com.amazonaws.ssm#ParameterNotFound\"}", 0, PB_REPLY_FAULT,
     "ParameterNotFound"},
    {"ssm", "{action: D}", 400, "text/html", "{\"__type\":\"ParameterNotFound\"}", 0, PB_REPLY_BAD,
     "the body is text/html"},
    {"ssm", "{action: D}", 200, "text/html", "{\"A\":1}", 0, PB_REPLY_OK, "{\"A\":1}"},
    {"ssm", "{action: D}", 200, "text/html", "[1]", 0, PB_REPLY_BAD, "JSON, and no object"},
    {"ssm", "{action: D}", 200, "text/html", "\n<!DOCTYPE html><p>", 0, PB_REPLY_BAD,
     "an HTML page"},
    {"ssm", "{action: D}", 200, "application/octet-stream", "{\"A\":1}", 0, PB_REPLY_BAD,
     "is application/octet-stream, expected JSON"},
    {"ssm", "{action: D}", 200, "application/x-amz-json-1.1", "{}", 0, PB_REPLY_BAD,
     "has nothing in it"},
    {"ssm", "{action: D, has: [A.B]}", 200, "application/json", "{\"A\":{}}", 0, PB_REPLY_BAD,
     "has no 'A.B', which it always has"},
    {"ssm", "{action: D, reply: json-text}", 200, "text/plain", "{\"A\":", 0, PB_REPLY_BAD,
     "though it should be JSON"},
    {"ssm", "{action: D, reply: text}", 200, "text/plain", "<html>", 0, PB_REPLY_BAD,
     "an HTML page"},
    {"ssm", "{action: D}", 200, "application/x-amz-json-1.1", "{\"A\":", 0, PB_REPLY_BAD,
     "the reply of"},
    {"lambda", "{path: /x}", 404, "application/json", "{\"Message\":\"m\"}", 1, PB_REPLY_FAULT,
     "ResourceNotFoundException"},
    {"s3", S3, 200, "application/xml", "<Tagging><TagSet/></Tagging>", 0, PB_REPLY_OK,
     "{\"TagSet\":\"\"}"},
    {"s3", S3, 200, "application/xml", "<Other/>", 0, PB_REPLY_BAD,
     "is a 'Other' and not a 'Tagging'"},
    {"s3", S3, 200, "application/xml", "<Error><Code>SlowDown</Code></Error>", 0, PB_REPLY_FAULT,
     "SlowDown"},
    {"s3", S3, 404, "application/xml", "<Error><Code>NoSuchTagSet</Code></Error>", 0,
     PB_REPLY_FAULT, "NoSuchTagSet"},
    {"s3", S3, 404, "", "", 0, PB_REPLY_BAD, "without an error code: the body is empty"},
    {"s3", S3, 301, "application/xml", "<Error/>", 0, PB_REPLY_BAD, "a redirect"},
};

static void proto__replies(void **state)
{
    (void)state;
    for (size_t i = 0; i < PB_COUNT(replies); i++) {
        struct pb_arena *a = pb_arena_new();
        struct pb_ask q;
        struct pb_reply_view view;
        struct pb_buf b = PB_BUF_INIT;
        struct pb_http_reply r = {.outcome = PB_HTTP_REPLY,
                                  .status = replies[i].status,
                                  .content_type = replies[i].type,
                                  .body = replies[i].body,
                                  .body_len = strlen(replies[i].body),
                                  .tries = 1,
                                  .header = replies[i].header ? error_type : NULL};
        ask(&q, a, replies[i].service, replies[i].request);
        pb_reply_read(&view, a, &q, &r);
        if (view.kind == PB_REPLY_OK)
            pb_json_add(&b, &view.doc);
        const char *got = view.kind == PB_REPLY_OK      ? b.s
                          : view.kind == PB_REPLY_FAULT ? view.code
                                                        : view.reason;
        bool same = view.kind == PB_REPLY_BAD ? strstr(got, replies[i].out) != NULL
                                              : strcmp(got, replies[i].out) == 0;
        if (view.kind != replies[i].kind || !same)
            fail_msg("%s: %d %s", replies[i].body, view.kind, got);
        pb_buf_release(&b);
        pb_arena_free(a);
    }
}

/* Once what the service said of a refused request was shown though the step is sensitive, and some
 * repeat what they have in what they say. */
static void proto__says_nothing_of_what_is_sensitive(void **state)
{
    static const char body[] =
        "{\"__type\":\"ValidationException\",\"message\":\"value hunter2 is too long\"}";
    const struct pb_http_reply r = {.outcome = PB_HTTP_REPLY,
                                    .status = 400,
                                    .content_type = "application/json",
                                    .body = body,
                                    .body_len = sizeof(body) - 1,
                                    .tries = 1};

    (void)state;
    for (int sensitive = 0; sensitive < 2; sensitive++) {
        struct pb_arena *a = pb_arena_new();
        struct pb_reply_view view;
        struct pb_ask q;
        struct pb_request rq;

        ask(&q, a, "ssm", "{action: D}");
        rq = *q.rq;
        rq.sensitive = sensitive;
        q.rq = &rq;
        pb_reply_read(&view, a, &q, &r);
        assert_int_equal(view.kind, PB_REPLY_FAULT);
        assert_string_equal(view.reason,
                            sensitive ? "400 ValidationException from ssm D (what it says is not "
                                        "shown: the step is sensitive)"
                                      : "400 ValidationException from ssm D: value hunter2 is too "
                                        "long");
        pb_arena_free(a);
    }
}

/* What was never sent has no reply to wait longer for: what is missing is all there is to say. */
static void proto__no_reply(void **state)
{
    static const struct {
        enum pb_http_outcome outcome;
        const char *error, *want;
    } rows[] = {
        {PB_HTTP_AUTH, "no credentials: set TOKEN", "no credentials: set TOKEN"},
        {PB_HTTP_TIMEOUT, "it took too long",
         "no reply from s3 ListBucket: it took too long; try again later, or raise "
         "observe.timeout"},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_arena *a = pb_arena_new();
        struct pb_ask q;
        struct pb_reply_view view;
        struct pb_http_reply r = {.outcome = rows[i].outcome, .error = rows[i].error, .tries = 1};

        ask(&q, a, "s3", S3);
        q.label = "s3 ListBucket";
        pb_reply_read(&view, a, &q, &r);
        assert_int_equal(view.kind, PB_REPLY_BAD);
        assert_string_equal(view.reason, rows[i].want);
        pb_arena_free(a);
    }
}

static void proto__throttling(void **state)
{
    struct pb_service s = {.name = "ec2", .protocol = PB_PROTO_EC2_QUERY};
    static const char *const own[] = {"SlowLane", NULL};
    static const char yes[] = "<Code>RequestLimitExceeded</Code>",
                      no[] = "<Code>NotThrottlingAtAll</Code>";
    static const char lane[] = "{\"code\":\"SlowLane\"}";
    (void)state;
    assert_true(pb_reply_throttled(&s, 503, yes, strlen(yes)));
    assert_false(pb_reply_throttled(&s, 200, yes, strlen(yes)));
    assert_false(pb_reply_throttled(&s, 400, no, strlen(no)));
    assert_false(pb_reply_throttled(&s, 400, lane, strlen(lane)));
    s.throttle = own;
    assert_true(pb_reply_throttled(&s, 400, lane, strlen(lane)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proto__requests),
        cmocka_unit_test(proto__batch_keys_and_tokens),
        cmocka_unit_test(proto__replies),
        cmocka_unit_test(proto__says_nothing_of_what_is_sensitive),
        cmocka_unit_test(proto__no_reply),
        cmocka_unit_test(proto__throttling),
    };
    return cmocka_run_group_tests_name("rest_proto", tests, NULL, NULL);
}
