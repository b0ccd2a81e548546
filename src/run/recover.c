/* Bringing an apply to its end that another process left. */
#include "run/recover.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"
#include "run/identity.h"
#include "run/record_apply.h"
#include "run/recover_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

enum { BEGUN_MAX = 64 << 10 };

const char *const pb_recovered_names[] = {"not-started", "state-believed", "state-rescued",
                                          "state-restored", "finished"};

/* ---- what an apply leaves word of at its very beginning -------------------------------------- */

int pb_apply_begun(const struct pb_applying *p, struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(str) char *path = pb_area_file(&p->area, "begun.json");
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_map_builder m = PB_BUILDER_INIT;
    char now[PB_CLOCK_RFC3339];
    struct pb_value v;

    pb_clock_rfc3339(now, time(NULL));
    pb_map_add(&m, "unit", pb_mk_string(a, p->j->u->config.name));
    pb_map_add(&m, "path", pb_mk_string(a, p->j->u->config.path));
    pb_map_add(&m, "workspace", pb_mk_string(a, p->j->u->config.workspace));
    pb_map_add(&m, "commit", pb_mk_string(a, p->run->audit.commit));
    pb_map_add(&m, "run", pb_mk_string(a, p->id));
    pb_map_add(&m, "time", pb_mk_string(a, now));
    v = pb_map_done(&m, a);
    pb_json_add(&text, &v);
    if (pb_fault("apply.begun"))
        return pb_fail_errno(err, PB_E_IO, "cannot write '%s'", path);
    return pb_fs_write_atomic(path, text.s, text.len, 0600, err);
}

/* ---- words ----------------------------------------------------------------------------------- */

void pb_settling_say(struct pb_settling *s, const char *fmt, ...)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    pb_buf_vaddf(&b, fmt, ap);
    va_end(ap);
    pb_strv_add(&s->out->said, b.s);
}

static const char *begun(const struct pb_settling *s, const char *key)
{
    const char *v = s->began ? pb_get_str(s->began, key) : NULL;

    return v ? v : "";
}

const char *pb_settling_words(const struct pb_settling *s)
{
    return pb_arena_printf(s->arena, "an apply of '%s' at %.8s, begun %s,", begun(s, "unit"),
                           begun(s, "commit"), begun(s, "time"));
}

/* ---- the ledger ------------------------------------------------------------------------------ */

struct told {
    const char *run;
    bool started, ended;
};

static int look_for_run(void *ctx, const struct pb_ledger_entry *e)
{
    struct told *t = ctx;

    if (!pb_starts_with(e->kind, "apply.") || !pb_streq(pb_get_str(e->body, "run"), t->run))
        return 0;
    t->started |= strcmp(e->kind, "apply.started") == 0;
    t->ended |= strcmp(e->kind, "apply.finished") == 0 || strcmp(e->kind, "apply.recovered") == 0;
    return 0;
}

static int what_was_told(struct told *out, const struct pb_settling *s, struct pb_err *err)
{
    struct pb_err why = PB_ERR_INIT;

    *out = (struct told){.run = begun(s, "run")};
    if (pb_ledger_walk(s->record->dir, look_for_run, out, NULL, &why) < 0 && why.sys != ENOENT) {
        if (err)
            *err = why;
        return -1;
    }
    return 0;
}

/* What became of one change, by all events under its address. */
static enum pb_record_result result_of(const struct pb_settling *s, const char *address,
                                       const char **id)
{
    enum pb_record_result r = PB_RECORD_NOT_STARTED;
    bool open = false, failed = false;

    for (size_t i = 0; i < s->was.nchanges; i++) {
        const struct pb_journal_change *c = &s->was.changes[i];

        if (strcmp(c->address, address) != 0)
            continue;
        open |= c->step == PB_APPLY_STARTED;
        failed |= c->step == PB_APPLY_FAILED;
        r = PB_RECORD_DONE;
        if (c->id && c->action != PB_ACT_DELETE)
            *id = c->id;
    }
    return r == PB_RECORD_NOT_STARTED ? r
           : failed                   ? PB_RECORD_FAILED
           : open                     ? PB_RECORD_UNSETTLED
                                      : PB_RECORD_DONE;
}

