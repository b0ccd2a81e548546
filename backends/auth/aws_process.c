/* credential_process of a profile: another program prints the credentials. */
#include <sys/stat.h>
#include <fcntl.h>

#include "backends/auth/aws_ask.h"
#include "base/child.h"
#include "base/fs.h"
#include "base/mem.h"

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

/* Its error output is not shown: it is not ours to know what is in there. */
static int run(struct pb_buf *text, struct pb_strv *argv, const char *file, struct pb_err *err)
{
    struct pb_child_spec spec = {.argv = argv->v,
                                 .env = environ,
                                 .out_path = file,
                                 .timeout_ms = PROCESS_MS,
                                 .kill_after_ms = 5000};
    struct pb_child_status st = {0};
    struct pb_child *c = NULL;
    int rc;

    if (pb_child_start(&c, &spec, err) == -1)
        return -1;
    rc = pb_child_wait(&st, c, NULL, NULL, err);
    pb_child_free(c);
    if (rc == -1)
        return -1;
    if (st.timed_out)
        return pb_fail(err, PB_E_AUTH, "credential_process '%s' took longer than %d seconds",
                       argv->v[0], PROCESS_MS / 1000);
    if (!st.exited || st.code != 0)
        return pb_fail(
            err, PB_E_AUTH, "credential_process '%s' ended with %s %d; run it by hand to see why",
            argv->v[0], st.exited ? "exit code" : "signal", st.exited ? st.code : st.signal);
    return pb_fs_read(text, file, PROCESS_OUT, err);
}

int pb_aws_creds_process(struct pb_aws_creds *out, const char *command, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv argv = PB_STRV_INIT;
    PB_AUTO(str) char *dir = NULL;
    PB_AUTO(str) char *file = NULL;
    struct pb_buf text = PB_BUF_INIT;
    int rc = -1;

    if (split(&argv, command) == -1)
        return pb_fail(err, PB_E_CONFIG, "a credential_process is empty or lacks a closing quote");
    if (pb_work_new(&dir, err) == -1)
        return -1;
    file = pb_fs_join(dir, "credentials");
    if (run(&text, &argv, file, err) == 0)
        rc = pb_aws_creds_json(out, &text, "SessionToken", "credential_process", err);
    pb_buf_wipe(&text);
    pb_work_remove(dir);
    return rc;
}
