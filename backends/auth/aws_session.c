#include "backends/auth/aws_ask.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"

const char *pb_aws_env(const struct pb_aws_session *s, const char *name)
{
    return pb_auth_getenv(s->env, name);
}

const char *pb_aws_profile(const struct pb_aws_session *s, const char *key)
{
    return pb_aws_ini_get(&s->ini, "profile", s->profile, key);
}

const char *pb_aws_block(const struct pb_aws_session *s, const char *key)
{
    const char *v = pb_get_str(s->block, key);

    return v == NULL || *v == '\0' ? NULL : v;
}

const struct pb_value *pb_aws_nested(const struct pb_value *v, size_t i)
{
    if (pb_is(v, PB_MAP))
        return i == 0 ? v : NULL;
    return pb_is(v, PB_LIST) && i < pb_len(v) ? pb_at(v, i) : NULL;
}

static char *expand(const struct pb_aws_session *s, const char *path)
{
    const char *home = pb_aws_env(s, "HOME");

    if (pb_starts_with(path, "~/") && home != NULL)
        return pb_fs_join(home, path + 2);
    return pb_strdup(path);
}

static int read_one(struct pb_aws_session *s, const char *path, bool credentials,
                    struct pb_err *err)
{
    PB_AUTO(str) char *full = expand(s, path);

    return pb_aws_ini_read(&s->ini, full, credentials, err);
}

/* The block's list, the variable, the default: the first that is there. */
static int read_files(struct pb_aws_session *s, const char *list, const char *single,
                      const char *variable, const char *otherwise, struct pb_err *err)
{
    bool credentials = strstr(list, "credentials") != NULL;
    const struct pb_value *files = pb_get(s->block, list);
    const char *one = pb_aws_block(s, single);

    for (size_t i = 0; i < pb_len(files); i++)
        if (pb_str(pb_at(files, i)) != NULL &&
            read_one(s, pb_str(pb_at(files, i)), credentials, err) == -1)
            return -1;
    if (pb_len(files) > 0)
        return 0;
    if (one == NULL)
        one = pb_aws_env(s, variable);
    return read_one(s, one != NULL ? one : otherwise, credentials, err);
}

/* Credentials last: of a setting in both files theirs holds. */
static int read_shared(struct pb_aws_session *s, struct pb_err *err)
{
    if (read_files(s, "shared_config_files", "shared_config_file", "AWS_CONFIG_FILE",
                   "~/.aws/config", err) == -1)
        return -1;
    return read_files(s, "shared_credentials_files", "shared_credentials_file",
                      "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", err);
}

static int choose_profile(struct pb_aws_session *s, struct pb_err *err)
{
    const char *p = pb_aws_block(s, "profile");

    s->profile_block = p != NULL;
    if (p == NULL)
        p = pb_aws_env(s, "AWS_PROFILE");
    if (p == NULL)
        p = pb_aws_env(s, "AWS_DEFAULT_PROFILE");
    s->profile = pb_strdup(p != NULL ? p : "default");
    if (p == NULL || strcmp(p, "default") == 0 || pb_aws_ini_has(&s->ini, "profile", p))
        return 0;
    return pb_fail(err, PB_E_AUTH,
                   "no profile '%s' in the AWS shared config and credentials files: correct %s, or "
                   "add the profile",
                   p, s->profile_block ? "'profile' of the provider block" : "AWS_PROFILE");
}

static const char *first(const char *a, const char *b, const char *c, const char *d)
{
    return a != NULL ? a : b != NULL ? b : c != NULL ? c : d;
}

/* Only where the credentials too would come from the instance: elsewhere nobody answers,
 * and that takes a second to find out. */
static bool on_instance(const struct pb_aws_session *s)
{
    return pb_aws_has_instance(s) && pb_aws_block(s, "access_key") == NULL &&
           pb_aws_env(s, "AWS_ACCESS_KEY_ID") == NULL && !pb_aws_has_container(s) &&
           pb_aws_env(s, "AWS_WEB_IDENTITY_TOKEN_FILE") == NULL &&
           !pb_aws_ini_has(&s->ini, "profile", s->profile);
}

static void choose_rest(struct pb_aws_session *s)
{
    const char *region = first(pb_aws_block(s, "region"), pb_aws_env(s, "AWS_REGION"),
                               pb_aws_env(s, "AWS_DEFAULT_REGION"), pb_aws_profile(s, "region"));
    const char *ca = first(pb_aws_block(s, "custom_ca_bundle"), pb_aws_env(s, "AWS_CA_BUNDLE"),
                           pb_aws_profile(s, "ca_bundle"), NULL);

    s->region = region != NULL ? pb_strdup(region) : NULL;
    if (region == NULL && on_instance(s))
        (void)pb_aws_instance_region(&s->region, s, NULL);
    s->ca_file = ca != NULL ? expand(s, ca) : NULL;
}

int pb_aws_session_new(struct pb_aws_session **out, const struct pb_value *block,
                       const struct pb_auth_env *env, struct pb_err *err)
{
    struct pb_aws_session *s = pb_calloc(1, sizeof(*s));
    pthread_mutexattr_t again;

    pthread_mutexattr_init(&again);
    pthread_mutexattr_settype(&again, PTHREAD_MUTEX_RECURSIVE);
    s->lock = pb_malloc(sizeof(*s->lock));
    pthread_mutex_init(s->lock, &again);
    pthread_mutexattr_destroy(&again);
    s->block = block;
    s->env = env;
    s->endpoints = pb_calloc(1, sizeof(*s->endpoints));
    if (read_shared(s, err) == -1 || choose_profile(s, err) == -1) {
        pb_aws_session_free(s);
        return -1;
    }
    choose_rest(s);
    *out = s;
    return 0;
}

void pb_aws_session_free(struct pb_aws_session *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->nsigners; i++) {
        free(s->signers[i]->service);
        free(s->signers[i]->region);
        pb_wipe(&s->signers[i]->key, sizeof(s->signers[i]->key));
        free(s->signers[i]);
    }
    free(s->signers);
    for (size_t i = 0; i < s->endpoints->n; i++)
        free(s->endpoints->e[i].value);
    pb_map_release(s->endpoints);
    free(s->endpoints);
    pb_aws_ini_release(&s->ini);
    pb_aws_creds_release(&s->creds);
    free(s->profile);
    free(s->region);
    free(s->ca_file);
    pthread_mutex_destroy(s->lock);
    free(s->lock);
    free(s);
}

const char *pb_aws_region(const struct pb_aws_session *s)
{
    return s->region;
}

/* http_proxy is for https too where there is no https_proxy: so it is up to version 5 of the
 * provider. */
void pb_aws_transport(const struct pb_aws_session *s, struct pb_http_rq *rq)
{
    const char *http = pb_aws_block(s, "http_proxy"), *https = pb_aws_block(s, "https_proxy");

    rq->ca_file = s->ca_file;
    rq->proxy = pb_starts_with(rq->url, "https:") && https != NULL ? https : http;
    rq->no_proxy = pb_aws_block(s, "no_proxy");
}

const char *pb_aws_ca_file(const struct pb_aws_session *s)
{
    return s->ca_file;
}
