#include "backends/provider/rpc.h"

#include <errno.h>
#include <fcntl.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum {
    WINDOW = 8 << 20,          /* of one stream */
    SESSION_WINDOW = 64 << 20, /* of all of them */
    CHUNK = 64 << 10,
    ROUNDS = 64,      /* chunks taken before somebody else has a turn */
    REASON_MAX = 4096 /* of what a provider says in a header */
};

struct call {
    struct call *next;
    int32_t stream;
    struct pb_rpc_request rq;
    struct pb_buf body;
    size_t sent;
    struct pb_grpc_reader in;
    int64_t deadline;
    int http_status, status; /* status -1: not said yet */
    struct pb_buf reason;
    bool over;
};

struct pb_rpc {
    int fd;
    nghttp2_session *session;
    struct call *calls;
    struct pb_buf out; /* what the socket did not take yet */
    size_t out_done;
    bool lost;
    bool leaving; /* it said so */
    struct pb_err why;
    struct pb_rpc_stats stats;
};

/* ---- what nghttp2 tells --------------------------------------------------------------------- */

static struct call *call_of(struct pb_rpc *c, int32_t stream)
{
    return nghttp2_session_get_stream_user_data(c->session, stream);
}

static void give_up(struct call *call, int status, const char *reason)
{
    if (call->over)
        return;
    call->over = true;
    call->status = status;
    pb_buf_clear(&call->reason);
    pb_buf_adds(&call->reason, reason);
}

static int on_header(nghttp2_session *s, const nghttp2_frame *frame, const uint8_t *name,
                     size_t namelen, const uint8_t *value, size_t valuelen, uint8_t flags,
                     void *ctx)
{
    struct call *call = call_of(ctx, frame->hd.stream_id);
    char number[8] = "";

    (void)s;
    (void)flags;
    if (!call || call->over)
        return 0;
    if (valuelen < sizeof(number))
        memcpy(number, value, valuelen);
    if (namelen == 7 && memcmp(name, ":status", 7) == 0)
        call->http_status = (int)strtol(number, NULL, 10);
    else if (namelen == 11 && memcmp(name, "grpc-status", 11) == 0)
        call->status = *number ? (int)strtol(number, NULL, 10) : PB_GRPC_UNKNOWN;
    else if (namelen == 12 && memcmp(name, "grpc-message", 12) == 0 && !call->reason.len)
        pb_grpc_add_decoded(&call->reason, (const char *)value,
                            valuelen < REASON_MAX ? valuelen : REASON_MAX);
    return 0;
}

static void pass_on(struct call *call)
{
    struct pb_rpc_reply r = {.status = PB_GRPC_OK};

    while (call->rq.stream && pb_grpc_next(&call->in, &r.msg, &r.n))
        call->rq.done(call->rq.ctx, &r);
}

static int on_data(nghttp2_session *s, uint8_t flags, int32_t stream, const uint8_t *p, size_t n,
                   void *ctx)
{
    struct call *call = call_of(ctx, stream);
    struct pb_err err = PB_ERR_INIT;

    (void)flags;
    if (!call || call->over)
        return 0;
    if (pb_grpc_read(&call->in, p, n, &err)) {
        give_up(call, PB_GRPC_INTERNAL, err.msg);
        nghttp2_submit_rst_stream(s, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
        return 0;
    }
    pass_on(call);
    return 0;
}

static int on_frame(nghttp2_session *s, const nghttp2_frame *frame, void *ctx)
{
    struct pb_rpc *c = ctx;

    (void)s;
    c->leaving |= frame->hd.type == NGHTTP2_GOAWAY;
    return 0;
}

static int on_close(nghttp2_session *s, int32_t stream, uint32_t code, void *ctx)
{
    struct call *call = call_of(ctx, stream);
    PB_AUTO(buf) struct pb_buf why = PB_BUF_INIT;

    (void)s;
    if (!call)
        return 0;
    call->stream = -1;
    if (call->over)
        return 0;
    if (call->http_status && call->http_status != 200) {
        pb_buf_addf(&why, "it answers with HTTP status %d", call->http_status);
        give_up(call, PB_GRPC_UNAVAILABLE, why.s);
    } else if (call->status >= 0) {
        call->over = true;
    } else {
        pb_buf_addf(&why, "it ended the call without an answer (%s)",
                    code ? nghttp2_http2_strerror(code) : "no status");
        give_up(call, PB_GRPC_UNAVAILABLE, why.s);
    }
    return 0;
}

static ssize_t read_body(nghttp2_session *s, int32_t stream, uint8_t *buf, size_t length,
                         uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
    struct call *call = source->ptr;
    size_t n = call->body.len - call->sent;

    (void)s;
    (void)stream;
    (void)ctx;
    if (n > length)
        n = length;
    memcpy(buf, call->body.s + call->sent, n);
    call->sent += n;
    if (call->sent == call->body.len)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

/* ---- making and ending ---------------------------------------------------------------------- */

static int open_socket(const char *path, struct pb_err *err)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    PB_AUTO(fd) int fd = -1;

    if (strlen(path) >= sizeof(sa.sun_path))
        return pb_fail(err, PB_E_IO,
                       "the path of the provider's socket is too long: set TMPDIR to "
                       "a shorter folder");
    memcpy(sa.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
        return pb_fail_errno(err, PB_E_IO, "cannot connect to the provider's socket");
    return pb_take_fd(&fd);
}

static int greet(struct pb_rpc *c)
{
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, CHUNK},
    };

    return nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings, PB_COUNT(settings)) ||
           nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0, SESSION_WINDOW);
}

