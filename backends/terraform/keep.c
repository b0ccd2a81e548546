/* A state as a file: kept as it stands, put back, and read. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/terraform/apply.h"
#include "backends/terraform/lock.h"
#include "backends/terraform/run.h"
#include "backends/terraform/state.h"
#include "backends/terraform/store.h"
#include "base/fs.h"
#include "base/mem.h"

enum { COPIES_MAX = 1000 };

static bool is_blank(const struct pb_buf *text)
{
    return strspn(text->s, " \t\r\n") == text->len;
}

int pb_tf_keep(bool *none, bool *torn, struct pb_arena *a, const struct pb_unit_ctx *u,
               const char *path, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_tf_backend be;
    int rc;

    *torn = false;
    if (pb_tf_backend_find(&be, a, u, err) || pb_tf_store_read(&text, none, a, &be, u, err))
        return -1;
    if (!*none && is_blank(&text))
        *none = *torn = true;
    rc = *none ? 0 : pb_fs_write_atomic(path, text.s, text.len, 0600, err);
    pb_buf_wipe(&text);
    return rc;
}

int pb_tf_parse_state(struct pb_recorded_set *out, struct pb_arena *a, const char *path,
                      struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    int rc;

    if (pb_fs_read(&text, path, PB_TF_STATE_MAX, err))
        return -1;
    rc = pb_tf_state_parse(out, a, text.s, text.len, path, NULL, err);
    pb_buf_wipe(&text);
    return rc;
}

/* ---- putting it back ------------------------------------------------------------------------- */

static char *free_copy_name(const struct pb_unit_ctx *u)
{
    for (int i = 1; i < COPIES_MAX; i++) {
        char *path = pb_asprintf("%s/replaced-%d.tfstate", u->work, i);
        if (!pb_fs_exists(path))
            return path;
        free(path);
    }
    return pb_asprintf("%s/replaced.tfstate", u->work);
}

/* What is replaced stays in WORK: nobody knows yet whether it was worthless. */
static int copy_old(const char *path, const struct pb_unit_ctx *u, struct pb_err *err)
{
    PB_AUTO(str) char *copy = free_copy_name(u);
    PB_AUTO(buf) struct pb_buf old = PB_BUF_INIT;
    int rc;

    if (pb_fs_read(&old, path, PB_TF_STATE_MAX, err))
        return -1;
    rc = pb_fs_write_atomic(copy, old.s, old.len, 0600, err);
    pb_buf_wipe(&old);
    return rc;
}

static int put_local(const struct pb_buf *text, const char *path, const struct pb_unit_ctx *u,
                     struct pb_err *err)
{
    PB_AUTO(str) char *real = realpath(path, NULL);
    const char *to = real ? real : path, *slash = strrchr(to, '/');
    PB_AUTO(str) char *folder = slash ? pb_strndup(to, (size_t)(slash - to)) : NULL;
    struct stat st;

    if (stat(to, &st)) {
        if (errno != ENOENT)
            return pb_fail_errno(err, PB_E_IO, "cannot look at '%s'", to);
        if (folder && *folder && pb_fs_mkdirs(folder, 0700, err))
            return -1;
        return pb_fs_write_atomic(to, text->s, text->len, 0600, err);
    }
    if (pb_tf_local_is_held(to))
        return pb_fail(err, PB_E_LOCKED,
                       "the state '%s' is locked by a process that runs: nothing was put there",
                       to);
    if (copy_old(to, u, err) || pb_fs_write_atomic(to, text->s, text->len, st.st_mode & 0777, err))
        return -1;
    if (st.st_uid != geteuid())
        (void)!chown(to, st.st_uid, st.st_gid); /* as far as that is ours to do */
    return 0;
}

static int push(const char *path, struct pb_arena *a, const struct pb_tf_backend *be,
                const struct pb_unit_ctx *u, struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv args = PB_STRV_INIT;
    struct pb_tf_run r;
    int rc = -1;

    pb_strv_add(&args, "state");
    pb_strv_add(&args, "push");
    pb_strv_add(&args, "-force");
    pb_strv_add(&args, path);
    if (pb_tf_store_open(&r, a, be, u, err) == 0) {
        r.holds_lock = true;
        rc = pb_tf_run(&r, "push", args.v, err);
    }
    if (rc)
        pb_err_wrap(err, "cannot put the state of '%s' into its '%s' backend", u->name, be->type);
    pb_tf_run_release(&r);
    return rc;
}

/* Only what says nothing, or says it in no way that can be read: a state is not thrown away. */
static int take_away(struct pb_arena *a, const struct pb_tf_backend *be,
                     const struct pb_unit_ctx *u, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    PB_AUTO(str) char *local = NULL;
    struct pb_recorded_set set;
    int rc = -1;

    if (strcmp(be->type, "local") != 0)
        return 0; /* what a server has for an empty state is no state for Terraform */
    if (pb_tf_store_local_path(&local, be, u, err))
        return -1;
    if (!pb_fs_exists(local))
        return 0;
    if (pb_tf_local_is_held(local))
        return pb_fail(err, PB_E_LOCKED, "the state '%s' is locked by a process that runs", local);
    if (pb_fs_read(&text, local, PB_TF_STATE_MAX, err))
        return -1;
    if (pb_tf_state_parse(&set, a, text.s, text.len, local, NULL, NULL) == 0 && set.lineage)
        pb_fail(err, PB_E_REFUSED, "'%s' is a whole state: it is not removed", local);
    else if (copy_old(local, u, err) == 0)
        rc = unlink(local) ? pb_fail_errno(err, PB_E_IO, "cannot remove '%s'", local) : 0;
    pb_buf_wipe(&text);
    return rc;
}

int pb_tf_put(struct pb_arena *a, const struct pb_unit_ctx *u, const char *path, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    PB_AUTO(str) char *full = path ? realpath(path, NULL) : NULL;
    PB_AUTO(str) char *local = NULL;
    struct pb_tf_backend be;
    int rc = -1;

    if (pb_tf_backend_find(&be, a, u, err))
        return -1;
    if (!path)
        return take_away(a, &be, u, err);
    if (pb_fs_read(&text, path, PB_TF_STATE_MAX, err))
        return -1;
    if (is_blank(&text))
        pb_fail(err, PB_E_INPUT, "'%s' is empty: it is no state to be put back", path);
    else if (pb_tf_store_is_direct(&be, "http"))
        rc = pb_tf_http_put(a, &be, u, &text, err); /* the tool first wants to read what is there */
    else if (strcmp(be.type, "local") != 0)
        rc = push(full ? full : path, a, &be, u, err);
    else if (pb_tf_store_local_path(&local, &be, u, err) == 0)
        rc = put_local(&text, local, u, err);
    pb_buf_wipe(&text);
    return rc;
}
