/* Applying a saved plan, and reading what an apply left behind. */
#include "backends/terraform/lock.h"
#include "backends/terraform/apply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/terraform/lend.h"
#include "backends/terraform/redact.h"
#include "backends/terraform/save.h"
#include "backends/terraform/serve.h"
#include "backends/terraform/stream.h"
#include "base/cancel.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

/* How long processes that the tool left are waited for: after an interrupt people wait. */
enum { SURVIVORS_MS = 30000, SURVIVORS_INTERRUPTED_MS = 5000, END_MAX = 4096 };

static const char errored_name[] = "errored.tfstate";

static char *work_file(const struct pb_unit_ctx *u, const char *name)
{
    return pb_fs_join(u->work, name);
}

/* ---- what came of it ------------------------------------------------------------------------- */

/* The tool writes it into the folder it runs in, or failing that to its output. */
static const char *find_rescued(struct pb_arena *a, const struct pb_unit_ctx *u,
                                const struct pb_tf_stream_seen *seen, const char *stream)
{
    PB_AUTO(str) char *dir = pb_fs_join(u->tree, u->path);
    PB_AUTO(str) char *errored = pb_fs_join(dir, errored_name);
    PB_AUTO(str) char *own = work_file(u, "rescued.tfstate");
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    const char *found = NULL;

    if (pb_fs_exists(errored) && !pb_fs_is_dir(errored))
        found = errored;
    else if (seen->state_dump && pb_tf_stream_state(&text, stream) &&
             pb_fs_write_atomic(own, text.s, text.len, 0600, NULL) == 0)
        found = own;
    pb_buf_wipe(&text);
    return found ? pb_arena_strdup(a, found) : NULL;
}

static void fill(struct pb_apply_result *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                 const struct pb_tf_stream *s, const struct pb_strv *secrets)
{
    PB_AUTO(str) char *text = work_file(u, "apply.err");
    PB_AUTO(buf) struct pb_buf errors = PB_BUF_INIT;
    struct pb_err lock = PB_ERR_INIT;

    out->added = s->seen.added;
    out->changed = s->seen.changed;
    out->removed = s->seen.removed;
    if (!out->ok)
        pb_tf_errors(&errors, s->path, text, secrets);
    if (!out->ok && !out->died && s->seen.unanswered)
        out->died = "a provider gave no answer to a change that it was asked for";
    out->errors = errors.len ? pb_arena_strdup(a, errors.s) : NULL;
    if (errors.len && pb_tf_lock_refused(&lock, a, errors.s, u->name)) {
        out->locked = true;
        out->errors = pb_arena_strdup(a, lock.msg);
    }
    out->rescued = find_rescued(a, u, &s->seen, s->path);
}

static void remember_end(const struct pb_unit_ctx *u, const struct pb_child_status *st,
                         struct pb_arena *a)
{
    PB_AUTO(str) char *path = work_file(u, "apply.end");
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_map_builder b = PB_BUILDER_INIT;
    struct pb_value v;

    pb_map_add(&b, "code", pb_mk_int(a, st->exited ? st->code : -1));
    pb_map_add(&b, "signal", pb_mk_int(a, st->signal));
    v = pb_map_done(&b, a);
    pb_json_add(&text, &v);
    (void)pb_fs_write_atomic(path, text.s, text.len, 0600, NULL);
}

/* ---- starting it ----------------------------------------------------------------------------- */

struct applying {
    struct pb_tf_run run;
    struct pb_tf_saved saved;
    struct pb_tf_serving *served;
    struct pb_tf_stream stream;
    const struct pb_apply_request *rq;
};

/* Nothing that was decided upon may be another thing by now. */
static int check(const struct applying *x, const struct pb_unit_ctx *u, struct pb_err *err)
{
    char now[PB_SHA256_HEX];

    pb_tf_plugins(now, &x->saved.packages);
    if (strcmp(now, x->rq->plan->plugins) != 0)
        return pb_fail(err, PB_E_REFUSED,
                       "the provider packages of '%s' are not the ones that planned", u->name);
    if (pb_tf_lock_sha256(now, u, err))
        return -1;
    if (strcmp(now, x->rq->plan->lock) != 0)
        return pb_fail(err, PB_E_REFUSED,
                       "the lock file of '%s' is not the one that its providers were verified by",
                       u->name);
    if (pb_tf_file_sha256(now, x->rq->plan->path, err))
        return -1;
    if (strcmp(now, x->rq->plan->sha256) != 0)
        return pb_fail(err, PB_E_REFUSED, "the plan of '%s' is not what it was when it was made",
                       u->name);
    return 0;
}

