#include "git/repo.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "git/internal.h"

#define AUTO_GIT(kind, type, free_it)                        \
    void pb_auto_git##kind(type **p)                         \
    {                                                        \
        if (*p) /* also where libgit2 could not be loaded */ \
            free_it(*p);                                     \
    }

AUTO_GIT(repo, git_repository, git_repository_free)
AUTO_GIT(commit, git_commit, git_commit_free)
AUTO_GIT(tree, git_tree, git_tree_free)
AUTO_GIT(entry, git_tree_entry, git_tree_entry_free)
AUTO_GIT(blob, git_blob, git_blob_free)
AUTO_GIT(object, git_object, git_object_free)
AUTO_GIT(ref, git_reference, git_reference_free)

int pb_git_fail(struct pb_err *err, int code, const char *fmt, ...)
{
    const git_error *last = git_error_last();
    PB_AUTO(str) char *why = pb_strdup(last && last->message ? last->message : "unknown error");
    char context[PB_ERR_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(context, sizeof(context), fmt, ap);
    va_end(ap);
    pb_fail(err, PB_E_GIT, "%s: %s (%d)", context, why, code);
    return -1;
}

/* ---- opening ---------------------------------------------------------------------------- */

/* libgit2 1.5 says "not found" for another user's repository when no configuration has a
 * safe.directory; looking for it, without opening, tells the two apart. */
static bool is_there(const char *dir)
{
    git_buf b = GIT_BUF_INIT;
    bool yes = git_repository_discover(&b, dir, 0, NULL) == 0;

    git_buf_dispose(&b);
    return yes;
}

static int fail_open(struct pb_err *err, int code, const char *dir)
{
    if (code == GIT_ENOTFOUND && is_there(dir))
        code = GIT_EOWNER;
    switch (code) {
    case GIT_ENOTFOUND:
        return pb_fail(err, PB_E_GIT,
                       "'%s' is in no git repository: run plumb inside a clone, or name one "
                       "with -C",
                       dir);
    case GIT_EOWNER:
        return pb_fail(err, PB_E_GIT,
                       "the repository at '%s' belongs to another user: if you trust it, run: "
                       "git config --global --add safe.directory <its top folder>",
                       dir);
    default: return pb_git_fail(err, code, "cannot open the repository at '%s'", dir);
    }
}

static char *without_slash(const char *path)
{
    size_t n = path ? strlen(path) : 0;

    while (n > 1 && path[n - 1] == '/')
        n--;
    return path ? pb_strndup(path, n) : NULL;
}

/* libgit2 built with mbedTLS parses all CA certificates of the machine when it starts, 8 ms and a
 * third of what a short audit computes, and plumb never speaks TLS through it. The program's
 * symbol goes before the library's; a libgit2 with another TLS library never calls it. */
#define NO_CERTIFICATES (-0x3E00) /* MBEDTLS_ERR_PK_FILE_IO_ERROR: as if there were no such file */
int mbedtls_x509_crt_parse_file(void *chain, const char *path);
int mbedtls_x509_crt_parse_file(void *chain, const char *path)
{
    (void)chain;
    (void)path;
    return NO_CERTIFICATES;
}

void pb_repo_early(void)
{
    pb_git2_load(NULL);
}

int pb_repo_open(struct pb_repo **out, const char *dir, unsigned flags, struct pb_err *err)
{
    PB_AUTO(gitrepo) git_repository *git = NULL;
    PB_AUTO(str) char *real = realpath(dir, NULL);
    struct pb_repo *repo;
    int code;

    if (!real)
        return pb_fail_errno(err, PB_E_GIT, "cannot find folder '%s'", dir);
    if (pb_git2_load(err))
        return -1;
    if (git_libgit2_init() < 0)
        return pb_git_fail(err, -1, "cannot start libgit2");
    code = git_repository_open_ext(
        &git, real, flags & PB_REPO_FROM_ENV ? GIT_REPOSITORY_OPEN_FROM_ENV : 0, NULL);
    if (code < 0) {
        fail_open(err, code, real);
        git_libgit2_shutdown();
        return -1;
    }
    repo = pb_calloc(1, sizeof(*repo));
    repo->workdir = without_slash(git_repository_workdir(git));
    repo->git = pb_take(&git);
    *out = repo;
    return 0;
}

void pb_repo_free(struct pb_repo *repo)
{
    if (!repo)
        return;
    git_repository_free(repo->git);
    free(repo->workdir);
    free(repo);
    git_libgit2_shutdown();
}

void pb_auto_repo(struct pb_repo **repo)
{
    pb_repo_free(*repo);
}

const char *pb_repo_workdir(const struct pb_repo *repo)
{
    return repo->workdir;
}

const char *pb_repo_gitdir(const struct pb_repo *repo)
{
    return git_repository_path(repo->git);
}

bool pb_repo_is_shallow(const struct pb_repo *repo)
{
    return git_repository_is_shallow(repo->git) == 1;
}

int pb_repo_path(char **out, const struct pb_repo *repo, const char *path, struct pb_err *err)
{
    PB_AUTO(str) char *real = realpath(path, NULL);
    PB_AUTO(str) char *top = NULL;
    size_t n;

    if (!repo->workdir)
        return pb_fail(err, PB_E_GIT, "'%s' is no path of a bare repository", path);
    if (!real)
        return pb_fail_errno(err, PB_E_IO, "cannot find '%s'", path);
    top = realpath(repo->workdir, NULL);
    if (!top)
        return pb_fail_errno(err, PB_E_IO, "cannot find '%s'", repo->workdir);
    n = strcmp(top, "/") == 0 ? 0 : strlen(top);
    if (strncmp(real, top, n) != 0 || (real[n] != '/' && real[n] != '\0'))
        return pb_fail(err, PB_E_GIT, "'%s' is not inside the repository '%s'", path, top);
    *out = pb_strdup(real[n] ? real + n + 1 : "");
    return 0;
}

/* ---- commits ---------------------------------------------------------------------------- */

int pb_repo_resolve(char id[PB_OID_HEX], struct pb_repo *repo, const char *rev, struct pb_err *err)
{
    PB_AUTO(gitobject) git_object *found = NULL;
    PB_AUTO(gitobject) git_object *commit = NULL;
    int code = git_revparse_single(&found, repo->git, rev);

    if (code == GIT_ENOTFOUND && git_repository_head_unborn(repo->git) == 1)
        return pb_fail(err, PB_E_GIT,
                       "the repository has no commit for '%s' yet: plumb reads what is committed",
                       rev);
    if (code == GIT_ENOTFOUND || code == GIT_EINVALIDSPEC)
        return pb_fail(err, PB_E_GIT,
                       "revision '%s' is not in this repository: name a branch, tag or commit%s",
                       rev,
                       pb_repo_is_shallow(repo) ? " (a shallow clone: git fetch --unshallow)"
                                                : ", or fetch it first");
    if (code == GIT_EAMBIGUOUS)
        return pb_fail(err, PB_E_GIT, "revision '%s' is ambiguous: give more of the id", rev);
    if (code < 0)
        return pb_git_fail(err, code, "cannot resolve revision '%s'", rev);
    code = git_object_peel(&commit, found, GIT_OBJECT_COMMIT);
    if (code < 0)
        return pb_fail(err, PB_E_GIT, "revision '%s' is not a commit", rev);
    git_oid_tostr(id, PB_OID_HEX, git_object_id(commit));
    return 0;
}

int pb_git_commit(git_commit **out, struct pb_repo *repo, const char *id, struct pb_err *err)
{
    git_oid oid;
    int code;

    if (strlen(id) != PB_OID_HEX - 1 || git_oid_fromstr(&oid, id) < 0)
        return pb_fail(err, PB_E_GIT, "'%s' is not the full id of a commit", id);
    code = git_commit_lookup(out, repo->git, &oid);
    if (code == GIT_ENOTFOUND)
        return pb_fail(err, PB_E_GIT, "commit %s is not in this repository: fetch it first", id);
    if (code < 0)
        return pb_git_fail(err, code, "cannot read commit %s", id);
    return 0;
}

int pb_git_root(git_tree **out, struct pb_repo *repo, const char *commit, struct pb_err *err)
{
    PB_AUTO(gitcommit) git_commit *c = NULL;
    int code;

    if (pb_git_commit(&c, repo, commit, err))
        return -1;
    code = git_commit_tree(out, c);
    if (code < 0)
        return pb_git_fail(err, code, "cannot read the tree of commit %s", commit);
    return 0;
}

int pb_repo_commit(struct pb_commit *out, struct pb_repo *repo, const char *id, struct pb_err *err)
{
    PB_AUTO(gitcommit) git_commit *c = NULL;
    const git_signature *author;
    const char *summary;

    memset(out, 0, sizeof(*out));
    if (pb_git_commit(&c, repo, id, err))
        return -1;
    author = git_commit_author(c);
    summary = git_commit_summary(c);
    git_oid_tostr(out->id, PB_OID_HEX, git_commit_id(c));
    git_oid_tostr(out->tree, PB_OID_HEX, git_commit_tree_id(c));
    out->author = pb_strdup(author && author->name ? author->name : "");
    out->email = pb_strdup(author && author->email ? author->email : "");
    out->summary = pb_strdup(summary ? summary : "");
    out->time = (time_t)git_commit_time(c);
    out->parents = git_commit_parentcount(c);
    return 0;
}

void pb_commit_release(struct pb_commit *c)
{
    free(c->author);
    free(c->email);
    free(c->summary);
    memset(c, 0, sizeof(*c));
}

void pb_auto_commit(struct pb_commit *c)
{
    pb_commit_release(c);
}

/* ---- the work tree ---------------------------------------------------------------------- */

static const char *path_of(const git_status_entry *e)
{
    const git_diff_delta *d = e->head_to_index ? e->head_to_index : e->index_to_workdir;

    return !d ? NULL : d->new_file.path ? d->new_file.path : d->old_file.path;
}

int pb_repo_dirty(char **first, struct pb_repo *repo, const char *path,
                  bool (*left)(const char *path), struct pb_err *err)
{
    git_status_options o;
    git_status_list *list = NULL;
    PB_AUTO(str) char *only = pb_strdup(path);
    char *specs[] = {only};
    int code;

    *first = NULL;
    if (!repo->workdir)
        return 0;
    git_status_options_init(&o, GIT_STATUS_OPTIONS_VERSION);
    o.show = GIT_STATUS_SHOW_INDEX_AND_WORKDIR;
    o.flags = GIT_STATUS_OPT_INCLUDE_UNTRACKED | GIT_STATUS_OPT_EXCLUDE_SUBMODULES |
              GIT_STATUS_OPT_DISABLE_PATHSPEC_MATCH;
    if (*path)
        o.pathspec = (git_strarray){specs, 1};
    code = git_status_list_new(&list, repo->git, &o);
    if (code < 0)
        return pb_git_fail(err, code, "cannot compare the work tree with its commit");
    for (size_t i = 0; !*first && i < git_status_list_entrycount(list); i++) {
        const git_status_entry *e = git_status_byindex(list, i);
        const char *p = path_of(e);

        if (!(left && p && e->status == GIT_STATUS_WT_NEW && left(p)))
            *first = pb_strdup(p ? p : path);
    }
    git_status_list_free(list);
    return 0;
}

/* scheme://user:password@host/... without what stands before the '@'. */
static char *without_login(const char *url)
{
    const char *start = strstr(url, "://");
    const char *end, *at = NULL;

    if (!start)
        return pb_strdup(url);
    start += 3;
    end = start + strcspn(start, "/?#");
    for (const char *p = start; p < end; p++)
        if (*p == '@')
            at = p;
    if (!at)
        return pb_strdup(url);
    return pb_asprintf("%.*s%s", (int)(start - url), url, at + 1);
}

static char *setting(git_config *config, const char *key)
{
    git_buf b = GIT_BUF_INIT;
    char *s = NULL;

    if (git_config_get_string_buf(&b, config, key) == 0 && *b.ptr)
        s = pb_strdup(b.ptr);
    git_buf_dispose(&b);
    return s;
}

static char *setting_of(git_config *config, const char *kind, const char *of, const char *what)
{
    PB_AUTO(str) char *key = pb_asprintf("%s.%s.%s", kind, of, what);

    return setting(config, key);
}

/* "url.<base>.insteadof = <start>" in the configuration: the longest start decides. */
static char *instead_of(git_config *config, const char *url)
{
    static const char head[] = "url.", tail[] = ".insteadof";
    git_config_iterator *it = NULL;
    git_config_entry *e;
    char *out = NULL;
    size_t longest = 0;

    if (git_config_iterator_new(&it, config) < 0)
        return pb_strdup(url);
    while (git_config_next(&e, it) == 0) {
        size_t n = strlen(e->name), start = e->value ? strlen(e->value) : 0;

        if (n < sizeof(head) + sizeof(tail) - 2 || start <= longest ||
            !pb_starts_with(e->name, head) || !pb_ends_with(e->name, tail) ||
            !pb_starts_with(url, e->value))
            continue;
        longest = start;
        free(out);
        out = pb_asprintf("%.*s%s", (int)(n - (sizeof(head) + sizeof(tail) - 2)),
                          e->name + sizeof(head) - 1, url + start);
    }
    git_config_iterator_free(it);
    return out ? out : pb_strdup(url);
}

/* By hand: git_remote_lookup() loses 20 KB for each entry of the configuration (it searches it
 * with an expression and frees nothing where that does not match; libgit2 1.5). */
static void read_remote(struct pb_branch *out, git_config *config)
{
    PB_AUTO(str) char *raw = NULL, *url = NULL;

    if (!out->remote)
        out->remote = pb_strdup("origin");
    raw = setting_of(config, "remote", out->remote, "url");
    if (raw) {
        url = instead_of(config, raw);
        out->remote_url = without_login(url);
    } else {
        free(pb_take(&out->remote));
    }
}

int pb_repo_branch(struct pb_branch *out, struct pb_repo *repo, struct pb_err *err)
{
    PB_AUTO(gitref) git_reference *head = NULL;
    git_config *config = NULL;
    const char *target;
    int code;

    memset(out, 0, sizeof(*out));
    code = git_reference_lookup(&head, repo->git, "HEAD");
    if (code < 0)
        return pb_git_fail(err, code, "cannot read HEAD");
    target = git_reference_symbolic_target(head);
    code = git_repository_config_snapshot(&config, repo->git);
    if (code < 0)
        return pb_git_fail(err, code, "cannot read the repository's configuration");
    if (target && pb_starts_with(target, "refs/heads/")) {
        out->name = pb_strdup(target + strlen("refs/heads/"));
        out->remote = setting_of(config, "branch", out->name, "remote");
        out->merge = setting_of(config, "branch", out->name, "merge");
        if (out->merge && pb_starts_with(out->merge, "refs/heads/"))
            memmove(out->merge, out->merge + 11, strlen(out->merge + 11) + 1);
    }
    read_remote(out, config);
    git_config_free(config);
    return 0;
}

void pb_branch_release(struct pb_branch *b)
{
    free(b->name);
    free(b->remote);
    free(b->merge);
    free(b->remote_url);
    memset(b, 0, sizeof(*b));
}

/* Whose home a path is in is a part of it, and no secret. */
static char *with_user(const char *url)
{
    const char *host = strstr(url, "://"), *at, *colon, *path;

    if (!host || !pb_starts_with(url, "ssh://"))
        return without_login(url);
    host += 3;
    path = host + strcspn(host, "/");
    at = memchr(host, '@', (size_t)(path - host));
    colon = at ? memchr(host, ':', (size_t)(at - host)) : NULL;
    if (!at || path[0] != '/' || path[1] != '~')
        return without_login(url);
    return pb_asprintf("%.*s%s", (int)((colon ? colon : at) - url), url, at);
}

char *pb_repo_home_url(struct pb_repo *repo)
{
    struct pb_branch branch = {0};
    git_config *config = NULL;
    PB_AUTO(str) char *raw = NULL, *full = NULL;
    const char *from = pb_repo_workdir(repo) ? pb_repo_workdir(repo) : pb_repo_gitdir(repo);
    char *url;

    if (git_repository_config_snapshot(&config, repo->git) < 0)
        return NULL;
    raw = setting(config, "remote.origin.url");
    if (!raw && pb_repo_branch(&branch, repo, NULL) == 0 && branch.remote)
        raw = setting_of(config, "remote", branch.remote, "url");
    pb_branch_release(&branch);
    full = raw ? instead_of(config, raw) : NULL;
    git_config_free(config);
    if (!full)
        return NULL;
    url = pb_repo_local_url(full, from);
    return url ? url : with_user(full);
}

char *pb_repo_folder(const struct pb_repo *repo)
{
    return without_slash(pb_repo_gitdir(repo));
}

void pb_repo_identity(char **name, char **email, struct pb_repo *repo)
{
    git_config *config = NULL;

    *name = *email = NULL;
    if (git_repository_config_snapshot(&config, repo->git) < 0)
        return;
    *name = setting(config, "user.name");
    *email = setting(config, "user.email");
    git_config_free(config);
}
