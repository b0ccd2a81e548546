#include "backends/plugin/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"

enum {
    LINE_MAX_BYTES = 4096, /* of the handshake */
    TAIL = 16 << 10,       /* of stderr that is kept */
    CHUNK = 64 << 10,
    ROUNDS = 16,     /* chunks taken before somebody else has a turn */
    LEAVE_MS = 1500, /* after it was asked to shut down */
    TERM_MS = 500,   /* after SIGTERM */
    KILL_TICKS = 50, /* of 10 ms, for what it started */
    WORDS_MAX = 400,
    DIR_MAX_BYTES = 80, /* leaves room for the names that providers give to sockets */
};

/* The published cookie: it only says that this is no person's shell. */
#define COOKIE "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"

struct pb_plugin {
    struct pb_child *child;
    char *dir;
    int out, err;
    enum pb_plugin_state state;
    char *problem;
    struct pb_buf line; /* of stdout, until the handshake is there */
    struct pb_buf tail;
    char *socket;
    int protocol;
    int64_t deadline;
    char fate[64];
};

static void fail(struct pb_plugin *p, char *why)
{
    if (p->state == PB_PLUGIN_FAILED) {
        free(why);
        return;
    }
    p->state = PB_PLUGIN_FAILED;
    p->deadline = INT64_MAX;
    p->problem = why;
}

/* ---- starting --------------------------------------------------------------------------- */

int pb_plugin_dir(char **out, const char *wish, struct pb_err *err)
{
    char shorter[] = "/tmp/plumb-plugin-XXXXXX";

    *out = NULL;
    if (strlen(wish) <= DIR_MAX_BYTES) {
        if (pb_fs_mkdirs(wish, 0700, err))
            return -1;
        *out = pb_strdup(wish);
        return 0;
    }
    if (!mkdtemp(shorter))
        return pb_fail_errno(err, PB_E_IO, "cannot create a folder for a provider's socket");
    *out = pb_strdup(shorter);
    return 0;
}

static void build_env(struct pb_strv *env, const struct pb_plugin_spec *s)
{
    PB_AUTO(buf) struct pb_buf log = PB_BUF_INIT;

    for (char *const *e = s->env; e && *e; e++)
        if ((s->tools_env || !pb_starts_with(*e, "TF_")) && !pb_starts_with(*e, "PLUGIN_"))
            pb_strv_add(env, *e);
    pb_strv_setenv(env, "TF_PLUGIN_MAGIC_COOKIE", COOKIE);
    pb_strv_setenv(env, "PLUGIN_PROTOCOL_VERSIONS", "5,6");
    pb_strv_setenv(env, "PLUGIN_UNIX_SOCKET_DIR", s->dir);
    pb_strv_setenv(env, "TMPDIR", s->dir);
    /* Their traces hold what they read, secrets included. */
    pb_strv_setenv(env, "TF_LOG", "off");
    pb_strv_setenv(env, "TF_LOG_SDK", "off");
    pb_strv_setenv(env, "TF_LOG_PROVIDER", "off");
    pb_buf_adds(&log, "TF_LOG_PROVIDER_");
    for (const char *c = s->name; *c; c++)
        pb_buf_addc(&log, *c == '-' ? '_' : *c >= 'a' && *c <= 'z' ? (char)(*c - 32) : *c);
    pb_strv_setenv(env, log.s, "off");
}

static int pipe_end(int *ours, int *theirs, struct pb_err *err)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC))
        return pb_fail_errno(err, PB_E_INTERNAL, "cannot create a pipe");
    *ours = fds[0];
    *theirs = fcntl(fds[1], F_DUPFD_CLOEXEC, 3);
    close(fds[1]);
    if (*theirs < 0 || fcntl(*ours, F_SETFL, O_NONBLOCK))
        return pb_fail_errno(err, PB_E_INTERNAL, "cannot prepare a pipe");
    return 0;
}

