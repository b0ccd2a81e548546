/*
 * aws_ini.h: AWS's shared config and credentials files. Values may be secrets: the memory
 * is wiped when released. Of two settings of the same name the one read later holds.
 */
#ifndef PB_BACKENDS_AUTH_AWS_INI_H
#define PB_BACKENDS_AUTH_AWS_INI_H

#include "base/err.h"

struct pb_aws_prop;
struct pb_aws_ini {
    struct pb_aws_prop *last;
};

/* A missing file is fine. In a credentials file "[x]" is what "[profile x]" is in a
 * config file. */
int pb_aws_ini_read(struct pb_aws_ini *ini, const char *path, bool credentials, struct pb_err *err);
/* The same of a text, which is taken apart; `path` is for messages. */
int pb_aws_ini_parse(struct pb_aws_ini *ini, char *text, const char *path, bool credentials,
                     struct pb_err *err);
/* kind: "profile", "services", "sso-session". A nested setting is "s3.endpoint_url".
 * Keys are lower case; NULL when not there or empty. */
const char *pb_aws_ini_get(const struct pb_aws_ini *ini, const char *kind, const char *name,
                           const char *key);
bool pb_aws_ini_has(const struct pb_aws_ini *ini, const char *kind, const char *name);
void pb_aws_ini_release(struct pb_aws_ini *ini);

#endif
