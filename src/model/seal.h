/*
 * seal.h: remembering secrets without keeping them.
 *
 * A sealed value is HMAC-SHA-256 under a random 32-byte key that is made once per user in
 * plumb's state folder (0600) and never leaves the machine. Two sealed values, or a
 * sealed and a plain one, can be compared; nothing can be read back.
 */
#ifndef PB_MODEL_SEAL_H
#define PB_MODEL_SEAL_H

#include "base/err.h"
#include "model/value.h"

struct pb_seal {
    unsigned char key[32];
    bool ready;
};

/* Loads or makes the key at `path`. */
int pb_seal_init(struct pb_seal *s, const char *path, struct pb_err *err);
/* PB_SEALED of the canonical JSON of v; v's own sensitivity stays. */
struct pb_value pb_seal_value(const struct pb_seal *s, struct pb_arena *a,
                              const struct pb_value *v);
/* A deep copy in which every sensitive (sub)value is sealed. */
struct pb_value pb_seal_tree(const struct pb_seal *s, struct pb_arena *a, const struct pb_value *v);
/* Whether a sealed value stands for the plain (or sealed) value v. */
bool pb_seal_matches(const struct pb_seal *s, const struct pb_value *sealed,
                     const struct pb_value *v);

#endif
