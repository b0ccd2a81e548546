/* Bringing an apply to its end that another process left. */
#include "run/apply_internal.h"

int pb_apply_settle(struct pb_applying *p, struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_journal_read was;

    if (pb_journal_read(&was, a, p->area.current, err) < 0)
        return -1;
    switch (was.step) {
    case PB_JS_NONE:
    case PB_JS_PREPARED:
    case PB_JS_LOCKED:
    case PB_JS_CLOSED: return 0; /* nothing was touched, or all of it is over */
    case PB_JS_STARTED:
    case PB_JS_EXITED:
    case PB_JS_STATE_OK:
    case PB_JS_LIVE_OK:
    case PB_JS_NSTEPS: break;
    }
    return pb_fail(err, PB_E_LOCKED,
                   "an apply of '%s' did not come to its end (the last step was '%s'): 'plumb "
                   "recover' brings it there",
                   p->j->u->config.name, pb_journal_steps[was.step]);
}
