#include "run/audit.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "git/export.h"
#include "git/tree.h"
#include "model/path.h"
#include "observe/curl.h"
#include "reconcile/ignore.h"
#include "run/data.h"
#include "run/identity.h"
#include "run/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int pb_audit_load_config(struct pb_audit *a, const char *file, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_err e = PB_ERR_INIT;

    pb_config_default(&a->config);
    if (file) {
        if (pb_fs_read(&text, file, PB_CONFIG_MAX, err) < 0)
            return -1;
        return pb_config_parse(&a->config, a->arena, text.s, text.len,
                               pb_arena_strdup(a->arena, file), err);
    }
    if (pb_tree_read(&text, a->repo, a->commit, PB_CONFIG_FILE, PB_CONFIG_MAX, &e) < 0) {
        if (e.sys == ENOENT)
            return 0;
        if (err)
            *err = e;
        return -1;
    }
    return pb_config_parse(&a->config, a->arena, text.s, text.len, PB_CONFIG_FILE, err);
}

int pb_audit_open_config(struct pb_audit *out, const struct pb_audit_options *o, struct pb_err *err)
{
    struct pb_audit *a = out;

    memset(a, 0, sizeof(*a));
    a->arena = pb_arena_new();
    a->started_at = pb_clock_wall();
    if (pb_repo_open(&a->repo, o->dir ? o->dir : ".", 0, err) < 0 ||
        pb_repo_resolve(a->commit, a->repo, o->rev ? o->rev : "HEAD", err) < 0 ||
        pb_audit_load_config(a, o->config, err) < 0)
        return -1;
    return 0;
}

int pb_audit_open(struct pb_audit *out, const struct pb_audit_options *o, struct pb_err *err)
{
    if (pb_audit_open_config(out, o, err) < 0)
        return -1;
    return pb_units_find(&out->found, out->arena, out->repo, out->commit, err);
}

void pb_audit_release(struct pb_audit *a)
{
    for (size_t i = 0; i < a->nunits; i++) {
        pb_ignore_free(a->units[i].ignore);
        pb_diags_release(&a->units[i].diags);
        pb_arena_free(a->units[i].arena);
    }
    free(a->units);
    pb_diags_release(&a->diags);
    pb_repo_free(a->repo);
    pb_arena_free(a->arena);
    memset(a, 0, sizeof(*a));
}

/* The configuration's pack folders, out of the commit like everything else. */
static int export_packs(struct pb_audit_shared *s, struct pb_err *err)
{
    struct pb_audit *a = s->audit;
    PB_AUTO(strv) struct pb_strv paths = PB_STRV_INIT;
    PB_AUTO(buf) struct pb_buf dirs = PB_BUF_INIT;
    struct pb_export e = {0};
    struct pb_export_spec spec = {.commit = a->commit, .paths = &paths};
    int rc;

    if (!a->config.packs || !a->config.packs[0])
        return 0;
    if (pb_work_new(&s->packs, err) < 0)
        return -1;
    spec.dir = s->packs;
    for (char *const *p = a->config.packs; *p; p++) {
        char id[PB_OID_HEX];

        if (**p && pb_tree_id(id, a->repo, a->commit, *p, err) < 0)
            return pb_err_wrap(err, "'packs' of %s", a->config.file);
        pb_strv_add(&paths, *p);
        pb_buf_addf(&dirs, "%s%s%s%s", dirs.len ? ":" : "", s->packs, **p ? "/" : "", *p);
    }
    rc = pb_export(&e, a->repo, &spec, err);
    pb_export_release(&e);
    s->pack_dirs = pb_buf_detach(&dirs);
    return rc;
}

static void read_tables(void *ctx)
{
    struct pb_audit_shared *s = ctx;
    struct pb_arena *a = s->tables.arena;

    s->tables.failed =
        pb_data_echoes(&s->echoes, a, &s->tables.err) < 0 ||
        pb_data_read(&s->local_types, a, "schemas/local-types.yaml", &s->tables.err) < 0;
}

