/* The documents of a check before a merge, in every format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "report/check.h"
#include "report/doc.h"

#define SECRET "hunter2"

static struct pb_value str(const char *s)
{
    return (struct pb_value){.kind = PB_STRING, .n = (uint32_t)strlen(s), .s = s};
}

/* One resource of each kind there is. */
static struct made {
    struct pb_value net, ops, web, secret, other, unknown, text, texted;
    struct pb_check_attr collides[2], caused[2], reverts[1], hidden[1], dark[1];
    struct pb_gate_change change;
    struct pb_gate_verdict deny, ask, allow;
    struct pb_gate_author by;
    struct pb_check_resource r[10];
    struct pb_check_refusal refusals[2];
    struct pb_check_finding text_findings[4], whole[3];
    const char *names[8];
    struct pb_check_unit u[4];
    const char *conflicts[2], *what[2];
} m;

static struct pb_check_attr attr(const char *path, enum pb_check_class class, bool touched,
                                 const struct pb_value *base, const struct pb_value *merged,
                                 const struct pb_value *live)
{
    return (struct pb_check_attr){.path = path,
                                  .class = class,
                                  .touched = touched,
                                  .base = base,
                                  .merged = merged,
                                  .recorded = base,
                                  .live = live,
                                  .seen = live != NULL,
                                  .before = base == live ? PB_IN_SYNC : PB_DRIFTED};
}

static void make_values(struct pb_arena *a)
{
    m.net = str("net"), m.ops = str("ops"), m.web = str("web");
    m.text = str("#!/bin/sh\nset -e\necho one\necho two\n");
    m.texted = str("#!/bin/sh\nset -e\necho 1\necho two\n");
    m.secret = str(SECRET), m.other = str(SECRET "2");
    m.secret.flags = m.other.flags = PB_V_SENSITIVE;
    m.unknown = pb_mk_unknown(a, NULL);
    m.collides[0] = attr("tags.team", PB_CHECK_COLLIDES, true, &m.net, &m.web, &m.ops);
    m.collides[1] = attr("password", PB_CHECK_COLLIDES, true, &m.secret, &m.other, &m.other);
    m.collides[1].sensitive = true;
    m.caused[0] = attr("user_data", PB_CHECK_CAUSED, true, &m.text, &m.texted, &m.text);
    m.caused[1] = attr("arn", PB_CHECK_CAUSED, true, &m.net, &m.unknown, &m.net);
    m.reverts[0] = attr("ttl", PB_CHECK_REVERTS, false, &m.net, &m.net, &m.ops);
    m.hidden[0] = attr("size", PB_CHECK_CAUSED, true, &m.net, &m.web, &m.net);
    m.dark[0] = attr("size", PB_CHECK_UNSEEN, true, &m.net, &m.web, NULL);
    m.dark[0].reason = "403 AccessDenied for @octocat";
}

static struct pb_check_resource res(const char *address, enum pb_check_class class, bool touched,
                                    enum pb_action action, const struct pb_check_attr *attrs,
                                    size_t n)
{
    return (struct pb_check_resource){.address = address,
                                      .type = "example_a",
                                      .id = "a-1",
                                      .class = class,
                                      .touched = touched,
                                      .action = action,
                                      .observer = "rest",
                                      .attrs = attrs,
                                      .nattrs = n,
                                      .file = "infra/main.tf",
                                      .line = 12,
                                      .last_line = 20};
}

static struct pb_gate_verdict verdict(enum pb_gate_decision d, const char *why, const char *rule)
{
    return (struct pb_gate_verdict){
        .change = &m.change, .cause = PB_CAUSE_GIT, .decision = d, .why = why, .rule = rule};
}

