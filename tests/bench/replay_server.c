/*
 * Answers recorded requests, as fast as one thread can: what is left of a benchmark's time then
 * belongs to the client. Reads the file that `tests/interop/record-proxy.py pack` writes.
 *
 * usage: replay_server [--latency MS] [--ready FILE] RECORDING
 *
 * Listens on a free port of the loopback and prints its address (and writes it to --ready).
 * GET /_replay/stats tells how many requests were answered and how many no recording fits; these
 * get a 501 and their first lines on stderr. The key of a request is described in record-proxy.py.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_FIELDS  8192
#define MAX_REQUEST (16u << 20)

struct slice {
    const char *p;
    size_t n;
};

struct entry {
    struct slice key, reply;
    uint64_t hash;
};

struct text {
    char *p;
    size_t n, cap;
};

struct conn {
    int fd;
    bool waiting, closing, writable_wanted;
    struct text in, out;
    size_t sent;
    int64_t due;
    struct conn *next; /* in the queue of replies that wait for their latency */
};

static struct {
    struct entry *table;
    size_t slots, served, unmatched;
    int epoll;
    int64_t latency;
    struct conn *first, *last;
} srv;

static void die(const char *what)
{
    fprintf(stderr, "replay_server: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void text_add(struct text *t, const char *p, size_t n)
{
    if (t->n + n > t->cap) {
        t->cap = (t->n + n) * 2 + 256;
        t->p = realloc(t->p, t->cap);
        if (!t->p)
            die("out of memory");
    }
    if (n)
        memcpy(t->p + t->n, p, n);
    t->n += n;
}

static uint64_t hash_of(const char *p, size_t n)
{
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)p[i]) * 1099511628211u;
    return h;
}

/* The entry of a key, or the free slot where it belongs. */
static struct entry *find(const char *p, size_t n)
{
    uint64_t h = hash_of(p, n);
    size_t i = h & (srv.slots - 1);
    for (;; i = (i + 1) & (srv.slots - 1)) {
        struct entry *e = &srv.table[i];
        if (!e->key.p || (e->hash == h && e->key.n == n && memcmp(e->key.p, p, n) == 0))
            return e;
    }
}

static struct text read_file(const char *path)
{
    struct text all = {0};
    char block[65536];
    FILE *in = fopen(path, "rb");
    if (!in)
        die(path);
    for (size_t n; (n = fread(block, 1, sizeof(block), in)) > 0;)
        text_add(&all, block, n);
    fclose(in);
    text_add(&all, "", 1);
    all.n--;
    return all;
}

static void load(const char *path)
{
    struct text all = read_file(path); /* kept: the entries point into it */
    size_t at = 0, count = 0;
    for (srv.slots = 1024; srv.slots < all.n / 64; srv.slots *= 2)
        ;
    srv.table = calloc(srv.slots, sizeof(*srv.table));
    if (!srv.table)
        die("out of memory");
    while (at < all.n) {
        size_t len[3];
        char *end = all.p + at;
        for (int i = 0; i < 3; i++)
            len[i] = strtoull(end, &end, 10);
        at = (size_t)(end - all.p) + 1;
        if (*end != '\n' || len[0] + len[1] + len[2] > all.n - at) {
            fprintf(stderr, "replay_server: '%s' is no recording: pack it again\n", path);
            exit(1);
        }
        struct entry *e = find(all.p + at, len[0]);
        e->key = (struct slice){all.p + at, len[0]};
        e->hash = hash_of(e->key.p, e->key.n);
        e->reply = (struct slice){all.p + at + len[0] + len[1], len[2]};
        at += len[0] + len[1] + len[2];
        count++;
    }
    fprintf(stderr, "replay_server: %zu replies\n", count);
}

/* ---- the key of a request -------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b)
{
    const struct slice *x = a, *y = b;
    size_t n = x->n < y->n ? x->n : y->n;
    int d = n ? memcmp(x->p, y->p, n) : 0;
    return d ? d : (x->n > y->n) - (x->n < y->n);
}

/* Appends the fields of a query or form in one order; an empty value is no value. */
static void add_sorted(struct text *key, struct slice s)
{
    static struct slice field[MAX_FIELDS];
    size_t count = 0;
    const char *end = s.p + s.n;
    for (const char *p = s.p; p < end && count < MAX_FIELDS;) {
        const char *stop = memchr(p, '&', (size_t)(end - p));
        size_t n = (size_t)((stop ? stop : end) - p);
        const char *equals = n ? memchr(p, '=', n) : NULL;
        if (n)
            field[count++] = (struct slice){p, equals == p + n - 1 ? n - 1 : n};
        p = stop ? stop + 1 : end;
    }
    qsort(field, count, sizeof(*field), by_bytes);
    for (size_t i = 0; i < count; i++) {
        if (i)
            text_add(key, "&", 1);
        text_add(key, field[i].p, field[i].n);
    }
}

