/*
 * engine.h: one run of the rest observer: resources, their steps, and the requests that they
 * share. Internal to backends/rest.
 *
 * Everything is driven by replies: a step is sent as soon as what it refers to is there, a
 * reply is handed to every step that waits for it, and what became possible then is
 * sent at once. No types wait for each other.
 *
 *	engine.c            a resource's steps: when to send, what a reply means for them
 *	engine_fetch.c      a request and its pages, sent once for all who want it
 *	engine_batch.c      ids collected into one request
 *	engine_context.c    a provider configuration: credentials, endpoints, canary
 *	engine_find.c       an object in the replies of a fetch
 *	engine_silence.c    operations that return nothing to anybody
 *	engine_finish.c     what was seen of a resource, once every reply is in
 */
#ifndef PB_BACKENDS_REST_ENGINE_H
#define PB_BACKENDS_REST_ENGINE_H

#include "backends/auth/auth.h"
#include "backends/auth/aws.h"
#include "backends/backend.h"
#include "backends/rest/proto.h"
#include "backends/rest/rest.h"
#include "base/map.h"

struct run;
struct fetch;
struct res;

struct endpoint { /* of a service in a context */
    const char *url, *region;
    const char *problem;
    const char *budget; /* "ec2@eu-west-1" */
};

/* A provider configuration that is in use. */
struct context {
    struct run *run;
    const char *key;
    size_t index;
    const struct pb_pack_provider *pack;
    const struct pb_value *values; /* of the provider block, or NULL */
    struct pb_auth *auth;
    const char *problem; /* nothing can be asked */
    const char *region, *partition, *dns_suffix;
    struct pb_tag_rules tags;
    struct endpoint *endpoints; /* parallel to pack->services */
    struct fetch *canary;
    const char *account; /* from the canary */
    time_t asked, told;  /* our clock and the API's when the canary came; told 0: not known */
    const char *canary_reason;
    bool weighed; /* which account and region most records name: */
    const char *recorded_account, *recorded_region;
    struct pb_map counts; /* type -> size_t *: how many resources */
};

/* ALONE is like MANY, for one object: its batch was refused. */
enum way { WAY_MANY = 0, WAY_ALONE, WAY_ONE, WAY_CONFIRM };
enum step_state {
    STEP_WAITS = 0, /* for other steps */
    STEP_SENT,
    STEP_DONE,
    STEP_NONE,    /* null: not configured */
    STEP_SKIPPED, /* its condition is false */
    STEP_FAILED,
    STEP_GONE /* a witness that does not exist itself, says the API */
};

/* What an operation said in this run, whoever asked: an API that returns nothing for anybody
 * may be silent rather than empty. */
struct op {
    struct op *all;    /* the same for all provider configurations; NULL: this is that */
    const char *label; /* "iam ListAttachedRolePolicies" */
    bool spoke;        /* it returned something */
    size_t differ;     /* resources of which the record has what it does not return */
};

struct step_run {
    enum step_state state;
    struct pb_value value;
    const char *reason;
    struct op *op;     /* that answered last */
    struct op *many;   /* that was asked for many, or NULL */
    bool silent;       /* with nothing */
    const char *doubt; /* why what is not in the value may be there all the same */
};

struct res {
    struct run *run;
    const struct pb_recorded *rec;
    const struct pb_pack *pack;
    struct context *ctx;
    struct step_run *steps;
    struct pb_value *lets;
    uint64_t lets_done;
    const char *problem; /* unknown as a whole */
    bool suspect;        /* the identity step says that it is not there */
    bool listed_twice, others_listed;
    const char *garbled;      /* a reply that was none */
    const char *code, *label; /* of the reply that said so */
    bool advancing;
    const struct pb_value *derived; /* its attributes, where no doubt is left; or NULL */
};

struct waiter {
    struct res *res; /* NULL: the canary */
    uint8_t step;
    uint8_t way;
};

struct page_index { /* of the items of a fetch, for one request's `match` */
    const struct pb_request *rq;
    struct pb_map map; /* key -> struct pb_list_builder * */
    size_t items;
    struct page_index *next;
};

