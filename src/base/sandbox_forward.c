/* Accepts what connects inside of a sandbox, and connects it to what its list allows. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sandbox_net.h"

enum { HEAD_MAX = 8192, CHUNK = 65536, HEAD_MS = 10000, CONNECT_MS = 20000, LIVE_MAX = 256 };

struct connection {
    struct pb_box_net *net;
    int inside, outside;
    const char *host; /* NULL: it says where to, as to a proxy */
    int port;
};

/* ---- waiting, and no longer than the sandbox lives ------------------------------------------- */

/* 1: ready; 0: too late, or it is over. */
static int wait_for(const struct connection *c, int fd, short events, long ms)
{
    struct pollfd p[2] = {{.fd = fd, .events = events}, {.fd = c->net->stop, .events = POLLIN}};
    int n;

    do
        n = poll(p, 2, (int)ms);
    while (n < 0 && errno == EINTR);
    return n > 0 && !p[1].revents && p[0].revents;
}

static bool send_all(const struct connection *c, int fd, const char *s, size_t n)
{
    while (n) {
        ssize_t did = send(fd, s, n, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (did < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (did < 0 && !wait_for(c, fd, POLLOUT, -1))
            return false;
        s += did > 0 ? did : 0;
        n -= did > 0 ? (size_t)did : 0;
    }
    return true;
}

/* ---- connecting ------------------------------------------------------------------------------ */

static int connect_one(const struct connection *c, const struct addrinfo *a)
{
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
    int yes = 1, failed = 0;
    socklen_t n = sizeof(failed);

    if (fd < 0)
        return -1;
    if (connect(fd, a->ai_addr, a->ai_addrlen) &&
        (errno != EINPROGRESS || !wait_for(c, fd, POLLOUT, CONNECT_MS) ||
         getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &n) || failed)) {
        close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    return fd;
}

static int connect_to(const struct connection *c, const char *host, int port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
    char service[16];
    int fd = -1;

    snprintf(service, sizeof(service), "%d", port);
    if (getaddrinfo(host, service, &hints, &all))
        return -1;
    for (const struct addrinfo *a = all; a && fd < 0; a = a->ai_next)
        fd = connect_one(c, a);
    freeaddrinfo(all);
    return fd;
}

/* ---- as a proxy ------------------------------------------------------------------------------ */

static bool read_head(const struct connection *c, char *head)
{
    int64_t until = pb_clock_ms() + HEAD_MS;
    size_t n = 0;

    /* One byte at a time: what comes behind it is not for us. */
    while (n < HEAD_MAX - 1) {
        long left = (long)(until - pb_clock_ms());
        if (left <= 0 || !wait_for(c, c->inside, POLLIN, left) ||
            recv(c->inside, head + n, 1, 0) != 1)
            return false;
        head[++n] = '\0';
        if (n >= 4 && memcmp(head + n - 4, "\r\n\r\n", 4) == 0)
            return true;
    }
    return false;
}

static int answer_proxy(const struct connection *c)
{
    static const char no[] = "HTTP/1.1 403 not allowed by check.network\r\n"
                             "Content-Length: 0\r\nConnection: close\r\n\r\n",
                      gone[] = "HTTP/1.1 502 cannot connect\r\n"
                               "Content-Length: 0\r\nConnection: close\r\n\r\n",
                      yes[] = "HTTP/1.1 200 connected\r\n\r\n";
    PB_AUTO(free) char *head = pb_calloc(HEAD_MAX, 1);
    char host[256], end;
    int port, fd;

    if (!read_head(c, head))
        return -1;
    if (sscanf(head, "CONNECT %255[^:/@ ]:%5d HTTP/1.%c", host, &port, &end) != 3 ||
        !pb_box_net_allows(c->net, host, port)) {
        send_all(c, c->inside, no, sizeof(no) - 1);
        return -1;
    }
    fd = connect_to(c, host, port);
    if (fd < 0)
        send_all(c, c->inside, gone, sizeof(gone) - 1);
    else
        send_all(c, c->inside, yes, sizeof(yes) - 1);
    return fd;
}

/* ---- passing on ------------------------------------------------------------------------------ */

/* Both ways, until both have ended. */
static void pass_on(const struct connection *c)
{
    PB_AUTO(free) char *chunk = pb_malloc(CHUNK);
    int fd[2] = {c->inside, c->outside};
    bool open[2] = {true, true};

    while (open[0] || open[1]) {
        struct pollfd p[3] = {{.fd = open[0] ? fd[0] : -1, .events = POLLIN},
                              {.fd = open[1] ? fd[1] : -1, .events = POLLIN},
                              {.fd = c->net->stop, .events = POLLIN}};

        if ((poll(p, 3, -1) < 0 && errno != EINTR) || p[2].revents)
            return;
        for (int i = 0; i < 2; i++) {
            ssize_t n = p[i].revents ? recv(fd[i], chunk, CHUNK, MSG_DONTWAIT) : -2;

            if (n == -2 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
                continue;
            if (n < 0 || (n > 0 && !send_all(c, fd[1 - i], chunk, (size_t)n)))
                return;
            if (n == 0) {
                open[i] = false;
                shutdown(fd[1 - i], SHUT_WR);
            }
        }
    }
}

static void *serve(void *ctx)
{
    struct connection *c = ctx;

    c->outside = c->host ? connect_to(c, c->host, c->port) : answer_proxy(c);
    if (c->outside >= 0)
        pass_on(c);
    pb_auto_fd(&c->inside);
    pb_auto_fd(&c->outside);
    pb_box_net_release(c->net);
    free(c);
    return NULL;
}

/* ---- accepting ------------------------------------------------------------------------------- */

static bool one_more(struct pb_box_net *n)
{
    bool fits;

    pthread_mutex_lock(&n->lock);
    fits = n->users <= LIVE_MAX;
    n->users += fits;
    pthread_mutex_unlock(&n->lock);
    return fits;
}

static void accept_at(struct pb_box_net *n, const struct pb_box_host *h)
{
    struct sockaddr_storage from;
    socklen_t n_from = sizeof(from);
    int fd = accept4(h->fd, (struct sockaddr *)&from, &n_from, SOCK_CLOEXEC);
    struct connection *c;
    pthread_attr_t attr;
    pthread_t t;

    if (fd < 0)
        return;
    if (!one_more(n)) {
        close(fd);
        return;
    }
    c = pb_calloc(1, sizeof(*c));
    *c = (struct connection){
        .net = n, .inside = fd, .outside = -1, .host = h->host, .port = h->port};
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&t, &attr, serve, c)) {
        close(fd);
        free(c);
        pb_box_net_release(n);
    }
    pthread_attr_destroy(&attr);
}

static void *accept_all(void *ctx)
{
    struct pb_box_net *n = ctx;
    size_t count = n->n + 1;
    PB_AUTO(free) struct pollfd *p = pb_calloc(count + 1, sizeof(*p));

    for (size_t i = 0; i < count; i++)
        p[i] = (struct pollfd){.fd = n->v[i].fd, .events = POLLIN};
    p[count] = (struct pollfd){.fd = n->stop, .events = POLLIN};
    while (!p[count].revents) {
        if (poll(p, count + 1, -1) < 0)
            continue;
        for (size_t i = 0; i < count; i++)
            if (p[i].revents)
                accept_at(n, &n->v[i]);
    }
    return NULL;
}

int pb_box_forward(struct pb_box_net *n, struct pb_err *err)
{
    sigset_t all, old;
    int rc;

    n->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (n->stop < 0)
        return pb_fail_errno(err, PB_E_INTERNAL, "cannot make an event");
    for (size_t i = 0; i < n->n + 1; i++)
        if (n->v[i].fd >= 0)
            fcntl(n->v[i].fd, F_SETFL, O_NONBLOCK);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are for the threads that know of them */
    rc = pthread_create(&n->thread, NULL, accept_all, n);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    n->running = rc == 0;
    return rc ? pb_fail(err, PB_E_INTERNAL, "cannot start a thread for the sandbox's network") : 0;
}
