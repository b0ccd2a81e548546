#include "backends/terraform/lend.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/terraform/confine.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

enum { CONFIG_MAX = 1 << 20, MEMORY_MAX = 1 << 20, FILES_MAX = 64 };

static const char config_variable[] = "TF_CLI_CONFIG_FILE";

/* ---- packages -------------------------------------------------------------------------------- */

char *pb_tf_lend_only(const char *dir, const char *prefix)
{
    DIR *d = opendir(dir);
    char *found = NULL;
    size_t n = 0;

    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.' || !pb_starts_with(e->d_name, prefix))
            continue;
        free(found);
        found = pb_fs_join(dir, e->d_name);
        n++;
    }
    if (d)
        closedir(d);
    if (n != 1)
        free(pb_take(&found));
    return found;
}

void pb_tf_lend_installed(struct pb_tf_lent *out, const struct pb_tf_planning *p)
{
    struct pb_map_builder b = PB_BUILDER_INIT;
    const struct pb_hcl_block *blk;

    for (size_t i = 0; (blk = pb_hcl_block_of(p->lock.body, "provider", i)); i++) {
        const char *version = pb_hcl_str(pb_hcl_attr_of(blk->body, "version"));
        PB_AUTO(str)
        char *dir = pb_asprintf("%s/providers/%s/%s", p->run.data_dir, pb_hcl_label(blk, 0),
                                version ? version : "?");
        PB_AUTO(str) char *package = pb_tf_lend_only(dir, ""); /* VERSION/PLATFORM */
        PB_AUTO(str) char *real = package ? realpath(package, NULL) : NULL;

        if (real && p->u->sandbox && !pb_tf_confine_is_package(&p->run, real))
            free(pb_take(&real)); /* where it leads is the tree's choice */
        if (real)                 /* else it is locked and not needed */
            pb_map_add(&b, pb_hcl_label(blk, 0), pb_mk_string(p->arena, real));
    }
    out->dirs = pb_map_done(&b, p->arena);
}

/* ---- remembering ----------------------------------------------------------------------------- */

