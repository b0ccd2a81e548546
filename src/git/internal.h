/*
 * internal.h: what the files of src/git share. Nobody else includes it.
 */
#ifndef PB_GIT_INTERNAL_H
#define PB_GIT_INTERNAL_H

#include "base/err.h"
#include "git/git2.h"
#include "git/repo.h"

struct pb_repo {
    git_repository *git;
    char *workdir; /* real path without a slash at its end; NULL when bare */
};

/* Fails with the context and libgit2's own message, which is copied at once (it is
 * thread-local and the next call overwrites it). `code` is what libgit2 returned. */
int pb_git_fail(struct pb_err *err, int code, const char *fmt, ...) PB_PRINTF(3, 4);

/* The commit with this full id. Free with git_commit_free(). */
int pb_git_commit(git_commit **out, struct pb_repo *repo, const char *id, struct pb_err *err);
int pb_git_root(git_tree **out, struct pb_repo *repo, const char *commit, struct pb_err *err);

/* Where a link points, as a path inside the tree: "" is the top.
 * `target_of` returns the target of the link at a path (it stays valid until the end), or
 * NULL when there is none. Returns NULL and sets *why when it leaves the tree; a loop
 * resolves to the place where it was noticed, since nothing can be read through it. */
char *pb_git_resolve(const char *link, const char *(*target_of)(void *ctx, const char *path),
                     void *ctx, const char **why);

void pb_auto_gitrepo(git_repository **p);
void pb_auto_gitcommit(git_commit **p);
void pb_auto_gittree(git_tree **p);
void pb_auto_gitentry(git_tree_entry **p);
void pb_auto_gitblob(git_blob **p);
void pb_auto_gitobject(git_object **p);
void pb_auto_gitref(git_reference **p);

#endif
