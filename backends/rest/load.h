/*
 * load.h: what the parts of the pack loader share: tables of keys, and where an error is.
 * Only for load_*.c, and for the test that compares the tables with the JSON Schema.
 */
#ifndef PB_BACKENDS_REST_LOAD_H
#define PB_BACKENDS_REST_LOAD_H

#include "backends/rest/pack.h"

/* Which kinds of YAML value a key takes. */
enum {
    PB_K_STRING = 1,
    PB_K_NUMBER = 2,
    PB_K_BOOL = 4,
    PB_K_LIST = 8,
    PB_K_MAP = 16,
    PB_K_NULL = 32,
    PB_K_SCALAR = PB_K_STRING | PB_K_NUMBER | PB_K_BOOL | PB_K_NULL,
    PB_K_ANY = 63,
    PB_K_REQUIRED = 64
};

struct pb_key {
    const char *name;
    unsigned kinds;
};

/* One kind of map in a pack. */
struct pb_keys {
    const char *what; /* "a step": also its name in the JSON Schema's $defs, without the article */
    const struct pb_key *keys;
    size_t n;
};
extern const struct pb_keys pb_keys_type, pb_keys_step, pb_keys_way, pb_keys_page, pb_keys_batch,
    pb_keys_rule, pb_keys_provider, pb_keys_service, pb_keys_signing, pb_keys_fault, pb_keys_tags,
    pb_keys_canary, pb_keys_setting;
extern const struct pb_keys *const pb_all_keys[]; /* NULL-terminated */

struct pb_load {
    struct pb_arena *a;
    const char *file;
    struct pb_err *err;
    const struct pb_pack_provider *provider;
    struct pb_names names;
    struct pb_buf field; /* "reads.vpc.many": grows and shrinks on the way down */
    unsigned line;
    bool sensitive; /* the requests of this step */
};

/* "FILE:LINE: field 'reads.vpc': problem"; always -1. */
int pb_load_fail(struct pb_load *l, const struct pb_value *at, const char *fmt, ...)
    PB_PRINTF(3, 4);
/* Puts file, line and field in front of l->err; always -1. */
int pb_load_wrap(struct pb_load *l, const struct pb_value *at);
size_t pb_load_enter(struct pb_load *l, const char *key); /* returns what leave takes */
void pb_load_leave(struct pb_load *l, size_t mark);

/* Unknown keys, wrong kinds, missing required keys. */
int pb_load_check(struct pb_load *l, const struct pb_value *map, const struct pb_keys *keys);
int pb_load_strings(const char *const **out, struct pb_load *l, const struct pb_value *v);
int pb_load_expr(const struct pb_expr **out, struct pb_load *l, const struct pb_value *v);
int pb_load_template(const struct pb_expr **out, struct pb_load *l, const struct pb_value *v);
int pb_load_path(struct pb_path *out, struct pb_load *l, const struct pb_value *v);
int pb_load_params(const struct pb_param **out, size_t *n, struct pb_load *l,
                   const struct pb_value *map);
int pb_load_place(struct pb_place *out, struct pb_load *l, const struct pb_value *at,
                  const char *text);
int pb_load_page(const struct pb_page **out, struct pb_load *l, const struct pb_value *v);
int pb_load_request(const struct pb_request **out, struct pb_load *l, const struct pb_value *map,
                    const struct pb_service *service);
const struct pb_service *pb_load_service(struct pb_load *l, const struct pb_value *name);
int pb_load_cond(const struct pb_cond **out, struct pb_load *l, const struct pb_value *v);
int pb_load_rule(const struct pb_rule **out, struct pb_load *l, const struct pb_value *v);
int pb_load_steps(struct pb_pack *pack, struct pb_load *l, const struct pb_value *reads);
const char *pb_load_tables(struct pb_load *l, const struct pb_value *tables);

#endif
