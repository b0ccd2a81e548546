/*
 * shim.h: what a command line of Terraform or OpenTofu would do, told without running it: for
 * 'plumb tf' and for plumb under their names.
 *
 * What is not known is refused: a later version may have given a new word the power to change
 * something. Nothing here looks at files; the environment counts, since TF_CLI_ARGS can turn
 * a harmless command line into another.
 */
#ifndef PB_CMD_SHIM_H
#define PB_CMD_SHIM_H

#include "base/compiler.h"

enum pb_shim_kind {
    PB_SHIM_PASS,   /* changes neither infrastructure nor state: the tool itself runs it */
    PB_SHIM_GATE,   /* plumb does it, through the gate */
    PB_SHIM_REFUSE, /* not at all: `why` says what to do instead */
};

struct pb_shim_row {
    const char *words; /* "state rm" */
    enum pb_shim_kind kind;
    const char *why;
};
extern const struct pb_shim_row pb_shim_rows[]; /* ends with a row without words */

struct pb_shim {
    enum pb_shim_kind kind;
    const char *words; /* as in the table; NULL: none, or not known */
    const char *word;  /* as it was written; NULL: none */
    const char *why;
    const char *chdir; /* of -chdir=DIR, or NULL */
    int rest;          /* index of what follows the words */
};

/* argv without the program; everything in the result is of argv, of env or static. */
struct pb_shim pb_shim_classify(int argc, char *const *argv, char *const *env);

/* NULL when it is not set, or empty. */
const char *pb_shim_env(char *const *env, const char *name);

/* Whether plumb was started under a tool's name. */
bool pb_shim_is_tool(const char *name);

#endif
