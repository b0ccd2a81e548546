/*
 * pack.h: packs as they are in memory, and the loader. The format is described, for those
 * who write packs, in schemas/observers/README.md.
 *
 *	struct pb_packs *packs = pb_packs_new(arena, rq->pack_dirs);
 *	const struct pb_pack *pack = NULL;
 *	if (pb_packs_find(&pack, packs, source, "aws_vpc", err) == -1) ...	// a broken pack
 *	if (!pack) ...							// nobody covers it
 *
 * Loading checks everything that can be checked without a reply: keys, kinds, expressions,
 * names, references between steps. Messages read "FILE:LINE: field: problem; remedy".
 * Packs are immutable and live in the arena given.
 */
#ifndef PB_BACKENDS_REST_PACK_H
#define PB_BACKENDS_REST_PACK_H

#include "backends/rest/expr.h"
#include "model/snapshot.h"

enum { PB_MAX_STEPS = 32, PB_MAX_LETS = 64 };

enum pb_protocol_id {
    PB_PROTO_QUERY = 0,
    PB_PROTO_EC2_QUERY,
    PB_PROTO_JSON_10,
    PB_PROTO_JSON_11,
    PB_PROTO_REST_JSON,
    PB_PROTO_REST_XML,
    PB_PROTO_JSON,
    PB_NPROTOCOLS
};
extern const char *const pb_protocol_names[PB_NPROTOCOLS + 1]; /* NULL-terminated */

struct pb_path { /* within a reply */
    const struct pb_seg *segs;
    size_t n;
    const char *text; /* NULL: not given */
};

/* Where something is put into a request: form.NAME, query.NAME, body.PATH. */
enum pb_place_kind { PB_PLACE_NONE = 0, PB_PLACE_FORM, PB_PLACE_QUERY, PB_PLACE_BODY };
struct pb_place {
    enum pb_place_kind kind;
    const char *name;
};

struct pb_param {
    const char *name;
    const struct pb_expr *value;
};

/* A JSON body: like pb_value, with expressions at the leaves. */
struct pb_node {
    const char *key;
    const struct pb_expr *expr; /* a string */
    struct pb_value constant;   /* number, bool, null */
    const struct pb_node *kids;
    size_t nkids;
    uint8_t kind; /* PB_MAP, PB_LIST, PB_STRING (expr), PB_NULL (constant) */
};

struct pb_token {
    struct pb_place place;
    struct pb_path from;
};
struct pb_page {
    const struct pb_token *next;
    size_t nnext;
    struct pb_path more;
    struct pb_path next_url;
    struct pb_place number;
};

struct pb_match {
    const struct pb_expr *item; /* on an item */
    const struct pb_expr *want; /* of this resource */
};

enum pb_reply_as {
    PB_REPLY_AS_PROTOCOL = 0,
    PB_REPLY_AS_TEXT,
    PB_REPLY_AS_JSON_TEXT /* text that must be JSON */
};

struct pb_request {
    const struct pb_service *service;
    const struct pb_expr *action; /* NULL for REST */
    const char *method;
    const struct pb_expr *path; /* NULL: "/" */
    const struct pb_param *query, *headers, *form;
    size_t nquery, nheaders, nform;
    const struct pb_node *body; /* NULL: none */
    const struct pb_expr *batch_key;
    struct pb_place batch_into;
    long batch_max;
    struct pb_path item, items, then;
    const struct pb_match *match, *then_match;
    size_t nmatch, nthen_match;
    bool take_all, lenient;
    bool sensitive; /* what is said of it is for nobody */
    enum pb_reply_as reply;
    const struct pb_path *has; /* what every good reply has */
    size_t nhas;
    const struct pb_page *page; /* NULL: one page only */
    const char *const *roots;   /* XML roots that a good reply may have; NULL: any */
    const char *const *keep_headers;
    long at_least;
};

enum pb_cond_kind { PB_COND_EXPR = 0, PB_COND_ALL, PB_COND_ANY };
struct pb_cond {
    enum pb_cond_kind kind;
    const struct pb_expr *expr;
    const struct pb_cond *subs;
    size_t n;
};

struct pb_step {
    const char *name;
    unsigned index;
    bool identity, optional, sensitive, otherwise_null;
    const struct pb_request *one, *many, *confirm; /* one or many is there */
    const struct pb_cond *only_if;                 /* NULL: always */
    const char *const *none_when;
    const char *const *not_found;
    const struct pb_cond *gone_when; /* on the object */
    const char *gone_text;
    const char *unlisted; /* "listing", or a step's name; NULL: codes only */
    int witness;          /* index of that step, or -1 */
    unsigned needs;       /* bit set of steps that its requests refer to */
};

