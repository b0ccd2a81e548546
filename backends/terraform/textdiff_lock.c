/* What a change of the lock file lets run. */
#include <stdlib.h>
#include <string.h>

#include "backends/terraform/textdiff.h"
#include "base/mem.h"
#include "base/text.h"

/* ---- entries --------------------------------------------------------------------------------- */

struct pin {
    const char *version;
    struct pb_strv hashes;
    unsigned line, last_line;
};

static const struct pb_hcl_expr *whole(struct pb_tf_diff *d, const struct pb_hcl_expr *e)
{
    if (e && e->kind == PB_HCL_OTHER)
        return pb_hcl_expr_of(d->work, e->text, strlen(e->text), e->file);
    return e;
}

static void read_pin(struct pin *out, struct pb_tf_diff *d, const struct pb_hcl_block *b)
{
    const struct pb_hcl_expr *v = whole(d, pb_hcl_attr_of(b->body, "version"));
    const struct pb_hcl_expr *h = whole(d, pb_hcl_attr_of(b->body, "hashes"));

    *out = (struct pin){.version = pb_hcl_str(v) ? pb_hcl_str(v) : "unknown",
                        .line = b->line,
                        .last_line = b->last_line};
    for (size_t i = 0; h && h->kind == PB_HCL_LIST && i < h->n; i++)
        if (pb_hcl_str(&h->items[i]) && *pb_hcl_str(&h->items[i]))
            pb_strv_add(&out->hashes, pb_hcl_str(&h->items[i]));
    pb_strv_sort(&out->hashes);
}

static const struct pb_hcl_block *pinned(const struct pb_hcl_body *b, const char *source)
{
    const struct pb_hcl_block *p;

    for (size_t i = 0; b && (p = pb_hcl_block_of(b, "provider", i)); i++)
        if (strcmp(pb_hcl_label(p, 0), source) == 0)
            return p;
    return NULL;
}

/* ---- versions -------------------------------------------------------------------------------- */

static bool number(const char **s, unsigned long *n)
{
    char *end;

    if (**s < '0' || **s > '9')
        return false;
    *n = strtoul(*s, &end, 10);
    *s = end;
    return true;
}

/* < 0, 0, > 0 as 1.2.3 does; false when these are no such versions. One before a release ("-rc1")
 * comes before it; two of these are in no order that matters here. */
static bool compare_versions(int *out, const char *x, const char *y)
{
    for (int i = 0; i < 3; i++) {
        unsigned long a, b;

        if ((i && (*x++ != '.' || *y++ != '.')) || !number(&x, &a) || !number(&y, &b))
            return false;
        *out = (a > b) - (a < b);
        if (*out)
            return true;
    }
    if (*x && *y)
        return strcmp(x, y) == 0;
    *out = (*y == '-') - (*x == '-');
    return true;
}

static void version(struct pb_tf_diff *d, struct pb_tf_where w, const char *name, const char *was,
                    const char *now)
{
    int c = 0;

    if (strcmp(was, now) == 0)
        return;
    if (!compare_versions(&c, now, was) || c == 0)
        pb_tf_found(d, PB_TF_LOCK_VERSION_CHANGED, w, "'%s' runs as '%s' instead of '%s'", name,
                    pb_tf_shown(d, now), pb_tf_shown(d, was));
    else
        pb_tf_found(d, c > 0 ? PB_TF_LOCK_VERSION_RAISED : PB_TF_LOCK_VERSION_LOWERED, w,
                    "'%s' goes %s from %s to %s", name, c > 0 ? "up" : "back", pb_tf_shown(d, was),
                    pb_tf_shown(d, now));
}

/* ---- hashes ---------------------------------------------------------------------------------- */

static size_t count_missing(const struct pb_strv *of, const struct pb_strv *in)
{
    size_t n = 0, j = 0;

    for (size_t i = 0; i < of->n; i++) { /* both are sorted */
        while (j < in->n && strcmp(in->v[j], of->v[i]) < 0)
            j++;
        n += j == in->n || strcmp(in->v[j], of->v[i]) != 0;
    }
    return n;
}

