/* AWS's shared files, as config and as credentials: what was put is found, under a clean name. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backends/auth/aws_ini.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_as(const uint8_t *data, size_t size, bool credentials)
{
    char *text = pb_strndup((const char *)data, size);
    struct pb_aws_ini ini = {NULL};
    struct pb_err err = PB_ERR_INIT;
    const char *key;

    if (pb_aws_ini_parse(&ini, text, "config", credentials, &err) == -1 && !*err.msg)
        abort();
    key = pb_aws_ini_get(&ini, "profile", "default", "aws_access_key_id");
    if (key && (!*key || strpbrk(key, "\n")))
        abort();
    if (key && !pb_aws_ini_has(&ini, "profile", "default"))
        abort();
    pb_aws_ini_get(&ini, "services", "x", "s3.endpoint_url");
    pb_aws_ini_release(&ini);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_as(data, size, false);
    read_as(data, size, true);
    return 0;
}