static struct slice header(struct slice head, const char *name)
{
    size_t n = strlen(name);
    const char *end = head.p + head.n;
    for (const char *p = memchr(head.p, '\n', head.n); p && ++p < end;
         p = memchr(p, '\n', (size_t)(end - p))) {
        if ((size_t)(end - p) <= n || strncasecmp(p, name, n) != 0 || p[n] != ':')
            continue;
        for (p += n + 1; p < end && *p == ' '; p++)
            ;
        const char *stop = memchr(p, '\r', (size_t)(end - p));
        return (struct slice){p, (size_t)((stop ? stop : end) - p)};
    }
    return (struct slice){"", 0};
}

/* region/service out of "Credential=KEY/DATE/REGION/SERVICE/aws4_request". */
static struct slice scope(struct slice auth)
{
    const char *end = auth.p + auth.n, *p = memmem(auth.p, auth.n, "Credential=", 11);
    const char *mark[4] = {NULL};
    for (int i = 0; p && i < 4; i++) {
        mark[i] = p = memchr(p, '/', (size_t)(end - p));
        if (p)
            p++;
    }
    if (!mark[3])
        return (struct slice){"-", 1};
    return (struct slice){mark[1] + 1, (size_t)(mark[3] - mark[1] - 1)};
}

static void make_key(struct text *key, struct slice head, struct slice body)
{
    static const char form[] = "application/x-www-form-urlencoded";
    const char *line_end = memchr(head.p, '\r', head.n);
    const char *space = memchr(head.p, ' ', (size_t)(line_end - head.p));
    const char *target = space ? space + 1 : line_end;
    const char *stop = memchr(target, ' ', (size_t)(line_end - target));
    size_t n = (size_t)((stop ? stop : line_end) - target);
    const char *query = memchr(target, '?', n);
    struct slice s;

    if (!space)
        return;
    text_add(key, head.p, (size_t)(target - head.p));
    key->p[key->n - 1] = '\n';
    text_add(key, target, query ? (size_t)(query - target) : n);
    text_add(key, "\n", 1);
    if (query)
        add_sorted(key, (struct slice){query + 1, (size_t)(target + n - query - 1)});
    text_add(key, "\n", 1);
    s = scope(header(head, "authorization"));
    text_add(key, s.p, s.n);
    text_add(key, "\n", 1);
    s = header(head, "x-amz-target");
    text_add(key, s.p, s.n);
    text_add(key, "\n", 1);
    s = header(head, "content-type");
    if (s.n >= sizeof(form) - 1 && strncasecmp(s.p, form, sizeof(form) - 1) == 0)
        add_sorted(key, body);
    else
        text_add(key, body.p, body.n);
}

/* ---- connections ----------------------------------------------------------------------------- */