static int take_tables(struct pb_audit_shared *s, struct pb_err *err)
{
    pb_crew_wait(s->crew, &s->tables.job);
    pb_arena_join(s->audit->arena, pb_take(&s->tables.arena));
    if (s->tables.failed && err)
        *err = s->tables.err;
    return s->tables.failed ? -1 : 0;
}

int pb_audit_shared_ready(struct pb_audit_shared *s, struct pb_err *err)
{
    struct pb_audit *a = s->audit;
    PB_AUTO(str) char *key = NULL, *id = NULL, *folder = NULL;

    if (take_tables(s, err) < 0 || pb_fs_cache_dir(&s->cache_dir, err) < 0 ||
        pb_fs_state_dir(&s->state_dir, err) < 0)
        return -1;
    key = pb_fs_join(s->state_dir, "seal.key");
    if (pb_seal_init(&s->seal, key, err) < 0)
        return -1;
    if (pb_identity_find(&id, a->repo, err) < 0)
        return -1;
    s->repo_id = pb_arena_strdup(a->arena, id);
    folder = pb_repo_folder(a->repo);
    s->repo_folder = pb_arena_strdup(a->arena, folder);
    return export_packs(s, err);
}

/* One loads libcurl, the other reads plumb's tables and the declared side, which is not longer;
 * then both read packs. */
enum { CREW = 2 };

void pb_audit_shared_init(struct pb_audit_shared *s, struct pb_audit *a,
                          const struct pb_audit_options *o)
{
    *s = (struct pb_audit_shared){.audit = a, .options = o, .curl = {.run = pb_curl_early}};
    s->tables.arena = pb_arena_new();
    s->tables.job = (struct pb_crew_job){.run = read_tables, .ctx = s};
    s->crew = pb_crew_new(CREW);
    pb_crew_start(s->crew, &s->tables.job);
    pb_repo_early(); /* one is loaded at a time, and this is waited for first */
    pb_crew_start(s->crew, &s->curl);
    s->git = pb_calloc(1, sizeof(*s->git));
    pthread_mutex_init(s->git, NULL);
}

void pb_audit_shared_release(struct pb_audit_shared *s)
{
    pthread_mutex_destroy(s->git);
    free(s->git);
    pb_wipe(&s->seal, sizeof(s->seal));
    pb_work_remove(s->packs);
    if (!s->keep_tree)
        pb_work_remove(s->tree);
    free(s->packs);
    free(s->tree);
    free(s->pack_dirs);
    free(s->cache_dir);
    free(s->state_dir);
    pb_crew_wait(s->crew, &s->tables.job);
    pb_arena_free(s->tables.arena);
    pb_crew_wait(s->crew, &s->curl); /* a program must not exit while a library starts */
    pb_crew_free(s->crew);
}

void pb_audit_shared_beside(struct pb_audit_shared *out, const struct pb_audit_shared *s,
                            struct pb_audit *other)
{
    *out = *s;
    out->audit = other;
    out->tree = NULL;
    out->exported = out->keep_tree = false;
    out->then = NULL;
}

void pb_audit_shared_leave(struct pb_audit_shared *s)
{
    pb_work_remove(s->tree);
    free(s->tree);
    pb_wipe(&s->seal, sizeof(s->seal));
    s->tree = NULL;
}

static int check_targets(const struct pb_audit *a, char *const *targets, struct pb_err *err)
{
    for (; targets && *targets; targets++) {
        bool found = false;

        for (size_t i = 0; i < a->nunits; i++) {
            const struct pb_unit_result *u = &a->units[i];

            found |= u->failed;
            for (size_t k = 0; k < u->out.n && !found; k++)
                found =
                    pb_addr_within(u->out.v[k].address, *targets) ||
                    (u->out.v[k].moved_from && pb_addr_within(u->out.v[k].moved_from, *targets));
        }
        if (!found)
            return pb_fail(err, PB_E_USAGE, "nothing has the address '%s'", *targets);
    }
    return 0;
}

static int add_fail_on(bool fails[PB_NVERDICTS], const char *list, struct pb_err *err)
{
    while (*list) {
        size_t n = strcspn(list, ",");
        PB_AUTO(str) char *name = pb_strndup(list, n);
        enum pb_verdict v;

        if (pb_verdict_parse(&v, name) < 0)
            return pb_fail(err, PB_E_USAGE, "there is no verdict '%s'", name);
        fails[v] = true;
        list += n + (list[n] == ',');
    }
    return 0;
}

