#include "reconcile/presence.h"

static struct pb_presence_answer just(enum pb_verdict v, enum pb_action action, const char *why)
{
    return (struct pb_presence_answer){.verdict = v, .action = action, .reason = why};
}

static struct pb_presence_answer with_attributes(enum pb_verdict v, enum pb_action action,
                                                 const char *why)
{
    struct pb_presence_answer a = just(v, action, why);

    a.attributes = true;
    return a;
}

static struct pb_presence_answer unrecorded(const struct pb_presence_cell *c)
{
    if (c->declared) {
        switch (c->action) {
        case PB_ACT_DELETE:
        case PB_ACT_FORGET:
            return just(PB_UNOBSERVED, c->action,
                        "the plan removes it, and the state does not have it: the state has moved "
                        "since the plan was made");
        case PB_ACT_CREATE:
            if (c->verified && c->live != PB_LOOK_KNOWN)
                return just(PB_LAUNDERED, c->action,
                            "it was there when last verified, and the state no longer has it: "
                            "deleted outside and dropped by a refresh, or removed from the state");
            return just(PB_PENDING, c->action,
                        c->live == PB_LOOK_KNOWN ? "it exists already, and no state has it" : NULL);
        default:
            return just(PB_PENDING, c->action,
                        "the plan has it and the state has not: an import, or the state has moved");
        }
    }
    if (c->live == PB_LOOK_KNOWN)
        return just(PB_UNMANAGED, PB_ACT_NONE, NULL);
    if (c->live == PB_LOOK_UNKNOWN)
        return just(PB_UNOBSERVED, PB_ACT_NONE, NULL);
    return (struct pb_presence_answer){.none = true};
}

/* Deleted by somebody: what the plan wants decides whether that is bad news. */
static struct pb_presence_answer absent(enum pb_action action)
{
    if (action == PB_ACT_DELETE || action == PB_ACT_FORGET)
        return just(PB_CONVERGED, action, "Git drops it, and it is already gone");
    return just(PB_MISSING, action, NULL);
}

static struct pb_presence_answer known(const struct pb_presence_cell *c, enum pb_action action)
{
    struct pb_presence_answer a = with_attributes(PB_IN_SYNC, action, NULL);

    switch (action) {
    case PB_ACT_NONE:
    case PB_ACT_READ: break;
    case PB_ACT_UPDATE: /* the attributes say what: pending, or converged already */
        a.verdict = PB_PENDING;
        a.floor_if_quiet = true;
        break;
    case PB_ACT_DELETE:
    case PB_ACT_FORGET:
    case PB_ACT_REPLACE: a.verdict = PB_PENDING; break;
    case PB_ACT_CREATE:
        return with_attributes(PB_PENDING, action,
                               "the plan creates it, and the state has it: the state has moved "
                               "since the plan was made");
    case PB_ACT_UNKNOWN:
        return with_attributes(PB_PENDING, action,
                               "the plan has an action that this version does not know");
    }
    if (c->tainted)
        return with_attributes(PB_PENDING, action, "tainted: the state wants it replaced");
    return a;
}

struct pb_presence_answer pb_presence(const struct pb_presence_cell *c)
{
    enum pb_action action = c->declared ? c->action : PB_ACT_NONE;
    struct pb_presence_answer a;

    if (c->deposed)
        return just(PB_PENDING, PB_ACT_DELETE,
                    "a deposed object, left by a replacement that did not end; the next apply "
                    "deletes it");
    if (!c->recorded)
        return unrecorded(c);
    if (!c->declared && c->complete)
        action = PB_ACT_DELETE; /* Git has dropped it */
    switch (c->live) {
    case PB_LOOK_ABSENT: return absent(action);
    case PB_LOOK_NONE: return with_attributes(PB_UNOBSERVED, action, "it was not looked at");
    case PB_LOOK_UNKNOWN: return with_attributes(PB_UNOBSERVED, action, NULL);
    case PB_LOOK_KNOWN: break;
    }
    a = known(c, action);
    if (!c->declared && !c->complete)
        a = with_attributes(PB_UNKNOWN_V, action,
                            "the plan is not complete and does not speak of it");
    return a;
}
