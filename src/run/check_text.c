/* What the text of a change says, with no plan: the sides for the executor, and its findings. */
#include "run/check_internal.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "git/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 4 << 20 };

/* The files of one unit in one tree. */
struct gather {
    struct pb_arena *arena;
    struct pb_audit *audit;
    const struct pb_executor *x;
    const char *side; /* tells what differs between the trees apart */
    struct pb_text_file *v;
    size_t n, cap;
    struct pb_map have;
};

/* `id` NULL: what it says is all that tells it from another. */
static void add(struct gather *g, const char *path, const char *id, bool with_text)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_err why = PB_ERR_INIT;
    struct pb_text_file f = {.path = pb_arena_strdup(g->arena, path)};
    char hex[PB_SHA256_HEX];

    if (pb_map_put(&g->have, path, g))
        return;
    if (with_text && pb_tree_read(&text, g->audit->repo, g->audit->commit, path, FILE_MAX, &why)) {
        f.unread = pb_arena_strdup(g->arena, why.msg);
    } else if (with_text) {
        f.text = pb_arena_strndup(g->arena, text.s, text.len);
        f.n = text.len;
    }
    if (!id)
        pb_sha256_hex_of(hex, text.s, text.len);
    f.id = pb_arena_strdup(g->arena, id ? id : hex);
    g->v = pb_grow(g->v, &g->cap, g->n + 1, sizeof(*g->v));
    g->v[g->n++] = f;
}

static bool says_something(const struct pb_executor *x, const char *name)
{
    struct pb_module_text nothing = {0};

    return x->scan(&nothing, name, NULL, 0);
}

/* What is no configuration, under the name that the link gives it: blocks name that. */
static void add_linked(struct gather *g, const char *path)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    char hex[PB_SHA256_HEX];

    if (pb_tree_read(&text, g->audit->repo, g->audit->commit, path, FILE_MAX, NULL) < 0)
        return;
    pb_sha256_hex_of(hex, text.s, text.len);
    add(g, path, hex, false);
}

/* The files right in a folder. */
static int on_dir(void *ctx, const char *dir, const struct pb_tree_entry *e, size_t n,
                  struct pb_err *err)
{
    struct gather *g = ctx;

    (void)err;
    for (size_t i = 0; i < n; i++) {
        PB_AUTO(str) char *path = NULL;
        PB_AUTO(str) char *id = NULL;

        if (e[i].kind == PB_TREE_DIR || e[i].kind == PB_TREE_SUBMODULE)
            continue;
        path = *dir ? pb_asprintf("%s/%s", dir, e[i].name) : pb_strdup(e[i].name);
        if (!says_something(g->x, e[i].name)) {
            if (e[i].kind == PB_TREE_LINK)
                add_linked(g, path);
            continue;
        }
        id = pb_asprintf("%d:%s", (int)e[i].kind, e[i].id);
        /* What is behind a link may change while the link stays. */
        add(g, path, e[i].kind == PB_TREE_LINK ? NULL : id, true);
    }
    return 1;
}

static bool is_var_file(const struct pb_config_unit *u, const char *path)
{
    for (char *const *p = u ? u->var_files : NULL; p && *p; p++)
        if (strcmp(*p, path) == 0)
            return true;
    return false;
}

static int add_var_files(struct gather *g, const struct pb_config_unit *u, struct pb_err *err)
{
    for (char *const *p = u->var_files; p && *p; p++) {
        struct pb_err why = PB_ERR_INIT;
        char id[PB_OID_HEX] = "";

        if (pb_tree_id(id, g->audit->repo, g->audit->commit, *p, &why) < 0 && why.sys != ENOENT) {
            *err = why;
            return -1;
        }
        if (*id)
            add(g, *p, id, true);
    }
    return 0;
}

static bool is_below(const char *path, const struct pb_strv *reach)
{
    for (size_t i = 0; i < reach->n; i++) {
        size_t n = strlen(reach->v[i]);

        if (!n || (strncmp(path, reach->v[i], n) == 0 && (path[n] == '/' || !path[n])))
            return true;
    }
    return false;
}

static int gather(struct gather *g, const struct pb_checking *k, const struct pb_check_job *job,
                  const struct pb_config_unit *u, const struct pb_strv *reach, struct pb_err *err)
{
    for (size_t i = 0; u && i < reach->n; i++) {
        struct pb_err why = PB_ERR_INIT;

        if (is_var_file(job->before, reach->v[i]) || is_var_file(job->after, reach->v[i]))
            continue;
        /* What the other tree has, or what a link leads to and is a file. */
        if (pb_tree_walk_through(g->audit->repo, g->audit->commit, reach->v[i], on_dir, g, &why) <
                0 &&
            why.cls != PB_E_GIT && why.cls != PB_E_REFUSED) {
            *err = why;
            return -1;
        }
    }
    if (u && add_var_files(g, u, err) < 0)
        return -1;
    for (size_t i = 0; u && i < k->paths.n; i++) {
        PB_AUTO(str) char *id = NULL;
        char oid[PB_OID_HEX];

        if (!is_below(k->paths.v[i], reach) ||
            pb_tree_id(oid, g->audit->repo, g->audit->commit, k->paths.v[i], NULL) < 0)
            continue;
        id = pb_asprintf("%s:%s", g->side, oid);
        add(g, k->paths.v[i], id, false);
    }
    return 0;
}

static void take_reach(struct pb_strv *out, struct pb_audit *a, const struct pb_config_unit *u)
{
    PB_AUTO(strv) struct pb_strv one = PB_STRV_INIT;

    if (!u)
        return;
    pb_units_reach(&one, &a->found, a->repo, a->commit, u);
    (void)pb_tree_reach(&one, a->repo, a->commit, NULL);
    for (size_t i = 0; i < one.n; i++)
        if (!pb_strv_has(out, one.v[i]))
            pb_strv_add(out, one.v[i]);
}

