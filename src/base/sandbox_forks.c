/*
 * How many processes a sandbox has, held by the kernel: each call that would make one waits until
 * plumb, outside, has counted (seccomp_unotify(2)). A limit by user does not hold for root, control
 * groups are not delegated everywhere, and who looks now and then is starved by a fork bomb long
 * before it sees one.
 *
 * Nothing is decided by what memory says that the program may change meanwhile: clone has its
 * flags in a register. clone3 has not; it is told to be unknown, and everybody then takes clone.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/sandbox_internal.h"

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE AUDIT_ARCH_RISCV64
#else
#define NATIVE 0 /* how 32-bit programs ask on others is to be looked up first */
#endif

enum {
    THREADS = 8,      /* of a process, on the whole */
    X32 = 0x40000000, /* the same calls with other pointers */
    FORK32 = 2,       /* i386 and arm, as the next two */
    CLONE32 = 120,
    VFORK32 = 190,
    CLONE3 = 435,
    TRIES_AT_ONCE = 20,
    TRIES = 220,
    NEW_MAX = 64,
    PAUSE_NS = 100000
};

struct program {
    struct sock_filter v[48];
    unsigned short n;
};

/* Had leave, and was not seen to have made use of it. */
struct leave {
    pid_t thread;
    long process, before;
    bool is_thread;
};

struct pb_box_forks {
    int ours, theirs; /* ends of a socket: the listener comes out of ours */
    int listener;
    int stop; /* readable: enough */
    bool running;
    pthread_t thread;
    struct program program;
    struct pb_box_list *list;
    long limit, processes, threads; /* at the last count, and what had leave since */
    struct leave *open;             /* n of them */
    size_t n, cap;
    atomic_bool over;
};

/* ---- the filter ------------------------------------------------------------------------------ */

static void put(struct program *p, unsigned code, unsigned k, unsigned char yes, unsigned char no)
{
    if (p->n == PB_COUNT(p->v))
        BUG("the filter of a sandbox is too long");
    p->v[p->n++] = (struct sock_filter){(unsigned short)code, yes, no, k};
}

static void put_load(struct program *p, size_t offset)
{
    put(p, BPF_LD | BPF_W | BPF_ABS, (unsigned)offset, 0, 0);
}

static void put_return(struct program *p, unsigned what)
{
    put(p, BPF_RET | BPF_K, what, 0, 0);
}

static void put_case(struct program *p, unsigned number, unsigned what)
{
    put(p, BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1);
    put_return(p, what);
}

static void put_numbers(struct program *p, const unsigned *asked, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put_case(p, asked[i], SECCOMP_RET_USER_NOTIF);
    put_case(p, CLONE3, SECCOMP_RET_ERRNO | ENOSYS);
    put_return(p, SECCOMP_RET_ALLOW);
}

static void write_program(struct program *p)
{
    static const unsigned native[] = {
        __NR_clone,
#ifdef __NR_fork
        __NR_fork,
        __NR_vfork,
#endif
    };
    static const unsigned compat[] = {FORK32, CLONE32, VFORK32};
    size_t jump;

    _Static_assert(__NR_clone3 == CLONE3, "the same number everywhere");
    put_load(p, offsetof(struct seccomp_data, arch));
    put(p, BPF_JMP | BPF_JEQ | BPF_K, NATIVE, 1, 0);
    jump = p->n;
    put(p, BPF_JMP | BPF_JA, 0, 0, 0);
    put_load(p, offsetof(struct seccomp_data, nr));
    if (NATIVE == AUDIT_ARCH_X86_64)
        put(p, BPF_ALU | BPF_AND | BPF_K, ~(unsigned)X32, 0, 0);
    put_numbers(p, native, PB_COUNT(native));
    p->v[jump].k = (unsigned)(p->n - jump - 1);
    put_load(p, offsetof(struct seccomp_data, nr));
    put_numbers(p, compat, PB_COUNT(compat));
}

int pb_box_forks_install(void *forks)
{
    struct pb_box_forks *f = forks;
    struct sock_fprog program = {f->program.n, f->program.v};
    long fd;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -1;
    fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    return fd < 0 ? -1 : pb_box_send_fd(f->theirs, (int)fd);
}

/* ---- giving leave ---------------------------------------------------------------------------- */

/* What of the numbers that were given since is a child or a thread of that process. */
static bool has_made(long process, long before)
{
    long now = pb_box_newest(), group, parent;

    for (long pid = now - before > NEW_MAX ? now - NEW_MAX : before + 1; pid <= now; pid++) {
        char state = pb_box_state((pid_t)pid, &group, &parent);

        if (state && (parent == process || group == process))
            return true;
    }
    return false;
}

/* Whether it still may: who waits for something has made it, who is gone never will. */
static bool is_open(const struct leave *l)
{
    long group, parent;

    return pb_box_state(l->thread, &group, &parent) == 'R' && !has_made(l->process, l->before);
}

/* What there is, and what there may be in a moment. */
static void count(struct pb_box_forks *f)
{
    size_t n, kept = 0;
    const struct pb_box_process *v;

    for (size_t i = 0; i < f->n; i++)
        if (is_open(&f->open[i]))
            f->open[kept++] = f->open[i];
    f->n = kept;
    v = pb_box_list_take(f->list, &n);
    f->processes = (long)n;
    f->threads = 0;
    for (size_t i = 0; i < n; i++)
        f->threads += v[i].threads;
    for (size_t i = 0; i < f->n; i++)
        f->processes += !f->open[i].is_thread;
    f->threads += (long)f->n;
}