enum pb_rule_kind {
    PB_RULE_EXPR = 0,
    PB_RULE_CONST,
    PB_RULE_FOR,
    PB_RULE_BLOCK,
    PB_RULE_OBJECT,
    PB_RULE_FIRST_OF,
    PB_RULE_CONCAT,
    PB_RULE_CASES,
    PB_RULE_GROUP
};

struct pb_rule;
struct pb_rule_field {
    const char *name;
    const struct pb_rule *rule;
};
struct pb_rule_case {
    const struct pb_cond *when; /* NULL: else */
    const struct pb_rule *then;
};
struct pb_loop {
    const char *var;
    const struct pb_expr *in;
};

struct pb_rule {
    enum pb_rule_kind kind;
    bool sensitive, only_if_recorded, like_recorded;
    const char *unless_recorded;
    const struct pb_expr *expr; /* EXPR, BLOCK, OBJECT */
    struct pb_value constant;
    const char *as; /* BLOCK, OBJECT */
    const struct pb_loop *loops;
    size_t nloops;
    const struct pb_cond *where;
    const struct pb_expr *key; /* FOR: makes a map */
    const struct pb_rule *value;
    const struct pb_rule_field *fields;
    size_t nfields;
    const struct pb_rule *const *rules; /* FIRST_OF, CONCAT; GROUP: rules[0] */
    size_t nrules;
    const struct pb_rule_case *cases;
    size_t ncases;
    const char *const *by;
    const struct pb_call *then;
    size_t nthen;
};

struct pb_service {
    const char *name;
    enum pb_protocol_id protocol;
    const struct pb_value *endpoint; /* string, or map of a partition's name */
    const char *signing_name;
    const struct pb_value *signing_region; /* string, map by partition, or NULL */
    const char *version, *target;
    const struct pb_param *headers;
    size_t nheaders;
    const struct pb_page *page;
    const struct pb_path *fault_code, *fault_message; /* ended by text NULL; or NULL */
    const char *const *not_found;
    const char *const *throttle;
    const char *const *denied;
};

struct pb_pack_provider {
    const char *file;
    const struct pb_value *root; /* the document */
    const char *const *sources;
    const struct pb_value *auth;
    const char *const *settings; /* names, with those the auth scheme brings */
    const struct pb_service *services;
    size_t nservices;
    struct pb_tag_rules tags; /* only drop_prefixes is filled */
    const char *tag_defaults, *tag_ignore_keys, *tag_ignore_prefixes; /* paths or NULL */
    const struct pb_request *canary;                                  /* or NULL */
    struct pb_path canary_account;
    const struct pb_value *tables;
};

struct pb_attr {
    const char *name;
    const struct pb_rule *rule;
    unsigned steps; /* that it refers to */
};

struct pb_pack {
    const char *file;
    const char *type;
    const struct pb_pack_provider *provider;
    const struct pb_service *service;
    const struct pb_param *lets;
    size_t nlets;
    const struct pb_expr *arn;
    const struct pb_step *steps;
    size_t nsteps;
    unsigned identity; /* index of that step */
    const struct pb_attr *attrs;
    size_t nattrs;
    const struct pb_value *tables;
    bool uses_account;
    const char *const *unseeable; /* attributes that nobody can see; NULL-terminated */
};

struct pb_packs;
/* dirs: colon-separated, searched before the shipped ones; may be NULL. */
struct pb_packs *pb_packs_new(struct pb_arena *a, const char *dirs);
/* Others on an arena of their own, for another thread; providers that `packs` has loaded are theirs
 * too. When both threads are done, joining makes these part of `packs`, and their arena of its. */
struct pb_packs *pb_packs_beside(struct pb_arena *a, const struct pb_packs *packs);
void pb_packs_join(struct pb_packs *packs, struct pb_packs *beside);
/* 0 with *out NULL when no pack covers the type; -1 when one does and is broken. */
int pb_packs_find(const struct pb_pack **out, struct pb_packs *packs, const char *source,
                  const char *type, struct pb_err *err);
/* Whether a pack file is there, without reading it. */
bool pb_packs_covers(const char *dirs, const char *source, const char *type);

/* The provider's own file alone; *out NULL when there is none for this source. */
int pb_packs_provider(const struct pb_pack_provider **out, struct pb_packs *packs,
                      const char *source, struct pb_err *err);
/* Loads every pack there is. Returns how many are good; each other is an error "pack". */
size_t pb_packs_check(struct pb_packs *packs, struct pb_diags *out);

/* The loader itself: for tests and fuzzing. `file` is for messages. */
int pb_pack_load_provider(const struct pb_pack_provider **out, struct pb_arena *a, const char *text,
                          size_t n, const char *file, struct pb_err *err);
int pb_pack_load_type(const struct pb_pack **out, struct pb_arena *a,
                      const struct pb_pack_provider *p, const char *text, size_t n,
                      const char *file, struct pb_err *err);

#endif
