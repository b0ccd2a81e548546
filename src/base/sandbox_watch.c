/* Adds up what all processes of a sandbox use, often enough that a bomb ends before it hurts. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/sandbox_internal.h"

enum { DISK_MS = 250, SHORT_MS = 100, DEPTH_MAX = 200, ENTRIES_MAX = 1000000, RESERVE_MIB = 128 };
#define MIB ((int64_t)1 << 20)

struct pb_box_watch {
    struct pb_box_limits limits;
    const struct pb_box_forks *forks;
    struct pb_box_list *list;
    struct pb_strv writable, outputs;
    int64_t disk_due, short_due;
    int64_t disk_before, disk; /* bytes */
    size_t entries;
    char said[160];
};

/* ---- memory ---------------------------------------------------------------------------------- */

static int64_t kib(const char *status, const char *name)
{
    const char *at = strstr(status, name);

    return at ? strtoll(at + strlen(name), NULL, 10) * 1024 : 0;
}

/* A mapping that is shared counts for each process that has it: better too much than not at all.
 * The tables of what is mapped and hardly used can be larger than what is used. */
static int64_t memory_of(pid_t pid)
{
    char path[64], text[4096];

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    if (pb_box_read(text, sizeof(text), path) <= 0)
        return 0;
    return kib(text, "\nRssAnon:") + kib(text, "\nRssShmem:") + kib(text, "\nVmPTE:");
}

/* ---- disk ------------------------------------------------------------------------------------ */

static void add_folder(struct pb_box_watch *w, int fd, int depth)
{
    DIR *d = depth < DEPTH_MAX ? fdopendir(fd) : NULL;
    struct stat st;

    if (!d) {
        if (depth >= DEPTH_MAX)
            w->entries = ENTRIES_MAX + 1;
        close(fd);
        return;
    }
    for (struct dirent *e; w->entries <= ENTRIES_MAX && (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW))
            continue;
        w->entries++;
        w->disk += (int64_t)st.st_blocks * 512;
        if (S_ISDIR(st.st_mode)) {
            int next = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (next >= 0)
                add_folder(w, next, depth + 1);
        }
    }
    closedir(d);
}

/* Blocks, and of files in use their length: what is still on its way to the disk counts, too. */
static void measure(struct pb_box_watch *w)
{
    struct stat st;

    w->disk = 0;
    w->entries = 0;
    for (size_t i = 0; i < w->writable.n; i++) {
        int fd = open(w->writable.v[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd >= 0)
            add_folder(w, fd, 0);
        else if (lstat(w->writable.v[i], &st) == 0)
            w->disk += st.st_size;
    }
    for (size_t i = 0; i < w->outputs.n; i++)
        if (stat(w->outputs.v[i], &st) == 0)
            w->disk += st.st_size;
}

/* ---- looking --------------------------------------------------------------------------------- */

static const char *say(struct pb_box_watch *w, const char *what, long long n, const char *unit)
{
    snprintf(w->said, sizeof(w->said), "%s more than %lld %s", what, n, unit);
    return w->said;
}

static int64_t meminfo(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    return at ? strtoll(at + strlen(name), NULL, 10) * 1024 : -1;
}

/* Memory that nobody has mapped is in no process's sum. */
static bool machine_is_short(void)
{
    char text[4096];
    int64_t left = -1;

    if (pb_box_read(text, sizeof(text), "/proc/meminfo") > 0)
        left = meminfo(text, "MemAvailable:");
    return left >= 0 && left < RESERVE_MIB * MIB;
}

static const char *look_at_disk(struct pb_box_watch *w)
{
    measure(w);
    if (w->entries > ENTRIES_MAX)
        return say(w, "wrote", ENTRIES_MAX, "files, or folders too deep to count");
    if (w->disk - w->disk_before > w->limits.disk)
        return say(w, "wrote", w->limits.disk / MIB, "MiB");
    return NULL;
}

/* The number is held elsewhere (sandbox_forks.c), and looked at for what may slip through there. */
static const char *look_at_processes(struct pb_box_watch *w)
{
    size_t n;
    const struct pb_box_process *v = pb_box_list_take(w->list, &n);
    int64_t memory = 0;

    if ((long)n > w->limits.processes || pb_box_forks_over(w->forks))
        return say(w, "ran", w->limits.processes, "processes at once");
    for (size_t i = 0; i < n; i++)
        memory += memory_of(v[i].pid);
    return memory > w->limits.memory ? say(w, "used", w->limits.memory / MIB, "MiB of memory")
                                     : NULL;
}

const char *pb_box_watch_look(struct pb_box_watch *w, bool last)
{
    int64_t now = pb_clock_ms();
    const char *said = last ? NULL : look_at_processes(w);

    if (!said && (last || now >= w->disk_due)) {
        said = look_at_disk(w);
        w->disk_due = pb_clock_ms() + DISK_MS + 10 * (pb_clock_ms() - now);
    }
    if (!said && !last && now >= w->short_due) {
        w->short_due = now + SHORT_MS;
        if (machine_is_short())
            return "was stopped because the machine has hardly any memory left";
    }
    return said;
}

struct pb_box_watch *pb_box_watch_new(const struct pb_box_limits *limits, pid_t monitor,
                                      const struct pb_box_forks *forks,
                                      const struct pb_strv *writable, const struct pb_strv *outputs)
{
    struct pb_box_watch *w = pb_calloc(1, sizeof(*w));

    w->limits = *limits;
    w->forks = forks;
    w->list = pb_box_list_new(monitor);
    for (size_t i = 0; i < writable->n; i++)
        pb_strv_add(&w->writable, writable->v[i]);
    for (size_t i = 0; i < outputs->n; i++)
        pb_strv_add(&w->outputs, outputs->v[i]);
    measure(w);
    w->disk_before = w->disk;
    return w;
}

void pb_box_watch_free(struct pb_box_watch *w)
{
    if (!w)
        return;
    pb_strv_release(&w->writable);
    pb_strv_release(&w->outputs);
    pb_box_list_free(w->list);
    free(w);
}
