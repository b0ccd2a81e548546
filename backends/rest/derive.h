/*
 * derive.h: attributes from replies, by a pack's rules. Pure.
 */
#ifndef PB_BACKENDS_REST_DERIVE_H
#define PB_BACKENDS_REST_DERIVE_H

#include "backends/rest/pack.h"

enum pb_truth { PB_FALSE = 0, PB_TRUE, PB_TRUTH_UNKNOWN };
/* *why is the reason when unknown; may be NULL. */
enum pb_truth pb_cond_eval(const struct pb_cond *c, struct pb_eval *ev, const char **why);

/* ev->skipped tells afterwards whether a step was needed that had not been sent. */
struct pb_value pb_rule_eval(const struct pb_rule *r, struct pb_eval *ev);

/* All attributes of a pack as a map; those that need a step that was not sent are left out.
 * doubts[step], where it is not NULL, says why that step's replies may lack something: what the
 * record has and they do not is then unknown. NULL: no doubts; otherwise PB_MAX_STEPS. */
struct pb_value pb_derive(const struct pb_pack *pack, struct pb_eval *ev,
                          const char *const *doubts);
/* The steps (a bit set) behind attributes that have less than the record. */
unsigned pb_derive_missed(const struct pb_pack *pack, struct pb_eval *ev);

/* derive_group.c: objects with equal `by` members become one. */
struct pb_value pb_group(struct pb_arena *a, const struct pb_value *list, const char *const *by);
/* Splits grouped objects as `recorded` has them, as far as their contents allow. */
struct pb_value pb_split_like(struct pb_arena *a, const struct pb_value *groups,
                              const char *const *by, const struct pb_value *recorded);

#endif
