#include "cmd/cmd.h"

#include "base/child.h"
#include "base/data.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "base/text.h"
#include "git/export.h"
#include "model/json.h"
#include "run/data.h"
#include "run/live.h"
#include "run/audit.h"
#include "version.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum mark { OK, WARN, FAIL };
static const char *const mark_names[] = {"ok", "warn", "fail"};

struct check {
    enum mark mark;
    char *name, *what, *remedy; /* remedy may be NULL */
};

struct doctor {
    struct check *v;
    size_t n, cap;
    const struct pb_args *args;
    struct pb_audit audit;
    bool open;
    char *tree;              /* the commit's files; NULL: there are none to look at */
    struct pb_buf pack_dirs; /* the configuration's, in there */
};

static void say(struct doctor *d, enum mark mark, const char *name, const char *remedy,
                const char *fmt, ...) PB_PRINTF(5, 6);

static void say(struct doctor *d, enum mark mark, const char *name, const char *remedy,
                const char *fmt, ...)
{
    PB_AUTO(buf) struct pb_buf raw = PB_BUF_INIT, safe = PB_BUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    pb_buf_vaddf(&raw, fmt, ap);
    va_end(ap);
    pb_text_add_safe(&safe, raw.s, raw.len);
    d->v = pb_grow(d->v, &d->cap, d->n + 1, sizeof(*d->v));
    d->v[d->n++] = (struct check){mark, pb_strdup(name), pb_buf_detach(&safe),
                                  remedy && mark != OK ? pb_strdup(remedy) : NULL};
}

