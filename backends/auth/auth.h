/*
 * auth.h: how a request proves who sends it. One table of schemes; a pack's provider.yaml
 * names one, and this file is all that an observer needs of it:
 *
 *	auth: {scheme: token, header: X-Auth-Token, token: {env: EXAMPLE_TOKEN}}
 *
 *	struct pb_auth *auth = NULL;
 *	if (pb_auth_open(&auth, settings, provider, &env, err) == -1) ...
 *	pb_auth_apply(auth, "ec2", NULL, &rq);	// sets rq.sign, rq.sign_ctx, certificates
 *	pb_http_submit(h, &rq);
 *	...
 *	pb_auth_free(auth);			// after pb_http_run
 *
 * Schemes and their settings (pb_auth_schemes[] is the list):
 *
 *	none
 *	bearer       token
 *	token        token, header; optional prefix ("Token ")
 *	basic        username, password
 *	client_cert  cert_file, key_file; optional ca_file
 *	aws_sigv4    none: see aws.h
 *
 * Each setting is a string, or a map that says where it is: {env: NAME}, {file: PATH} or
 * {provider: "path.in.the.provider.block"}, or a list of these, of which the first that is
 * there wins. A secret may not be written into a pack: `token` and `password` take maps
 * only. ca_file is understood by every scheme.
 *
 * Secrets are wiped when freed, and are never part of a message, an argument or a log.
 * One thread opens, applies and frees; another may sign and take out meanwhile.
 */
#ifndef PB_BACKENDS_AUTH_AUTH_H
#define PB_BACKENDS_AUTH_AUTH_H

#include "base/err.h"
#include "model/value.h"
#include "observe/http.h"

struct pb_auth;
struct pb_aws_session;

/* Where environment variables come from: tests and units have their own. */
struct pb_auth_env {
    const char *(*get)(const char *name, void *ctx); /* NULL: getenv() */
    void *ctx;
};
/* NULL when unset or empty. `env` may be NULL. */
const char *pb_auth_getenv(const struct pb_auth_env *env, const char *name);

struct pb_auth_scheme {
    const char *name;
    const char *const *required; /* names of settings, NULL-terminated */
    const char *const *optional; /* the same */
    const char *secret;          /* the one of them that may not be written down, or NULL */
    const char *summary;
};
extern const struct pb_auth_scheme pb_auth_schemes[];
extern const size_t pb_auth_schemes_count;

/* `settings` is the pack's `auth` map (its `scheme` chooses), or NULL for none; `provider`
 * the evaluated provider block (map, or NULL). Both must outlive the result, as must `env`.
 * Sends no request. */
int pb_auth_open(struct pb_auth **out, const struct pb_value *settings,
                 const struct pb_value *provider, const struct pb_auth_env *env,
                 struct pb_err *err);

/* Makes `rq`, which has its URL, be signed. `service` and `region` are what aws_sigv4 signs
 * for ("ec2", "s3"); region NULL is the session's. Other schemes ignore both. */
void pb_auth_apply(struct pb_auth *auth, const char *service, const char *region,
                   struct pb_http_rq *rq);

/* Takes this authentication's secrets out of what a server says: some repeat what was sent. */
void pb_auth_take_out(struct pb_buf *text, const struct pb_auth *auth);
/* Takes out one secret, as it is and percent-encoded. NULL is none. */
void pb_auth_take_out_one(struct pb_buf *text, const char *secret);

/* The AWS session of an aws_sigv4 scheme, for region and endpoints; NULL otherwise. */
struct pb_aws_session *pb_auth_aws(struct pb_auth *auth);

void pb_auth_free(struct pb_auth *auth);

#endif
