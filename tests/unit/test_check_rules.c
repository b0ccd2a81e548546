/* The table of all that a check can find. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "run/check_internal.h"

static bool is_kebab(const char *s)
{
    return islower((unsigned char)*s) && !s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")] &&
           !strstr(s, "--") && !pb_ends_with(s, "-");
}

static void check_rules__each_says_what_it_means(void **state)
{
    const struct pb_text_rule *r;

    (void)state;
    for (size_t i = 0; (r = pb_check_rule_at(i)); i++) {
        if (!is_kebab(r->code) || !*r->summary || pb_ends_with(r->summary, ".") ||
            isupper((unsigned char)*r->summary))
            fail_msg("'%s': %s", r->code, r->summary);
        if (!pb_streq(r->severity, "error") && !pb_streq(r->severity, "warning") &&
            !pb_streq(r->severity, "notice"))
            fail_msg("'%s' is a %s", r->code, r->severity);
        assert_ptr_equal(pb_check_rule_find(r->code), r); /* no other one is called so */
    }
    assert_null(pb_check_rule_find("none"));
}

/* All rules of the text are in it, and nothing is behind them. */
static void check_rules__those_of_the_text_are_in_it(void **state)
{
    size_t n = PB_NCHECK_RULES;

    (void)state;
    for (const struct pb_executor *const *x = pb_executors; *x; x++)
        for (const struct pb_text_rule *r = (*x)->text_rules; r && r->code; r++)
            assert_ptr_equal(pb_check_rule_at(n++), r);
    assert_true(n > PB_NCHECK_RULES + 50);
    assert_null(pb_check_rule_at(n));
    assert_string_equal(pb_check_rule_at(PB_CHECK_BLOCK_ADDED + PB_TEXT_REMOVED)->code,
                        "block-removed");
}

/* A finding is called as its rule is, and as severe unless it says otherwise. */
static void check_rules__a_finding_has_a_rule(void **state)
{
    struct pb_arena *a = pb_arena_new();
    struct pb_check_findings f = {0};
    const struct pb_text_rule *r = pb_check_rule_at(PB_CHECK_UNIT_REMOVED);

    (void)state;
    pb_check_find(&f, a, r, &(struct pb_check_finding){.message = "m", .code = "another"});
    pb_check_find(&f, a, r, &(struct pb_check_finding){.message = "m", .severity = "notice"});
    assert_string_equal(f.v[0].code, "unit-removed");
    assert_string_equal(f.v[0].severity, "warning");
    assert_string_equal(f.v[1].severity, "notice");
    free(f.v);
    pb_arena_free(a);
}

/* But for the table, and the fold of what was found by it, nobody adds a finding as it is. */
static void check_rules__there_is_no_other_way_to_find(void **state)
{
    glob_t all;
    size_t calls = 0;

    (void)state;
    assert_int_equal(glob("src/run/*.c", 0, NULL, &all), 0);
    for (size_t i = 0; i < all.gl_pathc; i++) {
        PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
        bool may = pb_ends_with(all.gl_pathv[i], "/check_rules.c") ||
                   pb_ends_with(all.gl_pathv[i], "/check_fold.c");

        assert_int_equal(pb_fs_read(&text, all.gl_pathv[i], 1 << 20, NULL), 0);
        for (const char *s = text.s; s && (s = strstr(s, "pb_check_add(")); s++, calls++)
            if (!may)
                fail_msg("%s adds a finding that no rule has", all.gl_pathv[i]);
    }
    assert_int_equal(calls, 3);
    globfree(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_rules__each_says_what_it_means),
        cmocka_unit_test(check_rules__those_of_the_text_are_in_it),
        cmocka_unit_test(check_rules__a_finding_has_a_rule),
        cmocka_unit_test(check_rules__there_is_no_other_way_to_find),
    };
    return cmocka_run_group_tests_name("check_rules", tests, NULL, NULL);
}
