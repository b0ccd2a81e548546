/*
 * merge.h: what merging two commits would give, in memory.
 *
 *	struct pb_merge m;
 *	if (pb_merge_make(&m, repo, base, head, &err) < 0) ...
 *	if (m.kind == PB_MERGE_CONFLICT) ...	// m.conflicts
 *	else ...				// m.commit: as any other commit of this handle
 *	pb_merge_release(&m);
 *
 * Trees, files and the commit of a merge live in the memory of the handle until it is freed:
 * every function of this folder that is given this handle finds them, no other process does, and
 * nothing is written into the repository. The commit has base and head as its parents and is the
 * same on every machine.
 *
 * Histories that have no commit in common, and those that are not here in full, are errors that
 * say so. Several merge bases are merged with each other first, as git does. Renamed files are
 * followed, renamed folders are not: a file that base adds to a folder that head renames stays
 * where base has it, where git would move it. Attributes do not count, wherever they are: a
 * file that says `merge=union` of another conflicts as that would without it.
 */
#ifndef PB_GIT_MERGE_H
#define PB_GIT_MERGE_H

#include "git/repo.h"

enum pb_merge_kind {
    PB_MERGE_NOTHING, /* base contains head: `commit` is base */
    PB_MERGE_FORWARD, /* head contains base: `commit` is head */
    PB_MERGE_MADE,
    PB_MERGE_CONFLICT /* somebody has to decide: `commit` is "" */
};

struct pb_merge_conflict {
    char *path;       /* as base has it, or as head does where base does not */
    const char *what; /* "changed on both sides" */
};

struct pb_merge {
    enum pb_merge_kind kind;
    char commit[PB_OID_HEX];
    struct pb_merge_conflict *conflicts; /* by path, each once */
    size_t nconflicts;
};

/* Both are full ids. */
int pb_merge_make(struct pb_merge *out, struct pb_repo *repo, const char *base, const char *head,
                  struct pb_err *err);
void pb_merge_release(struct pb_merge *m);

/* Calls fn for every file (and submodule) that is not the same in both trees, by path; -1 from it
 * ends with its error. A file whose mode alone differs is not the same. */
int pb_merge_differ(struct pb_repo *repo, const char *from, const char *to,
                    int (*fn)(void *ctx, const char *path, struct pb_err *err), void *ctx,
                    struct pb_err *err);

#endif
