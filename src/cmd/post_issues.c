/* --post issues: what there is to say about each unit. */
#include "cmd/post.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "report/cell.h"
#include "report/level.h"

#include <stdlib.h>
#include <string.h>

enum { DIGEST = 16 };

static bool differs(const struct pb_resource_result *r)
{
    return !r->ignored &&
           (pb_verdicts[r->verdict].effect == PB_EFFECT_DIFFERENCE || r->also != PB_IN_SYNC);
}

/* The unit alone, as an audit of its own. */
static int alone(struct pb_audit *one, const struct pb_audit *a, size_t i, char *const *fail_on,
                 struct pb_err *err)
{
    *one = *a;
    one->units = &a->units[i];
    one->nunits = 1;
    return pb_audit_sum(one, fail_on, err);
}

/* Clean is only what was looked at as a whole and is known to be so. */
static enum pb_post_finding finding(const struct pb_audit *one)
{
    if (one->exit_code == PB_EXIT_DRIFT)
        return PB_POST_WRONG;
    if (one->exit_code == PB_EXIT_PLUMB && !one->units->narrowed)
        return PB_POST_CLEAN;
    return PB_POST_UNKNOWN;
}

/* Of what differs and how: the same finding gives the same digest, whenever it is found. Sensitive
 * values are in no cell. */
static const char *digest(struct pb_arena *a, const struct pb_unit_result *u)
{
    struct pb_sha256 *d = pb_sha256_new();
    char hex[PB_SHA256_HEX];

    for (size_t i = 0; i < u->out.n; i++) {
        const struct pb_resource_result *r = &u->out.v[i];

        if (!differs(r))
            continue;
        pb_sha256_add_str(d, r->address);
        pb_sha256_add_str(d, pb_verdict_name(r->verdict));
        pb_sha256_add_str(d, pb_verdict_name(r->also));
        for (size_t k = 0; k < r->nattrs; k++) {
            const struct pb_attr_result *at = &r->attrs[k];

            if (at->ignored || at->verdict == PB_IN_SYNC)
                continue;
            pb_sha256_add_str(d, at->path);
            pb_sha256_add_str(d, pb_verdict_name(at->verdict));
            if (at->sensitive)
                continue;
            pb_sha256_add_str(d, pb_cell_text(a, at->declared, PB_CELL_DECLARED));
            pb_sha256_add_str(d, pb_cell_text(a, at->live, PB_CELL_LIVE));
        }
    }
    pb_sha256_end_hex(d, hex);
    return pb_arena_strndup(a, hex, DIGEST);
}

static const char *title(struct pb_arena *a, const struct pb_audit *one)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    size_t sum[PB_NVERDICTS];

    for (size_t k = 0; k < PB_NVERDICTS; k++)
        sum[k] = one->by_verdict[k] + one->also[k];
    pb_buf_addf(&b, "Drift in '%.100s': ", one->units->config.name);
    pb_add_verdict_counts(&b, sum, PB_EFFECT_DIFFERENCE);
    return pb_arena_strndup(a, b.s, b.len);
}

void pb_cmd_post_issues(struct pb_cmd_post *p, const struct pb_audit *a)
{
    PB_AUTO(arena) struct pb_arena *arena = pb_arena_new();
    struct pb_post_issue *issues;
    struct pb_err err = PB_ERR_INIT;
    char when[PB_CLOCK_RFC3339];
    const char *well;

    if (!p->post || !p->issues)
        return;
    pb_clock_rfc3339(when, a->started_at);
    well = pb_arena_printf(arena, "In sync with commit %.12s at %s.", a->commit, when);
    issues = pb_calloc(a->nunits + 1, sizeof(*issues));
    for (size_t i = 0; i < a->nunits; i++) {
        PB_AUTO(buf) struct pb_buf body = PB_BUF_INIT;
        struct pb_audit one;

        issues[i].key = a->units[i].config.name;
        if (alone(&one, a, i, pb_args_all(p->args, PB_O_FAIL_ON), &err) < 0)
            continue;
        issues[i].finding = finding(&one);
        issues[i].well = well;
        if (issues[i].finding != PB_POST_WRONG)
            continue;
        pb_cmd_post_markdown(&body, p, pb_cmd_write_audit, &one);
        issues[i].title = title(arena, &one);
        issues[i].digest = digest(arena, one.units);
        issues[i].body = pb_arena_strndup(arena, body.s, body.len);
    }
    if (pb_post_issues(p->post, issues, a->nunits, &err) < 0)
        pb_cmd_note("warning: not posted: %s", err.msg);
    free(issues);
}
