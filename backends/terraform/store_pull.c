/* `state pull` in a folder with nothing but the backend in it. */
#include <string.h>

#include "backends/terraform/lend.h"
#include "backends/terraform/run.h"
#include "backends/terraform/state.h"
#include "backends/terraform/store.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"

/* The block as it stands in the unit, so that nothing of it is lost in translation. What
 * -backend-config gave goes into a file: arguments are there for everybody to read. */
static int write_module(const struct pb_tf_backend *be, const char *dir,
                        const struct pb_unit_ctx *u, struct pb_arena *a, struct pb_err *err)
{
    PB_AUTO(str) char *path = pb_fs_join(dir, "backend.tf");
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

    if (!be->text)
        return pb_fail(err, PB_E_CONFIG,
                       "the backend '%s' of '%s' cannot be written out by itself (it is in JSON or "
                       "an override file): set 'state' of the unit in plumb.yaml",
                       be->type, u->name);
    (void)a;
    pb_buf_addf(&text, "terraform {\n%s\n}\n", be->text);
    return pb_fs_write_atomic(path, text.s, text.len, 0600, err);
}

static void add_hcl_string(struct pb_buf *b, const char *s)
{
    pb_buf_addc(b, '"');
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            pb_buf_addc(b, '\\');
        if ((*s == '$' || *s == '%') && s[1] == '{')
            pb_buf_addc(b, *s);
        if (*s == '\n')
            pb_buf_adds(b, "\\n");
        else
            pb_buf_addc(b, *s);
    }
    pb_buf_addc(b, '"');
}

int pb_tf_backend_settings(struct pb_strv *args, const char *dir, const struct pb_unit_ctx *u,
                           struct pb_err *err)
{
    PB_AUTO(str) char *path = pb_fs_join(dir, "settings.hcl");
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

    for (char *const *p = u->backend_config; p && *p; p++) {
        const char *eq = strchr(*p, '='), *top = u->worktree ? u->worktree : u->tree;
        PB_AUTO(str) char *base = top ? pb_fs_join(top, u->path) : pb_strdup(".");
        PB_AUTO(str) char *file = pb_fs_join(base, *p);
        if (!eq) {
            pb_strv_addf(args, "-backend-config=%s", file);
            continue;
        }
        pb_buf_addf(&text, "%.*s = ", (int)(eq - *p), *p);
        add_hcl_string(&text, eq + 1);
        pb_buf_addc(&text, '\n');
    }
    if (!text.len)
        return 0;
    pb_strv_addf(args, "-backend-config=%s", path);
    return pb_fs_write_atomic(path, text.s, text.len, 0600, err);
}

static int init_there(const struct pb_tf_run *r, const char *type, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv args = PB_STRV_INIT;

    pb_strv_add(&args, "init");
    pb_strv_add(&args, "-input=false");
    pb_strv_add(&args, "-no-color");
    if (pb_tf_backend_settings(&args, r->dir, r->u, err))
        return -1;
    return pb_tf_run_backend(r, type, args.v, err);
}

int pb_tf_store_open(struct pb_tf_run *r, struct pb_arena *a, const struct pb_tf_backend *be,
                     const struct pb_unit_ctx *u, struct pb_err *err)
{
    const char *dir = pb_arena_printf(a, "%s/pull", u->work);

    memset(r, 0, sizeof(*r));
    if (pb_fs_mkdirs(dir, 0700, err) || write_module(be, dir, u, a, err) ||
        pb_tf_run_init(r, a, u, "pull-data", dir, u->workspace, NULL, err))
        return -1;
    (void)pb_tf_lend_nothing(r);
    return init_there(r, be->type, err);
}

static int pull(struct pb_buf *text, const struct pb_tf_run *r, struct pb_err *err)
{
    static const char *const words[] = {"state", "pull"};
    PB_AUTO(strv) struct pb_strv args = PB_STRV_INIT;

    for (size_t i = 0; i < PB_COUNT(words); i++)
        pb_strv_add(&args, words[i]);
    if (pb_tf_run(r, "state", args.v, err))
        return -1;
    return pb_fs_read(text, pb_tf_run_file(r, "state", "out"), PB_TF_STATE_MAX, err);
}

int pb_tf_store_pull(struct pb_buf *text, bool *none, struct pb_arena *a, struct pb_tf_backend *be,
                     const struct pb_unit_ctx *u, struct pb_err *err)
{
    const char *out = pb_arena_printf(a, "%s/state.out", u->work);
    struct pb_tf_run r;
    int rc = -1;

    be->where = pb_arena_printf(a, "%s backend", be->type);
    if (pb_tf_store_open(&r, a, be, u, err) == 0 && pull(text, &r, err) == 0) {
        *none = text->len == 0;
        rc = 0;
    } else {
        pb_err_wrap(err, "cannot read the state of '%s' through its '%s' backend", u->name,
                    be->type);
    }
    pb_tf_run_release(&r);
    (void)pb_fs_write_atomic(out, "", 0, 0600, NULL); /* it held the state's secrets */
    return rc;
}
