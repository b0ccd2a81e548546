/* The truth table of absence: everything that is not proved is unknown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backends/rest/absence.h"

/* All combinations of what can be known, against the rule written down independently. */
static void absence__truth_table(void **state)
{
    static const char *const accounts[] = {NULL, "123456789012", "111122223333"};
    struct pb_arena *a = pb_arena_new();
    size_t absent = 0, n = 0;
    (void)state;
    for (unsigned bits = 0; bits < 1u << 7; bits++)
        for (size_t rec = 0; rec < 2; rec++)
            for (size_t can = 0; can < 3; can++)
                for (size_t sib = 0; sib < 3; sib++) {
                    bool code = bits & 1, twice = bits & 2, others = bits & 4, witness = bits & 8;
                    bool sibling = bits & 16, canary = bits & 32, region = bits & 64;
                    struct pb_absence e = {
                        .label = "ec2 DescribeVpcs",
                        .code = code ? "InvalidVpcID.NotFound" : NULL,
                        .listed_twice = twice,
                        .others_listed = others,
                        .witness = witness ? "owner" : NULL,
                        .recorded_region = region ? "us-east-1" : "eu-west-1",
                        .asked_region = "eu-west-1",
                        .recorded_account = accounts[rec],
                        .sibling = sibling,
                        .sibling_account = accounts[sib],
                        .canary_ok = canary,
                        .canary_account = accounts[can],
                        .canary_reason = canary ? NULL : "403 AccessDenied",
                    };
                    bool wrong_account = rec && canary && can == 2;
                    bool by_canary = canary && (!rec || can == 1);
                    bool by_sibling = sibling && (!rec || sib == 1);
                    bool proved = code || (twice && (others || witness));
                    bool want = proved && !region && !wrong_account && (by_canary || by_sibling);
                    const char *reason = NULL;
                    enum pb_presence p = pb_absence_decide(&e, a, &reason);
                    assert_int_equal(p, want ? PB_P_ABSENT : PB_P_UNKNOWN);
                    assert_non_null(reason);
                    absent += want;
                    n++;
                }
    assert_true(absent > 0 && absent < n / 2);
    pb_arena_free(a);
}

static void absence__reasons(void **state)
{
    struct pb_arena *a = pb_arena_new();
    const char *reason = NULL;
    (void)state;
    struct pb_absence e = {.label = "ec2 DescribeVpcs",
                           .code = "InvalidVpcID.NotFound",
                           .canary_ok = true,
                           .canary_account = "123456789012",
                           .recorded_account = "123456789012"};
    assert_int_equal(pb_absence_decide(&e, a, &reason), PB_P_ABSENT);
    assert_string_equal(reason, "ec2 DescribeVpcs says InvalidVpcID.NotFound");
    e.canary_account = "111122223333";
    assert_int_equal(pb_absence_decide(&e, a, &reason), PB_P_UNKNOWN);
    assert_string_equal(reason, "ec2 DescribeVpcs says InvalidVpcID.NotFound, but the credentials "
                                "are for account 111122223333, and the record is of 123456789012");
    e.code = NULL;
    e.canary_account = "123456789012";
    assert_int_equal(pb_absence_decide(&e, a, &reason), PB_P_UNKNOWN);
    assert_string_equal(reason,
                        "not in the reply of ec2 DescribeVpcs, but the API returned an empty "
                        "list without saying that the object does not exist");
    pb_arena_free(a);
}

static void absence__arns(void **state)
{
    static const struct {
        const char *arn, *region, *account;
    } rows[] = {
        {"arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1", "eu-west-1", "123456789012"},
        {"arn:aws:s3:::bucket", "", ""},
        {"arn:aws:iam::123456789012:role/a:b", "", "123456789012"},
        {"vpc-1", NULL, NULL},
        {"arn:aws:ec2", NULL, NULL},
        {NULL, NULL, NULL},
    };
    struct pb_arena *a = pb_arena_new();
    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        const char *region = NULL, *account = NULL;
        pb_arn_parts(&region, &account, a, rows[i].arn);
        assert_true((!region && !rows[i].region) || strcmp(region, rows[i].region) == 0);
        assert_true((!account && !rows[i].account) || strcmp(account, rows[i].account) == 0);
    }
    pb_arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absence__truth_table),
        cmocka_unit_test(absence__reasons),
        cmocka_unit_test(absence__arns),
    };
    return cmocka_run_group_tests_name("rest_absence", tests, NULL, NULL);
}
