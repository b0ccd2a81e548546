/* Whether the ledger stands, and fits what others have of it. */
#include "run/record_internal.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "git/refs.h"
#include "git/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PIN_MAX = 64 << 10, SIGNERS_MAX = 1 << 20 };

struct pins {
    struct pb_ledger_pin *v;
    size_t n, cap;
};

static struct pb_ledger_pin *new_pin(struct pins *p, const char *what)
{
    p->v = pb_grow(p->v, &p->cap, p->n + 1, sizeof(*p->v));
    p->v[p->n] = (struct pb_ledger_pin){.what = what};
    return &p->v[p->n++];
}

static int check_signature(char *signer, size_t size, const struct pb_record *r, const char *commit,
                           const struct pb_buf *text, const char *what, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf sig = PB_BUF_INIT, signers = PB_BUF_INIT;
    struct pb_err inner = PB_ERR_INIT;
    char head[PB_OID_HEX];

    if (!r->config.allowed_signers)
        return 0;
    if (pb_repo_resolve(head, r->repo, "HEAD", err) < 0 ||
        pb_tree_read(&signers, r->repo, head, r->config.allowed_signers, SIGNERS_MAX, err) < 0)
        return pb_err_wrap(err, "'ledger: allowed_signers:' of plumb.yaml");
    if (pb_tree_read(&sig, r->repo, commit, PB_RECORD_SIGNATURE, PIN_MAX, &inner) < 0)
        return inner.sys == ENOENT
                   ? pb_fail(err, PB_E_LEDGER, "the checkpoint of %s is not signed", what)
                   : pb_fail(err, inner.cls, "%s", inner.msg);
    return pb_record_signer(signer, size, text->s, text->len, sig.s, signers.s, what, err);
}

/* The checkpoint that a ref has, if there is one. */
static int add_ref(struct pins *p, uint64_t *covers, char *signer, size_t size,
                   const struct pb_record *r, const char *ref, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_ledger_pin *pin;
    char id[PB_OID_HEX];

    if (!ref)
        return 0;
    if (pb_ref_id(id, r->repo, ref, err) < 0)
        return -1;
    if (!*id)
        return 0;
    pin = new_pin(p, ref);
    if (pb_record_checkpoint_at(&pin->checkpoint, &text, r->repo, id, ref, err) < 0)
        return -1;
    *covers = pin->checkpoint.size;
    return check_signature(signer, size, r, id, &text, ref, err);
}

static int add_file(struct pins *p, const char *path, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

    if (pb_fs_read(&text, path, PIN_MAX, err) < 0)
        return -1;
    return pb_checkpoint_parse(&new_pin(p, path)->checkpoint, text.s, text.len, path, err);
}

struct walk {
    const char *name;
    int (*fn)(void *ctx, const char *name, const struct pb_ledger_entry *e);
    void *ctx;
};

static int one_entry(void *ctx, const struct pb_ledger_entry *e)
{
    const struct walk *w = ctx;

    return w->fn(w->ctx, w->name, e);
}

/* Names of ledgers but for `except`, each with the ref that has it. */
static int list(struct pb_strv *names, struct pb_strv *refs, const struct pb_record *r,
                const char *prefix, const char *except, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv found = PB_STRV_INIT;

    if (!prefix)
        return 0;
    if (pb_ref_list(&found, r->repo, prefix, err) < 0)
        return -1;
    for (size_t i = 0; i < found.n; i++) {
        const char *name = found.v[i] + strlen(prefix);

        if (pb_streq(name, except) || pb_strv_has(names, name))
            continue;
        pb_strv_add(names, name);
        pb_strv_add(refs, found.v[i]);
    }
    return 0;
}

/* The log that `commit` has, shown to be what its checkpoint says. Only then, with `w`, is each
 * entry told: of a copy that does not stand, none is. */
static int read_commit(const struct pb_record *r, struct walk *w, const char *ref,
                       const char *commit, struct pb_err *err)
{
    PB_AUTO(str) char *dir = NULL;
    enum pb_ledger_end end;
    char *work = NULL;
    int rc;

    if (pb_work_new(&work, err) < 0)
        return -1;
    dir = pb_fs_join(work, "ledger");
    rc = pb_record_restore(dir, r->repo, commit, ref, err);
    if (rc == 0 && w)
        rc = pb_ledger_walk(dir, one_entry, w, &end, err);
    pb_work_remove(work);
    free(work);
    return rc;
}

static int read_copy(const struct pb_record *r, struct walk *w, const char *ref, struct pb_err *err)
{
    char id[PB_OID_HEX];

    if (pb_ref_id(id, r->repo, ref, err) < 0)
        return -1;
    return *id ? read_commit(r, w, ref, id, err) : 0;
}

/* This ledger as it is anchored, and as the remote had it: mostly the same. */
static int check_own(const struct pb_record *r, struct pb_err *err)
{
    char here[PB_OID_HEX], there[PB_OID_HEX] = "";

    if (pb_ref_id(here, r->repo, r->ref, err) < 0 ||
        (r->copy && pb_ref_id(there, r->repo, r->copy, err) < 0) ||
        (*here && read_commit(r, NULL, r->ref, here, err) < 0))
        return -1;
    return *there && strcmp(here, there) != 0 ? read_commit(r, NULL, r->copy, there, err) : 0;
}

