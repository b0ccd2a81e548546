#include "git/signed.h"

#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"

enum { CHECK_MS = 120000, OUTPUT_MAX = 1 << 20 };

static const char pgp_mark[] = "-----BEGIN PGP PUBLIC KEY BLOCK-----";

struct checker {
    char *work;   /* private folder */
    char *keys;   /* the signers as a file */
    char *gnupg;  /* a keyring that has them and nobody else */
    bool openpgp; /* else SSH */
    struct pb_strv env;
};

static int run(struct pb_buf *said, struct checker *k, char *const *argv, const char *dir,
               struct pb_err *err)
{
    PB_AUTO(str) char *out = pb_fs_join(k->work, "said");
    struct pb_child_spec spec = {.argv = argv,
                                 .env = k->env.v,
                                 .dir = dir,
                                 .out_path = out,
                                 .timeout_ms = CHECK_MS,
                                 .kill_after_ms = 1000};
    struct pb_child_status st;

    if (pb_child_run(&st, &spec, err) < 0)
        return pb_err_wrap(err, "'%s' is needed to check signatures", argv[0]);
    if (!st.exited || st.code != 0)
        return pb_fail(err, PB_E_TOOL, "signatures cannot be checked: '%s' failed", argv[0]);
    return pb_fs_read(said, out, OUTPUT_MAX, err);
}

static int import_keys(struct checker *k, struct pb_err *err)
{
    const char *words[] = {"gpg", "--batch", "--quiet", "--no-autostart", "--import", k->keys};
    PB_AUTO(strv) struct pb_strv argv = PB_STRV_INIT;
    PB_AUTO(buf) struct pb_buf said = PB_BUF_INIT;

    for (size_t i = 0; i < PB_COUNT(words); i++)
        pb_strv_add(&argv, words[i]);
    if (pb_fs_mkdirs(k->gnupg, 0700, err) < 0)
        return -1;
    return run(&said, k, argv.v, k->work, err);
}

static int start(struct checker *k, const char *signers, size_t n, struct pb_err *err)
{
    const char *path = getenv("PATH");

    if (pb_work_new(&k->work, err) < 0)
        return -1;
    k->keys = pb_fs_join(k->work, "signers");
    k->gnupg = pb_fs_join(k->work, "gnupg");
    k->openpgp = memmem(signers, n, pgp_mark, strlen(pgp_mark)) != NULL;
    pb_strv_setenv(&k->env, "PATH", path ? path : "/usr/bin:/bin");
    pb_strv_setenv(&k->env, "LC_ALL", "C");
    pb_strv_setenv(&k->env, "HOME", k->work);
    pb_strv_setenv(&k->env, "GNUPGHOME", k->gnupg);
    pb_strv_setenv(&k->env, "GIT_CONFIG_NOSYSTEM", "1");
    pb_strv_setenv(&k->env, "GIT_CONFIG_GLOBAL", "/dev/null");
    pb_strv_setenv(&k->env, "GIT_NO_REPLACE_OBJECTS", "1");
    if (pb_fs_write_atomic(k->keys, signers, n, 0600, err) < 0)
        return -1;
    return k->openpgp ? import_keys(k, err) : 0;
}

static void finish(struct checker *k)
{
    pb_strv_release(&k->env);
    pb_work_remove(k->work);
    free(k->work);
    free(k->keys);
    free(k->gnupg);
}

/* One line for each commit: its id, and what git thinks of its signature. */
static int ask(struct pb_buf *said, struct checker *k, struct pb_repo *repo, const char *commit,
               const char *since, struct pb_err *err)
{
    static const char *const plain[] = {"core.hooksPath=/dev/null", "core.fsmonitor=false",
                                        "safe.directory=*", "gpg.x509.program=/bin/false",
                                        "gpg.minTrustLevel=undefined"};
    PB_AUTO(strv) struct pb_strv argv = PB_STRV_INIT;

    pb_strv_add(&argv, "git");
    for (size_t i = 0; i < PB_COUNT(plain); i++) {
        pb_strv_add(&argv, "-c");
        pb_strv_add(&argv, plain[i]);
    }
    pb_strv_add(&argv, "-c");
    pb_strv_addf(&argv, "gpg.program=%s", k->openpgp ? "gpg" : "/bin/false");
    pb_strv_add(&argv, "-c");
    pb_strv_addf(&argv, "gpg.ssh.program=%s", k->openpgp ? "/bin/false" : "ssh-keygen");
    pb_strv_add(&argv, "-c");
    pb_strv_addf(&argv, "gpg.ssh.allowedSignersFile=%s", k->keys);
    pb_strv_addf(&argv, "--git-dir=%s", pb_repo_gitdir(repo));
    pb_strv_add(&argv, "log");
    pb_strv_add(&argv, "--no-show-signature");
    pb_strv_add(&argv, "--format=%H %G?");
    pb_strv_addf(&argv, "--max-count=%d", since ? PB_SIGNED_MAX + 1 : 1);
    pb_strv_add(&argv, commit);
    if (since)
        pb_strv_addf(&argv, "^%s", since);
    pb_strv_add(&argv, "--");
    return run(said, k, argv.v, k->work, err);
}

/* SSH: only who is in the file is good. OpenPGP: nobody else is in the keyring, and trust in who
 * they are is what the file says. */
static bool is_good(const struct checker *k, char verdict)
{
    return verdict == 'G' || (k->openpgp && verdict == 'U');
}

static int read_verdicts(char bad[PB_OID_HEX], size_t *n, const struct checker *k,
                         const struct pb_buf *said, struct pb_err *err)
{
    for (const char *p = said->s; p && *p; p = pb_text_line(p, 2)) {
        if (strcspn(p, " \n") != PB_OID_HEX - 1 || p[PB_OID_HEX - 1] != ' ')
            return pb_fail(err, PB_E_TOOL, "signatures cannot be checked: git says '%.*s'",
                           (int)strcspn(p, "\r\n"), p);
        (*n)++;
        if (*bad || is_good(k, p[PB_OID_HEX]))
            continue;
        memcpy(bad, p, PB_OID_HEX - 1);
        bad[PB_OID_HEX - 1] = '\0';
    }
    return 0;
}

int pb_git_signed(char bad[PB_OID_HEX], struct pb_repo *repo, const char *commit, const char *since,
                  const char *signers, size_t n, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf said = PB_BUF_INIT, more = PB_BUF_INIT;
    struct checker k = {.env = PB_STRV_INIT};
    size_t count = 0;
    int rc = -1;

    memset(bad, 0, PB_OID_HEX);
    if (start(&k, signers, n, err) < 0 || ask(&said, &k, repo, commit, NULL, err) < 0 ||
        read_verdicts(bad, &count, &k, &said, err) < 0)
        goto out;
    if (count != 1 || !pb_starts_with(said.s, commit)) {
        pb_fail(err, PB_E_TOOL, "signatures cannot be checked: git does not show commit %s",
                commit);
        goto out;
    }
    if (since && (ask(&more, &k, repo, commit, since, err) < 0 ||
                  read_verdicts(bad, &count, &k, &more, err) < 0))
        goto out;
    if (count > PB_SIGNED_MAX + 1) {
        pb_fail(err, PB_E_REFUSED, "there are more than %d commits since %.8s to be checked",
                PB_SIGNED_MAX, since);
        goto out;
    }
    rc = 0;
out:
    finish(&k);
    return rc;
}
