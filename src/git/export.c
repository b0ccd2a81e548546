#include "git/export.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "git/internal.h"
#include "git/name.h"

enum { TARGET_MAX = 4095 };

struct job {
    struct pb_repo *repo;
    const struct pb_export_spec *spec;
    struct pb_export_limits max;
    struct pb_export *out;
    git_odb *odb;
    struct pb_map links;    /* path to target, every link that is exported */
    struct pb_strv targets; /* owns them */
    struct pb_buf path;     /* where the walk is */
    size_t entries;
};

/* ---- what all three passes share --------------------------------------------------------- */

static int refuse(const struct job *j, const char *path, const char *why, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf safe = PB_BUF_INIT;

    pb_text_add_safe(&safe, path, strnlen(path, 400));
    return pb_fail(err, PB_E_REFUSED, "refusing to export commit %.12s: '%s' %s", j->spec->commit,
                   safe.s, why);
}

static int fail_at(const struct job *j, const char *what, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf safe = PB_BUF_INIT;
    int saved = errno;

    pb_text_add_safe(&safe, j->path.s, strnlen(j->path.s, 400));
    errno = saved;
    return pb_fail_errno(err, PB_E_IO, "cannot %s '%s' of commit %.12s in '%s'", what, safe.s,
                         j->spec->commit, j->spec->dir);
}

static size_t enter(struct job *j, const char *name)
{
    size_t before = j->path.len;

    if (before)
        pb_buf_addc(&j->path, '/');
    pb_buf_adds(&j->path, name);
    return before;
}

/* Does `path` lie at or below `top`? */
static bool is_below(const char *path, const char *top)
{
    size_t n = strlen(top);

    return n == 0 || (strncmp(path, top, n) == 0 && (path[n] == '\0' || path[n] == '/'));
}

/* Is it one of the paths asked for, below one, or a folder on the way to one? */
static bool is_wanted(const struct job *j, const char *path, bool folder)
{
    const struct pb_strv *only = j->spec->paths;

    if (!only)
        return true;
    for (size_t i = 0; i < only->n; i++)
        if (is_below(path, only->v[i]) || (folder && is_below(only->v[i], path)))
            return true;
    return false;
}

typedef int (*entry_fn)(struct job *j, int dirfd, const git_tree_entry *e, size_t depth,
                        struct pb_err *err);

static int read_tree(git_tree **out, struct job *j, const git_tree_entry *e, struct pb_err *err)
{
    int code = git_tree_lookup(out, j->repo->git, git_tree_entry_id(e));

    if (code < 0)
        return pb_git_fail(err, code, "cannot read folder '%s' of commit %.12s", j->path.s,
                           j->spec->commit);
    return 0;
}

/* Calls fn for each wanted entry of a tree, with j->path at the entry. */
static int each(struct job *j, git_tree *tree, int dirfd, size_t depth, entry_fn fn,
                struct pb_err *err)
{
    size_t n = git_tree_entrycount(tree);

    for (size_t i = 0; i < n; i++) {
        const git_tree_entry *e = git_tree_entry_byindex(tree, i);
        size_t before = enter(j, git_tree_entry_name(e));
        bool folder = git_tree_entry_type(e) == GIT_OBJECT_TREE;
        if (is_wanted(j, j->path.s, folder) && fn(j, dirfd, e, depth, err))
            return -1;
        pb_buf_truncate(&j->path, before);
    }
    return 0;
}

static int read_blob(git_blob **out, struct job *j, const git_tree_entry *e, uint64_t max,
                     struct pb_err *err)
{
    git_object_t type;
    size_t size = 0;
    int code = git_odb_read_header(&size, &type, j->odb, git_tree_entry_id(e));

    if (code == 0 && size > max) /* before it takes memory */
        return refuse(j, j->path.s, "is larger than the limit", err);
    if (code == 0)
        code = git_blob_lookup(out, j->repo->git, git_tree_entry_id(e));
    if (code == GIT_ENOTFOUND)
        return pb_fail(err, PB_E_GIT,
                       "the content of '%s' in commit %.12s is not in this repository (a partial "
                       "clone?): fetch it first",
                       j->path.s, j->spec->commit);
    if (code < 0)
        return pb_git_fail(err, code, "cannot read '%s' of commit %.12s", j->path.s,
                           j->spec->commit);
    return 0;
}

/* ---- first pass: look at everything ------------------------------------------------------ */

