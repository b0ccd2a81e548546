/* Files to folders, folders to modules: both sides of a change, as a tool puts them together. */
#include <stdlib.h>
#include <string.h>

#include "backends/terraform/module.h"
#include "backends/terraform/scan.h"
#include "backends/terraform/textdiff.h"
#include "base/mem.h"
#include "base/text.h"

/* Parsed text takes many times its length, that of JSON more. */
enum { BYTES_MAX = 16 << 20, JSON_WEIGHT = 4, CALLS_MAX = 4096, CALL_DEPTH = 64 };

/* ---- files ---------------------------------------------------------------------------------- */

static bool is_override(const char *name)
{
    size_t stem = strcspn(name, ".");

    return (stem == 8 && strncmp(name, "override", 8) == 0) ||
           (stem > 9 && strncmp(name + stem - 9, "_override", 9) == 0);
}

/* Whichever of the two tools runs: what only one of them reads is read, too. */
static enum pb_tf_file_kind kind_of(const char *name)
{
    if (strcmp(name, ".terraform.lock.hcl") == 0)
        return PB_TF_LOCK;
    if (pb_ends_with(name, ".tfvars") || pb_ends_with(name, ".tfvars.json"))
        return PB_TF_VALUES;
    if (!pb_tf_is_config(name) || *name == '.' || *name == '#' || pb_ends_with(name, "~"))
        return PB_TF_OTHER;
    return pb_ends_with(name, ".json") ? PB_TF_JSON : PB_TF_NATIVE;
}

static struct pb_tf_text_file file_of(struct pb_arena *a, const struct pb_text_file *src)
{
    const char *slash = strrchr(src->path, '/');
    struct pb_tf_text_file f = {.src = src, .name = slash ? slash + 1 : src->path};

    f.dir = slash ? pb_arena_strndup(a, src->path, (size_t)(slash - src->path)) : "";
    f.kind = kind_of(f.name);
    f.override = (f.kind == PB_TF_NATIVE || f.kind == PB_TF_JSON) && is_override(f.name);
    return f;
}

static int by_path(const void *a, const void *b)
{
    const struct pb_tf_text_file *x = a, *y = b;

    return strcmp(x->src->path, y->src->path);
}

static int take_files(struct pb_tf_text *t, struct pb_arena *work, const struct pb_text_side *in,
                      struct pb_err *err)
{
    t->in = in;
    t->nfiles = in->nfiles;
    t->files = pb_arena_zalloc(work, (in->nfiles + 1) * sizeof(*t->files));
    for (size_t i = 0; i < in->nfiles; i++) {
        if (!in->files[i].path || !in->files[i].id)
            return pb_fail(err, PB_E_INTERNAL, "a file of a change has no path or no id");
        t->files[i] = file_of(work, &in->files[i]);
    }
    if (t->nfiles)
        qsort(t->files, t->nfiles, sizeof(*t->files), by_path);
    for (size_t i = 0; i < t->nfiles; i++)
        pb_map_put(&t->by_path, t->files[i].src->path, &t->files[i]);
    return 0;
}

const struct pb_tf_text_file *pb_tf_text_file(const struct pb_tf_text *t, const char *path)
{
    return pb_map_get(&t->by_path, path);
}

/* ---- parsing -------------------------------------------------------------------------------- */

/* Without the file's name, which a finding says by itself. */
static const char *reason(struct pb_arena *work, const struct pb_err *err, const char *path)
{
    const char *s = err->msg, *at = strstr(s, path);
    size_t n = strlen(path);

    if (at && at - s <= 1)
        s = at + n + strspn(at + n, "': ");
    return pb_arena_printf(work, "%s%s", pb_starts_with(s, "is ") ? "it " : "", s);
}

static void parse(struct pb_tf_text *t, struct pb_arena *work, struct pb_tf_text_file *f)
{
    const struct pb_text_file *src = f->src;
    bool json = f->kind == PB_TF_JSON || pb_ends_with(f->name, ".json");
    size_t weight = src->n * (json ? JSON_WEIGHT : 1);
    struct pb_err err = PB_ERR_INIT;
    int rc;

    if (!src->text) {
        f->broken = src->unread ? src->unread : "its text was not given";
        return;
    }
    if (weight > BYTES_MAX - t->bytes) {
        f->broken = "it is too much text together with the other files";
        return;
    }
    t->bytes += weight;
    rc = json ? pb_hcl_parse_json(&f->body, work, src->text, src->n, src->path,
                                  f->kind == PB_TF_JSON, &err)
              : pb_hcl_outline(&f->body, work, src->text, src->n, src->path, &err);
    if (rc < 0) {
        f->broken = reason(work, &err, src->path);
        f->body = NULL;
    }
}

/* A file that is the same on both sides is parsed once, and what it says is the same by its
 * address in memory. */
