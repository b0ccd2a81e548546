/* Files that count by being there: overrides, values, scripts, what a tool keeps for itself. */
#include <stdlib.h>
#include <string.h>

#include "backends/terraform/hcl_scan.h"
#include "backends/terraform/textdiff.h"
#include "base/mem.h"
#include "base/text.h"

enum { NAMES_MAX = 8 };

static bool same(const struct pb_tf_text_file *x, const struct pb_tf_text_file *y)
{
    return x && y && strcmp(x->src->id, y->src->id) == 0;
}

/* ---- names ---------------------------------------------------------------------------------- */

static const struct pb_hcl_attr *attr(const struct pb_hcl_body *b, const char *name)
{
    for (size_t i = 0; b && i < b->nattrs; i++)
        if (strcmp(b->attrs[i].name, name) == 0)
            return &b->attrs[i];
    return NULL;
}

/* All blocks of one type, in their order. */
static const char *blocks_of(struct pb_tf_diff *d, const struct pb_hcl_body *b, const char *type)
{
    PB_AUTO(buf) struct pb_buf all = PB_BUF_INIT;

    for (size_t i = 0; b && i < b->nblocks; i++)
        if (strcmp(b->blocks[i].type, type) == 0)
            pb_buf_adds(&all, pb_tf_canon_block(&d->scratch, &b->blocks[i]));
    return pb_arena_strndup(d->work, all.s, all.len);
}

static void add_changed(struct pb_strv *out, struct pb_tf_diff *d, const struct pb_hcl_body *b,
                        const struct pb_hcl_body *other)
{
    for (size_t i = 0; b && i < b->nattrs; i++) {
        const struct pb_hcl_attr *x = &b->attrs[i], *y = attr(other, x->name);

        if ((!y ||
             strcmp(pb_tf_canon_attr(&d->scratch, x), pb_tf_canon_attr(&d->scratch, y)) != 0) &&
            !pb_strv_has(out, x->name))
            pb_strv_add(out, x->name);
    }
    for (size_t i = 0; b && i < b->nblocks; i++) {
        const char *type = b->blocks[i].type;

        if (!pb_strv_has(out, type) &&
            strcmp(blocks_of(d, b, type), blocks_of(d, other, type)) != 0)
            pb_strv_add(out, type);
    }
}

void pb_tf_list_changed(struct pb_strv *out, struct pb_tf_diff *d, const struct pb_hcl_body *old,
                        const struct pb_hcl_body *now)
{
    add_changed(out, d, now, old);
    add_changed(out, d, old, now);
}

const char *pb_tf_names_changed(struct pb_tf_diff *d, const struct pb_hcl_body *old,
                                const struct pb_hcl_body *now)
{
    PB_AUTO(strv) struct pb_strv names = PB_STRV_INIT;
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    pb_tf_list_changed(&names, d, old, now);
    for (size_t i = 0; i < names.n && i < NAMES_MAX; i++)
        pb_buf_addf(&b, "%s'%s'",
                    !i                 ? ""
                    : i + 1 == names.n ? " and "
                                       : ", ",
                    pb_tf_shown(d, names.v[i]));
    if (names.n > NAMES_MAX)
        pb_buf_addf(&b, " and %zu more", names.n - NAMES_MAX);
    return names.n ? pb_arena_strdup(d->work, b.s) : "nothing";
}

/* ---- overrides and values ------------------------------------------------------------------- */

/* A file on both sides, one of which may not have it. `f` is the one that counts. */
struct twin {
    const struct pb_tf_text_file *old, *now, *f;
};

static struct pb_tf_where at(const struct pb_tf_text_file *f, bool before)
{
    return (struct pb_tf_where){.module = f->dir, .file = f->src->path, .before = before};
}

static void override(struct pb_tf_diff *d, const struct twin *t)
{
    const struct pb_tf_text_file *old = t->old, *now = t->now, *f = t->f;
    const char *path = pb_tf_shown(d, f->src->path);

    if (!now)
        pb_tf_found(d, PB_TF_OVERRIDE_FILE_REMOVED, at(f, true),
                    "'%s' no longer beats what the other files of its folder say", path);
    else
        pb_tf_found(d, old ? PB_TF_OVERRIDE_FILE_CHANGED : PB_TF_OVERRIDE_FILE_ADDED, at(f, false),
                    "%s '%s' beats what the other files of its folder say of the same blocks",
                    old ? "the changed" : "the new", path);
}

