/*
 * ledger.h: the append-only record of what plumb decided and did. README.md of this folder is
 * the format.
 *
 *	struct pb_ledger *l;
 *	if (pb_ledger_open(&l, dir, &origin, &err) < 0) ...	// takes the lock
 *	if (pb_ledger_append(l, arena, "apply.started", body, &err) < 0) ...	// durable on return
 *	pb_ledger_checkpoint(&text, l);
 *	pb_ledger_close(l);
 *
 * There is one writer at a time; readers take no lock and see whole entries only. An append
 * that fails leaves the log as it was. A writer never touches a log that is corrupt, or
 * shorter than it was: PB_E_LEDGER.
 *
 * Bodies hold no secrets: the caller redacts before it appends.
 */
#ifndef PB_LEDGER_LEDGER_H
#define PB_LEDGER_LEDGER_H

#include "base/digest.h"
#include "base/err.h"
#include "model/value.h"

enum { PB_LEDGER_ENTRY_MAX = 1 << 20, PB_LEDGER_ID_HEX = 33 };

struct pb_ledger;

/* Who writes, for every entry; strings are the caller's, and outlive the handle. */
struct pb_ledger_origin {
    const char *repository;   /* for the first entry */
    const char *user, *host;  /* required */
    const char *name, *email; /* or NULL */
    long wait_ms;             /* for the lock; 0: refuse at once with PB_E_LOCKED */
};

/* Opens for appending; makes folder and first entry when there is no log yet. */
int pb_ledger_open(struct pb_ledger **out, const char *dir, const struct pb_ledger_origin *o,
                   struct pb_err *err);
void pb_ledger_close(struct pb_ledger *l); /* NULL is fine */

/* `body` is a map or NULL. On return the entry is on disk. Strings that are not UTF-8 are
 * written as escapes. */
int pb_ledger_append(struct pb_ledger *l, const char *kind, const struct pb_value *body,
                     struct pb_err *err);

/* ---- reading ---------------------------------------------------------------------------- */

struct pb_ledger_entry {
    uint64_t seq;
    uint64_t offset; /* of the frame in the log */
    unsigned char hash[PB_SHA256_LEN], prev[PB_SHA256_LEN];
    const char *time, *kind;
    const struct pb_value *who, *body;
    const struct pb_value *json; /* the whole entry, and as it is written */
    const char *text;
    size_t text_len;
};

enum pb_ledger_end {
    PB_LEDGER_END_WHOLE, /* ends with a frame */
    PB_LEDGER_END_TORN,  /* ends within one */
};

/* Calls `fn` for each entry in order, checking frames, hashes, numbers and chain. The entry
 * lives until fn returns. A non-zero return stops and is returned. -1 with PB_E_LEDGER where
 * the log is corrupt: the message says at which entry and byte. A log that is not there: -1
 * with err->sys ENOENT. */
typedef int (*pb_ledger_fn)(void *ctx, const struct pb_ledger_entry *e);
int pb_ledger_walk(const char *dir, pb_ledger_fn fn, void *ctx, enum pb_ledger_end *end,
                   struct pb_err *err);

/* Appends the entry as it stands in the log, frame and all. */
void pb_ledger_add_frame(struct pb_buf *b, const struct pb_ledger_entry *e);

/* ---- checkpoints ------------------------------------------------------------------------ */

struct pb_checkpoint {
    char ledger[PB_LEDGER_ID_HEX];
    uint64_t size;
    unsigned char root[PB_SHA256_LEN];
};

/* Of what was appended so far. */
void pb_ledger_checkpoint(struct pb_checkpoint *out, const struct pb_ledger *l);
void pb_checkpoint_add(struct pb_buf *b, const struct pb_checkpoint *c);
/* Lines after the first three (a signature) are passed over. `what` names the text. */
int pb_checkpoint_parse(struct pb_checkpoint *out, const char *text, size_t n, const char *what,
                        struct pb_err *err);

/* ---- verifying -------------------------------------------------------------------------- */

struct pb_ledger_pin {
    struct pb_checkpoint checkpoint;
    const char *what; /* where it came from, for the message */
};

struct pb_ledger_report {
    struct pb_checkpoint now; /* of the log as it stands */
    enum pb_ledger_end end;
    uint64_t torn_bytes;
    size_t pins;              /* that the log fits */
    uint64_t pinned;          /* entries that the largest of them covers */
    char first[32], last[32]; /* times; "" when there is no entry */
};

/* Reads the whole log. 0: it stands and fits every pin; a torn end is in the report and is the
 * caller's to judge. -1 with PB_E_LEDGER: what is wrong, and where. */
int pb_ledger_verify(struct pb_ledger_report *out, const char *dir,
                     const struct pb_ledger_pin *pins, size_t npins, struct pb_err *err);
/* The same, with `fn` told of each entry on the way, as by a walk: what it has gathered is worth
 * nothing when this fails. */
int pb_ledger_verify_each(struct pb_ledger_report *out, const char *dir,
                          const struct pb_ledger_pin *pins, size_t npins, pb_ledger_fn fn,
                          void *ctx, struct pb_err *err);

/* ---- asking ----------------------------------------------------------------------------- */

/* Members that are NULL or zero ask for nothing. Lists are NULL-terminated; one match is
 * enough. */
struct pb_ledger_query {
    int64_t since, until; /* seconds since 1970; until is exclusive */
    char *const *units;
    char *const *who;       /* part of a user, name or e-mail, without regard to case */
    char *const *addresses; /* a resource, or a module with all in it */
    char *const *verdicts;
    char *const *kinds; /* "apply" means "apply.*" too */
};

bool pb_ledger_matches(const struct pb_ledger_query *q, const struct pb_ledger_entry *e);

#endif
