/*
 * lender.h: a provider that is started once and lent to several who want one.
 *
 *	struct pb_lender *l;
 *	if (pb_lender_start(&l, &spec, err)) ...	// starts it, and does not wait
 *	if (pb_lender_ready(l)) ...			// waits
 *	... others connect to pb_lender_socket(l) ...
 *	pb_lender_end(l, NULL);
 *
 * Not plumb itself has the provider but a process beside it (base/apart.h): it starts the provider,
 * drains its output, passes on what others ask of it (relay.h) and answers itself which types there
 * are, with those that are needed (part.h).
 *
 * It lives as long as somebody has the other end of its lifeline: plumb, and whoever was given
 * pb_lender_lifeline() (keep_fds of child.h) with all that this starts. So an apply keeps its
 * provider when plumb is killed, and when both are gone so is the provider, by whatever they ended.
 * pb_lender_end() does not wait for the others. Should the lender itself be killed, the provider
 * dies with it.
 */
#ifndef PB_PLUGIN_LENDER_H
#define PB_PLUGIN_LENDER_H

#include "backends/plugin/process.h"
#include "base/map.h"

struct pb_lender;

struct pb_lender_spec {
    struct pb_plugin_spec plugin;
    /* Which types may be asked for; NULL: it is not known, and all are told of. */
    const struct pb_map *names;
    const char *whole; /* of a file that has, or gets, what it says of all its types; or NULL */
    const char *part;  /* the same for what is told of them; goes before `names`; or NULL */
};

int pb_lender_start(struct pb_lender **out, const struct pb_lender_spec *spec, struct pb_err *err);
bool pb_lender_ready(struct pb_lender *l); /* false: the provider could not be started */

/* Once ready: */
const char *pb_lender_socket(const struct pb_lender *l); /* with the types that are needed */
const char *pb_lender_direct(const struct pb_lender *l); /* the provider's own: with all */
int pb_lender_protocol(const struct pb_lender *l);
pid_t pb_lender_provider(const struct pb_lender *l); /* its pid */
int pb_lender_lifeline(const struct pb_lender *l);

/* NULL is fine. `why`, unless NULL, gets how the provider ended if it did before, and what it said
 * last; that may be secret. */
void pb_lender_end(struct pb_lender *l, struct pb_buf *why);

#endif
