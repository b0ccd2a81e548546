/*
 * journal.h: what an apply has done so far, on disk before and after each step, so that whatever
 * ends it, the next one knows.
 *
 *	struct pb_journal *j;
 *	if (pb_journal_begin(&j, area, &origin, &err) < 0) ...
 *	pb_journal_add(j, PB_JS_PREPARED, &body, &err);	// durable on return
 *	...
 *	pb_journal_end(j);	// the area can be removed now
 *
 * The journal of an apply is a ledger of its own (ledger/ledger.h) in the folder `journal` of its
 * area: framed, chained, a torn end is seen. It is private, and short: events have no values.
 */
#ifndef PB_RUN_JOURNAL_H
#define PB_RUN_JOURNAL_H

#include "backends/backend.h"
#include "ledger/ledger.h"

/* In the order in which they happen. After each: what a crash there leaves behind. */
enum pb_journal_step {
    PB_JS_NONE,     /* nothing was begun */
    PB_JS_PREPARED, /* decided; nothing was touched */
    PB_JS_LOCKED,   /* the evidence holds, the state is kept aside; nothing was touched */
    PB_JS_STARTED,  /* the tool runs or ran: anything may have happened */
    PB_JS_EXITED,   /* it has ended, and said how */
    PB_JS_STATE_OK, /* the state is whole and was read */
    PB_JS_LIVE_OK,  /* what was touched was looked at */
    PB_JS_CLOSED,   /* the ledger has it */
    PB_JS_NSTEPS
};
extern const char *const pb_journal_steps[PB_JS_NSTEPS]; /* "prepared", ... */

struct pb_journal;

int pb_journal_begin(struct pb_journal **out, const char *area, const struct pb_ledger_origin *o,
                     struct pb_err *err);
/* Goes on with one that is there. */
int pb_journal_resume(struct pb_journal **out, const char *area, const struct pb_ledger_origin *o,
                      struct pb_err *err);
void pb_journal_end(struct pb_journal *j); /* NULL is fine */

/* `body` is a map, or NULL. */
int pb_journal_add(struct pb_journal *j, enum pb_journal_step step, const struct pb_value *body,
                   struct pb_err *err);
int pb_journal_event(struct pb_journal *j, const struct pb_apply_event *e, struct pb_err *err);
/* What recovery is about to do: "recover.put", and which way. */
int pb_journal_note(struct pb_journal *j, const char *kind, const char *what, struct pb_err *err);

/* ---- reading -------------------------------------------------------------------------------- */

/* What became of one resource, by the last event about it. */
struct pb_journal_change {
    const char *address;
    enum pb_action action;
    enum pb_apply_step step;
    const char *id; /* or NULL */
};

struct pb_journal_read {
    enum pb_journal_step step;                 /* the last one */
    const struct pb_value *body[PB_JS_NSTEPS]; /* of each step that was taken; or NULL */
    const char *time[PB_JS_NSTEPS];            /* RFC 3339 */
    struct pb_journal_change *changes;         /* in the order in which they were started */
    size_t nchanges;
    const char *put; /* by a recovery: the last note "recover.put"; or NULL */
    bool torn;       /* the last entry was not written whole */
};

/* An area without a journal: step NONE. Everything is in the arena. */
int pb_journal_read(struct pb_journal_read *out, struct pb_arena *a, const char *area,
                    struct pb_err *err);

#endif
