/* What several units have alike is found once, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/check_internal.h"

enum { UNITS = 3 };

static struct pb_check_unit units[UNITS];
static struct pb_check check;

static int begin(void **state)
{
    static const char *const names[UNITS] = {"a", "b", "c"};

    (void)state;
    check = (struct pb_check){.arena = pb_arena_new(), .units = units, .nunits = UNITS};
    for (size_t i = 0; i < UNITS; i++)
        units[i] = (struct pb_check_unit){.name = names[i], .arena = check.arena};
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNITS; i++)
        free(units[i].findings.v);
    free(check.findings.v);
    pb_arena_free(check.arena);
    return 0;
}

static const struct pb_check_finding shared = {.code = "provisioner-added",
                                               .severity = "warning",
                                               .message = "it runs on creation",
                                               .address = "terraform_data.a",
                                               .file = "modules/net/main.tf",
                                               .line = 3,
                                               .last_line = 5,
                                               .resources = 2};

static void found(size_t unit, struct pb_check_finding f)
{
    pb_check_add(&units[unit].findings, check.arena, &f);
}

/* What is left where: "check: CODE[a b]; a: CODE ..." without what has nothing. */
static const char *left(void)
{
    static char text[512];
    size_t n = 0;

    text[0] = '\0';
    for (size_t i = 0; i < check.findings.n; i++) {
        const struct pb_check_finding *f = &check.findings.v[i];

        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", f->code);
        for (size_t k = 0; k < f->nunits; k++)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", k ? " " : "[", f->units[k]);
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s; ", f->nunits ? "]" : "");
    }
    for (size_t i = 0; i < UNITS; i++)
        for (size_t k = 0; k < units[i].findings.n; k++)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s: %s; ", units[i].name,
                                  units[i].findings.v[k].code);
    return text;
}

static void check_fold__what_two_have_is_told_once(void **state)
{
    struct pb_check_finding own = shared;

    (void)state;
    own.code = "own";
    found(0, own);
    found(0, shared);
    found(2, shared);
    pb_check_fold(&check);
    assert_string_equal(left(), "provisioner-added[a c]; a: own; ");
    assert_string_equal(check.findings.v[0].message, shared.message);
    assert_string_equal(check.findings.v[0].file, shared.file);
    assert_int_equal(check.findings.v[0].last_line, 5);
    assert_int_equal(check.findings.v[0].resources, 4);
    assert_null(check.findings.v[0].units[2]);
}

static void check_fold__what_one_has_stays_its_own(void **state)
{
    (void)state;
    found(1, shared);
    found(1, shared);
    pb_check_fold(&check);
    assert_string_equal(left(), "b: provisioner-added; b: provisioner-added; ");
    assert_null(units[1].findings.v[0].units);
}

/* Whatever is said of it otherwise makes it another one. */
static void check_fold__what_differs_is_not_the_same(void **state)
{
    struct pb_check_finding f[10];
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < PB_COUNT(f); i++)
        f[i] = shared;
    f[n++].code = "other";
    f[n++].severity = "notice";
    f[n++].message = "it runs on destruction";
    f[n++].address = "terraform_data.b";
    f[n++].address = NULL;
    f[n++].address = "-";
    f[n++].file = "modules/net/b.tf";
    f[n++].line = 4;
    f[n++].last_line = 6;
    f[n++].file_of_base = true;
    assert_int_equal(n, PB_COUNT(f));
    found(0, shared);
    for (size_t i = 0; i < n; i++)
        found(1, f[i]);
    pb_check_fold(&check);
    assert_int_equal(check.findings.n, 0);
    assert_int_equal(units[0].findings.n, 1);
    assert_int_equal(units[1].findings.n, n);
}

/* Where one text ends and the next begins counts, too. */
static void check_fold__texts_are_kept_apart(void **state)
{
    struct pb_check_finding a = shared, b = shared;

    (void)state;
    a.code = "x,y";
    a.severity = "z";
    b.code = "x";
    b.severity = "y,z";
    found(0, a);
    found(1, b);
    pb_check_fold(&check);
    assert_int_equal(check.findings.n, 0);
}

/* That a unit is removed, say, is about that unit. */
static void check_fold__what_is_in_no_file_is_of_its_unit(void **state)
{
    struct pb_check_finding f = shared;

    (void)state;
    f.file = NULL;
    found(0, f);
    found(1, f);
    pb_check_fold(&check);
    assert_string_equal(left(), "a: provisioner-added; b: provisioner-added; ");
}

/* How many resources a block stands for differs from unit to unit, and is known of some alone. */
static void check_fold__resources_are_summed(void **state)
{
    struct pb_check_finding f = shared;

    (void)state;
    found(0, f);
    f.resources = 0;
    found(1, f);
    f.resources = 7;
    found(2, f);
    found(2, f);
    pb_check_fold(&check);
    assert_string_equal(left(), "provisioner-added[a b c]; ");
    assert_int_equal(check.findings.v[0].resources, 9);
}

/* What was there stays first, and what is folded follows in the order of the units. */
static void check_fold__order(void **state)
{
    struct pb_check_finding f = shared;

    (void)state;
    pb_check_add(&check.findings, check.arena,
                 &(struct pb_check_finding){.code = "policy-gate", .message = "m"});
    f.code = "z";
    found(0, f);
    found(1, shared);
    found(1, f);
    found(2, shared);
    pb_check_fold(&check);
    assert_string_equal(left(), "policy-gate; z[a b]; provisioner-added[b c]; ");
    /* Once more is nothing new. */
    pb_check_fold(&check);
    assert_string_equal(left(), "policy-gate; z[a b]; provisioner-added[b c]; ");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(check_fold__what_two_have_is_told_once),
        CASE(check_fold__what_one_has_stays_its_own),
        CASE(check_fold__what_differs_is_not_the_same),
        CASE(check_fold__texts_are_kept_apart),
        CASE(check_fold__what_is_in_no_file_is_of_its_unit),
        CASE(check_fold__resources_are_summed),
        CASE(check_fold__order),
    };
    return cmocka_run_group_tests_name("check_fold", tests, NULL, NULL);
}
