/*
 * plugin_fake: a provider that misbehaves, for the tests of backends/provider. FAKE_MODE says
 * how; without it, it is an honest provider of fake_thing, and of fake_more, which is the same:
 *
 *	id "gone"	does not exist		id "changed"	its name is "live"
 *	id "denied"	cannot be read		id "shouts"	its name is in capitals, which
 *	anything else	is as it was				to this provider is the same
 *
 * FAKE_PROTOCOL is 5 (default) or 6. FAKE_LOG gets a line for each call, and for
 * each type that is asked about.
 */
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backends/provider/grpc.h"
#include "backends/provider/msgpack.h"
#include "backends/provider/plugin.pb-c.h"
#include "backends/plugin/proto.h"
#include "backends/provider/tfplugin5.pb-c.h"
#include "backends/provider/tfplugin6.pb-c.h"
#include "base/arena.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

static const char *mode = "";
static int protocol = 5;
static struct pb_arena *arena;

struct stream {
    char path[128];
    struct pb_buf in, out;
    size_t sent;
};

static bool is(const char *name)
{
    return strcmp(mode, name) == 0;
}

static void note(const char *what)
{
    const char *path = getenv("FAKE_LOG");
    FILE *f = path ? fopen(path, "a") : NULL;

    if (!f)
        return;
    fprintf(f, "%s\n", what);
    fclose(f);
}

/* ---- answers ---------------------------------------------------------------------------- */

static const struct pb_type string_type = {.kind = PB_T_STRING};
static const struct pb_field thing_fields[] = {{"id", &string_type, PB_F_COMPUTED},
                                               {"name", &string_type, PB_F_OPTIONAL},
                                               {"secret", &string_type, PB_F_SENSITIVE}};
static const struct pb_type thing = {.kind = PB_T_OBJECT, .fields = thing_fields, .nfields = 3};

static void frame(struct pb_buf *out, const ProtobufCMessage *m)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    pb_proto_pack(&b, m);
    pb_grpc_frame(out, b.s, b.len);
}

static char *copy(const char *s)
{
    return pb_arena_strdup(arena, s);
}

static Tfplugin6__Diagnostic **diagnostics(size_t n, const char *summary, const char *detail)
{
    Tfplugin6__Diagnostic **d = pb_arena_alloc(arena, n * sizeof(*d));

    for (size_t i = 0; i < n; i++) {
        d[i] = pb_arena_alloc(arena, sizeof(**d));
        tfplugin6__diagnostic__init(d[i]);
        d[i]->severity = TFPLUGIN6__DIAGNOSTIC__SEVERITY__ERROR;
        d[i]->summary = copy(summary);
        d[i]->detail = copy(detail);
    }
    return d;
}

static void attribute(Tfplugin5__Schema__Attribute *a, const char *name, bool sensitive)
{
    tfplugin5__schema__attribute__init(a);
    a->name = copy(name);
    a->type = pb_proto_bytes("\"string\"", 8);
    a->optional = true;
    a->sensitive = sensitive;
}

/* The messages of 5 and 6 are the same as long as no attribute is nested. */
static void schema(struct pb_buf *out)
{
    Tfplugin5__GetProviderSchema__Response m;
    Tfplugin5__GetProviderSchema__Response__ResourceSchemasEntry e, more, *entries[] = {&e, &more};
    Tfplugin5__Schema s, own;
    Tfplugin5__Schema__Block b, own_block;
    Tfplugin5__Schema__Attribute a[5], *attrs[] = {&a[0], &a[1], &a[2]}, *own_attrs[] = {&a[3]};

    tfplugin5__get_provider_schema__response__init(&m);
    tfplugin5__get_provider_schema__response__resource_schemas_entry__init(&e);
    tfplugin5__schema__init(&s);
    tfplugin5__schema__init(&own);
    tfplugin5__schema__block__init(&b);
    tfplugin5__schema__block__init(&own_block);
    attribute(&a[0], "id", false);
    attribute(&a[1], "name", false);
    attribute(&a[2], "secret", true);
    attribute(&a[3], "token", true);
    b.attributes = attrs;
    b.n_attributes = 3;
    own_block.attributes = own_attrs;
    own_block.n_attributes = 1;
    s.version = 1;
    s.block = &b;
    own.block = &own_block;
    e.key = copy("fake_thing");
    e.value = &s;
    more = e;
    more.key = copy("fake_more");
    m.provider = &own;
    m.resource_schemas = entries;
    m.n_resource_schemas = 2;
    frame(out, &m.base);
}

