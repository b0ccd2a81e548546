/* Where what a change runs comes from: modules, providers, the tool; and where the state goes. */
#include <stdlib.h>
#include <string.h>

#include "backends/terraform/module.h"
#include "backends/terraform/textdiff.h"
#include "base/mem.h"
#include "base/text.h"

static struct pb_tf_where at(const struct pb_tf_pair *p, const struct pb_tf_part *part)
{
    if (p->now)
        return pb_tf_at_part(p->in, p->now, part ? part : &p->now->parts[0], false);
    return pb_tf_at_part(p->old_in, p->old, part ? part : &p->old->parts[0], true);
}

/* ---- sources of modules ---------------------------------------------------------------------- */

enum origin { LOCAL, REGISTRY, GIT, MERCURIAL, ARCHIVE, STORE, ELSEWHERE };

static bool is_git(const char *s)
{
    static const char *const marks[] = {"git::",       "git@",           "git://", "ssh://",
                                        "github.com/", "bitbucket.org/", ".git?",  ".git//"};

    for (size_t i = 0; i < PB_COUNT(marks); i++)
        if (i < 6 ? pb_starts_with(s, marks[i]) : strstr(s, marks[i]) != NULL)
            return true;
    return pb_ends_with(s, ".git");
}

static enum origin origin_of(const char *s)
{
    size_t slashes = 0;

    if (pb_tf_is_local(s))
        return LOCAL;
    if (is_git(s))
        return GIT;
    if (pb_starts_with(s, "hg::"))
        return MERCURIAL;
    if (pb_starts_with(s, "s3::") || pb_starts_with(s, "gcs::"))
        return STORE;
    if (pb_starts_with(s, "http:") || pb_starts_with(s, "https:"))
        return ARCHIVE;
    for (const char *p = s; *p && !(p[0] == '/' && p[1] == '/'); p++)
        slashes += *p == '/';
    return *s != '/' && !strchr(s, ':') && (slashes == 2 || slashes == 3) ? REGISTRY : ELSEWHERE;
}

/* The value of a parameter behind the "?", to be ended by "&"; NULL when it has none. */
static const char *parameter(const char *s, const char *name, size_t *n)
{
    size_t len = strlen(name);

    for (s = strchr(s, '?'); s; s = strchr(s + 1, '&')) {
        if (strncmp(s + 1, name, len) != 0 || s[1 + len] != '=')
            continue;
        s += len + 2;
        *n = strcspn(s, "&");
        return *n ? s : NULL;
    }
    return NULL;
}

static bool names_a_commit(const char *s, size_t n)
{
    return (n == 40 || n == 64) && strspn(s, "0123456789abcdefABCDEF") >= n;
}

/* v1.2.3, release-1.2: something with a number that a tag usually has, and a branch does not. */
static bool names_a_version(const char *s, size_t n)
{
    for (size_t i = 0; i + 2 < n; i++)
        if (s[i] >= '0' && s[i] <= '9' && s[i + 1] == '.' && s[i + 2] >= '0' && s[i + 2] <= '9')
            return true;
    return n > 1 && *s == 'v' && strspn(s + 1, "0123456789") == n - 1;
}

/* Without what may be a password or a key: only what chooses a version stays of the rest. */
static const char *shown_source(struct pb_tf_diff *d, const char *s)
{
    static const char *const keep[] = {"ref", "rev", "version"};
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    size_t end = strcspn(s, "?");
    const char *scheme = strstr(s, "://"), *user;

    if (scheme && (size_t)(scheme - s) < end) {
        size_t host = strcspn(scheme + 3, "/?");

        user = memrchr(scheme + 3, '@', host);
        pb_buf_add(&b, s, (size_t)(scheme + 3 - s));
        if (user && strncmp(scheme + 3, "git@", 4) != 0)
            pb_buf_adds(&b, "...");
        else
            user = NULL;
        scheme = user ? user : scheme + 3;
        pb_buf_add(&b, scheme, (size_t)(s + end - scheme));
    } else {
        pb_buf_add(&b, s, end);
    }
    for (size_t i = 0; i < PB_COUNT(keep); i++) {
        size_t n;
        const char *v = parameter(s, keep[i], &n);

        if (v)
            pb_buf_addf(&b, "?%s=%.*s", keep[i], (int)(n < 100 ? n : 100), v);
    }
    return pb_tf_shown(d, pb_arena_strndup(d->work, b.s, b.len));
}

