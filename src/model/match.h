/*
 * match.h: which resources, or which attributes, a line of configuration is about.
 *
 * A text between slashes is a regular expression (pattern.h) that must match the whole address
 * or path. Any other is taken literally: an address covers what is inside the module or
 * resource that it names, a path covers what lies below it, and [*] is any index. NULL, null
 * and "*" are everything; another star is refused, since it would match nothing.
 */
#ifndef PB_MODEL_MATCH_H
#define PB_MODEL_MATCH_H

#include "base/err.h"

/* Zero matches everything. */
struct pb_match {
    char *literal;
    struct pb_pattern *code;
};

/* PB_E_CONFIG names file and line. */
int pb_match_compile(struct pb_match *out, const char *s, const char *file, int line,
                     struct pb_err *err);
void pb_match_release(struct pb_match *m);

/* 1: it is meant, 0: it is not, below 0: the expression failed (pattern.h says why). What
 * follows from a failure is the caller's: nothing must be hidden or allowed by it. */
int pb_match_address(const struct pb_match *m, const char *address);
int pb_match_path(const struct pb_match *m, const char *path);

#endif
