/*
 * expr.h: the expressions and templates of packs (schemas/observers/README.md).
 *
 *	const struct pb_expr *e = NULL;
 *	if (pb_expr_parse(&e, arena, "vpc.isDefault | bool", &names, err) == -1) ...
 *	struct pb_value v = pb_expr_eval(e, &ev);
 *
 * Parsing binds every path to a root (a step, a let, a loop's variable...), so that a name
 * that does not exist is an error of the pack and never a null at run time. Evaluating
 * cannot fail: what could not be seen is PB_UNKNOWN with a reason, what is not there PB_NULL.
 * Compiled expressions are immutable and live in the pack's arena.
 */
#ifndef PB_BACKENDS_REST_EXPR_H
#define PB_BACKENDS_REST_EXPR_H

#include "base/err.h"
#include "model/value.h"

struct pb_transform;
struct pb_eval;

enum pb_root {
    PB_ROOT_ITEM = 0, /* the document or item at hand: paths without a root */
    PB_ROOT_STEP,
    PB_ROOT_LET,
    PB_ROOT_VAR, /* a loop's variable */
    PB_ROOT_ID,
    PB_ROOT_RECORDED,
    PB_ROOT_SETTING,
    PB_ROOT_ACCOUNT
};

/* Which names a path may begin with at this place; NULL-terminated lists may be NULL. */
struct pb_names {
    const char *const *steps;
    const char *const *lets;
    const char *const *settings;
    const char *const *vars;   /* loop variables in scope, inner last */
    bool item;                 /* paths have no root: they start inside an item */
    bool no_recorded;          /* `recorded` is not allowed here */
    bool no_account, no_steps; /* nor these */
    unsigned *used_steps;      /* out, may be NULL: bit set of steps; at most 32 */
    bool *used_account;        /* out, may be NULL */
    uint64_t *used_lets;       /* out, may be NULL; at most 64 */
    bool *used_id;             /* out, may be NULL */
};

enum pb_seg_kind { PB_SEG_MEMBER = 0, PB_SEG_INDEX, PB_SEG_SELECT };
struct pb_seg {
    enum pb_seg_kind kind;
    const char *name;  /* MEMBER, SELECT */
    const char *value; /* SELECT */
    long index;
};

struct pb_call {
    const struct pb_transform *t;
    const struct pb_value *args;
    const struct pb_expr *const *dynamic; /* $path in place of args[i]; NULL when none is */
    size_t nargs;
};

enum pb_expr_kind { PB_EXPR_LITERAL = 0, PB_EXPR_PATH, PB_EXPR_TEMPLATE };
struct pb_expr {
    enum pb_expr_kind kind;
    enum pb_root root;
    const char *name;  /* of the root */
    unsigned index;    /* of the step or let */
    bool keep_slashes; /* {+x} */
    const struct pb_seg *segs;
    size_t nsegs;
    struct pb_value literal;
    const struct pb_expr *const *parts; /* TEMPLATE */
    size_t nparts;
    const struct pb_call *calls;
    size_t ncalls;
    const char *text; /* as written, for messages */
};

/* A template when `text` has a brace, else an expression. */
int pb_expr_parse(const struct pb_expr **out, struct pb_arena *a, const char *text,
                  const struct pb_names *names, struct pb_err *err);
/* Text is text unless it has a brace: for requests. */
int pb_template_parse(const struct pb_expr **out, struct pb_arena *a, const char *text,
                      const struct pb_names *names, struct pb_err *err);
/* "sort | unique": calls alone. */
int pb_calls_parse(const struct pb_call **out, size_t *n, struct pb_arena *a, const char *text,
                   const struct pb_names *names, struct pb_err *err);

struct pb_var {
    const struct pb_var *up;
    const char *name;
    struct pb_value value;
};

/* What tags are the provider's own business. */
struct pb_tag_rules {
    const struct pb_value *drop_prefixes;   /* list of strings */
    const struct pb_value *defaults;        /* map, PB_UNKNOWN or NULL */
    const struct pb_value *ignore_keys;     /* list or NULL */
    const struct pb_value *ignore_prefixes; /* list or NULL */
};

enum pb_step_seen { PB_STEP_VALUE = 0, PB_STEP_FAILED, PB_STEP_SKIPPED };

struct pb_eval {
    struct pb_arena *a;
    struct pb_value item; /* PB_ROOT_ITEM */
    const struct pb_var *vars;
    const struct pb_value *recorded; /* attributes, or NULL */
    const char *id;
    const struct pb_tag_rules *tags;
    const struct pb_value *tables[2]; /* the type's, the provider's; may be NULL */
    /* Values of steps, lets, settings and the account. */
    enum pb_step_seen (*step)(struct pb_value *out, void *ctx, unsigned index);
    struct pb_value (*let)(void *ctx, unsigned index);
    struct pb_value (*setting)(void *ctx, const char *name);
    struct pb_value (*account)(void *ctx);
    void *ctx;
    /* Put on each {..} of a template: percent-encoding; may be NULL. */
    void (*encode)(struct pb_buf *out, const char *s, size_t n, bool keep_slashes);
    bool skipped;   /* out: a step was needed that was not sent */
    unsigned steps; /* out: bit set of the steps that were used */
};

struct pb_value pb_expr_eval(const struct pb_expr *e, struct pb_eval *ev);
struct pb_value pb_calls_eval(const struct pb_call *calls, size_t n, struct pb_value in,
                              struct pb_eval *ev);
/* Walks compiled segments. */
struct pb_value pb_segs_walk(struct pb_arena *a, struct pb_value v, const struct pb_seg *segs,
                             size_t n);
/* The text of a scalar; NULL for null, lists, maps and unknown. */
const char *pb_scalar_text(struct pb_arena *a, const struct pb_value *v);

#endif
