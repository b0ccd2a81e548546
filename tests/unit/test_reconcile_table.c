/* The two tables of src/reconcile/README.md, enumerated whole, and what must hold for all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/presence.h"
#include "reconcile/reconcile.h"

/* How the values of a cell look: one letter for each of D, R, L, B, and - for "not there".
 * D: '-' silent, '?' known after apply, 'w' write-only. L: '?' could not be seen. */
struct row {
    const char *cell;
    enum pb_verdict want;
};

/* Letters are handed out in the order in which values first appear, so these are all. */
static const struct row rows[] = {
    /* all agree */
    {"aaa-", PB_IN_SYNC},
    {"aaaa", PB_IN_SYNC},
    {"aaab", PB_IN_SYNC},
    /* only live differs */
    {"aab-", PB_DRIFTED},
    {"aaba", PB_DRIFTED},
    {"aabb", PB_DRIFTED},
    {"aabc", PB_DRIFTED},
    /* only declared differs */
    {"abb-", PB_PENDING},
    {"abba", PB_LAUNDERED},
    {"abbb", PB_PENDING},
    {"abbc", PB_PENDING},
    /* only the record differs */
    {"aba-", PB_CONVERGED},
    {"abaa", PB_STALE_RECORD},
    {"abab", PB_CONVERGED},
    {"abac", PB_CONVERGED},
    /* all differ */
    {"abc-", PB_CONFLICT},
    {"abca", PB_CONFLICT},
    {"abcb", PB_CONFLICT},
    {"abcc", PB_CONFLICT},
    {"abcd", PB_CONFLICT},
    /* Git is silent */
    {"-aa-", PB_IN_SYNC},
    {"-aaa", PB_IN_SYNC},
    {"-aab", PB_IN_SYNC},
    {"-ab-", PB_COMPUTED},
    {"-aba", PB_COMPUTED},
    {"-abb", PB_COMPUTED},
    {"-abc", PB_COMPUTED},
    /* known after apply */
    {"?aa-", PB_PENDING},
    {"?aaa", PB_PENDING},
    {"?aab", PB_PENDING},
    {"?ab-", PB_CONFLICT},
    {"?aba", PB_CONFLICT},
    {"?abb", PB_CONFLICT},
    {"?abc", PB_CONFLICT},
    /* could not be seen */
    {"aa?-", PB_UNKNOWN_V},
    {"aa?a", PB_UNKNOWN_V},
    {"aa?b", PB_UNKNOWN_V},
    {"ab?-", PB_UNKNOWN_V},
    {"ab?a", PB_UNKNOWN_V},
    {"ab?b", PB_UNKNOWN_V},
    {"ab?c", PB_UNKNOWN_V},
    {"-a?-", PB_UNKNOWN_V},
    {"-a?a", PB_UNKNOWN_V},
    {"-a?b", PB_UNKNOWN_V},
    {"?a?-", PB_UNKNOWN_V},
    {"?a?a", PB_UNKNOWN_V},
    {"?a?b", PB_UNKNOWN_V},
};

static struct pb_cell cell_of(const char *s)
{
    struct pb_cell c = {0};

    c.declared_silent = s[0] == '-';
    c.declared_known = s[0] != '?' && s[0] != '-';
    c.live_known = s[2] != '?';
    c.d_eq_r = c.declared_known && s[0] == s[1];
    c.r_eq_l = c.live_known && s[1] == s[2];
    c.d_eq_l = c.declared_known && c.live_known && s[0] == s[2];
    c.has_baseline = s[3] != '-';
    c.baseline_eq_d = c.has_baseline && c.declared_known && s[3] == s[0];
    c.baseline_eq_l = c.has_baseline && c.live_known && s[3] == s[2];
    return c;
}

static void reconcile_table__attributes(void **state)
{
    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_cell c = cell_of(rows[i].cell);
        enum pb_verdict got = pb_cell_verdict(&c);
        if (got != rows[i].want)
            fail_msg("D R L B = %s: got %s, want %s", rows[i].cell, pb_verdict_name(got),
                     pb_verdict_name(rows[i].want));
        c.write_only = true;
        assert_int_equal(pb_cell_verdict(&c), PB_UNCHECKED);
    }
}

/* Every cell over the alphabet is, after renaming its letters, one of the rows. */
static void reconcile_table__attributes_are_enumerated_whole(void **state)
{
    static const char d[] = "abcd-?", r[] = "abcd", l[] = "abcd?", b[] = "abcd-";
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < 6 * 4 * 5 * 5; i++) {
        char cell[5] = {d[i % 6], r[i / 6 % 4], l[i / 24 % 5], b[i / 120], 0};
        char name[128] = {0}, next = 'a';
        bool found = false;
        for (char *p = cell; *p; p++) {
            if (*p == '-' || *p == '?')
                continue;
            if (!name[(unsigned char)*p])
                name[(unsigned char)*p] = next++;
            *p = name[(unsigned char)*p];
        }
        for (size_t k = 0; k < PB_COUNT(rows); k++)
            found = found || strcmp(rows[k].cell, cell) == 0;
        if (!found)
            fail_msg("D R L B = %s is not in the table", cell);
        n++;
    }
    assert_int_equal(n, 600);
}

/* Whatever the flags say, consistent or not. */
static void reconcile_table__what_cannot_be_seen_is_never_in_sync(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 1024; bits++) {
        struct pb_cell c = {
            .declared_silent = bits & 1,
            .declared_known = bits & 2,
            .write_only = bits & 4,
            .d_eq_r = bits & 8,
            .r_eq_l = bits & 16,
            .d_eq_l = bits & 32,
            .has_baseline = bits & 64,
            .baseline_eq_d = bits & 128,
            .baseline_eq_l = bits & 256,
            .live_known = bits & 512,
        };
        enum pb_verdict v = pb_cell_verdict(&c);
        assert_true(pb_verdicts[v].for_attribute);
        if (!c.live_known)
            assert_true(v == (c.write_only ? PB_UNCHECKED : PB_UNKNOWN_V));
    }
}

