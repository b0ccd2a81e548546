#include "base/clock.h"
#include "base/mem.h"
#include "policy/gate.h"
#include "tests/support/values.h"

#include <string.h>

/* ---- causes ------------------------------------------------------------------------------- */

struct cause_row {
    enum pb_action action;
    enum pb_verdict verdict;
    bool in_baseline;
    enum pb_verdict attrs[3]; /* until PB_IN_SYNC */
    enum pb_cause want;
};

/* A baseline exists, and the world is still what it says. */
static const struct cause_row rows[] = {
    {PB_ACT_UPDATE, PB_PENDING, true, {PB_PENDING}, PB_CAUSE_GIT},
    {PB_ACT_UPDATE, PB_DRIFTED, true, {PB_DRIFTED}, PB_CAUSE_REVERT},
    {PB_ACT_UPDATE, PB_DRIFTED, true, {PB_PENDING, PB_DRIFTED}, PB_CAUSE_REVERT},
    {PB_ACT_UPDATE, PB_LAUNDERED, true, {PB_LAUNDERED}, PB_CAUSE_REVERT},
    {PB_ACT_UPDATE, PB_CONFLICT, true, {PB_DRIFTED, PB_CONFLICT}, PB_CAUSE_OVERWRITE},
    {PB_ACT_UPDATE, PB_UNKNOWN_V, true, {PB_PENDING, PB_UNKNOWN_V}, PB_CAUSE_UNSEEN},
    {PB_ACT_UPDATE, PB_UNOBSERVED, true, {PB_IN_SYNC}, PB_CAUSE_UNSEEN},
    {PB_ACT_UPDATE, PB_CONVERGED, true, {PB_CONVERGED}, PB_CAUSE_RECORD},
    {PB_ACT_UPDATE, PB_STALE_RECORD, true, {PB_STALE_RECORD}, PB_CAUSE_RECORD},
    {PB_ACT_UPDATE, PB_IN_SYNC, true, {PB_IN_SYNC}, PB_CAUSE_UNEXPLAINED},
    {PB_ACT_UPDATE, PB_COMPUTED, true, {PB_COMPUTED}, PB_CAUSE_REVERT},
    {PB_ACT_UPDATE, PB_PENDING, true, {PB_COMPUTED, PB_PENDING}, PB_CAUSE_GIT},
    {PB_ACT_UPDATE, PB_UNCHECKED, true, {PB_UNCHECKED}, PB_CAUSE_UNEXPLAINED},
    {PB_ACT_REPLACE, PB_PENDING, true, {PB_PENDING}, PB_CAUSE_GIT},
    {PB_ACT_REPLACE, PB_DRIFTED, true, {PB_DRIFTED}, PB_CAUSE_REVERT},
    {PB_ACT_REPLACE, PB_PENDING, true, {PB_IN_SYNC}, PB_CAUSE_UNEXPLAINED},
    {PB_ACT_CREATE, PB_PENDING, false, {PB_IN_SYNC}, PB_CAUSE_GIT},
    {PB_ACT_CREATE, PB_PENDING, true, {PB_IN_SYNC}, PB_CAUSE_UNEXPLAINED},
    {PB_ACT_CREATE, PB_LAUNDERED, true, {PB_IN_SYNC}, PB_CAUSE_UNEXPLAINED},
    {PB_ACT_CREATE, PB_MISSING, true, {PB_IN_SYNC}, PB_CAUSE_REVERT},
    {PB_ACT_CREATE, PB_UNOBSERVED, true, {PB_IN_SYNC}, PB_CAUSE_UNSEEN},
    {PB_ACT_DELETE, PB_PENDING, true, {PB_IN_SYNC}, PB_CAUSE_GIT},
    {PB_ACT_DELETE, PB_PENDING, false, {PB_IN_SYNC}, PB_CAUSE_UNEXPLAINED},
    {PB_ACT_DELETE, PB_CONFLICT, true, {PB_DRIFTED}, PB_CAUSE_OVERWRITE},
    {PB_ACT_DELETE, PB_MISSING, true, {PB_IN_SYNC}, PB_CAUSE_RECORD},
    {PB_ACT_DELETE, PB_UNOBSERVED, true, {PB_IN_SYNC}, PB_CAUSE_UNSEEN},
    {PB_ACT_FORGET, PB_PENDING, true, {PB_DRIFTED}, PB_CAUSE_RECORD},
    {PB_ACT_UNKNOWN, PB_IN_SYNC, true, {PB_IN_SYNC}, PB_CAUSE_UNEXPLAINED},
};

