/*
 * ignore.h: what the configuration says not to look at.
 *
 *	ignore:
 *	  - address: module.legacy            # the module, the resource or the instance itself
 *	    reason: goes away in March
 *	  - address: /module\.web-[0-9]+\..+/
 *	    path: desired_capacity            # and everything below; [*] is any index
 *	    reason: the autoscaler owns it
 *
 * A pattern between slashes is a regular expression (pcre2) that must match the whole
 * address or path. Anything else is taken literally: an address covers what is inside the
 * module or resource that it names, a path covers what lies below it. Without `path` the
 * whole resource is ignored; without `address`, or with "*", the rule is for every resource.
 *
 * Expressions run under a match limit. One that exceeds it, or fails otherwise, is not
 * applied from then on, and pb_ignore_problems() says so: an audit never hides something
 * because a pattern failed.
 */
#ifndef PB_RECONCILE_IGNORE_H
#define PB_RECONCILE_IGNORE_H

#include "base/err.h"
#include "model/snapshot.h"

struct pb_ignore_set;
struct pb_ignored; /* reconcile.h */

/* `list` is the parsed YAML of `ignore:` (NULL: no rules); `file` is for messages. */
int pb_ignore_parse(struct pb_ignore_set **out, const struct pb_value *list, const char *file,
                    struct pb_err *err);
void pb_ignore_free(struct pb_ignore_set *s);

/* The rule's reason ("ignored by rule at line 7" when it gives none), or NULL: not ignored. */
const char *pb_ignore_resource(const struct pb_ignore_set *s, const char *address);
const char *pb_ignore_attribute(const struct pb_ignore_set *s, const char *address,
                                const char *path);

/* One more that is ignored, for this reason; and all that another has. */
void pb_ignored_add(struct pb_ignored *g, const char *why);
void pb_ignored_join(struct pb_ignored *g, const struct pb_ignored *other);

/* Warnings "ignore-rule" for rules whose patterns failed. */
void pb_ignore_problems(const struct pb_ignore_set *s, struct pb_diags *d, struct pb_arena *a);

/* What a rule is about, of all that was met. */
enum pb_ignore_use { PB_IGNORE_NO_ADDRESS, PB_IGNORE_NO_ATTRIBUTE, PB_IGNORE_USED };

/* Here is a resource, one side of it or its type alone (each may be NULL). It is enough that
 * something is there: it need not differ. An element of a map or list that is not there agrees,
 * so a literal path is used where the attribute is. A rule that failed counts as used. */
void pb_ignore_meet(const struct pb_ignore_set *s, const char *address,
                    const struct pb_value *attributes, const struct pb_type *type);
/* Of the i-th rule, in the order of the list. */
enum pb_ignore_use pb_ignore_use_of(const struct pb_ignore_set *s, size_t i);

void pb_auto_ignore(struct pb_ignore_set **s);

#endif
