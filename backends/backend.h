/*
 * backend.h: what plumb asks of a tool it drives (executor) and of a way of reading live
 * state (observer). Both are tables of functions; registry.c lists them.
 *
 * Results live in the arena given; nothing else is kept between calls but what the
 * structs say. Every function follows err.h.
 */
#ifndef PB_BACKENDS_BACKEND_H
#define PB_BACKENDS_BACKEND_H

#include <time.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/strv.h"
#include "model/seal.h"
#include "model/snapshot.h"

struct pb_crew;    /* base/crew.h */
struct pb_sandbox; /* base/sandbox.h */

/* Tells how far work has come; called often, from the thread that does the work; shows
 * nothing by itself. `done` of `total`; total 0 when not known. `what` is short: "plan",
 * "reading ec2". May be NULL. */
struct pb_progress {
    void (*report)(void *ctx, const char *what, size_t done, size_t total);
    void *ctx;
};

/* How to plan, beyond what plumb.yaml says of the unit: what a command line adds. Zeros add
 * nothing. Lists are NULL-terminated or NULL. */
struct pb_plan_options {
    char *const *vars;      /* NAME=VALUE; after the unit's own */
    char *const *var_files; /* as the tool will open them: absolute */
    char *const *targets;   /* addresses, as the tool knows them */
    char *const *replace;
    bool destroy;
    int parallelism;      /* 0: the tool's default */
    long lock_timeout_ms; /* for the state's own lock */
};

/* A plan that can be applied once: made on the state's own backend, kept in u->work. */
struct pb_saved_plan {
    const char *path; /* 0600 */
    char sha256[PB_SHA256_HEX];
    char plugins[PB_SHA256_HEX]; /* over the packages that were verified and will run */
    char lock[PB_SHA256_HEX];    /* of the file that pins them, as it was planned with */
    bool refreshed;
    bool outputs; /* it changes outputs */
};

/* One unit, resolved by the caller; all strings are the caller's and outlive the call. */
struct pb_unit_ctx {
    const char *name;
    const char *path;       /* of the root module within the repository, "" for the top */
    const char *tree;       /* exported tree of the commit (repository top), NULL until needed */
    const char *worktree;   /* where the repository is checked out: for local state and
                              .terraform; NULL for a bare repository */
    const char *work;       /* private area, 0700, for whatever the backend writes */
    const char *workspace;  /* "default" unless configured */
    const char *tree_key;   /* git ids of everything in the tree that the unit reaches, hashed */
    char *const *var_files; /* paths within the repository; NULL-terminated or NULL */
    char *const *vars;      /* NAME=VALUE; NULL-terminated or NULL */
    char *const *backend_config; /* as terraform init -backend-config; or NULL */
    const char *tool;            /* program to run ("terraform", "tofu", a path), or NULL: detect */
    const char *state_path;      /* local state given by configuration, or NULL */
    const struct pb_value *providers; /* plumb.yaml's overrides of provider settings, or NULL */
    const struct pb_seal *seal;
    const char *cache_dir;   /* plumb's cache, 0700 */
    long data_source_ttl_ms; /* how long declared values that data sources feed are believed */
    long timeout_ms;         /* per child; 0: none */
    bool refresh;            /* plan as an apply would that has to look first; not kept */
    bool accept_state;       /* an older state, or another's, is meant: believe it from now on */
    const struct pb_plan_options *plan; /* or NULL */
    /* declare is to make a plan that can be applied, and to say here where it is; nothing is
     * taken from the cache or kept there. NULL: it only looks, and never touches the backend. */
    struct pb_saved_plan *save;
    void *ahead;          /* what the executor's own `ahead` gave, or NULL */
    struct pb_crew *crew; /* threads for that, or NULL */
    const struct pb_progress *progress;
    struct pb_diags *diags; /* warnings for the report */
    /* The tree is not trusted: whatever runs for this unit, the tool and what it starts, runs in
     * this sandbox or not at all. Only declaring does: nothing is applied or saved so. NULL: as
     * plumb itself. */
    const struct pb_sandbox *sandbox;
    /* The unit as `record` saw it, when that was another (the base's, with its own tree and work
     * folder, still there): the bytes of `recorded` are found through it. NULL: itself. */
    const struct pb_unit_ctx *recorded_by;
};

