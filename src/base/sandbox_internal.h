/* What the parts of the sandbox share: limits, network, sweeping. */
#ifndef PB_BASE_SANDBOX_INTERNAL_H
#define PB_BASE_SANDBOX_INTERNAL_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/sandbox.h"
#include "base/strv.h"

/* ---- sandbox_watch.c: how much it uses ------------------------------------------------------- */

struct pb_box_limits {
    int64_t memory, disk; /* bytes */
    long processes;
};

struct pb_box_watch;

/* `monitor` is the process outside whose only child is the first one inside; `writable` and
 * `outputs` (NULL-terminated) are what it can write to. Strings are copied. */
struct pb_box_watch *pb_box_watch_new(const struct pb_box_limits *limits, pid_t monitor,
                                      const struct pb_strv *writable,
                                      const struct pb_strv *outputs);
/* Looks. Words that end "planning of 'x' ..." once it uses more than it may; else NULL. `last`:
 * nothing runs any more, and what is on disk is what counts. */
const char *pb_box_watch_look(struct pb_box_watch *w, bool last);
void pb_box_watch_free(struct pb_box_watch *w);

/* ---- sandbox_net.c: where it may connect ----------------------------------------------------- */

struct pb_box_net;

/* Understands the list. */
int pb_box_net_new(struct pb_box_net **out, char *const *list, struct pb_err *err);
void pb_box_net_hosts(const struct pb_box_net *n, struct pb_buf *out); /* as /etc/hosts */
void pb_box_net_env(const struct pb_box_net *n, struct pb_strv *env);
/* Listens inside of the network namespace of that process, and forwards until it is freed. */
int pb_box_net_open(struct pb_box_net *n, pid_t inside, struct pb_err *err);
void pb_box_net_free(struct pb_box_net *n); /* NULL is fine */

/* ---- sandbox_sweep.c ------------------------------------------------------------------------- */

/* Makes a folder that a hostile program wrote safe to be read and written; links may lead into
 * it and into `also`. All of it is swept whatever is found. */
int pb_box_sweep(const char *dir, const struct pb_strv *also, const char *subject,
                 struct pb_err *err);

#endif
