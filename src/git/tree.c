#include "git/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/map.h"
#include "base/mem.h"
#include "git/internal.h"

enum { LINK_MAX_BYTES = 4096, LINK_HOPS = 40, DEPTH_MAX = 128, ENTRIES_MAX = 1000000 };

static int fail_missing(struct pb_err *err, const char *path, const char *commit)
{
    pb_fail(err, PB_E_GIT, "'%s' is not in commit %s", path, commit);
    if (err)
        err->sys = ENOENT;
    return -1;
}

/* ---- links ------------------------------------------------------------------------------ */

static void pop(struct pb_buf *b)
{
    char *slash = strrchr(b->s, '/');

    pb_buf_truncate(b, slash ? (size_t)(slash - b->s) : 0);
}

static void push(struct pb_buf *b, const char *name, size_t n)
{
    if (b->len)
        pb_buf_addc(b, '/');
    pb_buf_add(b, name, n);
}

char *pb_git_resolve(const char *link, const char *(*target_of)(void *ctx, const char *path),
                     void *ctx, const char **why)
{
    PB_AUTO(buf) struct pb_buf at = PB_BUF_INIT; /* resolved so far: holds no link */
    PB_AUTO(str) char *rest = pb_strdup(link);   /* still to go */
    const char *s = rest;
    int hops = 0;

    while (*s) {
        size_t n = strcspn(s, "/");
        const char *target;
        if (n == 2 && s[0] == '.' && s[1] == '.') {
            if (at.len == 0) {
                *why = "leaves the repository";
                return NULL;
            }
            pop(&at);
        } else if (n > 0 && !(n == 1 && s[0] == '.')) {
            push(&at, s, n);
            target = target_of(ctx, at.s);
            if (target && *target == '/') {
                *why = "is absolute";
                return NULL;
            }
            if (target && ++hops > LINK_HOPS)
                return pb_buf_detach(&at);
            if (target) {
                char *longer = pb_asprintf("%s%s", target, s + n);
                free(rest);
                s = rest = longer;
                pop(&at);
                if (strlen(rest) > 16 * LINK_MAX_BYTES) {
                    *why = "grows without end";
                    return NULL;
                }
                continue;
            }
        }
        s += n;
        s += strspn(s, "/");
    }
    return pb_buf_detach(&at);
}

struct links {
    struct pb_repo *repo;
    git_tree *root;
    struct pb_strv kept; /* targets that were handed out */
};

static const char *target_in_tree(void *ctx, const char *path)
{
    struct links *l = ctx;
    PB_AUTO(gitentry) git_tree_entry *e = NULL;
    PB_AUTO(gitblob) git_blob *b = NULL;

    if (git_tree_entry_bypath(&e, l->root, path) < 0 ||
        git_tree_entry_filemode(e) != GIT_FILEMODE_LINK ||
        git_blob_lookup(&b, l->repo->git, git_tree_entry_id(e)) < 0 ||
        git_blob_rawsize(b) > LINK_MAX_BYTES)
        return NULL;
    pb_strv_addf(&l->kept, "%.*s", (int)git_blob_rawsize(b), (const char *)git_blob_rawcontent(b));
    return l->kept.v[l->kept.n - 1];
}

static int resolve_in_tree(char **out, struct pb_repo *repo, git_tree *root, const char *path,
                           struct pb_err *err)
{
    struct links l = {.repo = repo, .root = root, .kept = PB_STRV_INIT};
    const char *why = NULL;

    *out = pb_git_resolve(path, target_in_tree, &l, &why);
    pb_strv_release(&l.kept);
    if (!*out)
        return pb_fail(err, PB_E_REFUSED, "the link '%s' %s: plumb reads nothing outside of git",
                       path, why);
    return 0;
}

/* ---- walking ---------------------------------------------------------------------------- */