static struct pb_gate_change change_of(struct pb_arena *a, const struct cause_row *r)
{
    struct pb_gate_attr *v = pb_arena_zalloc(a, 3 * sizeof(*v));
    size_t n = 0;

    for (; n < 3 && r->attrs[n]; n++)
        v[n] = (struct pb_gate_attr){.path = "tags.team",
                                     .verdict = r->attrs[n],
                                     .has_baseline = r->in_baseline,
                                     .baseline_is_live = true};
    return (struct pb_gate_change){.address = "aws_vpc.main",
                                   .action = r->action,
                                   .verdict = r->verdict,
                                   .recorded = r->action != PB_ACT_CREATE,
                                   .in_baseline = r->in_baseline,
                                   .attrs = v,
                                   .nattrs = n};
}

static void gate__causes(void **state)
{
    struct pb_arena *a = *state;

    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_gate_change c = change_of(a, &rows[i]);
        const char *why = NULL;
        enum pb_cause got = pb_cause_of(&why, a, &c, true);

        if (got != rows[i].want)
            fail_msg("%s of what is %s: got %s, want %s", pb_action_name(rows[i].action),
                     pb_verdict_name(rows[i].verdict), pb_cause_names[got],
                     pb_cause_names[rows[i].want]);
        assert_non_null(why);
    }
}

/* Whatever comes together: what could not be seen is never Git's, and no outside change is. */
static void gate__git_explains_only_what_it_can(void **state)
{
    struct pb_arena *a = *state;

    for (int action = 0; action <= PB_ACT_UNKNOWN; action++)
        for (int v = 0; v < PB_NVERDICTS; v++)
            for (int at = 0; at < PB_NVERDICTS; at++) {
                struct cause_row r = {(enum pb_action)action,
                                      (enum pb_verdict)v,
                                      true,
                                      {(enum pb_verdict)at, PB_IN_SYNC, PB_IN_SYNC},
                                      PB_CAUSE_GIT};
                struct pb_gate_change c = change_of(a, &r);
                bool touches =
                    action == PB_ACT_UPDATE || action == PB_ACT_REPLACE || action == PB_ACT_DELETE;
                const char *why;
                enum pb_cause got = pb_cause_of(&why, a, &c, true);

                if (v == PB_UNOBSERVED && (touches || action == PB_ACT_CREATE))
                    assert_int_equal(got, PB_CAUSE_UNSEEN);
                if (!touches || v == PB_MISSING)
                    continue;
                if (at == PB_UNKNOWN_V || at == PB_DRIFTED || at == PB_LAUNDERED ||
                    at == PB_CONFLICT)
                    assert_true(got > PB_CAUSE_GIT);
            }
}

/* The world was changed, a refresh hid it, and now Git asks for a third value. */
static void gate__a_hidden_change_under_a_new_commit(void **state)
{
    struct pb_arena *a = *state;
    struct cause_row r = {PB_ACT_UPDATE, PB_PENDING, true, {PB_PENDING}, PB_CAUSE_GIT};
    struct pb_gate_change c = change_of(a, &r);
    struct pb_gate_attr at = c.attrs[0];
    const char *why;

    at.baseline_is_live = false;
    c.attrs = &at;
    assert_int_equal(pb_cause_of(&why, a, &c, true), PB_CAUSE_OVERWRITE);
    assert_string_equal(why, "tags.team: overwrites a change made outside of Git with another");
}

/* An import that changes the object once was "only the record changes", too. */
static void gate__moved_and_imported(void **state)
{
    struct pb_arena *a = *state;
    struct cause_row r = {PB_ACT_UPDATE, PB_IN_SYNC, true, {PB_IN_SYNC}, PB_CAUSE_RECORD};
    struct pb_gate_change c = change_of(a, &r);
    const char *why;

    c.moves = true;
    assert_int_equal(pb_cause_of(&why, a, &c, true), PB_CAUSE_RECORD);
    c.moves = false;
    c.imports = true;
    assert_int_equal(pb_cause_of(&why, a, &c, true), PB_CAUSE_GIT);
    c.action = PB_ACT_REPLACE;
    assert_int_equal(pb_cause_of(&why, a, &c, true), PB_CAUSE_OVERWRITE);
    c.action = PB_ACT_NONE;
    assert_int_equal(pb_cause_of(&why, a, &c, true), PB_CAUSE_RECORD);
}

