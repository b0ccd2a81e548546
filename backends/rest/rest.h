/*
 * rest.h: the pack interpreter behind struct pb_observer pb_rest, with its transport as a
 * parameter, so that tests can answer instead of a network.
 */
#ifndef PB_BACKENDS_REST_REST_H
#define PB_BACKENDS_REST_REST_H

#include "backends/backend.h"
#include "observe/http.h"

struct pb_rest_transport {
    int (*submit)(void *ctx, const struct pb_http_rq *rq);
    int (*run)(void *ctx, struct pb_err *err); /* as pb_http_run */
    void (*stats)(void *ctx, struct pb_http_stats *out);
    void *ctx;
};

/* As pb_rest.observe, over `transport`. */
int pb_rest_observe(struct pb_live *out, struct pb_observe_stats *stats, struct pb_arena *a,
                    const struct pb_observe_request *rq, const struct pb_rest_transport *transport,
                    struct pb_err *err);

/* As pb_rest.examine, over `transport`. */
void pb_rest_examine(struct pb_diags *out, struct pb_arena *a, const struct pb_observe_request *rq,
                     const struct pb_rest_transport *transport);

#endif
