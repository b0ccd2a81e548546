/*
 * echo.h: known echoes, differences that say nothing: a parent that mirrors settings of its
 * children, a default that an API fills in. A difference there is in sync, with the
 * echo's reason, and shown with --all.
 *
 * They are data (schemas/echoes.yaml), since plumb's code names no cloud:
 *
 *	- type: example_role           # or "*"
 *	  path: inline_policy          # and everything below; [*] is any index or key
 *	  kind: mirror
 *	  why: shows the policies that example_role_policy resources attach
 *
 * mirror      another resource owns it: applies only where Git says nothing about it, and
 *             with `owners` only to what one of them explains (owner.h has what they say)
 * null_empty  null, false, 0 and empty are one
 * case        letter case does not count
 * unordered   a list whose order does not count
 * declared    the reverse of an echo: Git decides about it, though the schema says that the
 *             provider computes it (all tags, from the tags and the provider's default tags).
 *             With `repeats: tags`, what differs there in the same way is shown once.
 */
#ifndef PB_RECONCILE_ECHO_H
#define PB_RECONCILE_ECHO_H

#include "base/err.h"
#include "model/value.h"

enum pb_echo_kind {
    PB_ECHO_MIRROR = 0,
    PB_ECHO_NULL_EMPTY,
    PB_ECHO_CASE,
    PB_ECHO_UNORDERED,
    PB_ECHO_DECLARED
};

/* Resources of one type that make what a mirror shows. */
struct pb_owner {
    const char *type;
    const struct pb_value *of;    /* its attribute: the mirroring resource's, or a list of them */
    const struct pb_value *where; /* its attribute: the value, or a list of them; or NULL */
    const struct pb_value *key;   /* of an element of the mirror: its attribute; or NULL */
    const struct pb_value *each;  /* the same for members that hold one value of many owners */
};

struct pb_echo {
    const char *type;
    const char *path;
    enum pb_echo_kind kind;
    const char *why;
    const char *repeats;           /* DECLARED: another attribute of the same shape, or NULL */
    const struct pb_owner *owners; /* MIRROR: whoever may own it; none: anybody */
    size_t nowners;
    const struct pb_value *alike; /* lists of spellings that are one, in keys; or NULL */
    bool elsewhere;               /* MIRROR: owners may be other units' as well */
};

struct pb_echo_set;

/* `list` is the file's parsed YAML; it and the result live in the arena. */
int pb_echo_parse(const struct pb_echo_set **out, struct pb_arena *a, const struct pb_value *list,
                  const char *file, struct pb_err *err);

/* The echoes of one type ("*" included), for repeated pb_echo_match(). */
struct pb_echoes {
    const struct pb_echo *own, *any;
    size_t nown, nany;
};
struct pb_echoes pb_echo_of(const struct pb_echo_set *s, const char *type); /* s may be NULL */
/* All of them, of whatever type. */
const struct pb_echo *pb_echo_all(const struct pb_echo_set *s, size_t *n); /* s may be NULL */
/* The next echo whose path covers `path`, from *at on; NULL at the end. Start with *at = 0. */
const struct pb_echo *pb_echo_match(const struct pb_echoes *e, const char *path, size_t *at);

#endif
