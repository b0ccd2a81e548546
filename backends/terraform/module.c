#include "backends/terraform/module.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/terraform/hcl_expr.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"

/* ---- files --------------------------------------------------------------------------------- */

static int disk_list(struct pb_strv *names, void *ctx, const char *dir, struct pb_err *err)
{
    PB_AUTO(str) char *path = pb_fs_join(ctx, dir);
    struct dirent *e;
    DIR *d = opendir(path);

    if (!d)
        return pb_fail_errno(err, PB_E_IO, "cannot read the folder '%s'", dir);
    while ((e = readdir(d))) {
        PB_AUTO(str) char *file = pb_fs_join(path, e->d_name);
        struct stat st;
        if (stat(file, &st) == 0 && S_ISREG(st.st_mode))
            pb_strv_add(names, e->d_name);
    }
    closedir(d);
    return 0;
}

static int disk_read(struct pb_buf *out, void *ctx, const char *path, size_t max,
                     struct pb_err *err)
{
    PB_AUTO(str) char *full = pb_fs_join(ctx, path);

    return pb_fs_read(out, full, max, err);
}

struct pb_tf_files pb_tf_files_disk(const char *top)
{
    return (struct pb_tf_files){disk_list, disk_read, (void *)(uintptr_t)top};
}

/* ---- one module ---------------------------------------------------------------------------- */

enum file_kind { NOT_OURS, NATIVE, JSON };

static enum file_kind kind_of(const char *name, bool tofu)
{
    if (name[0] == '.' || name[0] == '#' || pb_ends_with(name, "~"))
        return NOT_OURS;
    if (pb_ends_with(name, ".tf.json") || (tofu && pb_ends_with(name, ".tofu.json")))
        return JSON;
    if (pb_ends_with(name, ".tf") || (tofu && pb_ends_with(name, ".tofu")))
        return NATIVE;
    return NOT_OURS;
}

static bool is_override(const char *name)
{
    size_t stem = strcspn(name, ".");

    return (stem == 8 && strncmp(name, "override", 8) == 0) ||
           (stem > 9 && strncmp(name + stem - 9, "_override", 9) == 0);
}

/* With OpenTofu, x.tofu takes the place of x.tf. */
static bool is_replaced(const struct pb_strv *names, const char *name)
{
    PB_AUTO(buf) struct pb_buf other = PB_BUF_INIT;
    const char *ext = strstr(name, ".tf");

    if (!ext || !(pb_streq(ext, ".tf") || pb_streq(ext, ".tf.json")))
        return false;
    pb_buf_add(&other, name, (size_t)(ext - name));
    pb_buf_addf(&other, ".tofu%s", ext + 3);
    return pb_strv_has(names, other.s);
}

static void append(struct pb_hcl_parts *b, const struct pb_hcl_body *body)
{
    for (size_t i = 0; i < body->nattrs; i++)
        pb_hcl_add_attr(b, body->attrs[i]);
    for (size_t i = 0; i < body->nblocks; i++)
        pb_hcl_add_block(b, body->blocks[i]);
}

static bool same_labels(const struct pb_hcl_block *a, const struct pb_hcl_block *b)
{
    if (strcmp(a->type, b->type) != 0 || a->nlabels != b->nlabels)
        return false;
    for (size_t i = 0; i < a->nlabels; i++)
        if (strcmp(a->labels[i], b->labels[i]) != 0)
            return false;
    if (strcmp(a->type, "provider") == 0) {
        const char *x = pb_hcl_str(pb_hcl_attr_of(a->body, "alias"));
        return pb_streq(x, pb_hcl_str(pb_hcl_attr_of(b->body, "alias")));
    }
    return true;
}

/* Whether an override's nested block takes the place of this one. */
static bool displaces(const struct pb_hcl_block *over, const struct pb_hcl_block *old)
{
    bool store = strcmp(over->type, "backend") == 0 || strcmp(over->type, "cloud") == 0;

    if (store && (strcmp(old->type, "backend") == 0 || strcmp(old->type, "cloud") == 0))
        return true;
    return strcmp(over->type, old->type) == 0;
}

static bool merges_inside(const char *type)
{
    return strcmp(type, "lifecycle") == 0 || strcmp(type, "required_providers") == 0;
}

