/* Which units an audit is about. */
#include "run/internal.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "git/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NEAR_MAX = 256 };

static const struct pb_executor *default_executor(void)
{
    return pb_executors[0];
}

static void add_unit(struct pb_audit *a, size_t *cap, const struct pb_config_unit *c,
                     const struct pb_executor *e)
{
    struct pb_unit_result *u;

    a->units = pb_grow(a->units, cap, a->nunits + 1, sizeof(*a->units));
    u = &a->units[a->nunits++];
    memset(u, 0, sizeof(*u));
    u->arena = pb_arena_new();
    u->config = *c;
    u->engine = c->engine ? c->engine : e ? e->name : NULL;
}

static void add_found(struct pb_audit *a, size_t *cap, const struct pb_module_dir *d)
{
    struct pb_config_unit c = {
        .name = pb_units_name(a->arena, d->path, a->repo), .path = d->path, .workspace = "default"};

    add_unit(a, cap, &c, d->executor);
}

/* The root module that the person stands in, when there is no configuration. */
static const struct pb_module_dir *here(struct pb_audit *a, const char *dir)
{
    PB_AUTO(str) char *path = NULL;

    if (!pb_repo_workdir(a->repo) || pb_repo_path(&path, a->repo, dir ? dir : ".", NULL) < 0)
        return NULL;
    return pb_units_at(&a->found, path);
}

static bool is_configured(const struct pb_audit *a, const char *path)
{
    for (size_t i = 0; i < a->config.nunits; i++)
        if (strcmp(a->config.units[i].path, path) == 0)
            return true;
    return false;
}

static int check_dirs(const struct pb_audit *a, struct pb_err *err)
{
    for (size_t i = 0; i < a->config.nunits; i++) {
        const struct pb_config_unit *c = &a->config.units[i];

        if (!pb_units_at(&a->found, c->path))
            return pb_fail(err, PB_E_CONFIG,
                           "%s:%lld: unit '%s' is at '%s', where commit %.8s has no configuration",
                           a->config.file, (long long)c->line, c->name, *c->path ? c->path : ".",
                           a->commit);
    }
    return 0;
}

/* What a person may believe to be audited and is not. */
static void tell_left_out(struct pb_audit *a)
{
    const struct pb_module_dir *first = NULL;
    size_t n = 0;

    for (size_t i = 0; i < a->found.n; i++)
        if (pb_units_is_left_out(&a->found.v[i]) && !n++)
            first = &a->found.v[i];
    if (n)
        pb_diag_add(&a->diags, a->arena, "notice", "left-out", NULL,
                    "'%s'%s not audited: no module calls it, and it has no backend, provider or "
                    "lock file; if it is applied, name it in %s ('plumb init' lists all)",
                    *first->path ? first->path : ".",
                    n == 1 ? " was"
                           : pb_arena_printf(a->arena, " and %zu more folder%s were", n - 1,
                                             n == 2 ? "" : "s"),
                    PB_CONFIG_FILE);
}

/* Whether it is what the commit has, without asking for the state of the work tree, which reads the
 * whole index. */
static bool is_as_committed(const struct pb_audit *a)
{
    const char *dir = pb_repo_workdir(a->repo);
    PB_AUTO(str) char *path = dir ? pb_fs_join(dir, PB_CONFIG_FILE) : NULL;
    PB_AUTO(buf) struct pb_buf here = PB_BUF_INIT, there = PB_BUF_INIT;
    struct pb_err none = PB_ERR_INIT, why = PB_ERR_INIT;
    bool absent = path && pb_fs_read(&here, path, PB_CONFIG_MAX, &none) < 0 && none.sys == ENOENT;
    int rc = pb_tree_read(&there, a->repo, a->commit, PB_CONFIG_FILE, PB_CONFIG_MAX, &why);

    if (!path || absent)
        return !path || (rc < 0 && why.sys == ENOENT);
    return rc == 0 && none.cls == PB_E_NONE && here.len == there.len &&
           memcmp(here.s, there.s, here.len) == 0;
}

static void tell_uncommitted(struct pb_audit *a)
{
    PB_AUTO(str) char *first = NULL;

    if (is_as_committed(a))
        return;
    if (pb_repo_dirty(&first, a->repo, PB_CONFIG_FILE, NULL, NULL) == 0 && first)
        pb_diag_add(
            &a->diags, a->arena, "notice", "uncommitted-config", NULL,
            "%s is not committed as it is here, so the commit's counts; '--config %s' tries it",
            PB_CONFIG_FILE, PB_CONFIG_FILE);
}

static void add_all(struct pb_audit *a, const struct pb_audit_options *o)
{
    const struct pb_module_dir *d = a->config.file || o->everywhere ? NULL : here(a, o->dir);
    size_t cap = 0;

    for (size_t i = 0; i < a->config.nunits; i++) {
        const struct pb_module_dir *at = pb_units_at(&a->found, a->config.units[i].path);

        add_unit(a, &cap, &a->config.units[i], at ? at->executor : default_executor());
    }
    if (!a->config.nunits && d && !o->units && !d->called) {
        add_found(a, &cap, d);
        return;
    }
    for (size_t i = 0; i < a->found.n; i++) {
        d = &a->found.v[i];
        if (!pb_units_is_root(d))
            continue;
        if (!a->config.nunits)
            add_found(a, &cap, d);
        else if (!is_configured(a, d->path))
            pb_diag_add(&a->diags, a->arena, "notice", "unlisted-unit", NULL,
                        "root module '%s' is not in %s and was not audited",
                        *d->path ? d->path : ".", a->config.file);
    }
    if (!a->config.nunits && !o->units)
        tell_left_out(a);
}

