/* What of a change is whose: the tables of check_class.c, and what must hold for every cell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "run/check.h"

static const char letters[PB_NCHECKS + 1] = "-sprucX";

/* ---- attributes ----------------------------------------------------------------------------- */

/* A row for each verdict at base, a column for each against the merged tree. */

static const enum pb_verdict verdicts[] = {
    PB_IN_SYNC, PB_UNCHECKED, PB_COMPUTED,  PB_STALE_RECORD, PB_CONVERGED,
    PB_PENDING, PB_UNKNOWN_V, PB_LAUNDERED, PB_DRIFTED,      PB_CONFLICT,
};
enum { N = sizeof(verdicts) / sizeof(verdicts[0]) };

static const char touched[N][N + 1] = {
    /* in_sync   */ "-----cucXX",
    /* unchecked */ "-----cucXX",
    /* computed  */ "---sscucXX",
    /* stale     */ "-----cucXX",
    /* converged */ "-----XuXXX",
    /* pending   */ "ssssscuXXX",
    /* unknown   */ "uuuuuuuuuu",
    /* laundered */ "sssssXuXXX",
    /* drifted   */ "sssssXuXXX",
    /* conflict  */ "sssssXuXXX",
};

/* What the change does not touch has one verdict. */
static const char untouched[] = "-----purrr";

static void check__attributes(void **state)
{
    (void)state;
    for (size_t b = 0; b < N; b++) {
        assert_int_equal(letters[pb_check_attr_class(false, verdicts[b], verdicts[b])],
                         untouched[b]);
        for (size_t a = 0; a < N; a++) {
            char got = letters[pb_check_attr_class(true, verdicts[b], verdicts[a])];

            if (got != touched[b][a])
                fail_msg("%s before, %s after: %c, not %c", pb_verdict_name(verdicts[b]),
                         pb_verdict_name(verdicts[a]), got, touched[b][a]);
        }
    }
}

/* ---- resources ------------------------------------------------------------------------------ */

struct row {
    enum pb_action before, after;
    const char *flags; /* t touched, b brought, o outside, m missing, u unobserved, d blind,
                          f settled; then the worst attribute's letter */
    char want;
    const char *also; /* "t": touched, "tu": and not all of that was seen */
};

#define NONE    PB_ACT_NONE
#define READ    PB_ACT_READ
#define CREATE  PB_ACT_CREATE
#define UPDATE  PB_ACT_UPDATE
#define DELETE  PB_ACT_DELETE
#define REPLACE PB_ACT_REPLACE
#define FORGET  PB_ACT_FORGET
#define OTHER   PB_ACT_UNKNOWN

