#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "report/report.h"

#define POLICY_A "{\"Version\":\"1\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"read\"]}]}"
#define POLICY_B \
    "{\"Version\":\"1\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"read\",\"write\"]}]}"
#define SECRET "hunter2"

static struct pb_value str(const char *s)
{
    return (struct pb_value){.kind = PB_STRING, .n = (uint32_t)strlen(s), .s = s};
}

static struct pb_audit synthetic(struct pb_arena *a)
{
    static struct pb_value net, ops, pa, pb, secret, other, text, evil, unseen;
    static struct pb_attr_result tags[1], policy[1], password[2], longs[2], dark[1];
    static struct pb_resource_result r[9];
    static struct pb_unit_result u[2];
    struct pb_audit audit = {.arena = a, .nunits = 2, .units = u, .elapsed_ms = 1234};
    char *big = pb_arena_zalloc(a, 400);

    memset(big, 'x', 399);
    net = str("net"), ops = str("ops"), pa = str(POLICY_A), pb = str(POLICY_B);
    secret = str(SECRET), other = str(SECRET "2"), text = str(big);
    evil = str("\033[2Jgone\xe2\x80\xae");
    secret.flags = other.flags = PB_V_SENSITIVE;
    unseen = pb_mk_unknown(a, "403 AccessDenied");
    tags[0] =
        (struct pb_attr_result){"tags.team", PB_DRIFTED, &net, &net, &ops, false, false, NULL};
    policy[0] = (struct pb_attr_result){"policy", PB_DRIFTED, &pa, &pa, &pb, false, false, NULL};
    password[0] = (struct pb_attr_result){"password", PB_DRIFTED, &secret, &secret,
                                          &other,     true,       false,   NULL};
    password[1] =
        (struct pb_attr_result){"note", PB_COMPUTED, NULL, &net, &ops, false, false, NULL};
    longs[0] = (struct pb_attr_result){"text", PB_CONFLICT, &text, &net, &evil, false, false, NULL};
    longs[1] = (struct pb_attr_result){"size", PB_DRIFTED, &net, &net,
                                       &ops,   false,      true, "scaled elsewhere"};
    dark[0] = (struct pb_attr_result){"policy", PB_UNKNOWN_V, &pa,   &pa,
                                      &unseen,  false,        false, "403 AccessDenied"};
    r[0] = (struct pb_resource_result){"example_a.drifted",
                                       "example_a",
                                       "a-1",
                                       PB_DRIFTED,
                                       PB_ACT_NONE,
                                       "rest",
                                       NULL,
                                       false,
                                       tags,
                                       1,
                                       9,
                                       9};
    r[1] = (struct pb_resource_result){"example_b.policy",
                                       "example_b",
                                       "b-1",
                                       PB_DRIFTED,
                                       PB_ACT_NONE,
                                       "rest",
                                       NULL,
                                       false,
                                       policy,
                                       1,
                                       3,
                                       3};
    r[2] = (struct pb_resource_result){"example_c.secret", "example_c", "c-1", PB_DRIFTED,
                                       PB_ACT_NONE,        "rest",      NULL,  false,
                                       password,           2,           4,     4};
    r[3] = (struct pb_resource_result){"example_d.long",
                                       "example_d",
                                       "d-1",
                                       PB_CONFLICT,
                                       PB_ACT_UPDATE,
                                       "rest",
                                       NULL,
                                       false,
                                       longs,
                                       2,
                                       5,
                                       5};
    r[4] = (struct pb_resource_result){.address = "example_e.gone",
                                       .type = "example_e",
                                       .id = "e-1",
                                       .verdict = PB_MISSING,
                                       .action = PB_ACT_NONE,
                                       .observer = "rest",
                                       .reason = "404 NotFound"};
    r[5] = (struct pb_resource_result){.address = "example_f.new",
                                       .type = "example_f",
                                       .verdict = PB_PENDING,
                                       .action = PB_ACT_CREATE};
    r[6] = (struct pb_resource_result){.address = "example_g.unseen[\"x\"]",
                                       .type = "example_g",
                                       .id = "g-1",
                                       .verdict = PB_UNOBSERVED,
                                       .reason = "no pack for type 'example_g'"};
    r[7] = (struct pb_resource_result){"example_h.partly",
                                       "example_h",
                                       "h-1",
                                       PB_UNKNOWN_V,
                                       PB_ACT_NONE,
                                       "rest",
                                       NULL,
                                       false,
                                       dark,
                                       1,
                                       2,
                                       1};
    r[8] = (struct pb_resource_result){.address = "example_i.fine",
                                       .type = "example_i",
                                       .id = "i-1",
                                       .verdict = PB_IN_SYNC,
                                       .observer = "rest",
                                       .attrs_total = 4,
                                       .attrs_observed = 4};
    memset(u, 0, sizeof(u));
    u[0].config = (struct pb_config_unit){.name = "prod", .path = "infra/prod"};
    u[0].engine = u[1].engine = "terraform";
    u[0].recorded = (struct pb_recorded_set){.lineage = "1f0c", .serial = 12};
    memset(u[0].recorded.sha256, 'a', 64);
    u[0].out.v = r;
    u[0].out.n = PB_COUNT(r);
    for (size_t i = 0; i < PB_COUNT(r); i++)
        u[0].out.by_verdict[r[i].verdict]++;
    u[0].out.coverage = (struct pb_coverage){7, 9, 30, 34};
    u[0].stats.requests = 12;
    u[0].declared.from_cache = true;
    pb_diag_add(&u[0].diags, a, "warning", "slow", "example_a.drifted", "answers slowly");
    u[1].config = (struct pb_config_unit){.name = "stage", .path = "infra/stage"};
    u[1].failed = true;
    pb_fail(&u[1].err, PB_E_INPUT, "state 'x' is empty: put the last good one back");
    memset(audit.commit, '1', PB_OID_HEX - 1);
    audit.started_at = 1772366400;
    assert_int_equal(pb_audit_sum(&audit, NULL, NULL), 0);
    return audit;
}

