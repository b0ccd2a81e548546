/*
 * What a hostile program leaves in a folder is a trap for who comes after it: a link in the place
 * of a file that is read or written next, a pipe that blocks its reader, a folder that cannot be
 * removed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/sandbox_internal.h"
#include "base/text.h"

enum { DEPTH_MAX = 250 };

struct sweep {
    const char *top; /* where it really is */
    const struct pb_strv *also;
    const char *subject;
    bool failed;
    struct pb_err *err;
};

static bool below(const char *path, const char *dir)
{
    size_t n = strlen(dir);

    return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static bool may_lead_to(const struct sweep *s, const char *target)
{
    if (below(target, s->top))
        return true;
    for (size_t i = 0; i < s->also->n; i++) {
        PB_AUTO(str) char *real = realpath(s->also->v[i], NULL);
        if (real && below(target, real))
            return true;
    }
    return false;
}

/* Nothing is behind a link that leads nowhere, and what is written through it is made there: it
 * goes. One that leads elsewhere was made to be followed. */
static void sweep_link(struct sweep *s, int dir, const char *name, const char *path)
{
    PB_AUTO(str) char *target = realpath(path, NULL);
    PB_AUTO(buf) struct pb_buf safe = PB_BUF_INIT;

    if (target && may_lead_to(s, target))
        return;
    (void)unlinkat(dir, name, 0);
    if (!target || s->failed)
        return;
    s->failed = true;
    pb_text_add_safe(&safe, target, strlen(target));
    pb_fail(s->err, PB_E_REFUSED,
            "planning of '%s' left a link to '%s', which is no file of it: look at what the change "
            "does",
            s->subject, safe.s);
}

static void sweep_folder(struct sweep *s, int fd, const char *path, int depth)
{
    DIR *d = fdopendir(fd);
    struct stat st;

    if (!d) {
        close(fd);
        return;
    }
    for (struct dirent *e; (e = readdir(d));) {
        PB_AUTO(str) char *full = NULL;
        int next;

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW))
            continue;
        full = pb_fs_join(path, e->d_name);
        if (S_ISLNK(st.st_mode)) {
            sweep_link(s, dirfd(d), e->d_name, full);
        } else if (S_ISDIR(st.st_mode)) {
            if ((st.st_mode & S_IRWXU) != S_IRWXU)
                (void)!fchmodat(dirfd(d), e->d_name, 0700, 0);
            next = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (next >= 0 && depth < DEPTH_MAX)
                sweep_folder(s, next, full, depth + 1);
            else if (next >= 0)
                close(next);
        } else if (!S_ISREG(st.st_mode)) {
            (void)unlinkat(dirfd(d), e->d_name, 0);
        }
    }
    closedir(d);
}

int pb_box_sweep(const char *dir, const struct pb_strv *also, const char *subject,
                 struct pb_err *err)
{
    PB_AUTO(str) char *top = realpath(dir, NULL);
    struct sweep s = {.top = top, .also = also, .subject = subject, .err = err};
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (!top || (fd < 0 && errno != ENOTDIR)) /* a file alone was mounted as such */
        return pb_fail_errno(err, PB_E_IO, "cannot look through '%s'", dir);
    if (fd >= 0)
        sweep_folder(&s, fd, dir, 0);
    return s.failed ? -1 : 0;
}
