#include "backends/terraform/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/terraform/confine.h"
#include "backends/terraform/env.h"
#include "backends/terraform/lock.h"
#include "base/cancel.h"
#include "base/child.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

enum { RECORD_MAX = 1 << 20, KILL_AFTER_MS = 20000, KILL_HOLDER_AFTER_MS = 180000 };

void pb_tf_run_secrets(struct pb_strv *out, char *const *from, const struct pb_strv *providers)
{
    static const char *const words[] = {"TOKEN", "SECRET", "PASSWORD", "KEY"};
    static const char *const names[] = {
        "AWS_SECRET_ACCESS_KEY=", "AWS_SESSION_TOKEN=", "TF_HTTP_PASSWORD=", "TF_TOKEN_",
        "ARM_CLIENT_SECRET=",     "VAULT_TOKEN=",       "GITHUB_TOKEN=",     "TFE_TOKEN=",
    };

    for (char *const *p = from; p && *p; p++)
        for (size_t i = 0; i < PB_COUNT(names); i++)
            if (pb_starts_with(*p, names[i]) && strchr(*p, '='))
                pb_strv_add(out, strchr(*p, '=') + 1);
    for (size_t i = 0; providers && i < providers->n; i++)
        for (char *const *p = from; p && *p; p++)
            for (size_t j = 0; pb_starts_with(*p, providers->v[i]) && j < PB_COUNT(words); j++) {
                const char *at = strstr(*p, words[j]), *eq = strchr(*p, '=');
                if (at && eq && at < eq)
                    pb_strv_add(out, eq + 1);
            }
}

int pb_tf_run_init(struct pb_tf_run *r, struct pb_arena *a, const struct pb_unit_ctx *u,
                   const char *name, const char *dir, const char *workspace,
                   const struct pb_strv *names, struct pb_err *err)
{
    PB_AUTO(str) char *data = pb_asprintf("%s/%s", u->work, name);

    memset(r, 0, sizeof(*r));
    r->arena = a;
    r->u = u;
    r->dir = dir;
    r->data_dir = pb_arena_strdup(a, data);
    if (pb_tf_tool_find(&r->tool, a, u, err) || pb_fs_mkdirs(data, 0700, err))
        return -1;
    pb_tf_env_build(&r->env, environ, names, data, workspace, u->diags, a);
    pb_tf_run_secrets(&r->secrets, environ, names);
    return u->sandbox ? pb_tf_confine_run(r, names, err) : 0;
}

void pb_tf_run_release(struct pb_tf_run *r)
{
    pb_strv_release(&r->env);
    pb_strv_release(&r->secrets);
    pb_strv_release(&r->readable);
}

void pb_tf_run_hurry(struct pb_tf_run *r, size_t resources)
{
    if (resources <= PB_TF_FEW)
        pb_strv_setenv(&r->env, "GOGC", "400");
}

const char *pb_tf_run_file(const struct pb_tf_run *r, const char *name, const char *suffix)
{
    return pb_arena_printf(r->arena, "%s/%s.%s", r->u->work, name, suffix);
}

int pb_tf_start(struct pb_tf_command *c, const struct pb_tf_run *r, const char *name,
                char *const *args, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv argv = PB_STRV_INIT;
    struct pb_child_spec spec = {.env = r->env.v,
                                 .dir = r->dir,
                                 .out_path = pb_tf_run_file(r, name, "out"),
                                 .err_path = pb_tf_run_file(r, name, "err"),
                                 .one_int = r->holds_lock,
                                 .timeout_ms = r->u->timeout_ms,
                                 .kill_after_ms =
                                     r->holds_lock ? KILL_HOLDER_AFTER_MS : KILL_AFTER_MS};

    *c = (struct pb_tf_command){.run = r, .name = name, .doing = name};
    c->tail.path = spec.out_path;
    pb_strv_add(&argv, r->tool.path);
    for (; *args; args++)
        pb_strv_add(&argv, *args);
    spec.argv = argv.v;
    return r->u->sandbox ? pb_tf_confine_start(&c->boxed, r, &spec, err)
                         : pb_child_start(&c->child, &spec, err);
}