static void answer(struct conn *c, struct slice head, struct slice body)
{
    static const char none[] = "HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n";
    static const char stats[] = "GET /_replay/stats ";
    static struct text key;
    char own[256];

    if (head.n > sizeof(stats) - 1 && memcmp(head.p, stats, sizeof(stats) - 1) == 0) {
        char json[96];
        int n = snprintf(json, sizeof(json), "{\"served\": %zu, \"unmatched\": %zu}\n", srv.served,
                         srv.unmatched);
        int m =
            snprintf(own, sizeof(own), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", n, json);
        text_add(&c->out, own, (size_t)m);
        return;
    }
    key.n = 0;
    make_key(&key, head, body);
    struct entry *e = find(key.p, key.n);
    if (e->key.p) {
        srv.served++;
        text_add(&c->out, e->reply.p, e->reply.n);
    } else {
        srv.unmatched++;
        fprintf(stderr, "replay_server: no recording of: %.*s\n", (int)(key.n < 600 ? key.n : 600),
                key.p);
        text_add(&c->out, none, sizeof(none) - 1);
    }
}

static void watch(struct conn *c, bool writable)
{
    struct epoll_event ev = {.events = EPOLLIN | (writable ? EPOLLOUT : 0u), .data.ptr = c};
    if (c->writable_wanted != writable && epoll_ctl(srv.epoll, EPOLL_CTL_MOD, c->fd, &ev) != 0)
        die("epoll_ctl");
    c->writable_wanted = writable;
}

/* Sends what there is; false when the connection broke. */
static bool flush(struct conn *c)
{
    while (c->sent < c->out.n) {
        ssize_t n = send(c->fd, c->out.p + c->sent, c->out.n - c->sent, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            watch(c, true);
            return true;
        }
        if (n < 0)
            return false;
        c->sent += (size_t)n;
    }
    c->sent = c->out.n = 0;
    watch(c, false);
    return true;
}

static void close_conn(struct conn *c)
{
    if (c->waiting) { /* still queued: freed when its turn comes */
        c->closing = true;
        epoll_ctl(srv.epoll, EPOLL_CTL_DEL, c->fd, NULL);
        return;
    }
    close(c->fd);
    free(c->in.p);
    free(c->out.p);
    free(c);
}

static void hold(struct conn *c)
{
    c->waiting = true;
    c->due = now_us() + srv.latency;
    c->next = NULL;
    if (srv.last)
        srv.last->next = c;
    else
        srv.first = c;
    srv.last = c;
}

/* Answers the whole requests that have arrived; false when the connection is no good. */
static bool serve(struct conn *c)
{
    while (!c->waiting && c->in.n) {
        const char *end = memmem(c->in.p, c->in.n, "\r\n\r\n", 4);
        if (!end)
            return c->in.n < 65536;
        struct slice head = {c->in.p, (size_t)(end - c->in.p) + 2};
        struct slice length = header(head, "content-length");
        size_t n = length.n ? strtoull(length.p, NULL, 10) : 0, whole = head.n + 2 + n;
        if (n > MAX_REQUEST)
            return false;
        if (c->in.n < whole)
            return true;
        answer(c, head, (struct slice){end + 4, n});
        memmove(c->in.p, c->in.p + whole, c->in.n - whole);
        c->in.n -= whole;
        if (srv.latency)
            hold(c);
        else if (!flush(c))
            return false;
    }
    return true;
}

static bool readable(struct conn *c)
{
    char block[65536];
    for (;;) {
        ssize_t n = recv(c->fd, block, sizeof(block), 0);
        if (n == 0)
            return false;
        if (n < 0)
            return (errno == EAGAIN || errno == EWOULDBLOCK) && serve(c);
        text_add(&c->in, block, (size_t)n);
        if ((size_t)n < sizeof(block))
            return serve(c);
    }
}

static void accept_all(int listener)
{
    int one = 1;
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct conn *c = calloc(1, sizeof(*c));
        struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
        if (!c)
            die("out of memory");
        c->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (epoll_ctl(srv.epoll, EPOLL_CTL_ADD, fd, &ev) != 0)
            die("epoll_ctl");
    }
}

/* Sends the replies whose time has come; milliseconds until the next, or -1. */
static int release_due(void)
{
    while (srv.first) {
        struct conn *c = srv.first;
        int64_t left = c->due - now_us();
        if (left > 0)
            return (int)((left + 999) / 1000);
        srv.first = c->next;
        if (!srv.first)
            srv.last = NULL;
        c->waiting = false;
        if (c->closing || !flush(c) || !serve(c))
            close_conn(c);
    }
    return -1;
}

static int listen_free(const char *ready)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, n) != 0 || listen(fd, 512) != 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &n) != 0)
        die("listen");
    FILE *out = ready ? fopen(ready, "w") : NULL;
    if (out) {
        fprintf(out, "http://127.0.0.1:%d\n", ntohs(addr.sin_port));
        fclose(out);
    }
    printf("http://127.0.0.1:%d\n", ntohs(addr.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    const char *ready = NULL, *path = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--latency") == 0 && i + 1 < argc)
            srv.latency = strtol(argv[++i], NULL, 10) * 1000;
        else if (strcmp(argv[i], "--ready") == 0 && i + 1 < argc)
            ready = argv[++i];
        else
            path = argv[i];
    }
    if (!path) {
        fprintf(stderr, "usage: replay_server [--latency MS] [--ready FILE] RECORDING\n");
        return 64;
    }
    signal(SIGPIPE, SIG_IGN);
    load(path);
    srv.epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_free(ready);
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL}, got[256];
    if (srv.epoll < 0 || epoll_ctl(srv.epoll, EPOLL_CTL_ADD, listener, &ev) != 0)
        die("epoll");
    for (;;) {
        int n = epoll_wait(srv.epoll, got, 256, release_due());
        if (n < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < n; i++) {
            struct conn *c = got[i].data.ptr;
            if (!c)
                accept_all(listener);
            else if (((got[i].events & EPOLLOUT) && !flush(c)) ||
                     ((got[i].events & ~(uint32_t)EPOLLOUT) && !readable(c)))
                close_conn(c);
        }
    }
}
