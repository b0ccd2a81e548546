/* What units come to: counts and the exit code of a check. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/compiler.h"
#include "run/check.h"

/* ---- one resource ---------------------------------------------------------------------------- */

enum {
    TOUCHED = 1,
    UNSEEN = 2,  /* not all that it touches could be seen */
    DEFAULT = 4, /* the gate's decision is that of no rule */
    NO_GATE = 8
};

struct row {
    enum pb_check_class class;
    unsigned flags;
    enum pb_gate_decision decision;
    enum pb_cause cause;
    size_t changes, unseen, refused;
    enum pb_exit exit;
};

#define C(x) PB_CHECK_##x, TOUCHED
#define B(x) PB_CHECK_##x, 0

static const struct row rows[] = {
    /* what the change is about, and the gate has nothing against */
    {C(NONE) | NO_GATE, 0, 0, 0, 0, 0, PB_EXIT_PLUMB},
    {C(SETTLES) | NO_GATE, 0, 0, 0, 0, 0, PB_EXIT_PLUMB},
    {C(PENDING), PB_GATE_ALLOW, PB_CAUSE_GIT, 0, 0, 0, PB_EXIT_PLUMB},
    {C(REVERTS), PB_GATE_ASK, PB_CAUSE_REVERT, 0, 0, 0, PB_EXIT_PLUMB},
    {C(CAUSED) | NO_GATE, 0, 0, 1, 0, 0, PB_EXIT_DRIFT},
    {C(CAUSED), PB_GATE_ALLOW, PB_CAUSE_GIT, 1, 0, 0, PB_EXIT_DRIFT},
    {C(CAUSED), PB_GATE_ASK, PB_CAUSE_GIT, 1, 0, 0, PB_EXIT_DRIFT},
    {C(CAUSED) | UNSEEN, PB_GATE_ALLOW, PB_CAUSE_GIT, 1, 1, 0, PB_EXIT_INCONCLUSIVE},
    {C(UNSEEN) | UNSEEN, PB_GATE_ALLOW, PB_CAUSE_UNSEEN, 1, 1, 0, PB_EXIT_INCONCLUSIVE},
    {C(COLLIDES), PB_GATE_ALLOW, PB_CAUSE_OVERWRITE, 1, 0, 0, PB_EXIT_DRIFT},
    {C(COLLIDES), PB_GATE_ASK, PB_CAUSE_OVERWRITE, 1, 0, 0, PB_EXIT_DRIFT},
    /* what it denies */
    {C(CAUSED), PB_GATE_DENY, PB_CAUSE_GIT, 1, 0, 1, PB_EXIT_REFUSED},
    {C(CAUSED), PB_GATE_DENY, PB_CAUSE_UNEXPLAINED, 1, 0, 1, PB_EXIT_REFUSED},
    {C(CAUSED) | UNSEEN, PB_GATE_DENY, PB_CAUSE_GIT, 1, 1, 1, PB_EXIT_REFUSED},
    {C(COLLIDES), PB_GATE_DENY, PB_CAUSE_OVERWRITE, 1, 0, 1, PB_EXIT_REFUSED},
    {C(COLLIDES), PB_GATE_DENY, PB_CAUSE_REVERT, 1, 0, 1, PB_EXIT_REFUSED},
    /* but any apply would take it back */
    {C(CAUSED), PB_GATE_DENY, PB_CAUSE_REVERT, 1, 0, 0, PB_EXIT_DRIFT},
    {C(UNSEEN) | UNSEEN, PB_GATE_DENY, PB_CAUSE_REVERT, 1, 1, 0, PB_EXIT_INCONCLUSIVE},
    /* and what could not be seen is told apart, where no rule says that it is denied */
    {C(UNSEEN) | UNSEEN | DEFAULT, PB_GATE_DENY, PB_CAUSE_UNSEEN, 1, 1, 0, PB_EXIT_INCONCLUSIVE},
    {C(UNSEEN) | UNSEEN, PB_GATE_DENY, PB_CAUSE_UNSEEN, 1, 1, 1, PB_EXIT_REFUSED},
    {C(COLLIDES) | DEFAULT, PB_GATE_DENY, PB_CAUSE_OVERWRITE, 1, 0, 1, PB_EXIT_REFUSED},
    /* what was there before counts nothing, whatever the gate says */
    {B(PENDING), PB_GATE_DENY, PB_CAUSE_UNEXPLAINED, 0, 0, 0, PB_EXIT_PLUMB},
    {B(REVERTS), PB_GATE_DENY, PB_CAUSE_OVERWRITE, 0, 0, 0, PB_EXIT_PLUMB},
    {B(UNSEEN), PB_GATE_DENY, PB_CAUSE_UNSEEN, 0, 0, 0, PB_EXIT_PLUMB},
    {C(PENDING), PB_GATE_DENY, PB_CAUSE_UNEXPLAINED, 0, 0, 0, PB_EXIT_PLUMB},
    {C(REVERTS), PB_GATE_DENY, PB_CAUSE_OVERWRITE, 0, 0, 0, PB_EXIT_PLUMB},
};