int pb_rpc_connect(struct pb_rpc **out, const char *socket_path, struct pb_err *err)
{
    nghttp2_session_callbacks *cb = NULL;
    struct pb_rpc *c;
    int fd = open_socket(socket_path, err);

    if (fd < 0)
        return -1;
    c = pb_calloc(1, sizeof(*c));
    c->fd = fd;
    c->out = (struct pb_buf)PB_BUF_INIT;
    if (nghttp2_session_callbacks_new(&cb))
        pb_oom();
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    if (nghttp2_session_client_new(&c->session, cb, c) || greet(c))
        pb_oom();
    nghttp2_session_callbacks_del(cb);
    *out = c;
    return 0;
}

static void call_free(struct call *call)
{
    pb_buf_wipe(&call->body);
    pb_buf_release(&call->reason);
    pb_grpc_release(&call->in);
    free(call);
}

void pb_rpc_free(struct pb_rpc *c)
{
    if (!c)
        return;
    nghttp2_session_del(c->session);
    while (c->calls) {
        struct call *call = c->calls;
        c->calls = call->next;
        call_free(call);
    }
    pb_auto_fd(&c->fd);
    pb_buf_wipe(&c->out);
    free(c);
}

static void lose(struct pb_rpc *c, const char *why)
{
    if (c->lost)
        return;
    c->lost = true;
    pb_fail(&c->why, PB_E_TOOL, "%s", why);
    close(pb_take_fd(&c->fd));
    for (struct call *call = c->calls; call; call = call->next)
        give_up(call, PB_GRPC_UNAVAILABLE, c->why.msg);
}

/* ---- calls ---------------------------------------------------------------------------------- */

static nghttp2_nv header(const char *name, const char *value)
{
    nghttp2_nv nv = {.namelen = strlen(name), .valuelen = strlen(value)};

    /* The library takes no const, and does not write. */
    memcpy(&nv.name, &name, sizeof(name));
    memcpy(&nv.value, &value, sizeof(value));
    return nv;
}

void pb_rpc_call(struct pb_rpc *c, const struct pb_rpc_request *rq)
{
    PB_AUTO(buf) struct pb_buf timeout = PB_BUF_INIT;
    struct call *call = pb_calloc(1, sizeof(*call));
    nghttp2_data_provider body = {.source.ptr = call, .read_callback = read_body};
    nghttp2_nv nv[] = {header(":method", "POST"),
                       header(":scheme", "http"),
                       header(":path", rq->path),
                       header(":authority", "localhost"),
                       header("content-type", "application/grpc"),
                       header("te", "trailers"),
                       header("grpc-timeout", "")};
    size_t n = PB_COUNT(nv) - 1;

    *call = (struct call){.rq = *rq, .status = -1, .stream = -1, .deadline = INT64_MAX};
    call->body = call->reason = (struct pb_buf)PB_BUF_INIT;
    call->in.max = rq->max_reply ? rq->max_reply : PB_RPC_REPLY_MAX;
    pb_grpc_frame(&call->body, rq->n ? rq->msg : "", rq->n);
    call->rq.msg = call->rq.path = NULL;
    if (rq->timeout_ms > 0) {
        call->deadline = pb_clock_ms() + rq->timeout_ms;
        pb_grpc_add_timeout(&timeout, rq->timeout_ms);
        nv[n++] = header("grpc-timeout", timeout.s);
    }
    call->next = c->calls;
    c->calls = call;
    c->stats.calls++;
    if (c->lost) {
        give_up(call, PB_GRPC_UNAVAILABLE, c->why.msg);
        return;
    }
    call->stream = nghttp2_submit_request(c->session, NULL, nv, n, &body, call);
    if (call->stream < 0)
        give_up(call, PB_GRPC_INTERNAL, nghttp2_strerror(call->stream));
}

static void expire(struct pb_rpc *c)
{
    int64_t now = pb_clock_ms();

    for (struct call *call = c->calls; call; call = call->next) {
        if (call->over || now < call->deadline)
            continue;
        give_up(call, PB_GRPC_DEADLINE_EXCEEDED, "it did not answer in time");
        if (call->stream > 0)
            nghttp2_submit_rst_stream(c->session, NGHTTP2_FLAG_NONE, call->stream, NGHTTP2_CANCEL);
    }
}

