/* From bytes to a document or a fault. */
#include <ctype.h>
#include <strings.h>

#include "backends/rest/proto.h"
#include "backends/auth/auth.h"
#include "backends/rest/xml.h"
#include "base/text.h"
#include "model/json.h"

/* Codes by which AWS's services ask to slow down. */
static const char *const aws_throttle[] = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "RequestThrottled",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "SlowDown",
    "ProvisionedThroughputExceededException",
    NULL,
};
static const char *const aws_denied[] = {
    "AccessDenied",       "AccessDeniedException", "UnauthorizedOperation",
    "AuthorizationError", "NotAuthorized",         NULL,
};

static const struct protocol {
    bool xml, aws;
    const char *codes[6], *messages[6]; /* where faults are, unless the service says */
} protocols[PB_NPROTOCOLS] = {
    [PB_PROTO_QUERY] = {true,
                        true,
                        {"Error.Code", "Errors.Error.Code"},
                        {"Error.Message", "Errors.Error.Message"}},
    [PB_PROTO_EC2_QUERY] = {true,
                            true,
                            {"Errors.Error.Code", "Error.Code"},
                            {"Errors.Error.Message", "Error.Message"}},
    [PB_PROTO_JSON_10] = {false, true, {"__type", "code"}, {"message", "Message"}},
    [PB_PROTO_JSON_11] = {false, true, {"__type", "code"}, {"message", "Message"}},
    [PB_PROTO_REST_JSON] = {false, true, {"__type", "code", "Code"}, {"message", "Message"}},
    [PB_PROTO_REST_XML] = {true, true, {"Code", "Error.Code"}, {"Message", "Error.Message"}},
    [PB_PROTO_JSON] = {false, false, {"code", "error.code"}, {"message", "error.message"}},
};

static bool right_type(const struct protocol *p, const char *type)
{
    static const char *const xml[] = {"application/xml", "text/xml", NULL};
    static const char *const json[] = {"application/json", "application/x-amz-json-1.0",
                                       "application/x-amz-json-1.1", "text/json", NULL};
    return pb_is_among(type, p->xml ? xml : json) || pb_ends_with(type, p->xml ? "+xml" : "+json");
}

static const char *text_at(struct pb_arena *a, const struct pb_path *paths,
                           const char *const *defaults, const struct pb_value *doc)
{
    for (size_t i = 0; paths && paths[i].text; i++) {
        struct pb_value v = pb_segs_walk(a, *doc, paths[i].segs, paths[i].n);
        const char *text = pb_scalar_text(a, &v);
        if (text && *text)
            return text;
    }
    for (size_t i = 0; !paths && i < 6 && defaults[i]; i++) {
        const char *text = pb_scalar_text(a, pb_walk(doc, defaults[i]));
        if (text && *text)
            return text;
    }
    return NULL;
}

/* "com.amazonaws.ssm#ParameterNotFound", "ResourceNotFoundException:http://..." */
static const char *bare_code(struct pb_arena *a, const char *code, bool aws)
{
    if (!code || !aws)
        return code;
    const char *hash = strrchr(code, '#');
    code = hash ? hash + 1 : code;
    return pb_arena_strndup(a, code, strcspn(code, ":"));
}

static const char *shown(struct pb_arena *a, const char *s, size_t max)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    size_t n = strlen(s);
    while (n > max || (n && !pb_utf8_valid(s, n)))
        n = n > max ? max : n - 1;
    pb_text_add_safe(&b, s, n);
    return pb_arena_printf(a, "%s%s", b.s, s[n] ? "..." : "");
}

/* For people, and without what proves who asked: some servers repeat it. */
static const char *said(struct pb_arena *a, const struct pb_ask *ask, const char *s, size_t max)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    pb_buf_adds(&b, s);
    pb_auth_take_out(&b, ask->auth);
    return shown(a, b.s, max);
}

static int parse(struct pb_value *doc, const char **root, struct pb_arena *a,
                 const struct protocol *p, const struct pb_ask *ask, const struct pb_http_reply *r,
                 struct pb_err *err)
{
    const struct pb_value *v = NULL;
    const char *what = pb_arena_printf(a, "the reply of '%s'", ask->label);
    if (p->xml ? pb_xml_parse(&v, root, a, r->body, r->body_len, what, err)
               : pb_json_parse(&v, a, r->body, r->body_len, what, err))
        return -1;
    *doc = *v;
    return 0;
}

static void bad(struct pb_reply_view *out, const char *reason)
{
    out->kind = PB_REPLY_BAD;
    out->reason = reason;
}

/* A page for people: a proxy's, a load balancer's, a login. No API that plumb reads answers so,
 * whatever its type is called. */