static void check_sum__resources(void **state)
{
    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        const struct row *w = &rows[i];
        struct pb_gate_verdict g = {
            .decision = w->decision, .cause = w->cause, .by_default = w->flags & DEFAULT};
        struct pb_check_resource r = {.class = w->class,
                                      .touched = w->flags & TOUCHED,
                                      .unseen = w->flags & UNSEEN,
                                      .gate = w->flags & NO_GATE ? NULL : &g};
        struct pb_check_unit u = {.resources = &r, .nresources = 1};
        struct pb_check c = {.units = &u, .nunits = 1, .trusted = true};

        pb_check_sum(&c);
        if (c.changes != w->changes || c.unseen != w->unseen || c.refused != w->refused ||
            c.exit_code != w->exit)
            fail_msg("row %zu (%s, %u): %zu changes, %zu unseen, %zu refused, exit %d", i,
                     pb_check_classes[w->class].name, w->flags, c.changes, c.unseen, c.refused,
                     (int)c.exit_code);
    }
}

static void check_sum__what_is_milder_than_asked_passes(void **state)
{
    static const struct {
        enum pb_exit found, exits[PB_NCHECK_LEVELS]; /* of changes, unseen, refused */
    } cases[] = {
        {PB_EXIT_PLUMB, {PB_EXIT_PLUMB, PB_EXIT_PLUMB, PB_EXIT_PLUMB}},
        {PB_EXIT_DRIFT, {PB_EXIT_DRIFT, PB_EXIT_PLUMB, PB_EXIT_PLUMB}},
        {PB_EXIT_INCONCLUSIVE, {PB_EXIT_INCONCLUSIVE, PB_EXIT_INCONCLUSIVE, PB_EXIT_PLUMB}},
        {PB_EXIT_REFUSED, {PB_EXIT_REFUSED, PB_EXIT_REFUSED, PB_EXIT_REFUSED}},
        {PB_EXIT_ERROR, {PB_EXIT_ERROR, PB_EXIT_ERROR, PB_EXIT_ERROR}},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(cases); i++)
        for (int k = 0; k < PB_NCHECK_LEVELS; k++) {
            struct pb_check c = {.exit_code = cases[i].found, .fail_on = (enum pb_check_level)k};

            assert_int_equal(pb_check_exit(&c), cases[i].exits[k]);
        }
}

/* ---- one unit, and the whole ----------------------------------------------------------------- */

static const struct pb_check_refusal both = {.code = "freeze", .before = true},
                                     mine = {.code = "too-many-deletes"};
static const struct pb_check_resource caused = {.class = PB_CHECK_CAUSED, .touched = true},
                                      dark = {.class = PB_CHECK_UNSEEN,
                                              .touched = true,
                                              .unseen = true};

static struct pb_check_unit planned(const struct pb_check_resource *r)
{
    return (struct pb_check_unit){.resources = r, .nresources = r != NULL};
}

static struct pb_check_unit failed(enum pb_err_class cls)
{
    struct pb_check_unit u = {.mode = PB_CHECK_FAILED, .resources = &caused, .nresources = 1};

    pb_fail(&u.err, cls, "it failed");
    return u;
}

static struct pb_check_unit refused(const struct pb_check_refusal *r)
{
    return (struct pb_check_unit){.refusals = r, .nrefusals = 1};
}