/* What Git drops has no declared value: a change since it was verified is somebody's all the same,
 * unless it may move by itself. */
static void gate__a_changed_object_is_not_deleted_as_if_it_was_not(void **state)
{
    struct pb_arena *a = *state;
    struct cause_row r = {PB_ACT_DELETE, PB_PENDING, true, {PB_COMPUTED}, PB_CAUSE_OVERWRITE};
    struct pb_gate_change c = change_of(a, &r);
    struct pb_gate_attr at = c.attrs[0];
    const char *why;

    c.attrs = &at;
    at.settable = true;
    assert_int_equal(pb_cause_of(&why, a, &c, true), PB_CAUSE_GIT);
    at.baseline_is_live = false;
    assert_int_equal(pb_cause_of(&why, a, &c, true), PB_CAUSE_OVERWRITE);
    assert_string_equal(why,
                        "tags.team: somebody changed it outside of Git, and Git takes it away");
    c.requested = true;
    assert_int_equal(pb_cause_of(&why, a, &c, true), PB_CAUSE_REQUESTED);
    c.requested = false;
    at.settable = false;
    assert_int_equal(pb_cause_of(&why, a, &c, true), PB_CAUSE_GIT);
}

/* Destroyed or replaced because the command line says so: Git is no cause, drift stays one. */
static void gate__what_the_command_line_asks_for(void **state)
{
    static const struct cause_row asked[] = {
        {PB_ACT_DELETE, PB_PENDING, true, {PB_IN_SYNC}, PB_CAUSE_REQUESTED},
        {PB_ACT_DELETE, PB_PENDING, false, {PB_IN_SYNC}, PB_CAUSE_REQUESTED},
        {PB_ACT_DELETE, PB_CONFLICT, true, {PB_DRIFTED}, PB_CAUSE_OVERWRITE},
        {PB_ACT_DELETE, PB_MISSING, true, {PB_IN_SYNC}, PB_CAUSE_RECORD},
        {PB_ACT_DELETE, PB_UNOBSERVED, true, {PB_IN_SYNC}, PB_CAUSE_UNSEEN},
        {PB_ACT_REPLACE, PB_PENDING, true, {PB_IN_SYNC}, PB_CAUSE_REQUESTED},
        {PB_ACT_REPLACE, PB_PENDING, true, {PB_PENDING}, PB_CAUSE_REQUESTED},
        {PB_ACT_REPLACE, PB_CONFLICT, true, {PB_CONFLICT}, PB_CAUSE_OVERWRITE},
        {PB_ACT_REPLACE, PB_UNOBSERVED, true, {PB_IN_SYNC}, PB_CAUSE_UNSEEN},
    };
    struct pb_arena *a = *state;

    for (size_t i = 0; i < PB_COUNT(asked); i++) {
        struct pb_gate_change c = change_of(a, &asked[i]);
        const char *why;

        c.requested = true;
        assert_int_equal(pb_cause_of(&why, a, &c, true), asked[i].want);
    }
}

/* ---- decisions ---------------------------------------------------------------------------- */

static const struct pb_gate_facts fine = {.commit = "1111111111111111111111111111111111111111",
                                          .last = "2222222222222222222222222222222222222222",
                                          .merged = PB_TRI_YES,
                                          .descends = PB_TRI_YES,
                                          .clean = PB_TRI_YES,
                                          .complete = PB_TRI_YES,
                                          .has_baseline = true};
static const struct pb_gate_policy plain = {.max_delete = -1, .max_replace = -1};

static struct pb_gate_out decide(struct pb_arena *a, const struct cause_row *r,
                                 const struct pb_gate_facts *f, const struct pb_gate_policy *p)
{
    struct pb_gate_change *c = pb_arena_zalloc(a, sizeof(*c));
    struct pb_gate_in in = {.changes = c, .n = 1, .facts = f, .policy = p};
    struct pb_gate_out out;

    *c = change_of(a, r);
    pb_gate(&out, a, &in);
    return out;
}

