#include "backends/terraform/prepare.h"

#include <errno.h>
#include <string.h>

#include "backends/terraform/lend.h"
#include "backends/terraform/state.h"
#include "backends/terraform/store.h"
#include "backends/terraform/vars.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"

#include <unistd.h>

/* Later names win among overrides, so this one has to sort behind all others. */
static const char override_name[] = "zzzz_plumb_backend_override.tf";
static const char override_text[] =
    "# Written by plumb into its own copy: planning must not touch the backend.\n"
    "terraform {\n  backend \"local\" {}\n}\n";

static bool is_local(const struct pb_tf_backend *own)
{
    return !own || strcmp(own->type, "local") == 0;
}

int pb_tf_override_backend(const struct pb_tf_run *r, const struct pb_tf_backend *own,
                           struct pb_err *err)
{
    PB_AUTO(str) char *path = pb_fs_join(r->dir, override_name);
    struct pb_tf_files files = pb_tf_files_disk(r->u->tree);
    const struct pb_tf_module *m;
    const struct pb_hcl_block *tf, *be;

    if (!is_local(own)) {
        if (unlink(path) && errno != ENOENT) /* of an earlier plan in the same tree */
            return pb_fail_errno(err, PB_E_IO, "cannot remove '%s'", path);
        return 0;
    }
    if (pb_fs_write_atomic(path, override_text, strlen(override_text), 0600, err))
        return -1;
    if (pb_tf_module_load(&m, r->arena, &files, r->u->path, r->tool.tofu, NULL))
        return 0; /* the tool will say what is wrong with the text */
    for (size_t i = 0; (tf = pb_hcl_block_of(m->body, "terraform", i)); i++)
        for (size_t j = 0; j < tf->body->nblocks; j++) {
            be = &tf->body->blocks[j];
            if ((strcmp(be->type, "backend") == 0 && strcmp(pb_hcl_label(be, 0), "local") != 0) ||
                strcmp(be->type, "cloud") == 0)
                return pb_fail(err, PB_E_CONFIG,
                               "'%s' line %u: this backend would be used for planning; move the "
                               "override file's name before 'zzzz'",
                               be->file, be->line);
        }
    return 0;
}

static char *kept_path(const struct pb_unit_ctx *u)
{
    return pb_fs_join(u->work, "recorded.tfstate");
}

int pb_tf_keep_state(const struct pb_unit_ctx *u, const struct pb_buf *text, struct pb_err *err)
{
    PB_AUTO(str) char *path = kept_path(u);

    return pb_fs_write_atomic(path, text->s, text->len, 0600, err);
}

/* The bytes that the recorded side was read from. */
static int state_bytes(struct pb_buf *text, const struct pb_tf_run *r,
                       const struct pb_recorded_set *recorded, struct pb_err *err)
{
    const struct pb_unit_ctx *by = r->u->recorded_by ? r->u->recorded_by : r->u;
    PB_AUTO(str) char *path = kept_path(by);
    struct pb_tf_backend be;
    char sha[PB_SHA256_HEX];
    bool none = false;

    if (!pb_fs_exists(path)) {
        if (pb_tf_backend_find(&be, r->arena, by, err) ||
            pb_tf_store_read(text, &none, r->arena, &be, by, err))
            return -1;
    } else if (pb_fs_read(text, path, PB_TF_STATE_MAX, err)) {
        return -1;
    }
    pb_sha256_hex_of(sha, text->s, text->len);
    if (none || strcmp(sha, recorded->sha256) != 0)
        return pb_fail(err, PB_E_LOCKED,
                       "the state of '%s' changed while it was read: somebody applies at this "
                       "moment, try again",
                       r->u->name);
    return 0;
}

/* Makes the folder for the state and names it to init; the state itself comes by put_state. */
static int state_args(struct pb_strv *args, const struct pb_tf_run *r, struct pb_err *err)
{
    const char *ws = r->u->workspace ? r->u->workspace : "default";
    PB_AUTO(str) char *folder = pb_asprintf("%s/states/%s", r->u->work, ws);

    if (pb_fs_mkdirs(folder, 0700, err))
        return -1;
    if (strcmp(ws, "default") == 0)
        pb_strv_addf(args, "-backend-config=path=%s/terraform.tfstate", folder);
    pb_strv_addf(args, "-backend-config=workspace_dir=%s/states", r->u->work);
    return 0;
}

/* The folder that holds the workspaces' own: of DIR/NAME/terraform.tfstate. */
static int own_args(struct pb_strv *args, const struct pb_tf_run *r,
                    const struct pb_tf_backend *own, const char *dir, struct pb_err *err)
{
    PB_AUTO(str) char *path = NULL;
    bool other = r->u->workspace && strcmp(r->u->workspace, "default") != 0;

    if (!is_local(own))
        return pb_tf_backend_settings(args, dir, r->u, err);
    if (pb_tf_store_local_path(&path, own, r->u, err))
        return -1;
    if (!other) {
        pb_strv_addf(args, "-backend-config=path=%s", path);
        return 0;
    }
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(path, '/');
        if (!slash || slash == path)
            return pb_fail(err, PB_E_CONFIG, "the state of '%s' is not in a folder of workspaces",
                           r->u->name);
        *slash = '\0';
        if (i == 0 && pb_fs_mkdirs(path, 0700, err))
            return -1;
    }
    pb_strv_addf(args, "-backend-config=workspace_dir=%s", path);
    return 0;
}

