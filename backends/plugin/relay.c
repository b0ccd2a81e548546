#include "backends/plugin/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

#define PENDING_MAX ((size_t)512 << 20) /* of one direction of one call */

enum {
    WINDOW = 8 << 20,          /* of one stream */
    SESSION_WINDOW = 64 << 20, /* of all of them */
    CHUNK = 64 << 10,
    ROUNDS = 16, /* chunks taken before somebody else has a turn */
    HEADERS_MAX = 64,
    PREFIX = 5, /* of a gRPC message: compressed or not, length */
};

/* Headers as they came. */
struct headers {
    struct pb_buf text;
    struct {
        size_t name, namelen, value, valuelen; /* places in text */
    } at[HEADERS_MAX];
    size_t n;
};

/* One direction of a call. */
struct flow {
    struct pb_buf bytes;
    size_t done; /* of them are sent */
    bool ended;
};

struct call {
    struct call *next;
    struct conn *conn;
    int32_t front, back;        /* streams; back 0: not passed on */
    bool front_open, back_open; /* the stream is not closed */
    bool asks_schema, held;     /* held: the reply is passed on when it is whole */
    bool replied;               /* its headers were passed on */
    struct headers request, reply, trailers;
    struct flow up, down; /* to the provider, and from it */
};

struct side {
    int fd;
    nghttp2_session *session;
    struct pb_buf out; /* what the socket did not take yet */
    size_t out_done;
};

struct conn {
    struct conn *next;
    struct pb_relay *relay;
    struct side front, back; /* back.session NULL: nothing was passed on yet */
    struct call *calls;
    bool broken;
};

struct pb_relay {
    struct pb_relay_spec spec;
    struct conn *conns;
    size_t n;
    bool lost;
};

/* ---- headers -------------------------------------------------------------------------------- */

/* False when there are too many. */
static bool keep_header(struct headers *h, const uint8_t *name, size_t namelen,
                        const uint8_t *value, size_t valuelen)
{
    if (h->n == HEADERS_MAX)
        return false;
    h->at[h->n].name = h->text.len;
    h->at[h->n].namelen = namelen;
    h->at[h->n].value = h->text.len + namelen;
    h->at[h->n].valuelen = valuelen;
    pb_buf_add(&h->text, name, namelen);
    pb_buf_add(&h->text, value, valuelen);
    h->n++;
    return true;
}

static size_t as_nv(nghttp2_nv out[HEADERS_MAX], const struct headers *h)
{
    for (size_t i = 0; i < h->n; i++)
        out[i] = (nghttp2_nv){.name = (uint8_t *)h->text.s + h->at[i].name,
                              .value = (uint8_t *)h->text.s + h->at[i].value,
                              .namelen = h->at[i].namelen,
                              .valuelen = h->at[i].valuelen};
    return h->n;
}

static bool header_is(const struct headers *h, const char *name, const char *value)
{
    size_t n = strlen(name), v = strlen(value);

    for (size_t i = 0; i < h->n; i++)
        if (h->at[i].namelen == n && memcmp(h->text.s + h->at[i].name, name, n) == 0)
            return h->at[i].valuelen == v && memcmp(h->text.s + h->at[i].value, value, v) == 0;
    return false;
}

/* ---- calls ---------------------------------------------------------------------------------- */

static void flow_release(struct flow *f)
{
    pb_buf_wipe(&f->bytes);
}

static void call_free(struct call *k)
{
    pb_buf_wipe(&k->request.text);
    pb_buf_wipe(&k->reply.text);
    pb_buf_wipe(&k->trailers.text);
    flow_release(&k->up);
    flow_release(&k->down);
    free(k);
}

/* Once both sides are through with it. */
static void forget(struct call *k)
{
    if (k->front_open || k->back_open)
        return;
    for (struct call **p = &k->conn->calls; *p; p = &(*p)->next)
        if (*p == k) {
            *p = k->next;
            break;
        }
    call_free(k);
}

static struct call *call_of(nghttp2_session *s, int32_t stream)
{
    return nghttp2_session_get_stream_user_data(s, stream);
}

