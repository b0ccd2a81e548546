#include "git/rollback.h"

#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/mem.h"
#include "base/text.h"
#include "git/internal.h"
#include "git/refs.h"

void pb_rollback_release(struct pb_rollback *r)
{
    pb_strv_release(&r->changes);
    pb_strv_release(&r->undone);
}

/* ---- the tree ----------------------------------------------------------------------------- */

struct sides {
    git_index *head, *earlier, *out;
};

static void sides_release(struct sides *s)
{
    git_index_free(s->head);
    git_index_free(s->earlier);
    git_index_free(s->out);
}

static int index_of(git_index **out, git_tree *tree)
{
    int code = git_index_new(out);

    return code < 0 ? code : git_index_read_tree(*out, tree);
}

static bool is_under(const char *path, const char *top)
{
    size_t n = strlen(top);

    return !n || (strncmp(path, top, n) == 0 && (path[n] == '/' || !path[n]));
}

static bool is_wanted(const char *path, const struct pb_strv *paths, const char *keep)
{
    if (keep && strcmp(path, keep) == 0)
        return false;
    for (size_t i = 0; i < paths->n; i++)
        if (is_under(path, paths->v[i]))
            return true;
    return false;
}

/* Head's entries that are not wanted, and the earlier ones that are. */
static int mix(struct sides *s, const struct pb_strv *paths, const char *keep)
{
    git_index *from[] = {s->head, s->earlier};
    int code = git_index_new(&s->out);

    for (size_t k = 0; k < PB_COUNT(from); k++)
        for (size_t i = 0; code == 0 && i < git_index_entrycount(from[k]); i++) {
            const git_index_entry *e = git_index_get_byindex(from[k], i);

            if (is_wanted(e->path, paths, keep) == (k == 1))
                code = git_index_add(s->out, e);
        }
    return code;
}

static int new_tree(git_oid *out, struct pb_repo *repo, git_tree *head, git_tree *earlier,
                    const struct pb_strv *paths, const char *keep, struct pb_err *err)
{
    struct sides s = {NULL, NULL, NULL};
    int code = index_of(&s.head, head);

    if (code == 0)
        code = index_of(&s.earlier, earlier);
    if (code == 0)
        code = mix(&s, paths, keep);
    if (code == 0)
        code = git_index_write_tree_to(out, s.out, repo->git);
    sides_release(&s);
    return code < 0 ? pb_git_fail(err, code, "cannot make a tree of the earlier files") : 0;
}

static int list_changes(struct pb_strv *out, struct pb_repo *repo, git_tree *from,
                        const git_oid *to, struct pb_err *err)
{
    PB_AUTO(gittree) git_tree *tree = NULL;
    git_diff *diff = NULL;
    int code = git_tree_lookup(&tree, repo->git, to);

    if (code == 0)
        code = git_diff_tree_to_tree(&diff, repo->git, from, tree, NULL);
    for (size_t i = 0; code == 0 && i < git_diff_num_deltas(diff); i++) {
        const git_diff_delta *d = git_diff_get_delta(diff, i);

        pb_strv_addf(out, "%c %s", git_diff_status_char(d->status), d->new_file.path);
    }
    git_diff_free(diff);
    return code < 0 ? pb_git_fail(err, code, "cannot compare two trees") : 0;
}

/* ---- what is undone ----------------------------------------------------------------------- */

static bool same_at(const git_tree *a, const git_tree *b, const char *path)
{
    PB_AUTO(gitentry) git_tree_entry *x = NULL;
    PB_AUTO(gitentry) git_tree_entry *y = NULL;
    int in_a, in_b;

    if (!*path)
        return git_oid_equal(git_tree_id(a), git_tree_id(b));
    in_a = git_tree_entry_bypath(&x, a, path);
    in_b = git_tree_entry_bypath(&y, b, path);
    if (in_a != 0 || in_b != 0)
        return in_a != 0 && in_b != 0;
    return git_oid_equal(git_tree_entry_id(x), git_tree_entry_id(y));
}