static struct pb_text_side side_of(const struct gather *g, const struct pb_config_unit *u)
{
    return (struct pb_text_side){.root = u ? u->path : NULL,
                                 .var_files = u ? u->var_files : NULL,
                                 .files = g->v,
                                 .nfiles = u ? g->n : 0};
}

/* ---- findings ------------------------------------------------------------------------------- */

/* How many resources of base's plan a block stands for: those that have its address, whatever
 * index they or the modules around them have. */
static bool is_of_block(const char *address, const char *call, const char *block)
{
    PB_AUTO(buf) struct pb_buf plain = PB_BUF_INIT, want = PB_BUF_INIT;

    for (const char *s = address; *s; s++) {
        if (*s != '[') {
            pb_buf_addc(&plain, *s);
            continue;
        }
        if (s[1] == '"')
            for (s += 2; *s && !(*s == '"' && s[1] == ']'); s++)
                s += *s == '\\' && s[1];
        while (*s && *s != ']')
            s++;
        if (!*s)
            break;
    }
    pb_buf_addf(&want, "%s%s%s", call, *call ? "." : "", block);
    return pb_streq(plain.s, want.s);
}

static size_t count(const struct pb_declared_set *d, const struct pb_text_block *b)
{
    size_t n = 0;

    for (size_t i = 0; i < d->n; i++)
        for (const char *const *c = b->calls; c && *c; c++)
            if (is_of_block(d->v[i].address, *c, b->address)) {
                n++;
                break;
            }
    return n;
}

/* What would have been seen in a plan. */
static void add_blocks(struct pb_check_unit *cu, const struct pb_text_diff *diff,
                       const struct pb_declared_set *known)
{
    static const char *const words[] = {[PB_TEXT_ADDED] = "is added",
                                        [PB_TEXT_CHANGED] = "is changed",
                                        [PB_TEXT_REMOVED] = "is removed"};
    static const char uncalled[] = "goes: its module is not called any more";

    for (size_t i = 0; i < diff->nblocks; i++) {
        const struct pb_text_block *b = &diff->blocks[i];

        pb_check_find(&cu->findings, cu->arena,
                      pb_check_rule_at(PB_CHECK_BLOCK_ADDED + (size_t)b->change),
                      &(struct pb_check_finding){
                          .message = pb_arena_printf(cu->arena, "'%s' %s", b->address,
                                                     b->uncalled ? uncalled : words[b->change]),
                          .address = b->address,
                          .file = b->file,
                          .line = b->line,
                          .last_line = b->last_line,
                          .file_of_base = b->change == PB_TEXT_REMOVED,
                          .resources = known ? count(known, b) : 0});
    }
}

static void add_findings(struct pb_check_unit *cu, const struct pb_text_diff *diff)
{
    for (size_t i = 0; i < diff->nfindings; i++) {
        const struct pb_text_finding *f = &diff->findings[i];

        pb_check_find(&cu->findings, cu->arena, f->rule,
                      &(struct pb_check_finding){.message = f->message,
                                                 .address = f->address,
                                                 .file = f->file,
                                                 .line = f->line,
                                                 .last_line = f->last_line,
                                                 .file_of_base = f->before});
    }
}

/* Base's declared side as it was planned last, if that is kept: nothing is started or asked. */
static const struct pb_declared_set *
known_plan(const struct pb_checking *k, const struct pb_check_job *job, const struct pb_executor *x)
{
    const struct pb_config_unit *u = job->before;
    struct pb_declare_result *r = pb_arena_zalloc(job->unit->arena, sizeof(*r));
    struct pb_unit_ctx ctx = {.worktree = pb_repo_workdir(k->check->audit.repo),
                              .cache_dir = k->base.cache_dir};

    if (!u || !x->declare_last)
        return NULL;
    ctx.name = u->name;
    ctx.path = u->path;
    ctx.workspace = u->workspace;
    return x->declare_last(r, job->unit->arena, &ctx) ? &r->declared : NULL;
}

int pb_check_text(struct pb_checking *k, struct pb_check_job *job, struct pb_err *err)
{
    const struct pb_executor *x = pb_executor_named(job->engine);
    struct pb_arena *a = job->unit->arena;
    PB_AUTO(strv) struct pb_strv reach = PB_STRV_INIT;
    struct gather was = {.arena = a, .audit = &k->check->audit, .x = x, .side = "before"};
    struct gather is = {.arena = a, .audit = &k->check->then, .x = x, .side = "after"};
    struct pb_text_side before, after;
    int rc = -1;

    if (!x || !x->compare_text)
        return 0;
    take_reach(&reach, was.audit, job->before);
    take_reach(&reach, is.audit, job->after);
    if (gather(&was, k, job, job->before, &reach, err) == 0 &&
        gather(&is, k, job, job->after, &reach, err) == 0) {
        before = side_of(&was, job->before);
        after = side_of(&is, job->after);
        rc = x->compare_text(&job->text, a, &before, &after, err);
    }
    free(was.v);
    free(is.v);
    pb_map_release(&was.have);
    pb_map_release(&is.have);
    if (rc < 0)
        return -1;
    add_findings(job->unit, &job->text);
    return 0;
}

void pb_check_text_blocks(struct pb_checking *k, struct pb_check_job *job)
{
    const struct pb_executor *x = pb_executor_named(job->engine);

    if (x)
        add_blocks(job->unit, &job->text, known_plan(k, job, x));
}