static void more(nghttp2_session *s, int32_t stream)
{
    (void)nghttp2_session_resume_data(s, stream); /* fails where nothing waits */
}

static void take(struct call *k, struct flow *f, const uint8_t *p, size_t n)
{
    if (f->bytes.len - f->done + n > PENDING_MAX)
        k->conn->broken = true;
    else
        pb_buf_add(&f->bytes, p, n);
}

/* For nghttp2: the next bytes of one direction. */
static ssize_t give(struct flow *f, uint8_t *buf, size_t length, uint32_t *flags)
{
    size_t n = f->bytes.len - f->done;

    if (!n && !f->ended)
        return NGHTTP2_ERR_DEFERRED;
    if (n > length)
        n = length;
    memcpy(buf, f->bytes.s + f->done, n);
    f->done += n;
    if (f->done == f->bytes.len) {
        pb_wipe(f->bytes.s, f->bytes.len);
        pb_buf_clear(&f->bytes);
        f->done = 0;
        if (f->ended)
            *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    return (ssize_t)n;
}

static ssize_t give_up(nghttp2_session *s, int32_t stream, uint8_t *buf, size_t length,
                       uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
    struct call *k = source->ptr;

    (void)s;
    (void)stream;
    (void)ctx;
    return give(&k->up, buf, length, flags);
}

static ssize_t give_down(nghttp2_session *s, int32_t stream, uint8_t *buf, size_t length,
                         uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
    struct call *k = source->ptr;
    nghttp2_nv nv[HEADERS_MAX];
    ssize_t n = give(&k->down, buf, length, flags);

    (void)ctx;
    if (n >= 0 && (*flags & NGHTTP2_DATA_FLAG_EOF) && k->trailers.n) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        if (nghttp2_submit_trailer(s, stream, nv, as_nv(nv, &k->trailers)))
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    return n;
}

/* The headers of the reply, with its messages behind them. */
static void reply(struct call *k)
{
    nghttp2_data_provider data = {.source.ptr = k, .read_callback = give_down};
    nghttp2_nv nv[HEADERS_MAX];
    size_t n = as_nv(nv, &k->reply);
    /* An error has no messages: its status is among the headers. */
    bool empty = k->down.ended && !k->down.bytes.len && !k->trailers.n;

    k->replied = true;
    if (k->front_open &&
        nghttp2_submit_response(k->conn->front.session, k->front, nv, n, empty ? NULL : &data))
        k->conn->broken = true;
}

static void add(struct headers *h, const char *name, const char *value)
{
    (void)keep_header(h, (const uint8_t *)name, strlen(name), (const uint8_t *)value,
                      strlen(value));
}

static void frame(struct pb_buf *out, const struct pb_buf *msg)
{
    const char prefix[PREFIX] = {0, (char)(msg->len >> 24), (char)(msg->len >> 16),
                                 (char)(msg->len >> 8), (char)msg->len};

    pb_buf_add(out, prefix, sizeof(prefix));
    pb_buf_add(out, msg->s, msg->len);
}

static void answer(struct call *k, const struct pb_buf *msg)
{
    add(&k->reply, ":status", "200");
    add(&k->reply, "content-type", "application/grpc");
    add(&k->trailers, "grpc-status", "0");
    frame(&k->down.bytes, msg);
    k->down.ended = true;
    reply(k);
}

/* ---- the provider's side -------------------------------------------------------------------- */

/* A whole reply to the question for types, if it is one message as it stands. */
static void learn(struct call *k)
{
    const struct pb_relay_spec *spec = &k->conn->relay->spec;
    const struct pb_buf *b = &k->down.bytes, *part;
    const uint8_t *p = (const uint8_t *)b->s;
    size_t n =
        b->len < PREFIX ? 0 : (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];

    if (b->len < PREFIX || p[0] || n != b->len - PREFIX ||
        !header_is(&k->trailers, "grpc-status", "0"))
        return;
    spec->learn(spec->ctx, p + PREFIX, n);
    part = spec->schema(spec->ctx);
    if (!part)
        return;
    pb_buf_clear(&k->down.bytes);
    frame(&k->down.bytes, part);
}

static int on_back_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name,
                          size_t namelen, const uint8_t *value, size_t valuelen, uint8_t flags,
                          void *ctx)
{
    struct call *k = call_of(s, f->hd.stream_id);

    (void)flags;
    (void)ctx;
    if (k && !keep_header(f->headers.cat == NGHTTP2_HCAT_RESPONSE ? &k->reply : &k->trailers, name,
                          namelen, value, valuelen))
        k->conn->broken = true;
    return 0;
}

