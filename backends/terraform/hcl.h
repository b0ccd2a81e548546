/*
 * hcl.h: as much of HCL, Terraform's language, as plumb has to read itself: blocks,
 * attributes and where they stand; and of expressions those that can be evaluated without
 * Terraform. Whatever else an expression is, it is kept as text (PB_HCL_OTHER).
 *
 *	const struct pb_hcl_body *body;
 *	if (pb_hcl_parse(&body, arena, text, n, "main.tf", err))
 *		return -1;
 *	for (size_t i = 0; i < body->nblocks; i++) ...
 *
 * Everything lives in the arena. Text is at most PB_HCL_MAX bytes and 64 levels deep.
 */
#ifndef PB_TERRAFORM_HCL_H
#define PB_TERRAFORM_HCL_H

#include "base/err.h"
#include "model/value.h"

enum { PB_HCL_MAX = 4 << 20, PB_HCL_DEPTH = 64 };

enum pb_hcl_kind {
    PB_HCL_OTHER,    /* only its text is known */
    PB_HCL_LITERAL,  /* value: null, bool, number, string */
    PB_HCL_TEMPLATE, /* items: the parts of a string */
    PB_HCL_LIST,     /* items */
    PB_HCL_MAP,      /* keys[i] -> items[i] */
    PB_HCL_REF,      /* value: a list of steps, names and indexes: var.a["b"][0] */
    PB_HCL_CALL      /* name(items...) */
};

struct pb_hcl_expr {
    enum pb_hcl_kind kind;
    const char *text; /* as written, trimmed */
    const char *file;
    unsigned line;
    struct pb_value value;
    const char *name;
    const struct pb_hcl_expr *keys, *items;
    size_t n;
};

struct pb_hcl_attr {
    const char *name;
    const struct pb_hcl_expr *expr;
    const char *file;
    unsigned line;
};

struct pb_hcl_body;

struct pb_hcl_block {
    const char *type;
    const char *const *labels;
    size_t nlabels;
    const struct pb_hcl_body *body;
    const char *file;
    unsigned line, last_line; /* of the closing brace; 0 from JSON */
    /* As written, from the type to the closing brace; NULL from JSON, and of what is deeper. */
    const char *text;
};

struct pb_hcl_body {
    const struct pb_hcl_attr *attrs;
    size_t nattrs;
    const struct pb_hcl_block *blocks;
    size_t nblocks;
};

int pb_hcl_parse(const struct pb_hcl_body **out, struct pb_arena *a, const char *text, size_t n,
                 const char *file, struct pb_err *err);

/* The same with expressions that are only text (PB_HCL_OTHER), whatever they are: for text that
 * nobody vouches for, this takes little more memory than it is long. */
int pb_hcl_outline(const struct pb_hcl_body **out, struct pb_arena *a, const char *text, size_t n,
                   const char *file, struct pb_err *err);

/* The JSON syntax of the same (.tf.json, .tfvars.json): a whole module file when `top`, else
 * attributes only. */
int pb_hcl_parse_json(const struct pb_hcl_body **out, struct pb_arena *a, const char *text,
                      size_t n, const char *file, bool top, struct pb_err *err);

/* One expression by itself: the value of -var, TF_VAR_x. Never fails: what cannot be
 * understood is PB_HCL_OTHER. */
const struct pb_hcl_expr *pb_hcl_expr_of(struct pb_arena *a, const char *text, size_t n,
                                         const char *file);

const struct pb_hcl_expr *pb_hcl_attr_of(const struct pb_hcl_body *b, const char *name);
/* The i-th block of that type; NULL when there are fewer. */
const struct pb_hcl_block *pb_hcl_block_of(const struct pb_hcl_body *b, const char *type, size_t i);
const char *pb_hcl_label(const struct pb_hcl_block *b, size_t i); /* "" when there is none */
/* The string of a literal, or NULL. */
const char *pb_hcl_str(const struct pb_hcl_expr *e);

#endif
