/*
 * export.h: a commit's files, written into a private folder.
 *
 * The commit is hostile until shown otherwise. First everything is looked at: names (see
 * name.h), links (which must stay inside of the tree, through other links too), depth,
 * number and size; a commit that is refused has written nothing. Then each file is written
 * with openat() into folders that this export has made itself, never following a link and
 * never replacing anything. No checkout takes place: no hooks, filters, attributes,
 * line-ending conversion or submodules. At the end everything is read back from the disk
 * and hashed as git does, name, mode and content, and compared with the tree.
 *
 * Files are 0600 or, when executable, 0700; folders 0700. A submodule is an empty folder.
 */
#ifndef PB_GIT_EXPORT_H
#define PB_GIT_EXPORT_H

#include "base/strv.h"
#include "git/repo.h"

/* Zero means the default that stands behind each. */
struct pb_export_limits {
    size_t entries;     /* 1,000,000 files, links and folders */
    size_t depth;       /* 128 folders */
    uint64_t bytes;     /* 4 GiB altogether */
    uint64_t file_size; /* 512 MiB */
};

struct pb_export_spec {
    const char *commit;          /* full id */
    const char *dir;             /* exists, is empty, belongs to us */
    const struct pb_strv *paths; /* only these, with what is below; NULL: everything */
    struct pb_export_limits limits;
};

struct pb_export {
    size_t files, links, dirs;
    uint64_t bytes;
    char tree[PB_OID_HEX];     /* of the whole commit */
    struct pb_strv submodules; /* paths that became empty folders */
    struct pb_strv lfs;        /* files whose content is a Git LFS pointer, not the file */
};

/* On failure the folder may hold a part: remove it. PB_E_REFUSED names path and commit. */
int pb_export(struct pb_export *out, struct pb_repo *repo, const struct pb_export_spec *spec,
              struct pb_err *err);

/* Compares an export with its commit once more: the same names and content, nothing added. */
int pb_export_verify(struct pb_repo *repo, const struct pb_export_spec *spec, struct pb_err *err);
void pb_export_release(struct pb_export *e);

#endif
