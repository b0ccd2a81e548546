/* Which processes are a sandbox's: asked of /proc, without reading those of others each time. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/sandbox_internal.h"

enum { PIDS_MAX = 4 << 20 };

struct pb_box_list {
    pid_t monitor;
    unsigned char *foreign; /* a bit for each number that is not a sandbox's */
    long newest;            /* the number that was given away last; below 0: unknown */
    struct pb_box_process *v;
    size_t n, cap;
};

static bool is_foreign(const struct pb_box_list *l, pid_t pid)
{
    return pid <= 2 || pid >= PIDS_MAX || (l->foreign[pid / 8] >> (pid % 8) & 1);
}

static void set_foreign(struct pb_box_list *l, long pid, bool foreign)
{
    unsigned char bit = (unsigned char)(1 << (pid % 8));

    l->foreign[pid / 8] =
        (unsigned char)(foreign ? l->foreign[pid / 8] | bit : l->foreign[pid / 8] & ~bit);
}

static int by_pid(const void *a, const void *b)
{
    const struct pb_box_process *x = a, *y = b;

    return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static bool is_inside(const struct pb_box_list *l, pid_t pid)
{
    struct pb_box_process key = {.pid = pid};
    const struct pb_box_process *found = bsearch(&key, l->v, l->n, sizeof(key), by_pid);

    return pid == l->monitor || (found && found->inside);
}

ssize_t pb_box_read(char *buf, size_t size, const char *path)
{
    PB_AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

    buf[n > 0 ? n : 0] = '\0';
    return n;
}

char pb_box_state(pid_t pid, long *group, long *parent)
{
    char path[64], text[1024];
    const char *state, *tgid, *ppid;

    *group = *parent = -1;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    if (pb_box_read(text, sizeof(text), path) <= 0 || !(state = strstr(text, "\nState:\t")) ||
        !(tgid = strstr(state, "\nTgid:")) || !(ppid = strstr(tgid, "\nPPid:")))
        return '\0';
    *group = strtol(tgid + 6, NULL, 10);
    *parent = strtol(ppid + 6, NULL, 10);
    return state[8];
}

/* State, parent, and number 20 in proc(5): how many threads. */
static void add_process(struct pb_box_list *l, pid_t pid)
{
    char path[64], text[1024], state;
    const char *at;
    int parent;
    long threads;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (pb_box_read(text, sizeof(text), path) <= 0 || !(at = strrchr(text, ')')) ||
        sscanf(at + 1, " %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld",
               &state, &parent, &threads) != 3)
        return;
    l->v = pb_grow(l->v, &l->cap, l->n + 1, sizeof(*l->v));
    l->v[l->n++] = (struct pb_box_process){.pid = pid, .parent = parent, .threads = threads};
}

/* Orphans inside go to the first process there, so whoever is inside descends from the monitor. A
 * process whose parent ended meanwhile is neither, until the next look. */
static void sort_out(struct pb_box_list *l)
{
    bool moved = true;

    if (l->n)
        qsort(l->v, l->n, sizeof(*l->v), by_pid);
    while (moved) {
        moved = false;
        for (size_t i = 0; i < l->n; i++) {
            struct pb_box_process *p = &l->v[i];

            if (p->inside || p->pid == l->monitor || is_foreign(l, p->pid))
                continue;
            if (is_inside(l, p->parent)) {
                p->inside = moved = true;
            } else if (is_foreign(l, p->parent) || p->parent == getpid()) {
                set_foreign(l, p->pid, true);
                moved = true;
            }
        }
    }
}

/* What /proc/loadavg ends with. */
long pb_box_newest(void)
{
    char text[128];
    const char *at;

    if (pb_box_read(text, sizeof(text), "/proc/loadavg") <= 0 || !(at = strrchr(text, ' ')))
        return -1;
    return strtol(at, NULL, 10);
}

/* Numbers are given away in a circle: those since the last look may be others' than they were. */
static void forget(struct pb_box_list *l)
{
    long now = pb_box_newest();

    if (now < 0 || now >= PIDS_MAX || l->newest < 0) {
        memset(l->foreign, 0, PIDS_MAX / 8);
    } else {
        for (long pid = l->newest; pid != now; pid = (pid + 1) % PIDS_MAX)
            set_foreign(l, pid, false);
        set_foreign(l, now, false);
    }
    l->newest = now < PIDS_MAX ? now : -1;
}

const struct pb_box_process *pb_box_list_take(struct pb_box_list *l, size_t *n)
{
    DIR *d = opendir("/proc");
    size_t inside = 0;

    forget(l);
    l->n = 0;
    for (struct dirent *e; d && (e = readdir(d));) {
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

        if (pid > 0 && pid != getpid() && !is_foreign(l, pid))
            add_process(l, pid);
    }
    if (d)
        closedir(d);
    sort_out(l);
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].inside)
            l->v[inside++] = l->v[i];
    *n = l->n = inside;
    return l->v;
}

struct pb_box_list *pb_box_list_new(pid_t monitor)
{
    struct pb_box_list *l = pb_calloc(1, sizeof(*l));

    l->monitor = monitor;
    l->newest = -1;
    l->foreign = pb_calloc(PIDS_MAX / 8, 1);
    return l;
}

void pb_box_list_free(struct pb_box_list *l)
{
    if (!l)
        return;
    free(l->foreign);
    free(l->v);
    free(l);
}