static int no_such_unit(const struct pb_audit *a, const char *name, struct pb_err *err)
{
    const char *names[NEAR_MAX] = {NULL}, *near;
    PB_AUTO(buf) struct pb_buf all = PB_BUF_INIT;
    size_t n = 0;

    for (; n < a->nunits && n < NEAR_MAX; n++) {
        names[n] = a->units[n].config.name;
        if (n < 10)
            pb_buf_addf(&all, "%s%s", n ? ", " : "", names[n]);
    }
    near = pb_text_nearest(name, names, n);
    if (near)
        return pb_fail(err, PB_E_USAGE, "no unit '%s'; did you mean '%s'?", name, near);
    return pb_fail(err, PB_E_USAGE, "no unit '%s'; there is: %s%s", name, all.s,
                   n > 10 ? ", ..." : "");
}

static void unit_release(struct pb_unit_result *u)
{
    pb_diags_release(&u->diags);
    pb_arena_free(u->arena);
}

void pb_audit_keep(struct pb_audit *a, bool (*keep)(void *ctx, const struct pb_unit_result *u),
                   void *ctx)
{
    size_t n = 0;

    for (size_t i = 0; i < a->nunits; i++) {
        if (keep(ctx, &a->units[i]))
            a->units[n++] = a->units[i];
        else
            unit_release(&a->units[i]);
    }
    a->nunits = n;
}

static bool is_named(void *ctx, const struct pb_unit_result *u)
{
    for (char *const *p = ctx; *p; p++)
        if (strcmp(u->config.name, *p) == 0)
            return true;
    return false;
}

static int keep_named(struct pb_audit *a, char *const *names, struct pb_err *err)
{
    for (char *const *p = names; *p; p++) {
        bool found = false;

        for (size_t i = 0; i < a->nunits; i++)
            found |= strcmp(a->units[i].config.name, *p) == 0;
        if (!found)
            return no_such_unit(a, *p, err);
    }
    pb_audit_keep(a, is_named, (void *)(uintptr_t)names);
    return 0;
}

static int none_here(const struct pb_audit *a, const struct pb_audit_options *o,
                     const struct pb_unit_result *other, struct pb_err *err)
{
    if (other)
        return pb_fail(err, PB_E_REFUSED,
                       "workspace '%s' is selected, and unit '%s' is that of workspace '%s': "
                       "select it, or name a unit with 'workspace: %s' in %s",
                       o->workspace, other->config.name, other->config.workspace, o->workspace,
                       PB_CONFIG_FILE);
    if (o->workspace)
        return pb_fail(err, PB_E_REFUSED, "no unit is in this folder: name it in %s, or commit it",
                       PB_CONFIG_FILE);
    return pb_fail(err, PB_E_USAGE,
                   "this is about one unit, and there are %zu: name one with --unit, or go to its "
                   "folder",
                   a->nunits);
}

/* What is said about one unit must not be done to all. */
static int keep_one(struct pb_audit *a, const struct pb_audit_options *o, struct pb_err *err)
{
    const struct pb_unit_result *other = NULL;
    PB_AUTO(str) char *path = NULL;
    char *names[] = {NULL, NULL};

    if (a->nunits == 1 && !o->workspace)
        return 0;
    if (!o->units && pb_repo_workdir(a->repo) &&
        pb_repo_path(&path, a->repo, o->dir ? o->dir : ".", NULL) == 0)
        for (size_t i = 0; i < a->nunits; i++)
            if (strcmp(a->units[i].config.path, path) == 0) {
                other = &a->units[i];
                if (o->workspace && strcmp(other->config.workspace, o->workspace) != 0)
                    continue;
                if (names[0])
                    return pb_fail(err, PB_E_USAGE,
                                   "'%s' and '%s' are both in this folder: name one with --unit",
                                   names[0], a->units[i].config.name);
                names[0] = pb_arena_strdup(a->arena, a->units[i].config.name);
            }
    if (!names[0])
        return none_here(a, o, other, err);
    return keep_named(a, names, err);
}

int pb_audit_choose(struct pb_audit *a, const struct pb_audit_options *o, struct pb_err *err)
{
    if (check_dirs(a, err) < 0)
        return -1;
    add_all(a, o);
    if (!a->nunits && !o->everywhere)
        return pb_fail(err, PB_E_CONFIG,
                       "no unit in commit %.8s: a root module has a backend, cloud or provider "
                       "block or a lock file; name yours in %s ('plumb init' writes one)",
                       a->commit, PB_CONFIG_FILE);
    if (!o->rev && !o->config)
        tell_uncommitted(a);
    if (o->units && keep_named(a, o->units, err) < 0)
        return -1;
    return o->one ? keep_one(a, o, err) : 0;
}
