#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/sandbox_internal.h"
#include "base/text.h"

#define MIB ((int64_t)1 << 20)

enum {
    MEMORY_MIB = 4096,
    DISK_MIB = 4096,
    PROCESSES = 512,
    TIME_MS = 900000,
    DATA_SPARE = 1024,
    FILES = 4096,
    TICK_MS = 20,
    SLOW_TICKS = 5,
    SETUP_MS = 20000,
    END_MS = 10000,
    ERROR_MAX = 1 << 16,
    KEPT = 8
};

const char pb_sandbox_home[] = "/sandbox";

struct pb_sandbox_run {
    struct pb_child *child; /* bubblewrap, outside */
    pid_t inside;           /* the first process in there, as it is numbered outside */
    int inside_fd;
    char *subject;
    struct pb_box_limits limits;
    long time_ms;
    struct pb_box_forks *forks;
    struct pb_box_watch *watch;
    struct pb_box_net *net;
    struct pb_strv readable, writable;
    const char *broken; /* which limit; NULL: none */
    void (*tick)(void *ctx);
    void *ctx;
    unsigned ticks;
};

/* What is being put together for one start. */
struct setup {
    struct pb_strv argv, env, outputs;
    int kept[KEPT + 1]; /* descriptors that bubblewrap gets; 0 ends them */
    size_t nkept;
    int info, block;         /* our ends */
    int info_out, block_out; /* the other ones */
};

/* ---- how it looks inside --------------------------------------------------------------------- */

static void add(struct setup *s, const char *word)
{
    pb_strv_add(&s->argv, word);
}

static void add2(struct setup *s, const char *what, const char *a)
{
    add(s, what);
    add(s, a);
}

static void add3(struct setup *s, const char *what, const char *a, const char *b)
{
    add2(s, what, a);
    add(s, b);
}

static int keep(struct setup *s, int fd)
{
    if (s->nkept == KEPT)
        BUG("more descriptors than a sandbox is given");
    s->kept[s->nkept++] = fd;
    return fd;
}

/* A file of ours that is in no file system outside. */
static int add_text(struct setup *s, const char *path, const struct pb_buf *text,
                    struct pb_err *err)
{
    int fd = memfd_create("sandbox", MFD_CLOEXEC);
    char number[16];

    if (fd < 0 || pb_fs_write_all(fd, text->s, text->len, 0) || lseek(fd, 0, SEEK_SET) < 0) {
        if (fd >= 0)
            close(fd);
        return pb_fail_errno(err, PB_E_INTERNAL, "cannot make '%s' of the sandbox", path);
    }
    snprintf(number, sizeof(number), "%d", keep(s, fd));
    add3(s, "--ro-bind-data", number, path);
    return 0;
}

static void add_system(struct setup *s)
{
    static const char *const tops[] = {"/bin", "/sbin", "/lib", "/lib32", "/lib64"};
    /* Not all of /usr/local, and of /etc only what holds no secret even for root. */
    static const char *const parts[] = {
        "/usr/bin",
        "/usr/sbin",
        "/usr/lib",
        "/usr/lib32",
        "/usr/lib64",
        "/usr/libexec",
        "/usr/share",
        "/usr/local/lib",
        "/etc/ssl/certs",
        "/etc/ssl/openssl.cnf",
        "/etc/pki/tls/certs",
        "/etc/pki/ca-trust/extracted",
        "/usr/local/share/ca-certificates",
        "/etc/alternatives",
        "/etc/ld.so.cache",
        "/etc/localtime",
    };
    char target[256];

    for (size_t i = 0; i < PB_COUNT(parts); i++)
        add3(s, "--ro-bind-try", parts[i], parts[i]);
    for (size_t i = 0; i < PB_COUNT(tops); i++) {
        ssize_t n = readlink(tops[i], target, sizeof(target) - 1);

        if (n <= 0) {
            add3(s, "--ro-bind-try", tops[i], tops[i]);
            continue;
        }
        target[n] = '\0';
        add3(s, "--symlink", target, tops[i]);
    }
}

static void add_memory(struct setup *s, const char *path, int64_t bytes)
{
    char number[32];

    snprintf(number, sizeof(number), "%lld", (long long)bytes);
    add2(s, "--size", number);
    add2(s, "--tmpfs", path);
}

