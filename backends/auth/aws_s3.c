#include "backends/auth/aws.h"

#include <ctype.h>

#include "base/text.h"

/* Bytes outside the unreserved ones; '/' stays, as it separates in a key. */
static void add_key(struct pb_buf *out, const char *key)
{
    for (const unsigned char *p = (const unsigned char *)key; *p != '\0'; p++)
        if (isalnum(*p) || strchr("-_.~/", *p) != NULL)
            pb_buf_addc(out, (char)*p);
        else
            pb_buf_addf(out, "%%%02X", *p);
}

/* A name that may stand before the host: with a dot, no certificate would match. */
static bool host_label(const char *bucket)
{
    size_t n = strlen(bucket);

    return n >= 3 && n <= 63 && strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-") == n &&
           bucket[0] != '-' && bucket[n - 1] != '-';
}

static bool is_address(const char *host)
{
    size_t n = strcspn(host, ":/");

    return *host == '[' || strspn(host, "0123456789.") == n;
}

int pb_aws_s3_url(struct pb_buf *out, const char *endpoint, const char *region, const char *bucket,
                  const char *key, bool path_style, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf regional = PB_BUF_INIT;
    const char *host;

    if (bucket == NULL || *bucket == '\0' || strpbrk(bucket, "/?#@: ") != NULL)
        return pb_fail(err, PB_E_CONFIG, "'%s' is no name of an S3 bucket: correct 'bucket'",
                       bucket != NULL ? bucket : "");
    if (endpoint == NULL) {
        if (region == NULL)
            region = "us-east-1";
        pb_buf_addf(&regional, "https://s3.%s.%s", region, pb_aws_dns_suffix(region));
        endpoint = regional.s;
    }
    host = strstr(endpoint, "://");
    if (host == NULL)
        return pb_fail(err, PB_E_CONFIG, "the S3 endpoint '%s' is no URL: write https:// before it",
                       endpoint);
    host += 3;
    if (path_style || !host_label(bucket) || is_address(host))
        pb_buf_addf(out, "%s/%s", endpoint, bucket);
    else
        pb_buf_addf(out, "%.*s%s.%s", (int)(host - endpoint), endpoint, bucket, host);
    if (key != NULL && *key != '\0') {
        pb_buf_addc(out, '/');
        add_key(out, *key == '/' ? key + 1 : key);
    }
    return 0;
}