static void sum_unit(struct pb_audit *a, const struct pb_unit_result *u)
{
    if (u->failed) {
        a->failed++;
        return;
    }
    a->coverage.resources_observed += u->out.coverage.resources_observed;
    a->coverage.resources_total += u->out.coverage.resources_total;
    a->coverage.attributes_observed += u->out.coverage.attributes_observed;
    a->coverage.attributes_total += u->out.coverage.attributes_total;
    a->resources += u->out.n;
    a->nobodys += u->out.nobodys;
    pb_ignored_join(&a->ignored, &u->out.ignored);
    for (size_t i = 0; i < PB_NVERDICTS; i++) {
        a->by_verdict[i] += u->out.by_verdict[i];
        a->also[i] += u->out.also[i];
    }
}

int pb_audit_sum(struct pb_audit *a, char *const *fail_on, struct pb_err *err)
{
    bool fails[PB_NVERDICTS] = {false}, difference = false, unknown = false;

    if (!fail_on)
        fail_on = a->config.fail_on;
    for (char *const *p = fail_on; p && *p; p++)
        if (add_fail_on(fails, *p, err) < 0)
            return -1;
    for (size_t i = 0; i < PB_NVERDICTS; i++) {
        a->fails[i] = !fail_on ? 0 : fails[i] ? 1 : -1;
        if (!fail_on)
            fails[i] = pb_verdicts[i].effect == PB_EFFECT_DIFFERENCE;
    }
    a->resources = a->failed = a->nobodys = 0;
    memset(a->by_verdict, 0, sizeof(a->by_verdict));
    memset(a->also, 0, sizeof(a->also));
    memset(&a->coverage, 0, sizeof(a->coverage));
    memset(&a->ignored, 0, sizeof(a->ignored));
    for (size_t i = 0; i < a->nunits; i++)
        sum_unit(a, &a->units[i]);
    for (size_t i = 0; i < PB_NVERDICTS; i++) {
        difference |= fails[i] && (a->by_verdict[i] || a->also[i]);
        unknown |= pb_verdicts[i].effect == PB_EFFECT_INCONCLUSIVE && a->by_verdict[i];
    }
    a->exit_code = a->failed    ? PB_EXIT_ERROR
                   : difference ? PB_EXIT_DRIFT
                   : unknown    ? PB_EXIT_INCONCLUSIVE
                                : PB_EXIT_PLUMB;
    return 0;
}

static int check_act(const struct pb_audit *a, const struct pb_audit_options *o, struct pb_err *err)
{
    if (o->act && a->nunits != 1)
        return pb_fail(err, PB_E_USAGE,
                       "one unit is applied at a time, and there are %zu here: "
                       "name it with --unit, or start in its folder",
                       a->nunits);
    return 0;
}

int pb_audit_run(struct pb_audit *out, const struct pb_audit_options *o, struct pb_err *err)
{
    struct pb_audit_shared s;
    int64_t start = pb_clock_ms();
    int rc = -1;

    pb_mem_prepare();
    pb_audit_shared_init(&s, out, o);
    if (pb_audit_open(out, o, err) == 0 && pb_audit_check_ignore(o->ignore, err) == 0 &&
        pb_audit_choose(out, o, err) == 0 && check_act(out, o, err) == 0 &&
        pb_audit_shared_ready(&s, err) == 0 && pb_audit_units(&s, err) == 0 &&
        check_targets(out, o->targets, err) == 0) {
        pb_audit_owners_elsewhere(&s);
        rc = pb_audit_sum(out, o->fail_on, err);
    }
    /* Of what is left out, rules may well be. */
    if (rc == 0 && !o->units && !o->targets && !o->one && !o->plan && !o->act)
        pb_audit_tell_unused(out, o->ignore);
    out->elapsed_ms = (long)(pb_clock_ms() - start);
    pb_audit_shared_release(&s);
    return rc;
}