int pb_plugin_start(struct pb_plugin **out, const struct pb_plugin_spec *s, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv env = PB_STRV_INIT;
    PB_AUTO(strv) struct pb_strv argv = PB_STRV_INIT;
    PB_AUTO(fd) int out_fd = -1, err_fd = -1;
    struct pb_child_spec spec = {
        .dir = s->cwd ? s->cwd : s->dir, .death_signal = SIGKILL, .kill_after_ms = 1};
    struct pb_plugin *p = pb_calloc(1, sizeof(*p));
    int rc = -1;

    p->out = p->err = -1;
    p->line = p->tail = (struct pb_buf)PB_BUF_INIT;
    p->deadline = pb_clock_ms() + s->handshake_ms;
    p->dir = pb_strdup(s->dir);
    build_env(&env, s);
    pb_strv_add(&argv, s->path);
    if (pipe_end(&p->out, &out_fd, err) == 0 && pipe_end(&p->err, &err_fd, err) == 0) {
        spec.argv = argv.v;
        spec.env = env.v;
        spec.out_fd = out_fd;
        spec.err_fd = err_fd;
        rc = pb_child_start(&p->child, &spec, err);
    }
    if (rc) {
        pb_plugin_end(p, false);
        return -1;
    }
    *out = p;
    return 0;
}

/* ---- the handshake ---------------------------------------------------------------------- */

/* CORE-PROTOCOL|APP-PROTOCOL|NETWORK|ADDRESS|grpc|CERTIFICATE */
static void shake_hands(struct pb_plugin *p, char *line)
{
    char *field[6] = {NULL}, *save = line;
    size_t n = 0, len = strlen(p->dir);

    for (; n < PB_COUNT(field) && save; n++)
        field[n] = strsep(&save, "|");
    if (n < 4 || strcmp(field[0], "1") != 0) {
        fail(p,
             pb_strdup("it does not greet as a provider does: is it one, and for this machine?"));
        return;
    }
    if (strcmp(field[1], "5") != 0 && strcmp(field[1], "6") != 0) {
        fail(p, pb_asprintf("it speaks version '%.20s' of the plugin protocol, and plumb 5 and 6",
                            field[1]));
        return;
    }
    if (n < 5 || strcmp(field[4], "grpc") != 0 || strcmp(field[2], "unix") != 0) {
        fail(p, pb_strdup("it does not offer gRPC on a unix socket"));
        return;
    }
    /* Nobody else can have put a socket there. */
    if (strncmp(field[3], p->dir, len) != 0 || field[3][len] != '/' || strstr(field[3], "/../")) {
        fail(p, pb_strdup("its socket is not in the private folder that it was given"));
        return;
    }
    p->protocol = field[1][0] - '0';
    p->socket = pb_strdup(field[3]);
    p->state = PB_PLUGIN_READY;
    p->deadline = INT64_MAX;
}

static void take_stdout(struct pb_plugin *p, const char *s, size_t n)
{
    char *end;

    if (p->state != PB_PLUGIN_STARTING)
        return; /* nothing is said there afterwards that anybody needs */
    if (p->line.len + n > LINE_MAX_BYTES)
        n = LINE_MAX_BYTES - p->line.len;
    pb_buf_add(&p->line, s, n);
    end = memchr(p->line.s, '\n', p->line.len);
    if (end) {
        *end = '\0';
        shake_hands(p, p->line.s);
    } else if (p->line.len == LINE_MAX_BYTES) {
        fail(p, pb_strdup("it does not greet as a provider does: its first line does not end"));
    }
}

void pb_plugin_said(struct pb_plugin *p, const void *text, size_t n)
{
    const char *s = text;

    if (n > TAIL) {
        s += n - TAIL;
        n = TAIL;
    }
    if (p->tail.len + n > (size_t)2 * TAIL) {
        memmove(p->tail.s, p->tail.s + p->tail.len - TAIL, TAIL);
        pb_buf_truncate(&p->tail, TAIL);
    }
    pb_buf_add(&p->tail, s, n);
}

/* False once it is closed. */
static bool drain(struct pb_plugin *p, int fd,
                  void (*take)(struct pb_plugin *, const char *, size_t))
{
    char buf[CHUNK];
    size_t most = 0; /* of it was used, and is wiped */
    bool open = true;

    for (int i = 0; i < ROUNDS && open; i++) {
        ssize_t n = read(fd, buf, sizeof(buf));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            open = n < 0 && errno == EAGAIN;
            break;
        }
        most = (size_t)n > most ? (size_t)n : most;
        take(p, buf, (size_t)n);
    }
    pb_wipe(buf, most);
    return open;
}

static void take_stderr(struct pb_plugin *p, const char *s, size_t n)
{
    pb_plugin_said(p, s, n);
}

