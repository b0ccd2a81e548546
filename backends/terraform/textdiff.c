/* What changed between two trees, block by block, and the order in which to look. */
#include "backends/terraform/textdiff.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { FINDINGS_MAX = 2000, BLOCKS_MAX = 20000, SHOWN_MAX = 160 };

/* ---- results -------------------------------------------------------------------------------- */

const char *pb_tf_shown(struct pb_tf_diff *d, const char *s)
{
    size_t n = strlen(s);

    if (n <= SHOWN_MAX)
        return s;
    for (n = SHOWN_MAX; n && (s[n] & 0xc0) == 0x80;)
        n--;
    return pb_arena_printf(d->work, "%.*s...", (int)n, s);
}

static const char *kept(struct pb_tf_diff *d, const char *s)
{
    return s ? pb_arena_intern(d->out, s, strlen(s)) : NULL;
}

static void add_finding(struct pb_tf_diff *d, enum pb_tf_rule rule, struct pb_tf_where w,
                        const char *message)
{
    d->findings = pb_grow(d->findings, &d->cfindings, d->nfindings + 1, sizeof(*d->findings));
    d->findings[d->nfindings++] = (struct pb_text_finding){
        .rule = &pb_tf_text_rules[rule],
        .message = message,
        .address = kept(d, w.address ? pb_tf_shown(d, w.address) : NULL),
        .module = kept(d, w.module),
        .file = kept(d, w.file),
        .before = w.before,
        .line = w.line,
        .last_line = w.last_line,
    };
}

/* Somebody who wants to hide one thing among many is told of, and nothing grows without end. */
static bool is_full(struct pb_tf_diff *d, const char *what, size_t n, size_t max,
                    struct pb_tf_where w)
{
    if (n < max)
        return false;
    if (!d->full)
        add_finding(d, PB_TF_TOO_MUCH, (struct pb_tf_where){.file = w.file, .before = w.before},
                    pb_arena_printf(d->out,
                                    "more than %zu %s: the rest is not listed, split the change",
                                    max, what));
    d->full = d->partial = true;
    return true;
}

void pb_tf_found(struct pb_tf_diff *d, enum pb_tf_rule rule, struct pb_tf_where w, const char *fmt,
                 ...)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    va_list ap;

    if (is_full(d, "findings", d->nfindings, FINDINGS_MAX, w))
        return;
    va_start(ap, fmt);
    pb_buf_vaddf(&b, fmt, ap);
    va_end(ap);
    add_finding(d, rule, w, pb_arena_strdup(d->out, b.s));
}

static unsigned last_line(const struct pb_tf_part *part)
{
    unsigned line;

    if (part->block)
        return part->block->last_line;
    if (part->file->kind == PB_TF_JSON)
        return 0;
    line = part->attr->line;
    for (const char *p = part->attr->expr->text; (p = strchr(p, '\n')); p++)
        line++;
    return line;
}

static unsigned first_line(const struct pb_tf_part *part)
{
    if (part->file->kind == PB_TF_JSON)
        return 0; /* its parser does not tell */
    return part->block ? part->block->line : part->attr->line;
}

struct pb_tf_where pb_tf_at_part(const struct pb_tf_folder *m, const struct pb_tf_entry *e,
                                 const struct pb_tf_part *part, bool before)
{
    return (struct pb_tf_where){.module = m->dir,
                                .address = e->address,
                                .file = part->file->src->path,
                                .line = first_line(part),
                                .last_line = last_line(part),
                                .before = before};
}

/* ---- pairs ---------------------------------------------------------------------------------- */

/* The first part of `e` that `other` has not; NULL when it has all of them. Parts of override
 * files have to stand in the same order, the others anywhere. */
static struct pb_tf_part *odd_part(struct pb_tf_diff *d, struct pb_tf_entry *e,
                                   struct pb_tf_entry *other)
{
    PB_AUTO(free) bool *taken = pb_calloc(other->n + 1, sizeof(*taken));
    size_t over = 0;

    for (size_t i = 0; i < e->n; i++) {
        struct pb_tf_part *x = &e->parts[i];
        size_t j;

        for (j = x->file->override ? over : 0; j < other->n; j++)
            if (!taken[j] && pb_tf_same_part(&d->scratch, x, &other->parts[j]))
                break;
        if (j == other->n)
            return x;
        taken[j] = true;
        if (x->file->override)
            over = j + 1;
    }
    return NULL;
}

static const char *const *calls_of(struct pb_tf_diff *d, const struct pb_tf_folder *m)
{
    const char **v = pb_arena_zalloc(d->out, (m->calls.n + 1) * sizeof(*v));

    for (size_t i = 0; i < m->calls.n; i++)
        v[i] = kept(d, m->calls.v[i]);
    return v;
}

/* What a block says of the state is found by itself, and its address is that of something else. */
static bool is_about_state(const struct pb_tf_entry *e)
{
    return strcmp(e->kind, "moved") == 0 || strcmp(e->kind, "import") == 0 ||
           strcmp(e->kind, "removed") == 0;
}

