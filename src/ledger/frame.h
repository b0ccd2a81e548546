/* frame.h: entries as bytes, and the tree over them; for the files of this folder. */
#ifndef PB_LEDGER_FRAME_H
#define PB_LEDGER_FRAME_H

#include <stdio.h>

#include "ledger/ledger.h"

enum { PB_FRAME_HEAD = 1 + 8 + 1 + 64 + 1 };

void pb_frame_hash(unsigned char out[PB_SHA256_LEN], const char *json, size_t n);
/* Appends the frame of `json`. */
void pb_frame_add(struct pb_buf *b, const char *json, size_t n);

/* Reads frames one after the other. */
struct pb_frame_reader {
    FILE *file;
    const char *path;
    struct pb_arena *arena; /* of the entry at hand */
    struct pb_buf json;
    uint64_t offset; /* behind the last whole frame */
    uint64_t seq;    /* of the next entry */
    unsigned char prev[PB_SHA256_LEN];
    uint64_t torn; /* bytes of a frame that is not whole */
};

/* Starts at `offset` with what the entry there must have. */
int pb_frame_open(struct pb_frame_reader *r, const char *path, uint64_t offset, uint64_t seq,
                  const unsigned char prev[PB_SHA256_LEN], struct pb_err *err);
/* 1: an entry; 0: the end, see r->torn; -1: corrupt, or an error. */
int pb_frame_next(struct pb_ledger_entry *e, struct pb_frame_reader *r, struct pb_err *err);
void pb_frame_close(struct pb_frame_reader *r);

/* The perfect subtrees of a growing tree, largest first. */
struct pb_merkle {
    uint64_t size;
    unsigned n;
    unsigned char node[64][PB_SHA256_LEN];
};

void pb_merkle_add(struct pb_merkle *m, const unsigned char leaf[PB_SHA256_LEN]);
void pb_merkle_root(unsigned char out[PB_SHA256_LEN], const struct pb_merkle *m);

/* 32 lowercase hexadecimal digits. */
bool pb_ledger_is_id(const char *s);

/* 32 bytes from 64 lowercase hexadecimal digits; -1 for anything else. */
int pb_unhex32(unsigned char out[PB_SHA256_LEN], const char *hex);

#endif