/* What follows from where it comes, whatever it was before. */
static void judge(struct pb_tf_diff *d, struct pb_tf_where w, const char *address,
                  const char *source, bool has_version)
{
    enum origin o = origin_of(source);
    size_t n = 0;
    const char *ref = parameter(source, o == MERCURIAL ? "rev" : "ref", &n);
    const char *shown = shown_source(d, source), *name = pb_tf_shown(d, address);

    if (strstr(source, "http://") || strstr(source, "git://"))
        pb_tf_found(d, PB_TF_MODULE_SOURCE_INSECURE, w,
                    "'%s' is fetched from '%s' over a connection that nothing protects", name,
                    shown);
    if ((o == GIT || o == MERCURIAL) && !ref)
        pb_tf_found(d, PB_TF_MODULE_SOURCE_UNPINNED, w,
                    "'%s' is whatever the default branch of '%s' is when it is planned: name a "
                    "commit with '?ref='",
                    name, shown);
    else if ((o == GIT || o == MERCURIAL) && !names_a_commit(ref, n) && !names_a_version(ref, n))
        pb_tf_found(d, PB_TF_MODULE_SOURCE_UNPINNED, w,
                    "'%s' is whatever '%.*s' of '%s' is when it is planned: name a commit", name,
                    (int)(n < 100 ? n : 100), ref, shown);
    else if (o == REGISTRY && !has_version)
        pb_tf_found(d, PB_TF_MODULE_SOURCE_UNPINNED, w,
                    "'%s' is the newest version of '%s' when it is planned: give it a 'version'",
                    name, shown);
    else if ((o == ARCHIVE && !parameter(source, "checksum", &n)) || o == STORE)
        pb_tf_found(d, PB_TF_MODULE_SOURCE_UNPINNED, w,
                    "'%s' is whatever '%s' holds when it is planned", name, shown);
    else if (o == ELSEWHERE)
        pb_tf_found(d, PB_TF_MODULE_SOURCE_UNPINNED, w,
                    "'%s' is whatever is at '%s' when it is planned", name, shown);
}

static const char *origin_words(struct pb_tf_diff *d, const char *source)
{
    if (!source)
        return "something that is not plain text";
    return pb_arena_printf(d->work, "'%s'%s", shown_source(d, source),
                           origin_of(source) == LOCAL ? " of this repository" : "");
}

static const char *version_of(struct pb_tf_diff *d, const struct pb_tf_entry *e)
{
    const struct pb_hcl_expr *x = pb_tf_effective(d, e, NULL, "version", NULL);

    return x ? pb_hcl_str(x) ? pb_hcl_str(x) : x->text : NULL;
}

static void module_version(struct pb_tf_diff *d, const struct pb_tf_pair *p)
{
    const char *was = version_of(d, p->old), *now = version_of(d, p->now);

    if (!pb_streq(was, now))
        pb_tf_found(d, PB_TF_MODULE_VERSION_CHANGED, at(p, NULL), "'%s' goes from %s%s%s to %s%s%s",
                    pb_tf_shown(d, p->now->address), was ? "'" : "any version",
                    was ? pb_tf_shown(d, was) : "", was ? "'" : "", now ? "'" : "any version",
                    now ? pb_tf_shown(d, now) : "", now ? "'" : "");
}

static void module(struct pb_tf_diff *d, const struct pb_tf_pair *p)
{
    const struct pb_tf_part *part = NULL;
    const struct pb_hcl_expr *e = pb_tf_effective(d, p->now, NULL, "source", &part);
    const char *now = pb_hcl_str(e);
    const char *was = pb_hcl_str(pb_tf_effective(d, p->old, NULL, "source", NULL));
    struct pb_tf_where w;
    bool moved, has_version = version_of(d, p->now) != NULL;

    if (!p->now)
        return;
    w = at(p, part);
    moved = p->old && !pb_streq(was, now);
    if (!now || (origin_of(now) == LOCAL && !pb_tf_resolve(d->work, p->in->dir, now))) {
        pb_tf_found(
            d, PB_TF_MODULE_SOURCE_UNKNOWN, w, "where '%s' comes from is %s: it is not followed",
            pb_tf_shown(d, p->now->address), now ? "outside of the repository" : "not plain text");
        return;
    }
    if (moved)
        pb_tf_found(d, PB_TF_MODULE_SOURCE_CHANGED, w, "'%s' comes from %s instead of %s",
                    pb_tf_shown(d, p->now->address), origin_words(d, now), origin_words(d, was));
    else if (!p->old && origin_of(now) != LOCAL)
        pb_tf_found(d, PB_TF_MODULE_REMOTE_ADDED, w, "the new '%s' comes from '%s'",
                    pb_tf_shown(d, p->now->address), shown_source(d, now));
    if (p->old && origin_of(now) == REGISTRY && pb_streq(was, now))
        module_version(d, p);
    if (!p->old || moved || (version_of(d, p->old) && !has_version))
        judge(d, w, p->now->address, now, has_version);
}

/* ---- required providers ---------------------------------------------------------------------- */

