#include "backends/terraform/confine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/terraform/hcl.h"
#include "backends/terraform/site.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"

enum { CHUNK = 1 << 16, DEPTH_MAX = 200, HOSTS_NAMED = 3 };

/* ---- the tree -------------------------------------------------------------------------------- */

static int copy_file(int from, int to, const char *name, const struct stat *st)
{
    PB_AUTO(fd) int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    PB_AUTO(fd)
    int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                     (st->st_mode & 0777) | 0600);
    PB_AUTO(free) char *chunk = pb_malloc(CHUNK);
    ssize_t n;

    if (in < 0 || out < 0)
        return -1;
    while ((n = read(in, chunk, CHUNK)) > 0)
        if (pb_fs_write_all(out, chunk, (size_t)n, -1))
            return -1;
    return n < 0 ? -1 : 0;
}

static int copy_link(int from, int to, const char *name)
{
    char target[4096];
    ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

    if (n < 0)
        return -1;
    target[n] = '\0';
    return symlinkat(target, to, name);
}

/* Closes both. What another unit's run writes into the same export meanwhile may come and go. */
static int copy_folder(int from, int to, int depth)
{
    DIR *d = from >= 0 && to >= 0 && depth < DEPTH_MAX ? fdopendir(from) : NULL;
    struct dirent *e;
    struct stat st;
    int rc = d ? 0 : -1;

    while (rc == 0 && (e = readdir(d))) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        rc = fstatat(from, e->d_name, &st, AT_SYMLINK_NOFOLLOW);
        if (rc == 0 && S_ISREG(st.st_mode))
            rc = copy_file(from, to, e->d_name, &st);
        else if (rc == 0 && S_ISLNK(st.st_mode))
            rc = copy_link(from, to, e->d_name);
        else if (rc == 0 && S_ISDIR(st.st_mode))
            rc = mkdirat(to, e->d_name, 0700)
                     ? -1
                     : copy_folder(openat(from, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                                   openat(to, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                                   depth + 1);
        if (rc && errno == ENOENT)
            rc = 0;
    }
    if (d)
        closedir(d);
    else if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    return rc;
}

int pb_tf_confine_unit(struct pb_unit_ctx *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                       struct pb_err *err)
{
    const char *copy = pb_arena_printf(a, "%s/tree", u->work);

    *out = *u;
    if (u->save)
        return pb_fail(err, PB_E_REFUSED,
                       "'%s' is not trusted: no plan of it is kept to be applied", u->name);
    if (!u->tree)
        return pb_fail(err, PB_E_INTERNAL, "'%s' is to be planned without its files", u->name);
    if (pb_fs_remove_tree(copy, err) || pb_fs_mkdirs(copy, 0700, err))
        return -1;
    if (copy_folder(open(u->tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                    open(copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0))
        return pb_fail_errno(err, PB_E_IO, "cannot copy the files of '%s' for its sandbox",
                             u->name);
    out->tree = copy;
    return 0;
}

/* ---- the environment ------------------------------------------------------------------------- */

/* Of the one who runs plumb, or the name of a file that is not there. */
static const char *const never[] = {
    "HOME=",
    "PATH=",
    "USER=",
    "LOGNAME=",
    "TMPDIR=",
    "XDG_",
    "SSH_",
    "GIT_SSH",
    "GIT_ASKPASS=",
    "GIT_CONFIG_",
    "NETRC=",
    "HTTP_PROXY=",
    "HTTPS_PROXY=",
    "NO_PROXY=",
    "ALL_PROXY=",
    "http_proxy=",
    "https_proxy=",
    "no_proxy=",
    "all_proxy=",
    "TF_PLUGIN_CACHE_",
    "TF_CLI_CONFIG_FILE=",
    "KUBECONFIG=",
    "KUBE_CONFIG_PATH",
    "AWS_CONTAINER_",
    "AWS_PROFILE=",
    "AWS_DEFAULT_PROFILE=",
    "AWS_CONFIG_FILE=",
    "AWS_SHARED_CREDENTIALS_FILE=",
    "AWS_WEB_IDENTITY_TOKEN_FILE=",
    "AWS_ROLE_ARN=",
    "ARM_OIDC_REQUEST_",
    "ARM_OIDC_TOKEN_FILE",
    "GOOGLE_APPLICATION_CREDENTIALS=",
    "CLOUDSDK_CONFIG=",
};

/* The CI system's own: for those who manage just that with it. */
static const char *const ci[] = {"GITHUB_", "GITLAB_", "AZDO_"};

/* Certificates of authorities: public, and without them nothing is reached. */
static const char *const authorities[] = {"SSL_CERT_FILE=", "SSL_CERT_DIR=", "AWS_CA_BUNDLE="};

static bool names_secret(const char *entry)
{
    static const char *const words[] = {"TOKEN",      "SECRET",  "PASSW", "PASSPHRASE", "KEY",
                                        "CREDENTIAL", "PRIVATE", "AUTH",  "ENCRYPTION"};
    PB_AUTO(str) char *name = pb_strndup(entry, strcspn(entry, "="));

    for (size_t i = 0; i < PB_COUNT(words); i++)
        if (strcasestr(name, words[i]))
            return true;
    return false;
}

static bool starts_one_of(const char *entry, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (pb_starts_with(entry, list[i]))
            return true;
    return false;
}

static bool is_withheld(const char *entry, const struct pb_sandbox *s,
                        const struct pb_strv *recorded)
{
    bool reaches = s->network && *s->network;

    if (starts_one_of(entry, never, PB_COUNT(never)))
        return true;
    for (size_t i = 0; i < PB_COUNT(ci); i++)
        if (pb_starts_with(entry, ci[i]) && !(recorded && pb_strv_has(recorded, ci[i])))
            return true;
    /* A variable of the configuration is wanted whatever it is; OpenTofu cannot read without its
     * own. Others are of use in an answer from somewhere only. */
    return !reaches && names_secret(entry) && !pb_starts_with(entry, "TF_VAR_") &&
           !pb_starts_with(entry, "TF_ENCRYPTION=");
}

void pb_tf_confine_env(struct pb_strv *env, struct pb_strv *secrets, const struct pb_sandbox *s,
                       const struct pb_strv *recorded)
{
    size_t kept = 0;

    for (size_t i = 0; i < env->n; i++) {
        char *e = env->v[i], *eq = strchr(e, '=');

        if (is_withheld(e, s, recorded)) {
            free(e);
            continue;
        }
        if (eq && names_secret(e))
            pb_strv_add(secrets, eq + 1);
        env->v[kept++] = e;
    }
    env->n = kept;
    if (env->v)
        env->v[kept] = NULL;
    pb_strv_setenv(env, "HOME", pb_sandbox_home);
    pb_strv_setenv(env, "PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    pb_strv_setenv(env, "TMPDIR", "/tmp");
}

/* ---- the CLI configuration ------------------------------------------------------------------- */

static bool from_home(struct pb_buf *out, const char *text)
{
    const char *home = getenv("HOME");

    for (const char *at; (at = strstr(text, "\"~/")); text = at + 3) {
        if (!home || !*home)
            return false;
        pb_buf_add(out, text, (size_t)(at - text));
        pb_buf_addf(out, "\"%s/", home);
    }
    pb_buf_adds(out, text);
    return true;
}

/* "app.example.com" -> TF_TOKEN_app_example_com, as the tool spells it. */
static void add_token(struct pb_tf_run *r, const char *host, const char *token)
{
    PB_AUTO(buf) struct pb_buf name = PB_BUF_INIT;

    pb_buf_adds(&name, "TF_TOKEN_");
    for (; *host; host++)
        if (*host == '-')
            pb_buf_adds(&name, "__");
        else
            pb_buf_addc(&name, *host == '.' ? '_' : *host);
    pb_strv_add(&r->secrets, token);
    pb_strv_setenv(&r->env, name.s, token);
}

/* Ways to install, and where a host has its services: that is all that planning needs of it. */
static int repeat(struct pb_buf *out, struct pb_tf_run *r, const struct pb_hcl_body *body,
                  const char *file, struct pb_err *err)
{
    const struct pb_sandbox *s = r->u->sandbox;

    for (size_t i = 0; i < body->nblocks; i++) {
        const struct pb_hcl_block *b = &body->blocks[i];
        const char *token = strcmp(b->type, "credentials") == 0
                                ? pb_hcl_str(pb_hcl_attr_of(b->body, "token"))
                                : NULL;

        if (token && s->network && *s->network)
            add_token(r, pb_hcl_label(b, 0), token);
        if (strcmp(b->type, "provider_installation") != 0 && strcmp(b->type, "host") != 0)
            continue;
        if (!b->text || !from_home(out, b->text))
            return pb_fail(err, PB_E_CONFIG,
                           "the block '%s' of '%s' cannot be repeated for a sandbox", b->type,
                           file);
        pb_buf_addc(out, '\n');
    }
    return 0;
}

static int write_config(struct pb_tf_run *r, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT, out = PB_BUF_INIT;
    PB_AUTO(str) char *file = pb_tf_site_config(&text, r->tool.tofu);
    const char *path = pb_tf_run_file(r, "sandbox", "tfrc");
    const struct pb_hcl_body *body;
    int rc = 0;

    if (file)
        rc = pb_hcl_parse(&body, r->arena, text.s, text.len, file, err) ||
                     repeat(&out, r, body, file, err)
                 ? -1
                 : 0;
    pb_buf_wipe(&text);
    if (rc || pb_fs_write_atomic(path, out.s ? out.s : "", out.len, 0600, err))
        return -1;
    pb_strv_setenv(&r->env, "TF_CLI_CONFIG_FILE", path);
    return 0;
}

const char *pb_tf_confine_note(struct pb_arena *a, const struct pb_sandbox *s)
{
    PB_AUTO(buf) struct pb_buf hosts = PB_BUF_INIT;
    size_t n = 0;

    for (char *const *p = s->network; p && *p && n < HOSTS_NAMED; p++)
        pb_buf_addf(&hosts, "%s%s", n++ ? ", " : "", *p);
    if (!n)
        return " (it ran in a sandbox: no credentials, no network and no files of this machine, "
               "since 'check.network' in plumb.yaml of the base lists no host)";
    return pb_arena_printf(a,
                           " (it ran in a sandbox: credentials of the environment alone, no files "
                           "of this machine, and no network but 'check.network' in plumb.yaml of "
                           "the base: %s%s)",
                           hosts.s, s->network[n] ? " and others" : "");
}

int pb_tf_confine_run(struct pb_tf_run *r, const struct pb_strv *recorded, struct pb_err *err)
{
    pb_tf_confine_env(&r->env, &r->secrets, r->u->sandbox, recorded);
    return write_config(r, err);
}

/* ---- packages -------------------------------------------------------------------------------- */

static void add_roots(struct pb_strv *out, const struct pb_tf_run *r)
{
    const char *home = getenv("HOME");
    PB_AUTO(strv) struct pb_strv all = PB_STRV_INIT;

    pb_tf_site_roots(&all, r->u, r->tool.tofu);
    for (size_t i = 0; i < all.n; i++) {
        /* One that holds everything would show everything. */
        if (all.v[i][0] != '/' || !pb_fs_is_dir(all.v[i]) ||
            (home && *home && pb_fs_is_below(home, all.v[i])))
            continue;
        pb_strv_add(out, all.v[i]);
    }
}

bool pb_tf_confine_packages(struct pb_strv *dirs, const struct pb_tf_run *r,
                            const struct pb_hcl_body *lock)
{
    PB_AUTO(strv) struct pb_strv roots = PB_STRV_INIT;
    const struct pb_hcl_block *b;

    add_roots(&roots, r);
    for (size_t i = 0; (b = pb_hcl_block_of(lock, "provider", i)); i++) {
        const char *version = pb_hcl_str(pb_hcl_attr_of(b->body, "version"));
        bool found = false;

        for (size_t k = 0; !found && k < roots.n; k++) {
            PB_AUTO(str)
            char *dir =
                pb_asprintf("%s/%s/%s", roots.v[k], pb_hcl_label(b, 0), version ? version : "?");

            found = pb_fs_is_dir(dir);
            if (found && !pb_strv_has(dirs, roots.v[k]))
                pb_strv_add(dirs, roots.v[k]);
        }
        if (!found)
            return false;
    }
    return dirs->n > 0;
}

bool pb_tf_confine_is_package(const struct pb_tf_run *r, const char *dir)
{
    PB_AUTO(strv) struct pb_strv roots = PB_STRV_INIT;

    if (pb_fs_is_below(dir, r->data_dir))
        return true;
    add_roots(&roots, r);
    for (size_t i = 0; i < roots.n; i++)
        if (pb_fs_is_below(dir, roots.v[i]))
            return true;
    return false;
}

/* ---- starting -------------------------------------------------------------------------------- */

static void add_authorities(struct pb_strv *out, const struct pb_strv *env)
{
    for (size_t i = 0; i < env->n; i++)
        if (starts_one_of(env->v[i], authorities, PB_COUNT(authorities)))
            pb_strv_add(out, strchr(env->v[i], '=') + 1);
}

int pb_tf_confine_start(struct pb_sandbox_run **out, const struct pb_tf_run *r,
                        const struct pb_child_spec *spec, struct pb_err *err)
{
    PB_AUTO(str) char *program = realpath(spec->argv[0], NULL);
    PB_AUTO(strv) struct pb_strv argv = PB_STRV_INIT, see = PB_STRV_INIT, own = PB_STRV_INIT;
    struct pb_sandbox_view view = {.subject = r->u->name};
    struct pb_child_spec mine = *spec;

    if (!program)
        return pb_fail_errno(err, PB_E_TOOL, "cannot find '%s'", spec->argv[0]);
    if (r->u->worktree && pb_fs_is_below(program, r->u->worktree))
        return pb_fail(err, PB_E_REFUSED,
                       "'%s' is in the repository, and plumb runs nothing of it: install the tool "
                       "outside",
                       program);
    pb_strv_add(&argv, program);
    for (char *const *p = spec->argv + 1; *p; p++)
        pb_strv_add(&argv, *p);
    pb_strv_add(&see, r->u->work);
    pb_strv_add(&see, program);
    add_roots(&see, r);
    add_authorities(&see, &r->env);
    for (size_t i = 0; i < r->readable.n; i++)
        pb_strv_add(&see, r->readable.v[i]);
    pb_strv_add(&own, r->data_dir);
    pb_strv_add(&own, pb_tf_run_file(r, "plan", "bin"));
    if (r->u->tree && pb_starts_with(r->u->tree, r->u->work))
        pb_strv_add(&own, r->u->tree);
    view.readable = see.v;
    view.writable = own.v;
    mine.argv = argv.v;
    return pb_sandbox_start(out, r->u->sandbox, &view, &mine, err);
}