static void tick(void *ctx)
{
    struct pb_tf_command *c = ctx;
    const struct pb_progress *p = c->run->u->progress;

    if (!p || !p->report)
        return;
    pb_tf_tail_more(&c->tail);
    p->report(p->ctx, c->doing, c->tail.planned, c->total);
}

/* What the tool advises where plumb does it otherwise: an audit has no -var. */
static const char *own_way(const char *why)
{
    return strstr(why, "No value for required variable")
               ? "; for plumb it goes into 'vars' or 'var_files' of the unit in plumb.yaml, or "
                 "TF_VAR_NAME of the environment"
               : "";
}

static int explain(const struct pb_tf_command *c, const struct pb_child_status *st,
                   struct pb_err *err)
{
    const char *tool = c->run->tool.tofu ? "tofu" : "terraform";
    const struct pb_sandbox *box = c->run->u->sandbox;
    const char *note = box ? pb_tf_confine_note(c->run->arena, box) : "";
    PB_AUTO(buf) struct pb_buf why = PB_BUF_INIT;

    pb_tf_errors(&why, pb_tf_run_file(c->run, c->name, "out"),
                 pb_tf_run_file(c->run, c->name, "err"), &c->run->secrets);
    if (st->timed_out)
        return pb_fail(err, PB_E_TOOL, "%s %s took longer than %ld ms and was stopped%s", tool,
                       c->doing, c->run->u->timeout_ms, note);
    if (why.len && pb_tf_lock_refused(err, c->run->arena, why.s, c->run->u->name))
        return -1;
    if (why.len)
        return pb_fail(err, PB_E_TOOL, "%s %s: %s%s%s", tool, c->doing, why.s, own_way(why.s),
                       note);
    if (!st->exited)
        return pb_fail(err, PB_E_TOOL, "%s %s was killed by signal %d%s", tool, c->doing,
                       st->signal, note);
    return pb_fail(err, PB_E_TOOL, "%s %s failed with exit code %d and no message%s", tool,
                   c->doing, st->code, note);
}

int pb_tf_finish(struct pb_tf_command *c, struct pb_err *err)
{
    struct pb_child_status st = {0};
    int rc = c->boxed ? pb_sandbox_wait(&st, c->boxed, tick, c, err)
                      : pb_child_wait(&st, c->child, tick, c, err);

    pb_child_free(c->child);
    c->child = NULL;
    c->boxed = NULL;
    if (rc == 0)
        rc = pb_cancel_check(err);
    if (rc == 0 && st.exited && st.code == 0)
        return 0;
    if (rc == 0)
        explain(c, &st, err);
    if (err && st.started && !st.exited)
        err->sys = ECHILD; /* it let go of nothing */
    return -1;
}

int pb_tf_run(const struct pb_tf_run *r, const char *name, char *const *args, struct pb_err *err)
{
    struct pb_tf_command c;

    if (pb_tf_start(&c, r, name, args, err))
        return -1;
    return pb_tf_finish(&c, err);
}

int pb_tf_run_backend(const struct pb_tf_run *r, const char *type, char *const *args,
                      struct pb_err *err)
{
    PB_AUTO(str) char *record = pb_fs_join(r->data_dir, "terraform.tfstate");
    struct pb_err first = PB_ERR_INIT;
    const struct pb_value *v;

    (void)unlink(record); /* an earlier one would be taken for this one's */
    if (pb_tf_run(r, "backend", args, &first) == 0)
        return 0;
    if (first.cls == PB_E_TOOL && pb_json_read(&v, r->arena, record, RECORD_MAX, NULL) == 0 &&
        pb_streq(pb_get_str(pb_get(v, "backend"), "type"), type))
        return 0;
    return pb_fail(err, first.cls, "%s", first.msg);
}
