/* What reaches out of the plan is as it was, but is given something else: a local, a variable, an
 * argument of a module's call; or it is called once more. */
#include <stdlib.h>
#include <string.h>

#include "backends/terraform/hcl_scan.h"
#include "backends/terraform/textdiff.h"
#include "base/mem.h"
#include "base/text.h"

/* A value that is another, and the place that made it so. */
struct origin {
    struct pb_tf_where where;
    const char *name; /* "local.a", of the folder that it is used in */
};

/* Values by folder, newline, name. */
struct inputs {
    struct pb_tf_diff *diff;
    struct pb_map changed; /* -> struct origin, in the order in which they were found */
    struct pb_map users;   /* -> struct pb_strv: the values that are made of it */
};

static char *key_of(const char *dir, const char *name)
{
    return pb_asprintf("%s\n%s", dir, name);
}

static void mark_key(struct inputs *in, const char *key, struct pb_tf_where where)
{
    struct origin *o;

    if (pb_map_has(&in->changed, key))
        return;
    o = pb_arena_alloc(in->diff->work, sizeof(*o));
    *o = (struct origin){where, pb_arena_strdup(in->diff->work, strchr(key, '\n') + 1)};
    pb_map_put(&in->changed, key, o);
}

static void mark(struct inputs *in, const char *dir, const char *name, struct pb_tf_where where)
{
    PB_AUTO(str) char *key = key_of(dir, name);

    mark_key(in, key, where);
}

/* All entries of the tree after. */
static void each(struct inputs *in, void (*fn)(struct inputs *in, const struct pb_tf_folder *m,
                                               const char *key, const struct pb_tf_entry *e))
{
    const struct pb_tf_text *t = &in->diff->after;

    for (size_t i = 0; i < t->folders.n; i++) {
        const struct pb_tf_folder *m = t->folders.e[i].value;

        for (size_t k = 0; k < m->entries.n; k++)
            fn(in, m, m->entries.e[k].key, m->entries.e[k].value);
    }
}

/* ---- what an expression uses ----------------------------------------------------------------- */

/* Called with each local and variable that is named; true from it ends the search. */
typedef bool use_fn(void *ctx, const char *name);

static bool is_name(char c)
{
    return pb_hcl_is_ident(c) && c != '.';
}

static bool in_text(const char *text, use_fn *fn, void *ctx)
{
    static const char *const scopes[] = {"local.", "var."};
    bool done = false;

    for (size_t k = 0; k < PB_COUNT(scopes) && !done; k++) {
        size_t n = strlen(scopes[k]), len;

        for (const char *s = text; !done && (s = strstr(s, scopes[k])); s += len) {
            PB_AUTO(str) char *name = NULL;

            for (len = n; is_name(s[len]);)
                len++;
            if (s > text && (is_name(s[-1]) || s[-1] == '.'))
                continue;
            name = pb_strndup(s, len);
            done = fn(ctx, name);
        }
    }
    return done;
}

static bool in_expr(const struct pb_hcl_expr *e, use_fn *fn, void *ctx)
{
    const char *text = e->text ? e->text : pb_hcl_str(e);
    bool done = text && in_text(text, fn, ctx);

    for (size_t i = 0; i < e->n && !text && !done; i++) /* from JSON: a list has no text */
        done = in_expr(&e->items[i], fn, ctx);
    return done;
}

static bool in_body(const struct pb_hcl_body *b, use_fn *fn, void *ctx)
{
    bool done = false;

    for (size_t i = 0; i < b->nattrs && !done; i++)
        done = in_expr(b->attrs[i].expr, fn, ctx);
    for (size_t i = 0; i < b->nblocks && !done; i++)
        done = in_body(b->blocks[i].body, fn, ctx);
    return done;
}

/* ---- where changes begin --------------------------------------------------------------------- */

static const struct pb_tf_entry *before_of(const struct inputs *in, const struct pb_tf_folder *m,
                                           const char *key)
{
    const struct pb_tf_folder *old = pb_tf_text_folder(&in->diff->before, m->dir);

    return old ? pb_map_get(&old->entries, key) : NULL;
}

static bool same_expr(struct pb_tf_diff *d, const struct pb_hcl_expr *x,
                      const struct pb_hcl_expr *y)
{
    const struct pb_hcl_attr a = {.name = "", .expr = x}, b = {.name = "", .expr = y};

    if (!x || !y)
        return x == y;
    return strcmp(pb_tf_canon_attr(&d->scratch, &a), pb_tf_canon_attr(&d->scratch, &b)) == 0;
}

static const struct pb_hcl_expr *value_of(struct pb_tf_diff *d, const struct pb_tf_entry *e,
                                          const struct pb_tf_part **part)
{
    if (!e)
        return NULL;
    if (strcmp(e->kind, "variable") == 0)
        return pb_tf_effective(d, e, NULL, "default", part);
    *part = &e->parts[e->n - 1];
    return (*part)->attr->expr;
}