static bool is_html(const struct pb_http_reply *r)
{
    const char *s = r->body ? r->body : "", *end = s + (r->body ? r->body_len : 0);
    if (end - s >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0)
        s += 3;
    while (s < end && isspace((unsigned char)*s))
        s++;
    size_t n = (size_t)(end - s);
    return (n >= 9 && strncasecmp(s, "<!doctype", 9) == 0) ||
           (n >= 5 && strncasecmp(s, "<html", 5) == 0);
}

/* What came, for people. */
static const char *body_kind(struct pb_arena *a, const struct pb_http_reply *r)
{
    if (is_html(r))
        return "an HTML page";
    if (r->body_len == 0)
        return "empty";
    return r->content_type && *r->content_type ? shown(a, r->content_type, 60) : "of no type";
}

/* Who asked for what, as a policy names it. */
static const char *permission(struct pb_arena *a, const struct pb_ask *ask)
{
    return ask->action ? pb_arena_printf(a, "%s:%s", ask->rq->service->name, ask->action)
                       : ask->label;
}

/* What would help, behind a refusal. */
static const char *remedy(struct pb_arena *a, const struct pb_reply_view *v,
                          const struct pb_ask *ask, const struct pb_http_reply *r)
{
    const char *asked = r->header ? r->header(r, "retry-after") : NULL;
    if (v->throttled && asked)
        return pb_arena_printf(a,
                               "; the API throttles and asks to wait %s%s: try again later, or "
                               "lower observe.concurrency",
                               shown(a, asked, 40), asked[strspn(asked, "0123456789")] ? "" : " s");
    if (v->throttled)
        return "; the API throttles: try again later, or lower observe.concurrency";
    if (v->denied)
        return pb_arena_printf(a, "; allow these credentials %s", permission(a, ask));
    if (r->status == 401 || r->status == 403)
        return pb_arena_printf(a,
                               "; see whether these credentials may %s, and whether something "
                               "in between refuses",
                               permission(a, ask));
    if (r->status == 404)
        return "; that proves nothing: see whether the endpoint is right";
    if (r->status >= 500)
        return "; the service fails: try again later";
    return "";
}

static const char *tries(struct pb_arena *a, const struct pb_http_reply *r)
{
    return r->tries > 1 ? pb_arena_printf(a, " after %d tries", r->tries) : "";
}

/* An error status whose body tells nothing. */
static void bad_status(struct pb_reply_view *out, struct pb_arena *a, const struct pb_ask *ask,
                       const struct pb_http_reply *r, const char *what)
{
    out->denied = false;
    bad(out, pb_arena_printf(a, "%d from %s%s, without an error code: %s%s", r->status, ask->label,
                             tries(a, r), what, remedy(a, out, ask, r)));
}

/* A good status and a body that is no good reply. */
static void bad_body(struct pb_reply_view *out, struct pb_arena *a, const struct pb_ask *ask,
                     const struct pb_http_reply *r)
{
    const struct protocol *p = &protocols[ask->rq->service->protocol];
    bad(out, pb_arena_printf(a, "the reply of '%s' (%d) is %s, expected %s%s", ask->label,
                             r->status, body_kind(a, r), p->xml ? "XML" : "JSON",
                             is_html(r) ? "; see whether the endpoint is right and whether a "
                                          "proxy asks to log in"
                                        : "; see whether the endpoint is right"));
}

/* Of a fault. Who asks for a secret may be told what it is when the service refuses. */
static const char *words(struct pb_arena *a, const struct pb_ask *ask, const char *message)
{
    if (!message)
        return "";
    if (ask->rq->sensitive)
        return " (what it says is not shown: the step is sensitive)";
    return pb_arena_printf(a, ": %s", said(a, ask, message, 240));
}

static void read_fault(struct pb_reply_view *out, struct pb_arena *a, const struct pb_ask *ask,
                       const struct pb_http_reply *r, const struct pb_value *doc)
{
    const struct pb_service *s = ask->rq->service;
    const struct protocol *p = &protocols[s->protocol];
    const char *code = text_at(a, s->fault_code, p->codes, doc);
    const char *message = text_at(a, s->fault_message, p->messages, doc);
    const char *header = p->aws && r->header ? r->header(r, "x-amzn-errortype") : NULL;
    code = bare_code(a, header && !p->xml ? header : code, p->aws);
    if (!code || !*code) {
        bad_status(out, a, ask, r, p->xml ? "other XML" : "other JSON");
        return;
    }
    out->kind = PB_REPLY_FAULT;
    out->code = code;
    out->denied = pb_is_among(code, s->denied) || (p->aws && pb_is_among(code, aws_denied));
    out->throttled = out->throttled || pb_is_among(code, s->throttle) ||
                     (p->aws && pb_is_among(code, aws_throttle));
    out->reason =
        pb_arena_printf(a, "%d %s from %s%s%s%s", r->status, said(a, ask, code, 80), ask->label,
                        tries(a, r), words(a, ask, message), remedy(a, out, ask, r));
}

