/*
 * exits.h: the one table of exit codes. Help, the man page and the README's table are
 * made from pb_exits[]; a command may have words of its own for what a code means there.
 */
#ifndef PB_BASE_EXITS_H
#define PB_BASE_EXITS_H

#include "base/err.h"

enum pb_exit {
    PB_EXIT_PLUMB = 0,
    PB_EXIT_ERROR = 1,
    PB_EXIT_DRIFT = 2,
    PB_EXIT_REFUSED = 3,
    PB_EXIT_INCONCLUSIVE = 4,
    PB_EXIT_LOCKED = 5,
    PB_EXIT_LEDGER = 6,
    PB_EXIT_USAGE = 64,
    PB_EXIT_INTERRUPTED = 130
};

struct pb_exit_row {
    enum pb_exit code;
    const char *name;
    const char *meaning;
};

extern const struct pb_exit_row pb_exits[];
extern const size_t pb_exits_count;

/* What a code means for this command; NULL: in general. */
const struct pb_exit_row *pb_exit_find(const char *command, enum pb_exit code);

/* The exit code for a failure of this class. */
enum pb_exit pb_exit_of(enum pb_err_class cls);

#endif