static const struct cause_row git_update = {
    PB_ACT_UPDATE, PB_PENDING, true, {PB_PENDING}, PB_CAUSE_GIT};
static const struct cause_row revert = {
    PB_ACT_UPDATE, PB_DRIFTED, true, {PB_DRIFTED}, PB_CAUSE_REVERT};
static const struct cause_row overwrite = {
    PB_ACT_UPDATE, PB_CONFLICT, true, {PB_CONFLICT}, PB_CAUSE_OVERWRITE};
static const struct cause_row unseen = {
    PB_ACT_UPDATE, PB_UNOBSERVED, true, {PB_IN_SYNC}, PB_CAUSE_UNSEEN};
static const struct cause_row git_delete = {
    PB_ACT_DELETE, PB_PENDING, true, {PB_IN_SYNC}, PB_CAUSE_GIT};

static void gate__defaults(void **state)
{
    struct pb_arena *a = *state;
    struct pb_gate_out o = decide(a, &git_update, &fine, &plain);
    struct pb_gate_in nothing = {.facts = &fine, .policy = &plain};

    assert_int_equal(o.decision, PB_GATE_ALLOW);
    assert_string_equal(o.v[0].rule, "the default for git");
    assert_int_equal(decide(a, &revert, &fine, &plain).decision, PB_GATE_ASK);
    assert_int_equal(decide(a, &overwrite, &fine, &plain).decision, PB_GATE_DENY);
    assert_int_equal(decide(a, &unseen, &fine, &plain).decision, PB_GATE_DENY);
    pb_gate(&o, a, &nothing);
    assert_int_equal(o.decision, PB_GATE_ALLOW);
}

static void gate__a_variable_from_elsewhere_explains_nothing(void **state)
{
    struct pb_arena *a = *state;
    struct pb_gate_facts f = fine;
    struct pb_gate_out o;

    f.outside = "variable size from the command line";
    o = decide(a, &git_update, &f, &plain);
    assert_int_equal(o.v[0].cause, PB_CAUSE_UNEXPLAINED);
    assert_int_equal(o.decision, PB_GATE_DENY);
    assert_non_null(strstr(o.v[0].why, "variable size from the command line"));
    assert_int_equal(decide(a, &revert, &f, &plain).v[0].cause, PB_CAUSE_REVERT);
    assert_int_equal(decide(a, &unseen, &f, &plain).v[0].cause, PB_CAUSE_UNSEEN);
}

static void gate__the_first_rule_that_fits_decides(void **state)
{
    struct pb_arena *a = *state;
    struct pb_gate_rule rules[] = {
        {.causes = 1u << PB_CAUSE_REVERT, .decision = PB_GATE_ALLOW, .at = "plumb.yaml:4"},
        {.actions = 1u << PB_ACT_UPDATE,
         .decision = PB_GATE_ASK,
         .reason = "look first",
         .at = "plumb.yaml:6"},
        {.decision = PB_GATE_DENY, .at = "plumb.yaml:8"},
    };
    struct pb_gate_policy p = plain;
    struct pb_gate_out o;

    p.rules = rules;
    p.nrules = 3;
    assert_int_equal(pb_match_compile(&rules[1].address, "/aws_.*/", "f", 1, NULL), 0);
    assert_int_equal(decide(a, &revert, &fine, &p).decision, PB_GATE_ALLOW);
    o = decide(a, &git_update, &fine, &p);
    assert_int_equal(o.decision, PB_GATE_ASK);
    assert_string_equal(o.v[0].rule, "plumb.yaml:6 (look first)");
    o = decide(a, &git_delete, &fine, &p);
    assert_int_equal(o.decision, PB_GATE_DENY);
    assert_string_equal(o.v[0].rule, "plumb.yaml:8");
    /* No rule makes seen what was not. */
    p.nrules = 1;
    rules[0].causes = 0;
    o = decide(a, &unseen, &fine, &p);
    assert_int_equal(o.decision, PB_GATE_ASK);
    pb_match_release(&rules[1].address);
}

