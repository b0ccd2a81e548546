/* plumb rollback: a commit that takes a unit back, and its apply. */
#include "cmd/audit.h"

#include "base/text.h"
#include "run/rollback.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SHOWN_MAX = 40 };

static void add_lines(struct pb_buf *b, const struct pb_strv *v, size_t all)
{
    size_t n = v->n < SHOWN_MAX ? v->n : SHOWN_MAX;

    for (size_t i = 0; i < n; i++) {
        pb_buf_adds(b, "    ");
        pb_text_add_safe(b, v->v[i], strlen(v->v[i]));
        pb_buf_addc(b, '\n');
    }
    if (all > n)
        pb_buf_addf(b, "    and %zu more\n", all - n);
}

static void show(const struct pb_run_rollback *r)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    pb_buf_addf(&b, "%s back to %.8s, as a new commit on top of %.8s\n\n  files\n",
                r->audit.units[0].config.name, r->git.earlier, r->git.head);
    add_lines(&b, &r->git.changes, r->git.changes.n);
    if (r->outside)
        pb_buf_addf(&b, "  %zu of them outside of the unit's folder: other units may read them\n",
                    r->outside);
    if (r->git.undone.n)
        pb_buf_adds(&b, "\n  undoes\n");
    add_lines(&b, &r->git.undone, r->git.nundone);
    pb_cmd_print(&b);
}

/* Before a commit is made: the apply asks about what it does by itself. */
static bool may_commit(const struct pb_args *args, struct pb_err *err)
{
    char answer[8] = "";

    if (pb_args_has(args, PB_O_AUTO_APPROVE) || pb_args_has(args, PB_O_NO_APPLY) ||
        pb_args_has(args, PB_O_BRANCH))
        return true;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
        pb_fail(err, PB_E_REFUSED,
                "nobody can be asked here: --no-apply makes the commit alone, --auto-approve "
                "applies it too");
        return false;
    }
    fputs("\nTo make this commit, type 'yes': ", stderr);
    fflush(stderr);
    if (fgets(answer, sizeof(answer), stdin) && pb_streq(answer, "yes\n"))
        return true;
    pb_fail(err, PB_E_REFUSED, "nothing was changed");
    return false;
}

static int apply(const struct pb_args *args, const char *unit)
{
    struct pb_args with = *args;
    PB_AUTO(strv) struct pb_strv units = PB_STRV_INIT;

    pb_strv_add(&units, unit);
    with.value[PB_O_UNIT] = units;
    with.count[PB_O_UNIT] = 1;
    return pb_cmd_apply(&with);
}

static int make(const struct pb_args *args, struct pb_run_rollback *r)
{
    const char *branch = pb_args_get(args, PB_O_BRANCH);
    struct pb_err err = PB_ERR_INIT;
    char id[PB_OID_HEX];

    if (!may_commit(args, &err) || pb_run_rollback_make(id, r, branch, &err) < 0)
        return pb_cmd_fail(&err);
    if (branch)
        pb_cmd_note("commit %.8s is branch '%s': 'plumb plan --rev %s' shows what it would do", id,
                    branch, branch);
    else
        pb_cmd_note("commit %.8s was made: 'git reset --keep %.8s' takes it back, as long as it is "
                    "not applied",
                    id, r->git.head);
    if (branch || pb_args_has(args, PB_O_NO_APPLY))
        return PB_EXIT_PLUMB;
    return apply(args, r->audit.units[0].config.name);
}

int pb_cmd_rollback(const struct pb_args *args)
{
    struct pb_audit_options o = pb_cmd_audit_options(args);
    struct pb_run_rollback r;
    struct pb_err err = PB_ERR_INIT;
    int code;

    o.one = true;
    if (pb_run_rollback_look(&r, &o, args->pos.v[0], &err) < 0) {
        code = pb_cmd_fail(&err);
    } else if (!r.git.changes.n) {
        pb_cmd_note("unit '%s' is as commit %.8s has it already", r.audit.units[0].config.name,
                    r.git.earlier);
        code = PB_EXIT_PLUMB;
    } else {
        show(&r);
        code = make(args, &r);
    }
    pb_run_rollback_release(&r);
    return code;
}
