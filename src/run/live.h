/*
 * live.h: asking the observers: each resource goes to the first that covers its type, and
 * every recorded resource gets an answer, if only UNKNOWN with the reason.
 */
#ifndef PB_RUN_LIVE_H
#define PB_RUN_LIVE_H

#include "backends/backend.h"

/* In a reason: between what one observer said and what the next said that was asked too. */
#define PB_LIVE_NOR "; nor otherwise: "

/* What an observer has begun to read; zeros: nothing. */
struct pb_live_ahead {
    const struct pb_observer *of;
    void *what;
};

struct pb_live_request {
    const struct pb_recorded_set *recorded; /* what is to be read */
    const struct pb_recorded_set *whole;    /* all of the unit; NULL: no more than that */
    const struct pb_provider_config *providers;
    size_t nproviders;
    const struct pb_schema_set *schemas; /* may be NULL */
    const struct pb_value *local_types;  /* schemas/local-types.yaml */
    const char *observer;                /* only this one, or NULL */
    const char *pack_dirs;
    /* For observers that run plugins: where those are, or NULL. Itself NULL: there are none. */
    const struct pb_plugin_site *(*plugins)(void *ctx);
    /* For the last resort: the unit, whose tree is there once this was called; or NULL. */
    const struct pb_unit_ctx *(*unit)(void *ctx, struct pb_err *err);
    void *ctx;
    const struct pb_live_ahead *ahead; /* or NULL */
    int concurrency;
    long timeout_ms; /* for all that is counted in the same statistics; 0: the observers' own */
    const struct pb_progress *progress;
    struct pb_diags *diags;
};

/* Optional, as soon as it is known what is recorded: the observer that will be asked first (or
 * `observer`) begins with its own files. End it when nothing is read any more. */
void pb_live_ahead_start(struct pb_live_ahead *out, struct pb_crew *crew, const char *observer,
                         const char *pack_dirs, const struct pb_recorded_set *recorded);
void pb_live_ahead_end(struct pb_live_ahead *h);

/* Results are sorted by address. Sensitive parts are marked as the state and the schemas
 * say. Deposed objects are not looked at. */
int pb_live_read(struct pb_live_set *out, struct pb_observe_stats *stats, struct pb_arena *a,
                 const struct pb_live_request *rq, struct pb_err *err);

/* Reads again those whose provider configuration is another one in rq->providers than it was
 * in `before`; `set` is changed in place. *again counts them. */
int pb_live_again(struct pb_live_set *set, size_t *again, struct pb_observe_stats *stats,
                  struct pb_arena *a, const struct pb_live_request *rq,
                  const struct pb_provider_config *before, size_t nbefore, struct pb_err *err);

/* Reads those of `want` (n indexes into set->v, ascending) through observers that run the tool's
 * plugins; what is not known even then because those could not work at all, through the tool
 * itself. `set` is changed in place where they know more. What they could not tell is added to
 * the reason of what was not known before, and told as a notice otherwise. */
int pb_live_confirm(struct pb_live_set *set, const size_t *want, size_t n,
                    struct pb_observe_stats *stats, struct pb_arena *a,
                    const struct pb_live_request *rq, struct pb_err *err);

/* NULL when there is none of that name. */
const struct pb_observer *pb_live_observer(const char *name);

/* Marks as sensitive what is so in `like` (same shape) or by the type. `like`, `t` may be NULL. */
struct pb_value pb_live_mark(struct pb_arena *a, const struct pb_value *v,
                             const struct pb_value *like, const struct pb_type *t);

#endif
