/* Where the ledger of a repository is, and writing to it. */
#include "run/record_internal.h"

#include "run/identity.h"

#include "base/digest.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/user.h"
#include "git/refs.h"
#include "git/tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOCK_MS = 10000, CHECKPOINT_MAX = 4096, PIECES_MAX = 1000000 };

/* A name as a part of a ref: what Git does not take becomes '-'. */
static char *ref_part(const char *name)
{
    static const char fine[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    char *s = pb_strdup(*name ? name : "unnamed");

    for (char *p = s; *p; p++)
        if (!strchr(fine, *p) || (*p == '.' && (p == s || p[1] == '.' || !p[1])))
            *p = '-';
    if (pb_ends_with(s, ".lock"))
        s[strlen(s) - 5] = '-';
    return s;
}

static void find_who(struct pb_record *r)
{
    char host[256] = "";

    if (gethostname(host, sizeof(host) - 1) != 0 || !*host)
        snprintf(host, sizeof(host), "localhost");
    r->host = pb_strdup(host);
    r->user = pb_user_name();
    pb_repo_identity(&r->person, &r->email, r->repo);
}

int pb_record_open(struct pb_record *r, struct pb_repo *repo, const struct pb_config_ledger *c,
                   struct pb_err *err)
{
    PB_AUTO(str) char *state = NULL;
    char hex[PB_SHA256_HEX];

    *r = (struct pb_record){.repo = repo, .config = *c};
    if (pb_fs_state_dir(&state, err) < 0 || pb_identity_find(&r->id, repo, err) < 0)
        return -1;
    pb_sha256_hex_of(hex, r->id, strlen(r->id));
    r->dir = pb_asprintf("%s/ledger/%.32s", state, hex);
    find_who(r);
    r->name = ref_part(c->name ? c->name : r->host);
    r->ref = pb_asprintf(PB_RECORD_REFS "%s", r->name);
    if (c->remote) {
        PB_AUTO(str) char *part = ref_part(c->remote);

        r->copies = pb_asprintf("refs/plumb/remote/%s/ledger/", part);
        r->live_copies = pb_asprintf("refs/plumb/remote/%s/live/", part);
        r->copy = pb_asprintf("%s%s", r->copies, r->name);
    }
    return 0;
}

void pb_record_release(struct pb_record *r)
{
    free(r->dir);
    free(r->id);
    free(r->name);
    free(r->ref);
    free(r->copies);
    free(r->copy);
    free(r->live_copies);
    free(r->user);
    free(r->host);
    free(r->person);
    free(r->email);
    memset(r, 0, sizeof(*r));
}

/* ---- from Git --------------------------------------------------------------------------- */

/* What Git has under the name of a ledger can be anything: somebody pushed it. */
static int no_ledger(const char *what, struct pb_err *err)
{
    if (err && (err->cls == PB_E_INPUT || err->cls == PB_E_GIT || err->cls == PB_E_REFUSED))
        err->cls = PB_E_LEDGER;
    return pb_err_wrap(err,
                       "'%s' is not a whole copy of a ledger; if it never was one, delete it "
                       "here and on the remote",
                       what);
}

int pb_record_checkpoint_at(struct pb_checkpoint *out, struct pb_buf *text, struct pb_repo *repo,
                            const char *commit, const char *what, struct pb_err *err)
{
    if (pb_tree_read(text, repo, commit, PB_RECORD_CHECKPOINT, CHECKPOINT_MAX, err) < 0)
        return no_ledger(what, err);
    return pb_checkpoint_parse(out, text->s, text->len, what, err);
}

static int join_pieces(struct pb_buf *log, struct pb_repo *repo, const char *commit,
                       uint64_t entries, struct pb_err *err)
{
    uint64_t pieces = (entries + PB_RECORD_PIECE - 1) / PB_RECORD_PIECE;

    if (pieces > PIECES_MAX)
        return pb_fail(err, PB_E_LEDGER, "a ledger of %llu entries is more than plumb takes",
                       (unsigned long long)entries);
    log->max = PB_RECORD_LOG_MAX;
    for (uint64_t i = 0; i < pieces; i++) {
        PB_AUTO(buf) struct pb_buf piece = PB_BUF_INIT;
        char path[32];

        snprintf(path, sizeof(path), "entries/%06llu", (unsigned long long)i);
        if (pb_tree_read(&piece, repo, commit, path, PB_RECORD_LOG_MAX - log->len, err) < 0)
            return -1;
        pb_buf_add(log, piece.s, piece.len);
    }
    return 0;
}

int pb_record_restore(const char *dir, struct pb_repo *repo, const char *commit, const char *what,
                      struct pb_err *err)
{
    PB_AUTO(str) char *log_path = pb_asprintf("%s/log", dir);
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT, log = PB_BUF_INIT;
    struct pb_ledger_pin pin = {.what = what};
    struct pb_ledger_report report;
    int rc;

    if (pb_record_checkpoint_at(&pin.checkpoint, &text, repo, commit, what, err) < 0)
        return -1;
    if (join_pieces(&log, repo, commit, pin.checkpoint.size, err) < 0)
        return no_ledger(what, err);
    rc = pb_fs_mkdirs(dir, 0700, err);
    if (rc == 0)
        rc = pb_fs_write_atomic(log_path, log.s, log.len, 0600, err);
    if (rc < 0) {
        pb_fs_remove_tree(dir, NULL);
        return -1;
    }
    rc = pb_ledger_verify(&report, dir, &pin, 1, err);
    if (rc == 0 && (report.end != PB_LEDGER_END_WHOLE || report.now.size != pin.checkpoint.size))
        rc = pb_fail(err, PB_E_LEDGER, "'%s' has entries that its checkpoint does not cover", what);
    else if (rc < 0)
        no_ledger(what, err);
    if (rc < 0)
        pb_fs_remove_tree(dir, NULL);
    return rc;
}

/* The newest copy that Git has, if any: *id is "" else. */
static int find_copy(char id[PB_OID_HEX], struct pb_record *r, struct pb_err *err)
{
    if (pb_ref_id(id, r->repo, r->ref, err) < 0)
        return -1;
    if (*id || !r->copy)
        return 0;
    return pb_record_fetch(r, err) < 0 ? -1 : pb_ref_id(id, r->repo, r->copy, err);
}

/* Under the writers' lock, so that it is never put over one that somebody has begun meanwhile; what
 * a killed one left is removed. */
static int put_copy(struct pb_record *r, const char *log, const char *id, struct pb_err *err)
{
    PB_AUTO(str) char *fresh = pb_fs_join(r->dir, "new"), *from = pb_fs_join(fresh, "log");

    if (pb_fs_exists(log))
        return 0;
    if (pb_fs_remove_tree(fresh, err) < 0 || pb_record_restore(fresh, r->repo, id, r->ref, err) < 0)
        return -1;
    if (pb_fault("ledger.restored") || rename(from, log) != 0)
        return pb_fail_errno(err, PB_E_IO, "cannot make the ledger '%s'", log);
    pb_fs_remove_tree(fresh, NULL);
    return 0;
}

int pb_record_bring_back(struct pb_record *r, struct pb_err *err)
{
    PB_AUTO(str) char *log = pb_fs_join(r->dir, "log"), *lock = pb_fs_join(r->dir, "lock");
    char id[PB_OID_HEX];
    int fd, rc;

    if (pb_identity_keep(r->id, r->repo, err) < 0)
        return -1;
    if (pb_fs_exists(log))
        return 0;
    if (find_copy(id, r, err) < 0)
        return -1;
    if (!*id)
        return 0;
    if (pb_fs_mkdirs(r->dir, 0700, err) < 0)
        return -1;
    fd = pb_lock_take(lock, LOCK_MS, err);
    if (fd < 0)
        return -1;
    rc = put_copy(r, log, id, err);
    close(fd);
    return rc;
}

struct pb_ledger_origin pb_record_origin(const struct pb_record *r)
{
    return (struct pb_ledger_origin){.repository = r->id,
                                     .user = r->user,
                                     .host = r->host,
                                     .name = r->person,
                                     .email = r->email,
                                     .wait_ms = LOCK_MS};
}

int pb_record_append(struct pb_record *r, const char *kind, const struct pb_value *body,
                     struct pb_err *err)
{
    struct pb_ledger_origin o = pb_record_origin(r);
    struct pb_ledger *l = NULL;
    int rc = -1;

    if (pb_record_bring_back(r, err) == 0 && pb_ledger_open(&l, r->dir, &o, err) == 0)
        rc = pb_ledger_append(l, kind, body, err);
    pb_ledger_close(l);
    return rc;
}
