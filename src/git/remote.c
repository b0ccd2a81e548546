#include "git/refs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"

enum { REMOTE_MS = 120000, KILL_AFTER_MS = 5000, OUTPUT_MAX = 1 << 20 };

extern char **environ;

/* One run of git: its exit code and what it said on both streams, in one buffer. */
struct said {
    int code;
    struct pb_buf text;
};

/* Nothing may ask or wait for somebody; hooks belong to the person's own pushes. */
static void build(struct pb_strv *argv, struct pb_strv *env, const struct pb_repo *repo,
                  const char *const *args)
{
    static const char *const first[] = {"git", "-c", "core.hooksPath=/dev/null", "-c",
                                        "core.fsmonitor=false"};

    for (size_t i = 0; i < PB_COUNT(first); i++)
        pb_strv_add(argv, first[i]);
    pb_strv_addf(argv, "--git-dir=%s", pb_repo_gitdir(repo));
    for (; *args; args++)
        pb_strv_add(argv, *args);
    for (char **e = environ; e && *e; e++)
        if (!pb_starts_with(*e, "GIT_DIR=") && !pb_starts_with(*e, "GIT_WORK_TREE=") &&
            !pb_starts_with(*e, "GIT_INDEX_FILE="))
            pb_strv_add(env, *e);
    pb_strv_setenv(env, "GIT_TERMINAL_PROMPT", "0");
    pb_strv_setenv(env, "LC_ALL", "C");
    if (!getenv("GIT_SSH_COMMAND") && !getenv("GIT_SSH"))
        pb_strv_setenv(env, "GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
}

static int run_in(struct said *out, const struct pb_repo *repo, const char *const *args,
                  const char *work, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv argv = PB_STRV_INIT;
    PB_AUTO(strv) struct pb_strv env = PB_STRV_INIT;
    PB_AUTO(str) char *path = pb_fs_join(work, "git.out");
    const char *top = pb_repo_workdir(repo) ? pb_repo_workdir(repo) : pb_repo_gitdir(repo);
    struct pb_child_spec spec = {.dir = top,
                                 .out_path = path,
                                 .err_path = path,
                                 .timeout_ms = REMOTE_MS,
                                 .kill_after_ms = KILL_AFTER_MS};
    struct pb_child_status st;

    /* A relative URL of a remote counts from there. */
    build(&argv, &env, repo, args);
    spec.argv = argv.v;
    spec.env = env.v;
    if (pb_child_run(&st, &spec, err))
        return st.started ? -1 : pb_err_wrap(err, "git is needed to reach the remote");
    if (st.timed_out)
        return pb_fail(err, PB_E_NET, "git %s took longer than %d s and was stopped", args[0],
                       REMOTE_MS / 1000);
    out->code = st.exited ? st.code : 128;
    return pb_fs_read(&out->text, path, OUTPUT_MAX, err);
}

static int run(struct said *out, const struct pb_repo *repo, const char *const *args,
               struct pb_err *err)
{
    char *work = NULL;
    int rc;

    *out = (struct said){0, PB_BUF_INIT};
    if (pb_work_new(&work, err))
        return -1;
    rc = run_in(out, repo, args, work, err);
    pb_work_remove(work);
    free(work);
    return rc;
}

/* The line that says why, without what could move a terminal; URLs lose their login. */
static int fail(struct pb_err *err, const struct said *s, const char *doing, const char *remote)
{
    static const char *const marks[] = {"remote: ", "!\t", "fatal: ", "error: ", ""};
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    const char *at = NULL;

    for (size_t i = 0; !at && i < PB_COUNT(marks); i++)
        at = strstr(s->text.s, marks[i]);
    if (at)
        pb_text_add_safe(&b, at, strcspn(at, "\n"));
    return pb_fail(err, PB_E_GIT, "cannot %s remote '%s': git says: %s", doing, remote,
                   b.len ? b.s : "nothing");
}

/* git's porcelain says "!\t<from>:<to>\t[rejected] (stale info)"; a server that lost a race
 * says that it could not lock the ref. */
static bool says_moved(const char *text)
{
    const char *at = strstr(text, "!\t");

    return at && (strstr(at, "(stale info)") || strstr(at, "cannot lock ref") ||
                  strstr(at, "(fetch first)") || strstr(at, "(non-fast-forward)") ||
                  strstr(at, "failed to update ref") || strstr(at, "reference already exists"));
}

int pb_ref_push(bool *moved, struct pb_repo *repo, const char *remote, const char *ref,
                const char *id, const char *expect, struct pb_err *err)
{
    PB_AUTO(str) char *lease = pb_asprintf("--force-with-lease=%s:%s", ref, expect);
    PB_AUTO(str) char *what = pb_asprintf("%s:%s", id, ref);
    const char *args[] = {"push", "--porcelain", "--no-verify", "--no-signed", lease,
                          "--",   remote,        what,          NULL};
    struct said s;
    int rc = -1;

    *moved = false;
    if (run(&s, repo, args, err) == 0) {
        *moved = s.code != 0 && says_moved(s.text.s);
        rc = s.code == 0 || *moved ? 0 : fail(err, &s, "push to", remote);
    }
    pb_buf_release(&s.text);
    return rc;
}

int pb_ref_fetch(struct pb_repo *repo, const char *remote, const char *prefix, const char *into,
                 struct pb_err *err)
{
    PB_AUTO(str) char *spec = pb_asprintf("+%s*:%s*", prefix, into);
    const char *args[] = {"fetch",   "--no-tags", "--no-write-fetch-head",
                          "--prune", "--quiet",   "--",
                          remote,    spec,        NULL};
    struct said s;
    int rc = run(&s, repo, args, err);

    if (rc == 0 && s.code != 0)
        rc = fail(err, &s, "fetch from", remote);
    pb_buf_release(&s.text);
    return rc;
}