static void configure(struct pb_buf *out)
{
    Tfplugin6__ConfigureProvider__Response m;

    tfplugin6__configure_provider__response__init(&m);
    if (is("config-error")) {
        m.diagnostics = diagnostics(1, "bad credentials", "the token\n  hush-hush-token is wrong");
        m.n_diagnostics = 1;
    }
    frame(out, &m.base);
}

static void upgrade(struct pb_buf *out, const uint8_t *p, size_t n)
{
    Tfplugin6__UpgradeResourceState__Request *rq =
        pb_proto_unpack(&tfplugin6__upgrade_resource_state__request__descriptor, arena, p, n, NULL);
    Tfplugin6__UpgradeResourceState__Response m;
    PB_AUTO(buf) struct pb_buf mp = PB_BUF_INIT;
    Tfplugin6__DynamicValue dv;
    const struct pb_value *v;

    note(rq->type_name);
    tfplugin6__upgrade_resource_state__response__init(&m);
    tfplugin6__dynamic_value__init(&dv);
    if (pb_json_parse(&v, arena, (const char *)rq->raw_state->json.data, rq->raw_state->json.len,
                      "state", NULL) == 0)
        (void)pb_msgpack_encode(&mp, arena, v, &thing, NULL);
    dv.msgpack = pb_proto_bytes(mp.s, mp.len);
    m.upgraded_state = &dv;
    frame(out, &m.base);
}

static void with_state(struct pb_buf *out, const void *state, size_t n)
{
    Tfplugin6__ReadResource__Response m;
    Tfplugin6__DynamicValue dv;

    tfplugin6__read_resource__response__init(&m);
    tfplugin6__dynamic_value__init(&dv);
    dv.msgpack = pb_proto_bytes(state, n);
    m.new_state = &dv;
    frame(out, &m.base);
}

static void with_errors(struct pb_buf *out, size_t n, const char *summary)
{
    Tfplugin6__ReadResource__Response m;

    tfplugin6__read_resource__response__init(&m);
    m.diagnostics = diagnostics(n, summary, "");
    m.n_diagnostics = n;
    frame(out, &m.base);
}

static void read_thing(struct pb_buf *out, const uint8_t *p, size_t n)
{
    Tfplugin6__ReadResource__Request *rq =
        pb_proto_unpack(&tfplugin6__read_resource__request__descriptor, arena, p, n, NULL);
    ProtobufCBinaryData state = rq->current_state->msgpack;
    PB_AUTO(buf) struct pb_buf mp = PB_BUF_INIT;
    struct pb_map_builder b = PB_BUILDER_INIT;
    struct pb_value v;
    const char *id;

    if (pb_msgpack_decode(&v, arena, state.data, state.len, &thing, NULL))
        exit(3);
    id = pb_get_str(&v, "id");
    if (pb_streq(id, "gone")) {
        with_state(out, "\xc0", 1);
        return;
    }
    if (pb_streq(id, "denied")) {
        with_errors(out, 1, "AccessDenied: not for you");
        return;
    }
    for (size_t i = 0; i < v.n; i++)
        pb_map_add(&b, v.members[i].key, v.members[i].value);
    if (pb_streq(id, "changed"))
        pb_map_add(&b, "name", pb_mk_string(arena, "live"));
    if (pb_streq(id, "shouts"))
        pb_map_add(&b, "name", pb_mk_string(arena, "RECORDED"));
    v = pb_map_done(&b, arena);
    (void)pb_msgpack_encode(&mp, arena, &v, &thing, NULL);
    with_state(out, mp.s, mp.len);
}

