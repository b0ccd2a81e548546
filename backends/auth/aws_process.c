/* credential_process of a profile: another program prints the credentials. */
#include <fcntl.h>
#include <unistd.h>

#include "backends/auth/aws_ask.h"
#include "base/child.h"
#include "base/fs.h"
#include "base/mem.h"
#include "model/json.h"

extern char **environ;

enum { PROCESS_MS = 60000, PROCESS_OUT = 1 << 20 };

/* Words as a shell would split them, without all else that a shell does. */
static int split(struct pb_strv *argv, const char *s)
{
    PB_AUTO(buf) struct pb_buf word = PB_BUF_INIT;
    bool in = false;
    char quote = '\0';

    for (; *s != '\0'; s++) {
        if (quote == '\0' && (*s == ' ' || *s == '\t')) {
            if (in)
                pb_strv_add(argv, word.s);
            pb_buf_clear(&word);
            in = false;
        } else if (quote == *s) {
            quote = '\0';
        } else if (quote == '\0' && (*s == '\'' || *s == '"')) {
            quote = *s;
            in = true;
        } else {
            if (*s == '\\' && quote != '\'' && s[1] != '\0')
                s++;
            pb_buf_addc(&word, *s);
            in = true;
        }
    }
    if (in)
        pb_strv_add(argv, word.s);
    return quote == '\0' && argv->n > 0 ? 0 : -1;
}

/* What it prints goes through a pipe: secrets have no business on a disk, and a flood ends when
 * nobody reads it. */
struct output {
    int fd; /* -1: closed */
    struct pb_buf text;
    bool flood;
};

static void drain(void *ctx)
{
    struct output *o = ctx;
    char chunk[4096];
    ssize_t n = 0;

    while (o->fd >= 0 && (n = read(o->fd, chunk, sizeof(chunk))) > 0) {
        pb_buf_add(&o->text, chunk, (size_t)n);
        o->flood = o->text.len > PROCESS_OUT;
        if (o->flood)
            pb_auto_fd(&o->fd); /* the next write kills it */
    }
    pb_wipe(chunk, sizeof(chunk));
}

static int start(struct pb_child **out, struct output *o, struct pb_strv *argv, struct pb_err *err)
{
    struct pb_child_spec spec = {
        .argv = argv->v, .env = environ, .timeout_ms = PROCESS_MS, .kill_after_ms = 5000};
    int p[2], rc;

    if (pipe2(p, O_CLOEXEC | O_NONBLOCK))
        return pb_fail_errno(err, PB_E_INTERNAL, "cannot create a pipe");
    fcntl(p[1], F_SETFL, 0); /* ours may not wait, the program may */
    o->fd = p[0];
    spec.out_fd = p[1];
    rc = pb_child_start(out, &spec, err);
    pb_auto_fd(&p[1]);
    return rc;
}

/* Its error output is not shown: it is not ours to know what is in there. */
static int run(struct output *o, struct pb_strv *argv, struct pb_err *err)
{
    struct pb_child_status st = {0};
    struct pb_child *c = NULL;
    int rc;

    if (start(&c, o, argv, err) == -1)
        return -1;
    rc = pb_child_wait(&st, c, drain, o, err);
    pb_child_free(c);
    if (rc == -1)
        return -1;
    if (st.timed_out)
        return pb_fail(err, PB_E_AUTH, "credential_process '%s' took longer than %d seconds",
                       argv->v[0], PROCESS_MS / 1000);
    if (o->flood)
        return pb_fail(err, PB_E_AUTH, "credential_process '%s' printed more than %d KiB",
                       argv->v[0], PROCESS_OUT >> 10);
    if (!st.exited || st.code != 0)
        return pb_fail(
            err, PB_E_AUTH, "credential_process '%s' ended with %s %d; run it by hand to see why",
            argv->v[0], st.exited ? "exit code" : "signal", st.exited ? st.code : st.signal);
    return 0;
}

static bool is_version_1(const struct pb_buf *text)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    const struct pb_value *v = NULL;
    int64_t n = 0;

    return pb_json_parse(&v, a, text->s, text->len, "credential_process", NULL) == -1 ||
           (pb_get_int(&n, v, "Version") == 0 && n == 1);
}

int pb_aws_creds_process(struct pb_aws_creds *out, const char *command, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv argv = PB_STRV_INIT;
    struct output o = {.fd = -1, .text = PB_BUF_INIT};
    int rc = -1;

    if (split(&argv, command) == -1)
        return pb_fail(err, PB_E_CONFIG, "a credential_process is empty or lacks a closing quote");
    if (run(&o, &argv, err) == -1)
        goto out;
    if (is_version_1(&o.text))
        rc = pb_aws_creds_json(out, &o.text, "SessionToken", "credential_process", err);
    else
        pb_fail(err, PB_E_AUTH, "credential_process '%s' does not say \"Version\": 1", argv.v[0]);
out:
    pb_auto_fd(&o.fd);
    pb_buf_wipe(&o.text);
    return rc;
}