static void hashes(struct pb_tf_diff *d, struct pb_tf_where w, const char *name,
                   const struct pin *was, const struct pin *now)
{
    size_t gone, come;

    if (!now->hashes.n) {
        if (!was || was->hashes.n)
            pb_tf_found(d, PB_TF_LOCK_HASHES_MISSING, w,
                        "'%s' has no hashes: any package of that name is taken for it", name);
        return;
    }
    if (!was || strcmp(was->version, now->version) != 0)
        return;
    gone = count_missing(&was->hashes, &now->hashes);
    come = count_missing(&now->hashes, &was->hashes);
    if (gone && come)
        pb_tf_found(
            d, PB_TF_LOCK_HASHES_CHANGED, w,
            "'%s' is still %s, but has other hashes (%zu of %zu): the same version does not "
            "change its packages",
            name, pb_tf_shown(d, now->version), come, now->hashes.n);
    else if (gone)
        pb_tf_found(d, PB_TF_LOCK_HASHES_DROPPED, w, "'%s' loses %zu of its %zu hashes", name, gone,
                    was->hashes.n);
    else if (come)
        pb_tf_found(d, PB_TF_LOCK_HASHES_ADDED, w,
                    "'%s' gets %zu more hashes for version %s, as for other platforms", name, come,
                    pb_tf_shown(d, now->version));
}

/* ---- the file -------------------------------------------------------------------------------- */

/* Another provider of the same type, from another host or namespace. */
static const char *lookalike(const struct pb_hcl_body *b, const char *source)
{
    const char *type = strrchr(source, '/');
    const struct pb_hcl_block *p;

    for (size_t i = 0; b && type && (p = pb_hcl_block_of(b, "provider", i)); i++) {
        const char *other = pb_hcl_label(p, 0), *slash = strrchr(other, '/');

        if (slash && strcmp(slash, type) == 0 && strcmp(other, source) != 0)
            return other;
    }
    return NULL;
}

static void added(struct pb_tf_diff *d, struct pb_tf_where w, const char *source,
                  const struct pin *now, const struct pb_hcl_body *old,
                  const struct pb_hcl_body *all)
{
    const char *like = lookalike(old, source);

    if (!like)
        like = lookalike(all, source);
    if (like)
        pb_tf_found(d, PB_TF_LOCK_PROVIDER_LOOKALIKE, w,
                    "'%s' is pinned at %s: it is called as '%s' is, and comes from somebody else",
                    pb_tf_shown(d, source), pb_tf_shown(d, now->version), pb_tf_shown(d, like));
    else if (old)
        pb_tf_found(d, PB_TF_LOCK_PROVIDER_ADDED, w,
                    "'%s' is pinned at %s: it was not there before", pb_tf_shown(d, source),
                    pb_tf_shown(d, now->version));
}

static void pins(struct pb_tf_diff *d, const struct pb_tf_text_file *old,
                 const struct pb_tf_text_file *now)
{
    const struct pb_hcl_body *before = old ? old->body : NULL;
    const struct pb_hcl_block *b;

    for (size_t i = 0; (b = pb_hcl_block_of(now->body, "provider", i)); i++) {
        const char *source = pb_hcl_label(b, 0), *name = pb_tf_shown(d, source);
        const struct pb_hcl_block *o = pinned(before, source);
        struct pin is = {0}, was = {0};
        struct pb_tf_where w = {.file = now->src->path, .line = b->line, .last_line = b->last_line};

        read_pin(&is, d, b);
        if (o) {
            read_pin(&was, d, o);
            version(d, w, name, was.version, is.version);
        } else {
            added(d, w, source, &is, before, now->body);
        }
        hashes(d, w, name, o ? &was : NULL, &is);
        pb_strv_release(&is.hashes);
        pb_strv_release(&was.hashes);
    }
    for (size_t i = 0; before && (b = pb_hcl_block_of(before, "provider", i)); i++)
        if (!pinned(now->body, pb_hcl_label(b, 0)))
            pb_tf_found(d, PB_TF_LOCK_PROVIDER_REMOVED,
                        (struct pb_tf_where){.file = old->src->path,
                                             .line = b->line,
                                             .last_line = b->last_line,
                                             .before = true},
                        "'%s' is not pinned any more", pb_tf_shown(d, pb_hcl_label(b, 0)));
}

void pb_tf_find_in_lock(struct pb_tf_diff *d)
{
    const char *root = d->after.in->root;
    PB_AUTO(str) char *path = NULL;
    const struct pb_tf_text_file *old, *now;

    if (!root)
        return;
    path = pb_asprintf("%s%s.terraform.lock.hcl", root, *root ? "/" : "");
    old = pb_tf_text_file(&d->before, path);
    now = pb_tf_text_file(&d->after, path);
    if ((old && now && strcmp(old->src->id, now->src->id) == 0) || (old && old->broken))
        return; /* the same, or what it pinned is not known, which is said */
    if (old && !now)
        pb_tf_found(d, PB_TF_LOCK_FILE_REMOVED, (struct pb_tf_where){.file = path, .before = true},
                    "'%s' is gone: whatever version of a provider is newest runs", path);
    else if (now && !old && d->before.in->root)
        pb_tf_found(d, PB_TF_LOCK_FILE_ADDED, (struct pb_tf_where){.file = path},
                    "'%s' pins the providers from now on", path);
    if (now && now->body)
        pins(d, old, now);
}
