/* The FIPS and dual-stack forms of a service's own address. AWS has a rule and exceptions; a host
 * that this file does not understand stays as it is. */
#include "backends/auth/aws_internal.h"

#include "base/mem.h"
#include "base/text.h"

static bool wants(const struct pb_aws_session *s, const char *setting, const char *variable)
{
    const struct pb_value *v = pb_get(s->block, setting);
    const char *text = pb_str(v);

    if (pb_is(v, PB_BOOL))
        return pb_get_bool(s->block, setting, false);
    if (text == NULL || *text == '\0')
        text = pb_aws_env(s, variable);
    if (text == NULL)
        text = pb_aws_profile(s, setting);
    return text != NULL && strcasecmp(text, "true") == 0;
}

/* In GovCloud these are FIPS under their plain names. */
static bool plain_in_gov(const char *name)
{
    static const char *const names[] = {"sts", "ec2", "elasticloadbalancing", "autoscaling",
                                        "rds", "sns", "monitoring",           "sqs",
                                        "ssm", "logs"};

    for (size_t i = 0; i < PB_COUNT(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static const char *dual_suffix(const char *suffix)
{
    if (strcmp(suffix, "amazonaws.com") == 0)
        return "api.aws";
    return strcmp(suffix, "amazonaws.com.cn") == 0 ? "api.amazonwebservices.com.cn" : suffix;
}

static char *regional(const char *host, const char *region, bool fips, bool dual)
{
    const char *suffix = pb_aws_dns_suffix(region);
    PB_AUTO(str) char *tail = pb_asprintf(".%s.%s", region, suffix);
    PB_AUTO(str) char *name = NULL;

    if (!pb_ends_with(host, tail))
        return NULL;
    name = pb_asprintf("%.*s", (int)(strlen(host) - strlen(tail)), host);
    if (strcmp(name, "iam") == 0) /* one for a whole partition, though it names a region */
        return NULL;
    if (strcmp(name, "s3") == 0)
        return pb_asprintf("https://s3%s%s%s", fips ? "-fips" : "", dual ? ".dualstack" : "", tail);
    if (fips && !dual && pb_starts_with(region, "us-gov-") && plain_in_gov(name))
        return NULL;
    return pb_asprintf("https://%s%s.%s.%s", strcmp(name, "api.ecr") == 0 ? "ecr" : name,
                       fips ? "-fips" : "", region, dual ? dual_suffix(suffix) : suffix);
}

static char *global(const char *host, bool fips, bool dual)
{
    static const struct {
        const char *host, *fips, *dual;
    } t[] = {{"iam.amazonaws.com", "https://iam-fips.amazonaws.com", "https://iam.global.api.aws"},
             {"route53.amazonaws.com", "https://route53-fips.amazonaws.com", NULL}};

    for (size_t i = 0; i < PB_COUNT(t); i++)
        if (strcmp(t[i].host, host) == 0 && (fips || (dual && t[i].dual != NULL)))
            return pb_strdup(fips ? t[i].fips : t[i].dual);
    return NULL;
}

char *pb_aws_public_url(const struct pb_aws_session *s, const char *region, const char *url)
{
    bool fips = wants(s, "use_fips_endpoint", "AWS_USE_FIPS_ENDPOINT");
    bool dual = wants(s, "use_dualstack_endpoint", "AWS_USE_DUALSTACK_ENDPOINT");
    char *own = NULL;

    if ((fips || dual) && pb_starts_with(url, "https://")) {
        own = global(url + 8, fips, dual);
        if (own == NULL && region != NULL)
            own = regional(url + 8, region, fips, dual);
    }
    return own != NULL ? own : pb_strdup(url);
}