/* In a module that nothing calls any more, and that is as it was: the call is what goes. */
static bool stays(const struct pb_tf_diff *d, const struct pb_tf_part *was)
{
    const struct pb_tf_text_file *now = pb_tf_text_file(&d->after, was->file->src->path);

    return now && strcmp(now->src->id, was->file->src->id) == 0;
}

static void add_block(struct pb_tf_diff *d, const struct pb_tf_pair *p,
                      const struct pb_tf_part *was, const struct pb_tf_part *is)
{
    const struct pb_tf_entry *e = p->now ? p->now : p->old;
    const struct pb_tf_folder *m = p->now ? p->in : p->old_in;
    struct pb_tf_where w = pb_tf_at_part(m, e, is ? is : was, !is);
    const char *address =
        is_about_state(e) ? pb_arena_printf(d->work, "%s %s", e->kind, e->address) : e->address;

    if (is_full(d, "blocks", d->nblocks, BLOCKS_MAX, w))
        return;
    d->blocks = pb_grow(d->blocks, &d->cblocks, d->nblocks + 1, sizeof(*d->blocks));
    d->blocks[d->nblocks++] = (struct pb_text_block){
        .kind = kept(d, e->kind),
        .address = kept(d, pb_tf_shown(d, address)),
        .module = kept(d, m->dir),
        .calls = calls_of(d, m),
        .change = !was  ? PB_TEXT_ADDED
                  : !is ? PB_TEXT_REMOVED
                        : PB_TEXT_CHANGED,
        .uncalled = !is && stays(d, was),
        .file = kept(d, w.file),
        .line = w.line,
        .last_line = w.last_line,
        .old_file = was ? kept(d, was->file->src->path) : NULL,
        .old_line = was ? first_line(was) : 0,
    };
}

static void compare_entry(struct pb_tf_diff *d, const struct pb_tf_pair *p)
{
    struct pb_tf_part *was = p->old ? &p->old->parts[0] : NULL;
    struct pb_tf_part *is = p->now ? &p->now->parts[0] : NULL;

    if (was && is) {
        struct pb_tf_part *gone = odd_part(d, p->old, p->now), *come = odd_part(d, p->now, p->old);

        if (!gone && !come)
            return;
        was = gone ? gone : was;
        is = come ? come : is;
    } else if (!is && (p->in ? p->in->broken : d->after.broken)) {
        return; /* it may be in what cannot be read */
    }
    if (is ? !is_about_state(p->now) : !stays(d, was) || strcmp(p->old->kind, "resource") == 0)
        add_block(d, p, was, is);
    pb_tf_find_in_block(d, p);
    pb_tf_find_sources(d, p);
}

static struct pb_tf_entry *entry_at(const struct pb_tf_folder *m, const char *kind,
                                    const char *address)
{
    PB_AUTO(str) char *key = pb_asprintf("%s %s", kind, address);

    return pb_map_get(&m->entries, key);
}

static bool same_type(const struct pb_tf_entry *a, const struct pb_tf_entry *b)
{
    size_t n = strcspn(a->address, ".");

    return n == strcspn(b->address, ".") && strncmp(a->address, b->address, n) == 0;
}

struct pb_tf_entry *pb_tf_moved_from(struct pb_tf_diff *d, const struct pb_tf_folder *now,
                                     const struct pb_tf_entry *e)
{
    const struct pb_tf_folder *old = pb_tf_text_folder(&d->before, now->dir);

    for (size_t i = 0; old && i < now->entries.n; i++) {
        const struct pb_tf_entry *m = now->entries.e[i].value;
        struct pb_tf_entry *was;

        if (strcmp(m->kind, "moved") != 0 || !pb_streq(pb_tf_text_of(d, m, "to"), e->address))
            continue;
        was = entry_at(old, e->kind, m->address);
        if (was && !entry_at(now, e->kind, m->address) && same_type(was, e))
            return was;
    }
    return NULL;
}

static bool can_move(const struct pb_tf_entry *e)
{
    return strcmp(e->kind, "resource") == 0 || strcmp(e->kind, "module") == 0;
}

static void compare_folder(struct pb_tf_diff *d, const struct pb_tf_folder *old,
                           const struct pb_tf_folder *now)
{
    PB_AUTO(map) struct pb_map moved = PB_MAP_INIT;

    for (size_t i = 0; now && i < now->entries.n; i++) {
        struct pb_tf_entry *e = now->entries.e[i].value;
        struct pb_tf_entry *was = old ? pb_map_get(&old->entries, now->entries.e[i].key) : NULL;

        if (old && !was && can_move(e) && (was = pb_tf_moved_from(d, now, e)))
            pb_map_put(&moved, was->address, was);
        compare_entry(d, &(struct pb_tf_pair){.old_in = old, .in = now, .old = was, .now = e});
    }
    for (size_t i = 0; old && i < old->entries.n; i++) {
        struct pb_tf_entry *e = old->entries.e[i].value;

        if ((!now || !pb_map_has(&now->entries, old->entries.e[i].key)) &&
            pb_map_get(&moved, e->address) != e)
            compare_entry(d, &(struct pb_tf_pair){.old_in = old, .in = now, .old = e});
    }
}