static int look_at_link(struct job *j, const git_tree_entry *e, struct pb_err *err)
{
    PB_AUTO(gitblob) git_blob *b = NULL;
    size_t n;

    if (read_blob(&b, j, e, TARGET_MAX, err))
        return -1;
    n = (size_t)git_blob_rawsize(b);
    if (n == 0 || memchr(git_blob_rawcontent(b), '\0', n))
        return refuse(j, j->path.s, "is a link without a proper target", err);
    pb_strv_addf(&j->targets, "%.*s", (int)n, (const char *)git_blob_rawcontent(b));
    pb_map_put(&j->links, j->path.s, j->targets.v[j->targets.n - 1]);
    return 0;
}

static int look_at_file(struct job *j, const git_tree_entry *e, struct pb_err *err)
{
    git_object_t type;
    size_t size = 0;
    int code = git_odb_read_header(&size, &type, j->odb, git_tree_entry_id(e));

    if (code < 0)
        return 0; /* missing: the second pass says so with its remedy */
    if (size > j->max.file_size)
        return refuse(j, j->path.s, "is larger than a file may be", err);
    j->out->bytes += size;
    if (j->out->bytes > j->max.bytes)
        return refuse(j, j->path.s, "is where the commit becomes larger than it may be", err);
    return 0;
}

static int look(struct job *j, int dirfd, const git_tree_entry *e, size_t depth, struct pb_err *err)
{
    const char *name = git_tree_entry_name(e);
    const char *problem = pb_git_name_problem(name, strlen(name));
    PB_AUTO(gittree) git_tree *sub = NULL;

    if (problem)
        return refuse(j, j->path.s, problem, err);
    if (++j->entries > j->max.entries)
        return refuse(j, j->path.s, "is one entry more than a commit may have", err);
    if (j->entries % 1024 == 0 && pb_cancel_check(err))
        return -1;
    switch (git_tree_entry_filemode(e)) {
    case GIT_FILEMODE_TREE:
        if (depth >= j->max.depth)
            return refuse(j, j->path.s, "is nested too deeply", err);
        if (read_tree(&sub, j, e, err))
            return -1;
        return each(j, sub, dirfd, depth + 1, look, err);
    case GIT_FILEMODE_LINK: return look_at_link(j, e, err);
    case GIT_FILEMODE_BLOB:
    case GIT_FILEMODE_BLOB_EXECUTABLE: return look_at_file(j, e, err);
    case GIT_FILEMODE_COMMIT: return 0;
    default: return refuse(j, j->path.s, "is of a kind that git does not have", err);
    }
}

static const char *target_of(void *ctx, const char *path)
{
    return pb_map_get(&((struct job *)ctx)->links, path);
}

static int look_where_links_lead(struct job *j, struct pb_err *err)
{
    for (size_t i = 0; i < j->links.n; i++) {
        const char *why = NULL;
        PB_AUTO(str) char *real = pb_git_resolve(j->links.e[i].key, target_of, j, &why);
        PB_AUTO(str) char *text = NULL;
        if (real)
            continue;
        text = pb_asprintf("is a link that %s", why);
        return refuse(j, j->links.e[i].key, text, err);
    }
    return 0;
}

/* ---- second pass: write ------------------------------------------------------------------ */

static bool is_lfs_pointer(const char *p, size_t n)
{
    static const char mark[] = "version https://git-lfs.github.com/spec/";

    return n < 1024 && n >= sizeof(mark) - 1 && memcmp(p, mark, sizeof(mark) - 1) == 0;
}

static int write_file(struct job *j, int dirfd, const git_tree_entry *e, struct pb_err *err)
{
    PB_AUTO(gitblob) git_blob *b = NULL;
    PB_AUTO(fd) int fd = -1;
    bool program = git_tree_entry_filemode(e) == GIT_FILEMODE_BLOB_EXECUTABLE;
    const char *p;
    size_t n;

    if (read_blob(&b, j, e, j->max.file_size, err))
        return -1;
    fd = openat(dirfd, git_tree_entry_name(e), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                program ? 0700 : 0600);
    if (fd < 0)
        return fail_at(j, "create", err);
    p = git_blob_rawcontent(b);
    n = (size_t)git_blob_rawsize(b);
    if (is_lfs_pointer(p, n))
        pb_strv_add(&j->out->lfs, j->path.s);
    if (pb_fs_write_all(fd, p, n, -1))
        return fail_at(j, "write", err);
    j->out->files++;
    return 0;
}

/* Made by us a moment ago: EEXIST and O_NOFOLLOW rule out anything that was there before. */
static int make_folder(int *out, struct job *j, int dirfd, const char *name, struct pb_err *err)
{
    if (mkdirat(dirfd, name, 0700))
        return fail_at(j, "create folder", err);
    *out = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*out < 0)
        return fail_at(j, "open folder", err);
    j->out->dirs++;
    return 0;
}

