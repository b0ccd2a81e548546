/*
 * Replies: the first byte chooses protocol, status and content type, the rest is the body.
 * A document is taken, a fault has a code, and anything else has a reason.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backends/rest/proto.h"
#include "model/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *header(const struct pb_http_reply *r, const char *name)
{
    (void)r;
    return strcmp(name, "x-amzn-errortype") == 0 ? "a#Code:x" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 404, 503, 302};
    static const char *const types[] = {"application/xml", "application/json", "text/html", ""};
    if (size == 0)
        return 0;
    struct pb_arena *a = pb_arena_new();
    struct pb_service service = {.name = "s", .protocol = data[0] % PB_NPROTOCOLS};
    struct pb_request rq = {.service = &service};
    struct pb_ask ask = {.rq = &rq, .action = "Get", .label = "s Get"};
    struct pb_http_reply r = {
        .outcome = PB_HTTP_REPLY,
        .status = statuses[(data[0] >> 3) & 3],
        .content_type = types[(data[0] >> 5) & 3],
        .body = (const char *)data + 1,
        .body_len = size - 1,
        .header = data[0] & 128 ? header : NULL,
    };
    struct pb_reply_view view;
    struct pb_buf b = PB_BUF_INIT;

    pb_reply_read(&view, a, &ask, &r);
    if (view.kind == PB_REPLY_OK)
        pb_json_add(&b, &view.doc);
    else if (!view.reason || !*view.reason || (view.kind == PB_REPLY_FAULT && !view.code))
        abort();
    pb_reply_throttled(&service, r.status, r.body, r.body_len);
    pb_buf_release(&b);
    pb_arena_free(a);
    return 0;
}
