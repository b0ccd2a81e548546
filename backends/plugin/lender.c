#include "backends/plugin/lender.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/plugin/part.h"
#include "backends/plugin/relay.h"
#include "base/apart.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"

#define SCHEMA_MAX ((size_t)128 << 20)

enum {
    WORD_MAX = 4096, /* of what the lender tells when the provider is ready */
    FATE_MS = 1000,  /* how soon a provider that ended is noticed at the latest */
    SLACK_MS = 2000, /* beyond the handshake's time */
    DYING_MS = 500,  /* how long a provider that broke off is waited for */
    BACKLOG = 32,
};

struct pb_lender {
    pid_t pid;
    int lifeline, word; /* ours */
    bool asked;         /* whether it is ready */
    int64_t deadline;
    char *socket, *direct;
    int protocol;
    pid_t provider;
};

/* ---- in the process that has the provider ---------------------------------------------------- */

struct lending {
    const struct pb_lender_spec *spec;
    int listener, lifeline, word;
    struct pb_plugin *plugin;
    struct pb_relay *relay;
    struct pb_buf part; /* empty: not known */
    bool looked;
};

/* The first bytes say what the rest is: a file of another version is none. */
static const char head_format[] = "plumb provider reply 1, protocol %d\n";

static bool load(struct pb_buf *out, const struct lending *x, const char *path)
{
    PB_AUTO(str) char *head = pb_asprintf(head_format, pb_plugin_protocol(x->plugin));
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

    if (!path || pb_fs_read(&text, path, SCHEMA_MAX, NULL) || !pb_starts_with(text.s, head))
        return false;
    pb_buf_add(out, text.s + strlen(head), text.len - strlen(head));
    return true;
}

static void store(const struct lending *x, const char *path, const void *p, size_t n)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

    if (!path || n > SCHEMA_MAX / 2)
        return;
    pb_buf_addf(&text, head_format, pb_plugin_protocol(x->plugin));
    pb_buf_add(&text, p, n);
    pb_fs_remember(path, text.s, text.len);
}

static void make_part(struct lending *x, const void *reply, size_t n)
{
    if (!x->spec->names || pb_plugin_part(&x->part, reply, n, x->spec->names))
        pb_buf_clear(&x->part);
    else
        store(x, x->spec->part, x->part.s, x->part.len);
}

static const struct pb_buf *schema(void *ctx)
{
    PB_AUTO(buf) struct pb_buf whole = PB_BUF_INIT;
    struct lending *x = ctx;

    if (!x->looked && !load(&x->part, x, x->spec->part) && load(&whole, x, x->spec->whole))
        make_part(x, whole.s, whole.len);
    x->looked = true;
    return x->part.len ? &x->part : NULL;
}

static void learn(void *ctx, const void *reply, size_t n)
{
    struct lending *x = ctx;

    make_part(x, reply, n);
    if (x->part.len)
        store(x, x->spec->whole, reply, n);
}

/* False when nobody is there any more to be told. */
static bool tell(struct lending *x)
{
    PB_AUTO(buf) struct pb_buf word = PB_BUF_INIT;
    struct pb_relay_spec spec = {.listener = x->listener,
                                 .provider = pb_plugin_socket(x->plugin),
                                 .schema = schema,
                                 .learn = learn,
                                 .ctx = x};

    x->relay = pb_relay_new(&spec);
    pb_buf_addf(&word, "%d %d %s\n", pb_plugin_protocol(x->plugin), (int)pb_plugin_pid(x->plugin),
                pb_plugin_socket(x->plugin));
    return write(x->word, word.s, word.len) == (ssize_t)word.len;
}

