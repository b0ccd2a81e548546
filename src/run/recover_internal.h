/* recover_internal.h: what the files behind recover.h share. */
#ifndef PB_RUN_RECOVER_INTERNAL_H
#define PB_RUN_RECOVER_INTERNAL_H

#include "run/apply_internal.h"
#include "run/recover.h"

/* What an interrupted apply is called in what is said about it. */
struct pb_settling {
    struct pb_area *area;
    struct pb_record *record;
    struct pb_recovery *out;
    struct pb_arena *arena;
    const struct pb_value *began; /* begun.json; NULL: it did not come that far */
    struct pb_journal_read was;
    struct pb_journal *journal;

    /* Of the commit that was applied, in the area's own folders. */
    const struct pb_executor *executor;
    struct pb_unit_ctx ctx;

    struct pb_apply_result tool;
    size_t events; /* that the tool had told of */
    struct pb_state_lock lock;
    struct pb_recorded_set before; /* lineage, serial and digest alone */
    struct pb_recorded_set after;
    char *now; /* a copy of the state as it was found; NULL: there is none */
    size_t orphans, doubtful;
};

/* "at 1234abcd, begun 2026-01-01T10:00:00Z" */
const char *pb_settling_words(const struct pb_settling *s);
void pb_settling_say(struct pb_settling *s, const char *fmt, ...) PB_PRINTF(2, 3);

/* recover.c: by the last step. The caller has filled area to ctx, and closes the area. */
int pb_settle(struct pb_settling *s, struct pb_err *err);

/* recover_state.c */
/* The tool's events that the journal does not have are added to it. */
int pb_settle_events(struct pb_settling *s, struct pb_err *err);
/* Whose the state's own lock is: PB_E_REFUSED when somebody else's, or perhaps so. */
int pb_settle_lock(struct pb_settling *s, struct pb_err *err);
int pb_settle_unlock(struct pb_settling *s, struct pb_err *err);
/* A tool that is killed while it plans may leave an empty state where there was none. */
int pb_settle_planned(struct pb_settling *s, struct pb_err *err);
/* Finds the state that counts and puts it where it belongs; fills s->after. */
int pb_settle_state(struct pb_settling *s, struct pb_err *err);

/* recover_orphans.c: import blocks for what exists and is in no state. */
int pb_settle_orphans(struct pb_settling *s, struct pb_err *err);

#endif
