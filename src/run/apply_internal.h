/* apply_internal.h: what the files behind apply.h share. */
#ifndef PB_RUN_APPLY_INTERNAL_H
#define PB_RUN_APPLY_INTERNAL_H

#include "run/apply.h"
#include "run/area.h"
#include "run/journal.h"
#include "run/record.h"
#include "run/session.h"

#define PB_AREA_BEFORE "before.tfstate"

struct pb_recovery;

struct pb_applying {
    struct pb_apply_run *run;
    struct pb_session *j;
    struct pb_area area;
    struct pb_journal *journal;
    struct pb_err journal_err; /* an event that could not be written down */
    struct pb_record record;
    const char *rev;
    char id[PB_RANDOM_HEX]; /* of this apply, in every entry of the ledger about it */
    bool recording;         /* the record is open */
    bool told;              /* the ledger has its beginning */
    bool fresh;             /* the area is ours */
    bool keep_area;         /* not at its end: recovery goes on from there */
    bool moved;
    bool unadopted;               /* it was refused because something has to be imported first */
    struct pb_recovery *recovery; /* where to say what became of an earlier apply; or NULL */
    size_t done;
    int64_t start;
};

/* recover.c. Leaves word of this apply in its area; brings one to its end that another process
 * left. */
int pb_apply_begun(const struct pb_applying *p, struct pb_err *err);
int pb_apply_settle(struct pb_applying *p, struct pb_err *err);
/* recover_orphans.c. A planned creation of what a recovery has proposed for import: it would be
 * made twice. NULL: there is none; else its address, and *file says where the proposal is. */
const char *pb_apply_unadopted(char **file, const struct pb_applying *p);

/* apply_finish.c: from the exit of the tool to the end. Never fails: what went wrong is in the
 * outcome, and the area is kept where somebody has to go on. */
void pb_apply_finish(struct pb_applying *p);
void pb_apply_take_event(struct pb_applying *p, const struct pb_apply_event *e);
/* Reads the resources of `set` again, as the unit's own were read. */
int pb_apply_look(struct pb_live_set *out, struct pb_applying *p, const struct pb_recorded_set *set,
                  struct pb_err *err);
void pb_apply_close(struct pb_applying *p); /* the area is not needed any more */

/* apply_tell.c: journal and ledger in words. */
struct pb_value pb_apply_prepared(const struct pb_applying *p, struct pb_arena *a);
struct pb_value pb_apply_exited(const struct pb_applying *p, struct pb_arena *a);
int pb_apply_tell_refused(struct pb_applying *p, struct pb_err *err);
int pb_apply_tell_started(struct pb_applying *p, struct pb_err *err);
void pb_apply_tell_not_started(struct pb_applying *p, const struct pb_err *why);
int pb_apply_tell_finished(struct pb_applying *p, struct pb_err *err);
/* The ledger's copies elsewhere. What cannot be copied now will be with the next entry. */
void pb_apply_anchor(struct pb_applying *p);

#endif
