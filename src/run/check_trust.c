/* Whether the code of a change may be run before it is merged. Who is named in a commit proves
 * nothing. */
#include "run/check_internal.h"

#include "git/history.h"
#include "git/refs.h"
#include "git/signed.h"
#include "git/tree.h"

#include <fnmatch.h>
#include <string.h>

enum { SIGNERS_MAX = 1 << 20 };

static const char remotes[] = "refs/remotes/";

/* *out is the first branch that fits and has the head; NULL: none. */
static int branch_with(const char **out, struct pb_check *c, char *const *patterns,
                       struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv refs = PB_STRV_INIT;

    *out = NULL;
    if (!patterns)
        return 0;
    if (pb_ref_list(&refs, c->audit.repo, remotes, err) < 0)
        return -1;
    for (size_t i = 0; i < refs.n && !*out; i++) {
        const char *name = refs.v[i] + strlen(remotes);
        char tip[PB_OID_HEX];
        bool fits = false, has = false;

        for (char *const *p = patterns; *p && !fits; p++)
            fits = fnmatch(*p, name, 0) == 0;
        if (fits && pb_repo_resolve(tip, c->audit.repo, refs.v[i], NULL) == 0 &&
            pb_history_is_ancestor(&has, c->audit.repo, c->head, tip, NULL) == 0 && has)
            *out = pb_arena_strdup(c->arena, name);
    }
    return 0;
}

/* NULL: all that base does not have is signed by base's signers; else why not. */
static const char *not_signed(struct pb_check *c)
{
    const char *file = c->audit.config.gate.allowed_signers;
    PB_AUTO(buf) struct pb_buf signers = PB_BUF_INIT;
    struct pb_err why = PB_ERR_INIT;
    char bad[PB_OID_HEX];

    if (!file)
        return "'check.trust.signed' needs 'gate.allowed_signers'";
    if (pb_tree_read(&signers, c->audit.repo, c->base, file, SIGNERS_MAX, &why) < 0 ||
        pb_git_signed(bad, c->audit.repo, c->head, c->base, signers.s, signers.len, &why) < 0)
        return pb_arena_strdup(c->arena, why.msg);
    return *bad ? pb_arena_printf(c->arena,
                                  "commit %.8s has no good signature of somebody in base's '%s'",
                                  bad, file)
                : NULL;
}

/* Why it is in none of them; branches of this clone alone are nobody's push. */
static const char *in_no_branch(struct pb_arena *a, char *const *patterns)
{
    PB_AUTO(buf) struct pb_buf all = PB_BUF_INIT;
    const char *local = NULL;

    for (char *const *p = patterns; *p; p++) {
        pb_buf_addf(&all, "%s'%s'", p == patterns ? "" : ", ", *p);
        if (!local && !strpbrk(*p, "*?[/"))
            local = *p;
    }
    return local ? pb_arena_printf(a,
                                   "the head is in no branch that base trusts (%s; these are "
                                   "remote-tracking branches: 'origin/%s', not '%s')",
                                   all.s, local, local)
                 : pb_arena_printf(a, "the head is in no branch that base trusts (%s)", all.s);
}

int pb_check_trust(struct pb_checking *k, struct pb_err *err)
{
    struct pb_check *c = k->check;
    const struct pb_config_trust *t = &c->audit.config.check.trust;
    const char *branch, *why = NULL;

    c->trusted = true;
    if (k->options->trust) {
        c->trust = "--trust says so";
        return 0;
    }
    if (branch_with(&branch, c, t->branches, err) < 0)
        return -1;
    if (branch) {
        c->trust = pb_arena_printf(c->arena, "it is in '%s'", branch);
        return 0;
    }
    if (t->is_signed && !(why = not_signed(c))) {
        c->trust = "every commit is signed by one of base's signers";
        return 0;
    }
    c->trusted = false;
    c->trust = pb_arena_printf(c->arena,
                               "%s: use --trust if somebody has read it; 'check.trust' in base's "
                               "%s says whose changes are trusted without that",
                               why           ? why
                               : t->branches ? in_no_branch(c->arena, t->branches)
                                             : "base trusts no head by itself",
                               PB_CONFIG_FILE);
    return 0;
}
