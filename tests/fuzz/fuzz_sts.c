/* Replies of AWS's STS: whatever comes, every member is a text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backends/auth/aws_sts_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pb_aws_sts_reply r = PB_AWS_STS_REPLY_INIT;
    struct pb_buf b = PB_BUF_INIT;

    pb_buf_add(&b, data, size);
    (void)pb_aws_sts_reply_parse(&r, &b);
    const struct pb_buf *all[] = {&r.access_key, &r.secret_key, &r.token,
                                  &r.expiration, &r.code,       &r.message};
    for (size_t i = 0; i < PB_COUNT(all); i++)
        if (!all[i]->s || strlen(all[i]->s) != all[i]->len)
            abort();
    pb_aws_sts_reply_release(&r);
    pb_buf_release(&b);
    return 0;
}
