#include "backends/terraform/env.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum {
    PASS = 1,   /* handed on */
    KEY = 2,    /* part of the cache's key */
    PREFIX = 4, /* every name that starts so */
    WARN = 8    /* dropped, and people should know */
};

struct rule {
    const char *name;
    unsigned flags;
};

/* The first that fits decides; what fits none is dropped. */
static const struct rule rules[] = {
    {"TF_CLI_ARGS", WARN | PREFIX},
    {"TF_REATTACH_PROVIDERS", WARN},
    {"TF_WORKSPACE", WARN},
    {"TF_DATA_DIR", WARN},
    {"TF_LOG", WARN | PREFIX},
    {"TF_VAR_", PASS | KEY | PREFIX},
    {"TF_TOKEN_", PASS | PREFIX},
    {"TF_CLI_CONFIG_FILE", PASS | KEY},
    {"TF_PLUGIN_CACHE_", PASS | PREFIX},
    {"TF_REGISTRY_", PASS | PREFIX},
    {"TF_HTTP_", PASS | PREFIX},
    {"TF_CLOUD_", PASS | PREFIX},
    {"TF_ENCRYPTION", PASS},
    {"TFE_", PASS | KEY | PREFIX},

    /* Who asks: these change with every login, and what is declared does not. */
    {"AWS_ACCESS_KEY_ID", PASS},
    {"AWS_SECRET_ACCESS_KEY", PASS},
    {"AWS_SESSION_TOKEN", PASS},
    {"AWS_SECURITY_TOKEN", PASS},
    {"AWS_CREDENTIAL_EXPIRATION", PASS},
    {"AWS_CONTAINER_", PASS | PREFIX},
    {"AWS_WEB_IDENTITY_TOKEN_FILE", PASS},
    {"AWS_EXECUTION_ENV", PASS},
    {"GOOGLE_OAUTH_ACCESS_TOKEN", PASS},
    {"ARM_OIDC_TOKEN", PASS | PREFIX},
    {"ARM_OIDC_REQUEST_", PASS | PREFIX},
    {"GITHUB_TOKEN", PASS},
    {"VAULT_TOKEN", PASS},

    {"ALICLOUD_", PASS | KEY | PREFIX},
    {"ARM_", PASS | KEY | PREFIX},
    {"AUTH0_", PASS | KEY | PREFIX},
    {"AWS_", PASS | KEY | PREFIX},
    {"AZDO_", PASS | KEY | PREFIX},
    {"AZURE_", PASS | KEY | PREFIX},
    {"CLOUDFLARE_", PASS | KEY | PREFIX},
    {"CLOUDSDK_", PASS | KEY | PREFIX},
    {"CONSUL_", PASS | KEY | PREFIX},
    {"DATADOG_", PASS | KEY | PREFIX},
    {"DD_", PASS | KEY | PREFIX},
    {"DIGITALOCEAN_", PASS | KEY | PREFIX},
    {"FASTLY_", PASS | KEY | PREFIX},
    {"GCLOUD_", PASS | KEY | PREFIX},
    {"GITHUB_", PASS | PREFIX}, /* runners set dozens of these, new for each run */
    {"GITLAB_", PASS | KEY | PREFIX},
    {"GOOGLE_", PASS | KEY | PREFIX},
    {"HCLOUD_", PASS | KEY | PREFIX},
    {"HELM_", PASS | KEY | PREFIX},
    {"KUBE_", PASS | KEY | PREFIX},
    {"KUBECONFIG", PASS | KEY},
    {"KUBERNETES_", PASS | KEY | PREFIX},
    {"LINODE_", PASS | KEY | PREFIX},
    {"MONGODB_ATLAS_", PASS | KEY | PREFIX},
    {"MYSQL_", PASS | KEY | PREFIX},
    {"NEW_RELIC_", PASS | KEY | PREFIX},
    {"NOMAD_", PASS | KEY | PREFIX},
    {"OCI_", PASS | KEY | PREFIX},
    {"OKTA_", PASS | KEY | PREFIX},
    {"OS_", PASS | KEY | PREFIX},
    {"OVH_", PASS | KEY | PREFIX},
    {"PAGERDUTY_", PASS | KEY | PREFIX},
    {"PG", PASS | KEY | PREFIX},
    {"PM_", PASS | KEY | PREFIX},
    {"PROXMOX_", PASS | KEY | PREFIX},
    {"SCW_", PASS | KEY | PREFIX},
    {"SNOWFLAKE_", PASS | KEY | PREFIX},
    {"USE_GKE_", PASS | KEY | PREFIX},
    {"VAULT_", PASS | KEY | PREFIX},
    {"VSPHERE_", PASS | KEY | PREFIX},
    {"YC_", PASS | KEY | PREFIX},

    {"HOME", PASS},
    {"PATH", PASS},
    {"USER", PASS},
    {"LOGNAME", PASS},
    {"LANG", PASS},
    {"LC_", PASS | PREFIX},
    {"TZ", PASS | KEY},
    {"TMPDIR", PASS},
    {"XDG_CONFIG_HOME", PASS},
    {"XDG_CACHE_HOME", PASS},
    {"SSL_CERT_FILE", PASS},
    {"SSL_CERT_DIR", PASS},
    {"SSH_", PASS | PREFIX},
    {"GIT_SSH", PASS | PREFIX},
    {"GIT_ASKPASS", PASS},
    {"GIT_CONFIG_", PASS | PREFIX},
    {"NETRC", PASS},
    {"HTTP_PROXY", PASS},
    {"HTTPS_PROXY", PASS},
    {"NO_PROXY", PASS},
    {"ALL_PROXY", PASS},
    {"http_proxy", PASS},
    {"https_proxy", PASS},
    {"no_proxy", PASS},
    {"all_proxy", PASS},
};

