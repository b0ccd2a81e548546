/* Folders of what only saves time: they may grow no further than that is worth. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

struct aged {
    char *path;
    struct timespec at;
    uint64_t bytes;
};

static int newest_first(const void *x, const void *y)
{
    const struct aged *a = x, *b = y;

    if (a->at.tv_sec != b->at.tv_sec)
        return a->at.tv_sec > b->at.tv_sec ? -1 : 1;
    return a->at.tv_nsec > b->at.tv_nsec ? -1 : a->at.tv_nsec < b->at.tv_nsec;
}

static size_t read_folder(struct aged **out, uint64_t *bytes, const char *folder)
{
    DIR *d = opendir(folder);
    size_t n = 0, cap = 0;

    *out = NULL;
    *bytes = 0;
    for (const struct dirent *e; d && (e = readdir(d));) {
        struct stat st;
        char *path = pb_fs_join(folder, e->d_name);

        if (lstat(path, &st) || !S_ISREG(st.st_mode)) {
            free(path);
            continue;
        }
        *out = pb_grow(*out, &cap, n + 1, sizeof(**out));
        (*out)[n++] = (struct aged){path, st.st_mtim, (uint64_t)st.st_size};
        *bytes += (uint64_t)st.st_size;
    }
    if (d)
        closedir(d);
    return n;
}

void pb_fs_trim(const char *folder, size_t files, uint64_t bytes)
{
    struct aged *v;
    uint64_t all, so_far = 0;
    size_t n = read_folder(&v, &all, folder);
    bool full = n > files || all > bytes;

    if (full)
        qsort(v, n, sizeof(*v), newest_first);
    for (size_t i = 0; i < n; i++) {
        so_far += v[i].bytes;
        if (full && i && (i >= files || so_far > bytes))
            (void)unlink(v[i].path);
        free(v[i].path);
    }
    free(v);
}

void pb_fs_used(const char *path)
{
    (void)utimensat(AT_FDCWD, path, NULL, 0);
}
