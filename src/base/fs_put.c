/* What somebody else named as the place for output: a file, or whatever stands there. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/fs.h"
#include "base/mem.h"

enum {
    LINKS_MAX = 40, /* the kernel's own limit */
    LOOK_MS = 100,  /* a signal that comes just before a wait is seen no later */
    NOT_A_FD = -1,  /* a path that names no descriptor */
    FD_OF_OTHER = -2
};

int pb_fs_write_out(int fd, const void *p, size_t n)
{
    const char *from = p;

    while (n > 0) {
        ssize_t w;

        if (!pb_cancel_wait(fd, POLLOUT)) {
            errno = EINTR;
            return -1;
        }
        /* So much a pipe takes without making us wait, once it says that it takes something. */
        w = write(fd, from, n < PIPE_BUF ? n : PIPE_BUF);
        if (w < 0 && errno != EINTR && errno != EAGAIN)
            return -1;
        from += w < 0 ? 0 : w;
        n -= w < 0 ? 0 : (size_t)w;
    }
    return 0;
}

/* The N of /proc/self/fd/N and /dev/fd/N. What lies behind is not to be found by reading links:
 * it may be a pipe, or a file that is written at its end. */
static int fd_of(const char *path)
{
    static const char *const own[] = {"/proc/self/fd/", "/dev/fd/"};
    const char *name = strrchr(path, '/');
    size_t n = name ? (size_t)(name + 1 - path) : 0;
    char *end;
    long fd;

    if (!name || name[1] < '0' || name[1] > '9')
        return NOT_A_FD;
    fd = strtol(name + 1, &end, 10);
    if (*end || fd > INT_MAX)
        return NOT_A_FD;
    for (size_t i = 0; i < PB_COUNT(own); i++)
        if (n == strlen(own[i]) && strncmp(path, own[i], n) == 0)
            return (int)fd;
    return strncmp(path, "/proc/", 6) == 0 && n > 4 && strncmp(name - 3, "/fd", 3) == 0
               ? FD_OF_OTHER
               : NOT_A_FD;
}

/* The path at the end of all links, whether or not something is there. */
static int follow(char **out, const char *path, struct pb_err *err)
{
    PB_AUTO(str) char *at = pb_strdup(path);

    for (int i = 0; i < LINKS_MAX; i++) {
        char to[PATH_MAX], *slash, *next;
        ssize_t n = fd_of(at) == NOT_A_FD ? readlink(at, to, sizeof(to) - 1) : -1;

        if (n < 0) {
            *out = pb_take(&at);
            return 0;
        }
        to[n] = '\0';
        slash = strrchr(at, '/');
        if (slash)
            slash[1] = '\0';
        next = pb_fs_join(slash ? at : "", to);
        free(at);
        at = next;
    }
    errno = ELOOP;
    return pb_fail_errno(err, PB_E_IO, "cannot follow '%s'", path);
}

/* A FIFO that nobody reads yet is waited for as long as nobody wants plumb to end. */
static int open_other(const char *path, struct pb_err *err)
{
    int fd;

    while ((fd = open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) < 0) {
        struct stat st;

        if (errno != EINTR && (errno != ENXIO || stat(path, &st) || !S_ISFIFO(st.st_mode)))
            return pb_fail_errno(err, PB_E_IO, "cannot open '%s' to write to it", path);
        if (pb_cancel_check(err) < 0)
            return -1;
        (void)poll(NULL, 0, LOOK_MS);
    }
    return fd;
}

/* One that plumb was started with; those that it opened are nobody's to name. */
static int open_fd(int given, const char *path, struct pb_err *err)
{
    int flags = fcntl(given, F_GETFD);
    int fd = flags >= 0 && !(flags & FD_CLOEXEC) ? fcntl(given, F_DUPFD_CLOEXEC, 0) : -1;

    if (fd >= 0)
        return fd;
    errno = EBADF;
    return pb_fail_errno(err, PB_E_IO, "cannot open '%s' to write to it", path);
}

static int put_into(int fd, const char *path, const void *p, size_t n, struct pb_err *err)
{
    if (pb_fs_write_out(fd, p, n) == 0)
        return 0;
    if (errno == EINTR)
        return pb_fail(err, PB_E_INTERRUPTED, "interrupted while writing to '%s'", path);
    return pb_fail_errno(err, PB_E_IO, "cannot write all of it to '%s'", path);
}

int pb_fs_put(const char *path, const void *p, size_t n, struct pb_err *err)
{
    PB_AUTO(str) char *at = NULL;
    PB_AUTO(fd) int fd = -1;
    struct stat st;
    /* Asked first: here the kernel says which links of others it lets nobody follow. */
    bool there = stat(path, &st) == 0;
    int given;

    if (!there && errno != ENOENT)
        return pb_fail_errno(err, PB_E_IO, "cannot write to '%s'", path);
    if (there && S_ISDIR(st.st_mode))
        return pb_fail(err, PB_E_IO, "cannot write to '%s': it is a folder", path);
    if (follow(&at, path, err) < 0)
        return -1;
    given = fd_of(at);
    if (given == NOT_A_FD && (!there || S_ISREG(st.st_mode)))
        return pb_fs_write_atomic(at, p, n, there ? st.st_mode & 0777 : 0600, err);
    fd = given >= 0 ? open_fd(given, path, err) : open_other(at, err);
    return fd < 0 ? -1 : put_into(fd, path, p, n, err);
}
