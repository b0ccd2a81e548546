#include "run/check_internal.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/mem.h"
#include "git/merge.h"

#include <stdlib.h>
#include <string.h>

/* ---- the merge ------------------------------------------------------------------------------ */

static void take_conflicts(struct pb_check *c, const struct pb_merge *m)
{
    const char **paths = pb_arena_zalloc(c->arena, (m->nconflicts + 1) * sizeof(*paths));
    const char **what = pb_arena_zalloc(c->arena, (m->nconflicts + 1) * sizeof(*what));

    for (size_t i = 0; i < m->nconflicts; i++) {
        paths[i] = pb_arena_strdup(c->arena, m->conflicts[i].path);
        what[i] = m->conflicts[i].what;
    }
    c->conflicts = m->nconflicts ? paths : NULL;
    c->conflict_what = what;
    c->nconflicts = m->nconflicts;
}

static int add_path(void *ctx, const char *path, struct pb_err *err)
{
    (void)err;
    pb_strv_add(ctx, path);
    return 0;
}

static int merge(struct pb_checking *k, struct pb_err *err)
{
    struct pb_check *c = k->check;
    struct pb_merge m;

    memcpy(c->base, c->audit.commit, sizeof(c->base));
    if (pb_repo_resolve(c->head, c->audit.repo, c->head_ref, err) < 0 ||
        pb_merge_make(&m, c->audit.repo, c->base, c->head, err) < 0)
        return -1;
    memcpy(c->merged, m.kind == PB_MERGE_NOTHING ? "" : m.commit,
           m.kind == PB_MERGE_NOTHING ? 1 : sizeof(c->merged));
    c->up_to_date = m.kind == PB_MERGE_NOTHING;
    c->fast_forward = m.kind == PB_MERGE_FORWARD;
    take_conflicts(c, &m);
    pb_merge_release(&m);
    return *c->merged ? pb_merge_differ(c->audit.repo, c->base, c->merged, add_path, &k->paths, err)
                      : 0;
}

/* ---- the units ------------------------------------------------------------------------------ */

static void set_box(struct pb_checking *k)
{
    const struct pb_config_check *c = &k->check->audit.config.check;

    k->box = (struct pb_sandbox){.network = c->network,
                                 .memory_mib = (long)c->memory,
                                 .disk_mib = (long)c->disk,
                                 .processes = (long)c->processes,
                                 .time_ms = (long)c->timeout};
}

static void not_planned(struct pb_check *c)
{
    for (size_t i = 0; i < c->nunits; i++) {
        c->units[i].mode = PB_CHECK_STATIC;
        c->units[i].why = pb_arena_printf(c->arena, "not planned: %s", c->trust);
    }
}

static int plan(struct pb_checking *k, struct pb_err *err)
{
    k->base.each = k->merged.each = pb_check_each;
    k->base.then = pb_check_then;
    return pb_audit_units(&k->base, err) < 0 || pb_audit_units(&k->merged, err) < 0 ? -1 : 0;
}

static const char *removed_with(const struct pb_check_unit *cu)
{
    if (cu->mode != PB_CHECK_REMOVED)
        return "the unit is removed: what its state has Git would not explain any more, so destroy "
               "or move that first";
    if (!cu->recorded)
        return "the unit is removed, and its state has nothing";
    return pb_arena_printf(cu->arena,
                           "the unit is removed, and its state has %zu resource%s that Git would "
                           "not explain any more: destroy or move them first",
                           cu->recorded, cu->recorded == 1 ? "" : "s");
}

static void say_removed(struct pb_check_unit *cu)
{
    bool empty = cu->mode == PB_CHECK_REMOVED && !cu->recorded;

    if (cu->is_removed)
        pb_check_find(&cu->findings, cu->arena, pb_check_rule_at(PB_CHECK_UNIT_REMOVED),
                      &(struct pb_check_finding){.severity = empty ? "notice" : NULL,
                                                 .message = removed_with(cu),
                                                 .resources = cu->recorded});
}