static void make_resources(void)
{
    m.deny = verdict(PB_GATE_DENY, "Git drops it", "protected by plumb.yaml:3 (customers' data)");
    m.ask = verdict(PB_GATE_ASK, "Git asks for it", "plumb.yaml:9");
    m.allow = verdict(PB_GATE_ALLOW, "Git asks for it", "the default for git");
    m.by = (struct pb_gate_author){.commit = "89abcdef89abcdef89abcdef89abcdef89abcdef",
                                   .author = "Ann @ann",
                                   .summary = "tags (#12)",
                                   .time = 1772366400};
    m.r[0] = res("example_a.collides", PB_CHECK_COLLIDES, true, PB_ACT_UPDATE, m.collides, 2);
    m.r[0].by = &m.by;
    m.r[1] = res("example_a.caused", PB_CHECK_CAUSED, true, PB_ACT_UPDATE, m.caused, 2);
    m.r[1].gate = &m.allow;
    m.r[2] = res("example_a.protected", PB_CHECK_CAUSED, true, PB_ACT_DELETE, NULL, 0);
    m.r[2].gate = &m.deny;
    m.r[2].guarded = m.r[2].file_of_base = true;
    m.r[3] = res("example_a.asks", PB_CHECK_CAUSED, true, PB_ACT_UPDATE, m.hidden, 1);
    m.r[3].gate = &m.ask;
    m.r[4] = res("example_a.new", PB_CHECK_CAUSED, true, PB_ACT_CREATE, NULL, 0);
    m.r[4].id = m.r[4].observer = NULL;
    m.r[5] = res("example_a.dark", PB_CHECK_UNSEEN, true, PB_ACT_UPDATE, m.dark, 1);
    m.r[5].unseen = true;
    m.r[5].reason = "403 AccessDenied for @octocat";
    m.r[6] = res("example_a.settles", PB_CHECK_SETTLES, true, PB_ACT_NONE, NULL, 0);
    m.r[7] = res("example_a.reverts", PB_CHECK_REVERTS, false, PB_ACT_UPDATE, m.reverts, 1);
    m.r[8] = res("example_a.pending", PB_CHECK_PENDING, false, PB_ACT_UPDATE, NULL, 0);
    m.r[9] = res("example_a.blind", PB_CHECK_UNSEEN, false, PB_ACT_NONE, NULL, 0);
    m.refusals[0] =
        (struct pb_check_refusal){"too-many-deletes", "it deletes 6", "split it", false};
    m.refusals[1] = (struct pb_check_refusal){"freeze", "it is frozen", "wait", true};
}

static struct pb_check_finding said(const char *code, const char *severity, const char *message,
                                    const char *address, const char *file, unsigned line)
{
    return (struct pb_check_finding){.code = code,
                                     .severity = severity,
                                     .message = message,
                                     .address = address,
                                     .file = file,
                                     .line = line,
                                     .last_line = line};
}

static void make_findings(void)
{
    m.text_findings[0] =
        said("provisioner-added", "warning", "the new provisioner 'local-exec' runs on creation",
             "example_a.caused", "infra/main.tf", 14);
    m.text_findings[1] =
        said("provisioner-added", "warning", "the new provisioner 'remote-exec' runs on creation",
             "example_a.caused", "infra/main.tf", 17);
    m.text_findings[2] = said("lock-hash-dropped", "error", "the lock file drops hashes", NULL,
                              "infra/.terraform.lock.hcl", 3);
    m.text_findings[3] =
        said("block-removed", "notice", "the block is gone", "example_a.protected", "old.tf", 4);
    m.text_findings[3].file_of_base = true;
    m.text_findings[3].resources = 2;
    m.whole[0] =
        said("policy-gate", "warning", "'gate.max_delete' is 5 and was 0", NULL, "plumb.yaml", 7);
    m.whole[1] = said("external-data-added", "warning", "planning runs the program of the new data",
                      "data.external.a", "modules/net/main.tf", 3);
    m.whole[2] = said("block-changed", "notice", "'example_a.b' is changed", "example_a.b",
                      "modules/net/main.tf", 9);
    m.whole[2].resources = 12;
    m.names[0] = "prod";
    m.names[1] = "gone";
    m.names[2] = "<b>@ann</b>";
    m.names[3] = "u4", m.names[4] = "u5", m.names[5] = "u6";
    m.whole[1].units = m.whole[2].units = m.names;
    m.whole[1].nunits = m.whole[2].nunits = 6;
}

