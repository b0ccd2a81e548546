#include "base/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4U
#endif

enum { TICK_MS = 100 };

struct pb_child {
    pid_t pid; /* also its session and process group */
    int pidfd;
    int life; /* -1, or the end of a pipe that is ours alone: one_int */
    char *name;
    long timeout_ms, kill_after_ms, tick_ms;
    int64_t started, interrupted; /* monotonic; interrupted 0: no INT was sent */
    bool cancelled, timed_out, killed, ended;
    bool alone; /* its session is known to be empty; the number may be used again */
};

/* ---- finding the program ---------------------------------------------------------------- */

static bool is_program(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static bool same_bytes(const char *a, const char *b)
{
    PB_AUTO(fd) int x = open(a, O_RDONLY | O_CLOEXEC), y = open(b, O_RDONLY | O_CLOEXEC);
    char p[4096], q[4096];
    ssize_t n, m;

    do {
        n = x < 0 ? -1 : read(x, p, sizeof(p));
        m = y < 0 ? -1 : read(y, q, sizeof(q));
        if (n < 0 || n != m || memcmp(p, q, (size_t)n) != 0)
            return false;
    } while (n > 0);
    return true;
}

bool pb_child_is_us(const char *path)
{
    static const char self[] = "/proc/self/exe";
    struct stat st, us;

    if (stat(path, &st) != 0 || stat(self, &us) != 0)
        return false;
    if (st.st_dev == us.st_dev && st.st_ino == us.st_ino)
        return true;
    return st.st_size == us.st_size && same_bytes(path, self);
}

char *pb_child_which(const char *program, const char *path)
{
    if (!path)
        path = getenv("PATH");
    while (path && *path) {
        size_t n = strcspn(path, ":");
        if (*path == '/') {
            char *full = pb_asprintf("%.*s/%s", (int)n, path, program);
            if (is_program(full) && !pb_child_is_us(full))
                return full;
            free(full);
        }
        path += n + (path[n] == ':');
    }
    return NULL;
}

static const char *env_get(char *const *env, const char *name)
{
    size_t n = strlen(name);

    for (; env && *env; env++)
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
            return *env + n + 1;
    return NULL;
}

static int find_program(char **out, const struct pb_child_spec *spec, struct pb_err *err)
{
    const char *name = spec->argv[0];
    const char *path;
    PB_AUTO(str) char *cwd = NULL;

    if (strchr(name, '/')) {
        cwd = *name == '/' ? NULL : getcwd(NULL, 0);
        *out = pb_fs_join(cwd ? cwd : "", name);
        return 0;
    }
    path = env_get(spec->env, "PATH");
    *out = pb_child_which(name, path ? path : "");
    if (*out)
        return 0;
    errno = ENOENT;
    pb_fail(err, PB_E_TOOL, "program '%s' not found in PATH: install it or give its full path",
            name);
    if (err)
        err->sys = ENOENT;
    return -1;
}

/* ---- starting --------------------------------------------------------------------------- */

enum stage { STAGE_PARENT, STAGE_DIR, STAGE_STDIO, STAGE_HELD, STAGE_EXEC };

struct failure {
    enum stage stage;
    int sys;
};

/* What the forked child needs, made ready before: it may call async-signal-safe functions only. */
struct launch {
    const struct pb_child_spec *spec;
    const char *program;
    int in, out, err, report;
    int life; /* the other end of that pipe */
    pid_t parent;
};

/* A descriptor below 3 would be overwritten while the child's stdio is put in place. */
static int above_stdio(int fd)
{
    int high;

    if (fd < 0 || fd > 2)
        return fd;
    high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    close(fd);
    return high;
}

static int open_output(int given, const char *path, struct pb_err *err)
{
    int fd;

    if (given > 0) {
        fd = fcntl(given, F_DUPFD_CLOEXEC, 3);
        return fd < 0 ? pb_fail_errno(err, PB_E_IO, "cannot duplicate a descriptor") : fd;
    }
    if (!path)
        path = "/dev/null";
    fd = above_stdio(
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600));
    if (fd < 0)
        return pb_fail_errno(err, PB_E_IO, "cannot open '%s' for a child's output", path);
    return fd;
}

