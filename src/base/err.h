/*
 * err.h: how failure travels.
 *
 * A fallible function returns int (0 or -1), takes `struct pb_err *err` as its last
 * parameter and fills it exactly once, at the place that failed:
 *
 *	int rc = -1;
 *	if (open_fails)
 *	    return pb_fail_errno(err, PB_E_IO, "cannot open '%s'", path);
 *
 * Callers pass it up untouched; at a module's boundary they may add context in front
 * with pb_err_wrap(). Messages are lower case, without a full stop: what failed first,
 * the subject in single quotes, then what the person can do about it.
 * Nothing below src/cmd prints or exits.
 *
 * Ownership: struct pb_err owns nothing; it can live on the stack and be copied.
 * `err` may be NULL when the caller does not want the message.
 * Memory: running out aborts (pb_oom); every parser and buffer has a declared maximum.
 */
#ifndef PB_BASE_ERR_H
#define PB_BASE_ERR_H

#include <stdarg.h>

#include "base/compiler.h"

/* What kind of failure; src/base/exits.h maps each to the process's exit code. */
enum pb_err_class {
    PB_E_NONE = 0,
    PB_E_INTERNAL,   /* something that should not happen, but is no bug to abort on */
    PB_E_USAGE,      /* wrong flags or arguments */
    PB_E_CONFIG,     /* plumb.yaml, a pack or a Terraform file is wrong */
    PB_E_INPUT,      /* a state, plan or reply cannot be understood */
    PB_E_IO,         /* the file system */
    PB_E_GIT,        /* the repository */
    PB_E_TOOL,       /* terraform, tofu or another child failed */
    PB_E_NET,        /* the network, before any answer was had */
    PB_E_AUTH,       /* credentials are missing or refused */
    PB_E_REFUSED,    /* plumb will not go on: unsafe */
    PB_E_LOCKED,     /* somebody else holds a lock */
    PB_E_LEDGER,     /* the ledger is not what was written */
    PB_E_INTERRUPTED /* a signal asked us to stop */
};

enum { PB_ERR_MAX = 1536 };

struct pb_err {
    enum pb_err_class cls;
    int sys; /* errno at the time, 0 when none */
    char msg[PB_ERR_MAX];
};

#define PB_ERR_INIT   \
    {                 \
        PB_E_NONE, 0, \
        {             \
            0         \
        }             \
    }

/* Each returns -1, so that `return pb_fail(...)` reads well. Long messages are cut. */
int pb_fail(struct pb_err *err, enum pb_err_class cls, const char *fmt, ...) PB_PRINTF(3, 4);
/* The same with ": strerror(errno)" behind it; saves errno. */
int pb_fail_errno(struct pb_err *err, enum pb_err_class cls, const char *fmt, ...) PB_PRINTF(3, 4);
int pb_vfail(struct pb_err *err, enum pb_err_class cls, const char *fmt, va_list ap)
    PB_PRINTF(3, 0);

/* Puts "context: " in front of an error that is already set; class and errno stay. */
int pb_err_wrap(struct pb_err *err, const char *fmt, ...) PB_PRINTF(2, 3);

void pb_err_clear(struct pb_err *err);

/* States that cannot be; prints file and line to stderr and aborts. Never for input. */
void pb_bug(const char *file, int line, const char *fmt, ...) PB_PRINTF(3, 4) PB_NORETURN;
#define BUG(...) pb_bug(__FILE__, __LINE__, __VA_ARGS__)

/* Out of memory: one line to stderr, then abort. */
void pb_oom(void) PB_NORETURN;

#endif