static const struct row rows[] = {
    /* nothing of it is this change's */
    {NONE, NONE, "-", '-', ""},
    {READ, READ, "-", '-', ""},
    {NONE, NONE, "p", 'p', ""},
    {NONE, NONE, "or", 'r', ""},
    {NONE, NONE, "mo-", 'r', ""},
    {NONE, NONE, "u-", 'u', ""},
    {NONE, NONE, "uu", 'u', ""},
    {UPDATE, UPDATE, "p", 'p', ""},
    {UPDATE, UPDATE, "or", 'r', ""},
    {UPDATE, UPDATE, "u-", 'u', ""},
    {CREATE, CREATE, "-", 'p', ""},
    {CREATE, CREATE, "o-", 'p', ""},
    {DELETE, DELETE, "-", 'p', ""},
    {DELETE, DELETE, "or", 'r', ""},
    {DELETE, DELETE, "mo-", 'r', ""},
    {REPLACE, REPLACE, "p", 'p', ""},
    {FORGET, FORGET, "-", 'p', ""},
    {OTHER, OTHER, "-", 'p', ""},
    /* it asks for nothing, or for nothing any more */
    {NONE, NONE, "t-", '-', "t"},
    {NONE, NONE, "ts", 's', "t"},
    {NONE, NONE, "tX", 'X', "t"},
    {NONE, NONE, "tor", 'r', "t"},
    {NONE, NONE, "tmo-", 'r', "t"},
    {NONE, NONE, "tu-", 'u', "tu"},
    {NONE, NONE, "tdu", 'u', "tu"},
    {UPDATE, NONE, "ts", 's', "t"},
    {UPDATE, NONE, "-", 's', "t"},
    {UPDATE, NONE, "tX", 'X', "t"},
    {CREATE, NONE, "-", 's', "t"},
    {DELETE, NONE, "-", 's', "t"},
    {DELETE, NONE, "or", 'r', "t"},
    {DELETE, NONE, "mo-", 'r', "t"},
    {REPLACE, NONE, "t-", 's', "t"},
    {FORGET, READ, "-", 's', "t"},
    {NONE, NONE, "b-", 'c', "t"},
    {NONE, NONE, "bor", 'c', "t"},
    /* updates */
    {NONE, UPDATE, "tc", 'c', "t"},
    {NONE, UPDATE, "tX", 'X', "t"},
    {NONE, UPDATE, "toc", 'c', "t"},
    {NONE, UPDATE, "-", 'c', "t"},
    {NONE, UPDATE, "p", 'c', "t"},
    {NONE, UPDATE, "tdu", 'u', "tu"},
    {NONE, UPDATE, "tdc", 'c', "tu"},
    {NONE, UPDATE, "tdX", 'X', "tu"},
    {NONE, UPDATE, "tu-", 'u', "tu"},
    {NONE, UPDATE, "tmo-", 'X', "t"},
    {NONE, UPDATE, "tfs", 's', "t"},
    {NONE, UPDATE, "tfos", 's', "t"},
    {NONE, UPDATE, "tfX", 'X', "t"},
    {NONE, UPDATE, "bs", 'c', "t"},
    {UPDATE, UPDATE, "tc", 'c', "t"},
    {UPDATE, UPDATE, "ts", 's', "t"},
    {UPDATE, UPDATE, "tp", 'p', "t"},
    {UPDATE, UPDATE, "tX", 'X', "t"},
    {CREATE, UPDATE, "-", 'c', "t"},
    {DELETE, UPDATE, "tc", 'c', "t"},
    {REPLACE, UPDATE, "tc", 'c', "t"},
    /* the whole of it */
    {NONE, CREATE, "-", 'c', "t"},
    {NONE, CREATE, "u-", 'c', "t"},
    {CREATE, CREATE, "t-", 'c', "t"},
    {CREATE, CREATE, "to-", 'X', "t"},
    {NONE, CREATE, "mo-", 'X', "t"},
    {NONE, DELETE, "t-", 'c', "t"},
    {NONE, DELETE, "-", 'c', "t"},
    {NONE, DELETE, "tor", 'X', "t"},
    {NONE, DELETE, "tmo-", 's', "t"},
    {NONE, DELETE, "tu-", 'u', "tu"},
    {UPDATE, DELETE, "tp", 'c', "t"},
    {REPLACE, DELETE, "-", 'c', "t"},
    {NONE, REPLACE, "tc", 'c', "t"},
    {NONE, REPLACE, "tor", 'X', "t"},
    {NONE, REPLACE, "tmo-", 'X', "t"},
    {NONE, REPLACE, "tu-", 'u', "tu"},
    {REPLACE, REPLACE, "tc", 'c', "t"},
    {REPLACE, REPLACE, "tor", 'X', "t"},
    {NONE, FORGET, "-", 'c', "t"},
    {NONE, FORGET, "or", 'c', "t"},
    {NONE, FORGET, "mo-", 'c', "t"},
    {NONE, FORGET, "u-", 'c', "t"},
    {NONE, OTHER, "-", 'c', "t"},
    {NONE, OTHER, "or", 'X', "t"},
    {NONE, OTHER, "u-", 'u', "tu"},
};