static void gate__protected_is_not_destroyed(void **state)
{
    struct pb_arena *a = *state;
    struct pb_gate_guard guard = {.reason = "the network", .at = "plumb.yaml:9"};
    struct pb_gate_rule all = {.decision = PB_GATE_ALLOW, .at = "plumb.yaml:2"};
    struct pb_gate_policy p = plain;
    struct cause_row replace = git_update;
    struct pb_gate_out o;

    p.guards = &guard;
    p.nguards = 1;
    p.rules = &all;
    p.nrules = 1;
    replace.action = PB_ACT_REPLACE;
    assert_int_equal(pb_match_compile(&guard.address, "aws_vpc.main", "f", 1, NULL), 0);
    assert_int_equal(decide(a, &git_update, &fine, &p).decision, PB_GATE_ALLOW);
    assert_int_equal(decide(a, &replace, &fine, &p).decision, PB_GATE_DENY);
    o = decide(a, &git_delete, &fine, &p);
    assert_int_equal(o.decision, PB_GATE_DENY);
    assert_string_equal(o.v[0].rule, "protected by plumb.yaml:9 (the network)");
    pb_match_release(&guard.address);
    assert_int_equal(pb_match_compile(&guard.address, "aws_vpc.other", "f", 1, NULL), 0);
    assert_int_equal(decide(a, &git_delete, &fine, &p).decision, PB_GATE_ALLOW);
    pb_match_release(&guard.address);
}

/* Whichever is stricter decides, and says whose it is. */
static void gate__a_commit_does_not_loosen_its_own_rules(void **state)
{
    struct pb_arena *a = *state;
    struct pb_gate_rule allow = {.decision = PB_GATE_ALLOW, .at = "plumb.yaml:2"};
    struct pb_gate_rule deny = {.decision = PB_GATE_DENY, .at = "plumb.yaml:3 of 2222"};
    struct pb_gate_policy p = plain, q = plain;
    struct pb_gate_change c = change_of(a, &revert);
    struct pb_gate_in in = {.changes = &c, .n = 1, .facts = &fine, .policy = &p, .older = &q};
    struct pb_gate_out o;

    p.rules = &allow;
    p.nrules = 1;
    q.suffix = " of 2222";
    pb_gate(&o, a, &in);
    assert_int_equal(o.decision, PB_GATE_ASK);
    assert_string_equal(o.v[0].rule,
                        "the default for revert, since the rules of 2222 have no other");
    q.rules = &deny;
    q.nrules = 1;
    pb_gate(&o, a, &in);
    assert_int_equal(o.decision, PB_GATE_DENY);
    assert_string_equal(o.v[0].rule, "plumb.yaml:3 of 2222");
    in.policy = &q;
    in.older = &p;
    pb_gate(&o, a, &in);
    assert_int_equal(o.decision, PB_GATE_DENY);
}

static void gate__older_limits_hold(void **state)
{
    struct pb_arena *a = *state;
    struct pb_gate_facts blind = fine;
    struct pb_gate_policy q = plain;
    struct pb_gate_change c = change_of(a, &git_delete);
    struct pb_gate_in in = {.changes = &c, .n = 1, .facts = &blind, .policy = &plain, .older = &q};
    struct pb_gate_out o;

    q.suffix = " of 2222";
    q.max_delete = 0;
    q.see_all = true;
    q.need_branch = true;
    blind.unseen = 1;
    blind.merged = PB_TRI_NO;
    pb_gate(&o, a, &in);
    assert_int_equal(o.nrefusals, 3);
    assert_string_equal(o.refusals[0].code, "not-merged");
    assert_string_equal(o.refusals[1].code, "coverage");
    assert_string_equal(o.refusals[2].code, "too-many-deletes");
    assert_non_null(strstr(o.refusals[2].what, "the limit is 0 of 2222"));
    in.policy = &q; /* nothing is said twice */
    pb_gate(&o, a, &in);
    assert_int_equal(o.nrefusals, 3);
}

static void assert_refused(struct pb_arena *a, const struct pb_gate_facts *f,
                           const struct pb_gate_policy *p, const char *code)
{
    struct pb_gate_out o = decide(a, &git_update, f, p);

    assert_int_equal(o.decision, PB_GATE_DENY);
    assert_int_equal(o.nrefusals, 1);
    assert_string_equal(o.refusals[0].code, code);
    assert_true(strlen(o.refusals[0].what) > 10);
    assert_true(strlen(o.refusals[0].remedy) > 10);
}

static time_t at(const char *s)
{
    time_t t = 0;

    assert_int_equal(pb_clock_parse_rfc3339(&t, s), 0);
    return t;
}