/* A merge brings in what its other parents have, and those are listed themselves. */
static int add_if_it_changed(struct pb_rollback *r, git_commit *c, const struct pb_strv *paths)
{
    PB_AUTO(gittree) git_tree *tree = NULL;
    PB_AUTO(gittree) git_tree *before = NULL;
    PB_AUTO(gitcommit) git_commit *parent = NULL;
    char hex[9];
    int code;

    if (git_commit_parentcount(c) != 1)
        return 0;
    code = git_commit_parent(&parent, c, 0);
    if (code == 0)
        code = git_commit_tree(&tree, c);
    if (code == 0)
        code = git_commit_tree(&before, parent);
    for (size_t i = 0; code == 0 && i < paths->n; i++) {
        if (same_at(tree, before, paths->v[i]))
            continue;
        git_oid_tostr(hex, sizeof(hex), git_commit_id(c));
        if (r->nundone++ < PB_ROLLBACK_COMMITS)
            pb_strv_addf(&r->undone, "%s %s", hex, git_commit_summary(c));
        break;
    }
    return code;
}

static int list_undone(struct pb_rollback *r, struct pb_repo *repo, const git_oid *head,
                       const git_oid *earlier, const struct pb_strv *paths, struct pb_err *err)
{
    git_revwalk *walk = NULL;
    git_oid id;
    int code = git_revwalk_new(&walk, repo->git);

    if (code == 0)
        code = git_revwalk_push(walk, head);
    if (code == 0)
        code = git_revwalk_hide(walk, earlier);
    while (code == 0 && (code = git_revwalk_next(&id, walk)) == 0) {
        PB_AUTO(gitcommit) git_commit *c = NULL;

        code = git_commit_lookup(&c, repo->git, &id);
        if (code == 0)
            code = add_if_it_changed(r, c, paths);
        if (pb_cancel_requested())
            break;
    }
    git_revwalk_free(walk);
    if (pb_cancel_check(err) < 0)
        return -1;
    return code == GIT_ITEROVER ? 0 : pb_git_fail(err, code, "cannot read the history");
}

int pb_rollback_look(struct pb_rollback *out, struct pb_repo *repo, const char *head,
                     const char *earlier, const struct pb_strv *paths, const char *keep,
                     struct pb_err *err)
{
    PB_AUTO(gitcommit) git_commit *now = NULL;
    PB_AUTO(gitcommit) git_commit *then = NULL;
    PB_AUTO(gittree) git_tree *a = NULL;
    PB_AUTO(gittree) git_tree *b = NULL;
    git_oid tree;

    memset(out, 0, sizeof(*out));
    if (pb_git_commit(&now, repo, head, err) || pb_git_commit(&then, repo, earlier, err) ||
        pb_git_root(&a, repo, head, err) || pb_git_root(&b, repo, earlier, err) ||
        new_tree(&tree, repo, a, b, paths, keep, err) ||
        list_changes(&out->changes, repo, a, &tree, err))
        return -1;
    git_oid_tostr(out->tree, sizeof(out->tree), &tree);
    git_oid_tostr(out->head, sizeof(out->head), git_commit_id(now));
    git_oid_tostr(out->earlier, sizeof(out->earlier), git_commit_id(then));
    return list_undone(out, repo, git_commit_id(now), git_commit_id(then), paths, err);
}

/* ---- the commit --------------------------------------------------------------------------- */

/* As git does: the environment, then the configuration. */
static int person(git_signature **out, struct pb_repo *repo, const char *who, struct pb_err *err)
{
    PB_AUTO(str) char *name_of = pb_asprintf("GIT_%s_NAME", who);
    PB_AUTO(str) char *email_of = pb_asprintf("GIT_%s_EMAIL", who);
    PB_AUTO(str) char *name = NULL, *email = NULL;
    const char *n = getenv(name_of), *e = getenv(email_of);

    pb_repo_identity(&name, &email, repo);
    n = n && *n ? n : name;
    e = e && *e ? e : email;
    if (!n || !e || git_signature_now(out, n, e) < 0)
        return pb_fail(err, PB_E_GIT,
                       "who commits is not configured: git config user.name and user.email");
    return 0;
}

