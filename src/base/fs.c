#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* ---- reading ---------------------------------------------------------------------------- */

static int fail_too_large(const char *path, size_t limit, struct pb_err *err)
{
    return pb_fail(err, PB_E_INPUT, "'%s' is larger than the limit of %zu bytes", path, limit);
}

static int read_all(struct pb_buf *out, int fd, size_t limit, const char *path, struct pb_err *err)
{
    char chunk[4096];

    for (;;) {
        /* What was promised room is read to where it belongs; the rest, and the end, by chunks. */
        size_t free = out->cap > out->len + 1 ? out->cap - out->len - 1 : 0;
        bool direct = free >= sizeof(chunk);
        ssize_t n = read(fd, direct ? out->s + out->len : chunk, direct ? free : sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return pb_fail_errno(err, PB_E_IO, "cannot read '%s'", path);
        if (n == 0)
            return 0;
        if ((size_t)n > limit - out->len)
            return fail_too_large(path, limit, err);
        if (direct)
            pb_buf_advance(out, (size_t)n);
        else
            pb_buf_add(out, chunk, (size_t)n);
    }
}

int pb_fs_read(struct pb_buf *out, const char *path, size_t max, struct pb_err *err)
{
    size_t own = out->max ? out->max : PB_BUF_MAX;
    size_t limit = max < own ? max : own;
    PB_AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat st;

    pb_buf_clear(out);
    if (fd < 0)
        return pb_fail_errno(err, PB_E_IO, "cannot open '%s'", path);
    if (fstat(fd, &st))
        return pb_fail_errno(err, PB_E_IO, "cannot stat '%s'", path);
    if (S_ISREG(st.st_mode)) {
        if (st.st_size > 0 && (uintmax_t)st.st_size > limit)
            return fail_too_large(path, limit, err);
        pb_buf_reserve(out, (size_t)st.st_size);
    }
    if (read_all(out, fd, limit, path, err) == 0)
        return 0;
    pb_buf_clear(out);
    return -1;
}

/* ---- writing ---------------------------------------------------------------------------- */

int pb_fs_write_all(int fd, const void *p, size_t n, int64_t offset)
{
    const char *from = p;

    while (n > 0) {
        ssize_t w = offset < 0 ? write(fd, from, n) : pwrite(fd, from, n, (off_t)offset);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return -1;
        from += w;
        n -= (size_t)w;
        offset += offset < 0 ? 0 : w;
    }
    return 0;
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return pb_strdup(".");
    return slash == path ? pb_strdup("/") : pb_strndup(path, (size_t)(slash - path));
}

int pb_fs_sync_folder_of(const char *path, struct pb_err *err)
{
    PB_AUTO(str) char *dir = folder_of(path);
    PB_AUTO(fd) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return pb_fail_errno(err, PB_E_IO, "cannot open folder '%s'", dir);
    /* Some network file systems cannot sync a folder: EINVAL says so, and nothing helps. */
    if (fsync(fd) && errno != EINVAL)
        return pb_fail_errno(err, PB_E_IO, "cannot sync folder '%s'", dir);
    return 0;
}

static int fill_and_sync(int fd, const void *p, size_t n, unsigned mode)
{
    if (fchmod(fd, mode) || pb_fs_write_all(fd, p, n, -1) || fsync(fd))
        return -1;
    return 0;
}

int pb_fs_write_atomic(const char *path, const void *p, size_t n, unsigned mode, struct pb_err *err)
{
    PB_AUTO(str) char *tmp = pb_asprintf("%s.XXXXXX", path);
    PB_AUTO(fd) int fd = mkostemp(tmp, O_CLOEXEC);

    if (fd < 0)
        return pb_fail_errno(err, PB_E_IO, "cannot create a file beside '%s'", path);
    if (fill_and_sync(fd, p, n, mode)) {
        pb_fail_errno(err, PB_E_IO, "cannot write '%s'", path);
        unlink(tmp);
        return -1;
    }
    if (rename(tmp, path)) {
        pb_fail_errno(err, PB_E_IO, "cannot replace '%s'", path);
        unlink(tmp);
        return -1;
    }
    return pb_fs_sync_folder_of(path, err);
}

int pb_fs_mkdirs(const char *path, unsigned mode, struct pb_err *err)
{
    PB_AUTO(str) char *p = pb_strdup(path);

    for (char *s = p; *s;) {
        s += strspn(s, "/");
        s += strcspn(s, "/");
        char kept = *s;
        *s = '\0';
        if (*p && mkdir(p, mode)) {
            int saved = errno;
            if (!pb_fs_is_dir(p)) {
                errno = saved == EEXIST ? ENOTDIR : saved;
                return pb_fail_errno(err, PB_E_IO, "cannot create folder '%s'", p);
            }
        }
        *s = kept;
    }
    return 0;
}

/* What is enough for a folder of plumb's cache. */
enum { CACHE_FILES = 10000 };
#define CACHE_BYTES (UINT64_C(1) << 30)

int pb_fs_cache(const char *path, const void *p, size_t n, struct pb_err *err)
{
    PB_AUTO(str) char *folder = folder_of(path);

    if (pb_fs_mkdirs(folder, 0700, err) < 0 || pb_fs_write_atomic(path, p, n, 0600, err) < 0)
        return -1;
    pb_fs_trim(folder, CACHE_FILES, CACHE_BYTES);
    return 0;
}

void pb_fs_remember(const char *path, const void *p, size_t n)
{
    (void)pb_fs_cache(path, p, n, NULL);
}

bool pb_fs_exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

bool pb_fs_is_dir(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

void pb_fs_add_stamp(struct pb_sha256 *d, const struct stat *st)
{
    pb_sha256_add_field(d, &st->st_dev, sizeof(st->st_dev));
    pb_sha256_add_field(d, &st->st_ino, sizeof(st->st_ino));
    pb_sha256_add_field(d, &st->st_mode, sizeof(st->st_mode));
    pb_sha256_add_field(d, &st->st_size, sizeof(st->st_size));
    pb_sha256_add_field(d, &st->st_mtim.tv_sec, sizeof(st->st_mtim.tv_sec));
    pb_sha256_add_field(d, &st->st_mtim.tv_nsec, sizeof(st->st_mtim.tv_nsec));
    pb_sha256_add_field(d, &st->st_ctim.tv_sec, sizeof(st->st_ctim.tv_sec));
    pb_sha256_add_field(d, &st->st_ctim.tv_nsec, sizeof(st->st_ctim.tv_nsec));
}

bool pb_fs_is_below(const char *path, const char *dir)
{
    PB_AUTO(str) char *p = realpath(path, NULL);
    PB_AUTO(str) char *d = realpath(dir, NULL);
    size_t n = d ? strlen(d) : 0;

    return p && d && strncmp(p, d, n) == 0 && (p[n] == '/' || d[n - 1] == '/');
}

/* ---- removing --------------------------------------------------------------------------- */

static int remove_at(int dirfd, const char *name, const char *top, struct pb_err *err);

static int empty_folder(int fd, const char *top, struct pb_err *err)
{
    DIR *d = fdopendir(fd);
    struct dirent *e;
    int rc = 0;

    if (!d) {
        pb_fail_errno(err, PB_E_IO, "cannot list a folder in '%s'", top);
        close(fd);
        return -1;
    }
    while (rc == 0 && (e = readdir(d)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            rc = remove_at(dirfd(d), e->d_name, top, err);
    closedir(d);
    return rc;
}

static int remove_at(int dirfd, const char *name, const char *top, struct pb_err *err)
{
    struct stat st;
    int fd;

    if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return pb_fail_errno(err, PB_E_IO, "cannot remove '%s' in '%s'", name, top);
    fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == EACCES && fchmodat(dirfd, name, 0700, 0) == 0)
        fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return pb_fail_errno(err, PB_E_IO, "cannot open '%s' in '%s'", name, top);
    /* Caches are kept in folders without the write bit, which would stop their removal. */
    if (fstat(fd, &st) == 0 && (st.st_mode & 0700) != 0700)
        (void)!fchmod(fd, 0700);
    if (empty_folder(fd, top, err)) /* closes fd */
        return -1;
    if (unlinkat(dirfd, name, AT_REMOVEDIR) && errno != ENOENT)
        return pb_fail_errno(err, PB_E_IO, "cannot remove folder '%s' in '%s'", name, top);
    return 0;
}

int pb_fs_remove_tree(const char *path, struct pb_err *err)
{
    return remove_at(AT_FDCWD, path, path, err);
}

/* ---- paths ------------------------------------------------------------------------------ */

char *pb_fs_join(const char *a, const char *b)
{
    size_t n = strlen(a);

    if (*b == '/' || n == 0)
        return pb_strdup(b);
    while (n > 1 && a[n - 1] == '/')
        n--;
    if (*b == '\0')
        return pb_strndup(a, n);
    return pb_asprintf("%.*s%s%s", (int)n, a, a[n - 1] == '/' ? "" : "/", b);
}

static char *home_dir(void)
{
    const char *env = getenv("HOME");
    struct passwd pw, *found = NULL;
    char text[4096];

    if (env && *env == '/')
        return pb_strdup(env);
    if (getpwuid_r(geteuid(), &pw, text, sizeof(text), &found) || !found || *pw.pw_dir != '/')
        return NULL;
    return pb_strdup(pw.pw_dir);
}

static int own_dir(char **out, const char *override, const char *xdg, const char *under_home,
                   struct pb_err *err)
{
    const char *v = getenv(override);
    PB_AUTO(str) char *home = NULL;
    PB_AUTO(str) char *dir = NULL;

    if (v && *v) {
        dir = pb_strdup(v);
    } else if ((v = getenv(xdg)) && *v == '/') { /* the XDG rules: relative is not set */
        dir = pb_fs_join(v, "plumb");
    } else {
        home = home_dir();
        if (!home)
            return pb_fail(err, PB_E_CONFIG, "no home folder is known: set HOME or %s", override);
        dir = pb_asprintf("%s/%s/plumb", home, under_home);
    }
    if (pb_fs_mkdirs(dir, 0700, err))
        return -1;
    *out = pb_take(&dir);
    return 0;
}

int pb_fs_cache_dir(char **out, struct pb_err *err)
{
    return own_dir(out, "PLUMB_CACHE_DIR", "XDG_CACHE_HOME", ".cache", err);
}

int pb_fs_state_dir(char **out, struct pb_err *err)
{
    return own_dir(out, "PLUMB_STATE_DIR", "XDG_STATE_HOME", ".local/state", err);
}
