/*
 * rollback.h: a commit that has some paths as an earlier commit had them, and all else as it is.
 * It goes on top of the branch: history is not rewritten.
 *
 *	struct pb_rollback r = {0};
 *	if (pb_rollback_look(&r, repo, head, earlier, &paths, "plumb.yaml", &err) == 0)
 *	    ... show; pb_rollback_make(id, repo, &r, NULL, message, &err)
 *	pb_rollback_release(&r);
 *
 * To look writes objects that nothing refers to, no more.
 */
#ifndef PB_GIT_ROLLBACK_H
#define PB_GIT_ROLLBACK_H

#include "base/strv.h"
#include "git/repo.h"

enum { PB_ROLLBACK_COMMITS = 20 };

struct pb_rollback {
    char head[PB_OID_HEX], earlier[PB_OID_HEX], tree[PB_OID_HEX];
    struct pb_strv changes; /* "M path", "A path", "D path", by path */
    struct pb_strv undone;  /* "1a2b3c4d summary": commits that changed the paths, newest first */
    size_t nundone;         /* all of them; `undone` has PB_ROLLBACK_COMMITS at most */
};

/* `keep` is a file that stays as it is in head, whatever the paths say. */
int pb_rollback_look(struct pb_rollback *out, struct pb_repo *repo, const char *head,
                     const char *earlier, const struct pb_strv *paths, const char *keep,
                     struct pb_err *err);
void pb_rollback_release(struct pb_rollback *r);

/* Makes the commit as the configured person. With `branch` it is that new branch, and nothing
 * else happens. Without, it is the next one of HEAD's branch, and the changed files of the work
 * tree follow; when they cannot (somebody works on one of them), nothing has happened. No hook
 * runs, and nothing is signed. */
int pb_rollback_make(char id[PB_OID_HEX], struct pb_repo *repo, const struct pb_rollback *r,
                     const char *branch, const char *message, struct pb_err *err);

#endif
