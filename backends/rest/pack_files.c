/* Finding packs: folders, files, and what was loaded already. */
#include <dirent.h>
#include <limits.h>
#include <unistd.h>

#include "backends/rest/pack.h"
#include "base/data.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"

enum { MAX_PACK = 1 << 20 };

struct seen {
    const char *key;
    const void *what;
    struct seen *next;
};

struct pb_packs {
    struct pb_arena *a;
    struct pb_strv dirs; /* on the arena */
    struct seen *loaded; /* by path; the newest first */
    struct seen *shared; /* those of `loaded` that others had before */
    struct seen *found;  /* packs, and that there is none, by source and type */
};

static void all_dirs(struct pb_strv *out, const char *dirs)
{
    PB_AUTO(str) char *shipped = pb_data_path("schemas/observers");

    while (dirs && *dirs) {
        size_t n = strcspn(dirs, ":");
        if (n)
            pb_strv_addf(out, "%.*s", (int)n, dirs);
        dirs += n + (dirs[n] == ':');
    }
    pb_strv_add(out, shipped);
}

/* A provider's folder has the last part of its source's name. */
static const char *folder_of(const char *source)
{
    const char *slash = source ? strrchr(source, '/') : NULL;
    return slash ? slash + 1 : source;
}

static bool safe_name(const char *s)
{
    return s && *s && strlen(s) < 200 &&
           strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(s);
}

/* The first folder that has FOLDER/FILE. Caller frees. */
static char *find_file(const struct pb_strv *dirs, const char *folder, const char *file)
{
    for (size_t i = 0; i < dirs->n; i++) {
        char *path = pb_asprintf("%s/%s/%s", dirs->v[i], folder, file);
        if (pb_fs_exists(path))
            return path;
        free(path);
    }
    return NULL;
}

static bool mentions(const char *path, const char *source)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    return pb_fs_read(&text, path, MAX_PACK, NULL) == 0 && strstr(text.s, source);
}

bool pb_packs_covers(const char *dirs, const char *source, const char *type)
{
    PB_AUTO(strv) struct pb_strv all = PB_STRV_INIT;
    const char *folder = folder_of(source);
    if (!safe_name(folder) || !safe_name(type))
        return false;
    all_dirs(&all, dirs);
    PB_AUTO(str) char *file = pb_asprintf("%s.yaml", type);
    PB_AUTO(str) char *pack = find_file(&all, folder, file);
    PB_AUTO(str) char *provider = find_file(&all, folder, "provider.yaml");
    return pack && provider && mentions(provider, source);
}

static const struct seen *seen_before(const struct seen *s, const char *key)
{
    while (s && strcmp(s->key, key) != 0)
        s = s->next;
    return s;
}

static void remember(struct pb_packs *packs, struct seen **list, const char *key, const void *what)
{
    struct seen *s = pb_arena_zalloc(packs->a, sizeof(*s));
    *s = (struct seen){pb_arena_strdup(packs->a, key), what, *list};
    *list = s;
}

struct pb_packs *pb_packs_new(struct pb_arena *a, const char *dirs)
{
    PB_AUTO(strv) struct pb_strv all = PB_STRV_INIT;
    struct pb_packs *packs = pb_arena_zalloc(a, sizeof(*packs));
    all_dirs(&all, dirs);
    packs->a = a;
    packs->dirs.v = pb_arena_zalloc(a, (all.n + 1) * sizeof(char *));
    for (size_t i = 0; i < all.n; i++)
        packs->dirs.v[packs->dirs.n++] = pb_arena_strdup(a, all.v[i]);
    return packs;
}

struct pb_packs *pb_packs_beside(struct pb_arena *a, const struct pb_packs *packs)
{
    struct pb_packs *beside = pb_arena_zalloc(a, sizeof(*beside));

    *beside = (struct pb_packs){
        .a = a, .dirs = packs->dirs, .loaded = packs->loaded, .shared = packs->loaded};
    return beside;
}

/* Puts those of `from` that come before `end` in front of *to. */
static void join(struct seen **to, struct seen *from, const struct seen *end)
{
    struct seen *last = from;

    if (from == end)
        return;
    while (last->next != end)
        last = last->next;
    last->next = *to;
    *to = from;
}

void pb_packs_join(struct pb_packs *packs, struct pb_packs *beside)
{
    join(&packs->loaded, beside->loaded, beside->shared);
    join(&packs->found, beside->found, NULL);
    pb_arena_join(packs->a, beside->a);
}

static int load_provider(const struct pb_pack_provider **out, struct pb_packs *packs,
                         const char *path, struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    const struct seen *before = seen_before(packs->loaded, path);
    if (before) {
        *out = before->what;
        return 0;
    }
    if (pb_fs_read(&text, path, MAX_PACK, err) == -1 ||
        pb_pack_load_provider(out, packs->a, text.s, text.len, path, err) == -1)
        return -1;
    remember(packs, &packs->loaded, path, *out);
    return 0;
}