static void make_units(void)
{
    m.u[0] = (struct pb_check_unit){.name = "prod",
                                    .path = "infra",
                                    .mode = PB_CHECK_PLANNED,
                                    .reached_by = "modules/net/main.tf",
                                    .refusals = m.refusals,
                                    .nrefusals = PB_COUNT(m.refusals),
                                    .resources = m.r,
                                    .nresources = PB_COUNT(m.r),
                                    .findings = {m.text_findings, PB_COUNT(m.text_findings), 0}};
    for (size_t i = 0; i < PB_COUNT(m.r); i++)
        m.u[0].by_class[m.r[i].class]++;
    m.u[1] = (struct pb_check_unit){.name = "static",
                                    .path = "static",
                                    .mode = PB_CHECK_STATIC,
                                    .why = "not planned: the head is not trusted; use --trust"};
    m.u[2] = (struct pb_check_unit){.name = "gone",
                                    .path = "gone",
                                    .mode = PB_CHECK_REMOVED,
                                    .is_removed = true,
                                    .recorded = 3};
    m.u[3] = (struct pb_check_unit){.name = "broken", .path = "broken", .mode = PB_CHECK_FAILED};
    pb_fail(&m.u[3].err, PB_E_TOOL, "the sandbox cannot be had: install bubblewrap");
}

static struct pb_check make(struct pb_arena *a)
{
    struct pb_check c = {.arena = a, .base_ref = "origin/main", .head_ref = "HEAD"};

    memset(&m, 0, sizeof(m));
    make_values(a);
    make_resources();
    make_findings();
    make_units();
    memset(c.base, 'b', PB_OID_HEX - 1);
    memset(c.head, 'a', PB_OID_HEX - 1);
    c.audit.started_at = 1772366400;
    c.elapsed_ms = 2345;
    c.trusted = true;
    c.trust = "--trust says so";
    c.units = m.u;
    c.nunits = PB_COUNT(m.u);
    c.untouched = 7;
    c.findings = (struct pb_check_findings){m.whole, PB_COUNT(m.whole), 0};
    pb_check_sum(&c);
    return c;
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

static void report_check__documents(void **state)
{
    static const struct {
        const char *format, *name;
    } rows[] = {{"markdown", "check.md"},
                {"html", "check.html"},
                {"sarif", "check.sarif"},
                {"junit", "check.xml"}};

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
        PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
        struct pb_check c = make(a);

        pb_report_check(&b, pb_report_format_find(rows[i].format), &c,
                        &(struct pb_report_opts){.version = "1.2.3"});
        assert_null(strstr(b.s, SECRET));
        compare(rows[i].name, &b);
    }
}

/* What was there before is no finding against the change: no level, no failure. */
static void report_check__what_was_there_before_does_not_count(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_check c = make(a);
    struct pb_doc d;
    size_t seen = 0;

    (void)state;
    pb_doc_of_check(&d, &c, &(struct pb_report_opts){.version = "1"});
    for (size_t i = 0; i < d.nitems; i++) {
        const struct pb_doc_item *it = &d.items[i];

        if (strcmp(it->subject, "example_a.reverts") != 0 &&
            strcmp(it->subject, "example_a.pending") != 0 &&
            strcmp(it->subject, "example_a.blind") != 0 && strcmp(it->subject, "freeze") != 0)
            continue;
        seen++;
        assert_int_equal(it->level, PB_LEVEL_NONE);
        assert_int_equal(it->outcome, PB_DOC_SKIP);
    }
    assert_int_equal(seen, 4);
    pb_doc_release(&d);
}

/* Two findings of one kind about one block are two, and stay so. */
static void report_check__each_finding_has_its_fingerprint(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_check c = make(a);
    struct pb_doc d;

    (void)state;
    pb_doc_of_check(&d, &c, &(struct pb_report_opts){.version = "1"});
    for (size_t i = 0; i < d.nitems; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(d.items[i].fingerprint, d.items[k].fingerprint);
    pb_doc_release(&d);
}

static const struct pb_doc_item *item_at(const struct pb_doc *d, const char *subject)
{
    for (size_t i = 0; i < d->nitems; i++)
        if (strcmp(d->items[i].subject, subject) == 0)
            return &d->items[i];
    fail_msg("no item '%s'", subject);
    return NULL;
}

/* How many units share it, and which, is not what it is: its folder is. */
static void report_check__what_is_shared_is_known_by_its_folder(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    char first[PB_SHA256_HEX];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct pb_check c = make(a);
        struct pb_doc d;

        m.whole[1].nunits -= i == 1;
        m.whole[1].file = i == 2 ? "modules/other/main.tf" : "modules/net/b.tf";
        pb_doc_of_check(&d, &c, &(struct pb_report_opts){.version = "1"});
        if (i == 0)
            memcpy(first, item_at(&d, "data.external.a")->fingerprint, sizeof(first));
        else if (i == 1)
            assert_string_equal(item_at(&d, "data.external.a")->fingerprint, first);
        else
            assert_string_not_equal(item_at(&d, "data.external.a")->fingerprint, first);
        pb_doc_release(&d);
    }
}