void pb_plugin_work(struct pb_plugin *p)
{
    const char *fate;

    if (p->err >= 0 && !drain(p, p->err, take_stderr))
        close(pb_take_fd(&p->err));
    if (p->out >= 0 && !drain(p, p->out, take_stdout))
        close(pb_take_fd(&p->out));
    if (p->state != PB_PLUGIN_STARTING)
        return;
    fate = pb_plugin_fate(p);
    if (fate)
        fail(p, pb_asprintf("it ended before it was ready (%s)", fate));
    else if (p->out < 0)
        fail(p, pb_strdup("it closed its output before it was ready"));
    else if (pb_clock_ms() >= p->deadline)
        fail(p, pb_strdup("it was not ready in time"));
}

/* ---- what is known of it ---------------------------------------------------------------- */

enum pb_plugin_state pb_plugin_state(const struct pb_plugin *p)
{
    return p->state;
}

const char *pb_plugin_problem(const struct pb_plugin *p)
{
    return p->problem;
}

const char *pb_plugin_socket(const struct pb_plugin *p)
{
    return p->socket;
}

int pb_plugin_protocol(const struct pb_plugin *p)
{
    return p->protocol;
}

pid_t pb_plugin_pid(const struct pb_plugin *p)
{
    return pb_child_pid(p->child);
}

int64_t pb_plugin_deadline(const struct pb_plugin *p)
{
    return p->deadline;
}

int pb_plugin_fds(const struct pb_plugin *p, struct pollfd out[2])
{
    int n = 0;

    if (p->out >= 0)
        out[n++] = (struct pollfd){.fd = p->out, .events = POLLIN};
    if (p->err >= 0)
        out[n++] = (struct pollfd){.fd = p->err, .events = POLLIN};
    return n;
}

static size_t line_at(const char *s, const char **start, size_t *n)
{
    size_t len = strcspn(s, "\n");

    *start = s;
    *n = len;
    while (*n && strchr(" \t\r", (*start)[*n - 1]))
        --*n;
    return len + (s[len] == '\n');
}

void pb_plugin_last_words(const struct pb_plugin *p, struct pb_buf *out)
{
    const char *best = NULL, *start;
    size_t best_n = 0, n;

    for (const char *s = p->tail.s; *s;) {
        s += line_at(s, &start, &n);
        if (!n)
            continue;
        best = start;
        best_n = n;
        if (pb_starts_with(start, "panic:") || pb_starts_with(start, "fatal error:"))
            break;
    }
    if (best)
        pb_buf_add(out, best, best_n < WORDS_MAX ? best_n : WORDS_MAX);
}

const char *pb_plugin_fate(struct pb_plugin *p)
{
    siginfo_t info = {0};
    pid_t pid = pb_child_pid(p->child);

    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid != pid)
        return NULL;
    snprintf(p->fate, sizeof(p->fate), info.si_code == CLD_EXITED ? "exit code %d" : "signal %d",
             info.si_status);
    return p->fate;
}

/* ---- its end ---------------------------------------------------------------------------- */

static bool ends_within(struct pb_plugin *p, long ms)
{
    int64_t until = pb_clock_ms() + ms;

    while (!pb_plugin_fate(p)) {
        struct pollfd fds[2];
        int n = pb_plugin_fds(p, fds);

        if (pb_clock_ms() >= until)
            return false;
        /* Drained, or it could wait for its output to be read. */
        poll(fds, (nfds_t)n, n ? 10 : 5);
        pb_plugin_work(p);
    }
    return true;
}

static void end_child(struct pb_plugin *p, bool asked)
{
    pid_t group = pb_child_pid(p->child);
    struct pb_child_status status;

    if (!asked || !ends_within(p, LEAVE_MS)) {
        kill(-group, SIGTERM);
        ends_within(p, TERM_MS);
    }
    /* Not reaped yet, so the number is still its own; what it started goes with it. */
    kill(-group, SIGKILL);
    (void)pb_child_wait(&status, p->child, NULL, NULL, NULL);
    for (int i = 0; pb_child_survivors(p->child) && i < KILL_TICKS; i++)
        poll(NULL, 0, 10); /* they are dead, or as good as */
    pb_child_free(p->child);
}

void pb_plugin_end(struct pb_plugin *p, bool asked)
{
    if (!p)
        return;
    if (p->child)
        end_child(p, asked);
    pb_auto_fd(&p->out);
    pb_auto_fd(&p->err);
    if (p->socket)
        unlink(p->socket);
    pb_buf_wipe(&p->tail);
    pb_buf_release(&p->line);
    free(p->socket);
    free(p->problem);
    free(p->dir);
    free(p);
}
