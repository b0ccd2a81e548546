/*
 * The way out of a sandbox: sockets that listen inside of its network namespace and are answered
 * by plumb outside, which connects to what the list allows and to nothing else.
 *
 * A socket stays in the namespace in which it was made, whoever holds it. So a child joins the
 * namespace, makes the listening sockets, and hands them out; nothing of plumb runs inside, and
 * nobody outside can connect to them.
 */
#include "base/sandbox_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/sandbox_internal.h"
#include "base/text.h"

enum { LIST_MAX = 200, PORT_DEFAULT = 443, PROXY_PORT = 3128, BACKLOG = 128, LIVE_MAX = 256 };
enum { BIND_TRIES = 1500, BIND_PAUSE_NS = 2000000, HANDOVER_S = 10 };

/* ---- the list -------------------------------------------------------------------------------- */

static bool is_name(const char *s, size_t n)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

    if (!n || n > 253 || s[0] == '.' || s[0] == '-')
        return false;
    for (size_t i = 0; i < n; i++)
        if (!strchr(allowed, s[i]) || (s[i] == '.' && i + 1 < n && s[i + 1] == '.'))
            return false;
    return true;
}

/* A suffix of one label would be a whole top-level domain. */
static bool is_suffix(const char *s, size_t n)
{
    return n > 2 && s[0] == '*' && s[1] == '.' && is_name(s + 2, n - 2) &&
           memchr(s + 2, '.', n - 3) != NULL;
}

static bool parse_port(int *port, const char *s)
{
    char *end;
    long v = strtol(s, &end, 10);

    *port = (int)v;
    return *s >= '0' && *s <= '9' && !*end && v > 0 && v < 65536;
}

static int bad(struct pb_err *err, const char *entry)
{
    return pb_fail(err, PB_E_CONFIG,
                   "'%s' is no address to allow: write HOST, HOST:PORT, *.SUFFIX or *.SUFFIX:PORT, "
                   "with a suffix of two labels or more; addresses in numbers are IPv4",
                   entry);
}

static int add_entry(struct pb_box_net *n, const char *text, struct pb_err *err)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    struct pb_box_host *h = &n->v[n->n];
    struct in_addr numeric;

    if (n->n == LIST_MAX)
        return pb_fail(err, PB_E_CONFIG, "more than %d addresses to allow", LIST_MAX);
    h->port = PORT_DEFAULT;
    if (colon && !parse_port(&h->port, colon + 1))
        return bad(err, text);
    h->suffix = is_suffix(text, len);
    if (!h->suffix && !is_name(text, len))
        return bad(err, text);
    h->host = h->suffix ? pb_strndup(text + 1, len - 1) : pb_strndup(text, len);
    n->n++;
    n->proxied |= h->suffix;
    if (h->suffix)
        return 0;
    h->numeric = inet_pton(AF_INET, h->host, &numeric) == 1;
    if (h->numeric)
        h->listen = numeric;
    else if (strcasecmp(h->host, "localhost") == 0)
        h->listen.s_addr = htonl(INADDR_LOOPBACK);
    else
        h->listen.s_addr = htonl(0x7f4d0000U + (uint32_t)n->n); /* 127.77.0.0 and on */
    for (size_t i = 0; i + 1 < n->n; i++)
        if (!n->v[i].suffix && strcasecmp(n->v[i].host, h->host) == 0)
            h->listen = n->v[i].listen;
    return 0;
}

int pb_box_net_new(struct pb_box_net **out, char *const *list, struct pb_err *err)
{
    struct pb_box_net *n = pb_calloc(1, sizeof(*n));

    n->stop = -1;
    n->users = 1;
    pthread_mutex_init(&n->lock, NULL);
    n->v = pb_calloc(LIST_MAX + 1, sizeof(*n->v));
    for (; list && *list; list++)
        if (add_entry(n, *list, err)) {
            pb_box_net_free(n);
            return -1;
        }
    if (n->proxied) /* behind the others: it is a listener and no host */
        n->v[n->n].listen.s_addr = htonl(0x7f4dfffeU), n->v[n->n].port = PROXY_PORT;
    for (size_t i = 0; i < LIST_MAX + 1; i++)
        n->v[i].fd = -1;
    *out = n;
    return 0;
}

