/*
 * units.h: which units a commit has, and what each of them reaches.
 *
 *	struct pb_units units;
 *	if (pb_units_find(&units, arena, repo, commit, &err)) ...
 *
 * A candidate is a folder that an executor calls a unit and that has a backend, cloud or
 * provider block, or a lock file, and that no other module of the tree calls. Found by
 * reading the tree's objects: nothing is checked out and nothing is run.
 */
#ifndef PB_RUN_UNITS_H
#define PB_RUN_UNITS_H

#include "backends/backend.h"
#include "config/config.h"
#include "git/repo.h"

struct pb_module_dir {
    const char *path; /* "" for the top */
    const struct pb_executor *executor;
    const char *const *locals; /* paths of the local modules it calls; NULL-terminated */
    bool candidate;            /* looks like a root module */
    bool called;               /* another module calls it */
    bool climbs;               /* may read anywhere in the tree */
};

struct pb_units {
    const struct pb_module_dir *v; /* every folder with configuration, sorted by path */
    size_t n;
};

int pb_units_find(struct pb_units *out, struct pb_arena *a, struct pb_repo *repo,
                  const char *commit, struct pb_err *err);
const struct pb_module_dir *pb_units_at(const struct pb_units *u, const char *path);
bool pb_units_is_root(const struct pb_module_dir *d);
/* What was a root module before is none by being called: a change could hide it so. */
void pb_units_stay(struct pb_units *now, const struct pb_units *before);
/* Neither a root module by its looks nor called by one: only a person can tell. */
bool pb_units_is_left_out(const struct pb_module_dir *d);

/* Where a unit without configuration gets its name from: its path, or the repository's
 * folder when it is the top. */
const char *pb_units_name(struct pb_arena *a, const char *path, const struct pb_repo *repo);

/* Everything of the tree that the unit can read: its folder, the modules it calls, var
 * files; "" for all of it, when a path in one of them or in a variable goes up. */
void pb_units_reach(struct pb_strv *out, const struct pb_units *u, struct pb_repo *repo,
                    const char *commit, const struct pb_config_unit *unit);

#endif
