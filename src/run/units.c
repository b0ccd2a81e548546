#include "run/units.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "git/tree.h"
#include "run/scan.h"

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

static int scan_file(struct pb_scan *scan, struct finder *f, const char *dir, const char *name,
                     struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    PB_AUTO(str) char *path = *dir ? pb_asprintf("%s/%s", dir, name) : pb_strdup(name);

    if (pb_tree_read(&text, f->repo, f->commit, path, FILE_MAX, err) < 0)
        return -1;
    if (pb_ends_with(name, ".json"))
        pb_scan_json(scan, text.s, text.len);
    else
        pb_scan_hcl(scan, text.s, text.len);
    return 0;
}

static bool is_config(const char *name)
{
    return pb_ends_with(name, ".tf") || pb_ends_with(name, ".tf.json") ||
           pb_ends_with(name, ".tofu") || pb_ends_with(name, ".tofu.json");
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

static void take_locals(struct pb_module_dir *d, struct pb_arena *a, const struct pb_scan *scan)
{
    const char **v = pb_arena_zalloc(a, (scan->locals.n + 1) * sizeof(*v));
    size_t n = 0;

    for (size_t i = 0; i < scan->locals.n; i++) {
        v[n] = resolve(a, d->path, scan->locals.v[i]);
        if (v[n])
            n++;
    }
    d->locals = v;
}

static int on_dir(void *ctx, const char *dir, const struct pb_tree_entry *e, size_t n,
                  struct pb_err *err)
{
    struct finder *f = ctx;
    struct pb_scan scan = {0};
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
        if (strcmp(e[i].name, ".terraform.lock.hcl") == 0)
            d.candidate = true;
        if (is_config(e[i].name) && e[i].kind != PB_TREE_DIR && e[i].kind != PB_TREE_SUBMODULE &&
            scan_file(&scan, f, dir, e[i].name, err) < 0)
            goto out;
    }
    d.candidate |= scan.backend || scan.provider;
    d.climbs = scan.climbs;
    take_locals(&d, f->arena, &scan);
    f->v = pb_grow(f->v, &f->cap, f->n + 1, sizeof(*f->v));
    f->v[f->n++] = d;
    rc = 0;
out:
    pb_scan_release(&scan);
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
    for (const char *const *l = d->locals; *l; l++)
        reach(out, u, *l);
}

void pb_units_reach(struct pb_strv *out, const struct pb_units *u, const char *path,
                    char *const *var_files)
{
    reach(out, u, path);
    for (; var_files && *var_files; var_files++)
        if (!pb_strv_has(out, *var_files))
            pb_strv_add(out, *var_files);
}
