/* aws_sts_reply.h: a reply of STS; members are "" when not there. */
#ifndef PB_BACKENDS_AUTH_AWS_STS_REPLY_H
#define PB_BACKENDS_AUTH_AWS_STS_REPLY_H

#include "base/buf.h"
#include "base/err.h"

struct pb_aws_sts_reply {
    struct pb_buf access_key, secret_key, token, expiration, code, message;
    struct pb_buf *to; /* while parsing */
    void *parser;
};
#define PB_AWS_STS_REPLY_INIT                                                                    \
    {                                                                                            \
        PB_BUF_INIT, PB_BUF_INIT, PB_BUF_INIT, PB_BUF_INIT, PB_BUF_INIT, PB_BUF_INIT, NULL, NULL \
    }

int pb_aws_sts_reply_parse(struct pb_aws_sts_reply *r, const struct pb_buf *b); /* -1: no XML */
void pb_aws_sts_reply_release(struct pb_aws_sts_reply *r);

#endif
