/*
 * compare.h: whether two values mean the same, by the type that the provider publishes.
 *
 * - null equals absent, the empty collection and (but for elements of maps, where a tag
 *   that is empty is not a tag that is missing) the empty string: providers cannot tell
 *   them apart in a state. An object of which nothing is set equals null.
 * - null equals false and 0 only with PB_SAME_ZERO_IS_NULL, which the caller gives where
 *   Git is silent.
 * - Sets are multisets; numbers compare by value, also as strings where the type says
 *   number (and as numbers where it says string).
 * - Two strings that hold a JSON object or list compare as JSON, policy documents by what
 *   they mean (policydoc.h).
 * - A sealed value equals what seals to it.
 * - Unknown equals nothing, but for PB_SAME_UNKNOWN_MATCHES.
 */
#ifndef PB_RECONCILE_COMPARE_H
#define PB_RECONCILE_COMPARE_H

#include "model/schema.h"
#include "model/seal.h"

enum {
    PB_SAME_ZERO_IS_NULL = 1,
    PB_SAME_ELEMENT = 2, /* an element of a map: "" is not null */
    PB_SAME_UNKNOWN_MATCHES = 4
};

struct pb_compare {
    struct pb_arena *scratch;   /* for parsed JSON; may be emptied between calls */
    const struct pb_seal *seal; /* may be NULL: sealed values then equal only each other */
};

extern const struct pb_type pb_type_dynamic;

bool pb_same(const struct pb_compare *c, const struct pb_type *type, const struct pb_value *a,
             const struct pb_value *b, unsigned flags);

/* Bytes that are equal when the values are the same (but for sealed and unknown ones, which
 * match nothing here). For matching and sorting elements of sets. */
void pb_same_key(struct pb_buf *out, const struct pb_compare *c, const struct pb_type *type,
                 const struct pb_value *v, unsigned flags);

/* Whether v says nothing: null, absent, and what equals them under these flags. */
bool pb_same_as_null(const struct pb_type *type, const struct pb_value *v, unsigned flags);

/* The type without the fields of objects that appear nowhere in `live` (one value of that
 * type), so that what was not looked at takes no part in a comparison. Returns `type` itself
 * when nothing is missing. */
const struct pb_type *pb_type_observed(struct pb_arena *a, const struct pb_type *type,
                                       const struct pb_value *live);

#endif