static enum pb_exit sum(struct pb_check *c, struct pb_check_unit *u, size_t n)
{
    c->units = u;
    c->nunits = n;
    pb_check_sum(c);
    return c->exit_code;
}

/* What the headline says beside how many. */
static void check_sum__what_changes_are(void **state)
{
    struct pb_gate_verdict ask = {.decision = PB_GATE_ASK}, allow = {.decision = PB_GATE_ALLOW};
    struct pb_check_resource v[] = {
        {.class = PB_CHECK_CAUSED, .touched = true, .action = PB_ACT_DELETE, .gate = &ask},
        {.class = PB_CHECK_CAUSED, .touched = true, .action = PB_ACT_REPLACE, .gate = &allow},
        {.class = PB_CHECK_CAUSED, .touched = true, .action = PB_ACT_REPLACE, .gate = &ask},
        {.class = PB_CHECK_CAUSED, .touched = true, .action = PB_ACT_UPDATE},
        {.class = PB_CHECK_PENDING, .action = PB_ACT_DELETE, .gate = &ask},
    };
    struct pb_check_finding said[] = {{.code = "a", .severity = "warning"},
                                      {.code = "b", .severity = "notice"},
                                      {.code = "c", .severity = "error"}};
    struct pb_check_unit u = {.resources = v, .nresources = PB_COUNT(v), .findings = {said, 3, 0}};
    struct pb_check c = {.trusted = true, .findings = {said, 1, 0}};

    (void)state;
    for (int again = 0; again < 2; again++) {
        assert_int_equal(sum(&c, &u, 1), PB_EXIT_DRIFT);
        assert_int_equal(c.changes, 4);
        assert_int_equal(c.deletes, 1);
        assert_int_equal(c.replaces, 2);
        assert_int_equal(c.asks, 2);
        assert_int_equal(c.warned, 3);
    }
}

static void check_sum__units(void **state)
{
    struct pb_check c = {.trusted = true};
    struct pb_check_unit u;

    (void)state;
    u = planned(NULL);
    assert_int_equal(sum(&c, &u, 1), PB_EXIT_PLUMB);
    u.findings = (struct pb_check_findings){
        .v = (struct pb_check_finding[]){{.code = "output-added"},
                                         {.code = "provider-config-changed"},
                                         {.code = "moved-block"}},
        .n = 3};
    assert_int_equal(sum(&c, &u, 1), PB_EXIT_DRIFT);
    assert_int_equal(c.beside, 2);
    u = failed(PB_E_TOOL);
    assert_int_equal(sum(&c, &u, 1), PB_EXIT_ERROR);
    assert_int_equal(c.failed, 1);
    assert_int_equal(c.changes + c.refused, 0); /* nothing of it is known */
    u = failed(PB_E_REFUSED);
    assert_int_equal(sum(&c, &u, 1), PB_EXIT_REFUSED);
    assert_int_equal(c.failed, 0);
    assert_int_equal(c.refused, 1);
    u = refused(&mine);
    assert_int_equal(sum(&c, &u, 1), PB_EXIT_REFUSED);
    u = refused(&both);
    assert_int_equal(sum(&c, &u, 1), PB_EXIT_PLUMB);
    assert_int_equal(c.refused, 0);
    /* What is removed is of nobody any more, and what is added is its own. */
    u = (struct pb_check_unit){.mode = PB_CHECK_REMOVED, .recorded = 3};
    assert_int_equal(sum(&c, &u, 1), PB_EXIT_DRIFT);
    assert_int_equal(c.changes, 0);
    assert_int_equal(c.orphaned, 3);
    u.guarded = 1;
    u.refusals = &mine;
    u.nrefusals = 1;
    assert_int_equal(sum(&c, &u, 1), PB_EXIT_REFUSED);
    assert_int_equal(c.guarded, 1);
    u = (struct pb_check_unit){.mode = PB_CHECK_REMOVED};
    assert_int_equal(sum(&c, &u, 1), PB_EXIT_PLUMB);
    assert_int_equal(c.orphaned + c.guarded, 0);
    u = (struct pb_check_unit){.mode = PB_CHECK_ADDED, .recorded = 3};
    assert_int_equal(sum(&c, &u, 1), PB_EXIT_PLUMB);
}

