/* Signatures of checkpoints: SSHSIG, made and checked by ssh-keygen. */
#include "run/record_internal.h"

#include "base/child.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIGN_MS = 60000, SIG_MAX = 64 << 10 };

/* Runs ssh-keygen in `work`; its words are in `said`. */
static int keygen(int *code, struct pb_buf *said, const char *work, const char *in,
                  const char *const *args, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv argv = PB_STRV_INIT;
    PB_AUTO(str) char *out = pb_fs_join(work, "said");
    struct pb_child_spec spec = {.env = environ,
                                 .dir = work,
                                 .in_path = in,
                                 .out_path = out,
                                 .err_path = out,
                                 .timeout_ms = SIGN_MS,
                                 .kill_after_ms = 1000};
    struct pb_child_status st;

    pb_strv_add(&argv, "ssh-keygen");
    for (; *args; args++)
        pb_strv_add(&argv, *args);
    spec.argv = argv.v;
    if (pb_child_run(&st, &spec, err) < 0)
        return st.started
                   ? -1
                   : pb_err_wrap(err, "ssh-keygen (openssh-client) makes and checks signatures");
    *code = st.exited ? st.code : 128;
    return pb_fs_read(said, out, SIG_MAX, err);
}

static char *expand_home(const char *path)
{
    const char *home = getenv("HOME");

    return pb_starts_with(path, "~/") && home ? pb_fs_join(home, path + 2) : pb_strdup(path);
}

static void add_line(struct pb_buf *b, const struct pb_buf *said)
{
    pb_text_add_safe(b, said->s, strcspn(said->s, "\r\n"));
}

int pb_record_sign(struct pb_buf *out, const char *text, size_t n, const char *key,
                   struct pb_err *err)
{
    PB_AUTO(str) char *path = expand_home(key);
    PB_AUTO(buf) struct pb_buf said = PB_BUF_INIT, line = PB_BUF_INIT;
    PB_AUTO(str) char *file = NULL, *sig = NULL;
    const char *args[] = {"-Y", "sign", "-q",         "-n", PB_RECORD_NAMESPACE,
                          "-f", path,   "checkpoint", NULL};
    char *work = NULL;
    int rc = -1, code = 0;

    if (pb_work_new(&work, err) < 0)
        return -1;
    file = pb_fs_join(work, "checkpoint");
    sig = pb_fs_join(work, "checkpoint.sig");
    if (pb_fs_write_atomic(file, text, n, 0600, err) == 0 &&
        keygen(&code, &said, work, NULL, args, err) == 0) {
        add_line(&line, &said);
        if (code != 0)
            pb_fail(err, PB_E_TOOL, "cannot sign with '%s': %s", path, line.s);
        else
            rc = pb_fs_read(out, sig, SIG_MAX, err);
    }
    pb_work_remove(work);
    free(work);
    return rc;
}

/* Who the key belongs to, then whether the signature is good. */
static int check(char *out, size_t size, const char *work, struct pb_err *err)
{
    static const char *const find[] = {"-Y", "find-principals", "-s", "sig", "-f", "signers", NULL};
    PB_AUTO(buf) struct pb_buf said = PB_BUF_INIT, line = PB_BUF_INIT;
    PB_AUTO(str) char *text = pb_fs_join(work, "checkpoint");
    int code;

    if (keygen(&code, &said, work, NULL, find, err) < 0)
        return -1;
    if (code != 0 || !said.len)
        return pb_fail(err, PB_E_LEDGER, "it is signed with a key that is not allowed");
    add_line(&line, &said);
    if (line.len >= size)
        return pb_fail(err, PB_E_LEDGER, "its signer's name is too long");
    {
        const char *verify[] = {"-Y", "verify", "-n", PB_RECORD_NAMESPACE,
                                "-s", "sig",    "-f", "signers",
                                "-I", line.s,   NULL};

        pb_buf_clear(&said);
        if (keygen(&code, &said, work, text, verify, err) < 0)
            return -1;
    }
    if (code != 0)
        return pb_fail(err, PB_E_LEDGER, "its signature is not good");
    memcpy(out, line.s, line.len + 1);
    return 0;
}

int pb_record_signer(char *out, size_t size, const char *text, size_t n, const char *sig,
                     const char *signers, const char *what, struct pb_err *err)
{
    static const char *const names[] = {"checkpoint", "sig", "signers"};
    const char *bytes[] = {text, sig, signers};
    size_t len[] = {n, strlen(sig), strlen(signers)};
    char *work = NULL;
    int rc = 0;

    if (pb_work_new(&work, err) < 0)
        return -1;
    for (size_t i = 0; rc == 0 && i < PB_COUNT(names); i++) {
        PB_AUTO(str) char *path = pb_fs_join(work, names[i]);

        rc = pb_fs_write_atomic(path, bytes[i], len[i], 0600, err);
    }
    if (rc == 0)
        rc = check(out, size, work, err);
    if (rc < 0)
        pb_err_wrap(err, "the checkpoint of %s", what);
    pb_work_remove(work);
    free(work);
    return rc;
}
