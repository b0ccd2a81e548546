/*
 * serve.h: providers that stay while several commands use them.
 *
 * Terraform starts each provider anew in each of plan, show and schemas, and in a plan more than
 * once: with one of 700 MB these are seconds in each. plumb starts it once, from a package that an
 * init has checked (lend.h), and says where it listens (TF_REATTACH_PROVIDERS, as tests of
 * providers do).
 *
 *	s = pb_tf_serve(&run, &lent, tree);	// starts, and does not wait
 *	... init of the backend ...
 *	pb_tf_serve_use(s, &run);		// commands use what is ready by now
 *	... plan, show ...
 *	pb_tf_serve_end(s, &run);
 *
 * A process has one configuration, and Terraform makes one for each: what has several in a unit (an
 * alias, a provider block in a module) is not served, nor what cannot be known from the text.
 * None of it is an error: what is not served Terraform starts by itself, as ever.
 *
 * No apply is served: it goes on when plumb is killed, and so must its providers.
 */
#ifndef PB_TERRAFORM_SERVE_H
#define PB_TERRAFORM_SERVE_H

#include "backends/terraform/lend.h"

struct pb_tf_serving;

/* NULL: nothing is. `r` needs its whole environment. */
struct pb_tf_serving *pb_tf_serve(const struct pb_tf_run *r, const struct pb_tf_lent *l,
                                  const struct pb_tf_tree *tree);
void pb_tf_serve_use(struct pb_tf_serving *s, struct pb_tf_run *r); /* waits until they are ready */
/* Commands of the run start providers by themselves again. NULL is fine. */
void pb_tf_serve_end(struct pb_tf_serving *s, struct pb_tf_run *r);

#endif