/* The first line that `program version` prints; NULL when it cannot be run. Caller frees. */
static char *tool_version(const char *path, struct pb_err *err)
{
    PB_AUTO(str) char *work = NULL, *out = NULL;
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    PB_AUTO(strv) struct pb_strv env = PB_STRV_INIT;
    struct pb_child_status status;
    char *line = NULL;

    if (pb_work_new(&work, err) < 0)
        return NULL;
    out = pb_fs_join(work, "version");
    pb_strv_setenv(&env, "PATH", getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
    pb_strv_setenv(&env, "HOME", work);
    pb_strv_setenv(&env, "CHECKPOINT_DISABLE", "1");
    {
        char *argv[] = {(char *)(uintptr_t)path, (char *)(uintptr_t) "version", NULL};
        struct pb_child_spec spec = {.argv = argv,
                                     .env = env.v,
                                     .dir = work,
                                     .out_path = out,
                                     .timeout_ms = 20000,
                                     .kill_after_ms = 1000};

        if (pb_child_run(&status, &spec, err) == 0 && status.exited && status.code == 0 &&
            pb_fs_read(&text, out, 1 << 16, err) == 0) {
            text.s[strcspn(text.s, "\r\n")] = '\0';
            line = pb_strdup(text.s);
        }
    }
    pb_work_remove(work);
    return line;
}

static void check_tool(struct doctor *d, const char *name, const char *path)
{
    struct pb_err err = PB_ERR_INIT;
    PB_AUTO(str) char *version = tool_version(path, &err);

    if (version)
        say(d, OK, name, NULL, "%s at %s", version, path);
    else
        say(d, FAIL, name, "run it by hand: 'TOOL version'", "%s does not run: %s", path,
            err.cls ? err.msg : "it exits with an error");
}

/* Those that units name themselves; false when some unit takes what is on PATH. */
static bool check_named_tools(struct doctor *d)
{
    const struct pb_config *c = &d->audit.config;
    bool all = d->open && c->nunits;

    for (size_t i = 0; d->open && i < c->nunits; i++) {
        const char *tool = c->units[i].tool;
        PB_AUTO(str) char *path = NULL;

        all &= tool != NULL;
        if (!tool)
            continue;
        path = strchr(tool, '/') ? pb_strdup(tool) : pb_child_which(tool, NULL);
        if (path && pb_repo_workdir(d->audit.repo) &&
            pb_fs_is_below(path, pb_repo_workdir(d->audit.repo)))
            say(d, FAIL, c->units[i].name, "install it outside and correct 'tool' of the unit",
                "'%s' is in the repository, and plumb runs nothing of it", path);
        else if (path)
            check_tool(d, c->units[i].name, path);
        else
            say(d, FAIL, c->units[i].name, "install it, or correct 'tool' of the unit",
                "'%s' is not on PATH", tool);
    }
    return all;
}

static void check_tools(struct doctor *d)
{
    static const char *const names[] = {"terraform", "tofu"};
    bool found = check_named_tools(d);

    for (size_t i = 0; i < PB_COUNT(names); i++) {
        PB_AUTO(str) char *path = pb_child_which(names[i], NULL);

        if (path)
            check_tool(d, names[i], path);
        found |= path != NULL;
    }
    if (!found)
        say(d, FAIL, "terraform", "install terraform or tofu, or name one as 'tool' of the unit",
            "neither terraform nor tofu is on PATH");
}

static void check_sandbox(struct doctor *d)
{
    struct pb_err err = PB_ERR_INIT;

    if (pb_sandbox_usable(&err) == 0)
        say(d, OK, "sandbox", NULL, "changes under review can be planned in one");
    else
        say(d, WARN, "sandbox", "plumb check refuses to plan a change until there is one", "%s",
            err.msg);
}

static void check_repository(struct doctor *d)
{
    struct pb_audit_options o = {.config = pb_args_get(d->args, PB_O_CONFIG)};
    struct pb_err err = PB_ERR_INIT;
    struct pb_branch branch = {0};

    d->open = pb_audit_open(&d->audit, &o, &err) == 0;
    if (!d->audit.repo) {
        say(d, FAIL, "repository", "start plumb inside a Git repository, or with -C DIR", "%s",
            err.msg);
        return;
    }
    say(d, OK, "repository", NULL, "%s",
        pb_repo_workdir(d->audit.repo) ? pb_repo_workdir(d->audit.repo)
                                       : pb_repo_gitdir(d->audit.repo));
    if (pb_repo_branch(&branch, d->audit.repo, NULL) == 0 && branch.remote_url)
        say(d, OK, "remote", NULL, "%s follows %s of %s", branch.name ? branch.name : "HEAD",
            branch.merge ? branch.merge : "?", branch.remote_url);
    else
        say(d, WARN, "remote", "set an upstream: git branch --set-upstream-to",
            "%s follows no branch of a remote", branch.name ? branch.name : "a detached HEAD");
    pb_branch_release(&branch);
    if (pb_repo_is_shallow(d->audit.repo))
        say(d, WARN, "history", "git fetch --unshallow",
            "the clone is shallow: explain sees little");
    if (!d->open)
        say(d, FAIL, "configuration",
            *d->audit.commit ? "mend it and commit" : "commit something: git commit", "%s",
            err.msg);
    else
        say(d, OK, "configuration", NULL, "%s",
            d->audit.config.file ? d->audit.config.file : "none: units are found in the tree");
}

static void check_units(struct doctor *d)
{
    PB_AUTO(buf) struct pb_buf names = PB_BUF_INIT;
    size_t n = 0;

    if (!d->open)
        return;
    for (size_t i = 0; i < d->audit.config.nunits; i++, n++)
        pb_buf_addf(&names, "%s%s", n ? ", " : "", d->audit.config.units[i].name);
    for (size_t i = 0; !d->audit.config.nunits && i < d->audit.found.n; i++)
        if (pb_units_is_root(&d->audit.found.v[i]))
            pb_buf_addf(&names, "%s%s", n++ ? ", " : "",
                        pb_units_name(d->audit.arena, d->audit.found.v[i].path, d->audit.repo));
    if (n)
        say(d, OK, "units", NULL, "%zu: %s", n, names.s);
    else
        say(d, WARN, "units", "name them in plumb.yaml ('plumb init' writes one)",
            "no root module in this commit");
}

static void check_dir(struct doctor *d, const char *name, char *path, const struct pb_err *err)
{
    struct stat st;

    if (!path)
        say(d, FAIL, name, "set PLUMB_CACHE_DIR and PLUMB_STATE_DIR to folders of yours", "%s",
            err->msg);
    else if (stat(path, &st) < 0 || access(path, W_OK) < 0)
        say(d, FAIL, name, "make it a folder that you can write", "%s: %s", path, strerror(errno));
    else if (st.st_mode & 077)
        say(d, WARN, name, "chmod 700 it", "%s is open to others (%03o)", path, st.st_mode & 0777);
    else
        say(d, OK, name, NULL, "%s", path);
    free(path);
}

static void check_dirs(struct doctor *d)
{
    struct pb_err err = PB_ERR_INIT;
    char *path = NULL;

    check_dir(d, "cache", pb_fs_cache_dir(&path, &err) < 0 ? NULL : path, &err);
    path = NULL;
    check_dir(d, "state", pb_fs_state_dir(&path, &err) < 0 ? NULL : path, &err);
}

static void check_data(struct doctor *d)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(str) char *packs = pb_data_path("schemas/observers");
    const struct pb_echo_set *echoes;
    const struct pb_value *local;
    struct pb_err err = PB_ERR_INIT;

    if (pb_data_echoes(&echoes, a, &err) < 0 ||
        pb_data_read(&local, a, "schemas/local-types.yaml", &err) < 0)
        say(d, FAIL, "tables", "install plumb again, or set PLUMB_DATA_DIR", "%s", err.msg);
    else
        say(d, OK, "tables", NULL, "echoes and local types");
    if (pb_fs_is_dir(packs))
        say(d, OK, "pack folder", NULL, "%s", packs);
    else
        say(d, FAIL, "pack folder", "install plumb again, or set PLUMB_DATA_DIR", "no folder %s",
            packs);
}

