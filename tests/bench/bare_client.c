/*
 * The least that any client must do: sends every request of a recording once, over a number of
 * connections that are kept alive, and reads the replies. What plumb takes longer is its own.
 *
 * usage: bare_client PORT RECORDING [CONNECTIONS]     prints milliseconds and replies
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_REPLY (16u << 20)

struct request {
    const char *p;
    size_t n;
};

static struct request *requests;
static size_t request_count;
static atomic_size_t next_request, failures;
static int port;

static void load(const char *path)
{
    FILE *in = fopen(path, "rb");
    if (!in) {
        perror(path);
        exit(1);
    }
    fseek(in, 0, SEEK_END);
    size_t size = (size_t)ftell(in);
    rewind(in);
    char *all = malloc(size + 1);
    if (!all || fread(all, 1, size, in) != size)
        exit(1);
    all[size] = '\0';
    fclose(in);
    for (char *p = all; p < all + size;) {
        size_t len[3];
        for (int i = 0; i < 3; i++)
            len[i] = strtoull(p, &p, 10);
        p++;
        requests = realloc(requests, (request_count + 1) * sizeof(*requests));
        if (!requests)
            exit(1);
        requests[request_count++] = (struct request){p + len[0], len[1]};
        p += len[0] + len[1] + len[2];
    }
}

static int dial(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((unsigned short)port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
        perror("connect");
        exit(1);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

/* Reads one reply; false when it is none, or not a success that was recorded. */
static bool read_reply(int fd, char *buf, bool head_only)
{
    size_t have = 0, need = 0;
    while (!need || have < need) {
        ssize_t n = recv(fd, buf + have, MAX_REPLY - have, 0);
        if (n <= 0)
            return false;
        have += (size_t)n;
        const char *end = need ? NULL : memmem(buf, have, "\r\n\r\n", 4);
        if (!end)
            continue;
        need = (size_t)(end - buf) + 4;
        for (const char *p = buf; !head_only && p && p < end; p = memchr(p, '\n', need)) {
            p += *p == '\n';
            if (strncasecmp(p, "content-length:", 15) == 0) {
                need += strtoull(p + 15, NULL, 10);
                break;
            }
        }
    }
    return memcmp(buf, "HTTP/1.1 501", 12) != 0;
}

static void *work(void *unused)
{
    char *buf = malloc(MAX_REPLY);
    int fd = dial();
    (void)unused;
    for (size_t i; buf && (i = atomic_fetch_add(&next_request, 1)) < request_count;) {
        const struct request *r = &requests[i];
        bool head_only = memcmp(r->p, "HEAD ", 5) == 0;
        if (send(fd, r->p, r->n, MSG_NOSIGNAL) != (ssize_t)r->n || !read_reply(fd, buf, head_only))
            atomic_fetch_add(&failures, 1);
    }
    close(fd);
    free(buf);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread[256];
    struct timespec a, b;
    int threads = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 10;
    if (argc < 3 || threads < 1 || threads > 256) {
        fprintf(stderr, "usage: bare_client PORT RECORDING [CONNECTIONS]\n");
        return 64;
    }
    port = (int)strtol(argv[1], NULL, 10);
    load(argv[2]);
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < threads; i++)
        pthread_create(&thread[i], NULL, work, NULL);
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    clock_gettime(CLOCK_MONOTONIC, &b);
    printf("%.2f ms %zu replies %zu failures\n",
           (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6,
           request_count - failures, (size_t)failures);
    return failures != 0;
}
