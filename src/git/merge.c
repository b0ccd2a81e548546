#include "git/merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "git/history.h"
#include "git/internal.h"

/* Before all others: whatever is written through this handle from now on stays in memory. */
enum { FIRST = 1000 };

static int into_memory(struct pb_repo *repo, struct pb_err *err)
{
    git_odb *odb = NULL;
    git_odb_backend *memory = NULL;
    int code = git_repository_odb(&odb, repo->git);

    if (code == 0)
        code = git_mempack_new(&memory);
    if (code == 0) {
        code = git_odb_add_backend(odb, memory, FIRST);
        if (code < 0)
            memory->free(memory);
    }
    git_odb_free(odb);
    return code < 0 ? pb_git_fail(err, code, "cannot merge in memory") : 0;
}

/* The objects alone: without a folder, its settings and its attributes. With `merge=union` among
 * these a conflict would not be one, and hosts do not heed them. */
static int bare_objects(git_repository **out, struct pb_repo *repo, struct pb_err *err)
{
    git_odb *odb = NULL;
    int code = git_repository_odb(&odb, repo->git);

    if (code == 0)
        code = git_repository_wrap_odb(out, odb);
    git_odb_free(odb);
    return code < 0 ? pb_git_fail(err, code, "cannot merge in memory") : 0;
}

/* ---- conflicts ---------------------------------------------------------------------------- */

static const char *what_of(const git_index_entry *ancestor, const git_index_entry *base,
                           const git_index_entry *head)
{
    if (base && head)
        return ancestor ? "changed on both sides" : "added on both sides";
    if (base)
        return ancestor ? "changed by base, removed by head" : "moved or added by base alone";
    if (head)
        return ancestor ? "removed by base, changed by head" : "moved or added by head alone";
    return "moved to different places, or removed";
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct pb_merge_conflict *)a)->path,
                  ((const struct pb_merge_conflict *)b)->path);
}

static void sort_unique(struct pb_merge *m)
{
    size_t n = 0;

    if (!m->nconflicts)
        return;
    qsort(m->conflicts, m->nconflicts, sizeof(*m->conflicts), by_path);
    for (size_t i = 0; i < m->nconflicts; i++) {
        if (n && strcmp(m->conflicts[n - 1].path, m->conflicts[i].path) == 0)
            free(m->conflicts[i].path);
        else
            m->conflicts[n++] = m->conflicts[i];
    }
    m->nconflicts = n;
}

static int list_conflicts(struct pb_merge *out, git_index *index, struct pb_err *err)
{
    const git_index_entry *ancestor, *base, *head;
    git_index_conflict_iterator *it = NULL;
    size_t cap = 0;
    int code = git_index_conflict_iterator_new(&it, index);

    while (code == 0 && (code = git_index_conflict_next(&ancestor, &base, &head, it)) == 0) {
        const git_index_entry *e = base ? base : head ? head : ancestor;
        struct pb_merge_conflict *c;

        out->conflicts =
            pb_grow(out->conflicts, &cap, out->nconflicts + 1, sizeof(*out->conflicts));
        c = &out->conflicts[out->nconflicts++];
        c->path = pb_strdup(e->path);
        c->what = what_of(ancestor, base, head);
    }
    git_index_conflict_iterator_free(it);
    if (code != GIT_ITEROVER)
        return pb_git_fail(err, code, "cannot list what conflicts");
    sort_unique(out);
    out->kind = PB_MERGE_CONFLICT;
    return 0;
}

/* ---- the merge ---------------------------------------------------------------------------- */

/* libgit2 takes a history that it cannot follow to the end for one without a beginning in common,
 * and would merge the two as if every file were new. */
static int check_related(struct pb_repo *repo, const git_commit *base, const git_commit *head,
                         struct pb_err *err)
{
    git_oid id;
    char a[PB_OID_HEX], b[PB_OID_HEX];
    int code = git_merge_base(&id, repo->git, git_commit_id(base), git_commit_id(head));

    if (code == 0)
        return 0;
    git_oid_tostr(a, sizeof(a), git_commit_id(base));
    git_oid_tostr(b, sizeof(b), git_commit_id(head));
    if (pb_repo_is_shallow(repo))
        return pb_fail(err, PB_E_GIT,
                       "where %.8s and %.8s part is not in this shallow clone: run git fetch "
                       "--unshallow (in CI: check out with the whole history)",
                       a, b);
    if (code != GIT_ENOTFOUND)
        return pb_git_fail(err, code, "cannot find where %.8s and %.8s part", a, b);
    return pb_fail(err, PB_E_GIT,
                   "%.8s and %.8s have no commit in common: they cannot be merged; is the base "
                   "the right branch?",
                   a, b);
}