static enum mark mark_of(const char *severity)
{
    return strcmp(severity, "error") == 0 ? FAIL : strcmp(severity, "warning") == 0 ? WARN : OK;
}

static const char *remedy_of(const char *code)
{
    static const struct {
        const char *code, *remedy;
    } known[] = {
        {"credentials", "check environment, profile and role of this provider configuration"},
        {"clock", "set this machine's clock: signatures carry the time and are refused"},
        {"pack", "mend the pack: schemas/observers/README.md"},
        {"plugin", "run 'terraform init' in the unit's folder, and commit .terraform.lock.hcl"},
    };

    for (size_t i = 0; i < PB_COUNT(known); i++)
        if (strcmp(code, known[i].code) == 0)
            return known[i].remedy;
    return NULL;
}

static void examine(struct doctor *d, struct pb_arena *a, struct pb_observe_request *rq,
                    const char *unit)
{
    rq->pack_dirs = d->pack_dirs.len ? d->pack_dirs.s : NULL;
    for (size_t i = 0; pb_observers[i]; i++) {
        struct pb_diags diags = {0};

        if (pb_observers[i]->examine)
            pb_observers[i]->examine(&diags, a, rq);
        for (size_t k = 0; k < diags.n; k++) {
            const struct pb_diag *x = &diags.v[k];

            /* Packs are the same for every unit: said once, without one. */
            if (unit && strncmp(x->code, "pack", 4) == 0)
                continue;
            say(d, mark_of(x->severity), x->code, remedy_of(x->code), "%s%s%s%s%s",
                unit ? unit : "", unit ? ": " : "", x->address ? x->address : "",
                x->address ? ": " : "", x->message);
        }
        pb_diags_release(&diags);
    }
}

