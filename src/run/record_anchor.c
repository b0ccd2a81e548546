/* Copies of the ledger in Git. */
#include "run/record_internal.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "git/refs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 8, LOCK_MS = 10000 };

/* ---- what is put there ------------------------------------------------------------------ */

struct piece {
    char path[32];
    struct pb_buf bytes;
};

/* Everything of one commit. */
struct content {
    struct pb_checkpoint checkpoint;
    struct pb_buf text, sig;
    uint64_t first; /* number of the first piece */
    struct piece *pieces;
    size_t n, cap;
};

static void content_release(struct content *c)
{
    for (size_t i = 0; i < c->n; i++)
        pb_buf_release(&c->pieces[i].bytes);
    free(c->pieces);
    pb_buf_release(&c->text);
    pb_buf_release(&c->sig);
}

static int add_entry(void *ctx, const struct pb_ledger_entry *e)
{
    struct content *c = ctx;
    uint64_t number = e->seq / PB_RECORD_PIECE;

    if (number < c->first)
        return 0;
    if (number - c->first == c->n) {
        struct piece *p;

        c->pieces = pb_grow(c->pieces, &c->cap, c->n + 1, sizeof(*c->pieces));
        p = &c->pieces[c->n++];
        *p = (struct piece){.bytes = PB_BUF_INIT};
        snprintf(p->path, sizeof(p->path), "entries/%06llu", (unsigned long long)number);
    }
    pb_ledger_add_frame(&c->pieces[c->n - 1].bytes, e);
    return 0;
}

/* The pieces that `have` entries do not fill. The caller holds the lock: nobody appends. */
static int fill(struct content *c, const struct pb_record *r, const struct pb_ledger *l,
                const struct pb_ledger_pin *pins, size_t npins, struct pb_err *err)
{
    struct pb_ledger_report report;

    pb_ledger_checkpoint(&c->checkpoint, l);
    pb_checkpoint_add(&c->text, &c->checkpoint);
    c->first = npins ? pins[0].checkpoint.size / PB_RECORD_PIECE : 0;
    if (pb_ledger_verify_each(&report, r->dir, pins, npins, add_entry, c, err) < 0)
        return -1;
    if (memcmp(report.now.root, c->checkpoint.root, sizeof(report.now.root)) != 0)
        return pb_fail(err, PB_E_LEDGER, "the ledger in '%s' is not what its head says", r->dir);
    return 0;
}

/* ---- the ref ---------------------------------------------------------------------------- */

static int write_ref(char id[PB_OID_HEX], bool *moved, const struct pb_record *r,
                     const struct content *c, const char *old, struct pb_err *err)
{
    PB_AUTO(str) char *mail = pb_asprintf("%s@%s", r->user, r->host);
    PB_AUTO(str)
    char *message =
        pb_asprintf("ledger %s: %llu entries\n", r->name, (unsigned long long)c->checkpoint.size);
    struct pb_ref_file *files = pb_calloc(c->n + 2, sizeof(*files));
    struct pb_ref_change change = {.ref = r->ref,
                                   .expect = old,
                                   .files = files,
                                   .nfiles = c->n + 2,
                                   .name = r->person ? r->person : r->user,
                                   .email = r->email ? r->email : mail,
                                   .message = message,
                                   .when = pb_clock_wall()};
    int rc;

    for (size_t i = 0; i < c->n; i++)
        files[i] =
            (struct pb_ref_file){c->pieces[i].path, c->pieces[i].bytes.s, c->pieces[i].bytes.len};
    files[c->n] = (struct pb_ref_file){PB_RECORD_CHECKPOINT, c->text.s, c->text.len};
    files[c->n + 1] =
        (struct pb_ref_file){PB_RECORD_SIGNATURE, c->sig.len ? c->sig.s : NULL, c->sig.len};
    rc = pb_ref_write(id, moved, r->repo, &change, err);
    free(files);
    return rc;
}

/* 1: another process was faster. */
static int try_ref(struct pb_anchored *out, struct pb_record *r, struct pb_ledger *l,
                   struct pb_err *err)
{
    struct content c = {.text = PB_BUF_INIT, .sig = PB_BUF_INIT};
    PB_AUTO(buf) struct pb_buf was = PB_BUF_INIT;
    struct pb_ledger_pin pin = {.what = r->ref};
    char old[PB_OID_HEX];
    bool moved = false;
    int rc = -1;

