/*
 * refs.h: the refs that plumb keeps for itself (refs/plumb/...): commits made from files in
 * memory, without index or work tree, and taken to a remote.
 *
 *	struct pb_ref_change c = {.ref = ref, .expect = old, .files = files, .nfiles = n, ...};
 *	if (pb_ref_write(id, &moved, repo, &c, &err) < 0) ...
 *	if (!moved && pb_ref_push(&moved, repo, "origin", ref, id, theirs, &err) < 0) ...
 *
 * Both ends are compare-and-swap: a ref that is not where the caller believes it to be stays
 * as it is, and *moved says so. Tags and the work tree are never touched, and branches by
 * rollback.h alone.
 */
#ifndef PB_GIT_REFS_H
#define PB_GIT_REFS_H

#include "base/buf.h"
#include "base/strv.h"
#include "git/repo.h"

struct pb_ref_file {
    const char *path; /* "entries/000000" */
    const void *p;    /* NULL: it is to be gone */
    size_t n;
};

struct pb_ref_change {
    const char *ref;
    const char *expect;              /* the id that the ref has; "": there is none */
    const struct pb_ref_file *files; /* put over the tree of `expect`; folders as needed */
    size_t nfiles;
    const char *name, *email, *message;
    time_t when;
};

/* The id of the commit; "" when there is no such ref. */
int pb_ref_id(char id[PB_OID_HEX], struct pb_repo *repo, const char *ref, struct pb_err *err);
/* Sorted names of the refs below `prefix`, which ends with '/'. */
int pb_ref_list(struct pb_strv *out, struct pb_repo *repo, const char *prefix, struct pb_err *err);
/* When the files change nothing there is no commit, and `id` is `expect`. */
int pb_ref_write(char id[PB_OID_HEX], bool *moved, struct pb_repo *repo,
                 const struct pb_ref_change *c, struct pb_err *err);
/* Makes `ref` what `id` is, if it is `from` now ("": not there). */
int pb_ref_move(bool *moved, struct pb_repo *repo, const char *ref, const char *from,
                const char *id, struct pb_err *err);
/* Makes `ref` what `id` is, whatever it was: for copies of a remote's refs. */
int pb_ref_set(struct pb_repo *repo, const char *ref, const char *id, struct pb_err *err);

/* ---- a remote, through the git program: its transports and credentials are the person's.
 * No hook runs and nothing is asked on the terminal. -------------------------------------- */

/* Makes `ref` of the remote `id`, if it is `expect` there now ("": not there). */
int pb_ref_push(bool *moved, struct pb_repo *repo, const char *remote, const char *ref,
                const char *id, const char *expect, struct pb_err *err);
/* Every ref of the remote whose name begins with `prefix` becomes one that begins with `into`,
 * and those that it has no more are removed there. Both end alike, with '/' or without. */
int pb_ref_fetch(struct pb_repo *repo, const char *remote, const char *prefix, const char *into,
                 struct pb_err *err);

#endif
