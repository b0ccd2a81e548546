/*
 * tree.h: reading a commit's tree without writing anything.
 *
 * Paths as in repo.h. A path that is not there sets err->sys to ENOENT.
 */
#ifndef PB_GIT_TREE_H
#define PB_GIT_TREE_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/strv.h"
#include "git/repo.h"

enum pb_tree_kind { PB_TREE_FILE, PB_TREE_PROGRAM, PB_TREE_LINK, PB_TREE_DIR, PB_TREE_SUBMODULE };

struct pb_tree_entry {
    const char *name;
    enum pb_tree_kind kind;
    char id[PB_OID_HEX];
};

/* One folder with everything in it; valid during the call. Return 1 not to go below this
 * folder, -1 to stop with an error that the callback has set. */
typedef int (*pb_tree_fn)(void *ctx, const char *dir, const struct pb_tree_entry *e, size_t n,
                          struct pb_err *err);

/* Calls fn for `under` and each folder below, parents first. At most 1,000,000 entries and
 * a depth of 128. */
int pb_tree_walk(struct pb_repo *repo, const char *commit, const char *under, pb_tree_fn fn,
                 void *ctx, struct pb_err *err);

/* The same where `under` may lead through links; folders are called by it and not by where they
 * are. */
int pb_tree_walk_through(struct pb_repo *repo, const char *commit, const char *under, pb_tree_fn fn,
                         void *ctx, struct pb_err *err);

/* The content of a file, at most `max` bytes. Links are followed inside the tree. */
int pb_tree_read(struct pb_buf *out, struct pb_repo *repo, const char *commit, const char *path,
                 size_t max, struct pb_err *err);

/* The content of the file that a walk came across as `path`: spares the way to it. */
int pb_tree_read_id(struct pb_buf *out, struct pb_repo *repo, const char *id, const char *path,
                    size_t max, struct pb_err *err);

/* The object id of what is at `path` (a link's own). */
int pb_tree_id(char id[PB_OID_HEX], struct pb_repo *repo, const char *commit, const char *path,
               struct pb_err *err);

/* Adds to `paths` what links below them lead to, so that the list is everything a tool can
 * read that starts there. Paths that are not in the tree stay. */
int pb_tree_reach(struct pb_strv *paths, struct pb_repo *repo, const char *commit,
                  struct pb_err *err);

/* A digest of everything in reach of `paths` (see above): equal keys, equal content. The
 * order of paths does not matter; one that is not there is part of the key as absent. */
int pb_tree_key(char out[PB_SHA256_HEX], struct pb_repo *repo, const char *commit,
                const struct pb_strv *paths, struct pb_err *err);

#endif
