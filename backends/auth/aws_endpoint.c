#include "backends/auth/aws_internal.h"

#include <ctype.h>

#include "base/mem.h"
#include "base/text.h"

const char *pb_aws_dns_suffix(const char *region)
{
    static const struct {
        const char *prefix, *suffix;
    } t[] = {{"cn-", "amazonaws.com.cn"},    {"us-isob-", "sc2s.sgov.gov"},
             {"us-iso-", "c2s.ic.gov"},      {"us-isof-", "csp.hci.ic.gov"},
             {"eu-isoe-", "cloud.adc-e.uk"}, {"eusc-", "amazonaws.eu"}};

    for (size_t i = 0; region != NULL && i < PB_COUNT(t); i++)
        if (pb_starts_with(region, t[i].prefix))
            return t[i].suffix;
    return "amazonaws.com";
}

/* Names in the provider's endpoints block, and what the SDK calls the same service. */
static const struct {
    const char *name, *id;
} services[] = {{"apigateway", "API_GATEWAY"},
                {"appautoscaling", "APPLICATION_AUTO_SCALING"},
                {"applicationautoscaling", "APPLICATION_AUTO_SCALING"},
                {"autoscaling", "AUTO_SCALING"},
                {"cloudcontrol", "CLOUDCONTROL"},
                {"cloudwatchevents", "EVENTBRIDGE"},
                {"cloudwatchlogs", "CLOUDWATCH_LOGS"},
                {"cognitoidp", "COGNITO_IDENTITY_PROVIDER"},
                {"elasticsearch", "ELASTICSEARCH_SERVICE"},
                {"elasticloadbalancing", "ELASTIC_LOAD_BALANCING"},
                {"elasticloadbalancingv2", "ELASTIC_LOAD_BALANCING_V2"},
                {"elb", "ELASTIC_LOAD_BALANCING"},
                {"elbv2", "ELASTIC_LOAD_BALANCING_V2"},
                {"es", "ELASTICSEARCH_SERVICE"},
                {"events", "EVENTBRIDGE"},
                {"logs", "CLOUDWATCH_LOGS"},
                {"monitoring", "CLOUDWATCH"},
                {"resourcegroupstaggingapi", "RESOURCE_GROUPS_TAGGING_API"},
                {"route53", "ROUTE_53"},
                {"secretsmanager", "SECRETS_MANAGER"},
                {"states", "SFN"},
                {"stepfunctions", "SFN"}};

char *pb_aws_service_id(const char *service)
{
    char *id;

    for (size_t i = 0; i < PB_COUNT(services); i++)
        if (strcmp(services[i].name, service) == 0)
            return pb_strdup(services[i].id);
    id = pb_strdup(service);
    for (char *p = id; *p != '\0'; p++)
        *p = *p == '-' || *p == ' ' ? '_' : (char)toupper((unsigned char)*p);
    return id;
}

/* endpoints {} by the service's own name, or by another name of the same service. */
static const char *from_block(const struct pb_aws_session *s, const char *service, const char *id)
{
    const struct pb_value *all = pb_get(s->block, "endpoints"), *one;
    const char *found = NULL;

    for (size_t i = 0; (one = pb_aws_nested(all, i)) != NULL; i++)
        for (size_t k = 0; pb_is(one, PB_MAP) && k < pb_len(one); k++) {
            const char *url = pb_str(&one->members[k].value);
            PB_AUTO(str) char *other = NULL;

            if (url == NULL || *url == '\0')
                continue;
            if (strcmp(one->members[k].key, service) == 0)
                return url;
            other = pb_aws_service_id(one->members[k].key);
            if (strcmp(other, id) == 0)
                found = url;
        }
    if (found == NULL && strcmp(service, "s3") == 0)
        found = pb_aws_block(s, "endpoint"); /* the s3 backend's older names */
    if (found == NULL) {
        PB_AUTO(str) char *old = pb_asprintf("%s_endpoint", service);

        found = pb_aws_block(s, old);
    }
    return found;
}

static const char *from_env(const struct pb_aws_session *s, const char *id)
{
    PB_AUTO(str) char *name = pb_asprintf("AWS_ENDPOINT_URL_%s", id);
    PB_AUTO(str) char *old = pb_asprintf("TF_AWS_%s_ENDPOINT", id);
    PB_AUTO(str) char *older = pb_asprintf("AWS_%s_ENDPOINT", id);
    const char *url = pb_aws_env(s, name);

    if (url == NULL)
        url = pb_aws_env(s, old);
    if (url == NULL && (strcmp(id, "S3") == 0 || strcmp(id, "DYNAMODB") == 0 ||
                        strcmp(id, "STS") == 0 || strcmp(id, "IAM") == 0))
        url = pb_aws_env(s, older);
    return url != NULL ? url : pb_aws_env(s, "AWS_ENDPOINT_URL");
}

static const char *from_shared(const struct pb_aws_session *s, const char *id)
{
    const char *section = pb_aws_profile(s, "services"), *url = NULL;

    if (section != NULL) {
        PB_AUTO(str) char *key = pb_asprintf("%s.endpoint_url", id);

        for (char *p = key; *p != '\0'; p++)
            *p = (char)tolower((unsigned char)*p);
        url = pb_aws_ini_get(&s->ini, "services", section, key);
    }
    return url != NULL ? url : pb_aws_profile(s, "endpoint_url");
}

static bool ignored(const struct pb_aws_session *s)
{
    const char *v = pb_aws_env(s, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");

    if (v == NULL)
        v = pb_aws_profile(s, "ignore_configured_endpoint_urls");
    return v != NULL && strcasecmp(v, "true") == 0;
}

static char *configured(const struct pb_aws_session *s, const char *service)
{
    PB_AUTO(str) char *id = NULL;
    const char *url;
    char *own;
    size_t n;

    id = pb_aws_service_id(service);
    url = from_block(s, service, id);
    if (url == NULL && !ignored(s)) {
        url = from_env(s, id);
        if (url == NULL)
            url = from_shared(s, id);
    }
    own = url == NULL ? NULL : strstr(url, "://") ? pb_strdup(url) : pb_asprintf("https://%s", url);
    for (n = own != NULL ? strlen(own) : 0; n > 0 && own[n - 1] == '/'; n--)
        own[n - 1] = '\0';
    return own;
}

const char *pb_aws_endpoint(const struct pb_aws_session *s, const char *service)
{
    const char *url;

    pthread_mutex_lock(s->lock);
    if (!pb_map_has(s->endpoints, service))
        pb_map_put(s->endpoints, service, configured(s, service));
    url = pb_map_get(s->endpoints, service);
    pthread_mutex_unlock(s->lock);
    return url;
}
