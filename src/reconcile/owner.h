/*
 * owner.h: who owns what a mirror shows (echo.h, kind: mirror).
 *
 * A parent that shows what its children make says nothing new, but only where there are such
 * children: what somebody else put there, by hand, is nobody's. So an echo names them:
 *
 *	- type: example_group
 *	  path: ingress
 *	  kind: mirror
 *	  why: shows rules that are resources of their own
 *	  elsewhere: true                       # their `of` is unique in the world
 *	  alike: [[tcp, "6"]]                   # spellings that are one, in where, key and each
 *	  owners:
 *	    - type: example_rule
 *	      of: {group_id: id}                # the rule's attribute: the group's
 *	      where: {direction: ingress}       # the rule's attribute: the value
 *	      key: {port: port}                 # an element's member: the rule's attribute
 *	      each: {sources: source}           # the same, and every value in it needs a rule
 *
 * of     all have to agree. A list of the parent's attributes: one of them. Where the child's
 *        is a list: one of its values.
 * where  only such children. A list: one of these.
 * key    which elements of the mirrored list a child owns; all have to agree, null, "", false
 *        and 0 being one. "." is an element that is no object. Without `key` and `each`, a
 *        child owns all of it.
 * each   members of an element that collect what many children ask for under one key: each
 *        value in it has to be named by some child with this key. `true` is named also by an
 *        attribute that is set at all (a group that refers to itself).
 *
 * Children are looked for among what is declared and what is recorded, of the parent's own provider
 * configuration. One of which it is not known what it refers to owns nothing. What else is not
 * known of a child (PB_UNKNOWN, sealed, or no such attribute) may be anything: it agrees.
 * Attributes that are no lists are owned by any child.
 *
 * elsewhere  children may be of another provider configuration, and are looked for in what the
 *            states of other units record, too (in->others). Not for what is referred to by a
 *            name that another account may have as well.
 */
#ifndef PB_RECONCILE_OWNER_H
#define PB_RECONCILE_OWNER_H

#include "reconcile/echo.h"
#include "reconcile/reconcile.h"

struct pb_owners;

/* `in` and what it points to have to live as long. Nothing is looked for before it is asked
 * for. One thread. */
struct pb_owners *pb_owners_new(const struct pb_reconcile_in *in);
void pb_owners_free(struct pb_owners *o);

/* Whether somebody owns what `parent` (attributes, with its provider configuration) shows at
 * e->path: `item` of it, or the attribute as a whole when NULL. `by` is one of them. */
struct pb_owned_by {
    const char *unit; /* another one; NULL: this one */
    const char *address;
};
bool pb_owned(struct pb_owned_by *by, struct pb_owners *o, const struct pb_echo *e,
              const struct pb_value *parent, const char *provider, const struct pb_value *item);

#endif