void pb_tf_env_add_name(struct pb_strv *names, const char *source, size_t n)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    const char *slash = memrchr(source, '/', n);
    const char *name = slash ? slash + 1 : source, *end = source + n;

    for (; name < end; name++)
        pb_buf_addc(&b, *name == '-'                   ? '_'
                        : *name >= 'a' && *name <= 'z' ? (char)(*name - 32)
                                                       : *name);
    /* LD_ and GIT_ are not a provider's. */
    if (b.len < 3 || strcmp(b.s, "GIT") == 0)
        return;
    pb_buf_addc(&b, '_');
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->v[i], b.s) == 0)
            return;
    pb_strv_add(names, b.s);
}

void pb_tf_env_recorded_names(struct pb_strv *names, const struct pb_recorded_set *recorded)
{
    const char *last = NULL;

    for (size_t i = 0; recorded && i < recorded->n; i++) {
        const char *key = recorded->v[i].provider;
        const char *from = key ? strstr(key, "[\"") : NULL,
                   *to = from ? strchr(from + 2, '"') : NULL;
        if (!to || pb_streq(key, last))
            continue;
        last = key;
        pb_tf_env_add_name(names, from + 2, (size_t)(to - from - 2));
    }
}

static unsigned flags_of(const char *entry, const struct pb_strv *names)
{
    size_t len = strcspn(entry, "=");

    for (size_t i = 0; i < PB_COUNT(rules); i++) {
        size_t n = strlen(rules[i].name);
        if (strncmp(entry, rules[i].name, n) == 0 &&
            ((rules[i].flags & PREFIX) ? len >= n : len == n))
            return rules[i].flags;
    }
    for (size_t i = 0; names && i < names->n; i++)
        if (pb_starts_with(entry, names->v[i]))
            return PASS | KEY;
    return 0;
}

void pb_tf_env_build(struct pb_strv *out, char *const *from, const struct pb_strv *names,
                     const char *data_dir, const char *workspace, struct pb_diags *diags,
                     struct pb_arena *a)
{
    for (char *const *p = from; p && *p; p++) {
        unsigned flags = flags_of(*p, names);
        if (flags & PASS)
            pb_strv_add(out, *p);
        else if ((flags & WARN) && diags)
            pb_diag_add(diags, a, "warning", "terraform-environment", NULL,
                        "%.*s is set and was not handed on to Terraform: it would change what is "
                        "planned behind Git's back",
                        (int)strcspn(*p, "="), *p);
    }
    pb_strv_setenv(out, "TF_IN_AUTOMATION", "1");
    pb_strv_setenv(out, "TF_INPUT", "0");
    pb_strv_setenv(out, "CHECKPOINT_DISABLE", "1");
    pb_strv_setenv(out, "TF_DATA_DIR", data_dir);
    if (workspace && strcmp(workspace, "default") != 0)
        pb_strv_setenv(out, "TF_WORKSPACE", workspace);
}

void pb_tf_env_key(struct pb_sha256 *d, char *const *from, const struct pb_strv *names,
                   const struct pb_seal *seal)
{
    PB_AUTO(strv) struct pb_strv v = PB_STRV_INIT;

    for (char *const *p = from; p && *p; p++)
        if (flags_of(*p, names) & KEY)
            pb_strv_add(&v, *p);
    pb_strv_sort(&v);
    for (size_t i = 0; i < v.n; i++) {
        unsigned char mac[PB_SHA256_LEN];
        pb_hmac_sha256(mac, seal->key, sizeof(seal->key), v.v[i], strlen(v.v[i]));
        pb_sha256_add_field(d, mac, sizeof(mac));
    }
    pb_sha256_add_str(d, "end of environment");
}
