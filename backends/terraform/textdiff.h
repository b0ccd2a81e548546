/*
 * textdiff.h: what a change says in its text alone (pb_executor's compare_text). Shared by the
 * files textdiff*.c, which are the only ones that include it.
 *
 * Each side is put together as the tool would: files to folders, folders to the modules that the
 * root calls. A block is known by its folder and address, so that neither the file that it is in
 * nor its place there matters. What is compared is what an override leaves of it, too: its parts
 * are the block and what override files say of the same address, in their order.
 */
#ifndef PB_TERRAFORM_TEXTDIFF_H
#define PB_TERRAFORM_TEXTDIFF_H

#include "backends/backend.h"
#include "backends/terraform/hcl.h"
#include "backends/terraform/textdiff_rules.h"
#include "base/map.h"

enum pb_tf_file_kind { PB_TF_OTHER, PB_TF_NATIVE, PB_TF_JSON, PB_TF_VALUES, PB_TF_LOCK };

struct pb_tf_text_file {
    const struct pb_text_file *src;
    const char *dir, *name;
    enum pb_tf_file_kind kind;
    bool override;
    const struct pb_hcl_body *body; /* NULL: not parsed, or broken */
    const char *broken;             /* why it could not be; NULL when it could */
};

/* One block as written, or one value of a block of locals. */
struct pb_tf_part {
    const struct pb_tf_text_file *file;
    const struct pb_hcl_block *block; /* NULL: it is a value */
    const struct pb_hcl_attr *attr;   /* NULL: it is a block */
    const char *canon;                /* once it was needed */
};

struct pb_tf_entry {
    const char *kind, *address;
    struct pb_tf_part *parts; /* those of override files last */
    size_t n, cap;
};

struct pb_tf_folder {
    const char *dir;
    struct pb_map entries; /* kind and address -> struct pb_tf_entry */
    struct pb_strv calls;  /* "module.net.module.sub"; "" for the root */
    bool broken;           /* not all of its files could be read */
};

struct pb_tf_text {
    const struct pb_text_side *in;
    struct pb_tf_text_file *files; /* sorted by path */
    size_t nfiles;
    struct pb_map by_path;
    struct pb_map folders; /* modules of the unit: dir -> struct pb_tf_folder */
    size_t bytes;          /* parsed so far */
    size_t ncalls;
    bool broken; /* not all of it could be read: a call may be missing */
};

/* Where expressions are parsed, one at a time, and forgotten; see textdiff_canon.c. */
struct pb_tf_scratch {
    struct pb_arena *work; /* what is kept until the end */
    struct pb_arena *once; /* NULL: not needed yet */
};

struct pb_tf_diff {
    struct pb_arena *out;  /* of the result */
    struct pb_arena *work; /* gone at the end */
    struct pb_tf_scratch scratch;
    struct pb_tf_text before, after;
    struct pb_text_finding *findings;
    size_t nfindings, cfindings;
    struct pb_text_block *blocks;
    size_t nblocks, cblocks;
    bool partial, full;
};

/* Where something is. Zeros say nothing. */
struct pb_tf_where {
    const char *module, *address, *file;
    unsigned line, last_line;
    bool before;
};

void pb_tf_found(struct pb_tf_diff *d, enum pb_tf_rule rule, struct pb_tf_where where,
                 const char *fmt, ...) PB_PRINTF(4, 5);
struct pb_tf_where pb_tf_at_part(const struct pb_tf_folder *m, const struct pb_tf_entry *e,
                                 const struct pb_tf_part *part, bool before);
/* A name from outside, short enough for a sentence. */
const char *pb_tf_shown(struct pb_tf_diff *d, const char *s);

/* textdiff_load.c: both sides, as far as they can be understood. */
int pb_tf_text_load(struct pb_tf_diff *d, const struct pb_text_side *before,
                    const struct pb_text_side *after, struct pb_err *err);
