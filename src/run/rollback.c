#include "run/rollback.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "git/history.h"
#include "git/tree.h"

#include <stdlib.h>
#include <string.h>

void pb_run_rollback_release(struct pb_run_rollback *r)
{
    pb_rollback_release(&r->git);
    pb_audit_release(&r->audit);
}

static int check_commit(const struct pb_audit *a, const char *name, const char *id,
                        struct pb_err *err)
{
    bool earlier;

    if (pb_history_is_ancestor(&earlier, a->repo, id, a->commit, err) < 0)
        return -1;
    if (!earlier)
        return pb_fail(err, PB_E_USAGE,
                       "'%s' is not in the history of HEAD: what was never here is no rollback; "
                       "merge it",
                       name);
    return 0;
}

/* All that the unit read then, and all that it reads now: what came later has to go. */
static int reach(struct pb_strv *out, struct pb_audit *a, const char *id, struct pb_err *err)
{
    const struct pb_config_unit *c = &a->units[0].config;
    struct pb_units then;
    PB_AUTO(strv) struct pb_strv old = PB_STRV_INIT;

    if (pb_units_find(&then, a->arena, a->repo, id, err) < 0)
        return -1;
    if (!pb_units_at(&then, c->path))
        return pb_fail(err, PB_E_USAGE, "commit %.8s has no configuration at '%s'", id,
                       *c->path ? c->path : ".");
    pb_units_reach(out, &a->found, a->repo, a->commit, c);
    pb_units_reach(&old, &then, a->repo, id, c);
    if (pb_tree_reach(out, a->repo, a->commit, err) < 0 ||
        pb_tree_reach(&old, a->repo, id, err) < 0)
        return -1;
    for (size_t i = 0; i < old.n; i++)
        if (!pb_strv_has(out, old.v[i]))
            pb_strv_add(out, old.v[i]);
    return 0;
}

static int check_clean(struct pb_audit *a, const struct pb_strv *paths, struct pb_err *err)
{
    for (size_t i = 0; i < paths->n; i++) {
        PB_AUTO(str) char *first = NULL;

        if (pb_repo_dirty(&first, a->repo, paths->v[i], NULL, err) < 0)
            return -1;
        if (first)
            return pb_fail(err, PB_E_REFUSED,
                           "'%s' is not committed: commit it or take it away first, so that "
                           "nothing of it is lost",
                           first);
    }
    return 0;
}

static size_t count_outside(const struct pb_rollback *r, const char *unit)
{
    size_t n = strlen(unit), count = 0;

    for (size_t i = 0; n && i < r->changes.n; i++) {
        const char *path = r->changes.v[i] + 2;

        count += strncmp(path, unit, n) != 0 || path[n] != '/';
    }
    return count;
}

int pb_run_rollback_look(struct pb_run_rollback *out, const struct pb_audit_options *o,
                         const char *commit, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv paths = PB_STRV_INIT;
    struct pb_audit *a = &out->audit;
    char id[PB_OID_HEX];

    memset(out, 0, sizeof(*out));
    if (pb_audit_open(a, o, err) < 0 || pb_audit_choose(a, o, err) < 0 ||
        pb_repo_resolve(id, a->repo, commit, err) < 0 || check_commit(a, commit, id, err) < 0 ||
        reach(&paths, a, id, err) < 0 || check_clean(a, &paths, err) < 0 ||
        pb_rollback_look(&out->git, a->repo, a->commit, id, &paths, PB_CONFIG_FILE, err) < 0)
        return -1;
    out->outside = count_outside(&out->git, a->units[0].config.path);
    return 0;
}

int pb_run_rollback_make(char id[PB_OID_HEX], struct pb_run_rollback *r, const char *branch,
                         struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf message = PB_BUF_INIT;

    pb_buf_addf(&message,
                "%s: roll back to %.8s\n\nThe files of this unit are those of commit\n%s.",
                r->audit.units[0].config.name, r->git.earlier, r->git.earlier);
    if (r->git.undone.n)
        pb_buf_adds(&message, " This undoes:\n\n");
    for (size_t i = 0; i < r->git.undone.n; i++)
        pb_buf_addf(&message, "  %s\n", r->git.undone.v[i]);
    if (r->git.nundone > r->git.undone.n)
        pb_buf_addf(&message, "  and %zu more\n", r->git.nundone - r->git.undone.n);
    return pb_rollback_make(id, r->audit.repo, &r->git, branch, message.s, err);
}