/* What it wants to change: nothing, if only the case differs. */
static void plan(struct pb_buf *out, const uint8_t *p, size_t n)
{
    Tfplugin6__PlanResourceChange__Request *rq =
        pb_proto_unpack(&tfplugin6__plan_resource_change__request__descriptor, arena, p, n, NULL);
    const Tfplugin6__DynamicValue *prior = rq->prior_state, *want = rq->proposed_new_state;
    Tfplugin6__PlanResourceChange__Response m;
    Tfplugin6__DynamicValue dv;
    struct pb_value a, b;

    if (is("crash-planning"))
        abort();
    tfplugin6__plan_resource_change__response__init(&m);
    tfplugin6__dynamic_value__init(&dv);
    if (pb_msgpack_decode(&a, arena, prior->msgpack.data, prior->msgpack.len, &thing, NULL) ||
        pb_msgpack_decode(&b, arena, want->msgpack.data, want->msgpack.len, &thing, NULL))
        exit(3);
    dv.msgpack = strcasecmp(pb_get_str(&a, "name"), pb_get_str(&b, "name")) == 0 ? prior->msgpack
                                                                                 : want->msgpack;
    m.planned_state = &dv;
    frame(out, &m.base);
}

/* A state with nothing but the id, as most importers make it. */
static void import(struct pb_buf *out, const uint8_t *p, size_t n)
{
    Tfplugin6__ImportResourceState__Request *rq =
        pb_proto_unpack(&tfplugin6__import_resource_state__request__descriptor, arena, p, n, NULL);
    Tfplugin6__ImportResourceState__ImportedResource one, *all[] = {&one};
    Tfplugin6__ImportResourceState__Response m;
    PB_AUTO(buf) struct pb_buf mp = PB_BUF_INIT;
    struct pb_map_builder b = PB_BUILDER_INIT;
    Tfplugin6__DynamicValue dv;
    struct pb_value v;

    tfplugin6__import_resource_state__response__init(&m);
    tfplugin6__import_resource_state__imported_resource__init(&one);
    tfplugin6__dynamic_value__init(&dv);
    pb_map_add(&b, "id", pb_mk_string(arena, rq->id));
    v = pb_map_done(&b, arena);
    (void)pb_msgpack_encode(&mp, arena, &v, &thing, NULL);
    dv.msgpack = pb_proto_bytes(mp.s, mp.len);
    one.type_name = rq->type_name;
    one.state = &dv;
    m.imported_resources = all;
    m.n_imported_resources = 1;
    frame(out, &m.base);
}

/* True when the way this mode reads was taken care of. */
static bool misread(struct pb_buf *out)
{
    if (is("crash")) {
        fprintf(stderr, "some log line\npanic: runtime error: hush-hush-token\n\ngoroutine 1:\n");
        fflush(stderr);
        abort();
    }
    if (is("close"))
        exit(0);
    if (is("many-diagnostics"))
        with_errors(out, 10000, "it went wrong");
    else if (is("bad-protobuf"))
        pb_grpc_frame(out, "\x0a\xff\xff\xff\xff\x0f", 6);
    else if (is("bad-msgpack"))
        with_state(out, "\xdd\xff\xff\xff\xff", 5);
    else if (is("no-object"))
        with_state(out, "\x07", 1);
    else if (is("oversized"))
        pb_buf_add(out, "\x00\x7f\xff\xff\xff garbage", 13);
    else if (is("compressed"))
        pb_buf_add(out, "\x01\x00\x00\x00\x01x", 6);
    else if (is("half-frame"))
        pb_buf_add(out, "\x00\x00\x00\x00\x64only some", 14);
    else if (is("empty"))
        pb_buf_add(out, "", 0);
    else
        return false;
    return true;
}

