/* What the parts of the sandbox share: limits, network, sweeping. */
#ifndef PB_BASE_SANDBOX_INTERNAL_H
#define PB_BASE_SANDBOX_INTERNAL_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/sandbox.h"
#include "base/strv.h"

/* ---- sandbox_list.c: which processes are in it ----------------------------------------------- */

struct pb_box_process {
    pid_t pid, parent;
    long threads;
    bool inside;
};

struct pb_box_list;

/* `monitor` is the process outside whose only child is the first one inside. */
struct pb_box_list *pb_box_list_new(pid_t monitor);
/* Those inside now; the list's own, until it is taken again. By one thread at a time. */
const struct pb_box_process *pb_box_list_take(struct pb_box_list *l, size_t *n);
void pb_box_list_free(struct pb_box_list *l); /* NULL is fine */

/* The number that a process or thread was given last, in the namespace of plumb; -1: not known. */
long pb_box_newest(void);

/* State of a thread as proc(5) has it, with the process that it is of and that one's parent;
 * '\0', -1, -1 when it is gone. */
char pb_box_state(pid_t pid, long *group, long *parent);

/* A small file, cut at size - 1 and ended with NUL; as read(2). */
ssize_t pb_box_read(char *buf, size_t size, const char *path);

/* ---- sandbox_forks.c: how many there may be -------------------------------------------------- */

struct pb_box_forks;

/* new; install in the child (struct pb_child_spec.before_exec, with the forks as its context),
 * start as soon as it runs; over now and then; free once nothing runs. From install on whatever
 * makes a process or thread waits for plumb, which sees to it that there are never more. */
int pb_box_forks_new(struct pb_box_forks **out, long processes, struct pb_err *err);
int pb_box_forks_install(void *forks);
int pb_box_forks_start(struct pb_box_forks *f, pid_t monitor, struct pb_err *err);
bool pb_box_forks_over(const struct pb_box_forks *f); /* one more was asked for than there may be */
void pb_box_forks_free(struct pb_box_forks *f);       /* NULL is fine */

/* ---- sandbox_watch.c: how much it uses ------------------------------------------------------- */

struct pb_box_limits {
    int64_t memory, disk; /* bytes */
    long processes;
};

struct pb_box_watch;

/* `writable` and `outputs` are what it can write to. Strings are copied, `forks` stays the
 * caller's. */
struct pb_box_watch *pb_box_watch_new(const struct pb_box_limits *limits, pid_t monitor,
                                      const struct pb_box_forks *forks,
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

/* A descriptor as the only message of a socket; sending is async-signal-safe. -1: there is none. */
int pb_box_send_fd(int to, int fd);
int pb_box_receive_fd(int from);

/* ---- sandbox_sweep.c ------------------------------------------------------------------------- */

/* Makes a folder that a hostile program wrote safe to be read and written; links may lead into
 * it and into `also`. All of it is swept whatever is found. */
int pb_box_sweep(const char *dir, const struct pb_strv *also, const char *subject,
                 struct pb_err *err);

#endif