static int add_names(struct setup *s, const struct pb_sandbox_run *r, struct pb_err *err)
{
    PB_AUTO(buf)
    struct pb_buf users = PB_BUF_INIT, groups = PB_BUF_INIT, hosts = PB_BUF_INIT,
                  order = PB_BUF_INIT;

    pb_buf_addf(&users, "sandbox:x:%ld:%ld::%s:/bin/sh\n", (long)geteuid(), (long)getegid(),
                pb_sandbox_home);
    pb_buf_addf(&groups, "sandbox:x:%ld:\n", (long)getegid());
    pb_buf_adds(&order, "passwd: files\ngroup: files\nhosts: files\n");
    pb_box_net_hosts(r->net, &hosts);
    return add_text(s, "/etc/passwd", &users, err) || add_text(s, "/etc/group", &groups, err) ||
                   add_text(s, "/etc/hosts", &hosts, err) ||
                   add_text(s, "/etc/nsswitch.conf", &order, err)
               ? -1
               : 0;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* An outer folder is mounted before what is inside of it. */
static void add_view(struct setup *s, struct pb_strv *out, char *const *paths, const char *how)
{
    for (; paths && *paths; paths++)
        if (**paths == '/' && pb_fs_exists(*paths) && !pb_strv_has(out, *paths))
            pb_strv_add(out, *paths);
    if (out->n)
        qsort(out->v, out->n, sizeof(*out->v), by_path);
    for (size_t i = 0; i < out->n; i++)
        add3(s, how, out->v[i], out->v[i]);
}

static int describe(struct setup *s, struct pb_sandbox_run *r, const struct pb_sandbox_view *view,
                    const struct pb_child_spec *spec, struct pb_err *err)
{
    static const char *const flags[] = {
        "--unshare-all",     "--unshare-user", "--disable-userns", "--as-pid-1",
        "--die-with-parent", "--new-session",  "--cap-drop",       "ALL",
        "--hostname",        "sandbox",
    };
    char info[16], block[16];

    for (size_t i = 0; i < PB_COUNT(flags); i++)
        add(s, flags[i]);
    snprintf(info, sizeof(info), "%d", keep(s, s->info_out));
    snprintf(block, sizeof(block), "%d", keep(s, s->block_out));
    add2(s, "--info-fd", info);
    add2(s, "--block-fd", block);
    add_system(s);
    add2(s, "--dev", "/dev");
    add_memory(s, "/dev/shm", r->limits.memory / 64);
    add2(s, "--remount-ro", "/dev");
    add_memory(s, "/tmp", r->limits.memory / 4);
    add_memory(s, pb_sandbox_home, r->limits.memory / 64);
    if (add_names(s, r, err))
        return -1;
    add_view(s, &r->readable, view->readable, "--ro-bind");
    add_view(s, &r->writable, view->writable, "--bind");
    add2(s, "--remount-ro", "/");
    add2(s, "--chdir", spec->dir ? spec->dir : "/");
    add(s, "--");
    for (char *const *p = spec->argv; *p; p++)
        add(s, *p);
    return 0;
}

/* ---- starting -------------------------------------------------------------------------------- */

static int missing(struct pb_err *err)
{
    return pb_fail(err, PB_E_REFUSED,
                   "there is no sandbox: 'bwrap' is not on PATH; install bubblewrap");
}

/* What bubblewrap says when it cannot, with what mostly helps. */
static int cannot(const char *err_path, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf said = PB_BUF_INIT, safe = PB_BUF_INIT;

    if (err_path && pb_fs_read(&said, err_path, ERROR_MAX, NULL) == 0 && said.len)
        pb_text_add_safe(&safe, said.s, strcspn(said.s, "\n"));
    return pb_fail(err, PB_E_REFUSED,
                   "there is no sandbox: %s; allow user namespaces for this user "
                   "(kernel.unprivileged_userns_clone, user.max_user_namespaces, AppArmor's "
                   "profile of bwrap), in a container with a seccomp profile that lets them be "
                   "made, and use bubblewrap 0.8 or newer",
                   safe.len ? safe.s : "bubblewrap ended before it had made one");
}

/* What the kernel says when its processes cannot be counted. */
static int cannot_count(int why, struct pb_err *err)
{
    errno = why;
    return pb_fail_errno(err, PB_E_REFUSED,
                         "there is no sandbox: the kernel does not let plumb count what is started "
                         "in it (seccomp user notification): use Linux 5.5 or newer, and run plumb "
                         "in no container whose runtime answers system calls itself");
}

static int open_pipes(struct setup *s, struct pb_err *err)
{
    int info[2], block[2];

    if (pipe2(info, O_CLOEXEC))
        return pb_fail_errno(err, PB_E_INTERNAL, "cannot create a pipe");
    s->info = info[0];
    s->info_out = info[1];
    if (pipe2(block, O_CLOEXEC))
        return pb_fail_errno(err, PB_E_INTERNAL, "cannot create a pipe");
    s->block = block[1];
    s->block_out = block[0];
    return 0;
}

static void close_kept(struct setup *s)
{
    for (size_t i = 0; i < s->nkept; i++)
        close(s->kept[i]);
    s->nkept = 0;
    s->kept[0] = 0;
    s->info_out = s->block_out = -1;
}

static void setup_release(struct setup *s)
{
    if (s->nkept == 0) { /* nothing was handed on to be kept yet */
        pb_auto_fd(&s->info_out);
        pb_auto_fd(&s->block_out);
    }
    close_kept(s);
    pb_auto_fd(&s->info);
    pb_auto_fd(&s->block);
    pb_strv_release(&s->argv);
    pb_strv_release(&s->env);
    pb_strv_release(&s->outputs);
}

/* bubblewrap writes {"child-pid": N, ...} once there is a first process. */
static pid_t read_pid(const struct setup *s)
{
    char text[2048];
    int64_t until = pb_clock_ms() + SETUP_MS;
    size_t n = 0;
    const char *at;

    while (n < sizeof(text) - 1) {
        struct pollfd p = {.fd = s->info, .events = POLLIN};
        long left = (long)(until - pb_clock_ms());
        ssize_t did = left > 0 && poll(&p, 1, (int)left) > 0
                          ? read(s->info, text + n, sizeof(text) - 1 - n)
                          : 0;
        if (did <= 0)
            break;
        n += (size_t)did;
        text[n] = '\0';
        if (strchr(text, '}'))
            break;
    }
    text[n] = '\0';
    at = strstr(text, "\"child-pid\":");
    return at && strchr(at, '}') ? (pid_t)strtol(at + 12, NULL, 10) : -1;
}

static void limit(pid_t pid, int what, int64_t value)
{
    struct rlimit l = {.rlim_cur = (rlim_t)value, .rlim_max = (rlim_t)value}, now;

    if (prlimit(pid, (enum __rlimit_resource)what, NULL, &now) == 0 && now.rlim_max < l.rlim_max)
        l.rlim_cur = l.rlim_max = now.rlim_max;
    (void)prlimit(pid, (enum __rlimit_resource)what, &l, NULL);
}

/* The kernel's own limits are for one process or one user: they only hold up what is quicker than
 * the looks of the watch, which has the say. */
static void limit_first(const struct pb_sandbox_run *r)
{
    PB_AUTO(str) char *path = pb_asprintf("/proc/%d/oom_score_adj", (int)r->inside);
    PB_AUTO(fd) int fd = open(path, O_WRONLY | O_CLOEXEC);

    limit(r->inside, RLIMIT_CORE, 0);
    limit(r->inside, RLIMIT_NOFILE, FILES);
    limit(r->inside, RLIMIT_FSIZE, r->limits.disk + MIB);
    limit(r->inside, RLIMIT_DATA, r->limits.memory + DATA_SPARE * MIB);
    limit(r->inside, RLIMIT_MEMLOCK, 0);
    limit(r->inside, RLIMIT_MSGQUEUE, 0);
    if (fd >= 0)
        (void)!write(fd, "1000", 4);
}

/* Lets the program go, once everything around it stands. */
static int release_it(struct pb_sandbox_run *r, struct setup *s, struct pb_err *err)
{
    r->inside = read_pid(s);
    r->inside_fd = r->inside > 0 ? pidfd_open(r->inside, 0) : -1;
    if (r->inside_fd < 0)
        return pb_fail(err, PB_E_REFUSED, "bubblewrap did not start");
    limit_first(r);
    if (pb_box_net_open(r->net, r->inside, err))
        return -1;
    r->watch =
        pb_box_watch_new(&r->limits, pb_child_pid(r->child), r->forks, &r->writable, &s->outputs);
    if (write(s->block, "1", 1) != 1)
        return pb_fail(err, PB_E_REFUSED, "bubblewrap did not wait");
    return 0;
}

static void run_free(struct pb_sandbox_run *r)
{
    pb_box_net_free(r->net);
    pb_box_watch_free(r->watch);
    pb_box_forks_free(r->forks);
    pb_auto_fd(&r->inside_fd);
    pb_child_free(r->child);
    pb_strv_release(&r->readable);
    pb_strv_release(&r->writable);
    free(r->subject);
    free(r);
}

/* Ends the first process and all others with it. */
static void end_it(const struct pb_sandbox_run *r)
{
    if (r->inside_fd >= 0)
        (void)pidfd_send_signal(r->inside_fd, SIGKILL, NULL, 0);
    else
        (void)kill(pb_child_pid(r->child), SIGKILL);
}

static struct pb_sandbox_run *run_new(const struct pb_sandbox *s,
                                      const struct pb_sandbox_view *view)
{
    struct pb_sandbox_run *r = pb_calloc(1, sizeof(*r));

    r->inside_fd = -1;
    r->subject = pb_strdup(view->subject ? view->subject : "?");
    r->limits.memory = (s->memory_mib > 0 ? s->memory_mib : MEMORY_MIB) * MIB;
    r->limits.disk = (s->disk_mib > 0 ? s->disk_mib : DISK_MIB) * MIB;
    r->limits.processes = s->processes > 0 ? s->processes : PROCESSES;
    r->time_ms = s->time_ms > 0 ? s->time_ms : TIME_MS;
    return r;
}

static int start_child(struct pb_sandbox_run *r, struct setup *s, const struct pb_child_spec *spec,
                       struct pb_err *err)
{
    struct pb_child_spec mine = {.argv = s->argv.v,
                                 .env = s->env.v,
                                 .dir = "/",
                                 .in_path = spec->in_path,
                                 .out_path = spec->out_path,
                                 .err_path = spec->err_path,
                                 .keep_fds = s->kept,
                                 .no_keys = true,
                                 .death_signal = SIGKILL,
                                 .timeout_ms = r->time_ms,
                                 .tick_ms = TICK_MS,
                                 .before_exec = pb_box_forks_install,
                                 .before_ctx = r->forks};
    struct pb_child_status st;
    struct pb_err why = PB_ERR_INIT;
    int rc = pb_child_start(&r->child, &mine, &why);

    close_kept(s);
    if (rc && why.cls == PB_E_REFUSED)
        return cannot_count(why.sys, err);
    if (rc && err)
        *err = why;
    if (rc)
        return -1;
    if (pb_box_forks_start(r->forks, pb_child_pid(r->child), err) == 0 &&
        release_it(r, s, err) == 0)
        return 0;
    end_it(r);
    (void)pb_child_wait(&st, r->child, NULL, NULL, NULL);
    return r->inside < 0 ? cannot(spec->err_path, err) : -1;
}

int pb_sandbox_start(struct pb_sandbox_run **out, const struct pb_sandbox *s,
                     const struct pb_sandbox_view *view, const struct pb_child_spec *spec,
                     struct pb_err *err)
{
    struct setup set = {.info = -1, .block = -1, .info_out = -1, .block_out = -1};
    PB_AUTO(str) char *bwrap = pb_child_which("bwrap", NULL);
    struct pb_sandbox_run *r;
    int rc = -1;

    if (!bwrap)
        return missing(err);
    r = run_new(s, view);
    add(&set, bwrap);
    for (char *const *p = spec->env; p && *p; p++)
        pb_strv_add(&set.env, *p);
    if (spec->out_path)
        pb_strv_add(&set.outputs, spec->out_path);
    if (spec->err_path)
        pb_strv_add(&set.outputs, spec->err_path);
    if (pb_box_net_new(&r->net, s->network, err) == 0 &&
        pb_box_forks_new(&r->forks, r->limits.processes, err) == 0 && open_pipes(&set, err) == 0 &&
        describe(&set, r, view, spec, err) == 0) {
        pb_box_net_env(r->net, &set.env);
        rc = start_child(r, &set, spec, err);
    }
    setup_release(&set);
    if (rc)
        run_free(r);
    else
        *out = r;
    return rc;
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void look(void *ctx)
{
    struct pb_sandbox_run *r = ctx;

    if (!r->broken) {
        r->broken = pb_box_watch_look(r->watch, false);
        if (r->broken)
            end_it(r);
    }
    if (r->tick && ++r->ticks % SLOW_TICKS == 0)
        r->tick(r->ctx);
}

/* bubblewrap outside may be gone before the last process inside. */
static void wait_for_all(const struct pb_sandbox_run *r)
{
    struct pollfd p = {.fd = r->inside_fd, .events = POLLIN};
    int64_t until = pb_clock_ms() + END_MS;
    long left;

    end_it(r);
    while ((left = (long)(until - pb_clock_ms())) > 0)
        if (poll(&p, 1, (int)left) > 0)
            return;
}

/* The key of plumb.yaml that allows more; NULL: none does. */
static const char *limit_of(const char *broken)
{
    return pb_ends_with(broken, " MiB of memory")       ? "check.memory"
           : pb_ends_with(broken, " MiB")               ? "check.disk"
           : pb_ends_with(broken, " processes at once") ? "check.processes"
                                                        : NULL;
}

static int judge(const struct pb_sandbox_run *r, const struct pb_child_status *st,
                 struct pb_err *err)
{
    const char *key = r->broken ? limit_of(r->broken) : NULL;

    if (r->broken)
        return pb_fail(err, PB_E_REFUSED, "planning of '%s' %s: look at what the change does%s%s%s",
                       r->subject, r->broken, key ? ", or raise '" : "", key ? key : "",
                       key ? "' in plumb.yaml of the base" : "");
    if (st->timed_out)
        return pb_fail(err, PB_E_REFUSED,
                       "planning of '%s' took longer than %ld ms: look at what the change does, or "
                       "raise 'check.timeout' in plumb.yaml of the base",
                       r->subject, r->time_ms);
    return 0;
}

static int sweep(const struct pb_sandbox_run *r, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv also = PB_STRV_INIT;
    int rc = 0;

    for (size_t i = 0; i < r->readable.n; i++)
        pb_strv_add(&also, r->readable.v[i]);
    for (size_t i = 0; i < r->writable.n; i++)
        pb_strv_add(&also, r->writable.v[i]);
    for (size_t i = 0; i < r->writable.n; i++)
        if (pb_box_sweep(r->writable.v[i], &also, r->subject, rc ? NULL : err))
            rc = -1;
    return rc;
}

int pb_sandbox_wait(struct pb_child_status *status, struct pb_sandbox_run *r,
                    void (*tick)(void *ctx), void *ctx, struct pb_err *err)
{
    struct pb_err why = PB_ERR_INIT, left = PB_ERR_INIT;
    int rc;

    r->tick = tick;
    r->ctx = ctx;
    rc = pb_child_wait(status, r->child, look, r, &why);
    wait_for_all(r);
    if (tick)
        tick(ctx);
    if (!r->broken)
        r->broken = pb_box_watch_look(r->watch, true);
    if (rc == 0)
        rc = judge(r, status, &why);
    if (sweep(r, &left) && rc == 0) {
        why = left;
        rc = -1;
    }
    if (rc && err)
        *err = why;
    run_free(r);
    return rc;
}

/* ---- whether there can be one ---------------------------------------------------------------- */

static struct {
    pthread_mutex_t lock;
    bool asked, usable;
    struct pb_err why;
} tried = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int try_it(struct pb_err *err)
{
    static char host[] = "127.0.0.1:9", program[] = "/bin/true";
    char *network[] = {host, NULL}, *argv[] = {program, NULL};
    PB_AUTO(str) char *work = NULL, *said = NULL;
    struct pb_sandbox s = {.network = network, .time_ms = SETUP_MS};
    struct pb_sandbox_view view = {.subject = "nothing"};
    struct pb_child_spec spec = {.argv = argv};
    struct pb_child_status st;
    struct pb_sandbox_run *r;
    int rc = -1;

    if (pb_work_new(&work, err))
        return -1;
    said = pb_fs_join(work, "bwrap.err");
    spec.err_path = said;
    if (pb_sandbox_start(&r, &s, &view, &spec, err) == 0 &&
        pb_sandbox_wait(&st, r, NULL, NULL, err) == 0)
        rc = st.exited && st.code == 0 ? 0 : cannot(said, err);
    pb_work_remove(work);
    return rc;
}

int pb_sandbox_usable(struct pb_err *err)
{
    int rc;

    pthread_mutex_lock(&tried.lock);
    if (!tried.asked) {
        tried.usable = try_it(&tried.why) == 0;
        tried.asked = tried.usable || tried.why.cls != PB_E_INTERRUPTED;
    }
    rc = tried.usable ? 0 : -1;
    if (rc && err)
        *err = tried.why;
    pthread_mutex_unlock(&tried.lock);
    return rc;
}