/* Paths of a query reply begin inside ACTIONResult, when there is one. */
static const char *unwrap(struct pb_value *doc, struct pb_arena *a, const struct pb_ask *ask,
                          const char *root)
{
    enum pb_protocol_id id = ask->rq->service->protocol;
    if (id == PB_PROTO_QUERY || id == PB_PROTO_EC2_QUERY) {
        size_t n = strlen(ask->action);
        if (strncmp(root, ask->action, n) != 0 || strcmp(root + n, "Response") != 0)
            return pb_arena_printf(a, "the reply of '%s' is a '%s'", ask->label,
                                   shown(a, root, 60));
        const struct pb_value *result =
            id == PB_PROTO_QUERY ? pb_get(doc, pb_arena_printf(a, "%sResult", ask->action)) : NULL;
        if (result)
            *doc = pb_is(result, PB_MAP) ? *result : pb_empty_map;
    } else if (ask->rq->roots && !pb_is_among(root, ask->rq->roots)) {
        return pb_arena_printf(a, "the reply of '%s' is a '%s' and not a '%s'", ask->label,
                               shown(a, root, 60), ask->rq->roots[0]);
    }
    return NULL;
}

bool pb_reply_says(const struct pb_value *doc)
{
    if (doc->kind == PB_LIST || doc->kind == PB_STRING)
        return doc->n > 0;
    if (doc->kind != PB_MAP)
        return doc->kind != PB_NULL;
    for (size_t i = 0; i < doc->n; i++) {
        const char *name = doc->members[i].key;
        if (name[0] != '@' && strcmp(name, "ResponseMetadata") != 0 &&
            strcasecmp(name, "requestId") != 0)
            return true;
    }
    return false;
}

/* NULL, or why a well-formed document is not the reply. What a request takes as a whole must have
 * something in it, or the root that the pack names: `{}` says nothing about anything. */
static const char *hollow(const struct pb_value *doc, struct pb_arena *a, const struct pb_ask *ask)
{
    const struct pb_request *rq = ask->rq;
    for (size_t i = 0; i < rq->nhas; i++)
        if (pb_segs_walk(a, *doc, rq->has[i].segs, rq->has[i].n).kind == PB_NULL)
            return pb_arena_printf(a, "the reply of '%s' has no '%s', which it always has",
                                   ask->label, rq->has[i].text);
    if (!rq->item.text && !rq->items.text && !rq->lenient && !rq->roots && !pb_reply_says(doc))
        return pb_arena_printf(a, "the reply of '%s' has nothing in it", ask->label);
    return NULL;
}

static void add_headers(struct pb_value *doc, struct pb_arena *a, const struct pb_ask *ask,
                        const struct pb_http_reply *r)
{
    if (!ask->rq->keep_headers || doc->kind != PB_MAP)
        return;
    struct pb_map_builder m = PB_BUILDER_INIT;
    for (size_t i = 0; i < doc->n; i++)
        pb_map_add(&m, doc->members[i].key, doc->members[i].value);
    for (const char *const *h = ask->rq->keep_headers; *h; h++) {
        const char *value = r->header ? r->header(r, *h) : NULL;
        if (value)
            pb_map_add(&m, pb_arena_printf(a, "@%s", *h), pb_mk_string(a, value));
    }
    *doc = pb_map_done(&m, a);
}

static void read_text(struct pb_reply_view *out, struct pb_arena *a, const struct pb_ask *ask,
                      const struct pb_http_reply *r)
{
    struct pb_map_builder m = PB_BUILDER_INIT;
    struct pb_err err = PB_ERR_INIT;
    const struct pb_value *v = NULL;
    const char *what = pb_arena_printf(a, "the reply of '%s'", ask->label);
    if (is_html(r)) {
        bad_body(out, a, ask, r);
        return;
    }
    if (!pb_utf8_valid(r->body, r->body_len) || memchr(r->body, 0, r->body_len)) {
        bad(out, pb_arena_printf(a, "%s is no text", what));
        return;
    }
    if (ask->rq->reply == PB_REPLY_AS_JSON_TEXT &&
        pb_json_parse(&v, a, r->body, r->body_len, what, &err) == -1) {
        bad(out,
            pb_arena_printf(a, "%s (status %d), though it should be JSON", err.msg, r->status));
        return;
    }
    pb_map_add(&m, "#text", pb_mk_stringn(a, r->body, r->body_len));
    out->doc = pb_map_done(&m, a);
    add_headers(&out->doc, a, ask, r);
    out->kind = PB_REPLY_OK;
}