struct fetch {
    struct run *run;
    struct context *ctx;
    struct endpoint *ep;
    struct pb_ask ask;
    struct pb_wire wire;
    bool done;
    enum pb_reply_kind kind; /* of the first page */
    const char *code, *reason;
    int status;
    bool denied, throttled; /* of the first page */
    const char *incomplete; /* why pages are missing; NULL: all are there */
    const char *doubt;      /* why they may be, though the API does not say so */
    struct pb_value *docs;
    size_t ndocs, cap;
    struct pb_map tokens; /* of the pages so far, so that a repetition is seen */
    long number;
    struct waiter *waiters;
    size_t nwaiters, wcap;
    struct page_index *indexes;
    struct fetch *next; /* all of the run */
};

struct batch { /* requests that differ only in their keys */
    struct context *ctx;
    struct pb_ask ask;   /* without keys */
    struct pb_map where; /* key -> struct chunk *: also of chunks that were sent */
    struct chunk *open;  /* the one that takes more keys, or NULL */
};

struct chunk { /* the keys of one request */
    struct batch *batch;
    const char **keys;
    size_t n, max;
    struct waiter *waiters;
    size_t nwaiters, wcap;
    struct fetch *fetch; /* once sent */
    struct chunk *next;  /* to be sent */
};

struct run {
    struct pb_arena *a;   /* for this run alone */
    struct pb_arena *out; /* for what is told */
    const struct pb_observe_request *rq;
    const struct pb_rest_transport *transport;
    struct pb_packs *packs;
    struct context **contexts;
    size_t ncontexts, ccap;
    struct res *res;
    size_t nres;
    size_t asked, answered; /* fetches, for progress */
    struct pb_map fetches;  /* key -> struct fetch * */
    struct fetch *all;
    struct pb_map batches; /* key -> struct batch * */
    struct pb_map ops;     /* key -> struct op * */
    struct chunk *unsent;
};

/* engine_context.c */
struct context *context_for(struct run *run, const char *key, const struct pb_pack_provider *p);
struct endpoint *context_endpoint(struct context *c, const struct pb_service *s);
struct pb_value context_setting(struct context *c, const char *name);
void context_ask_canary(struct context *c);
void context_canary_done(struct context *c, struct fetch *f);
void context_release(struct context *c);

/* engine_fetch.c */
/* Waits for that request, which is sent unless it was already; `fresh`: not one that was
 * sent for another reason. */
struct fetch *fetch_submit(struct run *run, struct context *c, const struct pb_ask *ask,
                           bool fresh);
void fetch_add_waiter(struct fetch *f, struct waiter w);
/* What makes two requests one. */
const char *fetch_key(struct context *c, const struct pb_ask *ask);
void fetch_release(struct fetch *f);

/* engine_batch.c */
/* keys: at least one, and no more than the request's batch_max. */
void batch_add(struct run *run, struct context *c, const struct pb_ask *ask,
               const char *const *keys, size_t n, struct waiter w);
void batch_flush(struct run *run);

/* engine_find.c */
enum found { FOUND_IT, FOUND_NOTHING, FOUND_FAULT, FOUND_UNCLEAR };
/* FOUND_FAULT: *why tells what is wrong with the reply; FOUND_UNCLEAR: with the record.
 * *others: how many items there are. */
enum found find_object(struct pb_value *out, struct fetch *f, const struct pb_request *rq,
                       struct pb_eval *ev, size_t *others, const char **why);

/* engine.c */
void res_eval(struct pb_eval *ev, struct res *r);
void res_start(struct res *r);
void res_advance(struct res *r);
void res_reply(struct waiter w, struct fetch *f);

/* engine_silence.c */
/* Notes what a step's reply had for a resource, and for others. */
void silence_note(struct res *r, unsigned step, const struct pb_request *rq, struct fetch *f,
                  bool nothing, size_t others);
/* Once every reply is in: which resources miss what a silent operation did not return. */
void silence_weigh(struct run *run);
/* Why what a step did not return may be there all the same; NULL: it is not. */
const char *silence_doubt(const struct res *r, unsigned step);

/* engine_finish.c */
/* Derives what it can when no reply is missing any more, while others are waited for. */
void res_settled(struct res *r);
void res_finish(struct pb_live *out, struct res *r);

#endif
