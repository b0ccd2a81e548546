#include "run/area.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "base/user.h"

#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LEASE_MAX = 512, PLUGIN_TENTHS = 60 };

static char *dir_of(const struct pb_baseline_id *id, const char *state)
{
    struct pb_sha256 *d = pb_sha256_new();
    char hex[PB_SHA256_HEX];

    pb_sha256_add_str(d, id->repo);
    pb_sha256_add_str(d, id->unit);
    pb_sha256_add_str(d, id->workspace ? id->workspace : "default");
    pb_sha256_end_hex(d, hex);
    return pb_asprintf("%s/apply/%.32s", state, hex);
}

/* Who has it, for those who come meanwhile. It holds without that. */
static void sign(int lease)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    PB_AUTO(str) char *user = pb_user_name();
    char now[PB_CLOCK_RFC3339];

    pb_clock_rfc3339(now, time(NULL));
    pb_buf_addf(&text, "process %d of %s since %s", (int)getpid(), user, now);
    (void)!ftruncate(lease, 0);
    (void)!pwrite(lease, text.s, text.len, 0);
}

static void is_taken(const char *lease, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf by = PB_BUF_INIT, safe = PB_BUF_INIT;

    if (pb_fs_read(&by, lease, LEASE_MAX, NULL) < 0)
        pb_buf_clear(&by);
    pb_text_add_safe(&safe, by.len ? by.s : "a process", by.len ? by.len : strlen("a process"));
    pb_fail(err, PB_E_LOCKED,
            "another apply of this unit is under way on this machine (%s, or what it started): "
            "wait for it, or give --lock-timeout",
            safe.s);
}

/* ---- plugins that a killed tool left --------------------------------------------------------- */

static pid_t pid_of(const char *name)
{
    return *name >= '1' && *name <= '9' ? (pid_t)strtol(name, NULL, 10) : 0;
}

static bool holds(const char *pid, const struct stat *lease)
{
    PB_AUTO(str) char *dir = pb_asprintf("/proc/%s/fd", pid);
    DIR *d = opendir(dir);
    bool found = false;
    struct stat st;

    for (struct dirent *e; d && !found && (e = readdir(d));)
        found = fstatat(dirfd(d), e->d_name, &st, 0) == 0 && st.st_dev == lease->st_dev &&
                st.st_ino == lease->st_ino;
    if (d)
        closedir(d);
    return found;
}

static bool program_is_plugin(const char *pid, bool (*is_plugin)(const char *program))
{
    PB_AUTO(str) char *link = pb_asprintf("/proc/%s/exe", pid);
    char exe[PATH_MAX];
    ssize_t n = readlink(link, exe, sizeof(exe) - 1);

    if (n <= 0)
        return false;
    exe[n] = '\0';
    return is_plugin(exe);
}

/* Sends `number` (0: nothing) to all that have the lease; how many there are. -1: it is not
 * plugins alone. */
static int signal_plugins(const char *lease, bool (*is_plugin)(const char *program), int number)
{
    DIR *d = opendir("/proc");
    PB_AUTO(strv) struct pb_strv pids = PB_STRV_INIT;
    struct stat st;
    bool others = !d || stat(lease, &st) != 0;

    for (struct dirent *e; !others && (e = readdir(d));)
        if (pid_of(e->d_name) > 0 && pid_of(e->d_name) != getpid() && holds(e->d_name, &st)) {
            others = !program_is_plugin(e->d_name, is_plugin);
            pb_strv_add(&pids, e->d_name);
        }
    if (d)
        closedir(d);
    for (size_t i = 0; !others && number && i < pids.n; i++)
        (void)kill(pid_of(pids.v[i]), number);
    return others ? -1 : (int)pids.n;
}

/* They may be in the middle of a call: they get some time, a word, and then no more. */
static bool end_plugins(const char *lease, bool (*is_plugin)(const char *program))
{
    const struct timespec nap = {.tv_nsec = 100 * 1000 * 1000};
    int n = signal_plugins(lease, is_plugin, 0);

    for (int i = 1; n > 0 && i <= PLUGIN_TENTHS; i++) {
        nanosleep(&nap, NULL);
        n = signal_plugins(lease, is_plugin,
                           i == PLUGIN_TENTHS / 2   ? SIGTERM
                           : i == PLUGIN_TENTHS - 5 ? SIGKILL
                                                    : 0);
    }
    return n == 0;
}

static int take_lease(const char *lease, long wait_ms, bool (*is_plugin)(const char *program),
                      struct pb_err *err)
{
    struct pb_err why = PB_ERR_INIT;
    int fd = pb_lock_take(lease, wait_ms, &why);

    if (fd < 0 && why.cls == PB_E_LOCKED && is_plugin && end_plugins(lease, is_plugin)) {
        pb_err_clear(&why);
        fd = pb_lock_take(lease, 0, &why);
    }
    if (fd < 0 && err)
        *err = why;
    return fd;
}

int pb_area_take(struct pb_area *out, const struct pb_baseline_id *id, long wait_ms,
                 bool (*is_plugin)(const char *program), struct pb_err *err)
{
    PB_AUTO(str) char *state = NULL, *lease = NULL;

    *out = (struct pb_area)PB_AREA_INIT;
    if (pb_fs_state_dir(&state, err) < 0)
        return -1;
    out->dir = dir_of(id, state);
    out->current = pb_fs_join(out->dir, "current");
    lease = pb_fs_join(out->dir, "lease");
    if (pb_fs_mkdirs(out->dir, 0700, err) < 0)
        goto fail;
    out->lease = take_lease(lease, wait_ms, is_plugin, err);
    if (out->lease >= 0) {
        sign(out->lease);
        return 0;
    }
    if (err && err->cls == PB_E_LOCKED)
        is_taken(lease, err);
fail:
    pb_area_release(out);
    return -1;
}

void pb_area_release(struct pb_area *a)
{
    if (a->lease >= 0)
        close(a->lease);
    free(a->dir);
    free(a->current);
    *a = (struct pb_area)PB_AREA_INIT;
}

int pb_area_clean(struct pb_area *a, struct pb_err *err)
{
    if (pb_fs_remove_tree(a->current, err) < 0)
        return -1;
    if (pb_fs_mkdirs(a->current, 0700, err) < 0 || pb_fs_sync_folder_of(a->dir, err) < 0)
        return -1;
    return pb_fs_sync_folder_of(a->current, err);
}

void pb_area_forget(const struct pb_area *a)
{
    DIR *d = opendir(a->dir);

    for (struct dirent *e; d && (e = readdir(d));)
        if (pb_starts_with(e->d_name, "imports-") || pb_starts_with(e->d_name, "set-aside-"))
            (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
}

char *pb_area_file(const struct pb_area *a, const char *name)
{
    return pb_fs_join(a->current, name);
}
