#include "backends/provider/client.h"

#include <stdlib.h>

#include "backends/provider/plugin.pb-c.h"
#include "base/clock.h"
#include "base/mem.h"

enum { SHUTDOWN_MS = 1000, FATE_MS = 300 };

struct pb_client {
    struct pb_plugin *plugin;
    struct pb_rpc *rpc;
    bool lost, shut;
    char *problem;
    int protocol;
};

/* Calls of protocol 5 and 6. */
static const char *const paths[PB_NCALLS][2] = {
    [PB_CALL_SCHEMA] = {"/tfplugin5.Provider/GetSchema", "/tfplugin6.Provider/GetProviderSchema"},
    [PB_CALL_CONFIGURE] = {"/tfplugin5.Provider/Configure",
                           "/tfplugin6.Provider/ConfigureProvider"},
    [PB_CALL_UPGRADE] = {"/tfplugin5.Provider/UpgradeResourceState",
                         "/tfplugin6.Provider/UpgradeResourceState"},
    [PB_CALL_UPGRADE_IDENTITY] = {"/tfplugin5.Provider/UpgradeResourceIdentity",
                                  "/tfplugin6.Provider/UpgradeResourceIdentity"},
    [PB_CALL_READ] = {"/tfplugin5.Provider/ReadResource", "/tfplugin6.Provider/ReadResource"},
    [PB_CALL_IMPORT] = {"/tfplugin5.Provider/ImportResourceState",
                        "/tfplugin6.Provider/ImportResourceState"},
    [PB_CALL_PLAN] = {"/tfplugin5.Provider/PlanResourceChange",
                      "/tfplugin6.Provider/PlanResourceChange"},
    [PB_CALL_STOP] = {"/tfplugin5.Provider/Stop", "/tfplugin6.Provider/StopProvider"},
};

int pb_client_start(struct pb_client **out, const struct pb_plugin_spec *spec, struct pb_err *err)
{
    struct pb_plugin *p;
    struct pb_client *c;

    if (pb_plugin_start(&p, spec, err))
        return -1;
    c = pb_calloc(1, sizeof(*c));
    c->plugin = p;
    *out = c;
    return 0;
}

static void lose(struct pb_client *c, const char *why)
{
    if (c->lost)
        return;
    c->lost = true;
    c->problem = pb_strdup(why);
}

/* What it prints once it is connected; without a reader it would wait for one. */
static void on_stdio(void *ctx, const struct pb_rpc_reply *r)
{
    struct pb_client *c = ctx;
    struct pb_proto_walk w = {r->msg, r->n};
    struct pb_proto_item f;
    bool is_stderr = false;

    if (r->status != PB_GRPC_OK)
        return; /* an older provider does not have it */
    while (pb_proto_field(&w, &f) == 1) {
        if (f.number == 1 && !f.p)
            is_stderr = f.varint == PLUGIN__STDIO_DATA__CHANNEL__STDERR;
        else if (f.number == 2 && f.p && is_stderr)
            pb_plugin_said(c->plugin, f.p, f.n);
    }
}

static void connect_to(struct pb_client *c)
{
    struct pb_err err = PB_ERR_INIT;

    c->protocol = pb_plugin_protocol(c->plugin);
    if (pb_rpc_connect(&c->rpc, pb_plugin_socket(c->plugin), &err)) {
        lose(c, err.msg);
        return;
    }
    pb_rpc_call(c->rpc, &(struct pb_rpc_request){.path = "/plugin.GRPCStdio/StreamStdio",
                                                 .max_reply = (size_t)8 << 20,
                                                 .done = on_stdio,
                                                 .ctx = c,
                                                 .stream = true});
}

void pb_client_work(struct pb_client *c)
{
    pb_plugin_work(c->plugin);
    if (pb_plugin_state(c->plugin) == PB_PLUGIN_FAILED)
        lose(c, pb_plugin_problem(c->plugin));
    if (c->lost)
        return;
    if (!c->rpc && pb_plugin_state(c->plugin) == PB_PLUGIN_READY)
        connect_to(c);
    if (!c->rpc)
        return;
    pb_rpc_work(c->rpc);
    if (pb_rpc_fd(c->rpc) < 0)
        lose(c, pb_rpc_why(c->rpc));
}

