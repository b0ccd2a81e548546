/* Which units a change is about. */
#include "run/check_internal.h"

#include "base/mem.h"
#include "base/text.h"
#include "git/tree.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is reached ------------------------------------------------------------------------ */

static bool is_within(const char *path, const char *of)
{
    size_t n = strlen(of);

    return !n || (strncmp(path, of, n) == 0 && (path[n] == '/' || !path[n]));
}

/* A path that differs and that the unit reads in that tree, one of its own folder if there is one;
 * NULL: none. */
static const char *reached_by(struct pb_checking *k, struct pb_audit *a,
                              const struct pb_config_unit *u)
{
    PB_AUTO(strv) struct pb_strv reach = PB_STRV_INIT;
    const char *found = NULL;

    pb_units_reach(&reach, &a->found, a->repo, a->commit, u);
    /* A link that cannot be followed is told of when the unit is worked on. */
    (void)pb_tree_reach(&reach, a->repo, a->commit, NULL);
    for (size_t i = 0; i < k->paths.n; i++)
        for (size_t r = 0; r < reach.n; r++) {
            if (!is_within(k->paths.v[i], reach.v[r]))
                continue;
            if (is_within(k->paths.v[i], u->path))
                return k->paths.v[i];
            found = found ? found : k->paths.v[i];
        }
    return found;
}

static bool same_words(char *const *a, char *const *b)
{
    for (; a && b && *a && *b && strcmp(*a, *b) == 0; a++, b++)
        ;
    return (!a || !*a) && (!b || !*b);
}

/* What plumb.yaml says of how it is planned; its ignore rules are policy. */
static bool same_entry(const struct pb_config_unit *a, const struct pb_config_unit *b)
{
    return pb_streq(a->path, b->path) && pb_streq(a->engine, b->engine) &&
           pb_streq(a->tool, b->tool) && pb_streq(a->workspace, b->workspace) &&
           pb_streq(a->state, b->state) && same_words(a->var_files, b->var_files) &&
           same_words(a->vars, b->vars) && same_words(a->backend_config, b->backend_config) &&
           (a->providers == b->providers ||
            (a->providers && b->providers && pb_value_equal(a->providers, b->providers)));
}

/* ---- choosing ------------------------------------------------------------------------------- */

static const struct pb_unit_result *find(const struct pb_audit *a, const char *name)
{
    for (size_t i = 0; i < a->nunits; i++)
        if (strcmp(a->units[i].config.name, name) == 0)
            return &a->units[i];
    return NULL;
}

static bool is_wanted(const struct pb_checking *k, const char *name)
{
    char *const *p = k->options->units;

    for (; p && *p; p++)
        if (strcmp(*p, name) == 0)
            return true;
    return !k->options->units;
}

static int check_names(const struct pb_checking *k, struct pb_err *err)
{
    for (char *const *p = k->options->units; p && *p; p++)
        if (!find(&k->check->audit, *p) && !find(&k->check->then, *p))
            return pb_fail(err, PB_E_USAGE, "no unit '%s', neither at base nor after merging", *p);
    return 0;
}

/* Copies: the audits let go of what they do not work on. */
static const struct pb_config_unit *entry(struct pb_check *c, const struct pb_unit_result *u)
{
    struct pb_config_unit *copy = u ? pb_arena_alloc(c->arena, sizeof(*copy)) : NULL;

    if (copy)
        *copy = u->config;
    return copy;
}

static void add(struct pb_checking *k, size_t *cap, const struct pb_unit_result *before,
                const struct pb_unit_result *after, const char *path)
{
    struct pb_check *c = k->check;
    const struct pb_unit_result *any = after ? after : before;
    size_t jobs = *cap;
    struct pb_check_unit *u;

    if (!any)
        BUG("a unit that neither tree has");
    c->units = pb_grow(c->units, cap, c->nunits + 1, sizeof(*c->units));
    k->jobs = pb_grow(k->jobs, &jobs, c->nunits + 1, sizeof(*k->jobs));
    u = &c->units[c->nunits];
    *u = (struct pb_check_unit){.name = any->config.name,
                                .path = any->config.path,
                                .mode = !before  ? PB_CHECK_ADDED
                                        : !after ? PB_CHECK_REMOVED
                                                 : PB_CHECK_PLANNED,
                                .is_added = !before,
                                .is_removed = !after,
                                .reached_by = path ? pb_arena_strdup(c->arena, path) : NULL,
                                .arena = pb_arena_new()};
    k->jobs[c->nunits++] = (struct pb_check_job){
        .before = entry(c, before), .after = entry(c, after), .engine = any->engine};
}

