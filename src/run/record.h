/*
 * record.h: the ledger of a repository (ledger/ledger.h): where it is, and its copies in Git.
 *
 *	struct pb_record r;
 *	if (pb_record_open(&r, repo, &config.ledger, &err) < 0) ...
 *	pb_record_append(&r, "audit", &body, &err);	// durable, on this machine
 *	pb_record_anchor(&result, &r, &err);	// in Git, and on the remote
 *	pb_record_release(&r);
 *
 * The ledger is a folder of plumb's state, one for each repository (by its remote's URL) and
 * user. refs/plumb/ledger/NAME has a commit for each time it was anchored: `checkpoint`,
 * `checkpoint.sig` when it is signed, and the log in pieces of PB_RECORD_PIECE entries,
 * `entries/000000` and so on; joined in order they are the log. What the remote had when it was
 * asked last is at refs/plumb/remote/REMOTE/ledger/.
 *
 * A ref is only ever moved forward: to a checkpoint that the one before it is a part of. One
 * that does not fit is PB_E_LEDGER and stays.
 *
 * A ledger that is gone from this machine (a new CI runner) is made again from Git before the
 * first append, if the ref of its name is there.
 */
#ifndef PB_RUN_RECORD_H
#define PB_RUN_RECORD_H

#include "config/config.h"
#include "git/repo.h"
#include "ledger/ledger.h"
#include "run/audit.h"

#define PB_RECORD_REFS "refs/plumb/ledger/"
enum { PB_RECORD_PIECE = 1024, PB_RECORD_LOG_MAX = 1 << 30 };

struct pb_record {
    struct pb_repo *repo; /* the caller's */
    struct pb_config_ledger config;
    char *dir, *id;      /* the ledger's folder; the repository's identity */
    char *name;          /* last part of the ref */
    char *ref;           /* refs/plumb/ledger/NAME */
    char *copies, *copy; /* refs/plumb/remote/REMOTE/ledger/ and NAME's; NULL without remote */
    char *live_copies;   /* refs/plumb/remote/REMOTE/live/; NULL without remote */
    char *user, *host, *person, *email;
};

int pb_record_open(struct pb_record *r, struct pb_repo *repo, const struct pb_config_ledger *c,
                   struct pb_err *err);
void pb_record_release(struct pb_record *r);

/* For ledgers of other kinds that say who writes them. */
struct pb_ledger_origin pb_record_origin(const struct pb_record *r);

int pb_record_append(struct pb_record *r, const char *kind, const struct pb_value *body,
                     struct pb_err *err);

/* Kind "audit", one entry for each unit: commit, state, what was found and where. Names of
 * attributes, never values: they may be secrets, and the ledger is for good. */
int pb_record_audit(struct pb_record *r, const struct pb_audit *audit, struct pb_err *err);

/* What of it other places have. */
struct pb_anchored {
    struct pb_checkpoint checkpoint;
    char commit[PB_OID_HEX];
    bool pushed;
    bool signed_; /* by config.signing_key */
};

/* Copies the ledger to its ref and, when a remote is configured, to the remote. */
int pb_record_anchor(struct pb_anchored *out, struct pb_record *r, struct pb_err *err);

/* Asks the remote for its ledgers; nothing without one. */
int pb_record_fetch(struct pb_record *r, struct pb_err *err);

struct pb_record_check {
    struct pb_ledger_report log;
    uint64_t in_ref, in_copy; /* entries that each covers; 0: there is none */
    uint64_t elsewhere;       /* covered by a checkpoint that is not only on this machine */
    size_t others;            /* ledgers of other machines that Git has here and that stand */
    struct pb_err damaged;    /* what is wrong with the first that does not; cls 0: none */
    char signer[256];         /* of the ref's checkpoint; "": not signed, or nobody asked */
    bool absent;              /* no ledger here */
};

/* Reads everything: every copy that Git has here against its checkpoint; the log against
 * itself, against the checkpoints in Git and in `pins` (paths of files); and their signatures when
 * the configuration names allowed signers. */
int pb_record_verify(struct pb_record_check *out, struct pb_record *r, char *const *pins,
                     struct pb_err *err);

/* Each ledger that is known here: this machine's, and those of others as Git has them, in the
 * order of their names. Those of others are checked like this one. `name` is the ref's. A copy that
 * is not a whole ledger is passed over, and `damaged` says what is wrong with the first. */
int pb_record_walk(struct pb_record *r,
                   int (*fn)(void *ctx, const char *name, const struct pb_ledger_entry *e),
                   void *ctx, struct pb_err *damaged, struct pb_err *err);

#endif
