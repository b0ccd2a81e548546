/*
 * module.h: modules as Terraform puts them together: all files of a folder, overrides
 * merged, and the modules they call.
 *
 *	struct pb_tf_files files = pb_tf_files_disk("/export/of/the/commit");
 *	struct pb_tf_tree *tree;
 *	if (pb_tf_tree_load(&tree, arena, &files, "envs/prod", NULL, false, err))
 *		return -1;
 *
 * Files are read through callbacks, so that a Git tree serves without an export. Paths are
 * relative to the top of the repository, "" is the top. Everything lives in the arena.
 */
#ifndef PB_TERRAFORM_MODULE_H
#define PB_TERRAFORM_MODULE_H

#include "backends/terraform/hcl.h"
#include "backends/terraform/plan.h"
#include "base/strv.h"

struct pb_tf_files {
    /* Names of the files (not folders) in a folder, in any order. A missing folder sets
     * err->sys to ENOENT. */
    int (*list)(struct pb_strv *names, void *ctx, const char *dir, struct pb_err *err);
    int (*read)(struct pb_buf *out, void *ctx, const char *path, size_t max, struct pb_err *err);
    void *ctx;
};

/* Files below a folder; ctx is `top`, which must outlive it. */
struct pb_tf_files pb_tf_files_disk(const char *top);

struct pb_tf_module {
    const char *dir;
    const struct pb_hcl_body *body;
};

/* `tofu`: .tofu files count, and replace the .tf files of the same name. */
int pb_tf_module_load(const struct pb_tf_module **out, struct pb_arena *a,
                      const struct pb_tf_files *files, const char *dir, bool tofu,
                      struct pb_err *err);

/* Whether a module's source is a folder of the same repository ("./x", "../x"). */
bool pb_tf_is_local(const char *source);
/* dir + source without "." and ".."; NULL when it leaves the repository. */
const char *pb_tf_resolve(struct pb_arena *a, const char *dir, const char *source);

struct pb_tf_node {
    const char *path;                  /* names of the calls: "net.subnets", "" for the root */
    const struct pb_tf_node *up;       /* NULL for the root */
    const struct pb_hcl_block *call;   /* in `up`; NULL for the root */
    const struct pb_tf_module *module; /* NULL: its files are not here */
};

struct pb_tf_index; /* resource blocks by address */

struct pb_tf_tree {
    struct pb_arena *arena;
    struct pb_tf_index *index;
    const struct pb_tf_node *const *v; /* v[0] is the root; callers before the called */
    size_t n;
    struct pb_tf_hints hints; /* for plan.h */
};

/* `manifest` is the parsed modules.json of an initialised folder, which knows where
 * downloaded modules are; NULL: only local ones are loaded. A called module that cannot be
 * read has no `module`; a root that cannot is an error. */
int pb_tf_tree_load(struct pb_tf_tree **out, struct pb_arena *a, const struct pb_tf_files *files,
                    const char *root, const struct pb_value *manifest, bool tofu,
                    struct pb_err *err);
const struct pb_tf_node *pb_tf_tree_node(const struct pb_tf_tree *t, const char *path);

#endif