static void gate__nothing_is_applied_when_it_is_closed(void **state)
{
    struct pb_arena *a = *state;
    struct pb_window w = {.days = 1u << 0, .from = 540, .to = 1020, .at = "plumb.yaml:4"};
    struct pb_freeze f = {.from = at("2026-11-20T00:00:00Z"),
                          .until = at("2026-11-24T00:00:00Z"),
                          .reason = "sale",
                          .at = "plumb.yaml:7 of 2222"};
    struct pb_gate_facts facts = fine;
    struct pb_gate_policy p = plain, q = plain;
    struct pb_gate_change c = change_of(a, &git_update);
    struct pb_gate_in in = {.changes = &c, .n = 1, .facts = &facts, .policy = &p};
    struct pb_gate_out o;

    p.windows = (struct pb_windows){.v = &w, .n = 1};
    q.windows = (struct pb_windows){.freezes = &f, .nfreezes = 1};
    facts.now = at("2026-11-23T09:00:00Z");
    pb_gate(&o, a, &in);
    assert_int_equal(o.nrefusals, 0);
    facts.now--;
    pb_gate(&o, a, &in);
    assert_int_equal(o.nrefusals, 1);
    assert_string_equal(o.refusals[0].code, "closed");
    assert_string_equal(o.refusals[0].remedy, "it opens again at 2026-11-23T09:00:00Z");
    /* Both have to be open. */
    in.older = &q;
    facts.now++;
    pb_gate(&o, a, &in);
    assert_int_equal(o.nrefusals, 1);
    assert_string_equal(o.refusals[0].what, "at 2026-11-23T09:00:00Z nothing is applied: it is "
                                            "frozen by plumb.yaml:7 of 2222 (sale)");
}

static void gate__signatures(void **state)
{
    struct pb_arena *a = *state;
    struct pb_gate_facts f = fine;

    f.not_signed = "commit 11111111 has no good signature";
    assert_int_equal(decide(a, &git_update, &f, &plain).nrefusals, 0);
    f.needs_signature = true;
    assert_refused(a, &f, &plain, "not-signed");
    f.not_signed = NULL;
    assert_int_equal(decide(a, &git_update, &f, &plain).nrefusals, 0);
}

/* What comes afterwards makes it stricter, and never milder. */
static void gate__raised_and_refused(void **state)
{
    struct pb_arena *a = *state;
    struct pb_gate_out o = decide(a, &git_update, &fine, &plain);

    pb_gate_raise(&o, PB_GATE_ALLOW, "nobody");
    assert_string_equal(o.v[0].rule, "the default for git");
    pb_gate_raise(&o, PB_GATE_ASK, "policy 'x'");
    assert_int_equal(o.decision, PB_GATE_ASK);
    assert_int_equal(o.by_decision[PB_GATE_ALLOW], 0);
    assert_int_equal(o.by_decision[PB_GATE_ASK], 1);
    assert_string_equal(o.v[0].rule, "policy 'x'");
    pb_gate_refuse(&o, a, "policy", "no", "none");
    pb_gate_refuse(&o, a, "policy", "no", "none");
    assert_int_equal(o.decision, PB_GATE_DENY);
    assert_int_equal(o.nrefusals, 2);
    pb_gate_raise(&o, PB_GATE_ASK, "policy 'y'");
    assert_int_equal(o.decision, PB_GATE_DENY);
    assert_string_equal(o.v[0].rule, "policy 'x'");
}

static void gate__a_lost_state(void **state)
{
    struct pb_arena *a = *state;
    struct pb_gate_facts f = fine;

    f.lost = 7;
    f.lost_lineage = "lin";
    assert_refused(a, &f, &plain, "state-lost");
    f.lineage = "other";
    assert_refused(a, &f, &plain, "state-lost");
}

struct effect_row {
    enum pb_gate_origin origin;
    int rule; /* below 0: none */
    enum pb_gate_decision want;
};