/* False for packages with folders or links in them. */
static bool fingerprint(char out[PB_SHA256_HEX], const char *dir)
{
    PB_AUTO(strv) struct pb_strv names = PB_STRV_INIT;
    struct pb_sha256 *d = pb_sha256_new();
    DIR *folder = opendir(dir);
    bool plain = folder != NULL;
    struct stat st;

    for (struct dirent *e; folder && (e = readdir(folder));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            pb_strv_add(&names, e->d_name);
    if (folder)
        closedir(folder);
    pb_strv_sort(&names);
    plain = plain && names.n > 0 && names.n <= FILES_MAX;
    for (size_t i = 0; plain && i < names.n; i++) {
        PB_AUTO(str) char *path = pb_fs_join(dir, names.v[i]);
        plain = lstat(path, &st) == 0 && S_ISREG(st.st_mode);
        if (!plain)
            break;
        pb_sha256_add_str(d, names.v[i]);
        pb_fs_add_stamp(d, &st);
    }
    pb_sha256_end_hex(d, out);
    return plain;
}

static void add_expr(struct pb_sha256 *d, const struct pb_hcl_expr *e)
{
    pb_sha256_add_str(d, e ? e->text : NULL);
}

/* Everything in a module that has a say in which providers and modules an init installs. */
static void add_module(struct pb_sha256 *d, const struct pb_hcl_body *body)
{
    for (size_t i = 0; i < body->nblocks; i++) {
        const struct pb_hcl_block *b = &body->blocks[i], *required;

        if (strcmp(b->type, "terraform") == 0) {
            add_expr(d, pb_hcl_attr_of(b->body, "required_version"));
            for (size_t k = 0; (required = pb_hcl_block_of(b->body, "required_providers", k)); k++)
                for (size_t m = 0; m < required->body->nattrs; m++) {
                    pb_sha256_add_str(d, required->body->attrs[m].name);
                    add_expr(d, required->body->attrs[m].expr);
                }
        } else if (strcmp(b->type, "provider") == 0) {
            pb_sha256_add_str(d, pb_hcl_label(b, 0));
            add_expr(d, pb_hcl_attr_of(b->body, "version"));
        } else if (strcmp(b->type, "module") == 0) {
            pb_sha256_add_str(d, pb_hcl_label(b, 0));
            add_expr(d, pb_hcl_attr_of(b->body, "source"));
            add_expr(d, pb_hcl_attr_of(b->body, "version"));
        }
    }
    pb_sha256_add_str(d, "end of module");
}

/* Where the memory of these requirements is; NULL when they are not all known. */
static char *memory_path(const struct pb_tf_planning *p)
{
    struct pb_sha256 *d;
    char hex[PB_SHA256_HEX];
    bool known = p->tree && p->locked && !p->remote_modules && p->u->cache_dir;

    for (size_t i = 0; known && i < p->tree->n; i++)
        known = p->tree->v[i]->module != NULL;
    if (!known)
        return NULL;
    d = pb_sha256_new();
    pb_sha256_add_str(d, "packages 1");
    pb_sha256_add_str(d, p->run.tool.id);
    for (size_t i = 0; i < p->lock.body->nblocks; i++)
        pb_sha256_add_str(d, p->lock.body->blocks[i].text);
    for (size_t i = 0; i < p->tree->n; i++) {
        pb_sha256_add_str(d, p->tree->v[i]->path);
        add_module(d, p->tree->v[i]->module->body);
    }
    pb_sha256_end_hex(d, hex);
    return pb_asprintf("%s/packages/%s.json", p->u->cache_dir, hex);
}

void pb_tf_lend_remember(const struct pb_tf_lent *l, const struct pb_tf_planning *p)
{
    PB_AUTO(str) char *path = memory_path(p);
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_map_builder all = PB_BUILDER_INIT;
    struct pb_value doc;
    bool lasting = path && l->dirs.n > 0 && !p->u->sandbox; /* nobody else is to run them */

    for (size_t i = 0; lasting && i < l->dirs.n; i++) {
        const struct pb_member *m = &l->dirs.members[i];
        struct pb_map_builder one = PB_BUILDER_INIT;
        char print[PB_SHA256_HEX];

        /* What lies in plumb's own work area is gone tomorrow. */
        lasting = !pb_starts_with(m->value.s, p->u->work) && fingerprint(print, m->value.s);
        if (!lasting)
            break;
        pb_map_add(&one, "dir", m->value);
        pb_map_add(&one, "fingerprint", pb_mk_string(p->arena, print));
        pb_map_add(&all, m->key, pb_map_done(&one, p->arena));
    }
    doc = pb_map_done(&all, p->arena);
    if (!lasting)
        return;
    pb_json_add(&text, &doc);
    pb_fs_remember(path, text.s, text.len);
}

bool pb_tf_lend_recall(struct pb_tf_lent *out, const struct pb_tf_planning *p)
{
    PB_AUTO(str) char *path = memory_path(p);
    struct pb_map_builder b = PB_BUILDER_INIT;
    const struct pb_value *doc;
    bool same;

    memset(out, 0, sizeof(*out));
    if (!path || pb_json_read(&doc, p->arena, path, MEMORY_MAX, NULL) || !pb_is(doc, PB_MAP))
        return false;
    same = doc->n > 0;
    for (size_t i = 0; same && i < doc->n; i++) {
        const struct pb_member *m = &doc->members[i];
        const char *dir = pb_get_str(&m->value, "dir");
        char print[PB_SHA256_HEX];

        same =
            dir && fingerprint(print, dir) && pb_streq(print, pb_get_str(&m->value, "fingerprint"));
        if (same)
            pb_map_add(&b, m->key, pb_mk_string(p->arena, dir));
    }
    out->dirs = pb_map_done(&b, p->arena);
    return same;
}

char *pb_tf_lend_types(const struct pb_tf_planning *p, const char *program)
{
    PB_AUTO(str) char *dir = pb_strndup(program, (size_t)(strrchr(program, '/') - program));
    char print[PB_SHA256_HEX];

    if (!p->u->cache_dir || pb_starts_with(dir, p->u->work) || !fingerprint(print, dir))
        return NULL;
    return pb_asprintf("%s/types/%s", p->u->cache_dir, print);
}

/* ---- lending --------------------------------------------------------------------------------- */

static const char *from_env(const struct pb_strv *env, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < env->n; i++)
        if (strncmp(env->v[i], name, n) == 0 && env->v[i][n] == '=')
            return env->v[i] + n + 1;
    return NULL;
}

static bool has_config_folder(const char *home)
{
    PB_AUTO(str) char *path = pb_fs_join(home, ".terraform.d");
    DIR *d = opendir(path);
    bool found = false;

    for (struct dirent *e; d && (e = readdir(d));)
        found |= strstr(e->d_name, ".tfrc") != NULL;
    if (d)
        closedir(d);
    return found;
}

/* The person's own CLI configuration; "" for none. False when it is more than one file. */
static bool own_config(struct pb_buf *text, const struct pb_tf_run *r)
{
    const char *named = from_env(&r->env, config_variable), *home = from_env(&r->env, "HOME");
    PB_AUTO(str) char *rc = home ? pb_fs_join(home, ".terraformrc") : NULL;

    if (named)
        return pb_fs_read(text, named, CONFIG_MAX, NULL) == 0;
    if (!home || r->tool.tofu || has_config_folder(home))
        return false;
    return !pb_fs_exists(rc) || pb_fs_read(text, rc, CONFIG_MAX, NULL) == 0;
}

