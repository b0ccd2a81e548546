/*
 * aws.h: an AWS session: credentials, region and endpoints, found where the Terraform AWS
 * provider and its s3 backend find them, in the same order.
 *
 *	struct pb_aws_session *s = NULL;
 *	if (pb_aws_session_new(&s, block, env, err) == -1) ...
 *	struct pb_aws_signer *sg = pb_aws_signer(s, "s3", NULL);
 *	rq.sign = pb_aws_sign;
 *	rq.sign_ctx = sg;
 *
 * `block` is the evaluated `provider "aws"` block, or the settings of an s3 backend: a map
 * with access_key, secret_key, token, profile, region, shared_config_files,
 * shared_credentials_files, assume_role, assume_role_with_web_identity, endpoints,
 * skip_metadata_api_check, custom_ca_bundle and so on. Unknown members are not read; blocks
 * may be a map or a list of maps.
 *
 * Credentials, first found: the block; AWS_ACCESS_KEY_ID; the profile (static, source_profile,
 * credential_source, web identity, SSO, credential_process);
 * AWS_WEB_IDENTITY_TOKEN_FILE; the container's endpoint; the instance's metadata. Then the
 * block's assume_role roles, in order. MFA is refused with a remedy; an
 * SSO sign-in that has expired too, as only a person can sign in.
 *
 * pb_aws_session_new() reads files and may ask the instance for the region, but for no
 * credentials; the first signature (or pb_aws_credentials()) does, and again within five
 * minutes of their expiry. Those requests have a scheduler of their own, so they may be made
 * from within pb_http_run. A failure is remembered, so that a thousand requests ask once;
 * one to renew them for half a minute at most.
 */
#ifndef PB_BACKENDS_AUTH_AWS_H
#define PB_BACKENDS_AUTH_AWS_H

#include "backends/auth/auth.h"

struct pb_aws_session;
struct pb_aws_signer;

struct pb_aws_creds {
    char *access_key, *secret_key, *token; /* token NULL when none */
    int64_t expires;                       /* seconds since 1970; 0: never */
    const char *source;                    /* for people: "environment", "profile" */
};

int pb_aws_session_new(struct pb_aws_session **out, const struct pb_value *block,
                       const struct pb_auth_env *env, struct pb_err *err);
void pb_aws_session_free(struct pb_aws_session *s);

const char *pb_aws_region(const struct pb_aws_session *s);  /* NULL: nowhere set */
const char *pb_aws_ca_file(const struct pb_aws_session *s); /* custom_ca_bundle, AWS_CA_BUNDLE */

/* Sets a request's CAs and proxy as the block and the profile have them. rq->url must be there. */
void pb_aws_transport(const struct pb_aws_session *s, struct pb_http_rq *rq);

/* "amazonaws.com", "amazonaws.com.cn", ...: the partition of a region. */
const char *pb_aws_dns_suffix(const char *region);

/* A configured endpoint for a service ("ec2", "s3"; the names of the provider's endpoints
 * block), without a trailing '/'; NULL when none is: the pack's template holds then. */
const char *pb_aws_endpoint(const struct pb_aws_session *s, const char *service);

/* The URL of a service itself, where no endpoint is configured: `url`, or its FIPS or dual-stack
 * form where use_fips_endpoint or use_dualstack_endpoint ask for it. Caller frees. */
char *pb_aws_public_url(const struct pb_aws_session *s, const char *region, const char *url);

/* The credentials now, refreshed when needed. Borrowed until the next call. */
int pb_aws_credentials(const struct pb_aws_creds **out, struct pb_aws_session *s,
                       struct pb_err *err);

/* A signer, owned by the session; the same arguments give the same one. region NULL: the
 * session's, or "us-east-1" when there is none. */
struct pb_aws_signer *pb_aws_signer(struct pb_aws_session *s, const char *service,
                                    const char *region);
/* A pb_http_rq.sign; ctx is a struct pb_aws_signer. */
int pb_aws_sign(const struct pb_http_rq *rq, struct pb_strv *headers, void *ctx,
                struct pb_err *err);

/* The URL of an object, percent-encoded: path style ("host/bucket/key") or virtual host.
 * `endpoint` as from pb_aws_endpoint(); NULL is the regional one. */
int pb_aws_s3_url(struct pb_buf *out, const char *endpoint, const char *region, const char *bucket,
                  const char *key, bool path_style, struct pb_err *err);

#endif
