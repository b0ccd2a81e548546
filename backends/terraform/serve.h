/*
 * serve.h: providers that stay while several commands use them.
 *
 * Terraform starts each provider anew in each of plan, show and schemas, and in a plan more than
 * once: with one of 700 MB these are seconds in each. plumb starts it once, from a package that an
 * init has checked (lend.h), and says where it listens (TF_REATTACH_PROVIDERS, as tests of
 * providers do).
 *
 *	s = pb_tf_serve(p, &lent);		// starts, and does not wait
 *	... init of the backend ...
 *	pb_tf_serve_use(s, &run);		// commands use what is ready by now
 *	... plan, show ...
 *	pb_tf_serve_end(s, &run, NULL);
 *
 * Terraform also decodes what a provider says of all its types in each command, which takes longer
 * than all else that it does with a few resources. So it is told of the types whose names are in
 * the unit's text or state (backends/plugin/lender.h). What is missing it calls an error, never an
 * answer: who gets one that speaks of types or schemas asks again without serving.
 *
 * A process has one configuration, and Terraform makes one for each: what has several in a unit (an
 * alias, a provider block in a module) is not served, nor what cannot be known from the text.
 * None of it is an error: what is not served Terraform starts by itself, as ever.
 *
 * An apply is served by processes of its own, which have had no configuration yet. It goes on when
 * plumb is killed, and so must its providers: it gets their lifelines, as its child processes do.
 * They are gone when it and they are.
 */
#ifndef PB_TERRAFORM_SERVE_H
#define PB_TERRAFORM_SERVE_H

#include "backends/terraform/lend.h"

struct pb_tf_serving;
struct pb_tf_saved;

/* NULL: nothing is. The run needs its whole environment. */
struct pb_tf_serving *pb_tf_serve(const struct pb_tf_planning *p, const struct pb_tf_lent *l);
/* For the apply of a plan that was made with pb_tf_serve. */
struct pb_tf_serving *pb_tf_serve_saved(const struct pb_tf_run *r, const struct pb_tf_saved *saved);

/* Waits until they are ready; false: none is. */
bool pb_tf_serve_use(struct pb_tf_serving *s, struct pb_tf_run *r);
/* For a command that asks for all types. */
void pb_tf_serve_whole(const struct pb_tf_serving *s, struct pb_strv *env);
const int *pb_tf_serve_lifelines(const struct pb_tf_serving *s); /* for keep_fds; once in use */
/* Commands of the run start providers by themselves again. NULL is fine. `why`, unless NULL, gets
 * which provider ended before that, and how; what it said may be secret. */
void pb_tf_serve_end(struct pb_tf_serving *s, struct pb_tf_run *r, struct pb_buf *why);

#endif