static void parse_once(struct pb_tf_text *t, struct pb_tf_text_file *f,
                       const struct pb_tf_text *old, struct pb_arena *work)
{
    const struct pb_tf_text_file *same = old ? pb_tf_text_file(old, f->src->path) : NULL;

    if (f->body || f->broken)
        return;
    if (same && strcmp(same->src->id, f->src->id) == 0 && (same->body || same->broken)) {
        f->body = same->body;
        f->broken = same->broken;
    } else {
        parse(t, work, f);
    }
}

/* ---- entries -------------------------------------------------------------------------------- */

/* How a block is called in its module. Blocks of the same name are parts of one entry. */
static const char *address_of(struct pb_arena *work, const struct pb_hcl_block *b)
{
    static const struct {
        const char *kind, *attr;
    } by_attr[] = {{"moved", "from"}, {"removed", "from"}, {"import", "to"}};
    const char *one = pb_hcl_label(b, 0), *two = pb_hcl_label(b, 1), *alias;

    if (strcmp(b->type, "resource") == 0)
        return pb_arena_printf(work, "%s.%s", one, two);
    if (strcmp(b->type, "provider") == 0) {
        const struct pb_hcl_expr *e = pb_hcl_attr_of(b->body, "alias");

        if (e && e->kind == PB_HCL_OTHER)
            e = pb_hcl_expr_of(work, e->text, strlen(e->text), b->file);
        alias = pb_hcl_str(e);
        return pb_arena_printf(work, "provider.%s%s%s", one, alias ? "." : "", alias ? alias : "");
    }
    for (size_t i = 0; i < PB_COUNT(by_attr); i++) {
        const struct pb_hcl_expr *e = pb_hcl_attr_of(b->body, by_attr[i].attr);

        if (strcmp(b->type, by_attr[i].kind) == 0 && e)
            return pb_hcl_str(e) ? pb_hcl_str(e) : e->text;
    }
    if (strcmp(b->type, "variable") == 0)
        return pb_arena_printf(work, "var.%s", one);
    return pb_arena_printf(work, "%s%s%s%s%s", b->type, *one ? "." : "", one, *two ? "." : "", two);
}

static void add_part(struct pb_arena *work, struct pb_tf_folder *m, const char *kind,
                     const char *address, struct pb_tf_part part)
{
    PB_AUTO(str) char *key = pb_asprintf("%s %s", kind, address);
    struct pb_tf_entry *e = pb_map_get(&m->entries, key);

    if (!e) {
        e = pb_arena_zalloc(work, sizeof(*e));
        e->kind = kind;
        e->address = address;
        pb_map_put(&m->entries, key, e);
    }
    if (e->n == e->cap) {
        struct pb_tf_part *v;

        e->cap = e->cap ? 2 * e->cap : 1;
        v = pb_arena_alloc(work, e->cap * sizeof(*v));
        if (e->n)
            memcpy(v, e->parts, e->n * sizeof(*v));
        e->parts = v;
    }
    e->parts[e->n++] = part;
}

static void add_body(struct pb_arena *work, struct pb_tf_folder *m, const struct pb_tf_text_file *f)
{
    for (size_t i = 0; i < f->body->nblocks; i++) {
        const struct pb_hcl_block *b = &f->body->blocks[i];

        if (strcmp(b->type, "locals") != 0) {
            add_part(work, m, b->type, address_of(work, b),
                     (struct pb_tf_part){.file = f, .block = b});
            continue;
        }
        for (size_t j = 0; j < b->body->nattrs; j++) {
            const struct pb_hcl_attr *at = &b->body->attrs[j];

            add_part(work, m, "locals", pb_arena_printf(work, "local.%s", at->name),
                     (struct pb_tf_part){.file = f, .attr = at});
        }
    }
}

/* ---- modules -------------------------------------------------------------------------------- */

static struct pb_tf_folder *load_folder(struct pb_tf_text *t, const struct pb_tf_text *old,
                                        struct pb_arena *work, const char *dir)
{
    struct pb_tf_folder *m = pb_arena_zalloc(work, sizeof(*m));

    m->dir = pb_arena_strdup(work, dir);
    pb_map_put(&t->folders, dir, m);
    for (int over = 0; over < 2; over++) {
        for (size_t i = 0; i < t->nfiles; i++) {
            struct pb_tf_text_file *f = &t->files[i];

            if ((f->kind != PB_TF_NATIVE && f->kind != PB_TF_JSON) || f->override != over ||
                strcmp(f->dir, dir) != 0)
                continue;
            parse_once(t, f, old, work);
            m->broken |= f->broken != NULL;
            if (f->body)
                add_body(work, m, f);
        }
    }
    t->broken |= m->broken;
    return m;
}

struct pb_tf_folder *pb_tf_text_folder(const struct pb_tf_text *t, const char *dir)
{
    return pb_map_get(&t->folders, dir);
}