/* Repeats it but for the ways to install providers, which no later command uses. */
static bool repeat_config(struct pb_buf *out, const struct pb_tf_run *r)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    const struct pb_hcl_body *body;
    bool ok = own_config(&text, r) &&
              pb_hcl_parse(&body, r->arena, text.s, text.len, "the CLI configuration", NULL) == 0;

    pb_buf_wipe(&text);
    if (!ok)
        return false;
    for (size_t i = 0; i < body->nattrs; i++)
        pb_buf_addf(out, "%s = %s\n", body->attrs[i].name, body->attrs[i].expr->text);
    for (size_t i = 0; i < body->nblocks; i++) {
        const struct pb_hcl_block *b = &body->blocks[i];

        if (strcmp(b->type, "provider_installation") == 0) {
            if (pb_hcl_block_of(b->body, "dev_overrides", 0))
                return false;
        } else if (!b->text) {
            return false;
        } else {
            pb_buf_addf(out, "%s\n", b->text);
        }
    }
    return true;
}

static bool file_replaces(const char *path, struct pb_arena *a)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    const struct pb_hcl_body *body;
    const struct pb_hcl_block *b;
    bool found = false;
    int rc;

    if (pb_fs_read(&text, path, CONFIG_MAX, NULL))
        return false;
    rc = pb_ends_with(path, ".json")
             ? pb_hcl_parse_json(&body, a, text.s, text.len, path, true, NULL)
             : pb_hcl_parse(&body, a, text.s, text.len, path, NULL);
    if (rc)
        found = strstr(text.s, "dev_overrides") != NULL; /* Terraform will say what is wrong */
    for (size_t i = 0; rc == 0 && (b = pb_hcl_block_of(body, "provider_installation", i)); i++)
        found |= pb_hcl_block_of(b->body, "dev_overrides", 0) != NULL;
    pb_buf_wipe(&text);
    return found;
}

bool pb_tf_lend_replaced(const struct pb_tf_run *r)
{
    const char *named = from_env(&r->env, config_variable), *home = from_env(&r->env, "HOME");
    PB_AUTO(str) char *rc = home ? pb_fs_join(home, ".terraformrc") : NULL;
    PB_AUTO(str) char *tofu = home ? pb_fs_join(home, ".tofurc") : NULL;
    PB_AUTO(str) char *folder = home ? pb_fs_join(home, ".terraform.d") : NULL;
    bool found = named ? file_replaces(named, r->arena)
                       : rc && (file_replaces(rc, r->arena) ||
                                (r->tool.tofu && file_replaces(tofu, r->arena)));
    DIR *d = folder && !named ? opendir(folder) : NULL;

    for (struct dirent *e; d && (e = readdir(d));) {
        PB_AUTO(str) char *path = pb_fs_join(folder, e->d_name);
        if (pb_ends_with(e->d_name, ".tfrc") || pb_ends_with(e->d_name, ".tfrc.json"))
            found |= file_replaces(path, r->arena);
    }
    if (d)
        closedir(d);
    return found;
}

static bool is_quotable(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || strchr("\"\\$%", *s))
            return false;
    return true;
}

static bool use_config(struct pb_tf_run *r, const char *path, struct pb_buf *text)
{
    const char *own = from_env(&r->env, config_variable);

    if (pb_fs_write_atomic(path, text->s, text->len, 0600, NULL))
        return false;
    r->own_config = own ? pb_arena_strdup(r->arena, own) : NULL;
    pb_strv_setenv(&r->env, config_variable, path);
    return true;
}

bool pb_tf_lend(const struct pb_tf_lent *l, struct pb_tf_run *r)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    bool ok = l->dirs.n > 0 && repeat_config(&text, r);

    pb_buf_adds(&text, "provider_installation {\n  dev_overrides {\n");
    for (size_t i = 0; ok && i < l->dirs.n; i++) {
        const struct pb_member *m = &l->dirs.members[i];

        ok = is_quotable(m->key) && is_quotable(m->value.s);
        pb_buf_addf(&text, "    \"%s\" = \"%s\"\n", m->key, m->value.s);
    }
    pb_buf_adds(&text, "  }\n  direct {}\n}\n");
    ok = ok && use_config(r, pb_tf_run_file(r, "lent", "tfrc"), &text);
    pb_buf_wipe(&text);
    for (size_t i = 0; ok && i < l->dirs.n; i++)
        pb_strv_add(&r->readable, l->dirs.members[i].value.s);
    return ok;
}

bool pb_tf_lend_nothing(struct pb_tf_run *r)
{
    const char *dir = pb_arena_printf(r->arena, "%s/no-packages", r->u->work);
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    bool ok = is_quotable(dir) && pb_fs_mkdirs(dir, 0700, NULL) == 0 && repeat_config(&text, r);

    pb_buf_addf(&text,
                "provider_installation {\n  filesystem_mirror {\n    path = \"%s\"\n  }\n}\n", dir);
    ok = ok && use_config(r, pb_tf_run_file(r, "nothing", "tfrc"), &text);
    pb_buf_wipe(&text);
    return ok;
}

void pb_tf_lend_end(struct pb_tf_run *r)
{
    if (r->own_config)
        pb_strv_setenv(&r->env, config_variable, r->own_config);
    else
        pb_strv_dropenv(&r->env, config_variable);
}