static int write_commit(char id[PB_OID_HEX], struct pb_repo *repo, const struct pb_rollback *r,
                        const char *message, struct pb_err *err)
{
    PB_AUTO(gitcommit) git_commit *parent = NULL;
    PB_AUTO(gittree) git_tree *tree = NULL;
    git_signature *author = NULL, *committer = NULL;
    git_oid oid;
    int code;

    if (pb_git_commit(&parent, repo, r->head, err) || person(&author, repo, "AUTHOR", err))
        return -1;
    if (person(&committer, repo, "COMMITTER", err) < 0) {
        git_signature_free(author);
        return -1;
    }
    code = git_oid_fromstr(&oid, r->tree);
    if (code == 0)
        code = git_tree_lookup(&tree, repo->git, &oid);
    if (code == 0) {
        const git_commit *parents[] = {parent};

        code = git_commit_create(&oid, repo->git, NULL, author, committer, NULL, message, tree, 1,
                                 parents);
    }
    git_signature_free(author);
    git_signature_free(committer);
    if (code < 0)
        return pb_git_fail(err, code, "cannot write the commit");
    git_oid_tostr(id, PB_OID_HEX, &oid);
    return 0;
}

/* All of them, or none: libgit2 looks for conflicts first. */
static int check_out(struct pb_repo *repo, const struct pb_rollback *r, const char *id,
                     struct pb_err *err)
{
    PB_AUTO(gittree) git_tree *before = NULL;
    PB_AUTO(gittree) git_tree *after = NULL;
    PB_AUTO(strv) struct pb_strv paths = PB_STRV_INIT;
    git_checkout_options o;
    int code;

    if (pb_git_root(&before, repo, r->head, err) || pb_git_root(&after, repo, id, err))
        return -1;
    for (size_t i = 0; i < r->changes.n; i++)
        pb_strv_add(&paths, r->changes.v[i] + 2);
    git_checkout_options_init(&o, GIT_CHECKOUT_OPTIONS_VERSION);
    o.checkout_strategy = GIT_CHECKOUT_SAFE | GIT_CHECKOUT_DISABLE_PATHSPEC_MATCH |
                          GIT_CHECKOUT_DONT_OVERWRITE_IGNORED;
    o.baseline = before;
    o.paths = (git_strarray){paths.v, paths.n};
    code = git_checkout_tree(repo->git, (git_object *)after, &o);
    return code < 0 ? pb_git_fail(err, code,
                                  "the work tree cannot follow: commit what is changed "
                                  "there, or take it away")
                    : 0;
}

static int onto_head(struct pb_repo *repo, const struct pb_rollback *r, const char *id,
                     struct pb_err *err)
{
    struct pb_branch branch;
    PB_AUTO(str) char *ref = NULL;
    bool moved = false;
    int rc = pb_repo_branch(&branch, repo, err);

    if (rc == 0 && (!branch.name || git_repository_state(repo->git) != GIT_REPOSITORY_STATE_NONE))
        rc = pb_fail(err, PB_E_GIT,
                     branch.name ? "a merge or rebase is under way here: end it first"
                                 : "HEAD is on no branch: check one out, or use --branch");
    if (rc == 0) {
        ref = pb_asprintf("refs/heads/%s", branch.name);
        rc = pb_ref_move(&moved, repo, ref, r->head, id, err);
    }
    if (rc == 0 && moved)
        rc = pb_fail(err, PB_E_GIT, "branch '%s' moved meanwhile: try again", branch.name);
    pb_branch_release(&branch);
    if (rc < 0)
        return -1;
    if (check_out(repo, r, id, err) == 0)
        return 0;
    (void)pb_ref_move(&moved, repo, ref, id, r->head, NULL);
    return -1;
}

int pb_rollback_make(char id[PB_OID_HEX], struct pb_repo *repo, const struct pb_rollback *r,
                     const char *branch, const char *message, struct pb_err *err)
{
    PB_AUTO(str) char *ref = branch ? pb_asprintf("refs/heads/%s", branch) : NULL;
    int valid = 1;
    bool moved;

    if (branch && (git_branch_name_is_valid(&valid, branch) < 0 || !valid))
        return pb_fail(err, PB_E_USAGE, "'%s' cannot be the name of a branch", branch);
    if (!branch && !pb_repo_workdir(repo))
        return pb_fail(err, PB_E_GIT, "this repository has no work tree: use --branch");
    if (write_commit(id, repo, r, message, err) < 0)
        return -1;
    if (!branch)
        return onto_head(repo, r, id, err);
    if (pb_ref_move(&moved, repo, ref, "", id, err) < 0)
        return -1;
    return moved ? pb_fail(err, PB_E_GIT, "there is a branch '%s' already", branch) : 0;
}