static void tell(struct call *call)
{
    struct pb_rpc_reply r = {.status = call->status, .reason = call->reason.s};
    struct pb_err err = PB_ERR_INIT;
    PB_AUTO(buf) struct pb_buf said = PB_BUF_INIT;

    if (r.status == PB_GRPC_OK && call->rq.stream) {
        r = (struct pb_rpc_reply){.status = PB_GRPC_UNAVAILABLE, .reason = "the stream ended"};
    } else if (r.status == PB_GRPC_OK && !pb_grpc_next(&call->in, &r.msg, &r.n)) {
        r.status = PB_GRPC_INTERNAL;
        r.reason = pb_grpc_end(&call->in, &err) ? err.msg : "its answer is empty";
    } else if (r.status != PB_GRPC_OK && r.status != PB_GRPC_DEADLINE_EXCEEDED &&
               r.status != PB_GRPC_UNAVAILABLE) {
        pb_buf_addf(&said, "%s%s%s", pb_grpc_status_name(r.status), *r.reason ? ": " : "",
                    r.reason);
        r.reason = said.s;
    }
    call->rq.done(call->rq.ctx, &r);
}

/* done() may make new calls: the list is looked at anew after each. */
static void tell_all(struct pb_rpc *c)
{
    for (;;) {
        struct call **p = &c->calls, *call;

        while (*p && !(*p)->over)
            p = &(*p)->next;
        call = *p;
        if (!call)
            return;
        *p = call->next;
        if (call->stream > 0)
            nghttp2_session_set_stream_user_data(c->session, call->stream, NULL);
        /* A body that is still to be sent is read from the call. */
        if (call->stream > 0 && call->sent < call->body.len && !c->lost)
            lose(c, "a call was given up before it was sent");
        tell(call);
        call_free(call);
    }
}

/* ---- the socket ----------------------------------------------------------------------------- */

static bool flush(struct pb_rpc *c)
{
    while (c->out_done < c->out.len) {
        ssize_t n = send(c->fd, c->out.s + c->out_done, c->out.len - c->out_done, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            if (errno != EAGAIN)
                lose(c, "it closed the connection");
            return false;
        }
        c->out_done += (size_t)n;
        c->stats.sent += (size_t)n;
    }
    pb_buf_clear(&c->out);
    c->out_done = 0;
    return true;
}

static void send_all(struct pb_rpc *c)
{
    while (!c->lost && flush(c)) {
        const uint8_t *p;
        ssize_t n = nghttp2_session_mem_send(c->session, &p);

        if (n <= 0) {
            if (n < 0)
                lose(c, nghttp2_strerror((int)n));
            return;
        }
        pb_buf_add(&c->out, p, (size_t)n);
    }
}

static void receive(struct pb_rpc *c)
{
    uint8_t buf[CHUNK];

    for (int i = 0; i < ROUNDS && !c->lost; i++) {
        ssize_t n = recv(c->fd, buf, sizeof(buf), 0), used;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            lose(c, "it closed the connection");
            return;
        }
        c->stats.received += (size_t)n;
        used = nghttp2_session_mem_recv(c->session, buf, (size_t)n);
        if (used < 0)
            lose(c, "what it sends is not HTTP/2");
    }
}

/* Nothing is to come any more: by its GOAWAY, or by ours, which answers what is no HTTP/2. */
static void notice_end(struct pb_rpc *c)
{
    if (!c->lost && !nghttp2_session_want_read(c->session) &&
        !nghttp2_session_want_write(c->session))
        lose(c, c->leaving ? "it ended the connection" : "what it sends is not HTTP/2");
}

int pb_rpc_fd(const struct pb_rpc *c)
{
    return c->fd;
}

const char *pb_rpc_why(const struct pb_rpc *c)
{
    return c->why.msg;
}

short pb_rpc_events(const struct pb_rpc *c)
{
    bool more = c->out.len || nghttp2_session_want_write(c->session);

    return (short)(POLLIN | (more ? POLLOUT : 0));
}

int64_t pb_rpc_next_deadline(const struct pb_rpc *c)
{
    int64_t first = INT64_MAX;

    for (const struct call *call = c->calls; call; call = call->next)
        if (call->deadline < first)
            first = call->deadline;
    return first;
}

void pb_rpc_work(struct pb_rpc *c)
{
    if (!c->lost)
        receive(c);
    expire(c);
    if (!c->lost)
        send_all(c);
    notice_end(c);
    tell_all(c);
    if (!c->lost)
        send_all(c);
}

struct pb_rpc_stats pb_rpc_stats(const struct pb_rpc *c)
{
    return c->stats;
}
