/*
 * policydoc.h: policy documents, the JSON dialect in which Version, Statement, Effect and
 * Action are written. Two that mean the same can look different: a single statement or a
 * list of one, "Action": "x" or ["x"], lists in any order, an account's number or its root's
 * name as a principal, true or "true" in a condition.
 *
 * pb_policydoc_normal() gives all spellings of one policy the same value; compare with
 * pb_value_equal(). It resolves spelling only: wildcards are not expanded, and statements
 * are not merged.
 */
#ifndef PB_RECONCILE_POLICYDOC_H
#define PB_RECONCILE_POLICYDOC_H

#include "model/value.h"

/* Whether a parsed JSON value is such a document: a map whose Statement is a statement or a
 * list of statements. */
bool pb_policydoc_is(const struct pb_value *v);
struct pb_value pb_policydoc_normal(struct pb_arena *a, const struct pb_value *v);

#endif
