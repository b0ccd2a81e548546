/* aws_chain.h: the links of the credential chain, between aws_creds.c and aws_profile.c. */
#ifndef PB_BACKENDS_AUTH_AWS_CHAIN_H
#define PB_BACKENDS_AUTH_AWS_CHAIN_H

#include "backends/auth/aws_ask.h"

bool pb_aws_creds_env(struct pb_aws_creds *out, const struct pb_aws_session *s);
int pb_aws_web_identity(struct pb_aws_creds *out, struct pb_aws_session *s, const char *path,
                        const char *arn, const char *session, struct pb_err *err);
/* aws_sso.c: by the token that "aws sso login" left. */
int pb_aws_creds_sso(struct pb_aws_creds *out, struct pb_aws_session *s, const char *name,
                     struct pb_err *err);
/* A profile and those it refers to; what has none falls to the container and the instance. */
int pb_aws_creds_profile(struct pb_aws_creds *out, struct pb_aws_session *s, const char *name,
                         struct pb_err *err);

#endif
