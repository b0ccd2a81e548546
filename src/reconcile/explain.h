/*
 * explain.h: everything known about one resource, as data for whoever renders it. Pure.
 *
 *	struct pb_explanation e;
 *	if (pb_explain(&e, arena, &in, address) < 0)
 *	    ... nobody knows that address; e.nearest may have a suggestion
 *
 * `in` is what pb_reconcile() gets, whole; only the one resource is judged, with every
 * attribute kept. Everything points into `in` and the arena. Values may be sensitive: look
 * at attr->sensitive before showing any.
 */
#ifndef PB_RECONCILE_EXPLAIN_H
#define PB_RECONCILE_EXPLAIN_H

#include "reconcile/reconcile.h"

struct pb_explained_attr {
    const struct pb_attr_result *attr; /* the three values, verdict, reason */
    const struct pb_value *baseline;   /* as last verified after an apply; NULL: not known */
    bool git_decides;                  /* else the provider does: Git is silent */
    bool replaces;                     /* a change of it forces replacement */
    const char *meaning;               /* of the verdict, one line */
    const char *apply_would;
};

struct pb_explanation {
    const struct pb_resource_result *result;
    const struct pb_declared *declared; /* NULL: Git does not have it */
    const struct pb_recorded *recorded; /* NULL: the state does not have it */
    const struct pb_live *live;         /* NULL: it was not looked at */
    const struct pb_live *baseline;     /* NULL: never verified after an apply */
    const struct pb_schema *schema;     /* NULL: compared structurally */
    const struct pb_explained_attr *attrs;
    size_t nattrs;
    const char *meaning; /* of the resource's verdict */
    const char *apply_would;
    const char *nearest; /* when nobody knows the address: one like it, or NULL */
};

/* -1: neither side knows the address. No struct pb_err: that is the only way to fail. */
int pb_explain(struct pb_explanation *out, struct pb_arena *a, const struct pb_reconcile_in *in,
               const char *address);

#endif