int pb_sandbox_check(const struct pb_sandbox *s, struct pb_err *err)
{
    struct pb_box_net *n;

    if (pb_box_net_new(&n, s->network, err))
        return -1;
    pb_box_net_free(n);
    return 0;
}

void pb_box_net_hosts(const struct pb_box_net *n, struct pb_buf *out)
{
    char text[INET_ADDRSTRLEN];

    pb_buf_adds(out, "127.0.0.1 localhost sandbox\n");
    for (size_t i = 0; i < n->n; i++) {
        const struct pb_box_host *h = &n->v[i];

        if (!h->suffix && !h->numeric && strcasecmp(h->host, "localhost") != 0)
            pb_buf_addf(out, "%s %s\n", inet_ntop(AF_INET, &h->listen, text, sizeof(text)),
                        h->host);
    }
}

void pb_box_net_env(const struct pb_box_net *n, struct pb_strv *env)
{
    PB_AUTO(buf) struct pb_buf direct = PB_BUF_INIT;
    char text[INET_ADDRSTRLEN], url[64];

    if (!n->proxied)
        return;
    inet_ntop(AF_INET, &n->v[n->n].listen, text, sizeof(text));
    snprintf(url, sizeof(url), "http://%s:%d", text, PROXY_PORT);
    pb_buf_adds(&direct, "localhost,127.0.0.0/8");
    for (size_t i = 0; i < n->n; i++)
        if (!n->v[i].suffix)
            pb_buf_addf(&direct, ",%s", n->v[i].host);
    pb_strv_setenv(env, "HTTPS_PROXY", url);
    pb_strv_setenv(env, "https_proxy", url);
    pb_strv_setenv(env, "NO_PROXY", direct.s);
    pb_strv_setenv(env, "no_proxy", direct.s);
}

bool pb_box_net_allows(const struct pb_box_net *n, const char *host, int port)
{
    size_t len = strlen(host);

    for (size_t i = 0; i < n->n; i++) {
        const struct pb_box_host *h = &n->v[i];
        size_t want = strlen(h->host);

        if (h->port != port)
            continue;
        if (h->suffix ? len > want && strcasecmp(host + len - want, h->host) == 0
                      : strcasecmp(host, h->host) == 0)
            return is_name(host, len);
    }
    return false;
}

/* ---- listening inside ------------------------------------------------------------------------ */

/* An address that is not the loopback's has to be one of the machine's before it can be bound. */
static int add_address(int fd, size_t i, struct in_addr a)
{
    struct ifreq rq = {0};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = a};

    if ((ntohl(a.s_addr) >> 24) == 127)
        return 0;
    snprintf(rq.ifr_name, sizeof(rq.ifr_name), "lo:%u", (unsigned)(i % 1000));
    memcpy(&rq.ifr_addr, &at, sizeof(at));
    if (ioctl(fd, SIOCSIFADDR, &rq))
        return -1;
    at.sin_addr.s_addr = 0xffffffffU;
    memcpy(&rq.ifr_netmask, &at, sizeof(at));
    return ioctl(fd, SIOCSIFNETMASK, &rq);
}

/* The loopback comes up while bubblewrap goes on: until then its addresses cannot be bound. */
static int listen_at(size_t i, const struct pb_box_host *h)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_addr = h->listen, .sin_port = htons((uint16_t)h->port)};
    struct timespec pause = {.tv_nsec = BIND_PAUSE_NS};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    for (int tries = 0; tries < BIND_TRIES; tries++) {
        if (add_address(fd, i, h->listen) == 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
            return listen(fd, BACKLOG) ? -1 : fd;
        if (errno != EADDRNOTAVAIL)
            break;
        nanosleep(&pause, NULL);
    }
    return -1;
}

int pb_box_send_fd(int to, int fd)
{
    char c = 0;
    struct iovec io = {.iov_base = &c, .iov_len = 1};
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(int))];
    } u = {.buf = {0}};
    struct msghdr m = {
        .msg_iov = &io, .msg_iovlen = 1, .msg_control = u.buf, .msg_controllen = sizeof(u.buf)};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);

    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(h), &fd, sizeof(int));
    return sendmsg(to, &m, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

int pb_box_receive_fd(int from)
{
    char c;
    struct iovec io = {.iov_base = &c, .iov_len = 1};
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(int))];
    } u;
    struct msghdr m = {
        .msg_iov = &io, .msg_iovlen = 1, .msg_control = u.buf, .msg_controllen = sizeof(u.buf)};
    struct cmsghdr *h;
    ssize_t n;
    int fd;

    do
        n = recvmsg(from, &m, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    h = n == 1 ? CMSG_FIRSTHDR(&m) : NULL;
    if (!h || h->cmsg_type != SCM_RIGHTS)
        return -1;
    memcpy(&fd, CMSG_DATA(h), sizeof(fd));
    return fd;
}