static const struct pb_hcl_body *merge_bodies(struct pb_arena *a, const struct pb_hcl_body *base,
                                              const struct pb_hcl_body *over)
{
    struct pb_hcl_parts b = PB_HCL_PARTS_INIT;

    for (size_t i = 0; i < base->nattrs; i++)
        if (!pb_hcl_attr_of(over, base->attrs[i].name))
            pb_hcl_add_attr(&b, base->attrs[i]);
    for (size_t i = 0; i < base->nblocks; i++) {
        const struct pb_hcl_block *old = &base->blocks[i];
        bool gone = false;
        for (size_t j = 0; j < over->nblocks; j++)
            gone |= displaces(&over->blocks[j], old);
        if (!gone)
            pb_hcl_add_block(&b, *old);
    }
    for (size_t i = 0; i < over->nattrs; i++)
        pb_hcl_add_attr(&b, over->attrs[i]);
    for (size_t i = 0; i < over->nblocks; i++) {
        struct pb_hcl_block blk = over->blocks[i];
        const struct pb_hcl_block *old = pb_hcl_block_of(base, blk.type, 0);
        if (old && merges_inside(blk.type))
            blk.body = merge_bodies(a, old->body, blk.body);
        pb_hcl_add_block(&b, blk);
    }
    return pb_hcl_finish(a, &b);
}

/* Merges each block of an override file into the first that has its type and labels. */
static void apply_override(struct pb_arena *a, struct pb_hcl_parts *b,
                           const struct pb_hcl_body *over)
{
    for (size_t i = 0; i < over->nblocks; i++) {
        const struct pb_hcl_block *o = &over->blocks[i];
        bool found = false;
        for (size_t j = 0; j < b->nblocks && !found; j++) {
            if (!same_labels(&b->blocks[j], o))
                continue;
            b->blocks[j].body = merge_bodies(a, b->blocks[j].body, o->body);
            b->blocks[j].text = NULL; /* no longer as written */
            found = true;
        }
        if (!found)
            pb_hcl_add_block(b, *o);
    }
}

static int load_file(const struct pb_hcl_body **out, struct pb_arena *a,
                     const struct pb_tf_files *files, const char *path, bool json,
                     struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

    if (files->read(&text, files->ctx, path, PB_HCL_MAX, err))
        return -1;
    if (json)
        return pb_hcl_parse_json(out, a, text.s, text.len, path, true, err);
    return pb_hcl_parse(out, a, text.s, text.len, path, err);
}

static int load_files(struct pb_hcl_parts *b, struct pb_arena *a, const struct pb_tf_files *files,
                      const char *dir, const struct pb_strv *names, bool tofu, struct pb_err *err)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < names->n; i++) {
            enum file_kind kind = kind_of(names->v[i], tofu);
            PB_AUTO(str) char *path = *dir ? pb_fs_join(dir, names->v[i]) : pb_strdup(names->v[i]);
            const struct pb_hcl_body *body;
            if (kind == NOT_OURS || is_override(names->v[i]) != (pass == 1) ||
                (tofu && is_replaced(names, names->v[i])))
                continue;
            if (load_file(&body, a, files, path, kind == JSON, err))
                return -1;
            if (pass == 0)
                append(b, body);
            else
                apply_override(a, b, body);
        }
    }
    return 0;
}

int pb_tf_module_load(const struct pb_tf_module **out, struct pb_arena *a,
                      const struct pb_tf_files *files, const char *dir, bool tofu,
                      struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv names = PB_STRV_INIT;
    struct pb_hcl_parts b = PB_HCL_PARTS_INIT;
    struct pb_tf_module *m;
    int rc;

    if (files->list(&names, files->ctx, dir, err))
        return -1;
    pb_strv_sort(&names);
    rc = load_files(&b, a, files, dir, &names, tofu, err);
    m = pb_arena_zalloc(a, sizeof(*m));
    m->dir = pb_arena_strdup(a, dir);
    m->body = pb_hcl_finish(a, &b);
    *out = m;
    return rc;
}

bool pb_tf_is_local(const char *source)
{
    return source && (pb_starts_with(source, "./") || pb_starts_with(source, "../") ||
                      strcmp(source, ".") == 0 || strcmp(source, "..") == 0);
}

const char *pb_tf_resolve(struct pb_arena *a, const char *dir, const char *source)
{
    PB_AUTO(buf) struct pb_buf out = PB_BUF_INIT;
    const char *const parts[] = {dir, source};

    for (size_t i = 0; i < 2; i++) {
        for (const char *p = parts[i]; *p;) {
            size_t n = strcspn(p, "/");
            if (n == 2 && strncmp(p, "..", 2) == 0) {
                const char *slash = strrchr(out.s, '/');
                if (!out.len)
                    return NULL;
                pb_buf_truncate(&out, slash ? (size_t)(slash - out.s) : 0);
            } else if (n && !(n == 1 && *p == '.')) {
                if (out.len)
                    pb_buf_addc(&out, '/');
                pb_buf_add(&out, p, n);
            }
            p += n;
            p += *p == '/';
        }
    }
    return pb_arena_strdup(a, out.s);
}