static enum pb_tree_kind kind_of(const git_tree_entry *e)
{
    switch (git_tree_entry_filemode(e)) {
    case GIT_FILEMODE_TREE: return PB_TREE_DIR;
    case GIT_FILEMODE_LINK: return PB_TREE_LINK;
    case GIT_FILEMODE_COMMIT: return PB_TREE_SUBMODULE;
    case GIT_FILEMODE_BLOB_EXECUTABLE: return PB_TREE_PROGRAM;
    default: return PB_TREE_FILE;
    }
}

struct walk {
    struct pb_repo *repo;
    const char *commit;
    pb_tree_fn fn;
    void *ctx;
    size_t entries;
};

static int walk_dir(struct walk *w, git_tree *tree, const char *dir, int depth, struct pb_err *err)
{
    size_t n = git_tree_entrycount(tree);
    PB_AUTO(free) struct pb_tree_entry *e = pb_calloc(n + 1, sizeof(*e));
    int rc;

    w->entries += n;
    if (depth > DEPTH_MAX || w->entries > ENTRIES_MAX)
        return pb_fail(err, PB_E_REFUSED,
                       "commit %s is too large to list: at '%s' it has more "
                       "than %d levels or %d entries",
                       w->commit, dir, DEPTH_MAX, ENTRIES_MAX);
    if (pb_cancel_check(err))
        return -1;
    for (size_t i = 0; i < n; i++) {
        const git_tree_entry *g = git_tree_entry_byindex(tree, i);
        e[i].name = git_tree_entry_name(g);
        e[i].kind = kind_of(g);
        git_oid_tostr(e[i].id, PB_OID_HEX, git_tree_entry_id(g));
    }
    rc = w->fn(w->ctx, dir, e, n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        PB_AUTO(gittree) git_tree *sub = NULL;
        PB_AUTO(str) char *path = NULL;
        int code;
        if (e[i].kind != PB_TREE_DIR)
            continue;
        path = pb_asprintf("%s%s%s", dir, *dir ? "/" : "", e[i].name);
        code =
            git_tree_lookup(&sub, w->repo->git, git_tree_entry_id(git_tree_entry_byindex(tree, i)));
        if (code < 0)
            return pb_git_fail(err, code, "cannot read '%s' of commit %s", path, w->commit);
        rc = walk_dir(w, sub, path, depth + 1, err);
    }
    return rc < 0 ? -1 : 0;
}

static int entry_at(git_tree_entry **out, git_tree *root, const char *path, const char *commit,
                    struct pb_err *err)
{
    int code = git_tree_entry_bypath(out, root, path);

    if (code == GIT_ENOTFOUND)
        return fail_missing(err, path, commit);
    if (code < 0)
        return pb_git_fail(err, code, "cannot read '%s' of commit %s", path, commit);
    return 0;
}

/* `real` is where `under` is; folders are called by the latter. */
static int walk_from(struct walk *w, git_tree *root, const char *real, const char *under,
                     struct pb_err *err)
{
    PB_AUTO(gittree) git_tree *top = NULL;
    PB_AUTO(gitentry) git_tree_entry *e = NULL;

    if (!*real)
        return walk_dir(w, root, under, 0, err);
    if (entry_at(&e, root, real, w->commit, err))
        return -1;
    if (git_tree_entry_type(e) != GIT_OBJECT_TREE)
        return pb_fail(err, PB_E_GIT, "'%s' is no folder in commit %s", under, w->commit);
    if (git_tree_lookup(&top, w->repo->git, git_tree_entry_id(e)) < 0)
        return pb_git_fail(err, -1, "cannot read '%s' of commit %s", under, w->commit);
    return walk_dir(w, top, under, 0, err);
}

int pb_tree_walk(struct pb_repo *repo, const char *commit, const char *under, pb_tree_fn fn,
                 void *ctx, struct pb_err *err)
{
    struct walk w = {repo, commit, fn, ctx, 0};
    PB_AUTO(gittree) git_tree *root = NULL;

    if (pb_git_root(&root, repo, commit, err))
        return -1;
    return walk_from(&w, root, under, under, err);
}

