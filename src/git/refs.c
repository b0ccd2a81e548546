#include "git/refs.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "git/internal.h"

int pb_ref_id(char id[PB_OID_HEX], struct pb_repo *repo, const char *ref, struct pb_err *err)
{
    git_oid oid;
    int code = git_reference_name_to_id(&oid, repo->git, ref);

    *id = '\0';
    if (code == GIT_ENOTFOUND)
        return 0;
    if (code < 0)
        return pb_git_fail(err, code, "cannot read ref '%s'", ref);
    git_oid_tostr(id, PB_OID_HEX, &oid);
    return 0;
}

int pb_ref_list(struct pb_strv *out, struct pb_repo *repo, const char *prefix, struct pb_err *err)
{
    PB_AUTO(str) char *glob = pb_asprintf("%s*", prefix);
    git_reference_iterator *it = NULL;
    const char *name;
    int code = git_reference_iterator_glob_new(&it, repo->git, glob);

    if (code < 0)
        return pb_git_fail(err, code, "cannot list the refs below '%s'", prefix);
    while ((code = git_reference_next_name(&name, it)) == 0)
        pb_strv_add(out, name);
    git_reference_iterator_free(it);
    if (code != GIT_ITEROVER)
        return pb_git_fail(err, code, "cannot list the refs below '%s'", prefix);
    pb_strv_sort(out);
    return 0;
}

/* ---- writing ---------------------------------------------------------------------------- */

static bool has(const git_tree *base, const char *path)
{
    PB_AUTO(gitentry) git_tree_entry *e = NULL;

    return base && git_tree_entry_bypath(&e, base, path) == 0;
}

static int new_tree(git_oid *out, struct pb_repo *repo, git_tree *base,
                    const struct pb_ref_change *c, struct pb_err *err)
{
    PB_AUTO(gittree) git_tree *empty = NULL;
    git_tree_update *updates = pb_calloc(c->nfiles + 1, sizeof(*updates));
    size_t n = 0;
    int code = 0;

    for (size_t i = 0; code == 0 && i < c->nfiles; i++) {
        const struct pb_ref_file *f = &c->files[i];
        git_tree_update *u = &updates[n];

        u->path = f->path;
        u->filemode = GIT_FILEMODE_BLOB;
        u->action = f->p ? GIT_TREE_UPDATE_UPSERT : GIT_TREE_UPDATE_REMOVE;
        if (f->p)
            code = git_blob_create_from_buffer(&u->id, repo->git, f->p, f->n);
        n += f->p || has(base, f->path);
    }
    if (code == 0 && !base) {
        git_treebuilder *nothing = NULL;
        git_oid id;

        code = git_treebuilder_new(&nothing, repo->git, NULL);
        if (code == 0)
            code = git_treebuilder_write(&id, nothing);
        git_treebuilder_free(nothing);
        if (code == 0)
            code = git_tree_lookup(&empty, repo->git, &id);
    }
    if (code == 0)
        code = git_tree_create_updated(out, repo->git, base ? base : empty, n, updates);
    free(updates);
    if (code < 0)
        return pb_git_fail(err, code, "cannot write the tree of '%s'", c->ref);
    return 0;
}

/* As git does: what would end the line or the name is left out, and so are blanks and points
 * around it. NULL when nothing is left. */
static char *clean_identity(const char *s)
{
    static const char around[] = " .,:;\"\\'";
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    for (; s && *s; s++)
        if ((unsigned char)*s >= ' ' && *s != '<' && *s != '>' && *s != 0x7f &&
            (b.len || !strchr(around, *s)))
            pb_buf_addc(&b, *s);
    while (b.len && strchr(around, b.s[b.len - 1]))
        pb_buf_truncate(&b, b.len - 1);
    return b.len ? pb_buf_detach(&b) : NULL;
}

static int new_commit(git_oid *out, struct pb_repo *repo, const git_oid *tree_id,
                      git_commit *parent, const struct pb_ref_change *c, struct pb_err *err)
{
    PB_AUTO(gittree) git_tree *tree = NULL;
    const git_commit *parents[] = {parent};
    PB_AUTO(str) char *name = clean_identity(c->name);
    PB_AUTO(str) char *email = clean_identity(c->email);
    git_signature *who = NULL;
    int code =
        git_signature_new(&who, name ? name : "unknown", email ? email : "unknown", c->when, 0);

    if (code == 0)
        code = git_tree_lookup(&tree, repo->git, tree_id);
    if (code == 0)
        code = git_commit_create(out, repo->git, NULL, who, who, NULL, c->message, tree,
                                 parent ? 1 : 0, parents);
    git_signature_free(who);
    if (code < 0)
        return pb_git_fail(err, code, "cannot write a commit for '%s'", c->ref);
    return 0;
}

/* Takes the ref's lock file, then looks, then moves it. */
static int swap(bool *moved, struct pb_repo *repo, const struct pb_ref_change *c, const git_oid *id,
                struct pb_err *err)
{
    git_transaction *t = NULL;
    char now[PB_OID_HEX];
    int code = git_transaction_new(&t, repo->git);

    if (code == 0)
        code = git_transaction_lock_ref(t, c->ref);
    *moved = code == GIT_ELOCKED;
    if (code == 0) {
        if (pb_ref_id(now, repo, c->ref, err) < 0) {
            git_transaction_free(t);
            return -1;
        }
        *moved = strcmp(now, c->expect) != 0;
    }
    if (code == 0 && !*moved)
        code = git_transaction_set_target(t, c->ref, id, NULL, c->message);
    if (code == 0 && !*moved)
        code = git_transaction_commit(t);
    git_transaction_free(t);
    if (code < 0 && !*moved)
        return pb_git_fail(err, code, "cannot move ref '%s'", c->ref);
    return 0;
}

int pb_ref_write(char id[PB_OID_HEX], bool *moved, struct pb_repo *repo,
                 const struct pb_ref_change *c, struct pb_err *err)
{
    PB_AUTO(gitcommit) git_commit *parent = NULL;
    PB_AUTO(gittree) git_tree *base = NULL;
    git_oid tree, made;

    *moved = false;
    if (*c->expect) {
        if (pb_git_commit(&parent, repo, c->expect, err) ||
            pb_git_root(&base, repo, c->expect, err))
            return -1;
    }
    if (new_tree(&tree, repo, base, c, err))
        return -1;
    if (base && git_oid_equal(&tree, git_tree_id(base))) {
        memcpy(id, c->expect, PB_OID_HEX);
        return 0;
    }
    if (new_commit(&made, repo, &tree, parent, c, err) || swap(moved, repo, c, &made, err))
        return -1;
    git_oid_tostr(id, PB_OID_HEX, &made);
    return 0;
}

int pb_ref_move(bool *moved, struct pb_repo *repo, const char *ref, const char *from,
                const char *id, struct pb_err *err)
{
    struct pb_ref_change c = {.ref = ref, .expect = from};
    git_oid oid;
    int code = git_oid_fromstr(&oid, id);

    *moved = false;
    if (code < 0)
        return pb_git_fail(err, code, "cannot move ref '%s'", ref);
    return swap(moved, repo, &c, &oid, err);
}

int pb_ref_set(struct pb_repo *repo, const char *ref, const char *id, struct pb_err *err)
{
    PB_AUTO(gitref) git_reference *made = NULL;
    git_oid oid;
    int code = git_oid_fromstr(&oid, id);

    if (code == 0)
        code = git_reference_create(&made, repo->git, ref, &oid, 1, NULL);
    if (code < 0)
        return pb_git_fail(err, code, "cannot set ref '%s'", ref);
    return 0;
}