static struct pb_record_state state_of(const struct pb_recorded_set *s)
{
    return (struct pb_record_state){s->lineage, s->serial, *s->sha256 ? s->sha256 : NULL};
}

static int tell(struct pb_settling *s, struct pb_err *err)
{
    const struct pb_value *body = s->was.body[PB_JS_PREPARED];
    const struct pb_value *list = body ? pb_get(body, "changes") : NULL;
    struct pb_record_change *v = pb_arena_zalloc(s->arena, (pb_len(list) + 1) * sizeof(*v));
    struct pb_record_apply e = {.unit = begun(s, "unit"),
                                .path = begun(s, "path"),
                                .workspace = begun(s, "workspace"),
                                .commit = begun(s, "commit"),
                                .run = begun(s, "run"),
                                .evidence = body ? pb_get_str(body, "evidence") : NULL,
                                .changes = v,
                                .before = state_of(&s->before),
                                .after = state_of(&s->after),
                                .exit_code = PB_EXIT_INCONCLUSIVE,
                                .outcome = pb_recovered_names[s->out->outcome]};

    for (size_t i = 0; i < pb_len(list); i++) {
        const struct pb_value *c = pb_at(list, i);
        const char *address = pb_get_str(c, "address");

        if (!address)
            continue;
        v[e.nchanges] = (struct pb_record_change){.address = address,
                                                  .action = pb_get_str(c, "action"),
                                                  .cause = pb_get_str(c, "cause"),
                                                  .id = pb_get_str(c, "id")};
        v[e.nchanges].result = result_of(s, address, &v[e.nchanges].id);
        e.nchanges++;
    }
    if (s->orphans || s->doubtful)
        e.error = pb_arena_printf(s->arena,
                                  "%zu objects exist and are not in the state, of %zu more nobody "
                                  "knows",
                                  s->orphans, s->doubtful);
    if (pb_fault("recover.ledger"))
        return pb_fail_errno(err, PB_E_IO, "cannot write the ledger");
    return pb_record_apply_recovered(s->record, &e, err);
}

/* The ledger has one end of each beginning. */
static int tell_end(struct pb_settling *s, struct pb_err *err)
{
    struct told t;

    if (what_was_told(&t, s, err) < 0)
        return -1;
    return !t.started || t.ended ? 0 : tell(s, err);
}

/* ---- by the last step ------------------------------------------------------------------------ */

static bool has_files(const char *dir)
{
    DIR *d = opendir(dir);
    bool any = false;

    for (struct dirent *e; d && !any && (e = readdir(d));)
        any = strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    if (d)
        closedir(d);
    return any;
}

/* Planning takes the state's lock, too. It works in `work`, once the state was read. */
static int not_started(struct pb_settling *s, struct pb_err *err)
{
    s->out->outcome = PB_RECOVERED_NOT_STARTED;
    if (has_files(s->ctx.tree) && has_files(s->ctx.work) &&
        (pb_settle_lock(s, err) < 0 || pb_settle_planned(s, err) < 0 ||
         pb_settle_unlock(s, err) < 0))
        return -1;
    s->after = s->before;
    pb_settling_say(s, "%s ended before anything was touched", pb_settling_words(s));
    return 0;
}

static int from_tool(struct pb_settling *s, struct pb_err *err)
{
    pb_settling_say(s, "%s was interrupted while it was applied", pb_settling_words(s));
    if (pb_settle_events(s, err) < 0 || pb_settle_lock(s, err) < 0 || pb_settle_state(s, err) < 0 ||
        pb_settle_orphans(s, err) < 0)
        return -1;
    if (s->events)
        pb_settling_say(s, "what it did is not verified: 'plumb audit' compares it with Git");
    return pb_settle_unlock(s, err);
}

static int from_state(struct pb_settling *s, struct pb_err *err)
{
    s->out->outcome = PB_RECOVERED_FINISHED;
    pb_settling_say(s, "%s was over, and was interrupted while it was verified",
                    pb_settling_words(s));
    pb_settling_say(s, "what it did is not verified: 'plumb audit' compares it with Git");
    return s->executor->record(&s->after, s->arena, &s->ctx, err);
}

