/*
 * history.h: who changed what, from the commits alone. Author names are as written: make
 * them safe before showing them.
 */
#ifndef PB_GIT_HISTORY_H
#define PB_GIT_HISTORY_H

#include "base/strv.h"
#include "git/repo.h"

enum { PB_HISTORY_MAX = 10000 }; /* commits looked at, unless asked for fewer */

/* The commit that last changed what is at `path`, seen from `from`: as `git log -1 -- path`,
 * following the first parent that has the same content. *found is false (and `out` empty)
 * when the path is not in `from`, or when the answer lies beyond `max` commits (0:
 * PB_HISTORY_MAX) or outside of a shallow clone. */
int pb_history_last_change(struct pb_commit *out, bool *found, struct pb_repo *repo,
                           const char *from, const char *path, size_t max, struct pb_err *err);

/* One file that a commit changed against its first parent, of those at or below `paths` ("" is
 * everything). *out is NULL when it changed none; caller frees. */
int pb_history_changed_file(char **out, struct pb_repo *repo, const char *commit,
                            const struct pb_strv *paths, struct pb_err *err);

/* Is `a` in the history of `b`? A commit is its own ancestor. A shallow clone that lacks the
 * commits to tell is an error, never a no. */
int pb_history_is_ancestor(bool *yes, struct pb_repo *repo, const char *a, const char *b,
                           struct pb_err *err);

#endif
