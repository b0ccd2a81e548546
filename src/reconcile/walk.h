/*
 * walk.h: the attributes of one resource, leaf by leaf. Internal to reconcile.
 */
#ifndef PB_RECONCILE_WALK_H
#define PB_RECONCILE_WALK_H

#include "reconcile/compare.h"
#include "reconcile/echo.h"
#include "reconcile/reconcile.h"

struct pb_walk {
    struct pb_arena *arena; /* of the results */
    struct pb_compare cmp;
    const struct pb_reconcile_in *in;

    /* Set for each resource. */
    const char *address;
    const char *provider;                 /* whose configuration it uses; or NULL */
    const struct pb_schema *schema;       /* or NULL */
    const struct pb_declared *declared;   /* or NULL */
    const struct pb_value *d, *r, *l, *b; /* attributes; NULL: no such side */
    bool silent;                          /* Git says nothing about any of them */
    bool unobserved;                      /* the resource could not be observed */
    const char *why_unobserved;
    const char *const *unseeable; /* attributes that nobody can see by asking; or NULL */
    struct pb_echoes echoes;
    struct pb_owners *owners; /* of what mirrors show */

    /* What came out; v is reused from resource to resource. */
    struct pb_attr_result *v;
    size_t n, cap;
    enum pb_verdict worst;     /* of those that count */
    enum pb_verdict differs;   /* the worst of these that is known to differ */
    bool asked, asked_ignored; /* Git asks for another value than the record's */
    struct pb_ignored ignored;
    size_t total, observed;
    struct pb_buf unlooked; /* attributes that Git sets and nobody looked at: their names */
    size_t echoed;          /* known echoes, but for those that repeat another attribute */
};

void pb_walk_resource(struct pb_walk *w);
void pb_walk_release(struct pb_walk *w);

#endif
