/*
 * area.h: where an apply works: a folder of plumb's state for each unit (repository, path,
 * workspace), with the lease and, while an apply is not closed, all that it needs to be brought
 * to its end.
 *
 *	lease     locked by the apply and everything that it started
 *	current/  begun.json, tree/ work/ of the unit, journal/, before.tfstate
 *	imports-TIME.tf, set-aside-N.tfstate
 *	          what a recovery kept for somebody to use, until an apply is verified
 */
#ifndef PB_RUN_AREA_H
#define PB_RUN_AREA_H

#include "base/err.h"
#include "run/baseline.h"

struct pb_area {
    char *dir;     /* of the unit */
    char *current; /* of the apply */
    int lease;     /* -1: not held */
};
#define PB_AREA_INIT   \
    {                  \
        NULL, NULL, -1 \
    }

/* Takes the lease. PB_E_LOCKED when another apply has it still after `wait_ms`. What has it alone
 * are plugins (by their program; NULL: none is known) whose tool is gone: nobody can ask them for
 * anything any more, and they never end by themselves, so they are ended. */
int pb_area_take(struct pb_area *out, const struct pb_baseline_id *id, long wait_ms,
                 bool (*is_plugin)(const char *program), struct pb_err *err);
void pb_area_release(struct pb_area *a);

/* Makes `current` afresh; what is in it is gone. */
int pb_area_clean(struct pb_area *a, struct pb_err *err);
/* Import blocks and states that a recovery kept: a verified apply is past them. */
void pb_area_forget(const struct pb_area *a);
char *pb_area_file(const struct pb_area *a, const char *name); /* in current; caller frees */

#endif
