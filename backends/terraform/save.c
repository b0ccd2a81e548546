#include "backends/terraform/save.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/terraform/cache.h"
#include "backends/terraform/env.h"
#include "backends/terraform/key.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

enum { SAVED_MAX = 256 << 20, SECRETS_MAX = 20000, SECRET_LEAST = 4, DEPTH_MAX = 16 };

/* ---- the state's own backend ----------------------------------------------------------------- */

static int refuse_remote_runs(const struct pb_tf_backend *be, const struct pb_unit_ctx *u,
                              struct pb_err *err)
{
    if (strcmp(be->type, "cloud") != 0 && strcmp(be->type, "remote") != 0)
        return 0;
    return pb_fail(err, PB_E_CONFIG,
                   "'%s' runs its plans on another machine (%s): plumb cannot see what is applied "
                   "there; it audits this unit, and applies only where Terraform runs here",
                   u->name,
                   strcmp(be->type, "cloud") == 0 ? "a 'cloud' block" : "backend 'remote'");
}

int pb_tf_own_backend(const struct pb_tf_backend **out, struct pb_arena *a,
                      const struct pb_unit_ctx *u, struct pb_err *err)
{
    struct pb_tf_backend *be = pb_arena_zalloc(a, sizeof(*be));
    struct pb_unit_ctx text = *u;

    text.state_path = NULL;
    if (pb_tf_backend_find(be, a, &text, err) || refuse_remote_runs(be, u, err))
        return -1;
    if (u->state_path && strcmp(be->type, "local") != 0)
        return pb_fail(err, PB_E_CONFIG,
                       "plumb.yaml names the file of the state of '%s', and its configuration has "
                       "the backend '%s': what is applied would be recorded in another place than "
                       "is read; remove 'state' of the unit",
                       u->name, be->type);
    *out = be;
    return 0;
}

/* ---- packages -------------------------------------------------------------------------------- */

