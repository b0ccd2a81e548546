/*
 * hcl_expr.h: expressions, templates and the building of bodies. Part of hcl.c.
 */
#ifndef PB_TERRAFORM_HCL_EXPR_H
#define PB_TERRAFORM_HCL_EXPR_H

#include "backends/terraform/hcl.h"

struct pb_hcl_source {
    struct pb_arena *arena;
    const char *file;
    int depth;
};

/* The expression that text[0..n) is. */
const struct pb_hcl_expr *pb_hcl_expression(struct pb_hcl_source *src, const char *text, size_t n,
                                            unsigned line);

/* What stands between quotes; `escapes` false for heredocs and JSON, which have none. */
struct pb_hcl_expr pb_hcl_template(struct pb_hcl_source *src, const char *text, size_t n,
                                   unsigned line, bool escapes);

/* A body under construction, on the heap until finished. */
struct pb_hcl_parts {
    struct pb_hcl_attr *attrs;
    size_t nattrs, cattrs;
    struct pb_hcl_block *blocks;
    size_t nblocks, cblocks;
};
#define PB_HCL_PARTS_INIT      \
    {                          \
        NULL, 0, 0, NULL, 0, 0 \
    }
void pb_hcl_add_attr(struct pb_hcl_parts *b, struct pb_hcl_attr at);
void pb_hcl_add_block(struct pb_hcl_parts *b, struct pb_hcl_block blk);
/* Releases b. */
const struct pb_hcl_body *pb_hcl_finish(struct pb_arena *a, struct pb_hcl_parts *b);

#endif
