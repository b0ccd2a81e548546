/*
 * config.h: plumb.yaml. One table of parameters (params.c) drives the loader, its messages,
 * schemas/config.schema.json and the reference in the README.
 *
 *	struct pb_config cfg;
 *	if (pb_config_parse(&cfg, arena, text, n, "plumb.yaml", &err) < 0) ...
 *
 * The text comes from the tree of the audited commit (Git is the only truth), or from a file
 * that was named explicitly. Everything in a pb_config lives in the arena. A field that the
 * file leaves out has its default, so pb_config_default() is a usable configuration.
 */
#ifndef PB_CONFIG_CONFIG_H
#define PB_CONFIG_CONFIG_H

#include "base/buf.h"
#include "base/err.h"
#include "model/value.h"

#define PB_CONFIG_FILE "plumb.yaml"

enum { PB_CONFIG_MAX = 1 << 20 };

struct pb_config_ignore {
    const char *address; /* pattern, or NULL: every resource */
    const char *path;    /* attribute pattern, or NULL: the whole resource */
    const char *reason;  /* never NULL */
    int64_t line;
};

struct pb_config_unit {
    const char *name;
    const char *path;      /* within the repository, normalised, "" for the top */
    const char *engine;    /* executor's name, or NULL: found out */
    const char *tool;      /* program, or NULL: found out */
    const char *workspace; /* "default" unless given */
    const char *state;     /* local state file within the repository, or NULL */
    char *const *var_files;
    char *const *vars;                /* NAME=VALUE; a list or map as JSON */
    char *const *backend_config;      /* NAME=VALUE */
    const struct pb_value *providers; /* provider name -> settings; or NULL */
    const struct pb_config_ignore *ignore;
    size_t nignore;
    int64_t line;
};

struct pb_config_observe {
    int64_t concurrency; /* 0: the observer's default */
    int64_t timeout;     /* ms for one unit; 0: the observer's default */
};

struct pb_config_cache {
    int64_t data_source_ttl; /* ms */
};

struct pb_config_ledger {
    const char *name;            /* or NULL: the host's */
    const char *remote;          /* or NULL: not pushed */
    const char *signing_key;     /* or NULL: not signed */
    const char *allowed_signers; /* file within the repository, or NULL */
    const char *live;            /* "push", "local", "none"; NULL: "push" */
};

struct pb_config_rule {
    char *const *causes, *const *actions; /* names; NULL: any */
    const char *address;                  /* pattern, or NULL: every resource */
    const char *decide, *reason;
    int64_t line;
};

struct pb_config_guard {
    const char *address, *reason;
    int64_t line;
};

struct pb_config_window {
    char *const *days;
    const char *from, *to, *timezone, *reason;
    int64_t line;
};

struct pb_config_freeze {
    const char *from, *until, *timezone, *reason;
    int64_t line;
};

struct pb_config_policy {
    const char *name;
    char *const *command; /* or NULL */
    const char *rego;     /* file within the repository, or NULL */
    int64_t timeout;      /* ms; 0: the default */
    int64_t line;
};

struct pb_config_gate {
    const char *branch; /* that a commit must be on, or NULL: any */
    const char *remote; /* NULL: origin */
    const struct pb_config_rule *rules;
    size_t nrules;
    const struct pb_config_guard *guards;
    size_t nguards;
    int64_t max_delete, max_replace; /* -1: no limit */
    const char *coverage;            /* "all", else NULL or "touched" */
    const struct pb_config_policy *policies;
    size_t npolicies;
    const char *signatures;      /* "required", "all", or NULL */
    const char *allowed_signers; /* file within the repository */
    const struct pb_config_window *windows;
    size_t nwindows;
    const struct pb_config_freeze *freezes;
    size_t nfreezes;
    const char *provisioners; /* a decision; NULL: by where they come from */
};

struct pb_config_trust {
    char *const *branches; /* patterns of REMOTE/BRANCH; or NULL */
    bool is_signed;
};

struct pb_config_check {
    struct pb_config_trust trust;
    char *const *network; /* HOST, HOST:PORT, *.SUFFIX:PORT; or NULL */
    /* 0: the sandbox's default. */
    int64_t memory, disk; /* MiB */
    int64_t processes;
    int64_t timeout; /* ms */
};

struct pb_config {
    int64_t version;
    const struct pb_config_unit *units; /* none: found in the tree */
    size_t nunits;
    const struct pb_config_ignore *ignore;
    size_t nignore;
    char *const *packs;   /* folders within the repository, NULL-terminated or NULL */
    char *const *fail_on; /* verdict names, or NULL: the defaults */
    struct pb_config_observe observe;
    struct pb_config_cache cache;
    struct pb_config_ledger ledger;
    struct pb_config_gate gate;
    struct pb_config_check check;
    const char *file; /* for messages; NULL when there is none */
};

void pb_config_default(struct pb_config *out);
int pb_config_parse(struct pb_config *out, struct pb_arena *a, const char *text, size_t n,
                    const char *file, struct pb_err *err);

/* NULL-safe search by name. */
const struct pb_config_unit *pb_config_unit_find(const struct pb_config *c, const char *name);

/* What a file asks of the gate as a map of the table's names, without lines: for evidence. */
struct pb_value pb_config_gate_value(struct pb_arena *a, const struct pb_config_gate *c);

/* The table, for documents. */
void pb_config_add_reference(struct pb_buf *b); /* Markdown table of every key */
void pb_config_add_schema(struct pb_buf *b);    /* JSON Schema, 2020-12 */

#endif
