/*
 * store.h: where a unit's state is, and reading it there without any lock.
 *
 *	struct pb_tf_backend be;
 *	if (pb_tf_backend_find(&be, a, u, err) ||
 *	    pb_tf_store_read(&text, &none, a, &be, u, err))
 *		return -1;
 *
 * local, http and s3 are read directly; everything else (and encrypted states) by
 * `terraform state pull` in a folder that holds nothing but the backend's block, so that no
 * provider is fetched. Settings come from the text, from -backend-config values, and from
 * .terraform/terraform.tfstate of the work tree where somebody ran init.
 */
#ifndef PB_TERRAFORM_STORE_H
#define PB_TERRAFORM_STORE_H

#include "backends/backend.h"

struct pb_strv;
struct pb_tf_run;

struct pb_tf_backend {
    const char *type;              /* "local", "s3", ..., "cloud" */
    const struct pb_value *config; /* a map */
    const char *text;              /* the terraform block's backend part as written, or NULL */
    const char *where;             /* for messages: no secrets */
};

/* Without u->tree only what was remembered for u->tree_key is known: if that is nothing, -1
 * with err->sys ENODATA, which means: export the tree and ask again. */
int pb_tf_backend_find(struct pb_tf_backend *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                       struct pb_err *err);

/* *none: there is no state yet. */
int pb_tf_store_read(struct pb_buf *text, bool *none, struct pb_arena *a, struct pb_tf_backend *be,
                     const struct pb_unit_ctx *u, struct pb_err *err);

/* The state's file, of a local backend. Caller frees. */
int pb_tf_store_local_path(char **out, const struct pb_tf_backend *be, const struct pb_unit_ctx *u,
                           struct pb_err *err);

/* Makes a folder that holds nothing but the backend's block, initialised: for commands about its
 * state that need no provider. The caller releases *r, whatever came of it. */
int pb_tf_store_open(struct pb_tf_run *r, struct pb_arena *a, const struct pb_tf_backend *be,
                     const struct pb_unit_ctx *u, struct pb_err *err);

/* Whether plumb can speak to the backend itself with these settings: local, http, s3. */
bool pb_tf_store_is_direct(const struct pb_tf_backend *be, const char *type);

/* One request of any method to an http backend's server: its status and the reply's body. */
int pb_tf_store_http_ask(int *status, struct pb_buf *body, const char *method, const char *url,
                         const char *data, struct pb_arena *a, const struct pb_tf_backend *be,
                         const struct pb_unit_ctx *u, struct pb_err *err);
/* A setting of an http backend, from the configuration or the environment; NULL: none. */
const char *pb_tf_store_http_setting(const struct pb_tf_backend *be, const char *name,
                                     const char *env);
/* The object beside a state in S3, as its lock: `suffix` ".tflock"; "" is the state itself. */
int pb_tf_store_s3_get(struct pb_buf *text, bool *none, struct pb_arena *a,
                       struct pb_tf_backend *be, const struct pb_unit_ctx *u, const char *suffix,
                       struct pb_err *err);

/* What is added to the block: -backend-config arguments; values come in a private file in `dir`. */
int pb_tf_backend_settings(struct pb_strv *args, const char *dir, const struct pb_unit_ctx *u,
                           struct pb_err *err);

/* Parts of it, for each way of reading. */
int pb_tf_store_local(struct pb_buf *text, bool *none, struct pb_arena *a, struct pb_tf_backend *be,
                      const struct pb_unit_ctx *u, struct pb_err *err);
int pb_tf_store_http(struct pb_buf *text, bool *none, struct pb_arena *a, struct pb_tf_backend *be,
                     const struct pb_unit_ctx *u, struct pb_err *err);
int pb_tf_store_s3(struct pb_buf *text, bool *none, struct pb_arena *a, struct pb_tf_backend *be,
                   const struct pb_unit_ctx *u, struct pb_err *err);
int pb_tf_store_pull(struct pb_buf *text, bool *none, struct pb_arena *a, struct pb_tf_backend *be,
                     const struct pb_unit_ctx *u, struct pb_err *err);

#endif
