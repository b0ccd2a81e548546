/* What can be found in a change, and adding it: no finding has a code that is neither in here nor
 * among the rules of an executor's text. */
#include "run/check_internal.h"

#include "base/mem.h"

#include <string.h>

#define E "error"
#define W "warning"
#define N "notice"

static const struct pb_text_rule rules[PB_NCHECK_RULES] = {
    [PB_CHECK_CONFIG_BROKEN] = {"config-broken", E, "plumb.yaml cannot be used after merging"},
    [PB_CHECK_UNIT_REMOVED] = {"unit-removed", W,
                               "a unit is gone; a notice where its state has nothing"},
    [PB_CHECK_BLOCK_ADDED] = {"block-added", N, "where nothing is planned: a block is new"},
    [PB_CHECK_BLOCK_CHANGED] = {"block-changed", N,
                                "where nothing is planned: a block says something else"},
    [PB_CHECK_BLOCK_REMOVED] = {"block-removed", N, "where nothing is planned: a block is gone"},
    [PB_CHECK_OUTPUT_ADDED] = {"output-added", N, "the unit has an output that it had not"},
    [PB_CHECK_OUTPUT_CHANGED] = {"output-changed", N,
                                 "an output, which other units may read, is another"},
    [PB_CHECK_OUTPUT_REMOVED] = {"output-removed", N,
                                 "an output, which other units may read, is gone"},
    [PB_CHECK_POLICY_GATE] = {"policy-gate", W, "other rules say what may be applied"},
    [PB_CHECK_POLICY_IGNORE] = {"policy-ignore", W, "other drift is not reported"},
    [PB_CHECK_POLICY_PACKS] = {"policy-packs", W, "live state is read in another way"},
    [PB_CHECK_POLICY_CHECK] = {"policy-check", W,
                               "changes are checked, or trusted, in another way"},
    [PB_CHECK_POLICY_LEDGER] = {"policy-ledger", W,
                                "what is recorded, where, or who vouches for it is another"},
    [PB_CHECK_POLICY_REPORT] =
        {"policy-report", W, "other verdicts fail an audit; a notice where plumb works otherwise"},
    [PB_CHECK_POLICY_FILE] = {"policy-file", W, "a file is another that base's plumb.yaml names"},
};

const struct pb_text_rule *pb_check_rule_at(size_t i)
{
    if (i < PB_NCHECK_RULES)
        return &rules[i];
    i -= PB_NCHECK_RULES;
    for (const struct pb_executor *const *x = pb_executors; *x; x++)
        for (const struct pb_text_rule *r = (*x)->text_rules; r && r->code; r++)
            if (!i--)
                return r;
    return NULL;
}

const struct pb_text_rule *pb_check_rule_find(const char *code)
{
    const struct pb_text_rule *r;

    for (size_t i = 0; (r = pb_check_rule_at(i)); i++)
        if (strcmp(r->code, code) == 0)
            return r;
    return NULL;
}

void pb_check_add(struct pb_check_findings *f, struct pb_arena *a,
                  const struct pb_check_finding *one)
{
    struct pb_check_finding *out;

    f->v = pb_grow(f->v, &f->cap, f->n + 1, sizeof(*f->v));
    out = &f->v[f->n++];
    *out = *one;
    out->message = pb_arena_strdup(a, one->message);
    out->address = one->address ? pb_arena_strdup(a, one->address) : NULL;
    out->file = one->file ? pb_arena_strdup(a, one->file) : NULL;
}

void pb_check_find(struct pb_check_findings *f, struct pb_arena *a, const struct pb_text_rule *rule,
                   const struct pb_check_finding *one)
{
    struct pb_check_finding mine = *one;

    mine.code = rule->code;
    if (!mine.severity)
        mine.severity = rule->severity;
    pb_check_add(f, a, &mine);
}
