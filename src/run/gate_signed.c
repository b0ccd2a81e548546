/* Whether what is planned is signed by those who may. */
#include "run/gate_internal.h"

#include "base/text.h"
#include "git/signed.h"
#include "git/tree.h"

enum { SIGNERS_MAX = 1 << 20 };

/* The signers as the last verified commit has them: a commit cannot let in who signed it. Only what
 * that commit does not know at all yet is taken from the planned one. */
static const char *check(struct pb_audit *a, struct pb_unit_result *u,
                         const struct pb_config_gate *c, bool old)
{
    PB_AUTO(buf) struct pb_buf signers = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;
    const char *last = u->baseline_commit, *from = last ? last : a->commit;
    bool all = pb_streq(c->signatures, "all");
    char bad[PB_OID_HEX];
    int rc;

    if (!c->signatures)
        return NULL;
    if (!c->allowed_signers)
        return "'gate: signatures' needs 'allowed_signers' beside it";
    rc = pb_tree_read(&signers, a->repo, from, c->allowed_signers, SIGNERS_MAX, &err);
    if (rc < 0 && !old && last) {
        from = a->commit;
        rc = pb_tree_read(&signers, a->repo, from, c->allowed_signers, SIGNERS_MAX, &err);
    }
    if (rc < 0)
        return pb_arena_printf(u->arena, "commit %.8s has no allowed signers: %s", from, err.msg);
    if (pb_git_signed(bad, a->repo, a->commit, all ? last : NULL, signers.s, signers.len, &err) < 0)
        return pb_arena_strdup(u->arena, err.msg);
    return *bad ? pb_arena_printf(u->arena,
                                  "commit %.8s has no good signature of somebody in '%s' of %.8s",
                                  bad, c->allowed_signers, from)
                : NULL;
}

void pb_gate_signed(struct pb_gate_facts *f, struct pb_audit *a, struct pb_unit_result *u,
                    const struct pb_config_gate *old)
{
    f->needs_signature = a->config.gate.signatures || (old && old->signatures);
    f->not_signed = old ? check(a, u, old, true) : NULL;
    if (!f->not_signed)
        f->not_signed = check(a, u, &a->config.gate, false);
}