static int put(struct job *j, int dirfd, const git_tree_entry *e, size_t depth, struct pb_err *err)
{
    const char *name = git_tree_entry_name(e);
    PB_AUTO(gittree) git_tree *sub = NULL;
    PB_AUTO(fd) int fd = -1;
    const char *target;

    if (j->out->files % 256 == 0 && pb_cancel_check(err))
        return -1;
    switch (git_tree_entry_filemode(e)) {
    case GIT_FILEMODE_TREE:
        if (make_folder(&fd, j, dirfd, name, err) || read_tree(&sub, j, e, err))
            return -1;
        return each(j, sub, fd, depth + 1, put, err);
    case GIT_FILEMODE_COMMIT:
        pb_strv_add(&j->out->submodules, j->path.s);
        return make_folder(&fd, j, dirfd, name, err);
    case GIT_FILEMODE_LINK:
        target = pb_map_get(&j->links, j->path.s);
        if (!target)
            BUG("link '%s' was not looked at", j->path.s);
        if (symlinkat(target, dirfd, name))
            return fail_at(j, "create link", err);
        j->out->links++;
        return 0;
    default: return write_file(j, dirfd, e, err);
    }
}

/* ---- third pass: read back and compare --------------------------------------------------- */

static int fail_differs(const struct job *j, struct pb_err *err)
{
    return pb_fail(err, PB_E_REFUSED,
                   "'%s' differs on disk from commit %.12s: something wrote into '%s'", j->path.s,
                   j->spec->commit, j->spec->dir);
}

static int read_back(struct pb_buf *b, struct job *j, int dirfd, const char *name, bool program,
                     struct pb_err *err)
{
    PB_AUTO(fd) int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    struct stat st;

    if (fd < 0 || fstat(fd, &st))
        return fail_at(j, "read back", err);
    if (!S_ISREG(st.st_mode) || (st.st_mode & 0777) != (program ? 0700u : 0600u) ||
        (uint64_t)st.st_size > j->max.file_size)
        return fail_differs(j, err);
    pb_buf_reserve(b, (size_t)st.st_size + 1);
    for (;;) {
        ssize_t n = read(fd, b->s + b->len, (size_t)st.st_size + 1 - b->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_at(j, "read back", err);
        b->len += (size_t)n;
        if (b->len > (size_t)st.st_size)
            return fail_differs(j, err);
        if (n == 0)
            return 0;
    }
}

static int read_back_link(struct pb_buf *b, struct job *j, int dirfd, const char *name,
                          struct pb_err *err)
{
    char target[TARGET_MAX + 1];
    ssize_t n = readlinkat(dirfd, name, target, sizeof(target));