static int write_commit(char id[PB_OID_HEX], struct pb_repo *repo, git_index *index,
                        git_commit *base, git_commit *head, struct pb_err *err)
{
    PB_AUTO(gittree) git_tree *tree = NULL;
    const git_commit *parents[] = {base, head};
    git_signature *who = NULL;
    git_time_t a = git_commit_time(base), b = git_commit_time(head);
    git_oid oid;
    int code = git_index_write_tree_to(&oid, index, repo->git);

    if (code == 0)
        code = git_tree_lookup(&tree, repo->git, &oid);
    if (code == 0)
        code = git_signature_new(&who, "plumb", "plumb@localhost", a > b ? a : b, 0);
    if (code == 0)
        code = git_commit_create(&oid, repo->git, NULL, who, who, NULL, "what merging would give\n",
                                 tree, 2, parents);
    git_signature_free(who);
    if (code < 0)
        return pb_git_fail(err, code, "cannot merge in memory");
    git_oid_tostr(id, PB_OID_HEX, &oid);
    return 0;
}

static int merge(struct pb_merge *out, struct pb_repo *repo, git_commit *base, git_commit *head,
                 struct pb_err *err)
{
    git_repository *objects = NULL;
    git_merge_options o;
    git_index *index = NULL;
    int rc = -1, code;

    git_merge_options_init(&o, GIT_MERGE_OPTIONS_VERSION);
    if (check_related(repo, base, head, err) || into_memory(repo, err) ||
        bare_objects(&objects, repo, err))
        return -1;
    code = git_merge_commits(&index, objects, base, head, &o);
    if (code < 0)
        pb_git_fail(err, code, "cannot merge");
    else if (git_index_has_conflicts(index))
        rc = list_conflicts(out, index, err);
    else
        rc = write_commit(out->commit, repo, index, base, head, err);
    git_index_free(index);
    git_repository_free(objects);
    return rc;
}

static bool is_ancestor(struct pb_repo *repo, const char *a, const char *b)
{
    bool yes;

    /* A shallow clone that cannot tell says so when the two are merged. */
    return pb_history_is_ancestor(&yes, repo, a, b, NULL) == 0 && yes;
}

int pb_merge_make(struct pb_merge *out, struct pb_repo *repo, const char *base, const char *head,
                  struct pb_err *err)
{
    PB_AUTO(gitcommit) git_commit *b = NULL;
    PB_AUTO(gitcommit) git_commit *h = NULL;

    memset(out, 0, sizeof(*out));
    if (pb_git_commit(&b, repo, base, err) || pb_git_commit(&h, repo, head, err))
        return -1;
    if (is_ancestor(repo, head, base)) {
        out->kind = PB_MERGE_NOTHING;
        memcpy(out->commit, base, PB_OID_HEX);
        return 0;
    }
    if (is_ancestor(repo, base, head)) {
        out->kind = PB_MERGE_FORWARD;
        memcpy(out->commit, head, PB_OID_HEX);
        return 0;
    }
    out->kind = PB_MERGE_MADE;
    if (merge(out, repo, b, h, err) < 0) {
        pb_merge_release(out);
        return -1;
    }
    return 0;
}

void pb_merge_release(struct pb_merge *m)
{
    for (size_t i = 0; i < m->nconflicts; i++)
        free(m->conflicts[i].path);
    free(m->conflicts);
    memset(m, 0, sizeof(*m));
}

/* ---- what differs ------------------------------------------------------------------------- */

static int tell(git_diff *diff, int (*fn)(void *ctx, const char *path, struct pb_err *err),
                void *ctx, struct pb_err *err)
{
    for (size_t i = 0; i < git_diff_num_deltas(diff); i++) {
        const git_diff_delta *d = git_diff_get_delta(diff, i);

        if (fn(ctx, d->new_file.path ? d->new_file.path : d->old_file.path, err) < 0)
            return -1;
    }
    return 0;
}

int pb_merge_differ(struct pb_repo *repo, const char *from, const char *to,
                    int (*fn)(void *ctx, const char *path, struct pb_err *err), void *ctx,
                    struct pb_err *err)
{
    PB_AUTO(gittree) git_tree *a = NULL;
    PB_AUTO(gittree) git_tree *b = NULL;
    git_diff_options o;
    git_diff *diff = NULL;
    int code, rc;

    if (pb_git_root(&a, repo, from, err) || pb_git_root(&b, repo, to, err))
        return -1;
    git_diff_options_init(&o, GIT_DIFF_OPTIONS_VERSION);
    o.flags = GIT_DIFF_INCLUDE_TYPECHANGE;
    code = git_diff_tree_to_tree(&diff, repo->git, a, b, &o);
    rc = code < 0 ? pb_git_fail(err, code, "cannot compare the trees of %.8s and %.8s", from, to)
                  : tell(diff, fn, ctx, err);
    git_diff_free(diff);
    return rc;
}