int pb_tree_walk_through(struct pb_repo *repo, const char *commit, const char *under, pb_tree_fn fn,
                         void *ctx, struct pb_err *err)
{
    struct walk w = {repo, commit, fn, ctx, 0};
    PB_AUTO(gittree) git_tree *root = NULL;
    PB_AUTO(str) char *real = NULL;

    if (pb_git_root(&root, repo, commit, err) || resolve_in_tree(&real, repo, root, under, err))
        return -1;
    return walk_from(&w, root, real, under, err);
}

/* ---- one object ------------------------------------------------------------------------- */

static int read_blob(struct pb_buf *out, struct pb_repo *repo, const git_oid *id, size_t max,
                     const char *path, struct pb_err *err)
{
    PB_AUTO(gitblob) git_blob *blob = NULL;
    git_odb *odb = NULL;
    git_object_t type;
    size_t size;
    int code = git_repository_odb(&odb, repo->git);

    if (code == 0)
        code = git_odb_read_header(&size, &type, odb, id); /* before it takes memory */
    git_odb_free(odb);
    if (code < 0)
        return pb_git_fail(err, code, "cannot read '%s'", path);
    if (size > max)
        return pb_fail(err, PB_E_INPUT, "'%s' is larger than the limit of %zu bytes", path, max);
    code = git_blob_lookup(&blob, repo->git, id);
    if (code < 0)
        return pb_git_fail(err, code, "cannot read '%s'", path);
    pb_buf_clear(out);
    if (pb_buf_try_add(out, git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob)))
        return pb_fail(err, PB_E_INPUT, "'%s' is larger than the buffer's limit", path);
    return 0;
}

int pb_tree_read_id(struct pb_buf *out, struct pb_repo *repo, const char *id, const char *path,
                    size_t max, struct pb_err *err)
{
    git_oid oid;
    int code = git_oid_fromstr(&oid, id);

    if (code < 0)
        return pb_git_fail(err, code, "cannot read '%s'", path);
    return read_blob(out, repo, &oid, max, path, err);
}

int pb_tree_read(struct pb_buf *out, struct pb_repo *repo, const char *commit, const char *path,
                 size_t max, struct pb_err *err)
{
    PB_AUTO(gittree) git_tree *root = NULL;
    PB_AUTO(gitentry) git_tree_entry *e = NULL;
    PB_AUTO(str) char *real = NULL;

    if (pb_git_root(&root, repo, commit, err) || resolve_in_tree(&real, repo, root, path, err))
        return -1;
    if (!*real)
        return pb_fail(err, PB_E_GIT, "'%s' is no file in commit %s", path, commit);
    if (entry_at(&e, root, real, commit, err))
        return -1;
    if (git_tree_entry_type(e) != GIT_OBJECT_BLOB ||
        git_tree_entry_filemode(e) == GIT_FILEMODE_LINK)
        return pb_fail(err, PB_E_GIT, "'%s' is no file in commit %s", path, commit);
    return read_blob(out, repo, git_tree_entry_id(e), max, path, err);
}

int pb_tree_id(char id[PB_OID_HEX], struct pb_repo *repo, const char *commit, const char *path,
               struct pb_err *err)
{
    PB_AUTO(gittree) git_tree *root = NULL;
    PB_AUTO(gitentry) git_tree_entry *e = NULL;

    if (pb_git_root(&root, repo, commit, err))
        return -1;
    if (!*path) {
        git_oid_tostr(id, PB_OID_HEX, git_tree_id(root));
        return 0;
    }
    if (entry_at(&e, root, path, commit, err))
        return -1;
    git_oid_tostr(id, PB_OID_HEX, git_tree_entry_id(e));
    return 0;
}

/* ---- reach ------------------------------------------------------------------------------ */

struct reach {
    struct pb_strv *paths;
    struct pb_map seen; /* the same, to ask; values are not used */
    struct pb_repo *repo;
    git_tree *root;
};

