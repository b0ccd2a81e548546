/* What the command line adds to the commit: names of variables, never their values. */
#include "run/internal.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "git/tree.h"

#include <string.h>

enum { VAR_FILE_MAX = 16 << 20 };

/* As it is in the commit, byte for byte: then Git does explain it. */
static bool in_commit(struct pb_audit *a, const char *file)
{
    PB_AUTO(buf) struct pb_buf here = PB_BUF_INIT, there = PB_BUF_INIT;
    PB_AUTO(str) char *path = NULL;

    return pb_repo_workdir(a->repo) && pb_repo_path(&path, a->repo, file, NULL) == 0 &&
           pb_fs_read(&here, file, VAR_FILE_MAX, NULL) == 0 &&
           pb_tree_read(&there, a->repo, a->commit, path, VAR_FILE_MAX, NULL) == 0 &&
           here.len == there.len && memcmp(here.s, there.s, here.len) == 0;
}

struct words {
    struct pb_strv lines;
    struct pb_buf outside;
};

static void add_outside(struct words *w, const char *what, const char *name, int n)
{
    pb_buf_addf(&w->outside, "%s%s%.*s", w->outside.len ? ", " : "", what, n, name);
}

static void add_vars(struct words *w, const struct pb_plan_options *p, struct pb_audit *a)
{
    for (char *const *v = p->vars; v && *v; v++) {
        int n = (int)strcspn(*v, "=");

        pb_strv_addf(&w->lines, "-var %.*s", n, *v);
        add_outside(w, "variable ", *v, n);
    }
    for (char *const *v = p->var_files; v && *v; v++) {
        const char *slash = strrchr(*v, '/'), *name = slash ? slash + 1 : *v;
        bool git = in_commit(a, *v);

        pb_strv_addf(&w->lines, "-var-file %s%s", name, git ? " (as in the commit)" : "");
        if (!git)
            add_outside(w, "file ", name, (int)strlen(name));
    }
}

static const char *const *kept(struct pb_arena *a, const struct pb_strv *v)
{
    const char **out = pb_arena_zalloc(a, (v->n + 1) * sizeof(*out));

    for (size_t i = 0; i < v->n; i++)
        out[i] = pb_arena_strdup(a, v->v[i]);
    return out;
}

void pb_run_added(struct pb_gate_facts *f, struct pb_audit *a, const struct pb_unit_result *u)
{
    const struct pb_plan_options *p = u->plan;
    struct words w = {PB_STRV_INIT, PB_BUF_INIT};

    if (!p)
        return;
    if (p->destroy)
        pb_strv_add(&w.lines, "-destroy");
    for (char *const *t = p->targets; t && *t; t++)
        pb_strv_addf(&w.lines, "-target=%s", *t);
    for (char *const *r = p->replace; r && *r; r++)
        pb_strv_addf(&w.lines, "-replace=%s", *r);
    add_vars(&w, p, a);
    if (w.lines.n)
        f->added = kept(u->arena, &w.lines);
    if (w.outside.len)
        f->outside = pb_arena_printf(u->arena, "%s from the command line", w.outside.s);
    pb_strv_release(&w.lines);
    pb_buf_release(&w.outside);
}

bool pb_run_requested(const struct pb_plan_options *p, const char *address, enum pb_action action)
{
    if (!p)
        return false;
    for (char *const *r = p->replace; r && *r && action == PB_ACT_REPLACE; r++)
        if (strcmp(*r, address) == 0)
            return true;
    return p->destroy && action == PB_ACT_DELETE;
}