/* The rule is in schemas/observers/README.md: a fault may prove absence, so its type must be
 * right. A good reply must be of the right type as well, but for JSON that calls itself HTML, as
 * emulators do: its content then decides. HTML itself is never a reply. */
static bool acceptable(const struct protocol *p, const struct pb_http_reply *r, bool good)
{
    const char *type = r->content_type ? r->content_type : "";
    if (is_html(r))
        return false;
    return right_type(p, type) || (good && !p->xml && strcmp(type, "text/html") == 0);
}

static void read_whole(struct pb_reply_view *out, struct pb_arena *a, const struct pb_ask *ask,
                       const struct pb_http_reply *r)
{
    const struct protocol *p = &protocols[ask->rq->service->protocol];
    struct pb_err err = PB_ERR_INIT;
    const char *root = "", *why = NULL;
    bool good = r->status >= 200 && r->status < 300;
    if (good && ask->rq->reply != PB_REPLY_AS_PROTOCOL) {
        read_text(out, a, ask, r);
        return;
    }
    if (!acceptable(p, r, good)) {
        if (good)
            bad_body(out, a, ask, r);
        else
            bad_status(out, a, ask, r, pb_arena_printf(a, "the body is %s", body_kind(a, r)));
        return;
    }
    if (parse(&out->doc, &root, a, p, ask, r, &err) == -1) {
        if (good)
            bad(out, pb_arena_printf(a, "%s (status %d); it was cut short, or is of no such API",
                                     err.msg, r->status));
        else
            bad_status(out, a, ask, r, err.msg);
        return;
    }
    if (!good || (p->xml && (strcmp(root, "Error") == 0 || strcmp(root, "ErrorResponse") == 0))) {
        read_fault(out, a, ask, r, &out->doc);
        return;
    }
    if (out->doc.kind != PB_MAP && !p->xml) {
        bad(out, pb_arena_printf(a, "the reply of '%s' is JSON, and no object", ask->label));
        return;
    }
    if ((why = unwrap(&out->doc, a, ask, root)) || (why = hollow(&out->doc, a, ask))) {
        bad(out, why);
        return;
    }
    add_headers(&out->doc, a, ask, r);
    out->kind = PB_REPLY_OK;
}

void pb_reply_read(struct pb_reply_view *out, struct pb_arena *a, const struct pb_ask *ask,
                   const struct pb_http_reply *r)
{
    *out = (struct pb_reply_view){.kind = PB_REPLY_BAD, .status = r->status};
    if (r->outcome == PB_HTTP_AUTH && r->error) { /* says what to do, and later is no better */
        bad(out, shown(a, r->error, 300));
        return;
    }
    if (r->outcome != PB_HTTP_REPLY) {
        bad(out, pb_arena_printf(a, "no reply from %s: %s%s; %s", ask->label,
                                 r->error ? shown(a, r->error, 300) : "failed",
                                 r->tries > 1 ? pb_arena_printf(a, " (%d tries)", r->tries) : "",
                                 r->outcome == PB_HTTP_FAILED
                                     ? "see whether its endpoint is right, or try again later"
                                     : "try again later, or raise observe.timeout"));
        return;
    }
    if (r->status >= 300 && r->status < 400) {
        bad(out, pb_arena_printf(a,
                                 "%d from %s: a redirect, which is not followed; see whether "
                                 "the endpoint is right",
                                 r->status, ask->label));
        return;
    }
    out->throttled =
        r->status == 429 || pb_reply_throttled(ask->rq->service, r->status, r->body, r->body_len);
    read_whole(out, a, ask, r);
    if (out->kind == PB_REPLY_BAD)
        out->reason = said(a, ask, out->reason, strlen(out->reason));
}

static bool has_word(const char *body, size_t n, const char *word)
{
    size_t len = strlen(word);
    for (const char *p = body; (p = memmem(p, n - (size_t)(p - body), word, len)); p++) {
        bool before = p > body && isalnum((unsigned char)p[-1]);
        const char *end = p + len;
        if (!before && (end == body + n || !isalnum((unsigned char)*end)))
            return true;
    }
    return false;
}

bool pb_reply_throttled(const struct pb_service *s, int status, const char *body, size_t n)
{
    if (status < 400 || !body)
        return false;
    for (const char *const *c = s->throttle; c && *c; c++)
        if (has_word(body, n, *c))
            return true;
    for (const char *const *c = aws_throttle; protocols[s->protocol].aws && *c; c++)
        if (has_word(body, n, *c))
            return true;
    return false;
}