static bool loads_itself(const char *name)
{
    return strcmp(name, "terraform.tfvars") == 0 || strcmp(name, "terraform.tfvars.json") == 0 ||
           pb_ends_with(name, ".auto.tfvars") || pb_ends_with(name, ".auto.tfvars.json");
}

static bool is_var_file(const struct pb_text_side *in, const char *path)
{
    for (char *const *v = in->var_files; v && *v; v++)
        if (strcmp(*v, path) == 0)
            return true;
    return false;
}

static void values(struct pb_tf_diff *d, const struct twin *t)
{
    const struct pb_tf_text_file *old = t->old, *now = t->now, *f = t->f;
    const char *path = pb_tf_shown(d, f->src->path);
    const char *names = pb_tf_names_changed(d, old ? old->body : NULL, now ? now->body : NULL);

    if (strcmp(f->dir, d->after.in->root) == 0 && loads_itself(f->name))
        pb_tf_found(d,
                    !now   ? PB_TF_AUTO_VARS_REMOVED
                    : !old ? PB_TF_AUTO_VARS_ADDED
                           : PB_TF_AUTO_VARS_CHANGED,
                    at(f, !now),
                    !now   ? "'%s' no longer sets %s"
                    : !old ? "'%s' is loaded by being there, and sets %s"
                           : "'%s' is loaded by being there, and changes %s",
                    path, names);
    else if (is_var_file(d->after.in, f->src->path) || is_var_file(d->before.in, f->src->path))
        pb_tf_found(d, PB_TF_VAR_FILE_CHANGED, at(f, !now), "the var file '%s' %s %s", path,
                    !now  ? "is gone, and with it"
                    : old ? "changes"
                          : "sets",
                    names);
}

/* ---- files that are read or run ------------------------------------------------------------- */

/* Whether text has the name as a word of its own: "run.sh" in "${path.module}/run.sh". */
static bool mentions(const char *text, const char *name)
{
    size_t n = strlen(name);

    for (const char *s = text; (s = strstr(s, name)); s++)
        if ((s == text || !pb_hcl_is_ident(s[-1])) && !pb_hcl_is_ident(s[n]))
            return true;
    return false;
}

static const char *text_of(const struct pb_tf_part *part)
{
    if (part->file->kind == PB_TF_JSON) /* its blocks have no text of their own */
        return part->file->src->text;
    return part->block ? part->block->text : part->attr->expr->text;
}

struct reader {
    const struct pb_tf_folder *module;
    const struct pb_tf_entry *entry;
    const struct pb_tf_part *part;
};

/* Who names the file, and runs what it names (`runs`) or only reads it. */
static bool find_reader(struct reader *out, struct pb_tf_diff *d, const char *name, bool runs)
{
    for (size_t i = 0; i < d->after.folders.n; i++) {
        const struct pb_tf_folder *m = d->after.folders.e[i].value;

        for (size_t j = 0; j < m->entries.n; j++) {
            const struct pb_tf_entry *e = m->entries.e[j].value;

            if (runs && !pb_tf_entry_runs(e))
                continue;
            for (size_t k = 0; k < e->n; k++) {
                const char *text = text_of(&e->parts[k]);

                if (!text || !mentions(text, name))
                    continue;
                *out = (struct reader){m, e, &e->parts[k]};
                return true;
            }
        }
    }
    return false;
}

static bool is_below(const char *path, const char *dir)
{
    size_t n = strlen(dir);

    return !n || (strncmp(path, dir, n) == 0 && path[n] == '/');
}

/* Something that runs programs in a module's folder that the file is in, or below. */
static bool find_near(struct reader *out, struct pb_tf_diff *d, const char *path)
{
    for (size_t i = 0; i < d->after.folders.n; i++) {
        const struct pb_tf_folder *m = d->after.folders.e[i].value;

        for (size_t j = 0; is_below(path, m->dir) && j < m->entries.n; j++) {
            const struct pb_tf_entry *e = m->entries.e[j].value;
            const struct pb_tf_part *part = pb_tf_entry_runs(e);

            if (!part)
                continue;
            *out = (struct reader){m, e, part};
            return true;
        }
    }
    return false;
}

