/*
 * repo.h: a Git repository, read only.
 *
 *	struct pb_repo *repo = NULL;
 *	char id[PB_OID_HEX];
 *	if (pb_repo_open(&repo, ".", 0, err) || pb_repo_resolve(id, repo, "HEAD", err))
 *	    return -1;
 *
 * A handle belongs to one thread at a time; open one per thread. Paths that go in and come
 * out are relative to the top of the repository, with '/' and without "./"; "" is the top.
 * Commits are named by their full id in hexadecimal.
 */
#ifndef PB_GIT_REPO_H
#define PB_GIT_REPO_H

#include <time.h>

#include "base/err.h"

enum { PB_OID_HEX = 41 };

struct pb_repo;

enum { PB_REPO_FROM_ENV = 1 }; /* honour GIT_DIR and its kin */

/* Loads libgit2 now rather than when the first repository is opened, which says what is wrong. */
void pb_repo_early(void);

/* Finds the repository that `dir` lies in: a clone, a linked worktree or a bare one. A
 * repository of another user is refused as git does, with the remedy. */
int pb_repo_open(struct pb_repo **out, const char *dir, unsigned flags, struct pb_err *err);
void pb_repo_free(struct pb_repo *repo);
void pb_auto_repo(struct pb_repo **repo);

const char *pb_repo_workdir(const struct pb_repo *repo); /* NULL when bare */
const char *pb_repo_gitdir(const struct pb_repo *repo);
bool pb_repo_is_shallow(const struct pb_repo *repo);

/* An existing file or folder of the work tree as a path of the repository. Caller frees. */
int pb_repo_path(char **out, const struct pb_repo *repo, const char *path, struct pb_err *err);

/* A branch, tag, id, HEAD~2, origin/main... as the id of a commit (tags are peeled). */
int pb_repo_resolve(char id[PB_OID_HEX], struct pb_repo *repo, const char *rev, struct pb_err *err);

struct pb_commit {
    char id[PB_OID_HEX];
    char tree[PB_OID_HEX];
    char *author; /* name, as written: make it safe before showing it */
    char *email;
    char *summary; /* first line of the message */
    time_t time;   /* of the commit, UTC */
    size_t parents;
};

int pb_repo_commit(struct pb_commit *out, struct pb_repo *repo, const char *id, struct pb_err *err);
void pb_commit_release(struct pb_commit *c);
void pb_auto_commit(struct pb_commit *c);

/* Is anything below `path` changed, staged or untracked (ignored files are not)?
 * *first is one such path, or NULL; caller frees. A bare repository is never dirty. What is
 * untracked and `left` says yes to does not count; folders end in '/'. NULL: everything counts. */
int pb_repo_dirty(char **first, struct pb_repo *repo, const char *path,
                  bool (*left)(const char *path), struct pb_err *err);

/* What HEAD is on, and what that follows; each NULL when there is none. Caller frees. */
struct pb_branch {
    char *name;       /* main; NULL: detached */
    char *remote;     /* origin */
    char *merge;      /* the branch there: main */
    char *remote_url; /* without user and password */
};

int pb_repo_branch(struct pb_branch *out, struct pb_repo *repo, struct pb_err *err);
void pb_branch_release(struct pb_branch *b);

/* The path of the git folder, without a slash at its end. Caller frees. */
char *pb_repo_folder(const struct pb_repo *repo);

/* The URL (without user and password) of the remote `origin`, or of the one that HEAD's branch
 * follows; a path is absolute. NULL: there is none. Caller frees. */
char *pb_repo_home_url(struct pb_repo *repo);

/* The same for all spellings of a remote's URL: "HOST[:PORT]/PATH" of https, ssh, git and
 * "USER@HOST:PATH", a path as it is; without a scheme's own port, slashes and ".git" at the end. A
 * user stays where the path depends on it; `git` is a service's. Caller frees. */
char *pb_repo_url_key(const char *url);

/* The absolute path of a URL that is one, seen from the folder `from`; NULL when it is none. Caller
 * frees. */
char *pb_repo_local_url(const char *url, const char *from);

/* user.name and user.email; each NULL when it is not configured. Caller frees both. */
void pb_repo_identity(char **name, char **email, struct pb_repo *repo);

#endif
