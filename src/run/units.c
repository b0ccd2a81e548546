#include "run/units.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "git/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 4 << 20 };

struct finder {
    struct pb_arena *arena;
    struct pb_repo *repo;
    const char *commit;
    struct pb_module_dir *v;
    size_t n, cap;
};

/* "a/b" and "../c" make "a/c"; NULL when it leaves the repository. */
static const char *resolve(struct pb_arena *a, const char *dir, const char *rel)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    pb_buf_adds(&b, dir);
    while (*rel) {
        size_t n = strcspn(rel, "/");

        if (n == 2 && memcmp(rel, "..", 2) == 0) {
            char *slash = strrchr(b.s, '/');

            if (!b.len)
                return NULL;
            pb_buf_truncate(&b, slash ? (size_t)(slash - b.s) : 0);
        } else if (n && !(n == 1 && *rel == '.')) {
            pb_buf_addf(&b, "%s%.*s", b.len ? "/" : "", (int)n, rel);
        }
        rel += n + (rel[n] == '/');
    }
    return pb_arena_strndup(a, b.s, b.len);
}

static int scan_file(struct pb_module_text *out, struct finder *f, const struct pb_executor *x,
                     const char *dir, const char *name, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    PB_AUTO(str) char *path = *dir ? pb_asprintf("%s/%s", dir, name) : pb_strdup(name);
    struct pb_err why = PB_ERR_INIT;

    if (!x->scan(out, name, NULL, 0))
        return 0;
    if (pb_tree_read(&text, f->repo, f->commit, path, FILE_MAX, &why) < 0) {
        if (why.sys == ENOENT)
            return 0; /* a link to nothing: the tool passes it over or says so */
        *err = why;
        return -1;
    }
    x->scan(out, name, text.s, text.len);
    return 0;
}

static const struct pb_executor *executor_of(const struct pb_tree_entry *e, size_t n)
{
    const char **files = pb_calloc(n + 1, sizeof(*files));
    const struct pb_executor *found = NULL;
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        if (e[i].kind != PB_TREE_DIR && e[i].kind != PB_TREE_SUBMODULE)
            files[count++] = e[i].name;
    for (size_t i = 0; pb_executors[i] && !found; i++)
        if (pb_executors[i]->is_unit_dir(files, count))
            found = pb_executors[i];
    free(files);
    return found;
}

static void take_locals(struct pb_module_dir *d, struct pb_arena *a,
                        const struct pb_module_text *says)
{
    const char **v = pb_arena_zalloc(a, (says->locals.n + 1) * sizeof(*v));
    size_t n = 0;

    for (size_t i = 0; i < says->locals.n; i++) {
        v[n] = resolve(a, d->path, says->locals.v[i]);
        if (v[n])
            n++;
    }
    d->locals = v;
}

static int on_dir(void *ctx, const char *dir, const struct pb_tree_entry *e, size_t n,
                  struct pb_err *err)
{
    struct finder *f = ctx;
    struct pb_module_text says = {0};
    struct pb_module_dir d = {.executor = executor_of(e, n)};
    const char *base = strrchr(dir, '/');
    int rc = -1;

    /* What tools leave behind is not the repository's, even when somebody committed it. */
    if (strcmp(base ? base + 1 : dir, ".terraform") == 0)
        return 1;
    if (!d.executor)
        return 0;
    d.path = pb_arena_strdup(f->arena, dir);
    for (size_t i = 0; i < n; i++) {
        if (e[i].kind != PB_TREE_DIR && e[i].kind != PB_TREE_SUBMODULE &&
            scan_file(&says, f, d.executor, dir, e[i].name, err) < 0)
            goto out;
    }
    d.candidate = says.candidate;
    d.climbs = says.climbs;
    take_locals(&d, f->arena, &says);
    f->v = pb_grow(f->v, &f->cap, f->n + 1, sizeof(*f->v));
    f->v[f->n++] = d;
    rc = 0;
out:
    pb_strv_release(&says.locals);
    return rc;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct pb_module_dir *)a)->path, ((const struct pb_module_dir *)b)->path);
}

