/* Why a planned change is there. */
#include "policy/gate.h"

#include "base/arena.h"

#include <string.h>

const char *const pb_cause_names[PB_NCAUSES] = {"record",    "git",         "revert", "requested",
                                                "overwrite", "unexplained", "unseen"};
const char *const pb_cause_meanings[PB_NCAUSES] = {
    "only the record changes",
    "Git asks for it",
    "undoes a change made outside of Git",
    "the command line asks for it",
    "overwrites a change made outside of Git with another",
    "nothing in Git explains it",
    "cannot be proved: the live value was not seen",
};

int pb_cause_parse(enum pb_cause *out, const char *name)
{
    for (int i = 0; i < PB_NCAUSES; i++)
        if (strcmp(pb_cause_names[i], name) == 0) {
            *out = (enum pb_cause)i;
            return 0;
        }
    return -1;
}

/* What an apply would do to one attribute, and why. */
static enum pb_cause of_attr(const struct pb_gate_attr *at)
{
    switch (at->verdict) {
    case PB_PENDING:
        /* Git has changed, and so had the world before a refresh hid it. */
        return at->has_baseline && !at->baseline_is_live ? PB_CAUSE_OVERWRITE : PB_CAUSE_GIT;
    case PB_LAUNDERED:
    case PB_DRIFTED:
    case PB_MISSING: return PB_CAUSE_REVERT;
    case PB_CONFLICT: return PB_CAUSE_OVERWRITE;
    case PB_UNKNOWN_V:
    case PB_UNOBSERVED: return PB_CAUSE_UNSEEN;
    case PB_IN_SYNC:
    case PB_UNCHECKED:
    case PB_COMPUTED:
    case PB_STALE_RECORD:
    case PB_CONVERGED:
    case PB_UNMANAGED:
    case PB_NVERDICTS: break;
    }
    return PB_CAUSE_RECORD;
}

static enum pb_cause of_attrs(const char **why, struct pb_arena *a, const struct pb_gate_change *c)
{
    enum pb_cause worst = PB_CAUSE_RECORD;

    for (size_t i = 0; i < c->nattrs; i++) {
        enum pb_cause one = of_attr(&c->attrs[i]);

        if (one <= worst)
            continue;
        worst = one;
        *why = pb_arena_printf(a, "%s: %s", c->attrs[i].path, pb_cause_meanings[one]);
    }
    return worst;
}

static enum pb_cause of_create(const char **why, const struct pb_gate_change *c)
{
    if (c->verdict == PB_MISSING) {
        *why = "it was deleted outside of Git";
        return PB_CAUSE_REVERT;
    }
    if (c->verdict == PB_UNOBSERVED || c->verdict == PB_UNKNOWN_V) {
        *why = "whether it still exists could not be seen";
        return PB_CAUSE_UNSEEN;
    }
    if (c->in_baseline) {
        *why = "it was verified earlier and is no longer in the state: a second one would be made";
        return PB_CAUSE_UNEXPLAINED;
    }
    *why = "Git declares it, and it does not exist yet";
    return PB_CAUSE_GIT;
}

/* Git no longer says what it should be, so only what was verified can tell. */
static const struct pb_gate_attr *changed_since(const struct pb_gate_change *c)
{
    for (size_t i = 0; i < c->nattrs; i++) {
        const struct pb_gate_attr *at = &c->attrs[i];

        if (at->verdict == PB_COMPUTED && at->settable && at->has_baseline && !at->baseline_is_live)
            return at;
    }
    return NULL;
}

static enum pb_cause of_delete(const char **why, struct pb_arena *a, const struct pb_gate_change *c,
                               bool has_baseline)
{
    enum pb_cause cause = of_attrs(why, a, c);
    const struct pb_gate_attr *changed = changed_since(c);

    if (c->verdict == PB_UNOBSERVED || c->verdict == PB_UNKNOWN_V) {
        *why = "what it is now could not be seen";
        return PB_CAUSE_UNSEEN;
    }
    if (c->verdict == PB_MISSING) {
        *why = "it is gone already";
        return PB_CAUSE_RECORD;
    }
    if (cause > PB_CAUSE_GIT) /* somebody changed what Git now takes away */
        return PB_CAUSE_OVERWRITE;
    if (c->requested) {
        *why = "the command line asks for it, and Git does not";
        return PB_CAUSE_REQUESTED;
    }
    if (changed) {
        *why = pb_arena_printf(a, "%s: somebody changed it outside of Git, and Git takes it away",
                               changed->path);
        return PB_CAUSE_OVERWRITE;
    }
    if (c->in_baseline) {
        *why = "Git no longer declares it";
        return PB_CAUSE_GIT;
    }
    *why = has_baseline
               ? "it was not there when the unit was last verified: another branch may have made it"
               : "no apply was verified yet, so another branch may have made it";
    return PB_CAUSE_UNEXPLAINED;
}

/* It is in no state yet, so nothing else can be told of it. */
static enum pb_cause of_import(const char **why, const struct pb_gate_change *c)
{
    if (c->action == PB_ACT_REPLACE) {
        *why = "an import block takes it in, and the plan would put another in its place";
        return PB_CAUSE_OVERWRITE;
    }
    *why = "an import block takes it in, and Git asks for something else of it";
    return PB_CAUSE_GIT;
}

enum pb_cause pb_cause_of(const char **why, struct pb_arena *a, const struct pb_gate_change *c,
                          bool has_baseline)
{
    enum pb_cause cause;

    *why = pb_cause_meanings[PB_CAUSE_RECORD];
    switch (c->action) {
    case PB_ACT_NONE:
    case PB_ACT_READ:
    case PB_ACT_FORGET: return PB_CAUSE_RECORD;
    case PB_ACT_CREATE: return of_create(why, c);
    case PB_ACT_DELETE: return of_delete(why, a, c, has_baseline);
    case PB_ACT_UPDATE:
    case PB_ACT_REPLACE: break;
    case PB_ACT_UNKNOWN:
        *why = "this version of plumb does not know what the plan wants with it";
        return PB_CAUSE_UNEXPLAINED;
    }
    if (c->verdict == PB_UNOBSERVED) {
        *why = "what it is now could not be seen";
        return PB_CAUSE_UNSEEN;
    }
    cause = of_attrs(why, a, c);
    if (c->requested && cause < PB_CAUSE_REQUESTED) {
        *why = "the command line asks for it, and Git does not";
        return PB_CAUSE_REQUESTED;
    }
    if (cause != PB_CAUSE_RECORD)
        return cause;
    if (c->imports)
        return of_import(why, c);
    if (c->moves)
        return PB_CAUSE_RECORD;
    if (c->verdict == PB_CONVERGED || c->verdict == PB_STALE_RECORD)
        return PB_CAUSE_RECORD;
    for (size_t i = 0; i < c->nattrs; i++)
        if (c->attrs[i].verdict == PB_COMPUTED) {
            *why = pb_arena_printf(a,
                                   "%s: changed outside of Git, and the provider wants its own "
                                   "value back",
                                   c->attrs[i].path);
            return PB_CAUSE_REVERT;
        }
    *why = "neither Git nor the world changed anything about it: look at provider version, "
           "variables and data sources";
    return PB_CAUSE_UNEXPLAINED;
}
