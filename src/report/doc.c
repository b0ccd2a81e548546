#include "report/doc_build.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "config/config.h"
#include "git/repo.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const struct pb_doc_rule pb_doc_failed_rule = {
    "unit-failed", "failed", "the unit could not be looked at",
    "The message says what to do; 'plumb doctor' checks what plumb needs.", PB_LEVEL_ERROR};
const struct pb_doc_group pb_doc_failed_group = {
    "unit-failed", "failed", "the unit could not be looked at", PB_LEVEL_ERROR, false, 0};

/* ---- strings ------------------------------------------------------------------------------ */

const char *pb_doc_safe(struct pb_doc *d, const char *s)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    if (!s)
        return NULL;
    pb_text_add_safe(&b, s, strlen(s));
    return pb_arena_intern(d->arena, b.s, b.len);
}

const char *pb_doc_printf(struct pb_doc *d, const char *fmt, ...)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    pb_buf_vaddf(&b, fmt, ap);
    va_end(ap);
    return pb_doc_safe(d, b.s);
}

void pb_doc_note(struct pb_doc *d, const char *const **notes, const char *fmt, ...)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    const char **all;
    size_t n = 0;
    va_list ap;

    va_start(ap, fmt);
    pb_buf_vaddf(&b, fmt, ap);
    va_end(ap);
    while (*notes && (*notes)[n])
        n++;
    all = pb_arena_zalloc(d->arena, (n + 2) * sizeof(*all));
    for (size_t i = 0; i < n; i++)
        all[i] = (*notes)[i];
    all[n] = pb_doc_safe(d, b.s);
    *notes = all;
}

/* ---- the marker --------------------------------------------------------------------------- */

static void add_encoded(struct pb_buf *b, const char *s)
{
    for (const char *c = s; *c; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || *c == '.' || *c == '_' || *c == '/' ||
                     (*c == '-' && (c == s || c[-1] != '-') && c[1]);

        if (plain)
            pb_buf_addc(b, *c);
        else
            pb_buf_addf(b, "%%%02X", (unsigned char)*c);
    }
}

void pb_doc_scope(struct pb_buf *b, char *const *units)
{
    if (!units || !*units)
        pb_buf_adds(b, "all");
    for (size_t i = 0; units && units[i]; i++) {
        pb_buf_adds(b, i ? "," : "");
        add_encoded(b, units[i]);
    }
}

void pb_doc_marker(struct pb_buf *b, const char *kind, const char *scope)
{
    pb_buf_addf(b, "<!-- plumb:%s:%s -->\n", kind, scope);
}

/* ---- the whole ---------------------------------------------------------------------------- */

/* "git@host:path" is no URL, and a path of this machine is nobody else's business. */
static const char *url_of(struct pb_doc *d, const char *remote)
{
    const char *colon, *slash;

    if (!remote || strstr(remote, "://"))
        return remote && !pb_starts_with(remote, "file:") ? pb_doc_safe(d, remote) : NULL;
    colon = strchr(remote, ':');
    slash = strchr(remote, '/');
    if (!colon || (slash && slash < colon))
        return NULL;
    return pb_doc_printf(d, "ssh://%.*s/%s", (int)(colon - remote), remote, colon + 1);
}

static void origin(struct pb_doc *d, struct pb_repo *repo)
{
    struct pb_branch b = {0};

    if (repo && pb_repo_branch(&b, repo, NULL) == 0) {
        d->repository = url_of(d, b.remote_url);
        d->branch = pb_doc_safe(d, b.name);
    }
    pb_branch_release(&b);
}

void pb_doc_begin(struct pb_doc *d, const char *kind, const struct pb_audit *a, size_t nunits,
                  const struct pb_report_opts *o)
{
    static const char *const columns[PB_NCELLS] = {"declared", "recorded", "live"};
    PB_AUTO(buf) struct pb_buf scope = PB_BUF_INIT;

    memset(d, 0, sizeof(*d));
    d->arena = pb_arena_new();
    d->kind = kind;
    d->version = o->version;
    d->started_at = a->started_at;
    d->elapsed_ms = a->elapsed_ms;
    d->exit_code = a->exit_code;
    d->coverage = a->coverage;
    if (*a->commit)
        d->commit = pb_arena_strdup(d->arena, a->commit);
    pb_doc_scope(&scope, o->units);
    d->scope = pb_arena_strdup(d->arena, scope.s);
    d->units = pb_arena_zalloc(d->arena, (nunits + 1) * sizeof(*d->units));
    d->nunits = nunits;
    d->columns = columns;
    origin(d, a->repo);
    for (size_t i = 0; i < a->nunits; i++)
        pb_doc_diagnostics(d, &a->units[i].diags, a->units[i].config.name);
    pb_doc_diagnostics(d, &a->diags, NULL);
}