static void release(struct pb_audit *a)
{
    pb_diags_release(&a->units[0].diags);
}

static void compare(const char *name, const struct pb_buf *have)
{
    PB_AUTO(buf) struct pb_buf want = PB_BUF_INIT;
    char path[128];
    struct pb_err err = PB_ERR_INIT;

    snprintf(path, sizeof(path), "fixtures/reports/%s", name);
    if (getenv("PLUMB_TEST_UPDATE"))
        assert_int_equal(pb_fs_write_atomic(path, have->s, have->len, 0644, &err), 0);
    if (pb_fs_read(&want, path, 1 << 20, &err) < 0)
        fail_msg("%s", err.msg);
    assert_string_equal(have->s, want.s);
}

static void golden(const char *format, bool all, int width, const char *name)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_audit audit = synthetic(a);
    struct pb_report_opts o = {.version = "1.2.3", .all = all, .width = width};

    pb_report_format_find(format)->write(&b, &audit, &o);
    assert_null(strstr(b.s, SECRET));
    assert_null(strchr(b.s, '\033'));
    if (strcmp(format, "text") == 0)
        assert_null(strstr(b.s, "\xe2\x80\xae"));
    compare(name, &b);
    release(&audit);
}

static void report__text(void **state)
{
    (void)state;
    golden("text", false, 0, "text.txt");
    golden("text", true, 80, "text-all.txt");
}

static void report__json(void **state)
{
    (void)state;
    golden("json", false, 0, "report.json");
    golden("json", true, 0, "report-all.json");
}

static void report__colour_is_only_colour(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf plain = PB_BUF_INIT, color = PB_BUF_INIT, bare = PB_BUF_INIT;
    struct pb_audit audit = synthetic(a);

    (void)state;
    pb_report_text(&plain, &audit, &(struct pb_report_opts){.version = "1"});
    pb_report_text(&color, &audit, &(struct pb_report_opts){.version = "1", .color = true});
    for (const char *s = color.s; *s; s++) {
        if (*s == '\033')
            s += strcspn(s, "m");
        else
            pb_buf_addc(&bare, *s);
    }
    assert_true(color.len > plain.len);
    assert_string_equal(bare.s, plain.s);
    release(&audit);
}

static void report__unknown_format_names_those_there_are(void **state)
{
    const struct pb_report_format *f;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    assert_int_equal(pb_report_format_need(&f, "html", &err), -1);
    assert_string_equal(err.msg, "no format 'html'; there is: text, json");
}

/* failed > difference > unknown > fine; and what --fail-on does to it. */
static void report__exit_codes(void **state)
{
    static const struct {
        enum pb_verdict v;
        const char *fail_on;
        enum pb_exit code;
    } rows[] = {
        {PB_IN_SYNC, NULL, PB_EXIT_PLUMB},
        {PB_COMPUTED, NULL, PB_EXIT_PLUMB},
        {PB_UNCHECKED, NULL, PB_EXIT_PLUMB},
        {PB_PENDING, NULL, PB_EXIT_DRIFT},
        {PB_STALE_RECORD, NULL, PB_EXIT_DRIFT},
        {PB_LAUNDERED, NULL, PB_EXIT_DRIFT},
        {PB_UNOBSERVED, NULL, PB_EXIT_INCONCLUSIVE},
        {PB_UNKNOWN_V, NULL, PB_EXIT_INCONCLUSIVE},
        {PB_PENDING, "drifted,missing", PB_EXIT_PLUMB},
        {PB_MISSING, "drifted,missing", PB_EXIT_DRIFT},
        {PB_COMPUTED, "computed", PB_EXIT_DRIFT},
        {PB_UNOBSERVED, "drifted", PB_EXIT_INCONCLUSIVE},
        {PB_UNOBSERVED, "unobserved", PB_EXIT_DRIFT},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_unit_result u = {.out = {.n = 1}};
        struct pb_audit audit = {.units = &u, .nunits = 1};
        char *words[] = {(char *)(uintptr_t)rows[i].fail_on, NULL};

        u.out.by_verdict[rows[i].v] = 1;
        assert_int_equal(pb_audit_sum(&audit, rows[i].fail_on ? words : NULL, NULL), 0);
        assert_int_equal(audit.exit_code, rows[i].code);
        u.out.by_verdict[PB_UNOBSERVED] = 1;
        pb_audit_sum(&audit, rows[i].fail_on ? words : NULL, NULL);
        assert_true(audit.exit_code == PB_EXIT_DRIFT || audit.exit_code == PB_EXIT_INCONCLUSIVE);
        u.failed = true;
        pb_audit_sum(&audit, NULL, NULL);
        assert_int_equal(audit.exit_code, PB_EXIT_ERROR);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report__text),
        cmocka_unit_test(report__json),
        cmocka_unit_test(report__colour_is_only_colour),
        cmocka_unit_test(report__unknown_format_names_those_there_are),
        cmocka_unit_test(report__exit_codes),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