static enum pb_check_class class_of(char letter)
{
    return (enum pb_check_class)(strchr(letters, letter) - letters);
}

static struct pb_check_cell cell_of(const struct row *r)
{
    size_t n = strlen(r->flags) - 1;
    char flags[16] = "";

    memcpy(flags, r->flags, n);
    return (struct pb_check_cell){.before = r->before,
                                  .after = r->after,
                                  .touched = strchr(flags, 't'),
                                  .brought = strchr(flags, 'b'),
                                  .outside = strchr(flags, 'o'),
                                  .missing = strchr(flags, 'm'),
                                  .unobserved = strchr(flags, 'u'),
                                  .blind = strchr(flags, 'd'),
                                  .settled = strchr(flags, 'f'),
                                  .attrs = class_of(r->flags[n])};
}

static void check__resources(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pb_check_cell c = cell_of(&rows[i]);
        struct pb_check_answer a = pb_check_resource_class(&c);
        const char *also = a.unseen ? "tu" : a.touched ? "t" : "";

        if (letters[a.class] != rows[i].want || strcmp(also, rows[i].also) != 0)
            fail_msg("%s to %s, %s: %c '%s', not %c '%s'", pb_action_name(rows[i].before),
                     pb_action_name(rows[i].after), rows[i].flags, letters[a.class], also,
                     rows[i].want, rows[i].also);
    }
}

static void holds(const struct pb_check_cell *c)
{
    struct pb_check_answer a = pb_check_resource_class(c);

    /* Who touches nothing causes nothing. */
    if (!a.touched)
        assert_false(pb_check_classes[a.class].ours);
    assert_true(a.touched || !a.unseen);
    /* The worst attribute is never made better, but where the whole is made, taken away or
     * forgotten, and where nothing was seen. */
    if (c->after == PB_ACT_NONE)
        assert_true(a.class >= c->attrs);
    /* What is lost for good is never harmless, and never hidden by what could not be seen. */
    if (c->after == PB_ACT_REPLACE && a.touched)
        assert_true(a.class >= PB_CHECK_UNSEEN);
    if (c->after == PB_ACT_DELETE && a.touched && !c->missing)
        assert_true(a.class >= PB_CHECK_UNSEEN);
    if (a.touched && c->outside && !c->missing &&
        (c->after == PB_ACT_DELETE || c->after == PB_ACT_REPLACE || c->after == PB_ACT_UNKNOWN))
        assert_int_equal(a.class, PB_CHECK_COLLIDES);
    /* Unseen is not caused by nobody: who asks for something there is told that it was not seen. */
    if (a.touched && c->unobserved && (c->after == PB_ACT_UPDATE || c->after == PB_ACT_REPLACE))
        assert_true(a.unseen || c->missing);
}

static void check__every_cell(void **state)
{
    (void)state;
    for (int before = 0; before <= PB_ACT_UNKNOWN; before++)
        for (int after = 0; after <= PB_ACT_UNKNOWN; after++)
            for (unsigned bits = 0; bits < 128; bits++)
                for (int attrs = 0; attrs < PB_NCHECKS; attrs++) {
                    struct pb_check_cell c = {.before = (enum pb_action)before,
                                              .after = (enum pb_action)after,
                                              .touched = bits & 1,
                                              .brought = bits & 2,
                                              .outside = bits & 4,
                                              .missing = bits & 8,
                                              .unobserved = bits & 16,
                                              .blind = bits & 32,
                                              .settled = bits & 64,
                                              .attrs = (enum pb_check_class)attrs};

                    /* Only a touched attribute is of this change, or blind. */
                    if (!c.touched &&
                        (c.blind || c.attrs >= PB_CHECK_CAUSED || c.attrs == PB_CHECK_SETTLES))
                        continue;
                    holds(&c);
                }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check__attributes),
        cmocka_unit_test(check__resources),
        cmocka_unit_test(check__every_cell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
