#include "cmd/cmd.h"

#include "base/fs.h"
#include "base/mem.h"
#include "model/json.h"
#include "run/audit.h"

#include <string.h>

static void add_quoted(struct pb_buf *b, const char *s)
{
    /* A JSON string is a YAML string. */
    pb_json_add_string(b, s, strlen(s));
}

/* Folders that may be root modules or modules for other repositories: the person knows. */
static void add_left_out(struct pb_buf *b, const struct pb_audit *a)
{
    size_t n = 0;

    for (size_t i = 0; i < a->found.n; i++) {
        const struct pb_module_dir *d = &a->found.v[i];

        if (!pb_units_is_left_out(d))
            continue;
        if (!n++)
            pb_buf_adds(b, "\n  # No module calls these, and they have no backend, provider or "
                           "lock file:");
        pb_buf_adds(b, "\n  # - name: ");
        add_quoted(b, pb_units_name(a->arena, d->path, a->repo));
        pb_buf_adds(b, "\n  #   path: ");
        add_quoted(b, *d->path ? d->path : ".");
    }
}

static void add_file(struct pb_buf *b, const struct pb_audit *a, size_t *n)
{
    pb_buf_adds(b, "# What plumb looks at. It is read from the commit that is audited, so a change "
                   "here\n# counts once it is committed. 'plumb help --markdown' lists every key.\n"
                   "version: 1\n\n# What is applied as a whole: Terraform root modules.\nunits:");
    *n = 0;
    for (size_t i = 0; i < a->found.n; i++) {
        const struct pb_module_dir *d = &a->found.v[i];

        if (!pb_units_is_root(d))
            continue;
        pb_buf_adds(b, "\n  - name: ");
        add_quoted(b, pb_units_name(a->arena, d->path, a->repo));
        pb_buf_adds(b, "\n    path: ");
        add_quoted(b, *d->path ? d->path : ".");
        (*n)++;
    }
    if (!*n)
        pb_buf_adds(b, " []");
    pb_buf_adds(b, "\n    # workspace: default\n    # var_files: [prod.tfvars]\n    # tool: tofu");
    add_left_out(b, a);
    pb_buf_adds(b, "\n\n"
                   "# What not to report, and why. '/.../' is a regular expression.\n# ignore:\n"
                   "#   - address: module.web\n#     path: desired_capacity\n"
                   "#     reason: the autoscaler owns it\n\n"
                   "# Observer packs of your own.\n# packs: [plumb/observers]\n\n"
                   "# observe:\n#   concurrency: 16\n#   timeout: 2m\n\n"
                   "# cache:\n#   data_source_ttl: 15m\n\n"
                   "# Which verdicts exit with 2; left out: every difference.\n"
                   "# fail_on: [drifted, missing, conflict, laundered]\n");
}

static int write_new(const struct pb_audit *a, const struct pb_buf *b, size_t n)
{
    const char *dir = pb_repo_workdir(a->repo);
    PB_AUTO(str) char *path = NULL;
    struct pb_err err = PB_ERR_INIT;

    if (!dir) {
        pb_fail(&err, PB_E_GIT, "a bare repository has no place for %s; 'plumb init --stdout'",
                PB_CONFIG_FILE);
        return pb_cmd_fail(&err);
    }
    path = pb_fs_join(dir, PB_CONFIG_FILE);
    if (pb_fs_exists(path)) {
        pb_fail(&err, PB_E_REFUSED,
                "'%s' is there already and stays as it is; 'plumb init --stdout' shows a new one",
                path);
        pb_cmd_fail(&err);
        return PB_EXIT_ERROR;
    }
    if (pb_fs_write_atomic(path, b->s, b->len, 0644, &err) < 0)
        return pb_cmd_fail(&err);
    pb_cmd_note("wrote %s with %zu unit%s; commit it, it counts from then on", path, n,
                n == 1 ? "" : "s");
    return PB_EXIT_PLUMB;
}

int pb_cmd_init(const struct pb_args *args)
{
    struct pb_audit_options o = {.config = pb_args_get(args, PB_O_CONFIG)};
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;
    struct pb_config check;
    struct pb_audit a;
    int code;
    size_t n;

    if (pb_args_has(args, PB_O_SCHEMA)) {
        pb_config_add_schema(&b);
        pb_cmd_print(&b);
        return PB_EXIT_PLUMB;
    }
    if (pb_audit_open(&a, &o, &err) < 0) {
        code = pb_cmd_fail(&err);
        pb_audit_release(&a);
        return code;
    }
    add_file(&b, &a, &n);
    if (pb_config_parse(&check, a.arena, b.s, b.len, PB_CONFIG_FILE, &err) < 0) {
        code = pb_cmd_fail(&err);
    } else if (pb_args_has(args, PB_O_STDOUT)) {
        pb_cmd_print(&b);
        code = PB_EXIT_PLUMB;
    } else {
        code = write_new(&a, &b, n);
    }
    pb_audit_release(&a);
    return code;
}