static void reset_signals(void)
{
    struct sigaction sa = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int sig = 1; sig < NSIG; sig++)
        sigaction(sig, &sa, NULL);
    sa.sa_handler = SIG_IGN; /* a closed terminal must not stop an apply */
    sigaction(SIGHUP, &sa, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_others(void)
{
    /* On exec rather than at once: the report pipe has to stay until then. */
    if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
        return;
    for (int fd = 3; fd < 65536; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void give_up(const struct launch *l, enum stage stage)
{
    struct failure f = {stage, errno};

    (void)!write(l->report, &f, sizeof(f));
    _exit(127);
}

/* False when plumb is dead already. The kernel's own signal is sent whenever a thread that is the
 * parent dies; as the parent is then another thread of plumb, that may be several times. */
static bool notice_death(const struct launch *l)
{
    int number = l->spec->death_signal ? l->spec->death_signal : SIGINT;
    struct pollfd p = {.fd = l->life, .events = POLLIN};

    if (l->life < 0)
        return prctl(PR_SET_PDEATHSIG, number) == 0 && getppid() == l->parent;
    return fcntl(l->life, F_SETOWN, getpid()) == 0 && fcntl(l->life, F_SETSIG, number) == 0 &&
           fcntl(l->life, F_SETFL, O_ASYNC) == 0 && poll(&p, 1, 0) == 0;
}

static void run_child(const struct launch *l) PB_NORETURN;
static void run_child(const struct launch *l)
{
    setsid();
    if (!notice_death(l))
        give_up(l, STAGE_PARENT);
    reset_signals();
    if (l->spec->no_keys && syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 &&
        errno != ENOSYS && errno != EPERM) /* where nobody has any */
        give_up(l, STAGE_PARENT);
    if (l->spec->dir && chdir(l->spec->dir))
        give_up(l, STAGE_DIR);
    if (dup2(l->in, 0) < 0 || dup2(l->out, 1) < 0 || dup2(l->err, 2) < 0)
        give_up(l, STAGE_STDIO);
    close_others();
    if (l->life >= 0)
        fcntl(l->life, F_SETFD, 0);
    if (l->spec->keep_fd > 0)
        fcntl(l->spec->keep_fd, F_SETFD, 0);
    for (const int *fd = l->spec->keep_fds; fd && *fd; fd++)
        fcntl(*fd, F_SETFD, 0);
    if (l->spec->before_exec && l->spec->before_exec(l->spec->before_ctx))
        give_up(l, STAGE_HELD);
    execve(l->program, l->spec->argv, l->spec->env);
    give_up(l, STAGE_EXEC);
    _exit(127);
}

static pid_t fork_quietly(const struct launch *l)
{
    sigset_t all, old;
    pid_t pid;

    /* A signal between fork and exec would run plumb's handlers in the child. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pid = fork();
    if (pid == 0)
        run_child(l);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return pid;
}

static int explain(const struct launch *l, const struct failure *f, struct pb_err *err)
{
    errno = f->sys;
    switch (f->stage) {
    case STAGE_DIR:
        return pb_fail_errno(err, PB_E_IO, "cannot enter '%s' to run '%s'", l->spec->dir,
                             l->program);
    case STAGE_HELD:
        return pb_fail_errno(err, PB_E_REFUSED, "cannot hold '%s' back from anything", l->program);
    case STAGE_EXEC: return pb_fail_errno(err, PB_E_TOOL, "cannot run '%s'", l->program);
    default: return pb_fail_errno(err, PB_E_INTERNAL, "cannot start '%s'", l->program);
    }
}

/* Forks, and waits until the exec has happened or has failed. */
static int launch(pid_t *out, struct launch *l, struct pb_err *err)
{
    struct failure f;
    int p[2];
    ssize_t n;
    pid_t pid;

    if (pipe2(p, O_CLOEXEC))
        return pb_fail_errno(err, PB_E_INTERNAL, "cannot create a pipe");
    l->report = above_stdio(p[1]);
    pid = fork_quietly(l);
    if (pid < 0)
        pb_fail_errno(err, PB_E_INTERNAL, "cannot fork to run '%s'", l->program);
    close(l->report);
    do
        n = pid < 0 ? 0 : read(p[0], &f, sizeof(f));
    while (n < 0 && errno == EINTR);
    close(p[0]);
    if (pid < 0)
        return -1;
    if (n == (ssize_t)sizeof(f)) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        return explain(l, &f, err);
    }
    *out = pid;
    return 0;
}

static int open_stdio(struct launch *l, struct pb_err *err)
{
    const struct pb_child_spec *s = l->spec;

    const char *in = s->in_path ? s->in_path : "/dev/null";

    l->in = above_stdio(open(in, O_RDONLY | O_CLOEXEC));
    if (l->in < 0)
        return pb_fail_errno(err, PB_E_IO, "cannot open '%s'", in);
    l->out = open_output(s->out_fd, s->out_path, err);
    if (l->out < 0)
        return -1;
    if (s->out_path && s->err_path && strcmp(s->out_path, s->err_path) == 0) {
        l->err = fcntl(l->out, F_DUPFD_CLOEXEC, 3);
        return l->err < 0 ? pb_fail_errno(err, PB_E_IO, "cannot duplicate a descriptor") : 0;
    }
    l->err = open_output(s->err_fd, s->err_path, err);
    return l->err < 0 ? -1 : 0;
}

static int open_life(int *ours, int *theirs, struct pb_err *err)
{
    int p[2];

    if (pipe2(p, O_CLOEXEC))
        return pb_fail_errno(err, PB_E_INTERNAL, "cannot create a pipe");
    *theirs = above_stdio(p[0]);
    *ours = above_stdio(p[1]);
    return *theirs < 0 || *ours < 0
               ? pb_fail_errno(err, PB_E_INTERNAL, "cannot duplicate a descriptor")
               : 0;
}

int pb_child_start(struct pb_child **out, const struct pb_child_spec *spec, struct pb_err *err)
{
    static char *const no_env[] = {NULL};
    struct pb_child_spec s = *spec;
    struct launch l = {.spec = &s, .in = -1, .out = -1, .err = -1, .life = -1, .parent = getpid()};
    PB_AUTO(str) char *program = NULL;
    PB_AUTO(fd) int life = -1;
    pid_t pid = -1;
    int64_t started = pb_clock_ms();
    struct pb_child *c;
    int rc;

    if (!s.env)
        s.env = no_env;
    if (find_program(&program, &s, err))
        return -1;
    l.program = program;
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* orphaned grandchildren come to us, to be noticed */
    rc = (s.one_int && open_life(&life, &l.life, err)) || open_stdio(&l, err)
             ? -1
             : launch(&pid, &l, err);
    pb_auto_fd(&l.in);
    pb_auto_fd(&l.out);
    pb_auto_fd(&l.err);
    pb_auto_fd(&l.life);
    if (rc)
        return -1;
    c = pb_calloc(1, sizeof(*c));
    c->pid = pid;
    c->life = pb_take_fd(&life);
    c->pidfd = pidfd_open(pid, 0); /* without one (an old kernel) wait asks every tick */
    c->name = pb_strdup(spec->argv[0]);
    c->timeout_ms = spec->timeout_ms;
    c->kill_after_ms = spec->kill_after_ms;
    c->tick_ms = spec->tick_ms > 0 ? spec->tick_ms : TICK_MS;
    c->started = started;
    *out = c;
    return 0;
}

/* ---- its session ------------------------------------------------------------------------ */

/* State, parent and session of a process from /proc/<pid>/stat. */
static bool read_stat(const char *pid, char *state, long *parent, long *session)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    char path[64];
    const char *s;
    long group;

    snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
    if (pb_fs_read(&b, path, 8192, NULL))
        return false;
    s = strrchr(b.s, ')'); /* the name before it may hold anything */
    return s && sscanf(s + 1, " %c %ld %ld %ld", state, parent, &group, session) == 4;
}

int pb_child_survivors(struct pb_child *c)
{
    DIR *d = c->alone ? NULL : opendir("/proc");
    struct dirent *e;
    int alive = 0;

    if (!d)
        return 0;
    while ((e = readdir(d))) {
        char state;
        long parent, session, pid = strtol(e->d_name, NULL, 10);
        if (pid <= 0 || pid == c->pid || !read_stat(e->d_name, &state, &parent, &session))
            continue;
        if (session != c->pid)
            continue;
        if (state != 'Z' && state != 'X')
            alive++;
        else if (parent == getpid())
            waitpid((pid_t)pid, NULL, WNOHANG);
    }
    closedir(d);
    if (alive == 0 && c->ended)
        c->alone = true;
    return alive;
}

/* ---- waiting ---------------------------------------------------------------------------- */

static void interrupt(struct pb_child *c, int64_t now)
{
    if (c->interrupted)
        return; /* a second INT makes Terraform lose data */
    c->interrupted = now;
    kill(c->pid, SIGINT); /* not reaped yet, so the number is its own */
}

static void mind(struct pb_child *c)
{
    int64_t now = pb_clock_ms();

    if (pb_cancel_requested() && !c->cancelled) {
        c->cancelled = true;
        interrupt(c, now);
    }
    if (c->timeout_ms > 0 && now - c->started >= c->timeout_ms && !c->timed_out &&
        !c->interrupted) {
        c->timed_out = true;
        interrupt(c, now);
    }
    if (c->kill_after_ms > 0 && c->interrupted && !c->killed &&
        now - c->interrupted >= c->kill_after_ms) {
        c->killed = true;
        kill(-c->pid, SIGKILL); /* with the plugins it started */
    }
}

/* Waits at most a tick. True once the child has ended; it is not reaped yet. */
static bool has_ended(struct pb_child *c, long ms)
{
    struct pollfd p = {.fd = c->pidfd, .events = POLLIN};
    siginfo_t info = {0};

    poll(&p, c->pidfd >= 0 ? 1 : 0, (int)ms);
    return waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == c->pid;
}

static long until_next(const struct pb_child *c)
{
    int64_t now = pb_clock_ms(), ms = c->tick_ms;

    if (c->timeout_ms > 0 && !c->interrupted && c->started + c->timeout_ms - now < ms)
        ms = c->started + c->timeout_ms - now;
    return ms < 0 ? 0 : (long)ms;
}

static int reap(struct pb_child_status *status, struct pb_child *c, struct pb_err *err)
{
    int ws = 0;

    /* Before reaping: a dead leader's number cannot be given away while it is a zombie. */
    status->survivors = pb_child_survivors(c);
    while (waitpid(c->pid, &ws, 0) < 0)
        if (errno != EINTR)
            return pb_fail_errno(err, PB_E_INTERNAL, "cannot wait for '%s'", c->name);
    c->ended = true;
    c->alone = status->survivors == 0;
    status->exited = WIFEXITED(ws);
    status->code = WIFEXITED(ws) ? WEXITSTATUS(ws) : 0;
    status->signal = WIFSIGNALED(ws) ? WTERMSIG(ws) : 0;
    status->timed_out = c->timed_out;
    status->elapsed_ms = (long)(pb_clock_ms() - c->started);
    return 0;
}

int pb_child_wait(struct pb_child_status *status, struct pb_child *c, void (*tick)(void *ctx),
                  void *ctx, struct pb_err *err)
{
    *status = (struct pb_child_status){.started = true};
    mind(c);
    while (!has_ended(c, until_next(c))) {
        mind(c);
        if (tick)
            tick(ctx);
    }
    if (reap(status, c, err))
        return -1;
    if (tick)
        tick(ctx); /* its last words */
    if (c->cancelled)
        return pb_fail(err, PB_E_INTERRUPTED, "interrupted while '%s' ran", c->name);
    return 0;
}

int pb_child_run(struct pb_child_status *status, const struct pb_child_spec *spec,
                 struct pb_err *err)
{
    struct pb_child *c = NULL;
    int rc;

    *status = (struct pb_child_status){0};
    if (pb_child_start(&c, spec, err))
        return -1;
    rc = pb_child_wait(status, c, NULL, NULL, err);
    pb_child_free(c);
    return rc;
}

pid_t pb_child_pid(const struct pb_child *c)
{
    return c->pid;
}

void pb_child_free(struct pb_child *c)
{
    if (!c)
        return;
    if (!c->ended)
        BUG("child '%s' is freed while it runs", c->name);
    pb_auto_fd(&c->pidfd);
    pb_auto_fd(&c->life);
    free(c->name);
    free(c);
}
