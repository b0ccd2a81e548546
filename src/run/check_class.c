/* What of a change is whose: the pure part of check.h. */
#include "run/check.h"

const struct pb_check_class_row pb_check_classes[PB_NCHECKS] = {
    [PB_CHECK_NONE] = {"none", "nothing changes", false},
    [PB_CHECK_SETTLES] = {"settles", "differed before, and nothing is left to do after merging",
                          false},
    [PB_CHECK_PENDING] = {"pending", "was to be applied already before this change", false},
    [PB_CHECK_REVERTS] = {"reverts",
                          "changed outside of Git: any apply takes it back, as it would "
                          "before this change",
                          false},
    [PB_CHECK_UNSEEN] = {"unseen", "could not be observed", false},
    [PB_CHECK_CAUSED] = {"caused", "this change asks for it", true},
    [PB_CHECK_COLLIDES] = {"collides",
                           "this change asks for something else of what was changed outside of Git",
                           true},
};

const char *const pb_check_mode_names[PB_NCHECK_MODES] = {"planned", "static", "added", "removed",
                                                          "failed"};

/* ---- attributes ----------------------------------------------------------------------------- */

/* An apply would change nothing but the record, or not even that. */
static bool agrees(enum pb_verdict v)
{
    switch (v) {
    case PB_IN_SYNC:
    case PB_UNCHECKED:
    case PB_COMPUTED:
    case PB_STALE_RECORD:
    case PB_CONVERGED: return true;
    case PB_PENDING:
    case PB_UNKNOWN_V:
    case PB_UNOBSERVED:
    case PB_UNMANAGED:
    case PB_LAUNDERED:
    case PB_DRIFTED:
    case PB_MISSING:
    case PB_CONFLICT:
    case PB_NVERDICTS: break;
    }
    return false;
}

/* Somebody changed it outside, and an apply would take that back. */
static bool outside(enum pb_verdict v)
{
    return v == PB_DRIFTED || v == PB_LAUNDERED || v == PB_CONFLICT || v == PB_MISSING;
}

/* Base was silent about what somebody did outside, and the change asks for just that. */
static bool taken_over(enum pb_verdict before, enum pb_verdict after)
{
    return before == PB_COMPUTED && (after == PB_CONVERGED || after == PB_STALE_RECORD);
}

static bool unseen(enum pb_verdict v)
{
    return v == PB_UNKNOWN_V || v == PB_UNOBSERVED;
}

static enum pb_check_class of_others(enum pb_verdict before)
{
    if (unseen(before))
        return PB_CHECK_UNSEEN;
    if (outside(before))
        return PB_CHECK_REVERTS;
    return before == PB_PENDING ? PB_CHECK_PENDING : PB_CHECK_NONE;
}

enum pb_check_class pb_check_attr_class(bool touched, enum pb_verdict before, enum pb_verdict after)
{
    if (!touched)
        return of_others(before);
    if (unseen(after) || unseen(before))
        return PB_CHECK_UNSEEN;
    if (agrees(after))
        return agrees(before) && !taken_over(before, after) ? PB_CHECK_NONE : PB_CHECK_SETTLES;
    /* Base had taken over what was done outside: it is not Git's alone either. */
    if (outside(before) || before == PB_CONVERGED)
        return PB_CHECK_COLLIDES;
    switch (after) {
    case PB_DRIFTED:
    case PB_CONFLICT:
    case PB_MISSING: return PB_CHECK_COLLIDES;
    /* It goes back to what was verified once. Where base asked for what is there now, Git
     * explains the way there and the way back. */
    case PB_LAUNDERED: return agrees(before) ? PB_CHECK_CAUSED : PB_CHECK_COLLIDES;
    default: return PB_CHECK_CAUSED;
    }
}

/* ---- resources ------------------------------------------------------------------------------ */

static enum pb_check_class worse(enum pb_check_class a, enum pb_check_class b)
{
    return a > b ? a : b;
}

static bool asks(enum pb_action a)
{
    return a != PB_ACT_NONE && a != PB_ACT_READ;
}

/* Of what the change does not touch. */
static enum pb_check_class as_before(const struct pb_check_cell *c)
{
    enum pb_check_class class = c->attrs;

    if (asks(c->after))
        class = worse(class, PB_CHECK_PENDING);
    if (c->missing)
        class = worse(class, PB_CHECK_REVERTS);
    if (c->unobserved)
        class = worse(class, PB_CHECK_UNSEEN);
    return class;
}

/* The change leaves it alone, or asks for what the state has. */
static enum pb_check_class of_quiet(const struct pb_check_cell *c)
{
    enum pb_check_class class = c->attrs;

    if (c->brought)
        return worse(class, PB_CHECK_CAUSED);
    if (asks(c->before))
        class = worse(class, PB_CHECK_SETTLES);
    if (c->missing)
        class = worse(class, PB_CHECK_REVERTS);
    return c->unobserved ? worse(class, PB_CHECK_UNSEEN) : class;
}

static enum pb_check_class of_update(const struct pb_check_cell *c)
{
    if (c->missing)
        return PB_CHECK_COLLIDES;
    if (c->unobserved)
        return PB_CHECK_UNSEEN;
    if (c->brought)
        return worse(c->attrs, PB_CHECK_CAUSED);
    if (c->settled)
        return worse(c->attrs, PB_CHECK_SETTLES);
    /* No attribute that is compared explains it, and base does not ask for it. */
    return c->before != PB_ACT_UPDATE && !c->blind ? worse(c->attrs, PB_CHECK_CAUSED) : c->attrs;
}

/* A deletion or replacement is about all of it, so whatever was changed outside is overwritten. */
static enum pb_check_class of_whole(const struct pb_check_cell *c)
{
    if (c->missing && c->after == PB_ACT_DELETE)
        return PB_CHECK_SETTLES;
    if (c->outside || c->missing)
        return PB_CHECK_COLLIDES;
    return c->unobserved ? PB_CHECK_UNSEEN : PB_CHECK_CAUSED;
}

static enum pb_check_class of_touched(const struct pb_check_cell *c)
{
    switch (c->after) {
    case PB_ACT_NONE:
    case PB_ACT_READ: return of_quiet(c);
    case PB_ACT_UPDATE: return of_update(c);
    case PB_ACT_CREATE: return c->outside || c->missing ? PB_CHECK_COLLIDES : PB_CHECK_CAUSED;
    case PB_ACT_FORGET: return PB_CHECK_CAUSED;
    case PB_ACT_DELETE:
    case PB_ACT_REPLACE:
    case PB_ACT_UNKNOWN: break;
    }
    return of_whole(c);
}

struct pb_check_answer pb_check_resource_class(const struct pb_check_cell *c)
{
    struct pb_check_answer a = {.touched = c->touched || c->brought || c->before != c->after};

    if (!a.touched) {
        a.class = as_before(c);
        return a;
    }
    a.class = of_touched(c);
    /* What is made or forgotten has nothing that could have been seen. */
    a.unseen =
        a.class == PB_CHECK_UNSEEN || c->blind ||
        (c->unobserved && asks(c->after) && c->after != PB_ACT_CREATE && c->after != PB_ACT_FORGET);
    return a;
}
