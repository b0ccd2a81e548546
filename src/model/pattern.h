/*
 * pattern.h: regular expressions from configuration (pcre2), matched whole and within limits.
 *
 * A pattern is anchored at both ends. Matching stops at a limit that takes milliseconds, so an
 * expression can not hold up a run; what went wrong is the caller's to report. A pattern is
 * for one thread at a time.
 */
#ifndef PB_MODEL_PATTERN_H
#define PB_MODEL_PATTERN_H

#include "base/compiler.h"

enum { PB_PATTERN_MAX = 4096 };

struct pb_pattern;

/* Returns 0, or -1 with *at (the offset of the problem) and `why` filled in. */
int pb_pattern_compile(struct pb_pattern **out, const char *text, size_t n, size_t *at,
                       char why[128]);
void pb_pattern_free(struct pb_pattern *p); /* NULL is fine */

/* 1: it matches the whole subject, 0: it does not, below 0: it failed (see pb_pattern_why). */
int pb_pattern_match(const struct pb_pattern *p, const char *subject);
void pb_pattern_why(char why[128], int failure);

#endif