/* Is it, or a folder above it, in the list already? */
static bool in_reach(const struct reach *r, const char *path)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    pb_buf_adds(&b, path);
    for (;;) {
        if (pb_map_has(&r->seen, b.s))
            return true;
        if (b.len == 0)
            return false;
        pop(&b);
    }
}

/* The resolved path holds no link, so what stands above it holds it. */
static int add_link(struct reach *r, const char *path, struct pb_err *err)
{
    PB_AUTO(str) char *real = NULL;

    if (resolve_in_tree(&real, r->repo, r->root, path, err))
        return -1;
    if (in_reach(r, real))
        return 0;
    pb_map_put(&r->seen, real, r);
    pb_strv_add(r->paths, real);
    return 0;
}

static int on_reach(void *ctx, const char *dir, const struct pb_tree_entry *e, size_t n,
                    struct pb_err *err)
{
    for (size_t i = 0; i < n; i++) {
        PB_AUTO(str) char *path = NULL;
        if (e[i].kind != PB_TREE_LINK)
            continue;
        path = pb_asprintf("%s%s%s", dir, *dir ? "/" : "", e[i].name);
        if (add_link(ctx, path, err))
            return -1;
    }
    return 0;
}

/* What one path of the list leads to. */
static int reach_from(struct reach *r, const char *path, const char *commit, struct pb_err *err)
{
    PB_AUTO(gitentry) git_tree_entry *e = NULL;

    if (*path) {
        /* Not there: a folder on the way may be a link. */
        if (git_tree_entry_bypath(&e, r->root, path) < 0 ||
            git_tree_entry_filemode(e) == GIT_FILEMODE_LINK)
            return add_link(r, path, err);
        if (git_tree_entry_type(e) != GIT_OBJECT_TREE)
            return 0;
    }
    return pb_tree_walk(r->repo, commit, path, on_reach, r, err);
}

int pb_tree_reach(struct pb_strv *paths, struct pb_repo *repo, const char *commit,
                  struct pb_err *err)
{
    PB_AUTO(gittree) git_tree *root = NULL;
    struct reach r = {.paths = paths, .seen = PB_MAP_INIT, .repo = repo};
    int rc = 0;

    if (pb_git_root(&root, repo, commit, err))
        return -1;
    r.root = root;
    for (size_t i = 0; i < paths->n; i++)
        pb_map_put(&r.seen, paths->v[i], &r);
    for (size_t i = 0; i < paths->n && rc == 0; i++) { /* grows while it runs */
        PB_AUTO(str) char *path = pb_strdup(paths->v[i]);
        rc = reach_from(&r, path, commit, err);
    }
    pb_map_release(&r.seen);
    return rc;
}

int pb_tree_key(char out[PB_SHA256_HEX], struct pb_repo *repo, const char *commit,
                const struct pb_strv *paths, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv all = PB_STRV_INIT;
    PB_AUTO(gittree) git_tree *root = NULL;
    struct pb_sha256 *d;

    for (size_t i = 0; i < paths->n; i++)
        if (!pb_strv_has(&all, paths->v[i]))
            pb_strv_add(&all, paths->v[i]);
    if (pb_tree_reach(&all, repo, commit, err) || pb_git_root(&root, repo, commit, err))
        return -1;
    pb_strv_sort(&all);
    d = pb_sha256_new();
    for (size_t i = 0; i < all.n; i++) {
        PB_AUTO(gitentry) git_tree_entry *e = NULL;
        const git_oid *id = *all.v[i] ? NULL : git_tree_id(root);
        int mode = GIT_FILEMODE_TREE;
        if (!id && git_tree_entry_bypath(&e, root, all.v[i]) == 0) {
            id = git_tree_entry_id(e);
            mode = (int)git_tree_entry_filemode(e);
        }
        pb_sha256_add_str(d, all.v[i]);
        pb_sha256_add_field(d, &mode, sizeof(mode));
        pb_sha256_add_field(d, id ? id->id : NULL, id ? GIT_OID_RAWSZ : 0);
    }
    pb_sha256_end_hex(d, out);
    return 0;
}