void pb_tf_text_release(struct pb_tf_text *t);
const struct pb_tf_text_file *pb_tf_text_file(const struct pb_tf_text *t, const char *path);
struct pb_tf_folder *pb_tf_text_folder(const struct pb_tf_text *t, const char *dir);
/* The folder that a call of a module leads to, or NULL. */
const char *pb_tf_called(struct pb_tf_diff *d, const struct pb_tf_folder *m,
                         const struct pb_tf_entry *e);
/* textdiff.c: what `e` is there instead of, by a moved block; NULL: nothing of its type. */
struct pb_tf_entry *pb_tf_moved_from(struct pb_tf_diff *d, const struct pb_tf_folder *now,
                                     const struct pb_tf_entry *e);

/* textdiff_canon.c: equal text means that comments, spaces and the order of what has none are all
 * that differs. In `work`. */
const char *pb_tf_canon_part(struct pb_tf_scratch *t, struct pb_tf_part *part);
const char *pb_tf_canon_block(struct pb_tf_scratch *t, const struct pb_hcl_block *b);
const char *pb_tf_canon_attr(struct pb_tf_scratch *t, const struct pb_hcl_attr *at);
bool pb_tf_same_part(struct pb_tf_scratch *t, struct pb_tf_part *x, struct pb_tf_part *y);

/* One entry that is not the same on both sides, with its folder on each; NULL where it is not. */
struct pb_tf_pair {
    const struct pb_tf_folder *old_in, *in;
    struct pb_tf_entry *old, *now;
};

/* The attribute of an entry that counts: an override's, else the block's; with the part that has
 * it. NULL when none does. The expression is parsed as a whole. */
const struct pb_hcl_expr *pb_tf_effective(struct pb_tf_diff *d, const struct pb_tf_entry *e,
                                          const char *block, const char *name,
                                          const struct pb_tf_part **part);
/* The same as text: of a string what it says, else as written; "" without one. */
const char *pb_tf_text_of(struct pb_tf_diff *d, const struct pb_tf_entry *e, const char *name);

/* textdiff_blocks.c, textdiff_source.c: what there is to say of such an entry. */
void pb_tf_find_in_block(struct pb_tf_diff *d, const struct pb_tf_pair *p);
void pb_tf_find_sources(struct pb_tf_diff *d, const struct pb_tf_pair *p);
/* Where something in it runs a program of the configuration's choice; NULL when nothing does. */
const struct pb_tf_part *pb_tf_entry_runs(const struct pb_tf_entry *e);

/* What of an entry reaches out of the plan: runs something, asks or reads somewhere. */
struct pb_tf_outward {
    const struct pb_tf_part *part;    /* of the entry */
    const struct pb_hcl_block *block; /* the part's, or one in it */
    enum pb_tf_rule changed;
    const enum pb_tf_rule *added; /* NULL: its module is not called once more */
    const char *does;             /* "runs a program whenever it is planned" */
    bool runs;                    /* a program of the configuration's choice */
};
/* textdiff_blocks.c: their number; *v in d->work. */
size_t pb_tf_outwards(const struct pb_tf_outward **v, struct pb_tf_diff *d,
                      const struct pb_tf_entry *e);
/* textdiff_inputs.c: those that are as they were and are given something else. */
void pb_tf_find_in_inputs(struct pb_tf_diff *d);

/* textdiff_files.c, textdiff_lock.c: what there is to say of files. */
void pb_tf_find_in_files(struct pb_tf_diff *d);
void pb_tf_find_in_lock(struct pb_tf_diff *d);
/* What one body says otherwise than another, by name; either may be NULL. */
void pb_tf_list_changed(struct pb_strv *out, struct pb_tf_diff *d, const struct pb_hcl_body *old,
                        const struct pb_hcl_body *now);
/* "'a', 'b' and 3 more": what one body says otherwise than another; either may be NULL. */
const char *pb_tf_names_changed(struct pb_tf_diff *d, const struct pb_hcl_body *old,
                                const struct pb_hcl_body *now);

int pb_tf_compare_text(struct pb_text_diff *out, struct pb_arena *a,
                       const struct pb_text_side *before, const struct pb_text_side *after,
                       struct pb_err *err);

#endif