/* It is listed with none of them, and each is to be looked at for it. */
static void report_check__what_is_shared_counts_for_each(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_check c = make(a);
    struct pb_doc d;

    (void)state;
    pb_doc_of_check(&d, &c, &(struct pb_report_opts){.version = "1"});
    assert_string_equal(d.units[2].name, "gone");
    assert_int_equal(d.units[2].n, 0);
    assert_int_equal(d.units[2].level, PB_LEVEL_WARNING);
    assert_true(item_at(&d, "data.external.a")->unit == PB_DOC_NO_UNIT);
    pb_doc_release(&d);
}

static void report_check__text_names_a_few_units(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_check c = make(a);
    struct pb_check_finding *f = &m.whole[2];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

        f->nunits = i ? 5 : 6;
        pb_report_check(&b, pb_report_format_find("text"), &c,
                        &(struct pb_report_opts){.width = 1000});
        assert_non_null(strstr(
            b.s, i ? "'example_a.b' is changed, which stands for 12 resources "
                     "(modules/net/main.tf:9), in 5 units: prod, gone, <b>@ann</b>, u4, u5\n"
                   : "'example_a.b' is changed, which stands for 12 resources "
                     "(modules/net/main.tf:9), in 6 units: prod, gone, <b>@ann</b>, u4 and 2 "
                     "more\n"));
        assert_non_null(strstr(b.s, "in 6 units: prod, gone, <b>@ann</b>, u4 and 2 more\n"));
    }
}

static void report_check__text_begins_with_what_is_denied(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT, all = PB_BUF_INIT;
    struct pb_check c = make(a);
    const struct pb_report_format *text = pb_report_format_find("text");
    const char *denied;

    (void)state;
    m.caused[1] = attr("zone", PB_CHECK_NONE, false, NULL, NULL, &m.ops);
    pb_report_check(&b, text, &c, &(struct pb_report_opts){.width = 1000});
    denied = strstr(b.s, "  example_a.protected");
    assert_non_null(denied);
    assert_true(denied < strstr(b.s, "  example_a.caused"));
    assert_null(strstr(b.s, "zone"));
    /* What there is nothing to tell of is a line, and hides none that there is. */
    pb_report_check(&all, text, &c, &(struct pb_report_opts){.width = 1000, .all = true});
    assert_non_null(strstr(all.s, "        zone  nothing changes: \"ops\"\n"));
    c.nunits = 0;
    pb_buf_clear(&b);
    pb_report_check(&b, text, &c, &(struct pb_report_opts){.width = 1000});
    assert_null(strstr(b.s, "trusted: "));
}

static void report_check__conflicts(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_check c = make(a);

    (void)state;
    m.conflicts[0] = "infra/main.tf";
    m.what[0] = "changed on both sides";
    c.conflicts = m.conflicts;
    c.conflict_what = m.what;
    c.nconflicts = 1;
    c.nunits = 0;
    c.findings.n = 0;
    c.untouched = 0;
    pb_check_sum(&c);
    pb_report_check(&b, pb_report_format_find("junit"), &c, &(struct pb_report_opts){0});
    assert_non_null(strstr(b.s, "<testcase classname=\"plumb\" name=\"infra/main.tf\" time=\"0\">\n"
                                "      <failure message=\"in conflict: changed on both sides\" "
                                "type=\"merge-conflict\">"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_check__documents),
        cmocka_unit_test(report_check__what_was_there_before_does_not_count),
        cmocka_unit_test(report_check__each_finding_has_its_fingerprint),
        cmocka_unit_test(report_check__what_is_shared_is_known_by_its_folder),
        cmocka_unit_test(report_check__what_is_shared_counts_for_each),
        cmocka_unit_test(report_check__text_names_a_few_units),
        cmocka_unit_test(report_check__text_begins_with_what_is_denied),
        cmocka_unit_test(report_check__conflicts),
    };
    return cmocka_run_group_tests_name("report_check", tests, NULL, NULL);
}
