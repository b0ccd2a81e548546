/* The truth table of one attribute; README.md shows it, the tests enumerate it whole. */
#include "reconcile/reconcile.h"

enum pb_verdict pb_cell_verdict(const struct pb_cell *c)
{
    if (c->write_only)
        return PB_UNCHECKED;
    if (!c->live_known)
        return PB_UNKNOWN_V;
    if (c->declared_silent)
        return c->r_eq_l ? PB_IN_SYNC : PB_COMPUTED;
    /* Git will set something that only an apply tells: pending; and when the world has
     * moved as well, nobody can say that the two agree. */
    if (!c->declared_known)
        return c->r_eq_l ? PB_PENDING : PB_CONFLICT;
    /* Comparison is not transitive in every corner (null, "" and 0): two agreements are
     * taken for three. */
    if (c->d_eq_r + c->r_eq_l + c->d_eq_l >= 2)
        return PB_IN_SYNC;
    if (c->d_eq_r)
        return PB_DRIFTED;
    if (c->r_eq_l)
        return c->has_baseline && c->baseline_eq_d ? PB_LAUNDERED : PB_PENDING;
    if (c->d_eq_l)
        /* b a b and a b a look alike; that the world has not moved since the last verified
         * apply tells them apart. */
        return c->has_baseline && c->baseline_eq_l ? PB_STALE_RECORD : PB_CONVERGED;
    return PB_CONFLICT;
}