struct required {
    const char *source, *version;
    const struct pb_tf_part *part;
    unsigned line;
};

static struct required required_of(struct pb_tf_diff *d, const struct pb_hcl_attr *at_,
                                   const struct pb_tf_part *part)
{
    const struct pb_hcl_expr *e = at_->expr;
    struct required r = {.part = part, .line = at_->line};

    if (e->kind == PB_HCL_OTHER)
        e = pb_hcl_expr_of(d->work, e->text, strlen(e->text), at_->file);
    if (pb_hcl_str(e)) /* as it was written before there were sources */
        r.version = pb_hcl_str(e);
    for (size_t i = 0; e->kind == PB_HCL_MAP && i < e->n; i++) {
        if (pb_streq(pb_hcl_str(&e->keys[i]), "source"))
            r.source = pb_hcl_str(&e->items[i]);
        else if (pb_streq(pb_hcl_str(&e->keys[i]), "version"))
            r.version = pb_hcl_str(&e->items[i]);
    }
    return r;
}

/* Which providers a module requires, by the names that it has for them; override files last. */
static void take_required(struct pb_map *out, struct pb_tf_diff *d, const struct pb_tf_entry *e)
{
    const struct pb_hcl_block *req;

    for (size_t i = 0; e && i < e->n; i++) {
        const struct pb_hcl_body *b = e->parts[i].block->body;

        for (size_t j = 0; (req = pb_hcl_block_of(b, "required_providers", j)); j++) {
            for (size_t k = 0; k < req->body->nattrs; k++) {
                struct required *r = pb_arena_alloc(d->work, sizeof(*r));

                *r = required_of(d, &req->body->attrs[k], &e->parts[i]);
                pb_map_put(out, req->body->attrs[k].name, r);
            }
        }
    }
}

/* Whether another module of that side requires it: then it is nothing new, or not gone. */
static bool is_required(struct pb_tf_diff *d, const struct pb_tf_text *t, const char *name,
                        const struct required *r)
{
    const char *source = r->source ? r->source : name;

    for (size_t i = 0; i < t->folders.n; i++) {
        const struct pb_tf_folder *f = t->folders.e[i].value;

        for (size_t k = 0; k < f->entries.n; k++) {
            const struct pb_tf_entry *e = f->entries.e[k].value;
            PB_AUTO(map) struct pb_map has = PB_MAP_INIT;

            if (strcmp(e->kind, "terraform") != 0)
                continue;
            take_required(&has, d, e);
            for (size_t n = 0; n < has.n; n++) {
                const struct required *one = has.e[n].value;

                if (strcmp(one->source ? one->source : has.e[n].key, source) == 0)
                    return true;
            }
        }
    }
    return false;
}

static void one_required(struct pb_tf_diff *d, const struct pb_tf_pair *p, const char *name,
                         const struct required *was, const struct required *now)
{
    struct pb_tf_where w = at(p, (now ? now : was)->part);

    w.address = pb_arena_printf(d->work, "provider.%s", pb_tf_shown(d, name));
    if (w.line)
        w.line = (now ? now : was)->line;
    if (w.last_line < w.line || w.line)
        w.last_line = w.line;
    if (!was) {
        if (is_required(d, &d->before, name, now))
            return;
        name = pb_tf_shown(d, name);
        pb_tf_found(d, PB_TF_PROVIDER_ADDED, w, "the provider '%s' is required from '%s'", name,
                    now->source ? pb_tf_shown(d, now->source) : name);
        return;
    }
    name = pb_tf_shown(d, name);
    if (!pb_streq(was->source, now->source))
        pb_tf_found(d, PB_TF_PROVIDER_SOURCE_CHANGED, w,
                    "the provider '%s' comes from '%s' instead "
                    "of '%s'",
                    name, now->source ? pb_tf_shown(d, now->source) : name,
                    was->source ? pb_tf_shown(d, was->source) : name);
    if (!pb_streq(was->version, now->version))
        pb_tf_found(d, PB_TF_PROVIDER_VERSION_CHANGED, w,
                    "the provider '%s' may be '%s' instead of '%s'", name,
                    now->version ? pb_tf_shown(d, now->version) : "any version",
                    was->version ? pb_tf_shown(d, was->version) : "any version");
}