/* Out of the commit, as an audit takes them. */
static void check_packs(struct doctor *d)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_observe_request rq = {0};

    for (char *const *p = d->audit.config.packs; d->tree && p && *p; p++) {
        PB_AUTO(str) char *dir = pb_fs_join(d->tree, *p);

        if (pb_fs_is_dir(dir))
            pb_buf_addf(&d->pack_dirs, "%s%s", d->pack_dirs.len ? ":" : "", dir);
        else
            say(d, FAIL, "pack folder", "correct 'packs' in plumb.yaml, or commit the folder",
                "no folder '%s' in this commit", *p);
    }
    examine(d, a, &rq, NULL);
}

/* Only where looking does not mean taking it: somebody may be at work. */
static void check_lock(struct doctor *d, const struct pb_executor *x, struct pb_arena *a,
                       const struct pb_unit_ctx *u)
{
    struct pb_state_lock l = {0};
    struct pb_err err = PB_ERR_INIT;

    if (!x->lock_is_seen || !x->lock_is_seen(a, u))
        return;
    if (x->lock_holder(&l, a, u, &err) < 0)
        say(d, WARN, "lock", "plumb audit reads the same state", "%s: %s", u->name, err.msg);
    else if (!l.id)
        say(d, OK, "lock", NULL, "%s: nobody holds the state's lock", u->name);
    else
        say(d, WARN, "lock",
            "wait for who holds it; when that is certainly over, force-unlock it with that id",
            "%s: the state is locked by %s since %s for %s, id %s", u->name,
            l.who ? l.who : "somebody", l.created ? l.created : "an unknown time",
            l.operation ? l.operation : "what is not known", l.id);
}

/* As an audit reads it. */
static void check_recorded(struct doctor *d, const struct pb_executor *x, struct pb_arena *a,
                           const struct pb_unit_ctx *u)
{
    struct pb_recorded_set set;
    struct pb_err err = PB_ERR_INIT;

    if (x->record(&set, a, u, &err) < 0)
        say(d, FAIL, "tfstate", "plumb audit needs it: see to the backend and its credentials",
            "%s: %s", u->name, err.msg);
    else if (!set.lineage)
        say(d, OK, "tfstate", NULL, "%s: there is none yet", u->name);
    else
        say(d, OK, "tfstate", NULL, "%s: serial %lld, %zu resource%s", u->name,
            (long long)set.serial, set.n, set.n == 1 ? "" : "s");
}

static void check_unit(struct doctor *d, struct pb_unit_result *u, const char *work)
{
    const struct pb_audit *a = &d->audit;
    const struct pb_module_dir *m = pb_units_at(&a->found, u->config.path);
    PB_AUTO(str) char *cache = NULL;
    struct pb_plugin_site site;
    struct pb_observe_request rq = {0};
    struct pb_err err = PB_ERR_INIT;
    struct pb_unit_ctx ctx = {.name = u->config.name,
                              .path = u->config.path,
                              .tree = d->tree,
                              .worktree = pb_repo_workdir(a->repo),
                              .work = work,
                              .workspace = u->config.workspace,
                              .var_files = u->config.var_files,
                              .vars = u->config.vars,
                              .backend_config = u->config.backend_config,
                              .state_path = u->config.state,
                              .tool = u->config.tool,
                              .providers = u->config.providers};

    if (!m || !m->executor)
        return;
    ctx.cache_dir = pb_fs_cache_dir(&cache, NULL) == 0 ? cache : NULL;
    check_recorded(d, m->executor, u->arena, &ctx);
    check_lock(d, m->executor, u->arena, &ctx);
    if (!m->executor->preview_providers)
        return;
    if (m->executor->preview_providers(&rq.providers, &rq.nproviders, u->arena, &ctx, &err) < 0) {
        say(d, WARN, "credentials", "plumb audit finds them by planning", "%s: %s", u->config.name,
            err.msg);
        return;
    }
    if (m->executor->plugin_site &&
        m->executor->plugin_site(&site, u->arena, &ctx, NULL, NULL) == 0)
        rq.plugins = &site;
    examine(d, u->arena, &rq, u->config.name);
}