static void serve_no_more(struct applying *x, struct pb_buf *why)
{
    pb_tf_serve_end(x->served, &x->run, why);
    x->served = NULL;
}

/* After the packages were found to be the same still. */
static void serve(struct applying *x)
{
    x->served = pb_tf_serve_saved(&x->run, &x->saved);
    if (!pb_tf_serve_use(x->served, &x->run))
        serve_no_more(x, NULL);
}

static int prepare(struct applying *x, struct pb_arena *a, const struct pb_unit_ctx *u,
                   struct pb_err *err)
{
    PB_AUTO(str) char *dir = pb_fs_join(u->tree, u->path);
    struct pb_tf_lent lent;

    if (pb_tf_saved_read(&x->saved, a, u, err) || check(x, u, err) ||
        pb_tf_run_init(&x->run, a, u, "data", pb_arena_strdup(a, dir), u->workspace,
                       &x->saved.names, err))
        return -1;
    for (size_t i = 0; i < x->saved.secrets.n; i++)
        pb_strv_add(&x->run.secrets, x->saved.secrets.v[i]);
    pb_tf_run_hurry(&x->run, x->saved.resources);
    lent.dirs = x->saved.packages;
    if (x->saved.lends && !pb_tf_lend(&lent, &x->run))
        return pb_fail(err, PB_E_REFUSED,
                       "Terraform's CLI configuration changed since '%s' was planned, and which "
                       "providers would run is not known",
                       u->name);
    serve(x);
    return 0;
}

/* What an earlier apply in the same place left would be taken for this one's. */
static int clear(const struct pb_unit_ctx *u, struct pb_err *err)
{
    static const char *const names[] = {"apply.end", "apply.out", "apply.err", "rescued.tfstate"};
    PB_AUTO(str) char *dir = pb_fs_join(u->tree, u->path);
    PB_AUTO(str) char *errored = pb_fs_join(dir, errored_name);

    if (pb_fs_exists(errored) && !pb_fs_is_dir(errored))
        return pb_fail(err, PB_E_INPUT,
                       "'%s' is a state that an earlier apply could not write: it has to be put "
                       "back first, 'plumb recover' does that",
                       errored);
    for (size_t i = 0; i < PB_COUNT(names); i++) {
        PB_AUTO(str) char *path = work_file(u, names[i]);
        if (unlink(path) && errno != ENOENT)
            return pb_fail_errno(err, PB_E_IO, "cannot remove '%s'", path);
    }
    return 0;
}

static int start(struct pb_child **out, struct applying *x, const struct pb_unit_ctx *u,
                 struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv argv = PB_STRV_INIT;
    struct pb_child_spec spec = {.env = x->run.env.v,
                                 .dir = x->run.dir,
                                 .out_path = pb_tf_run_file(&x->run, "apply", "out"),
                                 .err_path = pb_tf_run_file(&x->run, "apply", "err"),
                                 .one_int = true,
                                 .keep_fd = x->rq->lease_fd,
                                 .keep_fds = pb_tf_serve_lifelines(x->served)};

    if (u->sandbox)
        return pb_fail(err, PB_E_REFUSED, "'%s' is not trusted: nothing of it is applied", u->name);
    x->stream.path = spec.out_path;
    pb_strv_add(&argv, x->run.tool.path);
    pb_strv_add(&argv, "apply");
    pb_strv_add(&argv, "-json");
    pb_strv_add(&argv, "-input=false");
    pb_strv_add(&argv, "-no-color");
    if (u->plan && u->plan->lock_timeout_ms > 0)
        pb_strv_addf(&argv, "-lock-timeout=%ldms", u->plan->lock_timeout_ms);
    if (u->plan && u->plan->parallelism > 0)
        pb_strv_addf(&argv, "-parallelism=%d", u->plan->parallelism);
    pb_strv_add(&argv, x->rq->plan->path);
    spec.argv = argv.v;
    return pb_child_start(out, &spec, err);
}

/* ---- while it runs --------------------------------------------------------------------------- */

static void tick(void *ctx)
{
    struct applying *x = ctx;

    pb_tf_stream_more(&x->stream);
    if (x->rq->tick)
        x->rq->tick(x->rq->ctx);
}