/* Where the tool keeps its plugins, and how it would start them: for observers that run them. */
struct pb_plugin_site {
    const char *const *dirs; /* roots of HOST/NAMESPACE/TYPE/VERSION/OS_ARCH; NULL-terminated */
    char *const *env;        /* what a plugin may know; NULL-terminated */
    const char *cwd;         /* relative paths among the settings are from here; or NULL */
    const char *work;        /* private, 0700: for sockets */
    const char *cache_dir;   /* plumb's cache, 0700 */
    const char *tool_version;
};

struct pb_declare_result {
    struct pb_declared_set declared;
    struct pb_schema_set schemas;
    const char *tool_version; /* of what plans, or NULL */
    bool from_cache;
    long elapsed_ms;
    long prepare_ms, plan_ms, show_ms; /* of it: until the tool could plan, the plan, reading it */
};

/* What the text of one folder's files says, added up file by file; nothing is evaluated.
 * Start from zeros; the caller releases `locals`. */
struct pb_module_text {
    bool candidate;        /* has what a root module has: a backend, a provider, a lock file */
    bool climbs;           /* may read files of the repository outside of its folder */
    struct pb_strv locals; /* other folders that it calls, from its own: "../net" */
};

/* ---- what the text of a change says ------------------------------------------------------- */

/* One file of a tree, as the caller read it from Git's objects: nothing is exported. */
struct pb_text_file {
    const char *path; /* within the repository; "/" between folders */
    const char *id;   /* of content and mode: where two are equal, the files are */
    const char *text; /* n bytes and a NUL behind them; NULL: not needed, or not readable */
    size_t n;
    const char *unread; /* why a text that is needed could not be had (too large, a link out of
                           the tree); NULL when it was, or is not needed */
};

/* What one unit reaches in one of two trees. In `files`, in any order and each path once:
 *  - of each folder that the unit reaches (run/units.h), in either tree, the files directly in it
 *    whose name `scan` says something about, with their text, whether they differ or not;
 *  - the unit's var files, with their text;
 *  - of everything else in and below these folders at least what differs between the trees, by
 *    its id, without text: scripts, templates, a committed state.
 * More than that does no harm. All of it is the caller's and has to outlive the call only. */
struct pb_text_side {
    const char *root;       /* folder of the root module, "" for the top; NULL: this tree does not
                               have the unit, and `files` is empty */
    char *const *var_files; /* plumb.yaml's for the unit: paths as in `files`; NULL-terminated or
                               NULL */
    const struct pb_text_file *files;
    size_t nfiles;
};

/* What a finding can be about; static, for reports that list rules before results. */
struct pb_text_rule {
    const char *code;     /* stable, kebab-case; NULL ends a list of rules */
    const char *severity; /* "error": what it does could not be judged; "warning": somebody should
                             look before it is merged; "notice": good to know */
    const char *summary;  /* what it means, one sentence as messages are */
};

/* Something to know before merging that no plan shows, or that has to be known without one. It
 * never holds a value of the configuration that may be secret: names, sources without their
 * credentials, versions. */
struct pb_text_finding {
    const struct pb_text_rule *rule;
    const char *message; /* one sentence */
    const char *address; /* of the block, within its module; NULL: of none */
    const char *module;  /* the module's folder; NULL: of none */
    const char *file;    /* within the repository */
    bool before;         /* file and lines are those of the tree before: there is no more of it */
    unsigned line, last_line; /* 0: not known */
};

enum pb_text_change { PB_TEXT_ADDED, PB_TEXT_CHANGED, PB_TEXT_REMOVED };

/* A block that says something else than before. Order, comments, spaces and the file that it
 * stands in are no change. */