static bool has_source(const struct pb_pack_provider *p, const char *source)
{
    for (const char *const *s = p->sources; s && *s; s++)
        if (strcmp(*s, source) == 0)
            return true;
    return false;
}

static int find_pack(const struct pb_pack **out, struct pb_packs *packs, const char *source,
                     const char *type, struct pb_err *err)
{
    const struct pb_pack_provider *p = NULL;
    const char *folder = folder_of(source);
    *out = NULL;
    if (!safe_name(folder) || !safe_name(type))
        return 0;
    PB_AUTO(str) char *file = pb_asprintf("%s.yaml", type);
    PB_AUTO(str) char *path = find_file(&packs->dirs, folder, file);
    PB_AUTO(str) char *provider = find_file(&packs->dirs, folder, "provider.yaml");
    if (!path || !provider)
        return 0;
    if (load_provider(&p, packs, provider, err) == -1)
        return -1;
    if (!has_source(p, source))
        return 0;
    const struct seen *before = seen_before(packs->loaded, path);
    if (before) {
        *out = before->what;
        return 0;
    }
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    if (pb_fs_read(&text, path, MAX_PACK, err) == -1 ||
        pb_pack_load_type(out, packs->a, p, text.s, text.len, path, err) == -1)
        return -1;
    if (strcmp((*out)->type, type) != 0)
        return pb_fail(err, PB_E_CONFIG,
                       "%s:1: field 'type': the file's name says '%s'; make "
                       "them agree",
                       path, type);
    remember(packs, &packs->loaded, path, *out);
    return 0;
}

int pb_packs_find(const struct pb_pack **out, struct pb_packs *packs, const char *source,
                  const char *type, struct pb_err *err)
{
    PB_AUTO(str) char *key = pb_asprintf("%s %s", source ? source : "", type ? type : "");
    const struct seen *before = seen_before(packs->found, key);

    if (before) { /* looking for it asks the file system */
        *out = before->what;
        return 0;
    }
    if (find_pack(out, packs, source, type, err) == -1)
        return -1;
    remember(packs, &packs->found, key, *out);
    return 0;
}

int pb_packs_provider(const struct pb_pack_provider **out, struct pb_packs *packs,
                      const char *source, struct pb_err *err)
{
    const char *folder = folder_of(source);
    *out = NULL;
    if (!safe_name(folder))
        return 0;
    PB_AUTO(str) char *path = find_file(&packs->dirs, folder, "provider.yaml");
    if (!path)
        return 0;
    if (load_provider(out, packs, path, err) == -1)
        return -1;
    if (!has_source(*out, source))
        *out = NULL;
    return 0;
}

static void names_in(struct pb_strv *out, const char *dir)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    while (d && (e = readdir(d)))
        if (e->d_name[0] != '.')
            pb_strv_add(out, e->d_name);
    if (d)
        closedir(d);
    pb_strv_sort(out);
}

static void check_type(struct pb_packs *packs, const struct pb_pack_provider *p, const char *file,
                       struct pb_diags *out, size_t *good)
{
    const struct pb_pack *pack;
    struct pb_err err = PB_ERR_INIT;
    const char *base = strrchr(file, '/') + 1;
    PB_AUTO(str) char *type = pb_strndup(base, strlen(base) - strlen(".yaml"));

    if (pb_packs_find(&pack, packs, p->sources[0], type, &err) == -1)
        pb_diag_add(out, packs->a, "error", "pack", type, "%s", err.msg);
    else
        ++*good;
}

static void check_provider(struct pb_packs *packs, const char *dir, struct pb_diags *out,
                           size_t *good)
{
    PB_AUTO(strv) struct pb_strv names = PB_STRV_INIT;
    PB_AUTO(str) char *path = pb_asprintf("%s/provider.yaml", dir);
    const struct pb_pack_provider *p = NULL;
    struct pb_err err = PB_ERR_INIT;

    if (!pb_fs_exists(path))
        return;
    if (load_provider(&p, packs, path, &err) == -1) {
        pb_diag_add(out, packs->a, "error", "pack", NULL, "%s", err.msg);
        return;
    }
    names_in(&names, dir);
    for (size_t i = 0; i < names.n; i++) {
        PB_AUTO(str) char *file = pb_asprintf("%s/%s", dir, names.v[i]);
        if (pb_ends_with(file, ".yaml") && strcmp(names.v[i], "provider.yaml") != 0 && p->sources &&
            p->sources[0])
            check_type(packs, p, file, out, good);
    }
}

size_t pb_packs_check(struct pb_packs *packs, struct pb_diags *out)
{
    size_t good = 0;
    for (size_t i = 0; i < packs->dirs.n; i++) {
        PB_AUTO(strv) struct pb_strv names = PB_STRV_INIT;
        names_in(&names, packs->dirs.v[i]);
        for (size_t k = 0; k < names.n; k++) {
            PB_AUTO(str) char *dir = pb_asprintf("%s/%s", packs->dirs.v[i], names.v[k]);
            check_provider(packs, dir, out, &good);
        }
    }
    return good;
}