/* Provider settings as far as the text of the configuration says them: nothing is planned. */
static void check_unit_providers(struct doctor *d)
{
    struct pb_audit *a = &d->audit;
    struct pb_audit_options o = {.units = pb_args_all(d->args, PB_O_UNIT)};
    struct pb_err err = PB_ERR_INIT;
    char *work = NULL;

    if (!d->tree)
        return;
    if (pb_audit_choose(a, &o, &err) < 0 || pb_work_new(&work, &err) < 0) {
        say(d, o.units ? FAIL : WARN, "units", "plumb init", "%s", err.msg);
        return;
    }
    for (size_t i = 0; i < a->nunits; i++)
        check_unit(d, &a->units[i], work);
    pb_work_remove(work);
    free(work);
}

static void export_tree(struct doctor *d)
{
    struct pb_audit *a = &d->audit;
    struct pb_export_spec spec = {.commit = a->commit};
    struct pb_export out = {0};
    struct pb_err err = PB_ERR_INIT;

    if (!d->open)
        return;
    if (pb_work_new(&d->tree, &err) < 0) {
        say(d, FAIL, "tree", "set TMPDIR to a folder that you can write", "%s", err.msg);
        return;
    }
    spec.dir = d->tree;
    if (pb_export(&out, a->repo, &spec, &err) < 0) {
        say(d, FAIL, "tree", "plumb audit refuses the same", "%s", err.msg);
        pb_work_remove(d->tree);
        free(pb_take(&d->tree));
    }
    pb_export_release(&out);
}

static void render_json(struct pb_buf *b, const struct doctor *d)
{
    pb_buf_adds(b, "{\"format_version\":\"1.0\",\"checks\":[");
    for (size_t i = 0; i < d->n; i++) {
        const struct check *c = &d->v[i];

        pb_buf_addf(b, "%s\n{\"status\":\"%s\",\"name\":", i ? "," : "", mark_names[c->mark]);
        pb_json_add_string(b, c->name, strlen(c->name));
        pb_buf_adds(b, ",\"message\":");
        pb_json_add_string(b, c->what, strlen(c->what));
        pb_buf_adds(b, ",\"remedy\":");
        if (c->remedy)
            pb_json_add_string(b, c->remedy, strlen(c->remedy));
        else
            pb_buf_adds(b, "null");
        pb_buf_addc(b, '}');
    }
    pb_buf_adds(b, "]}\n");
}

static void render_text(struct pb_buf *b, const struct doctor *d)
{
    for (size_t i = 0; i < d->n; i++) {
        const struct check *c = &d->v[i];

        pb_buf_addf(b, "%-4s  %-13s  %s\n", mark_names[c->mark], c->name, c->what);
        if (c->remedy)
            pb_buf_addf(b, "                     -> %s\n", c->remedy);
    }
}

int pb_cmd_doctor(const struct pb_args *args)
{
    struct doctor d = {.args = args, .pack_dirs = PB_BUF_INIT};
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    bool failed = false;

    say(&d, OK, "plumb", NULL, "%s", PLUMB_VERSION);
    check_repository(&d);
    check_tools(&d);
    check_sandbox(&d);
    check_units(&d);
    check_dirs(&d);
    check_data(&d);
    export_tree(&d);
    check_packs(&d);
    check_unit_providers(&d);
    if (pb_streq(pb_args_get(args, PB_O_FORMAT), "json"))
        render_json(&b, &d);
    else
        render_text(&b, &d);
    pb_cmd_print(&b);
    for (size_t i = 0; i < d.n; i++) {
        failed |= d.v[i].mark == FAIL;
        free(d.v[i].name);
        free(d.v[i].what);
        free(d.v[i].remedy);
    }
    free(d.v);
    pb_buf_release(&d.pack_dirs);
    pb_work_remove(d.tree);
    free(d.tree);
    pb_audit_release(&d.audit);
    return failed ? PB_EXIT_ERROR : PB_EXIT_PLUMB;
}
