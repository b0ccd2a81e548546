/* aws_ask.h: one small request for credentials, asked and waited for. */
#ifndef PB_BACKENDS_AUTH_AWS_ASK_H
#define PB_BACKENDS_AUTH_AWS_ASK_H

#include "backends/auth/aws_internal.h"

enum { PB_AWS_NEAR_MS = 1000 }; /* connect limit for this machine's own metadata */

/* The reply's body, to be wiped by the caller, and its status. -1 when there was none.
 * rq's service, done and ctx are not read. connect_ms 0: the usual, with retries. */
int pb_aws_ask(struct pb_buf *body, int *status, const struct pb_http_rq *rq, long connect_ms,
               struct pb_err *err);
/* {AccessKeyId, SecretAccessKey, <token>, Expiration} as credentials. */
int pb_aws_creds_json(struct pb_aws_creds *out, const struct pb_buf *text, const char *token,
                      const char *source, struct pb_err *err);
/* A file that holds a token; trailing line ends are cut. Wipe it. */
int pb_aws_token_file(struct pb_buf *out, const struct pb_aws_session *s, const char *path,
                      struct pb_err *err);

/* aws_metadata.c; false: the environment names no container */
bool pb_aws_has_container(const struct pb_aws_session *s);
int pb_aws_creds_container(struct pb_aws_creds *out, struct pb_aws_session *s, struct pb_err *err);
bool pb_aws_has_instance(const struct pb_aws_session *s); /* false: switched off */
int pb_aws_creds_instance(struct pb_aws_creds *out, struct pb_aws_session *s, struct pb_err *err);
int pb_aws_instance_region(char **out, struct pb_aws_session *s, struct pb_err *err);

/* aws_process.c */
int pb_aws_creds_process(struct pb_aws_creds *out, const char *command, struct pb_err *err);

/* aws_sts.c: "name=value", percent-encoded, with an & where something is before it; nothing
 * when the value is empty. */
void pb_aws_form(struct pb_buf *b, const char *name, const char *value);

/* Members that are NULL or 0 are not sent. */
struct pb_aws_role {
    const char *arn, *session, *external_id, *policy, *source_identity;
    int64_t seconds;
    const struct pb_value *policy_arns, *tags, *transitive_tag_keys;
};
/* `with` NULL: by web identity, with `token`. The old credentials in `out` may be `with`. */
int pb_aws_creds_role(struct pb_aws_creds *out, struct pb_aws_session *s,
                      const struct pb_aws_role *role, const struct pb_aws_creds *with,
                      const char *token, const char *source, struct pb_err *err);

#endif