struct pb_text_block {
    const char *kind;    /* as written: "resource", "data", "module", "variable", "locals" ... */
    const char *address; /* "aws_vpc.a", "data.aws_ami.b", "module.net", "var.c" ...; without index
                            and without the modules around it */
    const char *module;  /* the folder that it is in */
    /* Under which addresses the unit has that module: "" is the root, "module.net.module.sub";
     * NULL-terminated; of the tree before for what was removed. Indexes are not known. */
    const char *const *calls;
    enum pb_text_change change;
    bool uncalled;            /* removed, since nothing calls its module any more: the text stays */
    const char *file;         /* where it is now; where it was when it is removed */
    unsigned line, last_line; /* 0: not known (JSON) */
    /* Where it was: pb_declared's source_file and source_line of what it stood for; NULL when it
     * was added. */
    const char *old_file;
    unsigned old_line;
};

/* Everything is in the arena that was given. Sorted by file and line. */
struct pb_text_diff {
    const struct pb_text_finding *findings;
    size_t nfindings;
    const struct pb_text_block *blocks;
    size_t nblocks;
    bool partial; /* a file could not be understood, and a finding says which: what else it changes
                     is not known, and nothing is called removed that may only be in there */
};

/* ---- applying ----------------------------------------------------------------------------- */

enum pb_apply_step { PB_APPLY_STARTED, PB_APPLY_RUNNING, PB_APPLY_DONE, PB_APPLY_FAILED };

struct pb_apply_event {
    enum pb_apply_step step;
    const char *address;
    enum pb_action action;
    const char *id; /* of the object, when the tool says it; or NULL */
    long elapsed_ms;
};

struct pb_apply_request {
    const struct pb_saved_plan *plan;
    /* Inherited by everything that is started, so that the lock on it lasts as long as any of
     * it lives; -1: none. */
    int lease_fd;
    /* In the order of the stream; strings live until it returns. The apply goes on whatever the
     * callback does. */
    void (*event)(void *ctx, const struct pb_apply_event *e);
    void (*tick)(void *ctx); /* about ten times a second; may be NULL */
    void *ctx;
};

struct pb_apply_result {
    bool ok;                        /* the tool says that all of it was done */
    bool locked;                    /* nothing was done: somebody else has the state's own lock */
    bool running;                   /* of review: it has not ended yet, as far as its output says */
    int signal;                     /* it was killed by; 0: it exited */
    size_t added, changed, removed; /* as the tool counts */
    const char *errors;             /* without secrets; NULL: none */
    /* A plugin ended while it was needed, or gave no answer, so that what came of a change is not
     * known: which, and how; or NULL. Without secrets. */
    const char *died;
    const char *rescued; /* a state that could not be written where it belongs; or NULL */
    int survivors;       /* processes that were left of it */
};

/* Who holds the state's own lock. */
struct pb_state_lock {
    const char *id;                        /* NULL: nobody */
    const char *who, *operation, *created; /* as the tool wrote them; may be NULL */
    time_t created_at;                     /* 0: not known */
};

struct pb_executor {
    const char *name;      /* "terraform": the report's "engine" */
    const char *lock_file; /* that pins plugins, in the unit's folder; NULL: it has none */

    /* Required. Whether a folder with these files (names alone) may be a unit or a part. */
    bool (*is_unit_dir)(const char *const *files, size_t n);

    /* Optional. Whether the tool itself leaves what has this path in a work tree: a local state,
     * its lock, plugins. Untracked it is nothing that somebody forgot to commit. */
    bool (*leaves)(const char *path);

    /* Required. Adds what one file of such a folder says; with text NULL only tells whether
     * a file of that name says anything. What it misses will not be part of the key under
     * which the declared side is kept. */
    bool (*scan)(struct pb_module_text *out, const char *name, const char *text, size_t n);

    /* Required. The recorded side, without starting the tool where the backend can be read
     * directly. A state that does not exist yet is n = 0 and lineage NULL. When it cannot be
     * found without the files, and u->tree is NULL: -1 with err->sys ENODATA; export and
     * ask again. */
    int (*record)(struct pb_recorded_set *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                  struct pb_err *err);

