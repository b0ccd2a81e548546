/*
 * sigv4.h: AWS Signature Version 4 on libcrypto. Pure: no clock, no environment.
 *
 * The URL must be percent-encoded as it is sent. Query parameters are sorted by encoded
 * name and value; one without '=' is signed as if it had an empty value. The path is
 * encoded once more and its dot segments removed, except for S3, where it is taken as it
 * stands. S3 also gets x-amz-content-sha256. The payload is always signed.
 */
#ifndef PB_BACKENDS_AUTH_SIGV4_H
#define PB_BACKENDS_AUTH_SIGV4_H

#include <time.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/strv.h"

/* What one secret signs with in a day, region and service: kept from one request to the next by
 * who knows that these are the same, and cleared (all zero) when they are not any more. */
struct pb_sigv4_key {
    char date[12];
    unsigned char mac[PB_SHA256_LEN];
};

struct pb_sigv4 {
    const char *access_key, *secret_key, *token; /* token NULL: none */
    const char *service, *region;
    time_t now;
    const char *method, *url;
    char *const *headers; /* "Name: value", all are signed; NULL-terminated or NULL */
    const void *body;
    size_t body_len;
    struct pb_sigv4_key *key; /* or NULL: derived for this request alone */
};

/* Appends Host (unless given), X-Amz-Date, X-Amz-Security-Token, x-amz-content-sha256
 * (S3) and Authorization to `out`. */
int pb_sigv4_sign(struct pb_strv *out, const struct pb_sigv4 *rq, struct pb_err *err);

/* The canonical request alone: for tests. Headers as they will be signed. */
int pb_sigv4_canonical(struct pb_buf *out, const struct pb_sigv4 *rq, struct pb_err *err);

#endif
