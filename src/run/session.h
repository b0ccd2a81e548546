/*
 * session.h: one unit while it is worked on: what its three sides come from, the exported tree
 * and the private folder, all of which are gone afterwards. Part of audit.h; apply.c acts in it.
 */
#ifndef PB_RUN_SESSION_H
#define PB_RUN_SESSION_H

#include "base/map.h"
#include "run/baseline.h"
#include "run/internal.h"
#include "run/live.h"

struct pb_session {
    struct pb_unit_result *u;
    struct pb_audit_shared *s;
    const struct pb_executor *executor;
    struct pb_unit_ctx ctx;
    char *work;
    bool keep; /* work and tree are another's, who removes them */
    /* The same unit as another tree has it: recorded, live and baseline are borrowed. */
    bool beside;
    struct pb_saved_plan saved;
    struct pb_recorded_set whole; /* the recorded side before targets narrowed it */
    char key[PB_SHA256_HEX];
    struct pb_live_set *baseline;
    struct pb_plugin_site site;
    struct pb_live_ahead ahead;
    struct pb_map renamed; /* addresses that the state has, of what is wanted under another */
};

/* Context, key of the tree and a private folder; `u` and `s` are set, the rest is zero. End it
 * also when it failed. */
int pb_session_init(struct pb_session *j, struct pb_err *err);
void pb_session_end(struct pb_session *j, struct pb_err *err);

/* j->ctx.tree is there from now on. The first unit that needs it exports for all. */
int pb_session_tree(struct pb_session *j, struct pb_err *err);

/* The recorded side as it is at this moment. */
int pb_session_record(struct pb_recorded_set *out, struct pb_arena *a, struct pb_session *j,
                      struct pb_err *err);
/* Whether the state is another one than `before` was read from. */
int pb_session_moved(bool *moved, const struct pb_recorded_set *before, struct pb_session *j,
                     struct pb_err *err);

/* The declared side for j->whole, from the cache or by the tool. */
int pb_session_declare(struct pb_session *j, struct pb_err *err);

/* Verdicts from the sides that j->u and j->baseline are; nothing is read. */
void pb_session_reconcile(struct pb_session *j);

/* Reads again, through what runs the tool's own plugins, what is not in sync in `seen`; *done:
 * some of it was, and j->u->live is another one. */
int pb_session_look_again(bool *done, struct pb_session *j, const struct pb_reconcile_out *seen,
                          struct pb_err *err);

/* Verdicts from the sides that j->u has, with a second reading of what is not in sync. */
int pb_session_judge(struct pb_session *j, struct pb_err *err);

/* For reading j->u->recorded; the caller sets providers and schemas. */
struct pb_live_request pb_session_request(struct pb_session *j);

struct pb_baseline_id pb_session_baseline(const struct pb_session *j);
/* Remembers what was verified, in that state. */
int pb_session_save_baseline(struct pb_session *j, const struct pb_recorded_set *state,
                             struct pb_err *err);

/* narrow.c: all but the targets is taken out of the sides. */
void pb_narrow_recorded(struct pb_session *j);
void pb_narrow_declared(struct pb_session *j);
void pb_narrow_live(struct pb_session *j);

#endif