static void take_before(struct pb_settling *s)
{
    const struct pb_value *body = s->was.body[PB_JS_PREPARED];
    const struct pb_value *state = body ? pb_get(body, "state") : NULL;
    const char *sha = state ? pb_get_str(state, "sha256") : NULL;

    if (!state)
        return;
    s->before.lineage = pb_get_str(state, "lineage");
    (void)pb_get_int(&s->before.serial, state, "serial");
    snprintf(s->before.sha256, sizeof(s->before.sha256), "%s", sha ? sha : "");
}

static int by_step(struct pb_settling *s, struct pb_err *err)
{
    switch (s->was.step) {
    case PB_JS_NONE:
    case PB_JS_PREPARED:
    case PB_JS_LOCKED: return not_started(s, err);
    case PB_JS_STARTED:
    case PB_JS_EXITED: return from_tool(s, err);
    case PB_JS_STATE_OK:
    case PB_JS_LIVE_OK: return from_state(s, err);
    case PB_JS_CLOSED:
    case PB_JS_NSTEPS: break;
    }
    return 0;
}

int pb_settle(struct pb_settling *s, struct pb_err *err)
{
    struct pb_ledger_origin o = pb_record_origin(s->record);

    take_before(s);
    if ((s->was.step != PB_JS_NONE &&
         pb_journal_resume(&s->journal, s->area->current, &o, err) < 0) ||
        by_step(s, err) < 0 || tell_end(s, err) < 0)
        return -1;
    if (pb_fault("recover.closed"))
        return pb_fail_errno(err, PB_E_IO, "cannot write the journal of this apply");
    return s->journal ? pb_journal_add(s->journal, PB_JS_CLOSED, NULL, err) : 0;
}

/* ---- in the commit that was applied ---------------------------------------------------------- */

struct inner {
    struct pb_settling *s;
    bool done;
};

static int settle_in(void *ctx, struct pb_session *j, struct pb_err *err)
{
    struct inner *in = ctx;
    struct pb_settling *s = in->s;

    s->executor = j->executor;
    s->ctx = j->ctx;
    s->ctx.save = NULL;
    s->ctx.tree = pb_arena_printf(s->arena, "%s/tree", s->area->current);
    s->ctx.work = pb_arena_printf(s->arena, "%s/work", s->area->current);
    in->done = pb_settle(s, err) == 0;
    if (in->done)
        pb_fail(err, PB_E_INTERRUPTED, "that was all");
    return -1; /* there is nothing to audit */
}

static int no_commit(const struct pb_settling *s, struct pb_err *err)
{
    return pb_fail(err, PB_E_REFUSED,
                   "%s was interrupted, and its commit cannot be read here (%s): fetch it, then "
                   "'plumb recover' goes on",
                   pb_settling_words(s), err ? err->msg : "");
}