static void required_providers(struct pb_tf_diff *d, const struct pb_tf_pair *p)
{
    PB_AUTO(map) struct pb_map was = PB_MAP_INIT, now = PB_MAP_INIT;

    take_required(&was, d, p->old);
    take_required(&now, d, p->now);
    for (size_t i = 0; i < now.n; i++)
        one_required(d, p, now.e[i].key, pb_map_get(&was, now.e[i].key), now.e[i].value);
    for (size_t i = 0; d->after.in->root && i < was.n; i++) {
        struct required *r = was.e[i].value;
        struct pb_tf_where w;

        if (pb_map_has(&now, was.e[i].key) || is_required(d, &d->after, was.e[i].key, r))
            continue;
        w = pb_tf_at_part(p->old_in, p->old, r->part, true);
        w.address = pb_arena_printf(d->work, "provider.%s", pb_tf_shown(d, was.e[i].key));
        w.line = w.last_line = w.line ? r->line : 0;
        pb_tf_found(d, PB_TF_PROVIDER_REMOVED, w, "the provider '%s' is not required any more",
                    pb_tf_shown(d, was.e[i].key));
    }
}

/* ---- settings of the tool -------------------------------------------------------------------- */

/* The last block of one of these types, with the part that has it. */
static const struct pb_hcl_block *setting(const struct pb_tf_entry *e, const char *one,
                                          const char *two, const struct pb_tf_part **part)
{
    for (size_t i = e ? e->n : 0; i-- > 0;) {
        const struct pb_hcl_body *b = e->parts[i].block->body;

        for (size_t j = b->nblocks; j-- > 0;) {
            if (strcmp(b->blocks[j].type, one) != 0 && strcmp(b->blocks[j].type, two) != 0)
                continue;
            *part = &e->parts[i];
            return &b->blocks[j];
        }
    }
    return NULL;
}

static const char *words_of(struct pb_tf_diff *d, const struct pb_hcl_block *b)
{
    const char *label = b ? pb_hcl_label(b, 0) : "";

    if (!b)
        return "none";
    return pb_arena_printf(d->work, "%s%s%s%s", b->type, *label ? " '" : "", pb_tf_shown(d, label),
                           *label ? "'" : "");
}

static void setting_changed(struct pb_tf_diff *d, const struct pb_tf_pair *p, enum pb_tf_rule rule,
                            const char *what, const char *one, const char *two)
{
    const struct pb_tf_part *op = NULL, *np = NULL;
    const struct pb_hcl_block *was = setting(p->old, one, two, &op);
    const struct pb_hcl_block *now = setting(p->now, one, two, &np);
    struct pb_tf_where w;

    if ((!was && !now) ||
        (was && now &&
         strcmp(pb_tf_canon_block(&d->scratch, was), pb_tf_canon_block(&d->scratch, now)) == 0))
        return;
    w = now ? at(p, np) : pb_tf_at_part(p->old_in, p->old, op, true);
    if (w.line) {
        w.line = (now ? now : was)->line;
        w.last_line = (now ? now : was)->last_line;
    }
    if (was && now && strcmp(words_of(d, was), words_of(d, now)) == 0)
        pb_tf_found(d, rule, w, "%s changes in %s: %s", what, words_of(d, now),
                    pb_tf_names_changed(d, was->body, now->body));
    else
        pb_tf_found(d, rule, w, "%s goes from %s to %s", what, words_of(d, was), words_of(d, now));
}

static void required_version(struct pb_tf_diff *d, const struct pb_tf_pair *p)
{
    const struct pb_tf_part *part = NULL;
    const struct pb_hcl_expr *was = pb_tf_effective(d, p->old, NULL, "required_version", NULL);
    const struct pb_hcl_expr *now = pb_tf_effective(d, p->now, NULL, "required_version", &part);

    if (!pb_streq(pb_hcl_str(was), pb_hcl_str(now)))
        pb_tf_found(d, PB_TF_REQUIRED_VERSION_CHANGED, at(p, part),
                    "the tool's version may be '%s' instead of '%s'",
                    pb_hcl_str(now) ? pb_tf_shown(d, pb_hcl_str(now)) : "any",
                    pb_hcl_str(was) ? pb_tf_shown(d, pb_hcl_str(was)) : "any");
}

/* Of a unit that is new or gone as a whole, where its state is kept is no change. */
static void tool(struct pb_tf_diff *d, const struct pb_tf_pair *p)
{
    const char *dir = p->in ? p->in->dir : p->old_in->dir;

    required_providers(d, p);
    if (!d->before.in->root || !d->after.in->root)
        return;
    required_version(d, p);
    if (strcmp(dir, d->after.in->root) != 0)
        return;
    setting_changed(d, p, PB_TF_BACKEND_CHANGED, "where the state is kept", "backend", "cloud");
    setting_changed(d, p, PB_TF_ENCRYPTION_CHANGED, "how states and plans are encrypted",
                    "encryption", "encryption");
}

void pb_tf_find_sources(struct pb_tf_diff *d, const struct pb_tf_pair *p)
{
    const char *kind = (p->now ? p->now : p->old)->kind;

    if (strcmp(kind, "module") == 0)
        module(d, p);
    else if (strcmp(kind, "terraform") == 0)
        tool(d, p);
}
