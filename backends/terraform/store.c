#include "backends/terraform/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/terraform/lock.h"
#include "backends/terraform/state.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"

enum { LOCAL_TRIES = 3 };

static bool is_default(const struct pb_unit_ctx *u)
{
    return !u->workspace || strcmp(u->workspace, "default") == 0;
}

/* ---- local ----------------------------------------------------------------------------------- */

int pb_tf_store_local_path(char **out, const struct pb_tf_backend *be, const struct pb_unit_ctx *u,
                           struct pb_err *err)
{
    const char *path = pb_get_str(be->config, "path");
    const char *folder = pb_get_str(be->config, "workspace_dir");
    PB_AUTO(str) char *dir = NULL;

    if (u->state_path) {
        *out = pb_strdup(u->state_path);
        return 0;
    }
    if (!path || !*path)
        path = "terraform.tfstate";
    if (!folder || !*folder)
        folder = "terraform.tfstate.d";
    if (u->worktree)
        dir = pb_fs_join(u->worktree, u->path);
    else if (*(is_default(u) ? path : folder) != '/')
        return pb_fail(err, PB_E_CONFIG,
                       "the state of '%s' is a local file and a bare repository has none: set "
                       "'state' of the unit in plumb.yaml",
                       u->name);
    if (is_default(u)) {
        *out = dir ? pb_fs_join(dir, path) : pb_strdup(path);
    } else {
        PB_AUTO(str) char *base = dir ? pb_fs_join(dir, folder) : pb_strdup(folder);
        *out = pb_asprintf("%s/%s/terraform.tfstate", base, u->workspace);
    }
    return 0;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* A tree that is not trusted says where its state is: any file of this machine that is one would be
 * shown. */
static bool is_elsewhere(const char *path, const struct pb_unit_ctx *u, struct pb_err *err)
{
    if (!pb_fs_exists(path) || (u->worktree && pb_fs_is_below(path, u->worktree)))
        return false;
    pb_fail(
        err, PB_E_REFUSED,
        "the state of '%s' would be '%s', outside of the repository: it is not trusted, and not "
        "read there",
        u->name, path);
    return true;
}

/* Terraform truncates and writes in place, so a file that moved while it was read is read
 * again. Read, not mapped: a mapping of a file that shrinks ends in SIGBUS. */
int pb_tf_store_local(struct pb_buf *text, bool *none, struct pb_arena *a, struct pb_tf_backend *be,
                      const struct pb_unit_ctx *u, struct pb_err *err)
{
    PB_AUTO(str) char *path = NULL;
    struct stat before, after;

    if (pb_tf_store_local_path(&path, be, u, err) || (u->sandbox && is_elsewhere(path, u, err)))
        return -1;
    be->where = pb_arena_strdup(a, path);
    for (int i = 0; i < LOCAL_TRIES; i++) {
        if (stat(path, &before)) {
            *none = errno == ENOENT;
            return *none ? 0 : pb_fail_errno(err, PB_E_IO, "cannot read the state '%s'", path);
        }
        if (!S_ISREG(before.st_mode))
            return pb_fail(err, PB_E_INPUT, "the state '%s' is not a file", path);
        if (pb_fs_read(text, path, PB_TF_STATE_MAX, err))
            return -1;
        if (stat(path, &after) == 0 && same_file(&before, &after) &&
            (off_t)text->len == after.st_size && (text->len || !pb_tf_local_is_held(path)))
            return 0; /* a first apply holds an empty file */
        usleep(100000);
    }
    return pb_fail(err, PB_E_LOCKED,
                   "the state '%s' is being written at this moment: try again when the apply is "
                   "done",
                   path);
}

/* ---- which way ------------------------------------------------------------------------------- */

/* Settings that only the tool itself can honour. */
static bool needs_tool(const struct pb_tf_backend *be)
{
    static const char *const beyond[] = {"sse_customer_key", "skip_cert_verification", "insecure",
                                         "http_proxy", "https_proxy"};

    for (size_t i = 0; i < PB_COUNT(beyond); i++) {
        const struct pb_value *v = pb_get(be->config, beyond[i]);
        if (v && v->kind != PB_NULL && !(v->kind == PB_BOOL && !v->b) &&
            !(v->kind == PB_STRING && (!v->n || strcmp(v->s, "false") == 0)))
            return true;
    }
    return pb_has_unknown(be->config);
}

bool pb_tf_store_is_direct(const struct pb_tf_backend *be, const char *type)
{
    return strcmp(be->type, type) == 0 && !needs_tool(be);
}

int pb_tf_store_read(struct pb_buf *text, bool *none, struct pb_arena *a, struct pb_tf_backend *be,
                     const struct pb_unit_ctx *u, struct pb_err *err)
{
    static const struct {
        const char *type;
        int (*read)(struct pb_buf *, bool *, struct pb_arena *, struct pb_tf_backend *,
                    const struct pb_unit_ctx *, struct pb_err *);
    } direct[] = {
        {"local", pb_tf_store_local},
        {"http", pb_tf_store_http},
        {"s3", pb_tf_store_s3},
    };
    int rc = -2;

    *none = false;
    be->where = be->type;
    for (size_t i = 0; i < PB_COUNT(direct); i++)
        if (strcmp(direct[i].type, be->type) == 0 && (u->state_path || !needs_tool(be)) &&
            (i == 0 || !u->sandbox)) /* where it is asked is the tree's choice: in there */
            rc = direct[i].read(text, none, a, be, u, err);
    if (rc == -1)
        return -1;
    if (rc == 0 && !(text->len && pb_tf_state_encrypted(text->s, text->len)))
        return 0;
    if (u->state_path)
        return 0; /* there is no backend to pull from: the parser says what is wrong */
    pb_buf_clear(text);
    *none = false;
    return pb_tf_store_pull(text, none, a, be, u, err);
}