enum pb_client_state pb_client_state(const struct pb_client *c)
{
    /* The connection may be lost while calls are being told so. */
    if (c->lost || (c->rpc && pb_rpc_fd(c->rpc) < 0))
        return PB_CLIENT_LOST;
    return c->rpc ? PB_CLIENT_READY : PB_CLIENT_STARTING;
}

int pb_client_protocol(const struct pb_client *c)
{
    return c->protocol;
}

int pb_client_fds(const struct pb_client *c, struct pollfd out[3])
{
    int n = pb_plugin_fds(c->plugin, out);

    if (c->rpc && pb_rpc_fd(c->rpc) >= 0)
        out[n++] = (struct pollfd){.fd = pb_rpc_fd(c->rpc), .events = pb_rpc_events(c->rpc)};
    return n;
}

int64_t pb_client_deadline(const struct pb_client *c)
{
    int64_t a = pb_plugin_deadline(c->plugin);
    int64_t b = c->rpc ? pb_rpc_next_deadline(c->rpc) : INT64_MAX;

    return a < b ? a : b;
}

void pb_client_call(struct pb_client *c, enum pb_call call, const ProtobufCMessage *m,
                    long timeout_ms, void (*done)(void *ctx, const struct pb_rpc_reply *r),
                    void *ctx)
{
    struct pb_buf body = PB_BUF_INIT;

    pb_proto_pack(&body, m);
    pb_rpc_call(c->rpc, &(struct pb_rpc_request){.path = paths[call][c->protocol == 6],
                                                 .msg = body.s,
                                                 .n = body.len,
                                                 .timeout_ms = timeout_ms,
                                                 .done = done,
                                                 .ctx = ctx});
    pb_buf_wipe(&body);
}

void pb_client_problem(struct pb_client *c, const char *reason, struct pb_buf *out)
{
    const char *why = c->problem ? c->problem : reason ? reason : "it failed";
    PB_AUTO(buf) struct pb_buf words = PB_BUF_INIT;
    const char *fate = NULL;
    int64_t until = pb_clock_ms() + FATE_MS;

    /* The connection is gone before the process is. */
    while (c->lost && !(fate = pb_plugin_fate(c->plugin)) && pb_clock_ms() < until)
        poll(NULL, 0, 10);
    pb_plugin_work(c->plugin);
    pb_plugin_last_words(c->plugin, &words);
    pb_buf_adds(out, why);
    if (fate && !strstr(why, fate))
        pb_buf_addf(out, " (%s)", fate);
    if (c->lost && words.len)
        pb_buf_addf(out, "; it said: %s", words.s);
}

struct pb_rpc_stats pb_client_stats(const struct pb_client *c)
{
    return c->rpc ? pb_rpc_stats(c->rpc) : (struct pb_rpc_stats){0};
}

static void on_shut(void *ctx, const struct pb_rpc_reply *r)
{
    struct pb_client *c = ctx;

    (void)r;
    c->shut = true;
}

/* True when it heard. */
static bool ask_to_leave(struct pb_client *c)
{
    int64_t until = pb_clock_ms() + SHUTDOWN_MS;

    if (c->lost || !c->rpc)
        return false;
    pb_rpc_call(c->rpc, &(struct pb_rpc_request){.path = "/plugin.GRPCController/Shutdown",
                                                 .timeout_ms = SHUTDOWN_MS,
                                                 .done = on_shut,
                                                 .ctx = c});
    while (!c->shut && !c->lost && pb_clock_ms() < until) {
        struct pollfd fds[3];

        pb_client_work(c);
        if (!c->shut)
            poll(fds, (nfds_t)pb_client_fds(c, fds), 20);
    }
    return c->shut || c->lost; /* it may be gone before it answers */
}

void pb_client_end(struct pb_client *c)
{
    bool asked;

    if (!c)
        return;
    asked = ask_to_leave(c);
    pb_rpc_free(c->rpc);
    pb_plugin_end(c->plugin, asked);
    free(c->problem);
    free(c);
}