/* Every copy that Git has, of this ledger and of the others. */
static int check_copies(struct pb_record_check *out, const struct pb_record *r, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv names = PB_STRV_INIT, refs = PB_STRV_INIT;

    if (check_own(r, err) < 0 || list(&names, &refs, r, r->copies, r->name, err) < 0 ||
        list(&names, &refs, r, PB_RECORD_REFS, r->name, err) < 0)
        return -1;
    /* Whoever can push could keep this machine from verifying its own otherwise. */
    for (size_t i = 0; i < refs.n; i++) {
        struct pb_err inner = PB_ERR_INIT;

        if (read_copy(r, NULL, refs.v[i], &inner) == 0)
            out->others++;
        else if (inner.cls != PB_E_LEDGER)
            return pb_fail(err, inner.cls, "%s", inner.msg);
        else if (!out->damaged.cls)
            out->damaged = inner;
    }
    return 0;
}

static int check_absent(const struct pb_record *r, const struct pins *p, struct pb_err *err)
{
    PB_AUTO(str) char *head = pb_fs_join(r->dir, "head");

    if (p->n)
        return pb_fail(err, PB_E_LEDGER,
                       "there is no ledger in '%s', but %s has %llu entries: the next entry is "
                       "written after they have been restored",
                       r->dir, p->v[0].what, (unsigned long long)p->v[0].checkpoint.size);
    if (pb_fs_exists(head))
        return pb_fail(err, PB_E_LEDGER,
                       "the log of the ledger in '%s' is gone: put it back from where it is kept, "
                       "or move the folder aside to begin another",
                       r->dir);
    return 0;
}

/* A checkpoint of its last writer, beside it: a shortcut, of which a damaged one says nothing. */
static bool read_head(struct pb_checkpoint *out, const char *path)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

    return pb_fs_read(&text, path, PIN_MAX, NULL) == 0 &&
           pb_checkpoint_parse(out, text.s, text.len, path, NULL) == 0;
}

/* Somebody may have written since it was read, and never takes anything away. */
static int check_head(const struct pb_checkpoint *now, const struct pb_checkpoint *head,
                      const char *dir, struct pb_err *err)
{
    if (head->size < now->size ||
        (head->size == now->size && memcmp(head->root, now->root, sizeof(now->root)) == 0))
        return 0;
    return pb_fail(err, PB_E_LEDGER,
                   "the ledger in '%s' is not what its last writer left: it has %llu entries, and "
                   "had %llu; put it back from where it is kept",
                   dir, (unsigned long long)now->size, (unsigned long long)head->size);
}

int pb_record_verify(struct pb_record_check *out, struct pb_record *r, char *const *pins,
                     struct pb_err *err)
{
    PB_AUTO(str) char *log = pb_fs_join(r->dir, "log"), *path = pb_fs_join(r->dir, "head");
    struct pb_checkpoint head = {.size = 0};
    char other[sizeof(out->signer)] = "";
    bool known = read_head(&head, path);
    struct pins p = {0};
    int rc;

    memset(out, 0, sizeof(*out));
    rc = add_ref(&p, &out->in_ref, out->signer, sizeof(out->signer), r, r->ref, err);
    if (rc == 0)
        rc = add_ref(&p, &out->in_copy, other, sizeof(other), r, r->copy, err);
    out->elsewhere = out->in_copy;
    for (; rc == 0 && pins && *pins; pins++) {
        rc = add_file(&p, *pins, err);
        if (rc == 0 && p.v[p.n - 1].checkpoint.size > out->elsewhere)
            out->elsewhere = p.v[p.n - 1].checkpoint.size;
    }
    out->absent = !pb_fs_exists(log);
    if (rc == 0 && out->absent)
        rc = check_absent(r, &p, err);
    if (rc == 0 && !out->absent)
        rc = pb_ledger_verify(&out->log, r->dir, p.v, p.n, err);
    if (rc == 0 && !out->absent && known)
        rc = check_head(&out->log.now, &head, r->dir, err);
    if (rc == 0)
        rc = check_copies(out, r, err);
    free(p.v);
    return rc;
}

/* ---- every ledger ----------------------------------------------------------------------- */

int pb_record_walk(struct pb_record *r,
                   int (*fn)(void *ctx, const char *name, const struct pb_ledger_entry *e),
                   void *ctx, struct pb_err *damaged, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv names = PB_STRV_INIT, refs = PB_STRV_INIT;
    PB_AUTO(str) char *log = pb_fs_join(r->dir, "log");
    struct walk w = {.name = r->name, .fn = fn, .ctx = ctx};
    enum pb_ledger_end end;
    bool here = pb_fs_exists(log);
    const char *except = here ? r->name : NULL;
    int rc = here ? pb_ledger_walk(r->dir, one_entry, &w, &end, err) : 0;

    /* What the remote says is newer than what somebody once copied from there. */
    if (rc == 0 && (list(&names, &refs, r, r->copies, except, err) < 0 ||
                    list(&names, &refs, r, PB_RECORD_REFS, except, err) < 0))
        rc = -1;
    for (size_t i = 0; rc == 0 && i < names.n; i++) {
        w.name = names.v[i];
        rc = read_copy(r, &w, refs.v[i], err);
        /* Whoever can push could silence every other machine with one ref otherwise. */
        if (rc < 0 && err->cls == PB_E_LEDGER) {
            if (!damaged->cls)
                *damaged = *err;
            rc = 0;
        }
    }
    return rc;
}
