/*
 * reconcile.h: three snapshots in, verdicts out. Pure: no I/O, no clock, no globals.
 *
 *	struct pb_reconcile_in in = {.declared = &d, .recorded = &r, .live = &l, ...};
 *	pb_reconcile(&out, arena, &in);
 *
 * The truth table is DESIGN.md's (section 2), enumerated whole in the tests:
 * in_sync, pending, drifted, converged, conflict, stale_record, computed, unknown,
 * laundered, unchecked per attribute; presence and the worst attribute per resource.
 *
 * Comparison is by schema (compare.h): sets are unordered, null equals absent (and, where a
 * provider cannot tell them apart, the empty collection), JSON in strings compares as
 * JSON, numbers by value. Values that differ only in a known echo are PB_IN_SYNC with
 * `echo` set, shown with --all.
 */
#ifndef PB_RECONCILE_RECONCILE_H
#define PB_RECONCILE_RECONCILE_H

#include "model/seal.h"
#include "model/snapshot.h"
#include "model/verdict.h"

struct pb_ignore_set; /* ignore.h */
struct pb_echo_set;   /* echo.h */

enum { PB_IGNORED_REASONS = 3 };

struct pb_attr_result {
    const char *path; /* Terraform's notation */
    enum pb_verdict verdict;
    const struct pb_value *declared; /* NULL: Git is silent, or the resource is not declared */
    /* As the plan has it, where `declared` is the record's spelling of that; else as `declared`. */
    const struct pb_value *planned;
    const struct pb_value *recorded; /* NULL: absent */
    const struct pb_value *live;     /* NULL: absent, or not `seen` */
    bool seen;                       /* an observer looked at it */
    const struct pb_value *baseline; /* as last verified; NULL: absent, or no baseline has it */
    bool has_baseline;               /* the baseline has something to say about it */
    bool baseline_is_live;           /* and the world is that still */
    bool sensitive;
    bool ignored;       /* an ignore rule took it out of the verdict; kept for --all */
    bool nobodys;       /* shown by what it is part of, and no resource here owns it */
    const char *reason; /* why unknown, unchecked, ignored or an echo; or NULL */
};

struct pb_resource_result {
    const char *address;
    const char *moved_from; /* the address that the state still has it under, or NULL */
    const char *type;
    const char *id; /* or NULL */
    enum pb_verdict verdict;
    enum pb_verdict also;  /* what differs beside what could not be seen; else PB_IN_SYNC */
    enum pb_action action; /* what Terraform plans to do, from the declared side */
    const char *observer;  /* or NULL */
    const char *reason;    /* why unobserved, missing, ...; or NULL */
    bool ignored;          /* the whole resource is ignored */
    const struct pb_attr_result *attrs; /* all that are not in_sync; with `all`, every one */
    size_t nattrs;
    size_t attrs_total, attrs_observed;
    bool nobodys;         /* some attribute is */
    const char *unlooked; /* attributes that Git sets and the observer does not look at, or NULL */
};

struct pb_coverage {
    size_t resources_observed, resources_total;
    size_t attributes_observed, attributes_total;
};

/* Attributes that differ, or could not be seen, and that rules ignore. */
struct pb_ignored {
    size_t n;
    const char *reasons[PB_IGNORED_REASONS]; /* the first of them, each once */
    size_t nreasons;
    bool more; /* there are other reasons, too */
};

struct pb_neighbour {
    const char *unit;
    const struct pb_recorded_set *recorded;
};

struct pb_reconcile_in {
    const struct pb_declared_set *declared;
    const struct pb_recorded_set *recorded;
    const struct pb_live_set *live;
    const struct pb_live_set *baseline; /* NULL: none was saved */
    const struct pb_schema_set *schemas;
    const struct pb_ignore_set *ignore; /* may be NULL */
    const struct pb_echo_set *echoes;   /* may be NULL */
    const struct pb_seal *seal;         /* for comparing sealed values; may be NULL */
    bool all;                           /* keep in_sync attributes too */
    /* Other units, whose resources may own what these mirror. */
    const struct pb_neighbour *others;
    size_t nothers;
    /* Whose resources may own what these mirror; NULL: they themselves. */
    const struct pb_reconcile_in *whole;
};

struct pb_reconcile_out {
    const struct pb_resource_result *v; /* sorted by address; managed resources only */
    size_t n;
    size_t by_verdict[PB_NVERDICTS];
    size_t also[PB_NVERDICTS]; /* of those counted as unobserved or unknown */
    struct pb_coverage coverage;
    size_t nobodys; /* resources of which some attribute is */
    size_t echoes;  /* attributes in sync only as known echoes, but for those that repeat another */
    struct pb_ignored ignored; /* without what is ignored as a whole */
};

void pb_reconcile(struct pb_reconcile_out *out, struct pb_arena *a,
                  const struct pb_reconcile_in *in);

/* The verdict of one attribute from which sides agree; the truth table itself. */
struct pb_cell {
    bool declared_silent; /* Git does not set it */
    bool declared_known, live_known, write_only;
    bool d_eq_r, r_eq_l, d_eq_l;
    bool has_baseline, baseline_eq_d, baseline_eq_l;
};
enum pb_verdict pb_cell_verdict(const struct pb_cell *c);

#endif