/* ---- presence ------------------------------------------------------------------------------- */

enum { ALL = 255 }; /* any action */
#define A(x)       (1 << (x))
#define UNDECLARED (1 << 8)
#define PARTIAL    (1 << 9) /* not declared, and the plan is not complete */

struct presence_row {
    int actions; /* bits */
    bool recorded;
    int live; /* bits of enum pb_looked */
    enum pb_verdict verdict;
    bool attributes, none;
};

#define NOT_LOOKED 1
#define KNOWN      2
#define ABSENT     4
#define UNKNOWN    8
#define ANY        15

#define REMOVES (A(PB_ACT_DELETE) | A(PB_ACT_FORGET))
#define KEEPS   (A(PB_ACT_NONE) | A(PB_ACT_READ))

static const struct presence_row presence_rows[] = {
    {UNDECLARED | PARTIAL, false, KNOWN, PB_UNMANAGED, false, false},
    {UNDECLARED | PARTIAL, false, UNKNOWN, PB_UNOBSERVED, false, false},
    {UNDECLARED | PARTIAL, false, ABSENT | NOT_LOOKED, PB_IN_SYNC, false, true},
    {ALL & ~REMOVES, false, ANY, PB_PENDING, false, false},
    {REMOVES, false, ANY, PB_UNOBSERVED, false, false},
    {ALL | UNDECLARED | PARTIAL, true, UNKNOWN | NOT_LOOKED, PB_UNOBSERVED, true, false},
    {REMOVES | UNDECLARED, true, ABSENT, PB_CONVERGED, false, false},
    {(ALL & ~REMOVES) | PARTIAL, true, ABSENT, PB_MISSING, false, false},
    {KEEPS, true, KNOWN, PB_IN_SYNC, true, false},
    {(ALL & ~KEEPS) | UNDECLARED, true, KNOWN, PB_PENDING, true, false},
    {PARTIAL, true, KNOWN, PB_UNKNOWN_V, true, false},
};

static int actions_bit(int i)
{
    return i < 8 ? A(i) : i == 8 ? UNDECLARED : PARTIAL;
}

static struct pb_presence_cell presence_cell(int i, bool recorded, int live)
{
    struct pb_presence_cell c = {.recorded = recorded, .live = (enum pb_looked)live};

    c.declared = i < 8;
    c.action = i < 8 ? (enum pb_action)i : PB_ACT_NONE;
    c.complete = i != 9;
    return c;
}

static void reconcile_table__presence_is_enumerated_whole(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        for (int recorded = 0; recorded < 2; recorded++)
            for (int live = 0; live < 4; live++) {
                struct pb_presence_cell c = presence_cell(i, recorded, live);
                struct pb_presence_answer a = pb_presence(&c);
                const struct presence_row *row = NULL;
                for (size_t k = 0; k < PB_COUNT(presence_rows); k++) {
                    const struct presence_row *r = &presence_rows[k];
                    if (!(r->actions & actions_bit(i)) || r->recorded != recorded ||
                        !(r->live & (1 << live)))
                        continue;
                    if (row)
                        fail_msg("two rows for %d %d %d", i, recorded, live);
                    row = r;
                }
                if (!row)
                    fail_msg("no row for %d %d %d", i, recorded, live);
                if (a.none != row->none || a.verdict != row->verdict ||
                    a.attributes != row->attributes)
                    fail_msg("action %d, recorded %d, live %d: got %s", i, recorded, live,
                             pb_verdict_name(a.verdict));
                assert_true(pb_verdicts[a.verdict].for_resource);
            }
}

/* What was verified and is in no state any more is no news of Git's. */
static void reconcile_table__a_baseline_knows_what_was_there(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        for (int recorded = 0; recorded < 2; recorded++)
            for (int live = 0; live < 4; live++) {
                struct pb_presence_cell c = presence_cell(i, recorded, live);
                struct pb_presence_answer without = pb_presence(&c), with;
                bool lost =
                    c.declared && c.action == PB_ACT_CREATE && !recorded && live != PB_LOOK_KNOWN;
                c.verified = true;
                with = pb_presence(&c);
                assert_int_equal(with.verdict, lost ? PB_LAUNDERED : without.verdict);
                assert_int_equal(with.action, without.action);
            }
}

static void reconcile_table__missing_needs_proof(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        for (int bits = 0; bits < 32; bits++) {
            struct pb_presence_cell c = presence_cell(i, bits & 1, bits / 2 % 4);
            struct pb_presence_answer a;
            c.tainted = bits & 8;
            c.deposed = bits & 16;
            a = pb_presence(&c);
            if (c.live != PB_LOOK_ABSENT)
                assert_int_not_equal(a.verdict, PB_MISSING);
            if (c.live != PB_LOOK_KNOWN && !a.none)
                assert_int_not_equal(a.verdict, PB_IN_SYNC);
            if (c.tainted && c.recorded && c.live == PB_LOOK_KNOWN)
                assert_true(a.verdict >= PB_PENDING);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reconcile_table__attributes),
        cmocka_unit_test(reconcile_table__attributes_are_enumerated_whole),
        cmocka_unit_test(reconcile_table__what_cannot_be_seen_is_never_in_sync),
        cmocka_unit_test(reconcile_table__presence_is_enumerated_whole),
        cmocka_unit_test(reconcile_table__a_baseline_knows_what_was_there),
        cmocka_unit_test(reconcile_table__missing_needs_proof),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