const struct pb_module_dir *pb_units_at(const struct pb_units *u, const char *path)
{
    struct pb_module_dir key = {.path = path};

    return u->n ? bsearch(&key, u->v, u->n, sizeof(*u->v), by_path) : NULL;
}

int pb_units_find(struct pb_units *out, struct pb_arena *a, struct pb_repo *repo,
                  const char *commit, struct pb_err *err)
{
    struct finder f = {.arena = a, .repo = repo, .commit = commit};
    struct pb_module_dir *v;
    int rc = pb_tree_walk(repo, commit, "", on_dir, &f, err);

    *out = (struct pb_units){0};
    if (rc == 0 && f.n) {
        v = pb_arena_alloc(a, f.n * sizeof(*v));
        memcpy(v, f.v, f.n * sizeof(*v));
        qsort(v, f.n, sizeof(*v), by_path);
        *out = (struct pb_units){v, f.n};
        for (size_t i = 0; i < f.n; i++) {
            for (const char *const *l = v[i].locals; *l; l++) {
                struct pb_module_dir key = {.path = *l};
                struct pb_module_dir *m = bsearch(&key, v, f.n, sizeof(*v), by_path);

                if (m && m != &v[i])
                    m->called = true;
            }
        }
    }
    free(f.v);
    return rc;
}

bool pb_units_is_root(const struct pb_module_dir *d)
{
    return d->candidate && !d->called;
}

void pb_units_stay(struct pb_units *now, const struct pb_units *before)
{
    for (size_t i = 0; i < before->n; i++) {
        const struct pb_module_dir *d =
            pb_units_is_root(&before->v[i]) ? pb_units_at(now, before->v[i].path) : NULL;

        if (d)
            ((struct pb_module_dir *)(uintptr_t)d)->called = false;
    }
}

bool pb_units_is_left_out(const struct pb_module_dir *d)
{
    return !d->candidate && !d->called;
}

const char *pb_units_name(struct pb_arena *a, const char *path, const struct pb_repo *repo)
{
    const char *dir = pb_repo_workdir(repo), *slash;

    if (*path)
        return path;
    if (!dir)
        return "top";
    slash = strrchr(dir, '/');
    return slash && slash[1] ? pb_arena_strdup(a, slash + 1) : "top";
}

static void reach(struct pb_strv *out, const struct pb_units *u, const char *path)
{
    const struct pb_module_dir *d = pb_units_at(u, path);

    if (pb_strv_has(out, path))
        return;
    pb_strv_add(out, path);
    if (!d)
        return;
    if (d->climbs)
        pb_strv_add(out, "");
    for (const char *const *l = d->locals; *l; l++) {
        reach(out, u, *l);
        if (!pb_units_at(u, *l)) /* behind a link, or where nothing was looked for */
            pb_strv_add(out, "");
    }
}

/* A variable may be a path that the configuration hands to file(). */
static bool var_file_climbs(struct pb_repo *repo, const char *commit, const char *path)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

    return pb_tree_read(&text, repo, commit, path, FILE_MAX, NULL) == 0 &&
           memmem(text.s, text.len, "..", 2) != NULL;
}

void pb_units_reach(struct pb_strv *out, const struct pb_units *u, struct pb_repo *repo,
                    const char *commit, const struct pb_config_unit *unit)
{
    bool climbs = false;

    reach(out, u, unit->path);
    for (char *const *f = unit->var_files; f && *f; f++) {
        if (!pb_strv_has(out, *f))
            pb_strv_add(out, *f);
        climbs |= var_file_climbs(repo, commit, *f);
    }
    for (char *const *v = unit->vars; v && *v; v++)
        climbs |= strstr(*v, "..") != NULL;
    if (climbs && !pb_strv_has(out, ""))
        pb_strv_add(out, "");
}