static bool is_alike(const struct pb_doc_item *a, const struct pb_doc_item *b)
{
    return a->unit == b->unit && a->rule == b->rule && pb_streq(a->apart, b->apart) &&
           strcmp(a->subject, b->subject) == 0;
}

/* Of several that are alike otherwise, each has its number. */
static void fingerprint(struct pb_doc *d, struct pb_doc_item *i, unsigned long n)
{
    struct pb_sha256 *h = pb_sha256_new();

    pb_sha256_add_str(h, "plumb/1");
    pb_sha256_add_str(h, d->kind);
    pb_sha256_add_str(h, i->unit == PB_DOC_NO_UNIT ? NULL : d->units[i->unit].name);
    pb_sha256_add_str(h, d->rules[i->rule].code);
    pb_sha256_add_str(h, i->subject);
    if (i->apart)
        pb_sha256_add_str(h, i->apart);
    if (n)
        pb_sha256_add_field(h, &n, sizeof(n));
    pb_sha256_end_hex(h, i->fingerprint);
}

static int by_place(const void *x, const void *y)
{
    const struct pb_doc_item *a = x, *b = y;
    int c;

    if (a->unit != b->unit) /* what is of no unit comes last */
        return a->unit < b->unit ? -1 : 1;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    if (a->level != b->level)
        return a->level > b->level ? -1 : 1;
    c = strcmp(a->subject, b->subject);
    if (!c && a->rule != b->rule)
        return a->rule < b->rule ? -1 : 1;
    if (!c)
        c = strcmp(a->apart ? a->apart : "", b->apart ? b->apart : "");
    return c ? c : a->nth < b->nth ? -1 : a->nth > b->nth;
}

/* The groups that something is in, each with how much. */
static void count(struct pb_doc *d)
{
    d->counts = pb_arena_zalloc(d->arena, (d->ngroups + 1) * sizeof(*d->counts));
    for (size_t g = 0; g < d->ngroups; g++)
        if (d->groups[g].n)
            d->counts[d->ncounts++] = (struct pb_doc_count){d->groups[g].code, d->groups[g].title,
                                                            d->groups[g].level, d->groups[g].n};
}

void pb_doc_end(struct pb_doc *d)
{
    if (d->nitems)
        qsort(d->items, d->nitems, sizeof(*d->items), by_place);
    for (size_t i = 0, n = 0; i < d->nitems; i++) {
        n = i && is_alike(&d->items[i - 1], &d->items[i]) ? n + 1 : 0;
        fingerprint(d, &d->items[i], n);
    }
    for (size_t i = d->nitems; i-- > 0;) {
        struct pb_doc_item *it = &d->items[i];

        d->groups[it->group].n++;
        if (it->unit == PB_DOC_NO_UNIT)
            continue;
        d->units[it->unit].first = i;
        d->units[it->unit].n++;
        if (it->level > d->units[it->unit].level)
            d->units[it->unit].level = it->level;
    }
    count(d);
}

void pb_doc_release(struct pb_doc *d)
{
    free(d->items);
    pb_arena_free(d->arena);
    memset(d, 0, sizeof(*d));
}

size_t pb_doc_count_of(const struct pb_doc *d, const struct pb_doc_unit *u,
                       enum pb_doc_outcome outcome)
{
    size_t n = 0;

    for (size_t i = u->first; i < u->first + u->n; i++)
        n += d->items[i].outcome == outcome;
    return n;
}

const char *pb_doc_common_remedy(const struct pb_doc *d, size_t from, size_t to)
{
    const char *same = from < to ? d->items[from].remedy : NULL;

    for (size_t i = from; i < to; i++)
        if (!pb_streq(d->items[i].remedy, same))
            return NULL;
    return same;
}

/* ---- units and diagnostics ---------------------------------------------------------------- */

static bool is_in(const char *file, const char *path)
{
    size_t n = strlen(path);

    return !n || (strncmp(file, path, n) == 0 && file[n] == '/');
}

void pb_doc_speaks_for(struct pb_doc *d, struct pb_doc_unit *out, const struct pb_unit_result *u)
{
    const struct pb_declared_set *all = &u->declared.declared;

    for (size_t k = 0; k < all->n && !out->file; k++)
        if (all->v[k].source_file && is_in(all->v[k].source_file, u->config.path))
            out->file = pb_doc_safe(d, all->v[k].source_file);
    if (!out->file && u->config.line > 0) {
        out->file = PB_CONFIG_FILE;
        out->line = (unsigned)u->config.line;
    }
}

