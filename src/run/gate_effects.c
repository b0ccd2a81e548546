/* Provisioners and actions: when they run, and whether a commit has them. */
#include "run/gate_internal.h"

#include "git/tree.h"

#include <string.h>

enum { SOURCE_MAX = 4 << 20 };

static bool runs(const struct pb_side_effect *e, enum pb_action action)
{
    if (e->invoked)
        return true;
    switch (action) {
    case PB_ACT_CREATE: return e->on_create;
    case PB_ACT_DELETE: return e->on_destroy;
    case PB_ACT_REPLACE:
    case PB_ACT_UNKNOWN: return true;
    case PB_ACT_NONE:
    case PB_ACT_READ:
    case PB_ACT_UPDATE:
    case PB_ACT_FORGET: break;
    }
    return false;
}

static const char *line_at(const char *s, unsigned line)
{
    for (; s && line > 1; line--) {
        s = strchr(s, '\n');
        s += s != NULL;
    }
    return s;
}

/* Whether the other text has these lines, one behind the other. */
static bool has_lines(const char *other, const char *from, size_t n)
{
    for (const char *p = other; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
        if (strncmp(p, from, n) == 0 && (p[n] == '\n' || p[n] == '\r' || !p[n]))
            return true;
    return false;
}

static enum pb_gate_origin origin_of(struct pb_audit *audit, const char *last,
                                     const struct pb_side_effect *e)
{
    PB_AUTO(buf) struct pb_buf now = PB_BUF_INIT, then = PB_BUF_INIT;
    const char *from, *end;

    if (!e->file || pb_tree_read(&now, audit->repo, audit->commit, e->file, SOURCE_MAX, NULL) < 0)
        return PB_ORIGIN_NONE;
    if (!last || !e->line || !e->last_line ||
        pb_tree_read(&then, audit->repo, last, e->file, SOURCE_MAX, NULL) < 0)
        return PB_ORIGIN_COMMITTED;
    from = line_at(now.s, e->line);
    end = line_at(from, e->last_line - e->line + 1);
    if (!end)
        return PB_ORIGIN_COMMITTED;
    return has_lines(then.s, from, (size_t)(end - from) + strcspn(end, "\r\n"))
               ? PB_ORIGIN_VERIFIED
               : PB_ORIGIN_COMMITTED;
}

const struct pb_gate_effect *pb_gate_effects(size_t *n, struct pb_arena *a, struct pb_audit *audit,
                                             const char *last, const struct pb_side_effect *v,
                                             size_t nv, enum pb_action action)
{
    struct pb_gate_effect *out = pb_arena_zalloc(a, (nv + 1) * sizeof(*out));

    *n = 0;
    for (size_t i = 0; i < nv; i++) {
        if (!runs(&v[i], action))
            continue;
        out[*n] =
            (struct pb_gate_effect){.what = v[i].what, .origin = origin_of(audit, last, &v[i])};
        if (out[*n].origin != PB_ORIGIN_NONE) /* else it is a place that is gone by now */
            out[*n].where =
                v[i].line ? pb_arena_printf(a, "%s:%u", v[i].file, v[i].line) : v[i].file;
        (*n)++;
    }
    return out;
}