static void add_reached(struct pb_checking *k, size_t *cap, const struct pb_unit_result *before,
                        const struct pb_unit_result *after)
{
    const char *path = reached_by(k, &k->check->then, &after->config);

    if (!path)
        path = reached_by(k, &k->check->audit, &before->config);
    if (!path && !same_entry(&before->config, &after->config))
        path = PB_CONFIG_FILE;
    if (path)
        add(k, cap, before, after, path);
    else
        k->check->untouched++;
}

static void match(struct pb_checking *k)
{
    const struct pb_audit *base = &k->check->audit, *then = &k->check->then;
    size_t cap = 0;

    for (size_t i = 0; i < base->nunits; i++) {
        const struct pb_unit_result *after = find(then, base->units[i].config.name);

        if (!is_wanted(k, base->units[i].config.name))
            continue;
        if (after)
            add_reached(k, &cap, &base->units[i], after);
        else
            add(k, &cap, &base->units[i], NULL, NULL);
    }
    for (size_t i = 0; i < then->nunits; i++)
        if (!find(base, then->units[i].config.name) && is_wanted(k, then->units[i].config.name))
            add(k, &cap, NULL, &then->units[i], NULL);
    for (size_t i = 0; i < k->check->nunits; i++)
        k->jobs[i].unit = &k->check->units[i];
}

static const struct pb_check_unit *listed(const struct pb_check *c, const char *name)
{
    for (size_t i = 0; i < c->nunits; i++)
        if (strcmp(c->units[i].name, name) == 0)
            return &c->units[i];
    return NULL;
}

static bool is_for_base(void *ctx, const struct pb_unit_result *u)
{
    const struct pb_check *c = ctx;
    const struct pb_check_unit *cu = listed(c, u->config.name);

    return c->trusted && cu && !cu->is_added;
}

static bool is_for_merged(void *ctx, const struct pb_unit_result *u)
{
    const struct pb_check *c = ctx;
    const struct pb_check_unit *cu = listed(c, u->config.name);

    return c->trusted && cu && cu->is_added;
}

/* ---- the merged tree ------------------------------------------------------------------------ */

/* "plumb.yaml:3: ..." has it; 0: it is about the whole file. */
static unsigned line_of(const struct pb_err *why)
{
    const char *at = strstr(why->msg, PB_CONFIG_FILE ":");

    return at ? (unsigned)strtoul(at + strlen(PB_CONFIG_FILE ":"), NULL, 10) : 0;
}

static void broken(struct pb_check *c, const struct pb_err *why)
{
    c->broken = pb_arena_strdup(c->arena, why->msg);
    pb_check_find(&c->findings, c->arena, pb_check_rule_at(PB_CHECK_CONFIG_BROKEN),
                  &(struct pb_check_finding){.message = why->msg,
                                             .file = PB_CONFIG_FILE,
                                             .line = line_of(why),
                                             .last_line = line_of(why)});
}

/* 0 also where it cannot be worked with: that is what the change brings. */
static int open_merged(struct pb_checking *k, struct pb_err *err)
{
    struct pb_check *c = k->check;
    struct pb_err why = PB_ERR_INIT;

    c->then = (struct pb_audit){
        .arena = pb_arena_new(), .repo = c->audit.repo, .started_at = c->audit.started_at};
    memcpy(c->then.commit, c->merged, sizeof(c->then.commit));
    if (pb_units_find(&c->then.found, c->then.arena, c->audit.repo, c->merged, err) < 0)
        return -1;
    pb_units_stay(&c->then.found, &c->audit.found);
    if (pb_audit_load_config(&c->then, k->options->config, &why) < 0 ||
        pb_audit_choose(&c->then, &k->audit_options, &why) < 0)
        broken(c, &why);
    return 0;
}

int pb_check_choose(struct pb_checking *k, struct pb_err *err)
{
    struct pb_check *c = k->check;

    if (pb_audit_choose(&c->audit, &k->audit_options, err) < 0)
        return pb_err_wrap(err, "base %.8s", c->base);
    if (open_merged(k, err) < 0)
        return -1;
    if (!c->broken) {
        if (check_names(k, err) < 0)
            return -1;
        match(k);
    }
    pb_audit_keep(&c->audit, is_for_base, c);
    pb_audit_keep(&c->then, is_for_merged, c);
    return 0;
}