static int put_state(const struct pb_tf_run *r, const struct pb_recorded_set *recorded,
                     struct pb_err *err)
{
    const char *ws = r->u->workspace ? r->u->workspace : "default";
    PB_AUTO(str) char *path = pb_asprintf("%s/states/%s/terraform.tfstate", r->u->work, ws);
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

    if (!recorded->lineage)
        return 0;
    if (state_bytes(&text, r, recorded, err))
        return -1;
    return pb_fs_write_atomic(path, text.s, text.len, 0600, err);
}

int pb_tf_place_state(struct pb_strv *args, const struct pb_tf_run *r,
                      const struct pb_tf_backend *own, const struct pb_recorded_set *recorded,
                      struct pb_err *err)
{
    if (own)
        return own_args(args, r, own, r->u->work, err);
    return state_args(args, r, err) || put_state(r, recorded, err) ? -1 : 0;
}

/* In a folder with nothing but the backend's block, the same as in the unit. */
int pb_tf_init_backend(struct pb_tf_run *r, const struct pb_tf_backend *own,
                       const struct pb_recorded_set *recorded, struct pb_err *err)
{
    const char *dir = pb_arena_printf(r->arena, "%s/backend", r->u->work);
    PB_AUTO(str) char *path = pb_fs_join(dir, override_name);
    PB_AUTO(strv) struct pb_strv args = PB_STRV_INIT;
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_tf_run there;
    bool none;
    int rc;

    if (is_local(own))
        pb_buf_adds(&text, override_text);
    else if (own->text)
        pb_buf_addf(&text, "terraform {\n%s\n}\n", own->text);
    else
        return pb_fail(err, PB_E_CONFIG, "the backend's block is not known as text");
    pb_strv_add(&args, "init");
    pb_strv_add(&args, "-input=false");
    pb_strv_add(&args, "-no-color");
    pb_strv_add(&args, "-reconfigure"); /* an earlier plan may have been made on another one */
    if (pb_fs_mkdirs(dir, 0700, err) || pb_fs_write_atomic(path, text.s, text.len, 0600, err) ||
        (own ? own_args(&args, r, own, dir, err) : state_args(&args, r, err)))
        return -1;
    none = pb_tf_lend_nothing(r);
    there = *r;
    there.dir = dir;
    rc = pb_tf_run_backend(&there, own ? own->type : "local", args.v, err);
    if (none)
        pb_tf_lend_end(r);
    return rc || own ? rc : put_state(r, recorded, err);
}

static void add_quoted(struct pb_buf *b, const char *s)
{
    pb_buf_addc(b, '"');
    for (; *s; s++) {
        if (*s == '\n')
            pb_buf_adds(b, "\\n");
        else if (*s == '\r')
            pb_buf_adds(b, "\\r");
        else if (*s == '"' || *s == '\\')
            pb_buf_addf(b, "\\%c", *s);
        else if ((*s == '$' || *s == '%') && s[1] == '{')
            pb_buf_addf(b, "%c%c", *s, *s);
        else
            pb_buf_addc(b, *s);
    }
    pb_buf_addc(b, '"');
}

/* Values given one by one, as a private file: arguments are there for everybody to read. Of
 * several for the same name the last one counts. */
static int write_vars(const char *path, char *const *vars, const struct pb_tf_run *r,
                      const struct pb_tf_node *root, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    int rc;

    for (char *const *p = vars; *p; p++) {
        const char *eq = strchr(*p, '=');
        PB_AUTO(str) char *name = eq ? pb_strndup(*p, (size_t)(eq - *p)) : NULL;
        bool later = false;
        if (!eq)
            return pb_fail(err, PB_E_CONFIG, "'%s' among the variables of '%s' is no NAME=VALUE",
                           *p, r->u->name);
        for (char *const *q = p + 1; *q; q++)
            later |= strncmp(*q, *p, (size_t)(eq - *p) + 1) == 0;
        if (later)
            continue;
        pb_buf_addf(&text, "%s = ", name);
        if (root && pb_tf_var_is_complex(root, name))
            pb_buf_adds(&text, eq + 1);
        else
            add_quoted(&text, eq + 1);
        pb_buf_addc(&text, '\n');
    }
    rc = pb_fs_write_atomic(path, text.s, text.len, 0600, err);
    pb_buf_wipe(&text);
    return rc;
}

static int add_vars(struct pb_strv *args, const struct pb_tf_run *r, const struct pb_tf_node *root,
                    const char *name, char *const *files, char *const *vars, struct pb_err *err)
{
    const char *path = pb_tf_run_file(r, name, "tfvars");

    for (; files && *files; files++) {
        PB_AUTO(str) char *file = pb_fs_join(r->u->tree, *files);
        pb_strv_addf(args, "-var-file=%s", file);
    }
    if (!vars || !*vars)
        return 0;
    pb_strv_addf(args, "-var-file=%s", path);
    return write_vars(path, vars, r, root, err);
}

int pb_tf_var_args(struct pb_strv *args, const struct pb_tf_run *r, const struct pb_tf_node *root,
                   struct pb_err *err)
{
    const struct pb_unit_ctx *u = r->u;

    if (add_vars(args, r, root, "vars", u->var_files, u->vars, err))
        return -1;
    return u->plan ? add_vars(args, r, root, "more-vars", u->plan->var_files, u->plan->vars, err)
                   : 0;
}
