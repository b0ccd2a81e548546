/*
 * snapshot.h: what is declared, what is recorded, what is live; the inputs of reconcile.
 *
 * A snapshot owns nothing: it lives in the arena it was made in. Arrays are sorted by
 * address (bytewise). Addresses are Terraform's absolute resource instance addresses:
 * module.net["a"].aws_subnet.public[0].
 */
#ifndef PB_MODEL_SNAPSHOT_H
#define PB_MODEL_SNAPSHOT_H

#include "model/schema.h"
#include "model/value.h"

enum pb_action {
    PB_ACT_NONE = 0, /* no-op */
    PB_ACT_CREATE,
    PB_ACT_READ,
    PB_ACT_UPDATE,
    PB_ACT_DELETE,
    PB_ACT_REPLACE,
    PB_ACT_FORGET,
    PB_ACT_UNKNOWN /* an action this version does not know: never treated as none */
};
const char *pb_action_name(enum pb_action a); /* "none", "create", ... */

/* Something that an apply starts beside what providers do: no plan says what it does. */
struct pb_side_effect {
    const char *what;           /* "local-exec", "action.example_restart.a" */
    bool on_create, on_destroy; /* of its resource */
    bool invoked;               /* the plan says that it will run */
    const char *file;           /* of the block that asks for it, or NULL */
    unsigned line, last_line;   /* 0 when not known */
};

/* One resource instance as Git declares it. */
struct pb_declared {
    const char *address;
    const char *type;
    const char *provider;  /* configuration it uses: see pb_provider_config.key */
    enum pb_action action; /* what Terraform plans */
    const struct pb_value
        *planned;                 /* after: PB_UNKNOWN and PB_V_SENSITIVE applied; NULL on delete */
    const struct pb_value *prior; /* before: the recorded side as the plan saw it; or NULL */
    /* Which attributes the configuration sets itself: a map name -> true, or name -> list
     * of such maps for nested blocks, in order. An attribute may be declared null by
     * being left out when it is optional and not computed; that is for the schema to say. */
    const struct pb_value *configured;
    bool configured_opaque; /* the configuration could not be seen through (dynamic blocks) */
    const char *const *ignore_changes; /* paths, "all" as "*"; NULL-terminated or NULL */
    const char *const *replace_paths;  /* attribute paths that force replacement, or NULL */
    const char *previous_address;      /* where the state still has it (moved blocks), or NULL */
    bool importing;                    /* an import block will bring it into the state */
    const char *source_file;           /* its block's file within the repository, or NULL */
    unsigned source_line, source_end;  /* first and last; 0 when not known */
    const struct pb_side_effect *effects;
    size_t neffects;
};

/* One resource instance as tfstate records it. */
struct pb_recorded {
    const char *address;
    const char *type;
    const char *provider;              /* pb_provider_config.key */
    const char *id;                    /* attributes.id, or NULL */
    const struct pb_value *attributes; /* a map; sensitive ones marked */
    int64_t schema_version;
    const char *deposed; /* deposed key, or NULL */
    bool tainted;
    /* What the tool's own plugins want back, as the state has it: attributes before they were
     * brought into the form of plans; the provider's notes in base64, or NULL; what identifies
     * it, or NULL. */
    const struct pb_value *stored;
    const char *private_data;
    const struct pb_value *identity;
    int64_t identity_version;
};

enum pb_presence { PB_P_UNKNOWN = 0, PB_P_KNOWN, PB_P_ABSENT };

/* One resource instance as the world shows it.
 * `attributes` holds what the observer maps and nothing else: in an object, a field that
 * is not there was not looked at; null means "seen, and it is null"; PB_UNKNOWN means
 * "looked at, and could not be seen" with its reason. */
struct pb_live {
    const char *address;
    const char *observer; /* "rest" */
    enum pb_presence presence;
    const char *reason; /* why unknown, or the proof of absence; NULL when known */
    bool unusable;      /* unknown because the observer could not work at all: another one may */
    const struct pb_value *attributes;
    /* The recorded attributes as the observer's own upgrade of them has it, where that is
     * something else; or NULL. */
    const struct pb_value *upgraded;
    /* A reply that this rests on was wrong in itself: a page for people, a list that was cut.
     * What it was; NULL when none was. Whoever believes such a reply sees too little. */
    const char *garbled;
    /* Attributes that nobody can see by asking, so that their absence above says nothing;
     * NULL-terminated, or NULL. */
    const char *const *unseeable;
};

/* A provider configuration, evaluated as far as it could be.
 * key: as in the state, "provider[\"registry.terraform.io/hashicorp/aws\"].west", with the
 * module in front when it is configured in a module. */
struct pb_provider_config {
    const char *key;
    const char *source;            /* "registry.terraform.io/hashicorp/aws" */
    const char *alias;             /* or NULL */
    const char *version;           /* from the lock file, or NULL */
    const struct pb_value *values; /* attributes and blocks; PB_UNKNOWN where not evaluated */
    const char *const *hashes;     /* the lock file's, NULL-terminated; NULL: it has none */
};

struct pb_diag {
    const char *severity; /* "error", "warning", "notice" */
    const char *code;     /* stable, kebab-case */
    const char *message;
    const char *address; /* or NULL */
};

struct pb_diags {
    struct pb_diag *v;
    size_t n, cap;
};
/* Strings are copied into the arena; release frees only the array. */
void pb_diag_add(struct pb_diags *d, struct pb_arena *a, const char *severity, const char *code,
                 const char *address, const char *fmt, ...) PB_PRINTF(6, 7);
void pb_diags_release(struct pb_diags *d);

struct pb_declared_set {
    const struct pb_declared *v;
    size_t n;
    const struct pb_provider_config *providers;
    size_t nproviders;
    const struct pb_side_effect *effects; /* of no resource that the plan changes */
    size_t neffects;
    const struct pb_value *outputs; /* of the unit as a whole, a map by name; NULL: not known */
    bool complete; /* false: the plan said that it is not (targets, deferred, errors) */
    bool broken;   /* and not for its targets alone */
};

struct pb_recorded_set {
    const struct pb_recorded *v;
    size_t n;
    const char *lineage; /* NULL when there is no state at all yet */
    int64_t serial;
    char sha256[65]; /* of the state's bytes; "" when there is none */
    const char *terraform_version;
};

struct pb_live_set {
    const struct pb_live *v;
    size_t n;
};

/* Schemas of the types in use. A type that is not there has no schema: values are
 * compared structurally, and the report says so. */
struct pb_schema_set {
    const struct pb_schema *const *v; /* sorted by type */
    size_t n;
};

const struct pb_declared *pb_declared_find(const struct pb_declared_set *s, const char *address);
const struct pb_recorded *pb_recorded_find(const struct pb_recorded_set *s, const char *address);
const struct pb_live *pb_live_find(const struct pb_live_set *s, const char *address);
const struct pb_schema *pb_schema_find(const struct pb_schema_set *s, const char *type);

#endif