static int on_back_frame(nghttp2_session *s, const nghttp2_frame *f, void *ctx)
{
    struct call *k = call_of(s, f->hd.stream_id);
    bool last = (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

    (void)ctx;
    if (!k || (f->hd.type != NGHTTP2_HEADERS && f->hd.type != NGHTTP2_DATA))
        return 0;
    k->down.ended |= last;
    if (last && k->held) {
        k->held = false;
        learn(k);
    }
    if (!k->held && !k->replied)
        reply(k);
    else if (k->replied)
        more(k->conn->front.session, k->front);
    return 0;
}

static int on_back_data(nghttp2_session *s, uint8_t flags, int32_t stream, const uint8_t *p,
                        size_t n, void *ctx)
{
    struct call *k = call_of(s, stream);

    (void)flags;
    (void)ctx;
    if (!k)
        return 0;
    take(k, &k->down, p, n);
    if (k->replied)
        more(k->conn->front.session, k->front);
    return 0;
}

static int on_back_close(nghttp2_session *s, int32_t stream, uint32_t code, void *ctx)
{
    struct call *k = call_of(s, stream);

    (void)ctx;
    if (!k)
        return 0;
    k->back_open = false;
    if (k->front_open && !k->down.ended)
        nghttp2_submit_rst_stream(k->conn->front.session, NGHTTP2_FLAG_NONE, k->front,
                                  code ? code : NGHTTP2_INTERNAL_ERROR);
    forget(k);
    return 0;
}

static int open_socket(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    PB_AUTO(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || strlen(path) >= sizeof(sa.sun_path))
        return -1;
    memcpy(sa.sun_path, path, strlen(path) + 1);
    if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) || fcntl(fd, F_SETFL, O_NONBLOCK))
        return -1;
    return pb_take_fd(&fd);
}

static void greet(nghttp2_session *s)
{
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, CHUNK},
    };

    if (nghttp2_submit_settings(s, NGHTTP2_FLAG_NONE, settings, PB_COUNT(settings)) ||
        nghttp2_session_set_local_window_size(s, NGHTTP2_FLAG_NONE, 0, SESSION_WINDOW))
        pb_oom();
}

static bool connect_back(struct conn *c)
{
    nghttp2_session_callbacks *cb;

    if (c->back.session)
        return true;
    c->back.fd = open_socket(c->relay->spec.provider);
    if (c->back.fd < 0)
        return false;
    if (nghttp2_session_callbacks_new(&cb))
        pb_oom();
    nghttp2_session_callbacks_set_on_header_callback(cb, on_back_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_back_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_back_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_back_close);
    if (nghttp2_session_client_new(&c->back.session, cb, c))
        pb_oom();
    nghttp2_session_callbacks_del(cb);
    greet(c->back.session);
    return true;
}

static void pass_on(struct call *k)
{
    struct conn *c = k->conn;
    nghttp2_data_provider data = {.source.ptr = k, .read_callback = give_up};
    nghttp2_nv nv[HEADERS_MAX];

    if (!connect_back(c)) {
        c->broken = true;
        return;
    }
    k->back = nghttp2_submit_request(c->back.session, NULL, nv, as_nv(nv, &k->request), &data, k);
    k->back_open = k->back > 0;
    c->broken |= !k->back_open;
}

/* ---- the side of who asks ------------------------------------------------------------------- */