    /* Optional. Whether the state is still what `recorded` was read from; cheaper than to
     * read it again, which is what happens without it. */
    int (*unmoved)(bool *same, struct pb_arena *a, const struct pb_unit_ctx *u,
                   const struct pb_recorded_set *recorded, struct pb_err *err);

    /* Required. The declared side from the cache only: 0 and *hit. Where the files are needed to
     * find secrets again that are not kept, and u->tree is NULL: as `record`. */
    int (*declare_cached)(struct pb_declare_result *out, bool *hit, struct pb_arena *a,
                          const struct pb_unit_ctx *u, const struct pb_recorded_set *recorded,
                          struct pb_err *err);

    /* Optional. Begins, in a thread of u->crew, to read what declare_cached will probably find,
     * while the state is still read. Given on as u->ahead; ended when the unit is done. */
    void *(*ahead)(const struct pb_unit_ctx *u);
    void (*ahead_end)(void *ahead);

    /* Optional. What of the declared side was kept last for a unit of this name, path and
     * workspace, whatever commit and state that was for, but not of what was planned in a sandbox:
     * nothing but plumb's own cache is read.
     * False: nothing is. Needs only these, worktree and cache_dir of the unit. */
    bool (*declare_last)(struct pb_declare_result *out, struct pb_arena *a,
                         const struct pb_unit_ctx *u);

    /* Required. The declared side by running the tool in u->tree; stores it in the cache. -1 with
     * err->sys ECHILD: the tool was killed, and a lock that it had may be left. */
    int (*declare)(struct pb_declare_result *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                   const struct pb_recorded_set *recorded, struct pb_err *err);

    /* Optional. Completes a recorded side that was read before the schemas were known: marks
     * sensitive attributes and brings values into the form that plans have. To be called
     * once, when there are schemas and before reconciling. */
    void (*refine)(struct pb_recorded_set *recorded, struct pb_arena *a,
                   const struct pb_schema_set *schemas);

    /* Optional. Provider configurations as far as they can be read from the text of
     * u->tree without running anything, so that observing can start while the tool plans. */
    int (*preview_providers)(const struct pb_provider_config **out, size_t *n, struct pb_arena *a,
                             const struct pb_unit_ctx *u, struct pb_err *err);

    /* Optional. Where the unit's plugins are: after declare, also those it installed.
     * `recorded` (or NULL) says which there are: each may know the variables named after it. */
    int (*plugin_site)(struct pb_plugin_site *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                       const struct pb_recorded_set *recorded, struct pb_err *err);

    /* Optional. What has changed between two trees in the text that a unit reaches, without a plan:
     * reads nothing, runs nothing, and knows no more than the text does. Text is hostile: what
     * cannot be parsed or is too much is a finding, never silence and never an error. -1 only
     * when the sides are not as described. May be called by several threads at once. */
    int (*compare_text)(struct pb_text_diff *out, struct pb_arena *a,
                        const struct pb_text_side *before, const struct pb_text_side *after,
                        struct pb_err *err);
    const struct pb_text_rule *text_rules; /* with compare_text: all that it can find */

    /* ---- applying: all of these, or none. They work in u->tree and u->work as declare with
     * u->save left them, also in another process that comes later. */

    /* Applies the plan, which the caller has checked to be the one that was decided about. 0 when
     * the tool ran, whatever came of it; -1: it was not started, nothing happened, and with
     * PB_E_REFUSED because something is not what was decided about. Not stopped by a timeout; an
     * interrupt is passed on once. */
    int (*apply)(struct pb_apply_result *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                 const struct pb_apply_request *rq, struct pb_err *err);

    /* Whether that program is a plugin of the tool, which is of no use without it. */
    bool (*is_plugin)(const char *program);

    /* The events and the result of an apply that nobody saw the end of, from what it left in
     * u->work. Starts nothing. */
    int (*review)(struct pb_apply_result *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                  const struct pb_apply_request *rq, struct pb_err *err);

    /* The bytes of the state as it stands now into a new file, durably. *none: there is no state,
     * or an empty one (*torn), and no file. */
    int (*keep_state)(bool *none, bool *torn, struct pb_arena *a, const struct pb_unit_ctx *u,
                      const char *path, struct pb_err *err);