/* The unit as it was then: another commit may have another backend. */
static int in_commit(struct pb_settling *s, const struct pb_audit_options *now, struct pb_err *err)
{
    struct inner in = {s, false};
    struct pb_audit_act hooks = {settle_in, NULL, &in};
    char *units[] = {pb_arena_strdup(s->arena, begun(s, "unit")), NULL};
    struct pb_audit_options o = {.dir = now->dir,
                                 .rev = begun(s, "commit"),
                                 .config = now->config,
                                 .units = units,
                                 .act = &hooks};
    struct pb_err why = PB_ERR_INIT;
    struct pb_audit audit;
    int rc = pb_audit_run(&audit, &o, &why);

    if (rc == 0 && !in.done && audit.nunits && audit.units[0].failed)
        why = audit.units[0].err;
    pb_audit_release(&audit);
    if (in.done)
        return 0;
    if (err)
        *err = why;
    return rc < 0 && why.cls == PB_E_GIT ? no_commit(s, err) : -1;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int damaged(const struct pb_settling *s, const struct pb_err *why, struct pb_err *err)
{
    return pb_fail(err, PB_E_REFUSED,
                   "%s was interrupted, and what is left of it is damaged (%s): what it did is not "
                   "known. Compare the state with the cloud ('plumb audit', '%s/before.tfstate' is "
                   "the state before it), then remove '%s'",
                   pb_settling_words(s), why->msg, s->area->current, s->area->current);
}

static int read_begun(struct pb_settling *s, struct pb_err *err)
{
    PB_AUTO(str) char *path = pb_area_file(s->area, "begun.json");

    return pb_fs_exists(path) ? pb_json_read(&s->began, s->arena, path, BEGUN_MAX, err) : 0;
}

static int settle_area(struct pb_settling *s, const struct pb_audit_options *o, struct pb_err *err)
{
    struct pb_err why = PB_ERR_INIT;

    if (!pb_fs_exists(s->area->current))
        return 0;
    if (read_begun(s, &why) < 0 || pb_journal_read(&s->was, s->arena, s->area->current, &why) < 0)
        return why.cls == PB_E_IO ? pb_fail(err, why.cls, "%s", why.msg) : damaged(s, &why, err);
    if (s->was.step == PB_JS_CLOSED)
        return 0;
    if (!s->began && s->was.step == PB_JS_NONE)
        return 0; /* it had only just made its folder */
    if (!s->began)
        return damaged(s, &(struct pb_err){.msg = "begun.json is missing"}, err);
    s->out->found = true;
    return in_commit(s, o, err);
}

int pb_apply_settle(struct pb_applying *p, struct pb_err *err)
{
    struct pb_recovery own = {0};
    struct pb_settling s = {.area = &p->area,
                            .record = &p->record,
                            .out = p->recovery ? p->recovery : &own,
                            .arena = pb_arena_new()};
    int rc = settle_area(&s, p->j->s->options, err);

    pb_journal_end(s.journal);
    for (size_t i = 0; p->run->say && i < s.out->said.n; i++)
        p->run->say(p->run->ctx, s.out->said.v[i]);
    free(s.now);
    pb_arena_free(s.arena);
    pb_recovery_release(&own);
    return rc;
}

/* ---- the command ----------------------------------------------------------------------------- */

struct recovering {
    struct pb_applying p;
    bool done;
};

static int recover_unit(void *ctx, struct pb_session *j, struct pb_err *err)
{
    struct recovering *r = ctx;
    struct pb_baseline_id id = pb_session_baseline(j);

    r->p.j = j;
    if (pb_record_open(&r->p.record, r->p.run->audit.repo, &r->p.run->audit.config.ledger, err) < 0)
        return -1;
    r->p.recording = true;
    if (pb_identity_keep(r->p.record.id, r->p.record.repo, err) < 0 ||
        pb_area_take(&r->p.area, &id, r->p.run->wait_ms, j->executor->is_plugin, err) < 0 ||
        pb_apply_settle(&r->p, err) < 0 || pb_fs_remove_tree(r->p.area.current, err) < 0)
        return -1;
    r->done = true;
    pb_fail(err, PB_E_INTERRUPTED, "that was all");
    return -1;
}

int pb_recover(struct pb_recovery *out, const struct pb_audit_options *o, long wait_ms,
               struct pb_err *err)
{
    struct pb_apply_run run = {.wait_ms = wait_ms};
    struct recovering r = {.p = {.run = &run, .area = PB_AREA_INIT, .recovery = out}};
    struct pb_audit_act hooks = {recover_unit, NULL, &r};
    struct pb_audit_options with = *o;
    struct pb_err why = PB_ERR_INIT;
    int rc;

    memset(out, 0, sizeof(*out));
    with.act = &hooks;
    rc = pb_audit_run(&run.audit, &with, &why);
    if (rc == 0 && run.audit.nunits && run.audit.units[0].failed)
        why = run.audit.units[0].err;
    if (r.p.recording)
        pb_record_release(&r.p.record);
    pb_area_release(&r.p.area);
    pb_audit_release(&run.audit);
    if (r.done)
        return 0;
    if (err)
        *err = why;
    return -1;
}

void pb_recovery_release(struct pb_recovery *r)
{
    pb_strv_release(&r->said);
}