static int wait_for_survivors(struct pb_child *c, struct applying *x)
{
    int64_t start = pb_clock_ms();
    int n;

    while ((n = pb_child_survivors(c)) > 0) {
        long limit = pb_cancel_requested() ? SURVIVORS_INTERRUPTED_MS : SURVIVORS_MS;
        if (pb_clock_ms() - start >= limit)
            break;
        usleep(100000);
        if (x->rq->tick)
            x->rq->tick(x->rq->ctx);
    }
    return n;
}

static void wait(struct pb_apply_result *out, struct pb_child *c, struct applying *x,
                 struct pb_arena *a, const struct pb_unit_ctx *u)
{
    struct pb_child_status st;
    struct pb_err why = PB_ERR_INIT;

    /* That we were interrupted is for the caller to ask: what came of it counts here. */
    (void)pb_child_wait(&st, c, tick, x, &why);
    out->survivors = wait_for_survivors(c, x);
    pb_tf_stream_more(&x->stream);
    remember_end(u, &st, a);
    out->signal = st.signal;
    out->ok = st.exited && st.code == 0;
}

/* Whether what was lent was there to the end. */
static void take_back(struct pb_apply_result *out, struct applying *x, struct pb_arena *a)
{
    struct pb_tf_redactor *r = pb_tf_redactor_new(&x->run.secrets);
    PB_AUTO(buf) struct pb_buf why = PB_BUF_INIT;

    serve_no_more(x, &why);
    pb_tf_redact(r, &why);
    if (why.len && !out->ok)
        out->died = pb_arena_strdup(a, why.s);
    pb_buf_wipe(&why);
    pb_tf_redactor_free(r);
}

int pb_tf_apply(struct pb_apply_result *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                const struct pb_apply_request *rq, struct pb_err *err)
{
    struct applying x = {.rq = rq, .stream = {.event = rq->event, .ctx = rq->ctx}};
    struct pb_child *c = NULL;
    int rc = -1;

    memset(out, 0, sizeof(*out));
    if (pb_cancel_check(err) == 0 && prepare(&x, a, u, err) == 0 && clear(u, err) == 0 &&
        start(&c, &x, u, err) == 0) {
        wait(out, c, &x, a, u);
        take_back(out, &x, a);
        fill(out, a, u, &x.stream, &x.run.secrets);
        rc = 0;
    }
    serve_no_more(&x, NULL);
    pb_child_free(c);
    pb_tf_stream_release(&x.stream);
    pb_tf_saved_release(&x.saved);
    pb_tf_run_release(&x.run);
    return rc;
}

/* ---- afterwards ------------------------------------------------------------------------------ */

/* Whether its end is known: from whoever waited for it, else from its own last words. */
static void judge(struct pb_apply_result *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                  const struct pb_tf_stream_seen *seen)
{
    PB_AUTO(str) char *path = work_file(u, "apply.end");
    const struct pb_value *end;
    int64_t code = -1, signal = 0;

    out->ok = seen->summary && !seen->failed;
    out->running = !seen->summary && !seen->failed;
    if (pb_json_read(&end, a, path, END_MAX, NULL) || pb_get_int(&code, end, "code"))
        return;
    (void)pb_get_int(&signal, end, "signal");
    out->running = false;
    out->signal = (int)signal;
    out->ok = code == 0;
}

int pb_tf_review(struct pb_apply_result *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                 const struct pb_apply_request *rq, struct pb_err *err)
{
    struct pb_tf_stream s = {.event = rq->event, .ctx = rq->ctx};
    PB_AUTO(strv) struct pb_strv secrets = PB_STRV_INIT;
    PB_AUTO(str) char *path = work_file(u, "apply.out");
    struct pb_tf_saved saved;
    int rc = -1;

    memset(out, 0, sizeof(*out));
    if (pb_tf_saved_read(&saved, a, u, err) == 0) {
        pb_tf_run_secrets(&secrets, environ, &saved.names);
        for (size_t i = 0; i < saved.secrets.n; i++)
            pb_strv_add(&secrets, saved.secrets.v[i]);
        s.path = path;
        if (pb_fs_exists(path)) { /* else it was never started */
            pb_tf_stream_more(&s);
            judge(out, a, u, &s.seen);
            fill(out, a, u, &s, &secrets);
        }
        rc = 0;
    }
    pb_tf_stream_release(&s);
    pb_tf_saved_release(&saved);
    return rc;
}