    if (pb_ref_id(old, r->repo, r->ref, err) < 0 ||
        (*old && pb_record_checkpoint_at(&pin.checkpoint, &was, r->repo, old, r->ref, err) < 0))
        return -1;
    if (fill(&c, r, l, &pin, *old ? 1 : 0, err) < 0)
        goto out;
    out->checkpoint = c.checkpoint;
    if (*old && pin.checkpoint.size == c.checkpoint.size) { /* it is there already */
        memcpy(out->commit, old, sizeof(old));
        rc = 0;
        goto out;
    }
    if (r->config.signing_key &&
        pb_record_sign(&c.sig, c.text.s, c.text.len, r->config.signing_key, err) < 0)
        goto out;
    rc = write_ref(out->commit, &moved, r, &c, old, err);
    if (rc == 0 && moved)
        rc = 1;
out:
    content_release(&c);
    return rc;
}

static int anchor_here(struct pb_anchored *out, struct pb_record *r, struct pb_err *err)
{
    struct pb_ledger_origin o = {
        .repository = r->id, .user = r->user, .host = r->host, .wait_ms = LOCK_MS};
    struct pb_ledger *l = NULL;
    int rc = pb_record_bring_back(r, err) < 0 ? -1 : pb_ledger_open(&l, r->dir, &o, err);

    if (rc == 0)
        rc = 1;
    for (int i = 0; rc == 1 && i < TRIES; i++)
        rc = try_ref(out, r, l, err);
    pb_ledger_close(l);
    if (rc == 1)
        rc = pb_fail(err, PB_E_LOCKED,
                     "ref '%s' is locked or keeps moving: if no git is at work in '%s', remove "
                     "the ref's .lock file",
                     r->ref, pb_repo_gitdir(r->repo));
    return rc;
}

/* ---- the remote ------------------------------------------------------------------------- */

int pb_record_fetch(struct pb_record *r, struct pb_err *err)
{
    if (!r->config.remote)
        return 0;
    return pb_ref_fetch(r->repo, r->config.remote, PB_RECORD_REFS, r->copies, err);
}

/* Only what the remote has, and this is the continuation of, may be replaced there. */
static int may_replace(const struct pb_record *r, const char *theirs, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    PB_AUTO(str) char *what = pb_asprintf("%s on '%s'", r->ref, r->config.remote);
    struct pb_ledger_pin pin = {.what = what};
    struct pb_ledger_report report;

    if (pb_record_checkpoint_at(&pin.checkpoint, &text, r->repo, theirs, what, err) < 0)
        return -1;
    if (pb_ledger_verify(&report, r->dir, &pin, 1, err) == 0)
        return 0;
    return pb_err_wrap(err,
                       "not pushed; if another machine or user writes a ledger of the name "
                       "'%s', set 'ledger: name:' in plumb.yaml to one of its own",
                       r->name);
}

static int push(struct pb_anchored *out, struct pb_record *r, struct pb_err *err)
{
    char theirs[PB_OID_HEX];
    bool moved = true;

    for (int i = 0; moved && i < TRIES; i++) {
        if ((i > 0 && pb_record_fetch(r, err) < 0) ||
            pb_ref_id(theirs, r->repo, r->copy, err) < 0 ||
            (*theirs && may_replace(r, theirs, err) < 0) ||
            pb_ref_push(&moved, r->repo, r->config.remote, r->ref, out->commit, theirs, err) < 0)
            return -1;
    }
    if (moved)
        return pb_fail(err, PB_E_LOCKED, "'%s' on '%s' keeps moving", r->ref, r->config.remote);
    out->pushed = true;
    return pb_ref_set(r->repo, r->copy, out->commit, err);
}

int pb_record_anchor(struct pb_anchored *out, struct pb_record *r, struct pb_err *err)
{
    memset(out, 0, sizeof(*out));
    if (anchor_here(out, r, err) < 0)
        return -1;
    out->signed_ = r->config.signing_key != NULL;
    return r->config.remote ? push(out, r, err) : 0;
}