static void other(struct pb_tf_diff *d, const struct twin *t)
{
    const struct pb_tf_text_file *old = t->old, *now = t->now, *f = t->f;
    struct pb_tf_where w = at(f, !now);
    const char *path = pb_tf_shown(d, f->src->path);
    const char *how = !now ? "gone" : old ? "another" : "new";
    struct reader r;

    w.module = NULL;
    if (find_reader(&r, d, f->name, true)) {
        w.address = r.entry->address;
        pb_tf_found(d, PB_TF_RUN_FILE_CHANGED, w, "'%s', which '%s' names and may run, is %s", path,
                    pb_tf_shown(d, r.entry->address), how);
    } else if (find_reader(&r, d, f->name, false)) {
        w.address = r.entry->address;
        pb_tf_found(d, PB_TF_READ_FILE_CHANGED, w, "'%s', which '%s' names, is %s", path,
                    pb_tf_shown(d, r.entry->address), how);
    } else if (find_near(&r, d, f->src->path)) {
        w.address = r.entry->address;
        pb_tf_found(d, PB_TF_NEAR_RUN_FILE_CHANGED, w,
                    "'%s' is %s, and '%s' of the same folder runs programs that may use it", path,
                    how, pb_tf_shown(d, r.entry->address));
    }
}

/* ---- what a tool keeps ---------------------------------------------------------------------- */

static bool tool_keeps(const char *path, const char *root)
{
    const char *rest = path + strlen(root) + (*root != '\0');

    return is_below(path, root) && pb_starts_with(rest, ".terraform/");
}

static bool is_state(const char *path, const char *root)
{
    const char *rest = path + strlen(root) + (*root != '\0');

    return is_below(path, root) && ((pb_ends_with(path, ".tfstate") && !strchr(rest, '/')) ||
                                    (pb_ends_with(path, ".tfstate.backup") && !strchr(rest, '/')) ||
                                    pb_starts_with(rest, "terraform.tfstate.d/"));
}

static void one_file(struct pb_tf_diff *d, const struct pb_tf_text_file *old,
                     const struct pb_tf_text_file *now)
{
    const struct pb_tf_text_file *f = now ? now : old;
    struct twin t = {old, now, f};
    const char *root = d->after.in->root, *path = pb_tf_shown(d, f->src->path);
    bool ours = pb_tf_text_folder(now ? &d->after : &d->before, f->dir) != NULL;

    if (same(old, now))
        return;
    if (now && tool_keeps(f->src->path, root))
        pb_tf_found(d, PB_TF_TOOL_FOLDER_CHANGED, at(f, false),
                    "'%s' is part of the commit: the tool takes what is in there for its own",
                    path);
    else if (now && is_state(f->src->path, root))
        pb_tf_found(d, PB_TF_STATE_FILE_CHANGED, at(f, false),
                    "the state '%s' is part of the commit, with the secrets that it has", path);
    else if (f->kind == PB_TF_LOCK)
        return; /* textdiff_lock.c */
    else if (f->override && ours)
        override(d, &t);
    else if (f->kind == PB_TF_VALUES &&
             (loads_itself(f->name) || is_var_file(d->after.in, f->src->path) ||
              is_var_file(d->before.in, f->src->path)))
        values(d, &t);
    else if (!ours || (f->kind != PB_TF_NATIVE && f->kind != PB_TF_JSON))
        other(d, &t);
}

void pb_tf_find_in_files(struct pb_tf_diff *d)
{
    if (!d->after.in->root)
        return; /* with the unit its files are gone */
    for (size_t i = 0; i < d->after.nfiles; i++)
        one_file(d, pb_tf_text_file(&d->before, d->after.files[i].src->path), &d->after.files[i]);
    for (size_t i = 0; i < d->before.nfiles; i++)
        if (!pb_tf_text_file(&d->after, d->before.files[i].src->path))
            one_file(d, &d->before.files[i], NULL);
}