/* Of locals and of what variables are where nobody sets them. */
static void begin_value(struct inputs *in, const struct pb_tf_folder *m, const char *key,
                        const struct pb_tf_entry *e)
{
    struct pb_tf_diff *d = in->diff;
    const struct pb_tf_part *part = &e->parts[0], *old_part = NULL;
    const struct pb_hcl_expr *now = value_of(d, e, &part);

    if (!same_expr(d, value_of(d, before_of(in, m, key), &old_part), now))
        mark(in, m->dir, e->address, pb_tf_at_part(m, e, part, false));
}

/* What a call hands on. */
static void begin_call(struct inputs *in, const struct pb_tf_folder *m, const char *key,
                       const struct pb_tf_entry *e)
{
    const char *to = pb_tf_called(in->diff, m, e);
    const struct pb_tf_entry *was = before_of(in, m, key);

    for (size_t i = 0; to && i < e->n; i++) {
        const struct pb_hcl_body *b = e->parts[i].block->body;

        for (size_t k = 0; k < b->nattrs; k++) {
            const char *name = b->attrs[k].name;
            PB_AUTO(str) char *var = pb_asprintf("var.%s", name);
            struct pb_tf_where w = pb_tf_at_part(m, e, &e->parts[i], false);

            if (same_expr(in->diff, pb_tf_effective(in->diff, was, NULL, name, NULL),
                          pb_tf_effective(in->diff, e, NULL, name, NULL)))
                continue;
            if (w.line)
                w.line = w.last_line = b->attrs[k].line;
            mark(in, to, var, w);
        }
    }
}

static void begin_entry(struct inputs *in, const struct pb_tf_folder *m, const char *key,
                        const struct pb_tf_entry *e)
{
    if (strcmp(e->kind, "locals") == 0 || strcmp(e->kind, "variable") == 0)
        begin_value(in, m, key, e);
    else if (strcmp(e->kind, "module") == 0)
        begin_call(in, m, key, e);
}

/* Files of values set the root's variables. */
static void begin_files(struct inputs *in, const struct pb_tf_text *t,
                        const struct pb_tf_text *other, bool before)
{
    for (size_t i = 0; i < t->nfiles; i++) {
        const struct pb_tf_text_file *f = &t->files[i], *o = pb_tf_text_file(other, f->src->path);
        struct pb_tf_where w = {.module = f->dir, .file = f->src->path, .before = before};
        PB_AUTO(strv) struct pb_strv names = PB_STRV_INIT;

        if (f->kind != PB_TF_VALUES || !f->body || (o && strcmp(o->src->id, f->src->id) == 0))
            continue;
        pb_tf_list_changed(&names, in->diff, f->body, o ? o->body : NULL);
        for (size_t k = 0; k < names.n; k++) {
            PB_AUTO(str) char *name = pb_asprintf("var.%s", names.v[k]);

            mark(in, in->diff->after.in->root, name, w);
        }
    }
}

/* ---- how they spread ------------------------------------------------------------------------- */

struct spreading {
    struct inputs *in;
    const char *dir; /* of the expression that is looked at */
    const char *to;  /* the value that it makes, as a key */
};

static bool add_use(void *ctx, const char *name)
{
    const struct spreading *s = ctx;
    PB_AUTO(str) char *key = key_of(s->dir, name);
    struct pb_strv *users = pb_map_get(&s->in->users, key);

    if (!users) {
        users = pb_calloc(1, sizeof(*users));
        pb_map_put(&s->in->users, key, users);
    }
    pb_strv_add(users, s->to);
    return false;
}

static void link_call(struct inputs *in, const struct pb_tf_folder *m, const struct pb_tf_entry *e)
{
    const char *to = pb_tf_called(in->diff, m, e);

    for (size_t i = 0; to && i < e->n; i++) {
        const struct pb_hcl_body *b = e->parts[i].block->body;

        for (size_t k = 0; k < b->nattrs; k++) {
            PB_AUTO(str) char *key = pb_asprintf("%s\nvar.%s", to, b->attrs[k].name);
            struct spreading s = {in, m->dir, key};

            in_expr(b->attrs[k].expr, add_use, &s);
        }
    }
}

static void link_entry(struct inputs *in, const struct pb_tf_folder *m, const char *key,
                       const struct pb_tf_entry *e)
{
    PB_AUTO(str) char *made = key_of(m->dir, e->address);
    struct spreading s = {in, m->dir, made};

    (void)key;
    if (strcmp(e->kind, "module") == 0)
        link_call(in, m, e);
    for (size_t p = 0; strcmp(e->kind, "locals") == 0 && p < e->n; p++)
        in_expr(e->parts[p].attr->expr, add_use, &s);
}

/* Each value once: those that are found on the way are appended to what is gone through. */
static void spread(struct inputs *in)
{
    for (size_t i = 0; i < in->changed.n; i++) {
        const struct origin *o = in->changed.e[i].value;
        const struct pb_strv *users = pb_map_get(&in->users, in->changed.e[i].key);

        for (size_t k = 0; users && k < users->n; k++)
            mark_key(in, users->v[k], o->where);
    }
}

/* ---- what is given them ---------------------------------------------------------------------- */

struct looking {
    const struct inputs *in;
    const char *dir;
    const struct origin *found;
};