static int plan_and_judge(struct pb_checking *k, struct pb_err *err)
{
    struct pb_check *c = k->check;

    if (plan(k, err) < 0)
        return -1;
    for (size_t i = 0; i < c->nunits; i++)
        if (pb_check_gate(k, &k->jobs[i], &c->units[i].err) < 0)
            c->units[i].mode = PB_CHECK_FAILED;
    return pb_cancel_check(err);
}

static int work(struct pb_checking *k, struct pb_err *err)
{
    struct pb_check *c = k->check;

    for (size_t i = 0; i < c->nunits; i++)
        if (pb_check_text(k, &k->jobs[i], err) < 0)
            return -1;
    if (!c->trusted)
        not_planned(c);
    else if (plan_and_judge(k, err) < 0)
        return -1;
    for (size_t i = 0; i < c->nunits; i++) {
        struct pb_check_unit *cu = &c->units[i];

        if (cu->mode == PB_CHECK_STATIC || cu->mode == PB_CHECK_FAILED)
            pb_check_text_blocks(k, &k->jobs[i]);
        say_removed(cu);
        pb_check_plans(cu, &c->findings, &k->base.seal);
    }
    pb_check_fold(c);
    return 0;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static int open_merged(struct pb_checking *k, struct pb_err *err)
{
    struct pb_check *c = k->check;

    if (pb_check_trust(k, err) < 0 || pb_check_choose(k, err) < 0)
        return -1;
    pb_check_policy(k);
    c->then.config = c->audit.config; /* no change judges itself */
    c->then.rules_commit = c->base;
    c->then.merges = c->fast_forward ? NULL : c->head;
    set_box(k);
    if (c->broken || !c->nunits)
        return 0;
    if (pb_audit_shared_ready(&k->base, err) < 0)
        return -1;
    pb_audit_shared_beside(&k->merged, &k->base, &c->then);
    return work(k, err);
}

static void release(struct pb_checking *k)
{
    if (k->merged.audit)
        pb_audit_shared_leave(&k->merged);
    pb_audit_shared_release(&k->base);
    pb_strv_release(&k->paths);
    free(k->jobs);
}

int pb_check_run(struct pb_check *out, const struct pb_check_options *o, struct pb_err *err)
{
    struct pb_checking k = {.check = out, .options = o, .paths = PB_STRV_INIT};
    int64_t start = pb_clock_ms();
    int rc = -1;

    *out = (struct pb_check){.arena = pb_arena_new(),
                             .base_ref = o->base,
                             .head_ref = o->head ? o->head : "HEAD",
                             .fail_on = o->fail_on};
    k.audit_options = (struct pb_audit_options){.dir = o->dir,
                                                .rev = o->base,
                                                .config = o->config,
                                                .observer = o->observer,
                                                .all = true,
                                                .everywhere = true,
                                                .progress = o->progress};
    pb_audit_shared_init(&k.base, &out->audit, &k.audit_options);
    k.base.ctx = &k;
    if (pb_audit_open(&out->audit, &k.audit_options, err) == 0 && merge(&k, err) == 0 &&
        (!*out->merged || open_merged(&k, err) == 0)) {
        pb_check_sum(out);
        rc = 0;
    }
    out->elapsed_ms = (long)(pb_clock_ms() - start);
    release(&k);
    return rc;
}

static void release_unit(struct pb_check_unit *cu)
{
    /* What is planned beside base's is the check's own; else the audits have it. */
    if (cu->merged && !cu->is_added) {
        pb_diags_release(&cu->merged->diags);
        pb_arena_free(cu->merged->arena);
        free(cu->merged);
    }
    free(cu->findings.v);
    pb_arena_free(cu->arena);
}

void pb_check_release(struct pb_check *c)
{
    for (size_t i = 0; i < c->nunits; i++)
        release_unit(&c->units[i]);
    free(c->units);
    free(c->findings.v);
    c->then.repo = NULL; /* it is base's */
    pb_audit_release(&c->then);
    pb_audit_release(&c->audit);
    pb_arena_free(c->arena);
    memset(c, 0, sizeof(*c));
}
