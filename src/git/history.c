#include "git/history.h"

#include <string.h>

#include "base/cancel.h"
#include "base/mem.h"
#include "base/strv.h"
#include "git/internal.h"

/* The id of what is at `path`; false when there is nothing. */
static int id_at(git_oid *out, bool *there, git_commit *c, const char *path, struct pb_err *err)
{
    PB_AUTO(gittree) git_tree *root = NULL;
    PB_AUTO(gitentry) git_tree_entry *e = NULL;
    int code = git_commit_tree(&root, c);

    *there = false;
    if (code < 0)
        return pb_git_fail(err, code, "cannot read the tree of a commit");
    if (!*path) {
        git_oid_cpy(out, git_tree_id(root));
        *there = true;
        return 0;
    }
    code = git_tree_entry_bypath(&e, root, path);
    if (code == GIT_ENOTFOUND)
        return 0;
    if (code < 0)
        return pb_git_fail(err, code, "cannot read '%s' of a commit", path);
    git_oid_cpy(out, git_tree_entry_id(e));
    *there = true;
    return 0;
}

enum step { STEP_HERE, STEP_ON, STEP_CUT };

/* Looks for a parent with the same content; *c becomes it. */
static int step_back(enum step *what, git_commit **c, const git_oid *id, const char *path,
                     struct pb_repo *repo, struct pb_err *err)
{
    unsigned n = git_commit_parentcount(*c);

    for (unsigned i = 0; i < n; i++) {
        PB_AUTO(gitcommit) git_commit *parent = NULL;
        git_oid theirs;
        bool there;
        int code = git_commit_parent(&parent, *c, i);
        if (code == GIT_ENOTFOUND && pb_repo_is_shallow(repo)) {
            *what = STEP_CUT;
            return 0;
        }
        if (code < 0)
            return pb_git_fail(err, code, "cannot read the history of '%s'", path);
        if (id_at(&theirs, &there, parent, path, err))
            return -1;
        if (!there || git_oid_cmp(&theirs, id) != 0)
            continue;
        git_commit_free(*c);
        *c = parent;
        parent = NULL;
        *what = STEP_ON;
        return 0;
    }
    *what = STEP_HERE;
    return 0;
}

int pb_history_last_change(struct pb_commit *out, bool *found, struct pb_repo *repo,
                           const char *from, const char *path, size_t max, struct pb_err *err)
{
    PB_AUTO(gitcommit) git_commit *c = NULL;
    enum step what = STEP_ON;
    git_oid id;
    char hex[PB_OID_HEX];

    memset(out, 0, sizeof(*out));
    *found = false;
    if (pb_git_commit(&c, repo, from, err) || id_at(&id, found, c, path, err))
        return -1;
    if (!*found)
        return 0;
    *found = false;
    for (size_t i = 0; i < (max ? max : PB_HISTORY_MAX) && what == STEP_ON; i++)
        if (pb_cancel_check(err) || step_back(&what, &c, &id, path, repo, err))
            return -1;
    if (what != STEP_HERE)
        return 0;
    *found = true;
    git_oid_tostr(hex, sizeof(hex), git_commit_id(c));
    return pb_repo_commit(out, repo, hex, err);
}

static bool is_below(const char *file, const char *path)
{
    size_t n = strlen(path);

    return !n || (strncmp(file, path, n) == 0 && (!file[n] || file[n] == '/'));
}

int pb_history_changed_file(char **out, struct pb_repo *repo, const char *commit,
                            const struct pb_strv *paths, struct pb_err *err)
{
    PB_AUTO(gitcommit) git_commit *c = NULL;
    PB_AUTO(gittree) git_tree *now = NULL;
    PB_AUTO(gittree) git_tree *then = NULL;
    git_diff *diff = NULL;
    char parent[PB_OID_HEX];
    int code;

    *out = NULL;
    if (pb_git_commit(&c, repo, commit, err) || pb_git_root(&now, repo, commit, err))
        return -1;
    if (git_commit_parentcount(c)) {
        git_oid_tostr(parent, sizeof(parent), git_commit_parent_id(c, 0));
        if (pb_git_root(&then, repo, parent, err))
            return -1;
    }
    code = git_diff_tree_to_tree(&diff, repo->git, then, now, NULL);
    if (code < 0)
        return pb_git_fail(err, code, "cannot compare commit %s with its parent", commit);
    for (size_t i = 0; !*out && i < git_diff_num_deltas(diff); i++) {
        const git_diff_delta *d = git_diff_get_delta(diff, i);

        for (size_t k = 0; !*out && k < paths->n; k++)
            if (is_below(d->new_file.path, paths->v[k]))
                *out = pb_strdup(d->new_file.path);
    }
    git_diff_free(diff);
    return 0;
}

/* In a history with holes: git_graph_descendant_of() would lose memory at each (libgit2 1.5). */
static bool is_found(git_repository *git, const git_oid *a, const git_oid *b)
{
    git_revwalk *walk = NULL;
    bool found = false;
    git_oid id;

    if (git_revwalk_new(&walk, git) == 0 && git_revwalk_push(walk, b) == 0)
        while (!found && git_revwalk_next(&id, walk) == 0)
            found = git_oid_equal(&id, a);
    git_revwalk_free(walk);
    return found;
}

int pb_history_is_ancestor(bool *yes, struct pb_repo *repo, const char *a, const char *b,
                           struct pb_err *err)
{
    PB_AUTO(gitcommit) git_commit *ca = NULL;
    PB_AUTO(gitcommit) git_commit *cb = NULL;
    int code;

    *yes = false;
    if (pb_git_commit(&ca, repo, a, err) || pb_git_commit(&cb, repo, b, err))
        return -1;
    if (git_oid_equal(git_commit_id(ca), git_commit_id(cb))) {
        *yes = true;
        return 0;
    }
    if (pb_repo_is_shallow(repo)) {
        *yes = is_found(repo->git, git_commit_id(ca), git_commit_id(cb));
        /* Not finding a way through a history with holes does not show that there is none. */
        return *yes ? 0
                    : pb_fail(err, PB_E_GIT,
                              "cannot tell whether %s is in the history of %s: the clone is "
                              "shallow; run: git fetch --unshallow",
                              a, b);
    }
    code = git_graph_descendant_of(repo->git, git_commit_id(cb), git_commit_id(ca));
    if (code < 0)
        return pb_git_fail(err, code, "cannot compare the history of %s and %s", a, b);
    *yes = code == 1;
    return 0;
}