static void compare_folders(struct pb_tf_diff *d)
{
    for (size_t i = 0; i < d->after.folders.n; i++)
        compare_folder(d, pb_tf_text_folder(&d->before, d->after.folders.e[i].key),
                       d->after.folders.e[i].value);
    for (size_t i = 0; i < d->before.folders.n; i++)
        if (!pb_tf_text_folder(&d->after, d->before.folders.e[i].key))
            compare_folder(d, d->before.folders.e[i].value, NULL);
}

/* ---- what cannot be read -------------------------------------------------------------------- */

static bool same_file(const struct pb_tf_text_file *x, const struct pb_tf_text_file *y)
{
    return x && y && strcmp(x->src->id, y->src->id) == 0;
}

static void find_unreadable(struct pb_tf_diff *d, const struct pb_tf_text *t,
                            const struct pb_tf_text *other, bool before)
{
    for (size_t i = 0; i < t->nfiles; i++) {
        const struct pb_tf_text_file *f = &t->files[i];
        const struct pb_tf_text_file *o = pb_tf_text_file(other, f->src->path);

        if (!f->broken || (before && o && o->broken))
            continue;
        d->partial = true;
        pb_tf_found(d, PB_TF_UNREADABLE,
                    (struct pb_tf_where){.module = f->dir, .file = f->src->path, .before = before},
                    "what '%s' %s is not known: %s%s", pb_tf_shown(d, f->src->path),
                    before ? "did before" : "does", pb_tf_shown(d, f->broken),
                    same_file(f, o) ? "; this change does not touch it" : "");
    }
}

static void find_endless(struct pb_tf_diff *d, const struct pb_tf_text *t)
{
    struct pb_tf_folder *root = t->in->root ? pb_tf_text_folder(t, t->in->root) : NULL;

    if (!t->broken || d->partial)
        return;
    d->partial = true;
    pb_tf_found(d, PB_TF_TOO_MUCH, (struct pb_tf_where){.file = t->in->root},
                "modules call each other too often or too deeply below '%s': not all were followed",
                root ? root->dir : "");
}

/* ---- the whole ------------------------------------------------------------------------------ */

static int order(const char *f1, unsigned l1, const char *f2, unsigned l2)
{
    int c = strcmp(f1 ? f1 : "", f2 ? f2 : "");

    return c ? c : (l1 > l2) - (l1 < l2);
}

static int by_place(const void *a, const void *b)
{
    const struct pb_text_finding *x = a, *y = b;
    int c = order(x->file, x->line, y->file, y->line);

    if (c == 0)
        c = (x->rule > y->rule) - (x->rule < y->rule);
    return c ? c : strcmp(x->message, y->message);
}

static int block_by_place(const void *a, const void *b)
{
    const struct pb_text_block *x = a, *y = b;
    int c = order(x->file, x->line, y->file, y->line);

    return c ? c : strcmp(x->address, y->address);
}

static void hand_over(struct pb_text_diff *out, struct pb_tf_diff *d)
{
    struct pb_text_finding *f = pb_arena_alloc(d->out, d->nfindings * sizeof(*f) + 1);
    struct pb_text_block *b = pb_arena_alloc(d->out, d->nblocks * sizeof(*b) + 1);

    if (d->nfindings) {
        qsort(d->findings, d->nfindings, sizeof(*f), by_place);
        memcpy(f, d->findings, d->nfindings * sizeof(*f));
    }
    if (d->nblocks) {
        qsort(d->blocks, d->nblocks, sizeof(*b), block_by_place);
        memcpy(b, d->blocks, d->nblocks * sizeof(*b));
    }
    *out = (struct pb_text_diff){.findings = f,
                                 .nfindings = d->nfindings,
                                 .blocks = b,
                                 .nblocks = d->nblocks,
                                 .partial = d->partial};
    free(d->findings);
    free(d->blocks);
}

int pb_tf_compare_text(struct pb_text_diff *out, struct pb_arena *a,
                       const struct pb_text_side *before, const struct pb_text_side *after,
                       struct pb_err *err)
{
    PB_AUTO(arena) struct pb_arena *work = pb_arena_new();
    struct pb_tf_diff d = {.out = a, .work = work, .scratch = {.work = work}};
    int rc;

    *out = (struct pb_text_diff){0};
    rc = pb_tf_text_load(&d, before, after, err);
    if (rc == 0) {
        find_unreadable(&d, &d.before, &d.after, true);
        find_unreadable(&d, &d.after, &d.before, false);
        find_endless(&d, &d.before);
        find_endless(&d, &d.after);
        compare_folders(&d);
        pb_tf_find_in_files(&d);
        pb_tf_find_in_lock(&d);
        pb_tf_find_in_inputs(&d);
        hand_over(out, &d);
    }
    pb_tf_text_release(&d.before);
    pb_tf_text_release(&d.after);
    pb_arena_free(d.scratch.once);
    return rc;
}
