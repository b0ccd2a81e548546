/*
 * hcl_scan.h: finding where things end in HCL text. Part of hcl.c.
 */
#ifndef PB_TERRAFORM_HCL_SCAN_H
#define PB_TERRAFORM_HCL_SCAN_H

#include "base/compiler.h"

struct pb_hcl_scan {
    const char *s; /* NUL-terminated at n */
    size_t n, i;
    unsigned line;
    int depth; /* of nested templates */
};

bool pb_hcl_is_start(char c); /* of an identifier */
bool pb_hcl_is_ident(char c);

/* Behind spaces and comments; behind newlines too when asked. */
void pb_hcl_skip_blank(struct pb_hcl_scan *p, bool newlines);

/* Each moves behind the thing that starts at i; -1 when it never ends. */
int pb_hcl_skip_quoted(struct pb_hcl_scan *p);
int pb_hcl_skip_heredoc(struct pb_hcl_scan *p);
/* Behind the brace that closes a "${" or "%{" whose inside starts at i. */
int pb_hcl_skip_inside(struct pb_hcl_scan *p);
/* To the end of the expression: a newline, or, when `stops` has them, a comma or colon, or
 * a bracket that closes something further out. */
int pb_hcl_skip_expr(struct pb_hcl_scan *p, const char *stops);

/* Whether a heredoc starts at i. */
bool pb_hcl_at_heredoc(const struct pb_hcl_scan *p);

#endif
