/* aws_internal.h: what the files aws_*.c share. */
#ifndef PB_BACKENDS_AUTH_AWS_INTERNAL_H
#define PB_BACKENDS_AUTH_AWS_INTERNAL_H

#include <pthread.h>

#include "backends/auth/aws.h"
#include "backends/auth/aws_ini.h"
#include "backends/auth/sigv4.h"
#include "base/map.h"

struct pb_aws_signer {
    struct pb_aws_session *session;
    char *service, *region;
    struct pb_sigv4_key key; /* of the session's present secret */
};

struct pb_aws_session {
    /* Signing happens in the thread that sends, asking for more in the one that reads replies.
     * Over what changes once a session is open: endpoints, signers, credentials. Recursive:
     * finding credentials asks for endpoints and signs. */
    pthread_mutex_t *lock;
    const struct pb_value *block; /* borrowed */
    const struct pb_auth_env *env;
    struct pb_aws_ini ini;
    char *profile;      /* never NULL */
    bool profile_block; /* named by the block: goes before the environment's keys */
    char *region, *ca_file;
    struct pb_map *endpoints; /* service to owned URL: what pb_aws_endpoint() answered */
    struct pb_aws_signer **signers;
    size_t nsigners, cap;
    struct pb_aws_creds creds;
    bool have, failed; /* failed: the last time they were asked for */
    int64_t next_try;  /* seconds since 1970 */
    struct pb_err failure;
};

/* The name that AWS_ENDPOINT_URL_<NAME> has for a service of the provider's endpoints. */
char *pb_aws_service_id(const char *service);

/* Shortcuts: the session's environment and profile. */
const char *pb_aws_env(const struct pb_aws_session *s, const char *name);
const char *pb_aws_profile(const struct pb_aws_session *s, const char *key);
/* A member of the block; "" is absent. */
const char *pb_aws_block(const struct pb_aws_session *s, const char *key);
/* The i-th of nested blocks, or the map itself; NULL when there are no more. */
const struct pb_value *pb_aws_nested(const struct pb_value *v, size_t i);

void pb_aws_creds_set(struct pb_aws_creds *c, const char *access, const char *secret,
                      const char *token, const char *source); /* copies; releases the old */
void pb_aws_creds_release(struct pb_aws_creds *c);
/* Finds credentials anew. */
int pb_aws_creds_find(struct pb_aws_creds *out, struct pb_aws_session *s, struct pb_err *err);

/* Signs with credentials that are there; `key` as in struct pb_sigv4. */
int pb_aws_sign_as(struct pb_strv *headers, const struct pb_http_rq *rq,
                   const struct pb_aws_creds *c, const char *service, const char *region,
                   struct pb_sigv4_key *key, struct pb_err *err);

#endif