static bool has_room(const struct pb_box_forks *f, bool thread)
{
    return f->threads < f->limit * THREADS && (thread || f->processes < f->limit);
}

static bool asks_for_thread(const struct seccomp_notif *asked)
{
    int clone = asked->data.arch == NATIVE ? __NR_clone : CLONE32;

    return (asked->data.nr & ~X32) == clone && (asked->data.args[0] & CLONE_THREAD);
}

/* What counts is what is there and not what has been: when that is too much they are counted anew.
 * A thread too many is refused, as the kernel would; a process too many is the end. */
static void answer(struct seccomp_notif_resp *a, struct pb_box_forks *f,
                   const struct seccomp_notif *asked, bool thread)
{
    *a = (struct seccomp_notif_resp){.id = asked->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    if (!has_room(f, thread))
        count(f);
    if (!has_room(f, thread)) {
        *a = (struct seccomp_notif_resp){.id = asked->id, .error = -EAGAIN};
        if (!thread)
            atomic_store(&f->over, true);
        return;
    }
    f->threads++;
    f->processes += !thread;
}

/* One at a time, or those that had leave and are not there yet would be in no count. When the call
 * has failed nobody tells, and a thread that gets no processor may be long: then it stays open. */
static void wait_for_it(struct pb_box_forks *f, const struct leave *l)
{
    struct timespec pause = {.tv_nsec = PAUSE_NS};

    for (int tries = 0; tries < TRIES; tries++) {
        if (!is_open(l))
            return;
        if (tries < TRIES_AT_ONCE)
            sched_yield();
        else
            nanosleep(&pause, NULL);
    }
    f->open = pb_grow(f->open, &f->cap, f->n + 1, sizeof(*f->open));
    f->open[f->n++] = *l;
}

/* Who asks again is done with what it had leave for. */
static void close_leave(struct pb_box_forks *f, pid_t thread)
{
    size_t kept = 0;

    for (size_t i = 0; i < f->n; i++)
        if (f->open[i].thread != thread)
            f->open[kept++] = f->open[i];
    f->n = kept;
}

/* Whoever asks when there are too many is left waiting: that ends with the sandbox. */
static void *serve(void *ctx)
{
    struct pb_box_forks *f = ctx;
    struct pollfd p[] = {{.fd = f->listener, .events = POLLIN}, {.fd = f->stop, .events = POLLIN}};
    struct seccomp_notif asked;
    struct seccomp_notif_resp a;
    struct leave l;
    long parent;

    while (!atomic_load(&f->over) && (poll(p, 2, -1) >= 0 || errno == EINTR)) {
        if (p[1].revents || (p[0].revents & POLLHUP))
            break;
        memset(&asked, 0, sizeof(asked)); /* the kernel insists */
        if (!(p[0].revents & POLLIN) || ioctl(f->listener, SECCOMP_IOCTL_NOTIF_RECV, &asked))
            continue;
        close_leave(f, (pid_t)asked.pid);
        l = (struct leave){.thread = (pid_t)asked.pid, .is_thread = asks_for_thread(&asked)};
        answer(&a, f, &asked, l.is_thread);
        l.before = pb_box_newest();
        (void)pb_box_state(l.thread, &l.process, &parent);
        /* Else it has died, or a signal has called it away and it asks again. */
        if (ioctl(f->listener, SECCOMP_IOCTL_NOTIF_SEND, &a) == 0 && !a.error)
            wait_for_it(f, &l);
    }
    return NULL;
}

int pb_box_forks_start(struct pb_box_forks *f, pid_t monitor, struct pb_err *err)
{
    close(pb_take_fd(&f->theirs)); /* nothing comes any more if nothing has come */
    f->listener = pb_box_receive_fd(f->ours);
    if (f->listener < 0)
        return pb_fail(err, PB_E_REFUSED, "bubblewrap started without a count of its processes");
    f->list = pb_box_list_new(monitor);
    if (pthread_create(&f->thread, NULL, serve, f))
        return pb_fail(err, PB_E_INTERNAL, "cannot start a thread to count processes");
    f->running = true;
    return 0;
}

bool pb_box_forks_over(const struct pb_box_forks *f)
{
    return atomic_load(&f->over);
}

int pb_box_forks_new(struct pb_box_forks **out, long limit, struct pb_err *err)
{
    struct pb_box_forks *f;
    int pair[2] = {-1, -1};

    if (!NATIVE)
        return pb_fail(err, PB_E_REFUSED,
                       "there is no sandbox on a machine of this kind yet: use one with x86_64, "
                       "arm64 or riscv64");
    f = pb_calloc(1, sizeof(*f));
    f->limit = limit;
    f->listener = -1;
    write_program(&f->program);
    f->stop = eventfd(0, EFD_CLOEXEC);
    if (f->stop < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
        pb_fail_errno(err, PB_E_INTERNAL, "cannot count the processes of a sandbox");
        pb_auto_fd(&f->stop);
        free(f);
        return -1;
    }
    f->ours = pair[0];
    f->theirs = pair[1];
    *out = f;
    return 0;
}

void pb_box_forks_free(struct pb_box_forks *f)
{
    if (!f)
        return;
    if (f->running) {
        (void)eventfd_write(f->stop, 1);
        pthread_join(f->thread, NULL);
    }
    pb_auto_fd(&f->ours);
    pb_auto_fd(&f->theirs);
    pb_auto_fd(&f->listener);
    pb_auto_fd(&f->stop);
    pb_box_list_free(f->list);
    free(f->open);
    free(f);
}