const char *pb_tf_called(struct pb_tf_diff *d, const struct pb_tf_folder *m,
                         const struct pb_tf_entry *e)
{
    const char *source = pb_hcl_str(pb_tf_effective(d, e, NULL, "source", NULL));

    return pb_tf_is_local(source) ? pb_tf_resolve(d->work, m->dir, source) : NULL;
}

struct loader {
    struct pb_tf_diff *diff;
    struct pb_tf_text *t;
    const struct pb_tf_text *old;
    const char *chain[CALL_DEPTH];
};

static bool in_chain(const struct loader *l, size_t depth, const char *dir)
{
    for (size_t i = 0; i < depth; i++)
        if (strcmp(l->chain[i], dir) == 0)
            return true;
    return false;
}

/* What is called without end, or too often, the tool itself refuses or nobody can apply. */
static void load_module(struct loader *l, const char *dir, const char *call, size_t depth)
{
    struct pb_tf_folder *m = pb_tf_text_folder(l->t, dir);
    size_t n;

    if (!m)
        m = load_folder(l->t, l->old, l->diff->work, dir);
    pb_strv_add(&m->calls, call);
    if (l->t->ncalls++ >= CALLS_MAX || depth >= CALL_DEPTH) {
        l->t->broken = true;
        return;
    }
    l->chain[depth] = m->dir;
    n = m->entries.n;
    for (size_t i = 0; i < n; i++) {
        const struct pb_tf_entry *e = m->entries.e[i].value;
        const char *to = strcmp(e->kind, "module") == 0 ? pb_tf_called(l->diff, m, e) : NULL;
        PB_AUTO(str) char *path = NULL;

        if (!to || in_chain(l, depth + 1, to))
            continue;
        path = pb_asprintf("%s%s%s", call, *call ? "." : "", e->address);
        load_module(l, to, path, depth + 1);
    }
}

/* Where a call may be missing, every folder with configuration may be called. */
static void load_rest(struct loader *l)
{
    for (size_t i = 0; i < l->t->nfiles; i++) {
        struct pb_tf_text_file *f = &l->t->files[i];

        if ((f->kind == PB_TF_NATIVE || f->kind == PB_TF_JSON) && f->src->text &&
            !pb_tf_text_folder(l->t, f->dir))
            load_folder(l->t, l->old, l->diff->work, f->dir);
    }
}

static void load_modules(struct pb_tf_diff *d, struct pb_tf_text *t, const struct pb_tf_text *old)
{
    struct loader l = {.diff = d, .t = t, .old = old};

    if (t->in->root)
        load_module(&l, t->in->root, "", 0);
    if (t->broken)
        load_rest(&l);
}

static bool is_var_file(const struct pb_text_side *in, const char *path)
{
    for (char *const *v = in->var_files; v && *v; v++)
        if (strcmp(*v, path) == 0)
            return true;
    return false;
}

/* Values and lock files, where they count for the unit. */
static void load_others(struct pb_tf_text *t, const struct pb_tf_text *old, struct pb_arena *work)
{
    for (size_t i = 0; i < t->nfiles && t->in->root; i++) {
        struct pb_tf_text_file *f = &t->files[i];
        bool ours = strcmp(f->dir, t->in->root) == 0;

        if (is_var_file(t->in, f->src->path) && f->kind == PB_TF_OTHER)
            f->kind = PB_TF_VALUES; /* whatever its name is */
        if ((f->kind == PB_TF_LOCK && ours) ||
            (f->kind == PB_TF_VALUES && (ours || is_var_file(t->in, f->src->path))))
            parse_once(t, f, old, work);
    }
}

int pb_tf_text_load(struct pb_tf_diff *d, const struct pb_text_side *before,
                    const struct pb_text_side *after, struct pb_err *err)
{
    if (take_files(&d->before, d->work, before, err) < 0 ||
        take_files(&d->after, d->work, after, err) < 0)
        return -1;
    load_modules(d, &d->before, NULL);
    load_others(&d->before, NULL, d->work);
    load_modules(d, &d->after, &d->before);
    load_others(&d->after, &d->before, d->work);
    if (d->before.broken != d->after.broken) { /* both are to have the same folders to compare */
        struct loader rest = {.diff = d,
                              .t = d->before.broken ? &d->after : &d->before,
                              .old = d->before.broken ? &d->before : NULL};

        if (rest.t->in->root)
            load_rest(&rest);
    }
    return 0;
}

void pb_tf_text_release(struct pb_tf_text *t)
{
    for (size_t i = 0; i < t->folders.n; i++) {
        struct pb_tf_folder *m = t->folders.e[i].value;

        pb_map_release(&m->entries);
        pb_strv_release(&m->calls);
    }
    pb_map_release(&t->folders);
    pb_map_release(&t->by_path);
}
