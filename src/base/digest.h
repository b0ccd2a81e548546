/*
 * digest.h: SHA-256, HMAC-SHA-256 and random names on libcrypto, and hexadecimal.
 * A failing libcrypto aborts: there is nothing a caller could do instead.
 */
#ifndef PB_BASE_DIGEST_H
#define PB_BASE_DIGEST_H

#include "base/compiler.h"

enum { PB_SHA256_LEN = 32, PB_SHA256_HEX = 65 };

struct pb_sha256; /* a running digest */

struct pb_sha256 *pb_sha256_new(void);
void pb_sha256_add(struct pb_sha256 *d, const void *p, size_t n);
/* Adds the length, then the bytes: fields of a key cannot run into each other. */
void pb_sha256_add_field(struct pb_sha256 *d, const void *p, size_t n);
void pb_sha256_add_str(struct pb_sha256 *d, const char *s); /* a field; NULL is its own value */
void pb_sha256_end(struct pb_sha256 *d, unsigned char out[PB_SHA256_LEN]); /* frees d */
void pb_sha256_end_hex(struct pb_sha256 *d, char out[PB_SHA256_HEX]);      /* frees d */

void pb_sha256_of(unsigned char out[PB_SHA256_LEN], const void *p, size_t n);
void pb_sha256_hex_of(char out[PB_SHA256_HEX], const void *p, size_t n);
void pb_hmac_sha256(unsigned char out[PB_SHA256_LEN], const void *key, size_t keylen, const void *p,
                    size_t n);
/* out holds 2 * n + 1 bytes. */
void pb_hex(char *out, const unsigned char *p, size_t n);
/* 32 digits that nobody else has. */
enum { PB_RANDOM_HEX = 33 };
void pb_random_hex(char out[PB_RANDOM_HEX]);

#endif