static bool answers(struct stream *s)
{
    const char *call = strrchr(s->path, '/');
    const uint8_t *msg = (const uint8_t *)s->in.s + PB_GRPC_PREFIX;
    size_t n = s->in.len - PB_GRPC_PREFIX;
    Plugin__Empty empty;

    call = call ? call + 1 : "";
    note(call);
    if (strcmp(call, "GetSchema") == 0 || strcmp(call, "GetProviderSchema") == 0) {
        schema(&s->out);
    } else if (strcmp(call, "Configure") == 0 || strcmp(call, "ConfigureProvider") == 0) {
        if (is("silent-configure"))
            return false;
        configure(&s->out);
    } else if (strcmp(call, "UpgradeResourceState") == 0) {
        upgrade(&s->out, msg, n);
    } else if (strcmp(call, "PlanResourceChange") == 0) {
        plan(&s->out, msg, n);
    } else if (strcmp(call, "ImportResourceState") == 0) {
        import(&s->out, msg, n);
    } else if (strcmp(call, "ReadResource") == 0) {
        if (is("silent"))
            return false;
        if (is("slow"))
            sleep(5);
        if (!misread(&s->out))
            read_thing(&s->out, msg, n);
    } else if (strcmp(call, "Shutdown") == 0) {
        if (is("stays"))
            return false;
        plugin__empty__init(&empty);
        frame(&s->out, &empty.base);
        ualarm(20000, 0); /* leave, soon */
    } else {
        return false; /* StreamStdio stays open */
    }
    return true;
}

/* ---- HTTP/2 ----------------------------------------------------------------------------- */

static nghttp2_nv header(const char *name, const char *value)
{
    nghttp2_nv nv = {.namelen = strlen(name), .valuelen = strlen(value)};

    memcpy(&nv.name, &name, sizeof(name));
    memcpy(&nv.value, &value, sizeof(value));
    return nv;
}

static ssize_t body(nghttp2_session *h, int32_t id, uint8_t *buf, size_t length, uint32_t *flags,
                    nghttp2_data_source *source, void *ctx)
{
    struct stream *s = source->ptr;
    size_t n = s->out.len - s->sent < length ? s->out.len - s->sent : length;
    nghttp2_nv end[] = {header("grpc-status", "0")};

    (void)ctx;
    memcpy(buf, s->out.s + s->sent, n);
    s->sent += n;
    if (s->sent == s->out.len) {
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        nghttp2_submit_trailer(h, id, end, 1);
    }
    return (ssize_t)n;
}

static int on_begin(nghttp2_session *h, const nghttp2_frame *f, void *ctx)
{
    struct stream *s = pb_calloc(1, sizeof(*s));

    (void)ctx;
    s->in = s->out = (struct pb_buf)PB_BUF_INIT;
    return nghttp2_session_set_stream_user_data(h, f->hd.stream_id, s);
}

static int on_header(nghttp2_session *h, const nghttp2_frame *f, const uint8_t *name, size_t nlen,
                     const uint8_t *value, size_t vlen, uint8_t flags, void *ctx)
{
    struct stream *s = nghttp2_session_get_stream_user_data(h, f->hd.stream_id);

    (void)flags;
    (void)ctx;
    if (s && nlen == 5 && memcmp(name, ":path", 5) == 0)
        snprintf(s->path, sizeof(s->path), "%.*s", (int)vlen, (const char *)value);
    return 0;
}

static int on_chunk(nghttp2_session *h, uint8_t flags, int32_t id, const uint8_t *p, size_t n,
                    void *ctx)
{
    struct stream *s = nghttp2_session_get_stream_user_data(h, id);

    (void)flags;
    (void)ctx;
    pb_buf_add(&s->in, p, n);
    return 0;
}

static int on_frame(nghttp2_session *h, const nghttp2_frame *f, void *ctx)
{
    nghttp2_nv start[] = {header(":status", "200"), header("content-type", "application/grpc")};
    struct stream *s = nghttp2_session_get_stream_user_data(h, f->hd.stream_id);
    nghttp2_data_provider data = {.source.ptr = s, .read_callback = body};

    (void)ctx;
    if (s && (f->hd.flags & NGHTTP2_FLAG_END_STREAM) && answers(s))
        nghttp2_submit_response(h, f->hd.stream_id, start, 2, &data);
    return 0;
}