static void add_folder(struct pb_sha256 *d, const char *dir, int depth)
{
    PB_AUTO(strv) struct pb_strv names = PB_STRV_INIT;
    DIR *folder = depth < DEPTH_MAX ? opendir(dir) : NULL;
    struct stat st;

    pb_sha256_add_str(d, folder ? "folder" : NULL);
    for (struct dirent *e; folder && (e = readdir(folder));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            pb_strv_add(&names, e->d_name);
    if (folder)
        closedir(folder);
    pb_strv_sort(&names);
    for (size_t i = 0; i < names.n; i++) {
        PB_AUTO(str) char *path = pb_fs_join(dir, names.v[i]);
        if (stat(path, &st)) {
            pb_sha256_add_str(d, NULL);
            continue;
        }
        pb_sha256_add_str(d, names.v[i]);
        if (S_ISDIR(st.st_mode)) /* what is in it counts by itself */
            add_folder(d, path, depth + 1);
        else
            pb_fs_add_stamp(d, &st);
    }
    pb_sha256_add_str(d, "end of folder");
}

void pb_tf_plugins(char out[PB_SHA256_HEX], const struct pb_value *packages)
{
    struct pb_sha256 *d = pb_sha256_new();

    pb_sha256_add_str(d, "plugins 1");
    for (size_t i = 0; pb_is(packages, PB_MAP) && i < packages->n; i++) {
        pb_sha256_add_str(d, packages->members[i].key);
        add_folder(d, pb_str(&packages->members[i].value), 0);
    }
    pb_sha256_end_hex(d, out);
}

int pb_tf_file_sha256(char out[PB_SHA256_HEX], const char *path, struct pb_err *err)
{
    PB_AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    PB_AUTO(free) char *chunk = pb_malloc(1 << 16);
    struct pb_sha256 *d;
    ssize_t n;

    if (fd < 0)
        return pb_fail_errno(err, PB_E_IO, "cannot open '%s'", path);
    d = pb_sha256_new();
    while ((n = read(fd, chunk, 1 << 16)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            pb_sha256_add(d, chunk, (size_t)n);
    pb_sha256_end_hex(d, out);
    return n < 0 ? pb_fail_errno(err, PB_E_IO, "cannot read '%s'", path) : 0;
}

int pb_tf_lock_sha256(char out[PB_SHA256_HEX], const struct pb_unit_ctx *u, struct pb_err *err)
{
    PB_AUTO(str) char *dir = pb_fs_join(u->tree, u->path);
    PB_AUTO(str) char *path = pb_fs_join(dir, PB_TF_LOCK_FILE);

    if (pb_fs_exists(path))
        return pb_tf_file_sha256(out, path, err);
    pb_sha256_hex_of(out, "", 0);
    return 0;
}

/* ---- secrets --------------------------------------------------------------------------------- */

struct collected {
    struct pb_list_builder list;
    struct pb_map known;
    struct pb_arena *arena;
};

static void add_secrets(struct collected *c, const struct pb_value *v, bool secret)
{
    if (!v)
        return;
    secret |= (v->flags & PB_V_SENSITIVE) != 0;
    if (v->kind == PB_STRING && secret && v->n >= SECRET_LEAST && c->list.n < SECRETS_MAX &&
        !pb_map_has(&c->known, v->s)) {
        pb_map_put(&c->known, v->s, c);
        pb_list_add(&c->list, pb_mk_string(c->arena, v->s));
    }
    for (size_t i = 0; v->kind == PB_LIST && i < v->n; i++)
        add_secrets(c, &v->items[i], secret);
    for (size_t i = 0; v->kind == PB_MAP && i < v->n; i++)
        add_secrets(c, &v->members[i].value, secret);
}

static struct pb_value secrets_of(const struct pb_tf_planning *p, const struct pb_declare_result *r)
{
    struct collected c = {PB_BUILDER_INIT, PB_MAP_INIT, p->arena};
    const struct pb_value *outputs = p->plan.outputs;

    for (size_t i = 0; i < r->declared.n; i++) {
        add_secrets(&c, r->declared.v[i].planned, false);
        add_secrets(&c, r->declared.v[i].prior, false);
    }
    add_secrets(&c, p->plan.variables, false);
    add_secrets(&c, &p->vars, false);
    for (size_t i = 0; pb_is(outputs, PB_MAP) && i < outputs->n; i++)
        add_secrets(&c, pb_get(&outputs->members[i].value, "value"),
                    pb_get_bool(&outputs->members[i].value, "sensitive", false));
    pb_map_release(&c.known);
    return pb_list_done(&c.list, p->arena);
}

/* ---- saving ---------------------------------------------------------------------------------- */

static struct pb_value list_of(struct pb_arena *a, const struct pb_strv *v)
{
    struct pb_list_builder b = PB_BUILDER_INIT;

    for (size_t i = 0; i < v->n; i++)
        pb_list_add(&b, pb_mk_string(a, v->v[i]));
    return pb_list_done(&b, a);
}

static int write_saved(const struct pb_tf_planning *p, const struct pb_declare_result *r,
                       struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv names = PB_STRV_INIT;
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_map_builder b = PB_BUILDER_INIT;
    struct pb_value v;
    int rc;

    pb_tf_provider_names(&names, p);
    pb_map_add(&b, "lends", p->lends ? pb_true : pb_false);
    pb_map_add(&b, "names", list_of(p->arena, &names));
    pb_map_add(&b, "packages", p->packages);
    pb_map_add(&b, "resources", pb_mk_int(p->arena, (int64_t)p->recorded->n));
    pb_map_add(&b, "secrets", secrets_of(p, r));
    pb_map_add(&b, "serves", p->served ? pb_true : pb_false);
    v = pb_map_done(&b, p->arena);
    pb_json_add(&text, &v);
    rc = pb_fs_write_atomic(pb_tf_run_file(&p->run, "saved", "json"), text.s, text.len, 0600, err);
    pb_buf_wipe(&text);
    return rc;
}

int pb_tf_save(const struct pb_tf_planning *p, const struct pb_declare_result *r,
               struct pb_err *err)
{
    struct pb_saved_plan *s = p->u->save;

    memset(s, 0, sizeof(*s));
    if (p->packages.kind != PB_MAP)
        return pb_fail(err, PB_E_INTERNAL, "which providers planned '%s' is not known", p->u->name);
    pb_tf_plugins(s->plugins, &p->packages);
    s->refreshed = p->u->refresh;
    s->outputs = p->plan.changes_outputs;
    s->path = pb_tf_run_file(&p->run, "saved", "bin");
    return pb_tf_lock_sha256(s->lock, p->u, err) || pb_tf_file_sha256(s->sha256, s->path, err) ||
                   write_saved(p, r, err)
               ? -1
               : 0;
}

/* ---- reading it again ------------------------------------------------------------------------ */

static void read_list(struct pb_strv *out, const struct pb_value *v)
{
    for (size_t i = 0; i < pb_len(v); i++)
        if (pb_str(pb_at(v, i)))
            pb_strv_add(out, pb_str(pb_at(v, i)));
}

int pb_tf_saved_read(struct pb_tf_saved *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                     struct pb_err *err)
{
    PB_AUTO(str) char *path = pb_fs_join(u->work, "saved.json");
    const struct pb_value *doc, *packages;
    int64_t resources;

    memset(out, 0, sizeof(*out));
    if (pb_json_read(&doc, a, path, SAVED_MAX, err))
        return -1;
    packages = pb_get(doc, "packages");
    if (!pb_is(packages, PB_MAP))
        return pb_fail(err, PB_E_INPUT, "'%s' does not say which providers planned", path);
    for (size_t i = 0; i < packages->n; i++)
        if (!pb_str(&packages->members[i].value))
            return pb_fail(err, PB_E_INPUT, "'%s' does not say which providers planned", path);
    out->packages = *packages;
    out->lends = pb_get_bool(doc, "lends", false);
    out->serves = pb_get_bool(doc, "serves", false);
    out->resources = pb_get_int(&resources, doc, "resources") == 0 ? (size_t)resources : SIZE_MAX;
    read_list(&out->names, pb_get(doc, "names"));
    read_list(&out->secrets, pb_get(doc, "secrets"));
    return 0;
}

void pb_tf_saved_release(struct pb_tf_saved *s)
{
    for (size_t i = 0; i < s->secrets.n; i++)
        pb_wipe(s->secrets.v[i], strlen(s->secrets.v[i]));
    pb_strv_release(&s->names);
    pb_strv_release(&s->secrets);
}

/* ---- provider settings that only Terraform knows --------------------------------------------- */

static void take_values(struct pb_tf_planning *p, const struct pb_provider_config *from, size_t n)
{
    struct pb_provider_config *v = pb_arena_alloc(p->arena, p->nproviders * sizeof(*v) + 1);

    if (p->nproviders)
        memcpy(v, p->providers, p->nproviders * sizeof(*v));
    for (size_t i = 0; i < p->nproviders; i++)
        for (size_t j = 0; pb_has_unknown(v[i].values) && j < n; j++)
            if (strcmp(v[i].key, from[j].key) == 0)
                v[i].values = from[j].values;
    p->providers = v;
}

/* A plan beside the other one, with what is asked as its outputs. */
static int ask_aside(struct pb_tf_planning *p, struct pb_unit_ctx *u, struct pb_err *err)
{
    struct pb_tf_planning aside = {.arena = p->arena, .u = u, .recorded = p->recorded};
    PB_AUTO(str) char *work = pb_fs_join(u->work, "asking");
    int rc = -1;

    u->work = work;
    u->refresh = false;
    if (pb_fs_mkdirs(work, 0700, err) == 0 && pb_tf_plan_unit(&aside, err) == 0) {
        take_values(p, aside.providers, aside.nproviders);
        rc = 0;
    }
    pb_tf_planning_release(&aside);
    return rc;
}

int pb_tf_answer_saved(struct pb_tf_planning *p, struct pb_err *err)
{
    struct pb_unit_ctx u = *p->u;
    struct pb_declare_result kept;
    struct pb_tf_asked asked;
    struct pb_err why = PB_ERR_INIT;
    char key[PB_SHA256_HEX];

    pb_tf_ask(&asked, p);
    if (!asked.n)
        return 0;
    u.save = NULL;
    pb_tf_key(key, &u, p->recorded, &p->run.tool, environ);
    if (u.cache_dir && pb_tf_cache_load(&kept, NULL, p->arena, u.cache_dir, key, pb_clock_wall()) &&
        pb_tf_cache_unseal(&kept, p->arena, u.seal, p->providers, p->nproviders)) {
        take_values(p, kept.declared.providers, kept.declared.nproviders);
        return 0;
    }
    /* Without an answer they stay unknown, which settling tells. */
    if (ask_aside(p, &u, &why) && why.cls == PB_E_INTERRUPTED)
        return pb_fail(err, why.cls, "%s", why.msg);
    return 0;
}
