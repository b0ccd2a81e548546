/*
 * proto.h: from a pack's request to bytes, and from bytes to a document or a fault.
 * Pure: no I/O. One row per protocol in the table of proto_reply.c.
 *
 *	struct pb_ask ask;
 *	const char *why = pb_ask_render(&ask, request, &ev);	// NULL: fine
 *	pb_ask_put(&ask, arena, place, values, n);		// batch keys, page tokens
 *	pb_ask_wire(&wire, arena, &ask, endpoint);
 *	...
 *	pb_reply_read(&view, arena, request, &ask, &reply);
 */
#ifndef PB_BACKENDS_REST_PROTO_H
#define PB_BACKENDS_REST_PROTO_H

#include "backends/rest/pack.h"
#include "observe/http.h"

struct pb_pair {
    const char *name, *value;
};
struct pb_pairs {
    struct pb_pair *v; /* in the arena */
    size_t n, cap;
};

/* A request of which everything is known but the endpoint. */
struct pb_ask {
    const struct pb_request *rq;
    const char *action; /* or NULL */
    const char *path;   /* percent-encoded, or NULL */
    struct pb_pairs query, form, headers;
    struct pb_value body;       /* PB_NULL: none */
    const char *url;            /* the whole, where the reply before gave it; or NULL */
    const char *label;          /* "ec2 DescribeVpcs" */
    const struct pb_auth *auth; /* whose secrets are taken out of what the server says; or NULL */
};

/* NULL, or why it cannot be asked. */
const char *pb_ask_render(struct pb_ask *out, const struct pb_request *rq, struct pb_eval *ev);
/* Adds values where a pack says: form.X as X.1, X.2, ... when `numbered`. */
void pb_ask_put(struct pb_ask *ask, struct pb_arena *a, const struct pb_place *place,
                const char *const *values, size_t n, bool numbered);
/* A copy whose pairs can grow without touching the first. */
struct pb_ask pb_ask_copy(struct pb_arena *a, const struct pb_ask *ask);

struct pb_wire {
    const char *method, *url;
    char **headers;
    const char *body;
    size_t body_len;
};
void pb_ask_wire(struct pb_wire *out, struct pb_arena *a, const struct pb_ask *ask,
                 const char *endpoint);

enum pb_reply_kind { PB_REPLY_BAD = 0, PB_REPLY_OK, PB_REPLY_FAULT };
struct pb_reply_view {
    enum pb_reply_kind kind;
    struct pb_value doc; /* OK */
    const char *code;    /* FAULT */
    const char *reason;  /* BAD, FAULT: for people, with what would help */
    int status;          /* 0: there was no reply */
    bool denied;         /* FAULT: these credentials may not */
    bool throttled;      /* BAD, FAULT: the API asks to slow down */
};
/* Whether there is anything in it but what every reply has. */
bool pb_reply_says(const struct pb_value *doc);
void pb_reply_read(struct pb_reply_view *out, struct pb_arena *a, const struct pb_ask *ask,
                   const struct pb_http_reply *reply);
/* Whether a reply with that status and body means "slow down". */
bool pb_reply_throttled(const struct pb_service *s, int status, const char *body, size_t n);

#endif
