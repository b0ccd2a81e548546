/*
 * Private work areas: $TMPDIR/plumb-work-<pid>-<start time>-XXXXXX.
 *
 * Two marks say whose an area is. The name says which process: the start time tells a
 * process from a later one with the same number. And its owner holds an flock on the
 * folder, because a process in another container that shares the folder is not to be seen
 * in our /proc. An area is stale only when both marks say so.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

#define AREA_PREFIX "plumb-work-"

struct area {
    struct area *next;
    char *path;
    int lock;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct area *areas;
static pid_t owner; /* a forked child must not remove its parent's areas */

/* Field 22 of /proc/<pid>/stat; 0 when there is no such process. */
static unsigned long long start_time(long pid)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    char path[64];
    const char *s;

    snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    if (pb_fs_read(&b, path, 8192, NULL))
        return 0;
    s = strrchr(b.s, ')'); /* the command's name may hold anything */
    for (int field = 2; s && field < 22; field++)
        s = strchr(s + 1, ' ');
    return s ? strtoull(s + 1, NULL, 10) : 0;
}

static bool is_stale(int tmp, const char *name, int *lock)
{
    long pid;
    unsigned long long start;
    struct stat st;

    if (sscanf(name, AREA_PREFIX "%ld-%llu-", &pid, &start) != 2 || pid <= 0)
        return false;
    if (start_time(pid) == start)
        return false;
    *lock = openat(tmp, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*lock < 0)
        return false;
    return fstat(*lock, &st) == 0 && st.st_uid == geteuid() && flock(*lock, LOCK_EX | LOCK_NB) == 0;
}

static void remove_stale(const char *tmp)
{
    DIR *d = opendir(tmp);
    struct dirent *e;

    if (!d)
        return;
    while ((e = readdir(d))) {
        PB_AUTO(fd) int lock = -1;
        PB_AUTO(str) char *path = NULL;
        if (strncmp(e->d_name, AREA_PREFIX, strlen(AREA_PREFIX)) != 0)
            continue;
        if (!is_stale(dirfd(d), e->d_name, &lock))
            continue;
        path = pb_fs_join(tmp, e->d_name);
        pb_fs_remove_tree(path, NULL); /* the next one tries again */
    }
    closedir(d);
}

static void first_use(const char *tmp)
{
    static bool registered;

    if (owner == getpid())
        return;
    owner = getpid();
    areas = NULL;
    remove_stale(tmp);
    if (!registered)
        atexit(pb_work_remove_all);
    registered = true;
}

int pb_work_new(char **out, struct pb_err *err)
{
    const char *env = getenv("TMPDIR");
    const char *tmp = env && *env == '/' ? env : "/tmp";
    PB_AUTO(str) char *path = NULL;
    PB_AUTO(fd) int lock = -1;
    struct area *a;

    pthread_mutex_lock(&mutex);
    first_use(tmp);
    pthread_mutex_unlock(&mutex);
    path =
        pb_asprintf("%s/" AREA_PREFIX "%ld-%llu-XXXXXX", tmp, (long)getpid(), start_time(getpid()));
    if (!mkdtemp(path)) /* 0700 */
        return pb_fail_errno(err, PB_E_IO,
                             "cannot create a work area in '%s' (set TMPDIR to a folder that "
                             "can be written)",
                             tmp);
    lock = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB)) {
        pb_fail_errno(err, PB_E_IO, "cannot lock the work area '%s'", path);
        rmdir(path);
        return -1;
    }
    a = pb_calloc(1, sizeof(*a));
    a->path = pb_strdup(path);
    a->lock = pb_take_fd(&lock);
    pthread_mutex_lock(&mutex);
    a->next = areas;
    areas = a;
    pthread_mutex_unlock(&mutex);
    *out = pb_take(&path);
    return 0;
}

static void remove_area(struct area *a)
{
    pb_fs_remove_tree(a->path, NULL); /* what is left is stale for the next process */
    close(a->lock);
    free(a->path);
    free(a);
}

void pb_work_remove(const char *path)
{
    struct area *found = NULL;

    if (!path)
        return;
    pthread_mutex_lock(&mutex);
    for (struct area **p = &areas; *p && owner == getpid(); p = &(*p)->next) {
        if (strcmp((*p)->path, path) != 0)
            continue;
        found = *p;
        *p = found->next;
        break;
    }
    pthread_mutex_unlock(&mutex);
    if (found)
        remove_area(found);
}

void pb_work_remove_all(void)
{
    struct area *a;

    pthread_mutex_lock(&mutex);
    a = owner == getpid() ? areas : NULL;
    if (a)
        areas = NULL;
    pthread_mutex_unlock(&mutex);
    while (a) {
        struct area *next = a->next;
        remove_area(a);
        a = next;
    }
}