    if (n < 0)
        return fail_at(j, "read back", err);
    pb_buf_add(b, target, (size_t)n);
    return 0;
}

static int count_names(size_t *out, int dirfd)
{
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    size_t n = 0;

    if (!d) {
        pb_auto_fd(&fd);
        return -1;
    }
    while (readdir(d))
        n++;
    closedir(d);
    *out = n - 2; /* "." and ".." */
    return 0;
}

static int check_folder(struct job *j, git_tree *tree, int fd, size_t depth, struct pb_err *err);

static int check_subfolder(struct job *j, int dirfd, const git_tree_entry *e, size_t depth,
                           struct pb_err *err)
{
    PB_AUTO(gittree) git_tree *sub = NULL;
    PB_AUTO(fd)
    int fd = openat(dirfd, git_tree_entry_name(e), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    size_t n;

    if (fd < 0)
        return fail_at(j, "read back", err);
    if (git_tree_entry_type(e) == GIT_OBJECT_COMMIT)
        return count_names(&n, fd) || n ? fail_differs(j, err) : 0;
    if (read_tree(&sub, j, e, err))
        return -1;
    return check_folder(j, sub, fd, depth + 1, err);
}

static int check(struct job *j, int dirfd, const git_tree_entry *e, size_t depth,
                 struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    git_filemode_t mode = git_tree_entry_filemode(e);
    const char *name = git_tree_entry_name(e);
    git_oid id;
    int rc;

    j->entries++;
    if (mode == GIT_FILEMODE_TREE || mode == GIT_FILEMODE_COMMIT)
        return check_subfolder(j, dirfd, e, depth, err);
    if (mode == GIT_FILEMODE_LINK)
        rc = read_back_link(&b, j, dirfd, name, err);
    else
        rc = read_back(&b, j, dirfd, name, mode == GIT_FILEMODE_BLOB_EXECUTABLE, err);
    if (rc)
        return -1;
    if (git_odb_hash(&id, b.s, b.len, GIT_OBJECT_BLOB) < 0)
        return pb_git_fail(err, -1, "cannot hash '%s'", j->path.s);
    return git_oid_equal(&id, git_tree_entry_id(e)) ? 0 : fail_differs(j, err);
}

/* The content of each entry and the number of names: with the tree's own hash, which libgit2
 * has checked on reading, this is the same as computing the tree's hash from the disk. */
static int check_folder(struct job *j, git_tree *tree, int fd, size_t depth, struct pb_err *err)
{
    size_t n = git_tree_entrycount(tree), wanted = 0, there;

    for (size_t i = 0; i < n; i++) {
        const git_tree_entry *e = git_tree_entry_byindex(tree, i);
        size_t before = enter(j, git_tree_entry_name(e));
        wanted += is_wanted(j, j->path.s, git_tree_entry_type(e) == GIT_OBJECT_TREE);
        pb_buf_truncate(&j->path, before);
    }
    if (count_names(&there, fd))
        return fail_at(j, "list", err);
    if (there != wanted)
        return fail_differs(j, err);
    if (pb_cancel_check(err))
        return -1;
    return each(j, tree, fd, depth, check, err);
}

/* ---- the whole --------------------------------------------------------------------------- */

static int open_empty(int *out, const char *dir, struct pb_err *err)
{
    PB_AUTO(fd) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    size_t n;

    if (fd < 0 || fstat(fd, &st) || count_names(&n, fd))
        return pb_fail_errno(err, PB_E_IO, "cannot open the folder '%s' to export into", dir);
    if (st.st_uid != geteuid() || (st.st_mode & 022))
        return pb_fail(err, PB_E_REFUSED,
                       "others can write into '%s': export into a private folder", dir);
    if (n)
        return pb_fail(err, PB_E_REFUSED, "the folder '%s' to export into is not empty", dir);
    *out = pb_take_fd(&fd);
    return 0;
}

static int run(struct job *j, struct pb_err *err)
{
    PB_AUTO(gittree) git_tree *root = NULL;
    PB_AUTO(fd) int fd = -1;
    size_t looked;

    if (open_empty(&fd, j->spec->dir, err) || pb_git_root(&root, j->repo, j->spec->commit, err))
        return -1;
    if (git_repository_odb(&j->odb, j->repo->git) < 0)
        return pb_git_fail(err, -1, "cannot open the objects of the repository");
    git_oid_tostr(j->out->tree, PB_OID_HEX, git_tree_id(root));
    if (each(j, root, fd, 0, look, err) || look_where_links_lead(j, err))
        return -1;
    looked = j->entries;
    if (each(j, root, fd, 0, put, err))
        return -1;
    j->entries = 0;
    if (check_folder(j, root, fd, 0, err))
        return -1;
    if (looked != j->entries || looked != j->out->files + j->out->links + j->out->dirs)
        return fail_differs(j, err);
    return 0;
}

static void set_defaults(struct pb_export_limits *max)
{
    if (!max->entries)
        max->entries = 1000000;
    if (!max->depth)
        max->depth = 128;
    if (!max->bytes)
        max->bytes = (uint64_t)4 << 30;
    if (!max->file_size)
        max->file_size = (uint64_t)512 << 20;
}

int pb_export(struct pb_export *out, struct pb_repo *repo, const struct pb_export_spec *spec,
              struct pb_err *err)
{
    struct job j = {
        .repo = repo,
        .spec = spec,
        .max = spec->limits,
        .out = out,
        .links = PB_MAP_INIT,
        .targets = PB_STRV_INIT,
        .path = PB_BUF_INIT,
    };
    int rc;

    memset(out, 0, sizeof(*out));
    set_defaults(&j.max);
    rc = run(&j, err);
    git_odb_free(j.odb);
    pb_map_release(&j.links);
    pb_strv_release(&j.targets);
    pb_buf_release(&j.path);
    if (rc)
        pb_export_release(out);
    return rc;
}

int pb_export_verify(struct pb_repo *repo, const struct pb_export_spec *spec, struct pb_err *err)
{
    struct job j = {.repo = repo, .spec = spec, .max = spec->limits, .path = PB_BUF_INIT};
    PB_AUTO(gittree) git_tree *root = NULL;
    PB_AUTO(fd) int fd = -1;
    int rc;

    set_defaults(&j.max);
    if (pb_git_root(&root, repo, spec->commit, err))
        return -1;
    fd = open(spec->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return pb_fail_errno(err, PB_E_IO, "cannot open the export '%s'", spec->dir);
    rc = check_folder(&j, root, fd, 0, err);
    pb_buf_release(&j.path);
    return rc;
}

void pb_export_release(struct pb_export *e)
{
    pb_strv_release(&e->submodules);
    pb_strv_release(&e->lfs);
    memset(e, 0, sizeof(*e));
}
