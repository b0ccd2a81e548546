/*
 * session.h: what the files behind the observer share: one observing run, its sessions (a
 * provider started for one configuration) and their targets (resources).
 */
#ifndef PB_PROVIDER_SESSION_H
#define PB_PROVIDER_SESSION_H

#include "backends/backend.h"
#include "backends/provider/client.h"
#include "backends/provider/diag.h"
#include "backends/provider/install.h"
#include "backends/provider/schemas.h"
#include "backends/provider/times.h"
#include "base/map.h"

enum {
    PB_SESSION_HANDSHAKE_MS = 60000, /* a large binary from a cold disk takes seconds */
    PB_SESSION_SETUP_MS = 90000,     /* schema, configure: logging in may be slow */
    PB_SESSION_CALL_MS = 120000,     /* one resource; providers retry by themselves */
    PB_SESSION_TOTAL_MS = 900000,
    PB_SESSION_RUNNING = 4, /* providers at once: each takes 100 MB and more */
    PB_SESSION_WINDOW = 10, /* calls under way: at first, and at most */
    PB_SESSION_WINDOW_MAX = 50,
    PB_SESSION_REASON_MAX = 900,
    PB_SESSION_DIAGS_MAX = 20 /* warnings repeated in the report */
};

struct pb_session;

struct pb_target {
    struct pb_session *session;
    const struct pb_recorded *rec;
    const struct pb_schema *schema;
    struct pb_live *out;
    struct pb_buf state;    /* upgraded, msgpack */
    struct pb_buf identity; /* the same */
    struct pb_buf notes;    /* the provider's own, to be given back */
    int64_t asked;          /* when it was read */
    bool answered;
    const struct pb_value *recorded; /* as upgraded */
    bool doubtful;                   /* it differs; `state` is then what was read: see compare.c */
};

enum pb_session_phase {
    PB_SESSION_WAITING,
    PB_SESSION_STARTING,
    PB_SESSION_LEARNING, /* the schema */
    PB_SESSION_CONFIGURING,
    PB_SESSION_READING,
    PB_SESSION_COMPARING, /* everything is answered; some of it is asked about once more */
    PB_SESSION_DONE
};

struct pb_session {
    struct pb_run *run;
    const char *key, *source, *version; /* of its configuration */
    const char *name;                   /* "aws" */
    const struct pb_provider_config *config;
    struct pb_install binary;
    enum pb_session_phase phase;
    struct pb_client *client;
    char *dir; /* private, of the socket */
    struct pb_plugin_schemas schemas;
    struct pb_map types; /* type -> struct pb_schema, or NULL */
    struct pb_target *targets;
    size_t ntargets, cap, next, under_way, answered;
    size_t compared;     /* targets looked at while comparing */
    const char *problem; /* why all that is left is unknown */
    struct pb_times times;
    int window, since_change;
    bool slowed;     /* more at once did make each slower */
    double slowness; /* of reads, smoothed, in times of the shortest of their type */
};

struct pb_run {
    const struct pb_observe_request *rq;
    struct pb_arena *arena;
    struct pb_observe_stats *stats;
    struct pb_session *sessions;
    size_t nsessions;
    int64_t deadline;
    struct pb_map said; /* warnings, each once */
};

/* session.c */
void pb_session_fail(struct pb_session *s, const char *fmt, ...) PB_PRINTF(2, 3);
long pb_session_time(const struct pb_session *s, long at_most); /* left, in ms; at least 1 */
/* Starts, or finds out why not. */
void pb_session_start(struct pb_session *s);
void pb_session_step(struct pb_session *s);
void pb_session_release(struct pb_session *s);

/* read.c, compare.c */
/* Before the first is read: what takes longest comes first. */
void pb_session_sort(struct pb_session *s);
/* Begins as many as may be under way. */
void pb_session_read_more(struct pb_session *s);
/* Whether what was read differs where a configuration can say something. */
bool pb_session_is_doubtful(const struct pb_target *t);
/* Begins as many comparisons as may be under way; false once there are no more. */
bool pb_session_compare_more(struct pb_session *s);
/* One call about a target, counted as under way until `done` has heard of it. */
void pb_session_ask(struct pb_target *t, enum pb_call call, const ProtobufCMessage *m,
                    void (*done)(void *ctx, const struct pb_rpc_reply *r));
/* In a `done`, of a call that may fail without anybody being told: the message, or NULL. */
void *pb_session_answer(struct pb_target *t, struct pb_arena *a,
                        const ProtobufCMessageDescriptor *d, const struct pb_rpc_reply *r);
bool pb_provider_same(const struct pb_value *a, const struct pb_value *b);
/* Whoever has no answer gets this one. */
void pb_session_settle(struct pb_session *s, const char *reason);
void pb_session_diagnostics(struct pb_session *s, const char *address,
                            Tfplugin6__Diagnostic *const *d, size_t n);

#endif
