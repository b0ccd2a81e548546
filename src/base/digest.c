#include "base/digest.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

#include "base/err.h"

/* Looked up once: libcrypto 3 searches its providers at each use of EVP_sha256(), which is most
 * of the time of a short digest. Never freed. */
static EVP_MD *sha256;
static EVP_MAC_CTX *hmac;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find(void)
{
    char name[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                           OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

    sha256 = EVP_MD_fetch(NULL, name, NULL);
    hmac = mac ? EVP_MAC_CTX_new(mac) : NULL;
    if (!sha256 || !hmac || EVP_MAC_CTX_set_params(hmac, params) != 1)
        BUG("libcrypto has no SHA-256");
    EVP_MAC_free(mac);
}

struct pb_sha256 *pb_sha256_new(void)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();

    pthread_once(&once, find);
    if (!c || EVP_DigestInit_ex(c, sha256, NULL) != 1)
        BUG("libcrypto has no SHA-256");
    return (struct pb_sha256 *)c;
}

void pb_sha256_add(struct pb_sha256 *d, const void *p, size_t n)
{
    if (EVP_DigestUpdate((EVP_MD_CTX *)d, p, n) != 1)
        BUG("SHA-256 update failed");
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
    unsigned int n = 0;

    if (EVP_DigestFinal_ex((EVP_MD_CTX *)d, out, &n) != 1 || n != PB_SHA256_LEN)
        BUG("SHA-256 final failed");
    EVP_MD_CTX_free((EVP_MD_CTX *)d);
}

void pb_sha256_end_hex(struct pb_sha256 *d, char out[PB_SHA256_HEX])
{
    unsigned char raw[PB_SHA256_LEN];

    pb_sha256_end(d, raw);
    pb_hex(out, raw, sizeof(raw));
}

void pb_sha256_of(unsigned char out[PB_SHA256_LEN], const void *p, size_t n)
{
    struct pb_sha256 *d = pb_sha256_new();

    pb_sha256_add(d, p, n);
    pb_sha256_end(d, out);
}

void pb_sha256_hex_of(char out[PB_SHA256_HEX], const void *p, size_t n)
{
    unsigned char raw[PB_SHA256_LEN];

    pb_sha256_of(raw, p, n);
    pb_hex(out, raw, sizeof(raw));
}

void pb_hmac_sha256(unsigned char out[PB_SHA256_LEN], const void *key, size_t keylen, const void *p,
                    size_t n)
{
    static const unsigned char none[1] = {0}; /* NULL would mean the key of before */
    EVP_MAC_CTX *c;
    size_t len = 0;

    pthread_once(&once, find);
    c = EVP_MAC_CTX_dup(hmac);
    if (!c || EVP_MAC_init(c, keylen ? key : none, keylen, NULL) != 1 ||
        EVP_MAC_update(c, p, n) != 1 || EVP_MAC_final(c, out, &len, PB_SHA256_LEN) != 1 ||
        len != PB_SHA256_LEN)
        BUG("HMAC failed");
    EVP_MAC_CTX_free(c);
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