/* If it was not us who ended it. */
static void tell_fate(struct lending *x)
{
    const char *fate = pb_plugin_fate(x->plugin);
    int64_t until = pb_clock_ms() + DYING_MS;
    PB_AUTO(buf) struct pb_buf word = PB_BUF_INIT;

    /* Its connections are gone before the process is. */
    while (!fate && x->relay && pb_relay_lost(x->relay) && pb_clock_ms() < until) {
        poll(NULL, 0, 10);
        fate = pb_plugin_fate(x->plugin);
    }
    if (!fate || !x->relay)
        return;
    pb_plugin_work(x->plugin); /* what it said last */
    pb_buf_adds(&word, fate);
    pb_buf_addc(&word, '\n');
    pb_plugin_last_words(x->plugin, &word);
    (void)!write(x->word, word.s, word.len < WORD_MAX ? word.len : WORD_MAX - 1);
    pb_buf_wipe(&word);
}

/* Until nobody needs it, or there is nothing to lend. */
static void lend(struct lending *x)
{
    struct pollfd fds[1 + 2 + PB_RELAY_FDS] = {{.fd = x->lifeline, .events = POLLIN}};

    while (!fds[0].revents && !pb_plugin_fate(x->plugin) &&
           pb_plugin_state(x->plugin) != PB_PLUGIN_FAILED) {
        bool ready = pb_plugin_state(x->plugin) == PB_PLUGIN_READY;
        nfds_t n = 1;

        if (ready && !x->relay && !tell(x))
            return;
        n += (nfds_t)pb_plugin_fds(x->plugin, &fds[n]);
        if (x->relay)
            n += (nfds_t)pb_relay_fds(x->relay, &fds[n]);
        /* A handshake has a deadline. */
        (void)poll(fds, n, ready ? FATE_MS : 50);
        pb_plugin_work(x->plugin);
        if (x->relay)
            pb_relay_work(x->relay);
    }
}

static void live(void *ctx)
{
    struct lending *x = ctx;

    if (chdir(x->spec->plugin.dir) == 0 &&
        pb_plugin_start(&x->plugin, &x->spec->plugin, NULL) == 0) {
        lend(x);
        tell_fate(x);
        pb_plugin_end(x->plugin, false);
    }
    (void)pb_fs_remove_tree(x->spec->plugin.dir, NULL); /* plumb may be gone */
}

/* ---- in plumb -------------------------------------------------------------------------------- */

static int listen_at(const char *path, struct pb_err *err)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    PB_AUTO(fd) int fd = -1;

    if (strlen(path) >= sizeof(sa.sun_path))
        return pb_fail(err, PB_E_IO, "the path '%s' is too long for a socket", path);
    memcpy(sa.sun_path, path, strlen(path) + 1);
    (void)unlink(path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, BACKLOG))
        return pb_fail_errno(err, PB_E_IO, "cannot listen at '%s'", path);
    return pb_take_fd(&fd);
}

static int above_stdio(int *fd)
{
    int high = *fd < 3 ? fcntl(*fd, F_DUPFD_CLOEXEC, 3) : *fd;

    if (high != *fd)
        close(*fd);
    *fd = high;
    return high < 0 ? -1 : 0;
}

/* A socket sends no SIGPIPE, and what ends it ends it for all who have it. */
static int make_pair(int *a, int *b, struct pb_err *err)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
        return pb_fail_errno(err, PB_E_INTERNAL, "cannot create a pair of sockets");
    *a = fds[0];
    *b = fds[1];
    if (above_stdio(a) || above_stdio(b))
        return pb_fail_errno(err, PB_E_INTERNAL, "cannot duplicate a descriptor");
    return 0;
}

/* Who kills all that is called plumb spares an apply. */
static int start_apart(struct pb_lender *l, struct lending *x, struct pb_err *err)
{
    const int keep[] = {x->listener, x->lifeline, x->word, 0};

    return pb_apart_start(&l->pid, "provider-lender", keep, live, x, err);
}