static void check_sum__the_whole(void **state)
{
    static const char *const paths[] = {"env/main.tf", NULL};
    struct pb_check up_to_date = {.up_to_date = true},
                    conflict = {.conflicts = paths, .nconflicts = 1};
    struct pb_check broken = {.broken = "no plumb.yaml"}, doubted = {.trusted = false};
    struct pb_check_unit u = {.mode = PB_CHECK_STATIC};

    (void)state;
    assert_int_equal(sum(&up_to_date, NULL, 0), PB_EXIT_PLUMB);
    assert_int_equal(sum(&conflict, NULL, 0), PB_EXIT_REFUSED);
    assert_int_equal(sum(&broken, NULL, 0), PB_EXIT_REFUSED);
    /* Whom nobody trusts, and who reaches no unit, needs nobody's trust. */
    assert_int_equal(sum(&doubted, NULL, 0), PB_EXIT_PLUMB);
    assert_int_equal(sum(&doubted, &u, 1), PB_EXIT_INCONCLUSIVE);
}

/* A refusal stays one whatever else cannot be checked; an error says more than what was not seen,
 * and that more than changes. */
static void check_sum__the_worst_counts(void **state)
{
    struct pb_check c = {.trusted = true};
    struct pb_check_unit u[4];

    (void)state;
    u[0] = planned(&caused);
    u[1] = planned(&dark);
    u[2] = failed(PB_E_TOOL);
    u[3] = refused(&mine);
    assert_int_equal(sum(&c, u, 1), PB_EXIT_DRIFT);
    assert_int_equal(sum(&c, u, 2), PB_EXIT_INCONCLUSIVE);
    assert_int_equal(sum(&c, u, 3), PB_EXIT_ERROR);
    assert_int_equal(sum(&c, u, 4), PB_EXIT_REFUSED);
    assert_int_equal(c.changes, 2);
    assert_int_equal(c.unseen, 1);
    assert_int_equal(c.refused, 1);
    assert_int_equal(c.failed, 1);
    c.trusted = false;
    assert_int_equal(sum(&c, u, 4), PB_EXIT_REFUSED);
}

/* What the change makes of plumb's own rules counts once it is merged, and is told before. */
static void check_sum__rules(void **state)
{
    struct pb_check_finding f[] = {{.code = "policy-gate", .severity = "warning"},
                                   {.code = "policy-report", .severity = "notice"},
                                   {.code = "block-added", .severity = "warning"},
                                   {.code = "policy-check", .severity = "warning"}};
    struct pb_check c = {.trusted = true, .findings = {f, PB_COUNT(f), 0}};

    (void)state;
    assert_int_equal(sum(&c, NULL, 0), PB_EXIT_PLUMB);
    assert_int_equal(c.rules, 2);
}

/* Classes are those of the units that did not fail; and summing again changes nothing. */
static void check_sum__classes(void **state)
{
    struct pb_check c = {.trusted = true};
    struct pb_check_unit u[3] = {{0}, {0}, {.mode = PB_CHECK_FAILED}};

    (void)state;
    for (size_t i = 0; i < PB_COUNT(u); i++) {
        u[i].by_class[PB_CHECK_CAUSED] = i + 1;
        u[i].by_class[PB_CHECK_NONE] = 10;
    }
    for (size_t i = 0; i < 2; i++) {
        (void)sum(&c, u, PB_COUNT(u));
        assert_int_equal(c.by_class[PB_CHECK_CAUSED], 3);
        assert_int_equal(c.by_class[PB_CHECK_NONE], 20);
        assert_int_equal(c.failed, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_sum__resources),
        cmocka_unit_test(check_sum__what_is_milder_than_asked_passes),
        cmocka_unit_test(check_sum__what_changes_are),
        cmocka_unit_test(check_sum__units),
        cmocka_unit_test(check_sum__the_whole),
        cmocka_unit_test(check_sum__the_worst_counts),
        cmocka_unit_test(check_sum__classes),
        cmocka_unit_test(check_sum__rules),
    };
    return cmocka_run_group_tests_name("check_sum", tests, NULL, NULL);
}
