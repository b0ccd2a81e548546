/* SHA-256 itself and not the EVP interface: that first starts all of libcrypto 3 with its
 * configuration and providers, milliseconds that a short command does not have, and costs more for
 * each of the many short digests of a signature than the digest does. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/digest.h"

#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

struct pb_sha256 {
    SHA256_CTX c;
};

static void start(SHA256_CTX *c)
{
    if (SHA256_Init(c) != 1)
        BUG("libcrypto has no SHA-256");
}

static void add(SHA256_CTX *c, const void *p, size_t n)
{
    if (SHA256_Update(c, p, n) != 1)
        BUG("SHA-256 update failed");
}

static void end(SHA256_CTX *c, unsigned char out[PB_SHA256_LEN])
{
    if (SHA256_Final(out, c) != 1)
        BUG("SHA-256 final failed");
    pb_wipe(c, sizeof(*c));
}

struct pb_sha256 *pb_sha256_new(void)
{
    struct pb_sha256 *d = pb_malloc(sizeof(*d));

    start(&d->c);
    return d;
}

void pb_sha256_add(struct pb_sha256 *d, const void *p, size_t n)
{
    add(&d->c, p, n);
}

void pb_sha256_add_field(struct pb_sha256 *d, const void *p, size_t n)
{
    unsigned char len[8];

    for (int i = 0; i < 8; i++)
        len[i] = (unsigned char)((uint64_t)n >> (8 * i));
    pb_sha256_add(d, len, sizeof(len));
    pb_sha256_add(d, p, n);
}

void pb_sha256_add_str(struct pb_sha256 *d, const char *s)
{
    static const unsigned char none[8] = {255, 255, 255, 255, 255, 255, 255, 255};

    if (s)
        pb_sha256_add_field(d, s, strlen(s));
    else
        pb_sha256_add(d, none, sizeof(none));
}

void pb_sha256_end(struct pb_sha256 *d, unsigned char out[PB_SHA256_LEN])
{
    end(&d->c, out);
    free(d);
}

void pb_sha256_end_hex(struct pb_sha256 *d, char out[PB_SHA256_HEX])
{
    unsigned char raw[PB_SHA256_LEN];

    pb_sha256_end(d, raw);
    pb_hex(out, raw, sizeof(raw));
}

void pb_sha256_of(unsigned char out[PB_SHA256_LEN], const void *p, size_t n)
{
    SHA256_CTX c;

    start(&c);
    add(&c, p, n);
    end(&c, out);
}

void pb_sha256_hex_of(char out[PB_SHA256_HEX], const void *p, size_t n)
{
    unsigned char raw[PB_SHA256_LEN];

    pb_sha256_of(raw, p, n);
    pb_hex(out, raw, sizeof(raw));
}

/* RFC 2104. */
void pb_hmac_sha256(unsigned char out[PB_SHA256_LEN], const void *key, size_t keylen, const void *p,
                    size_t n)
{
    unsigned char pad[SHA256_CBLOCK] = {0}, inner[PB_SHA256_LEN];
    SHA256_CTX c;

    if (keylen > sizeof(pad))
        pb_sha256_of(pad, key, keylen);
    else if (keylen)
        memcpy(pad, key, keylen);
    for (size_t i = 0; i < sizeof(pad); i++)
        pad[i] ^= 0x36;
    start(&c);
    add(&c, pad, sizeof(pad));
    add(&c, p, n);
    end(&c, inner);
    for (size_t i = 0; i < sizeof(pad); i++)
        pad[i] ^= 0x36 ^ 0x5c;
    start(&c);
    add(&c, pad, sizeof(pad));
    add(&c, inner, sizeof(inner));
    end(&c, out);
    pb_wipe(pad, sizeof(pad));
}

void pb_hex(char *out, const unsigned char *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * n] = '\0';
}

void pb_random_hex(char out[PB_RANDOM_HEX])
{
    unsigned char id[(PB_RANDOM_HEX - 1) / 2];

    if (RAND_bytes(id, sizeof(id)) != 1)
        BUG("libcrypto has no random numbers");
    pb_hex(out, id, sizeof(id));
}
