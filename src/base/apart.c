#include "base/apart.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

static int above(const int *keep, int fd)
{
    int next = -1;

    for (; *keep; keep++)
        if (*keep >= fd && (next < 0 || *keep < next))
            next = *keep;
    return next;
}

static void close_others(const int *keep)
{
    int from = 3, next;

    while ((next = above(keep, from)) >= 0) {
        if (next > from)
            (void)close_range((unsigned)from, (unsigned)next - 1, 0);
        from = next + 1;
    }
    (void)close_range((unsigned)from, ~0U, 0);
}

static void reset_signals(void)
{
    struct sigaction sa = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int sig = 1; sig < NSIG; sig++)
        sigaction(sig, &sa, NULL);
    sa.sa_handler = SIG_IGN;
    sigaction(SIGHUP, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGPIPE, &sa, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* False when something of plumb's would stay open. */
static bool leave(const char *name, const int *keep)
{
    int null;

    setsid();
    prctl(PR_SET_NAME, name);
    reset_signals();
    close_others(keep);
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    return null >= 0 && dup2(null, 0) == 0 && dup2(null, 1) == 1 && dup2(null, 2) == 2;
}

/* The C library makes its allocator ready for a fork; AddressSanitizer does not do so with its own,
 * which another thread may have locked at that moment. */
static bool may_fork(void)
{
#ifdef __SANITIZE_ADDRESS__
    DIR *tasks = opendir("/proc/self/task");
    int n = 0;

    for (const struct dirent *e; tasks && (e = readdir(tasks));)
        n += e->d_name[0] != '.';
    if (tasks)
        closedir(tasks);
    return n == 1;
#else
    return true;
#endif
}

int pb_apart_start(pid_t *out, const char *name, const int *keep, void (*run)(void *ctx), void *ctx,
                   struct pb_err *err)
{
    sigset_t all, old;
    pid_t pid;

    if (!may_fork())
        return pb_fail(err, PB_E_INTERNAL,
                       "built with AddressSanitizer, plumb cannot fork beside other threads");
    /* A signal between fork and reset would run plumb's handlers in the child. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pid = fork();
    if (pid == 0) {
        if (leave(name, keep))
            run(ctx);
        _exit(0);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (pid < 0)
        return pb_fail_errno(err, PB_E_INTERNAL, "cannot fork");
    *out = pid;
    return 0;
}