static int on_front_begin(nghttp2_session *s, const nghttp2_frame *f, void *ctx)
{
    struct conn *c = ctx;
    struct call *k;

    if (f->hd.type != NGHTTP2_HEADERS || f->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    k = pb_calloc(1, sizeof(*k));
    k->request.text = k->reply.text = k->trailers.text = (struct pb_buf)PB_BUF_INIT;
    k->up.bytes = k->down.bytes = (struct pb_buf)PB_BUF_INIT;
    k->conn = c;
    k->front = f->hd.stream_id;
    k->front_open = true;
    k->next = c->calls;
    c->calls = k;
    return nghttp2_session_set_stream_user_data(s, f->hd.stream_id, k);
}

static int on_front_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name,
                           size_t namelen, const uint8_t *value, size_t valuelen, uint8_t flags,
                           void *ctx)
{
    struct call *k = call_of(s, f->hd.stream_id);

    (void)flags;
    (void)ctx;
    if (k && !keep_header(&k->request, name, namelen, value, valuelen))
        k->conn->broken = true;
    return 0;
}

static bool asks_schema(const struct call *k)
{
    return header_is(&k->request, ":path", "/tfplugin5.Provider/GetSchema") ||
           header_is(&k->request, ":path", "/tfplugin6.Provider/GetProviderSchema");
}

static void begin(struct call *k)
{
    const struct pb_relay_spec *spec = &k->conn->relay->spec;

    k->asks_schema = asks_schema(k);
    if (k->asks_schema && spec->schema(spec->ctx))
        return; /* it is answered when it is there as a whole */
    k->held = k->asks_schema;
    pass_on(k);
}

static int on_front_frame(nghttp2_session *s, const nghttp2_frame *f, void *ctx)
{
    struct call *k = call_of(s, f->hd.stream_id);
    const struct pb_relay_spec *spec;

    (void)ctx;
    if (!k || (f->hd.type != NGHTTP2_HEADERS && f->hd.type != NGHTTP2_DATA))
        return 0;
    spec = &k->conn->relay->spec;
    if (f->hd.type == NGHTTP2_HEADERS && !k->back && !k->asks_schema)
        begin(k);
    if (!(f->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    k->up.ended = true;
    if (k->back)
        more(k->conn->back.session, k->back);
    else if (k->asks_schema && !k->replied)
        answer(k, spec->schema(spec->ctx));
    return 0;
}

static int on_front_data(nghttp2_session *s, uint8_t flags, int32_t stream, const uint8_t *p,
                         size_t n, void *ctx)
{
    struct call *k = call_of(s, stream);

    (void)flags;
    (void)ctx;
    if (!k || !k->back)
        return 0;
    take(k, &k->up, p, n);
    more(k->conn->back.session, k->back);
    return 0;
}

static int on_front_close(nghttp2_session *s, int32_t stream, uint32_t code, void *ctx)
{
    struct call *k = call_of(s, stream);

    (void)ctx;
    if (!k)
        return 0;
    k->front_open = false;
    if (k->back_open)
        nghttp2_submit_rst_stream(k->conn->back.session, NGHTTP2_FLAG_NONE, k->back,
                                  code ? code : NGHTTP2_CANCEL);
    forget(k);
    return 0;
}

/* ---- connections ---------------------------------------------------------------------------- */

static void side_release(struct side *x)
{
    nghttp2_session_del(x->session);
    pb_auto_fd(&x->fd);
    pb_buf_wipe(&x->out);
}

static void conn_free(struct conn *c)
{
    side_release(&c->front);
    side_release(&c->back);
    while (c->calls) {
        struct call *k = c->calls;
        c->calls = k->next;
        call_free(k);
    }
    free(c);
}

static void take_connection(struct pb_relay *r, int fd)
{
    nghttp2_session_callbacks *cb;
    struct conn *c = pb_calloc(1, sizeof(*c));

    c->relay = r;
    c->front.fd = fd;
    c->back.fd = -1;
    c->front.out = c->back.out = (struct pb_buf)PB_BUF_INIT;
    if (nghttp2_session_callbacks_new(&cb))
        pb_oom();
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_front_begin);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_front_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_front_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_front_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_front_close);
    if (nghttp2_session_server_new(&c->front.session, cb, c))
        pb_oom();
    nghttp2_session_callbacks_del(cb);
    greet(c->front.session);
    c->next = r->conns;
    r->conns = c;
    r->n++;
}