static bool is_changed(void *ctx, const char *name)
{
    struct looking *l = ctx;
    PB_AUTO(str) char *key = key_of(l->dir, name);

    l->found = pb_map_get(&l->in->changed, key);
    return l->found != NULL;
}

static bool same_block(struct pb_tf_diff *d, const struct pb_hcl_block *x,
                       const struct pb_hcl_block *y)
{
    if (x->text && y->text && strcmp(x->text, y->text) == 0)
        return true;
    return strcmp(pb_tf_canon_block(&d->scratch, x), pb_tf_canon_block(&d->scratch, y)) == 0;
}

/* What is not as it was is found by itself. */
static bool was_there(const struct inputs *in, const struct pb_tf_folder *m, const char *key,
                      const struct pb_tf_outward *one)
{
    const struct pb_tf_entry *old = before_of(in, m, key);
    const struct pb_tf_outward *v;
    size_t n = old ? pb_tf_outwards(&v, in->diff, old) : 0;

    for (size_t i = 0; i < n; i++)
        if (same_block(in->diff, v[i].block, one->block))
            return true;
    return false;
}

/* The first setting of the block that is made of a value that is another; NULL: none is. */
static const char *setting_given(struct looking *l, const struct pb_hcl_body *b)
{
    for (size_t i = 0; i < b->nattrs; i++)
        if (in_expr(b->attrs[i].expr, is_changed, l))
            return b->attrs[i].name;
    for (size_t i = 0; i < b->nblocks; i++)
        if (in_body(b->blocks[i].body, is_changed, l))
            return b->blocks[i].type;
    return NULL;
}

static void look_at(struct inputs *in, const struct pb_tf_folder *m, const char *key,
                    const struct pb_tf_entry *e)
{
    struct pb_tf_diff *d = in->diff;
    const struct pb_tf_outward *v;
    size_t n = pb_tf_outwards(&v, d, e);

    for (size_t i = 0; i < n; i++) {
        struct looking l = {in, m->dir, NULL};
        const char *setting = setting_given(&l, v[i].block->body);
        struct pb_tf_where w;

        if (!setting || !was_there(in, m, key, &v[i]))
            continue;
        w = l.found->where;
        w.address = e->address;
        pb_tf_found(d, v[i].changed, w, "'%s' %s: its '%s' is given '%s', which is another",
                    pb_tf_shown(d, e->address), v[i].does, pb_tf_shown(d, setting),
                    pb_tf_shown(d, l.found->name));
    }
}

/* ---- what is called once more ---------------------------------------------------------------- */

static void bring(struct inputs *in, struct pb_tf_where w, const char *dir, struct pb_map *seen)
{
    struct pb_tf_diff *d = in->diff;
    const struct pb_tf_folder *m = pb_tf_text_folder(&d->after, dir);

    /* All of a module that is new is found by itself. */
    if (!m || !pb_tf_text_folder(&d->before, dir) || pb_map_put(seen, dir, in))
        return;
    for (size_t i = 0; i < m->entries.n; i++) {
        const struct pb_tf_entry *e = m->entries.e[i].value;
        const struct pb_tf_outward *v;
        size_t n = pb_tf_outwards(&v, d, e);

        for (size_t k = 0; k < n; k++)
            if (v[k].added && was_there(in, m, m->entries.e[i].key, &v[k]))
                pb_tf_found(d, *v[k].added, w, "'%s' brings '%s', which %s",
                            pb_tf_shown(d, w.address), pb_tf_shown(d, e->address), v[k].does);
        if (strcmp(e->kind, "module") == 0 && pb_tf_called(d, m, e))
            bring(in, w, pb_tf_called(d, m, e), seen);
    }
}

static void look_for_call(struct inputs *in, const struct pb_tf_folder *m, const char *key,
                          const struct pb_tf_entry *e)
{
    const char *to = strcmp(e->kind, "module") == 0 ? pb_tf_called(in->diff, m, e) : NULL;
    PB_AUTO(map) struct pb_map seen = PB_MAP_INIT;

    if (to && !before_of(in, m, key) && !pb_tf_moved_from(in->diff, m, e))
        bring(in, pb_tf_at_part(m, e, &e->parts[0], false), to, &seen);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void release(struct inputs *in)
{
    for (size_t i = 0; i < in->users.n; i++) {
        pb_strv_release(in->users.e[i].value);
        free(in->users.e[i].value);
    }
    pb_map_release(&in->users);
    pb_map_release(&in->changed);
}

void pb_tf_find_in_inputs(struct pb_tf_diff *d)
{
    struct inputs in = {.diff = d, .changed = PB_MAP_INIT, .users = PB_MAP_INIT};

    /* A unit that is new, or gone, is found by its blocks. */
    if (!d->before.in->root || !d->after.in->root)
        return;
    each(&in, begin_entry);
    begin_files(&in, &d->after, &d->before, false);
    begin_files(&in, &d->before, &d->after, true);
    if (in.changed.n)
        each(&in, link_entry);
    spread(&in);
    each(&in, look_at);
    each(&in, look_for_call);
    release(&in);
}
