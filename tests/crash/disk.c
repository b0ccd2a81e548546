/*
 * disk.c: a disk that fails, for one program. Preloaded into plumb by test_disk.py.
 *
 * Counts what plumb (and the libraries that it calls) writes below DISK_UNDER: each write, sync,
 * truncation, creation and renaming of a file there is one step. With DISK_FAULT unset, nothing
 * else happens, and DISK_LOG has a line for each. DISK_FAULT is STEP:ERRNO:
 *
 *	17:EIO		the 17th fails, alone
 *	17:ENOSPC	the disk is full from the 17th on: a write comes half way, then nothing goes
 *
 * Other programs that inherit the variables are left alone.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HIDDEN(name, ...)          \
    static __typeof__(name) *real; \
    if (!real)                     \
        *(void **)&real = dlsym(RTLD_NEXT, #name);

static atomic_ulong steps;
static unsigned long fault_at;
static int fault_errno, log_fd = -1;
static const char *under;

__attribute__((constructor)) static void begin(void)
{
    const char *fault = getenv("DISK_FAULT"), *path = getenv("DISK_LOG");
    char exe[4096] = "";
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

    if (n < 6 || strcmp(exe + n - 6, "/plumb") != 0)
        return;
    under = getenv("DISK_UNDER");
    if (path)
        log_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                              0600);
    if (fault) {
        fault_at = strtoul(fault, NULL, 10);
        fault_errno = strstr(fault, "ENOSPC") ? ENOSPC : EIO;
    }
}

static void tell(unsigned long step, const char *call, const char *path, bool fails)
{
    char line[4300];
    int n = snprintf(line, sizeof(line), "%lu %s %s%s\n", step, call, path, fails ? " FAILS" : "");

    if (log_fd >= 0 && n > 0)
        (void)!syscall(SYS_write, log_fd, line, (size_t)n);
}

enum fate { GOES, FAILS, COMES_HALF_WAY };

static enum fate step(const char *call, const char *path)
{
    unsigned long n;
    bool fails;

    if (!under || strncmp(path, under, strlen(under)) != 0)
        return GOES;
    n = atomic_fetch_add(&steps, 1) + 1;
    fails = fault_at && (n == fault_at || (n > fault_at && fault_errno == ENOSPC));
    tell(n, call, path, fails);
    if (!fails)
        return GOES;
    errno = fault_errno;
    return n == fault_at && fault_errno == ENOSPC ? COMES_HALF_WAY : FAILS;
}

static enum fate step_on(const char *call, int fd)
{
    char link[64], path[4096] = "";
    struct stat st;
    int saved = errno;
    ssize_t n;

    if (!under || fd <= 2 || fstat(fd, &st) || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
        return GOES;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof(path) - 1);
    errno = saved;
    return n > 0 ? step(call, path) : GOES;
}

/* Relative names are none that plumb creates below its folders, except through a folder's fd. */
static enum fate step_at(const char *call, int dir, const char *path)
{
    char link[64], whole[4096 * 2] = "";
    ssize_t n;

    if (dir == AT_FDCWD || *path == '/')
        return step(call, path);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
    n = readlink(link, whole, 4095);
    if (n <= 0)
        return GOES;
    snprintf(whole + n, sizeof(whole) - (size_t)n, "/%s", path);
    return step(call, whole);
}

ssize_t write(int fd, const void *p, size_t n)
{
    HIDDEN(write)
    enum fate f = step_on("write", fd);

    return f == GOES ? real(fd, p, n) : f == COMES_HALF_WAY && n > 1 ? real(fd, p, n / 2) : -1;
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    HIDDEN(pwrite)
    enum fate f = step_on("pwrite", fd);

    return f == GOES                      ? real(fd, p, n, at)
           : f == COMES_HALF_WAY && n > 1 ? real(fd, p, n / 2, at)
                                          : -1;
}

int fsync(int fd)
{
    HIDDEN(fsync)
    return step_on("fsync", fd) == GOES ? real(fd) : -1;
}

int fdatasync(int fd)
{
    HIDDEN(fdatasync)
    return step_on("fdatasync", fd) == GOES ? real(fd) : -1;
}

/* Making a file shorter needs no room. */
int ftruncate(int fd, off_t n)
{
    HIDDEN(ftruncate)
    return fault_errno == ENOSPC || step_on("ftruncate", fd) == GOES ? real(fd, n) : -1;
}

int rename(const char *from, const char *to)
{
    HIDDEN(rename)
    return step("rename", to) == GOES ? real(from, to) : -1;
}

int link(const char *from, const char *to)
{
    HIDDEN(link)
    return step("link", to) == GOES ? real(from, to) : -1;
}

int mkdir(const char *path, mode_t mode)
{
    HIDDEN(mkdir)
    struct stat st;

    return stat(path, &st) == 0 || step("mkdir", path) == GOES ? real(path, mode) : -1;
}

int mkdirat(int dir, const char *path, mode_t mode)
{
    HIDDEN(mkdirat)
    return step_at("mkdirat", dir, path) == GOES ? real(dir, path, mode) : -1;
}

int mkostemp(char *name, int flags)
{
    HIDDEN(mkostemp)
    return step("mkostemp", name) == GOES ? real(name, flags) : -1;
}

int open(const char *path, int flags, ...)
{
    HIDDEN(open)
    mode_t mode = 0;
    va_list ap;

    va_start(ap, flags);
    if (flags & O_CREAT)
        mode = va_arg(ap, mode_t);
    va_end(ap);
    return !(flags & O_CREAT) || step("open", path) == GOES ? real(path, flags, mode) : -1;
}

int openat(int dir, const char *path, int flags, ...)
{
    HIDDEN(openat)
    mode_t mode = 0;
    va_list ap;

    va_start(ap, flags);
    if (flags & O_CREAT)
        mode = va_arg(ap, mode_t);
    va_end(ap);
    return !(flags & O_CREAT) || step_at("openat", dir, path) == GOES ? real(dir, path, flags, mode)
                                                                      : -1;
}