static bool flush(struct side *x)
{
    while (x->out_done < x->out.len) {
        ssize_t n = send(x->fd, x->out.s + x->out_done, x->out.len - x->out_done, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        x->out_done += (size_t)n;
    }
    pb_wipe(x->out.s, x->out.len);
    pb_buf_clear(&x->out);
    x->out_done = 0;
    return true;
}

/* False when it cannot go on. */
static bool send_all(struct side *x)
{
    const uint8_t *p;
    ssize_t n = 1;

    if (!x->session)
        return true;
    while (n > 0) {
        if (!flush(x))
            return false;
        if (x->out.len)
            return true; /* the socket is full */
        n = nghttp2_session_mem_send(x->session, &p);
        if (n > 0)
            pb_buf_add(&x->out, p, (size_t)n);
    }
    return n == 0;
}

static bool receive(struct side *x)
{
    uint8_t buf[CHUNK];
    size_t most = 0; /* of it was used, and is wiped */
    bool good = true;

    for (int i = 0; i < ROUNDS && good && x->session; i++) {
        ssize_t n = recv(x->fd, buf, sizeof(buf), 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        most = n > 0 && (size_t)n > most ? (size_t)n : most;
        good = n > 0 && nghttp2_session_mem_recv(x->session, buf, (size_t)n) >= 0;
    }
    pb_wipe(buf, most);
    return good;
}

static bool is_over(const struct side *x)
{
    return x->session && !x->out.len && !nghttp2_session_want_read(x->session) &&
           !nghttp2_session_want_write(x->session);
}

/* What one side sends may be for the other, and what that takes makes room for more. */
static void work(struct conn *c)
{
    if (!receive(&c->front)) {
        c->broken = true;
    } else if (!receive(&c->back) || !send_all(&c->back) || is_over(&c->back)) {
        c->broken = true;
        c->relay->lost = true;
    }
    c->broken |= !send_all(&c->front) || is_over(&c->front);
}

/* ---- all of it ------------------------------------------------------------------------------ */

struct pb_relay *pb_relay_new(const struct pb_relay_spec *spec)
{
    struct pb_relay *r = pb_calloc(1, sizeof(*r));

    r->spec = *spec;
    return r;
}

static struct pollfd side_fd(const struct side *x)
{
    bool writes = x->out.len || nghttp2_session_want_write(x->session);

    return (struct pollfd){.fd = x->fd, .events = (short)(POLLIN | (writes ? POLLOUT : 0))};
}

int pb_relay_fds(const struct pb_relay *r, struct pollfd out[PB_RELAY_FDS])
{
    int n = 0;

    if (r->n < PB_RELAY_CONNECTIONS)
        out[n++] = (struct pollfd){.fd = r->spec.listener, .events = POLLIN};
    for (const struct conn *c = r->conns; c; c = c->next) {
        out[n++] = side_fd(&c->front);
        if (c->back.session)
            out[n++] = side_fd(&c->back);
    }
    return n;
}

void pb_relay_work(struct pb_relay *r)
{
    while (r->n < PB_RELAY_CONNECTIONS) {
        struct sockaddr_un from;
        socklen_t n = sizeof(from);
        int fd =
            accept4(r->spec.listener, (struct sockaddr *)&from, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0)
            break;
        take_connection(r, fd);
    }
    for (struct conn **p = &r->conns; *p;) {
        struct conn *c = *p;

        work(c);
        if (c->broken) {
            *p = c->next;
            conn_free(c);
            r->n--;
        } else {
            p = &c->next;
        }
    }
}

bool pb_relay_lost(const struct pb_relay *r)
{
    return r->lost;
}

void pb_relay_free(struct pb_relay *r)
{
    if (!r)
        return;
    while (r->conns) {
        struct conn *c = r->conns;
        r->conns = c->next;
        conn_free(c);
    }
    pb_auto_fd(&r->spec.listener);
    free(r);
}