static const struct effect_row effect_rows[] = {
    {PB_ORIGIN_NONE, -1, PB_GATE_DENY},
    {PB_ORIGIN_COMMITTED, -1, PB_GATE_ASK},
    {PB_ORIGIN_VERIFIED, -1, PB_GATE_ALLOW},
    {PB_ORIGIN_NONE, PB_GATE_ALLOW, PB_GATE_ALLOW},
    {PB_ORIGIN_COMMITTED, PB_GATE_ALLOW, PB_GATE_ALLOW},
    {PB_ORIGIN_NONE, PB_GATE_ASK, PB_GATE_ASK},
    {PB_ORIGIN_VERIFIED, PB_GATE_ASK, PB_GATE_ASK},
    {PB_ORIGIN_VERIFIED, PB_GATE_DENY, PB_GATE_DENY},
};

static void gate__provisioners_and_actions(void **state)
{
    struct pb_arena *a = *state;

    for (size_t i = 0; i < PB_COUNT(effect_rows); i++) {
        const struct effect_row *r = &effect_rows[i];
        struct pb_gate_effect e = {"local-exec", "main.tf:3", r->origin};
        struct pb_gate_change c = change_of(a, &git_update);
        struct pb_gate_policy p = plain;
        struct pb_gate_in in = {.changes = &c, .n = 1, .facts = &fine, .policy = &p};
        struct pb_gate_out o;

        c.effects = &e;
        c.neffects = 1;
        p.has_effects_rule = r->rule >= 0;
        p.effects = r->rule >= 0 ? (enum pb_gate_decision)r->rule : PB_GATE_ALLOW;
        pb_gate(&o, a, &in);
        if (o.v[0].decision != r->want)
            fail_msg("row %zu: %s", i, pb_gate_decision_names[o.v[0].decision]);
        if (r->want == PB_GATE_ALLOW) {
            assert_string_equal(o.v[0].rule, "the default for git");
        } else {
            assert_non_null(strstr(o.v[0].rule, "'local-exec' of main.tf:3"));
            assert_non_null(strstr(o.v[0].rule, "'gate: provisioners: allow'"));
        }
        /* What belongs to no change cannot be asked for. */
        c.neffects = 0;
        in.effects = &e;
        in.neffects = 1;
        pb_gate(&o, a, &in);
        assert_int_equal(o.decision, r->want == PB_GATE_ALLOW ? PB_GATE_ALLOW : PB_GATE_DENY);
        assert_int_equal(o.nrefusals, r->want != PB_GATE_ALLOW);
    }
}

/* A rule that denies is not softened by a provisioner that may run. */
static void gate__provisioners_allow_nothing_else(void **state)
{
    struct pb_arena *a = *state;
    struct pb_gate_effect e = {"local-exec", NULL, PB_ORIGIN_COMMITTED};
    struct pb_gate_change c = change_of(a, &overwrite);
    struct pb_gate_in in = {.changes = &c, .n = 1, .facts = &fine, .policy = &plain};
    struct pb_gate_out o;

    c.effects = &e;
    c.neffects = 1;
    pb_gate(&o, a, &in);
    assert_int_equal(o.decision, PB_GATE_DENY);
    assert_string_equal(o.v[0].rule, "the default for overwrite");
}

/* An expression that runs into its limit neither allows anything nor leaves it unprotected. */
static void gate__patterns_that_fail(void **state)
{
    struct pb_arena *a = *state;
    struct pb_gate_guard guard = {.at = "plumb.yaml:9"};
    struct pb_gate_rule rule = {.decision = PB_GATE_ALLOW, .at = "plumb.yaml:2"};
    struct pb_gate_policy p = plain;
    struct pb_gate_change c = {.action = PB_ACT_DELETE, .verdict = PB_PENDING, .in_baseline = true};
    struct pb_gate_in in = {.changes = &c, .n = 1, .facts = &fine, .policy = &p};
    struct pb_gate_out o;
    char name[64];

    memset(name, 'a', sizeof(name) - 2);
    name[62] = '!';
    name[63] = '\0';
    c.address = name;
    assert_int_equal(pb_match_compile(&rule.address, "/(a+)+[xy]/", "f", 1, NULL), 0);
    assert_int_equal(pb_match_compile(&guard.address, "/(a+)+[xy]/", "f", 1, NULL), 0);
    assert_true(pb_match_address(&rule.address, name) < 0);
    p.rules = &rule;
    p.nrules = 1;
    pb_gate(&o, a, &in);
    assert_int_equal(o.decision, PB_GATE_DENY);
    assert_string_equal(o.v[0].rule, "the pattern at plumb.yaml:2 failed");
    p.nrules = 0;
    p.guards = &guard;
    p.nguards = 1;
    pb_gate(&o, a, &in);
    assert_int_equal(o.decision, PB_GATE_DENY);
    pb_match_release(&rule.address);
    pb_match_release(&guard.address);
}

