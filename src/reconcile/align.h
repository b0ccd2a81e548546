/*
 * align.h: which elements of a set are the same one, on each side.
 *
 * Equal elements are matched first (sorted by key: near linear). What is left over, when the
 * elements are objects, is paired by how many fields agree, so that a change inside one
 * element is reported as that and not as an element gone and another one come.
 */
#ifndef PB_RECONCILE_ALIGN_H
#define PB_RECONCILE_ALIGN_H

#include "reconcile/compare.h"

/* Indexes into the four lists; -1: that side does not have it. */
struct pb_aligned {
    long d, r, l, b;
};

struct pb_align_in {
    const struct pb_type *elem;
    const struct pb_value *d, *r, *l, *b; /* lists; NULL or null: takes no part or is empty */
};

/* In the order of the recorded list, then what is recorded nowhere. Caller frees *out. */
size_t pb_align_set(struct pb_aligned **out, const struct pb_compare *c,
                    const struct pb_align_in *in);

#endif