static int on_close(nghttp2_session *h, int32_t id, uint32_t code, void *ctx)
{
    struct stream *s = nghttp2_session_get_stream_user_data(h, id);

    (void)ctx;
    if (code)
        note("reset");
    if (s) {
        pb_buf_release(&s->in);
        pb_buf_release(&s->out);
        free(s);
    }
    return 0;
}

static ssize_t on_send(nghttp2_session *h, const uint8_t *p, size_t n, int flags, void *ctx)
{
    (void)h;
    (void)flags;
    return send(*(int *)ctx, p, n, MSG_NOSIGNAL);
}

static int serve(int fd)
{
    nghttp2_session_callbacks *cb;
    nghttp2_session *h;
    uint8_t buf[65536];
    ssize_t n;

    nghttp2_session_callbacks_new(&cb);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
    nghttp2_session_callbacks_set_send_callback(cb, on_send);
    nghttp2_session_server_new(&h, cb, &fd);
    nghttp2_session_callbacks_del(cb);
    nghttp2_submit_settings(h, NGHTTP2_FLAG_NONE, NULL, 0);
    while (nghttp2_session_send(h) == 0 && (n = recv(fd, buf, sizeof(buf), 0)) > 0)
        if (nghttp2_session_mem_recv(h, buf, (size_t)n) < 0)
            break;
    nghttp2_session_del(h);
    return 0;
}

/* ---- starting --------------------------------------------------------------------------- */

static int listen_at(char *path, size_t size)
{
    const char *dir = getenv("PLUGIN_UNIX_SOCKET_DIR");
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(path, size, "%s/plugin.sock", dir ? dir : "");
    snprintf(sa.sun_path, sizeof(sa.sun_path), "%.100s", path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, 1))
        exit(4);
    return fd;
}

static void flood(FILE *to, size_t megabytes)
{
    char text[1024];

    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < megabytes * 1024; i++)
        fwrite(text, 1, sizeof(text), to);
    fflush(to);
}

/* What can go wrong before anybody connects. */
static void misstart(void)
{
    if (is("exits")) {
        fprintf(stderr, "cannot open shared object file\n");
        exit(9);
    }
    if (is("never-ready"))
        for (;;)
            pause();
    if (is("flood-stdout"))
        flood(stdout, 64);
    if (is("garbage"))
        puts("hello, I am a calculator");
    if (is("old-protocol"))
        puts("1|4|unix|/tmp/none|grpc|");
    if (is("foreign-socket"))
        puts("1|5|unix|/tmp/somebody-elses.sock|grpc|");
    if (is("no-grpc"))
        puts("1|5|unix|/tmp/none|netrpc|");
    if (is("closes-stdout"))
        fclose(stdout);
    if (is("flood-stderr"))
        flood(stderr, 64);
}

int main(void)
{
    const char *cookie = getenv("TF_PLUGIN_MAGIC_COOKIE");
    char path[4096];
    int fd, conn;

    mode = getenv("FAKE_MODE") ? getenv("FAKE_MODE") : "";
    protocol = pb_streq(getenv("FAKE_PROTOCOL"), "6") ? 6 : 5;
    if (!cookie || !getenv("PLUGIN_PROTOCOL_VERSIONS") || getenv("HIDDEN"))
        return 5;
    if (is("stays"))
        signal(SIGTERM, SIG_IGN);
    arena = pb_arena_new();
    note("started");
    misstart();
    fd = listen_at(path, sizeof(path));
    if (!is("closes-stdout")) {
        printf("1|%d|unix|%s%s|grpc|\n", protocol, path, is("no-socket") ? ".not" : "");
        fflush(stdout);
    }
    conn = accept(fd, NULL, NULL);
    if (conn < 0)
        return 6;
    if (is("not-http2")) {
        (void)!write(conn, "220 mail.example.com ESMTP and a lot more of it\r\n", 49);
        for (;;)
            pause();
    }
    serve(conn);
    pb_arena_free(arena);
    return 0;
}