struct pb_doc_unit *pb_doc_unit_of(struct pb_doc *d, size_t k, const struct pb_audit *a,
                                   size_t group, size_t rule)
{
    const struct pb_unit_result *u = &a->units[k];
    struct pb_doc_unit *out = &d->units[k];
    struct pb_doc_item *i;

    out->name = pb_doc_safe(d, u->config.name);
    out->path = pb_doc_safe(d, u->config.path);
    out->engine = u->engine ? u->engine : "";
    out->commit = d->commit;
    out->elapsed_ms = u->elapsed_ms;
    if (u->recorded.lineage)
        out->state = pb_doc_printf(d, "state serial %lld", (long long)u->recorded.serial);
    pb_doc_speaks_for(d, out, u);
    if (!u->failed)
        return out;
    out->error = pb_doc_safe(d, u->err.msg);
    out->result = "failed";
    i = pb_doc_add(d, k);
    i->group = group;
    i->rule = rule;
    i->level = PB_LEVEL_ERROR;
    i->outcome = PB_DOC_UNSEEN;
    i->subject = out->name;
    i->badge = "failed";
    i->why = out->error;
    pb_doc_locate(d, i, u, NULL);
    return out;
}

void pb_doc_diagnostics(struct pb_doc *d, const struct pb_diags *from, const char *unit)
{
    struct pb_doc_diag *v;

    if (!from->n)
        return;
    v = pb_arena_zalloc(d->arena, (d->ndiags + from->n) * sizeof(*v));
    if (d->ndiags)
        memcpy(v, d->diags, d->ndiags * sizeof(*v));
    d->diags = v;
    for (size_t i = 0; i < from->n; i++) {
        const struct pb_diag *one = &from->v[i];

        v[d->ndiags++] =
            (struct pb_doc_diag){one->severity, one->code, pb_doc_safe(d, one->message),
                                 pb_doc_safe(d, one->address), pb_doc_safe(d, unit)};
    }
}

/* ---- items -------------------------------------------------------------------------------- */

struct pb_doc_item *pb_doc_add(struct pb_doc *d, size_t unit)
{
    struct pb_doc_item *i;

    d->items = pb_grow(d->items, &d->cap, d->nitems + 1, sizeof(*d->items));
    i = &d->items[d->nitems++];
    memset(i, 0, sizeof(*i));
    i->unit = unit;
    i->nth = d->nitems;
    return i;
}

void pb_doc_locate(struct pb_doc *d, struct pb_doc_item *i, const struct pb_unit_result *u,
                   const char *address)
{
    const struct pb_declared *at =
        address ? pb_declared_find(&u->declared.declared, address) : NULL;

    if (at && at->source_file) {
        i->file = pb_doc_safe(d, at->source_file);
        i->line = at->source_line;
        i->last_line = at->source_end;
    } else if (i->unit != PB_DOC_NO_UNIT) {
        i->file = d->units[i->unit].file;
        i->line = d->units[i->unit].line;
    }
}

void pb_doc_author(struct pb_doc *d, struct pb_doc_item *i, enum pb_cause cause,
                   const struct pb_gate_author *by)
{
    char when[PB_CLOCK_RFC3339];

    if (!by || !by->commit)
        return;
    pb_clock_rfc3339(when, by->time);
    i->by = (struct pb_doc_by){
        .commit = pb_doc_safe(d, by->commit),
        .author = pb_doc_safe(d, by->author),
        .when = pb_arena_strdup(d->arena, when),
        .summary = pb_doc_safe(d, by->summary),
        .says = cause != PB_CAUSE_GIT ? "declared"
                : by->block           ? "changed"
                                      : "last change to what it depends on",
        .file = pb_doc_safe(d, by->file),
        .line = by->line,
    };
}

/* Beside the text: what an address is as a whole has no differences of its own. */
static bool is_whole(const struct pb_resource_result *r)
{
    return r->action == PB_ACT_CREATE || r->action == PB_ACT_DELETE || r->action == PB_ACT_FORGET ||
           r->verdict == PB_MISSING;
}

void pb_doc_resource(struct pb_doc *d, struct pb_doc_item *i, const struct pb_resource_result *r,
                     bool every)
{
    struct pb_rows rows = {0};

    i->subject = pb_doc_safe(d, r->address);
    i->type = pb_doc_safe(d, r->type);
    i->id = pb_doc_safe(d, r->id);
    i->observer =
        r->observer && strcmp(r->observer, "none") != 0 ? pb_doc_safe(d, r->observer) : NULL;
    i->moved_from = pb_doc_safe(d, r->moved_from);
    for (size_t k = 0; k < r->nattrs && (every || !is_whole(r)); k++) {
        const struct pb_attr_result *at = &r->attrs[k];

        if (every || at->nobodys ||
            (pb_verdicts[at->verdict].effect != PB_EFFECT_NONE && !at->ignored))
            pb_rows_add(&rows, d->arena, at);
    }
    for (size_t k = 0; k < rows.n; k++)
        if (pb_streq(rows.v[k].reason, pb_doc_safe(d, r->reason)))
            rows.v[k].reason = NULL; /* said of the resource already */
    if (rows.n) {
        struct pb_row *kept = pb_arena_alloc(d->arena, rows.n * sizeof(*kept));

        memcpy(kept, rows.v, rows.n * sizeof(*kept));
        i->rows = kept;
        i->nrows = rows.n;
    }
    pb_rows_release(&rows);
}