static size_t listeners(const struct pb_box_net *n)
{
    return n->n + (n->proxied ? 1 : 0);
}

static bool same_listener(const struct pb_box_host *a, const struct pb_box_host *b)
{
    return a->listen.s_addr == b->listen.s_addr && a->port == b->port;
}

/* Not a suffix, and not listed twice. */
static bool wants_listener(const struct pb_box_net *n, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (!n->v[k].suffix && same_listener(&n->v[k], &n->v[i]))
            return false;
    return !n->v[i].suffix;
}

/* In a child of one thread: after a fork of many, only what is async-signal-safe. */
static void make_listeners(const struct pb_box_net *n, int user, int net, int to) PB_NORETURN;
static void make_listeners(const struct pb_box_net *n, int user, int net, int to)
{
    if (setns(user, CLONE_NEWUSER) || setns(net, CLONE_NEWNET))
        _exit(1);
    for (size_t i = 0; i < listeners(n); i++) {
        int fd = wants_listener(n, i) ? listen_at(i, &n->v[i]) : -1;

        if (wants_listener(n, i) && (fd < 0 || pb_box_send_fd(to, fd)))
            _exit(1);
    }
    _exit(0);
}

static int collect(struct pb_box_net *n, int user, int net)
{
    struct timeval limit = {.tv_sec = HANDOVER_S};
    int pair[2], status = 0, rc = 0;
    sigset_t all, old;
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        return -1;
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pid = fork();
    if (pid == 0)
        make_listeners(n, user, net, pair[1]);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    close(pair[1]);
    for (size_t i = 0; pid > 0 && rc == 0 && i < listeners(n); i++)
        if (wants_listener(n, i) && (n->v[i].fd = pb_box_receive_fd(pair[0])) < 0)
            rc = -1;
    close(pair[0]);
    if (pid > 0 && rc)
        kill(pid, SIGKILL);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && rc == 0 && status == 0 ? 0 : -1;
}

int pb_box_net_open(struct pb_box_net *n, pid_t inside, struct pb_err *err)
{
    PB_AUTO(str) char *path = pb_asprintf("/proc/%d/ns/net", (int)inside);
    PB_AUTO(fd) int net = -1, user = -1;

    if (!n->n)
        return 0;
    net = open(path, O_RDONLY | O_CLOEXEC);
    user = net < 0 ? -1 : ioctl(net, NS_GET_USERNS);
    if (user >= 0)
        fcntl(user, F_SETFD, FD_CLOEXEC);
    if (user < 0 || collect(n, user, net))
        return pb_fail(err, PB_E_REFUSED,
                       "the sandbox cannot be given a way to the addresses of 'check.network': "
                       "bubblewrap must not be installed setuid, and plumb has to be allowed to "
                       "enter its namespaces; 'plumb doctor' tries it");
    return pb_box_forward(n, err);
}

/* ---- its end --------------------------------------------------------------------------------- */

void pb_box_net_release(struct pb_box_net *n)
{
    bool last;

    pthread_mutex_lock(&n->lock);
    last = --n->users == 0;
    pthread_mutex_unlock(&n->lock);
    if (!last)
        return;
    for (size_t i = 0; i < LIST_MAX + 1; i++) {
        pb_auto_fd(&n->v[i].fd);
        free(n->v[i].host);
    }
    pb_auto_fd(&n->stop);
    pthread_mutex_destroy(&n->lock);
    free(n->v);
    free(n);
}

/* A connection that is still being looked up goes when it notices; nobody waits for it. */
void pb_box_net_free(struct pb_box_net *n)
{
    uint64_t one = 1;

    if (!n)
        return;
    if (n->stop >= 0)
        (void)!write(n->stop, &one, sizeof(one));
    if (n->running)
        pthread_join(n->thread, NULL);
    pb_box_net_release(n);
}