/* Every fact that is not a yes refuses: a no, and what is not known. */
static void gate__facts(void **state)
{
    struct pb_arena *a = *state;
    struct pb_gate_policy branch = plain, all = plain;
    struct pb_gate_facts f;

    branch.need_branch = true;
    all.see_all = true;
    assert_int_equal(decide(a, &git_update, &fine, &branch).decision, PB_GATE_ALLOW);
    for (int tri = PB_TRI_UNKNOWN; tri <= PB_TRI_NO; tri++) {
        f = fine;
        f.clean = (enum pb_tri)tri;
        assert_refused(a, &f, &plain, "dirty-tree");
        f = fine;
        f.descends = (enum pb_tri)tri;
        assert_refused(a, &f, &plain, "stale-commit");
        f.last = NULL; /* nothing was applied yet: nothing to descend from */
        assert_int_equal(decide(a, &git_update, &f, &plain).decision, PB_GATE_ALLOW);
        f = fine;
        f.merged = (enum pb_tri)tri;
        assert_int_equal(decide(a, &git_update, &f, &plain).decision, PB_GATE_ALLOW);
        assert_refused(a, &f, &branch, "not-merged");
        f = fine;
        f.complete = (enum pb_tri)tri;
        assert_refused(a, &f, &plain, "incomplete-plan");
    }
    f = fine;
    f.unseen = 1;
    assert_int_equal(decide(a, &git_update, &f, &plain).decision, PB_GATE_ALLOW);
    assert_refused(a, &f, &all, "coverage");
    /* Several at once are all told. */
    f = (struct pb_gate_facts){.commit = fine.commit, .last = fine.last};
    assert_int_equal(decide(a, &git_update, &f, &branch).nrefusals, 4);
}

static void gate__limits(void **state)
{
    struct pb_arena *a = *state;
    struct pb_gate_policy p = plain;
    struct pb_gate_out o;

    p.max_delete = 1;
    assert_int_equal(decide(a, &git_delete, &fine, &p).decision, PB_GATE_ALLOW);
    p.max_delete = 0;
    o = decide(a, &git_delete, &fine, &p);
    assert_int_equal(o.decision, PB_GATE_DENY);
    assert_string_equal(o.refusals[0].code, "too-many-deletes");
    p.max_replace = 0;
    assert_int_equal(decide(a, &git_update, &fine, &p).decision, PB_GATE_ALLOW);
}

static void gate__names(void **state)
{
    enum pb_gate_decision d;
    enum pb_cause c;

    (void)state;
    for (int i = 0; i < PB_NCAUSES; i++) {
        assert_int_equal(pb_cause_parse(&c, pb_cause_names[i]), 0);
        assert_int_equal(c, i);
    }
    assert_int_equal(pb_cause_parse(&c, "because"), -1);
    assert_int_equal(pb_gate_decision_parse(&d, "ask"), 0);
    assert_int_equal(d, PB_GATE_ASK);
    assert_int_equal(pb_gate_decision_parse(&d, "maybe"), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_setup, arena_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(gate__causes),
        TEST(gate__git_explains_only_what_it_can),
        TEST(gate__a_hidden_change_under_a_new_commit),
        TEST(gate__moved_and_imported),
        TEST(gate__defaults),
        TEST(gate__what_the_command_line_asks_for),
        TEST(gate__a_changed_object_is_not_deleted_as_if_it_was_not),
        TEST(gate__a_variable_from_elsewhere_explains_nothing),
        TEST(gate__the_first_rule_that_fits_decides),
        TEST(gate__protected_is_not_destroyed),
        TEST(gate__a_commit_does_not_loosen_its_own_rules),
        TEST(gate__older_limits_hold),
        TEST(gate__nothing_is_applied_when_it_is_closed),
        TEST(gate__signatures),
        TEST(gate__raised_and_refused),
        TEST(gate__a_lost_state),
        TEST(gate__provisioners_and_actions),
        TEST(gate__provisioners_allow_nothing_else),
        TEST(gate__patterns_that_fail),
        TEST(gate__facts),
        TEST(gate__limits),
        TEST(gate__names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
