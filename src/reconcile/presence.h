/*
 * presence.h: what can be said of a resource from which sides have it at all. The table is
 * in README.md, and the tests enumerate it whole. Internal to reconcile.
 */
#ifndef PB_RECONCILE_PRESENCE_H
#define PB_RECONCILE_PRESENCE_H

#include "model/snapshot.h"
#include "model/verdict.h"

enum pb_looked { PB_LOOK_NONE = 0, PB_LOOK_KNOWN, PB_LOOK_ABSENT, PB_LOOK_UNKNOWN };

struct pb_presence_cell {
    bool declared; /* the plan speaks of it */
    bool complete; /* the plan speaks of everything */
    enum pb_action action;
    bool recorded;
    enum pb_looked live;
    bool tainted, deposed;
    bool verified; /* it was there when a baseline was saved */
};

struct pb_presence_answer {
    bool none;               /* there is nothing to report */
    bool attributes;         /* the attributes are walked; the worst of them counts */
    bool floor_if_quiet;     /* `verdict` counts only when the attributes do not differ */
    enum pb_verdict verdict; /* at least this */
    enum pb_action action;   /* what an apply would do */
    const char *reason;      /* or NULL */
};

struct pb_presence_answer pb_presence(const struct pb_presence_cell *c);

#endif