    /* Puts a state back to where it belongs, whatever is there: the caller has decided that. With
     * path NULL a torn state is taken away, so that there is none. */
    int (*put_state)(struct pb_arena *a, const struct pb_unit_ctx *u, const char *path,
                     struct pb_err *err);

    /* The recorded side as a file has it. */
    int (*parse_state)(struct pb_recorded_set *out, struct pb_arena *a, const char *path,
                       struct pb_err *err);

    int (*lock_holder)(struct pb_state_lock *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                       struct pb_err *err);
    /* Whether lock_holder only looks. Otherwise it has to take the lock for a moment, in which
     * somebody else may fail to get it. */
    bool (*lock_is_seen)(struct pb_arena *a, const struct pb_unit_ctx *u);
    int (*unlock)(struct pb_arena *a, const struct pb_unit_ctx *u, const char *id,
                  struct pb_err *err);
};

/* What an observer is asked to read. A resource without attributes is one that no state knows:
 * an observer that confirms finds it by its id, as an import would; the others need not. */
struct pb_observe_request {
    const struct pb_unit_ctx *unit;         /* with its tree, for the last resort; else NULL */
    const struct pb_recorded_set *recorded; /* all of the unit, or NULL */
    const struct pb_recorded *const *resources;
    size_t n;
    const struct pb_provider_config *providers;
    size_t nproviders;
    const struct pb_schema_set *schemas;  /* may be empty */
    const char *pack_dirs;                /* colon-separated; NULL: the installed ones */
    const struct pb_plugin_site *plugins; /* NULL: there is none */
    int concurrency;                      /* requests under way at once; 0: default */
    long timeout_ms;                      /* for the whole; 0: default */
    void *ahead;                          /* what this observer's own `ahead` gave, or NULL */
    const struct pb_progress *progress;
    struct pb_diags *diags;
};

struct pb_observe_stats {
    size_t requests, retries, failed;
    size_t bytes;
    long elapsed_ms;
};

struct pb_observer {
    const char *name;

    /* Runs the tool's own plugins: asked, after the tool has planned, for what no other covers,
     * and to confirm what another did not find in sync. */
    bool confirms;

    /* Lets the tool itself look: slow, and the same eyes as those that are doubted. Asked for
     * what nobody else could read because they could not work at all. */
    bool last_resort;

    /* Required. Whether this observer can read that type of that provider at all. */
    bool (*covers)(const struct pb_observe_request *rq, const char *provider_source,
                   const char *type);

    /* Required. Fills out[i] for resources[i], every one of them: a failure to read is a
     * pb_live with presence UNKNOWN and a reason, never an error. Returns -1 only when
     * nothing could be started at all (a broken pack) or when interrupted. */
    int (*observe)(struct pb_live *out, struct pb_observe_stats *stats, struct pb_arena *a,
                   const struct pb_observe_request *rq, struct pb_err *err);

    /* Optional. Begins to read, in a thread of the crew, what of its own files will be needed for
     * what is recorded, while the caller finds out the rest of a request. Given on as rq->ahead;
     * ended when nothing is observed any more. */
    void *(*ahead)(struct pb_crew *crew, const char *pack_dirs,
                   const struct pb_recorded_set *recorded);
    void (*ahead_end)(void *ahead);

    /* Optional. Says how what it needs is: its own files and plugins, and by one cheap read,
     * whether the credentials of each of rq's provider configurations work and this
     * machine's clock is right. One diagnostic each, with the severity "notice" for what is
     * fine; `address` is the subject. */
    void (*examine)(struct pb_diags *out, struct pb_arena *a, const struct pb_observe_request *rq);
};

extern const struct pb_executor pb_terraform;
extern const struct pb_observer pb_rest;
extern const struct pb_observer pb_provider;
extern const struct pb_observer pb_terraform_refresh;

/* registry.c */
extern const struct pb_executor *const pb_executors[]; /* NULL-terminated */
extern const struct pb_observer *const pb_observers[]; /* NULL-terminated, in default order */

#endif