int pb_lender_start(struct pb_lender **out, const struct pb_lender_spec *spec, struct pb_err *err)
{
    struct lending x = {
        .spec = spec, .listener = -1, .lifeline = -1, .word = -1, .part = PB_BUF_INIT};
    struct pb_lender *l = pb_calloc(1, sizeof(*l));
    int rc = -1;

    l->lifeline = l->word = -1;
    l->deadline = pb_clock_ms() + spec->plugin.handshake_ms + SLACK_MS;
    l->socket = pb_fs_join(spec->plugin.dir, "lent.sock");
    x.listener = listen_at(l->socket, err);
    if (x.listener >= 0 && above_stdio(&x.listener) == 0 &&
        make_pair(&x.lifeline, &l->lifeline, err) == 0 && make_pair(&l->word, &x.word, err) == 0)
        rc = start_apart(l, &x, err);
    pb_auto_fd(&x.listener);
    pb_auto_fd(&x.lifeline);
    pb_auto_fd(&x.word);
    if (rc)
        pb_lender_end(l, NULL);
    else
        *out = l;
    return rc;
}

/* Up to and with the end of a line; 0: nothing is to come. */
static size_t read_line(char *out, size_t size, int fd, int64_t until)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    size_t n = 0;
    int64_t left;

    while (n + 1 < size && (!n || out[n - 1] != '\n') && (left = until - pb_clock_ms()) > 0) {
        ssize_t got = poll(&p, 1, (int)left) > 0 ? read(fd, out + n, 1) : -1;

        if (got == 0 || (got < 0 && errno != EINTR && p.revents))
            break;
        n += got > 0;
    }
    out[n] = '\0';
    return n;
}

bool pb_lender_ready(struct pb_lender *l)
{
    char word[WORD_MAX];
    int pid, at = 0;

    if (l->asked)
        return l->direct != NULL;
    l->asked = true;
    if (!read_line(word, sizeof(word), l->word, l->deadline) ||
        sscanf(word, "%d %d %n", &l->protocol, &pid, &at) != 2 || !at)
        return false;
    l->provider = pid;
    l->direct = pb_strndup(word + at, strcspn(word + at, "\n"));
    return true;
}

const char *pb_lender_socket(const struct pb_lender *l)
{
    return l->socket;
}

const char *pb_lender_direct(const struct pb_lender *l)
{
    return l->direct;
}

int pb_lender_protocol(const struct pb_lender *l)
{
    return l->protocol;
}

pid_t pb_lender_provider(const struct pb_lender *l)
{
    return l->provider;
}

int pb_lender_lifeline(const struct pb_lender *l)
{
    return l->lifeline;
}

/* The lender is gone: what it told of the provider's end before is there. */
static void tell_why(struct pb_buf *why, const struct pb_lender *l, int status)
{
    char word[WORD_MAX] = "";
    ssize_t n = recv(l->word, word, sizeof(word) - 1, MSG_DONTWAIT);
    size_t fate;

    if (n > 0)
        word[n] = '\0';
    fate = strcspn(word, "\n");
    if (n > 0)
        pb_buf_addf(why, "it ended (%.*s)", (int)fate, word);
    else if (WIFSIGNALED(status))
        pb_buf_addf(why, "the process that has it was ended (signal %d)", WTERMSIG(status));
    if (n > 0 && word[fate] && word[fate + 1])
        pb_buf_addf(why, "; it said: %s", word + fate + 1);
    pb_wipe(word, sizeof(word));
}

void pb_lender_end(struct pb_lender *l, struct pb_buf *why)
{
    int status = 0;

    if (!l)
        return;
    if (l->pid > 0) {
        (void)shutdown(l->lifeline, SHUT_WR); /* whoever else has it */
        while (waitpid(l->pid, &status, 0) < 0 && errno == EINTR)
            ;
        if (why && l->direct)
            tell_why(why, l, status);
    }
    pb_auto_fd(&l->lifeline);
    pb_auto_fd(&l->word);
    (void)unlink(l->socket);
    free(l->socket);
    free(l->direct);
    free(l);
}
