#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "report/doc.h"
#include "report/escape.h"
#include "report/gate.h"
#include "report/lines.h"
#include "tests/support/values.h"

#define SECRET "hunter2"

/* What values, names and messages may bring along. */
static const char *const hostile[] = {
    "\033[31mred\033[0m",
    "\xc2\x9b"
    "31mc1",
    "\xe2\x80\xae"
    "evil",
    "\xe2\x81\xa6isolate",
    "bell\a",
    "line\nbreak\r\n\n# heading",
    "a|b",
    "back\\|slash",
    "`tick`",
    "```\nfence\n```",
    "~~~",
    "</code></td></table></details><h1>out</h1>",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><b>attr",
    "<!-- plumb:audit:all -->",
    "-->",
    "]]>",
    "# heading",
    "- [ ] task",
    "/close",
    "@octocat",
    "@org/team",
    "user@evil.example",
    "#123",
    "!123",
    "GH-123",
    "ABC-123",
    "owner/repo#1",
    "group/project!1",
    "~label",
    "%milestone",
    "$snippet",
    "&epic",
    "0123456789abcdef0123456789abcdef01234567",
    "deadbee",
    "http://evil.example/",
    "https://evil.example/x",
    "www.evil.example",
    "javascript:alert(1)",
    "![i](http://evil.example/x.png)",
    "[l](http://evil.example)",
    "[a][b]",
    "{0} and {{1}}",
    ":smile:",
    "&lt;b&gt;",
    "&#64;octocat",
    "\xef\xbf\xbe nonchar",
    "\xff invalid",
    "**bold** _it_ ~~s~~",
};

static struct pb_value str(const char *s)
{
    return (struct pb_value){.kind = PB_STRING, .n = (uint32_t)strlen(s), .s = s};
}

/* An audit in which everything that comes from outside is hostile. */
static struct made {
    struct pb_value is[PB_COUNT(hostile)], was, secret, other;
    struct pb_attr_result attrs[PB_COUNT(hostile)], password;
    struct pb_resource_result r[PB_COUNT(hostile) + 2];
    struct pb_declared declared[1];
    struct pb_unit_result u[1];
} m;

static void make_resource(struct pb_arena *a, size_t i)
{
    m.is[i] = str(hostile[i]);
    m.attrs[i] = (struct pb_attr_result){.path = i % 2 ? "tags.x" : hostile[i],
                                         .verdict = PB_DRIFTED,
                                         .declared = &m.was,
                                         .recorded = &m.was,
                                         .live = &m.is[i],
                                         .seen = true,
                                         .reason = hostile[i]};
    m.r[i] = (struct pb_resource_result){
        .address = pb_arena_printf(a, "example_a.x[\"%03zu %s\"]", i, hostile[i]),
        .type = "example_a",
        .id = hostile[i],
        .verdict = i % 3 ? PB_DRIFTED : PB_UNOBSERVED,
        .also = i % 3 ? PB_IN_SYNC : PB_PENDING,
        .reason = hostile[i],
        .observer = "rest",
        .attrs = &m.attrs[i],
        .nattrs = 1};
}

static struct pb_audit make(struct pb_arena *a)
{
    struct pb_audit audit = {.arena = a, .nunits = 1, .units = m.u, .elapsed_ms = 1234};
    const size_t n = PB_COUNT(hostile);

    memset(&m, 0, sizeof(m));
    m.was = str("net");
    m.secret = str(SECRET), m.other = str(SECRET "2");
    m.secret.flags = m.other.flags = PB_V_SENSITIVE;
    for (size_t i = 0; i < n; i++)
        make_resource(a, i);
    m.password = (struct pb_attr_result){.path = "password",
                                         .verdict = PB_DRIFTED,
                                         .declared = &m.secret,
                                         .recorded = &m.secret,
                                         .live = &m.other,
                                         .seen = true,
                                         .sensitive = true};
    m.r[n] = (struct pb_resource_result){.address = "example_b.secret",
                                         .type = "example_b",
                                         .verdict = PB_DRIFTED,
                                         .attrs = &m.password,
                                         .nattrs = 1};
    m.r[n + 1] = (struct pb_resource_result){
        .address = "example_c.fine", .type = "example_c", .verdict = PB_IN_SYNC};
    m.declared[0] = (struct pb_declared){.address = "example_b.secret",
                                         .source_file = "infra/a b#?.tf",
                                         .source_line = 7,
                                         .source_end = 12};
    m.u[0].config = (struct pb_config_unit){.name = "shop--x> @octocat", .path = "infra"};
    m.u[0].engine = "terraform";
    m.u[0].recorded.lineage = "l";
    m.u[0].declared.declared = (struct pb_declared_set){.v = m.declared, .n = 1};
    m.u[0].out.v = m.r;
    m.u[0].out.n = PB_COUNT(m.r);
    for (size_t i = 0; i < PB_COUNT(m.r); i++)
        m.u[0].out.by_verdict[m.r[i].verdict]++;
    for (size_t i = 0; i < n; i += 3)
        m.u[0].out.also[PB_PENDING]++;
    for (size_t i = 0; i < n; i++)
        pb_diag_add(&m.u[0].diags, a, "notice", "odd", hostile[i], "%s", hostile[i]);
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
    if (pb_fs_read(&want, path, 4 << 20, &err) < 0)
        fail_msg("%s", err.msg);
    assert_string_equal(have->s, want.s);
}

/* Each format is a fixture, which others then open: a browser, a renderer, a schema. */
static void report_doc__hostile_values(void **state)
{
    static const struct {
        const char *format, *name;
    } rows[] = {{"markdown", "hostile.md"},
                {"html", "hostile.html"},
                {"sarif", "hostile.sarif"},
                {"junit", "hostile.xml"}};

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
        PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
        struct pb_audit audit = make(a);
        const struct pb_report_format *f = pb_report_format_find(rows[i].format);

        if (!f)
            continue;
        pb_report_audit(&b, f, &audit, &(struct pb_report_opts){.version = "1.2.3"});
        assert_null(strstr(b.s, SECRET));
        assert_true(pb_utf8_valid(b.s, b.len));
        for (const char *c = b.s; *c; c++)
            assert_true((unsigned char)*c >= ' ' || *c == '\n');
        assert_null(strstr(b.s, "\xe2\x80\xae"));
        assert_null(strstr(b.s, "\xe2\x81\xa6"));
        assert_null(strstr(b.s, "\xc2\x9b"));
        compare(rows[i].name, &b);
        release(&audit);
    }
}

static void report_doc__the_marker_is_the_first_line(void **state)
{
    static char *const one[] = {(char *)(uintptr_t) "prod", (char *)(uintptr_t) "a--b> c", NULL};
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT, scope = PB_BUF_INIT;
    struct pb_audit audit = make(a);
    struct pb_report_opts o = {.version = "1", .units = one};
    const char *want = "<!-- plumb:audit:prod,a-%2Db%3E%20c -->\n";

    (void)state;
    pb_report_audit(&b, pb_report_format_find("markdown"), &audit, &o);
    assert_memory_equal(b.s, want, strlen(want));
    pb_doc_scope(&scope, NULL);
    assert_string_equal(scope.s, "all");
    release(&audit);
}

/* Of so many findings that most do not fit: the most serious stay, whole, and the rest is told. */
static void report_doc__markdown_is_cut_between_findings(void **state)
{
    enum { N = 3000 };
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_resource_result *r = pb_arena_zalloc(a, N * sizeof(*r));
    struct pb_value was = str("net"), is = str("ops");
    struct pb_attr_result at = {.path = "x", .declared = &was, .recorded = &was, .live = &is};
    struct pb_unit_result u = {.config = {.name = "u", .path = "u"}, .engine = "terraform"};
    struct pb_audit audit = {.arena = a, .units = &u, .nunits = 1};
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    const char *s;
    size_t open = 0, closed = 0;

    (void)state;
    at.verdict = PB_DRIFTED;
    at.seen = true;
    for (size_t i = 0; i < N; i++)
        r[i] = (struct pb_resource_result){.address = pb_arena_printf(a, "example_a.x[%04zu]", i),
                                           .type = "example_a",
                                           .verdict = i % 100 == 99 ? PB_DRIFTED : PB_PENDING,
                                           .action = PB_ACT_UPDATE,
                                           .attrs = &at,
                                           .nattrs = 1};
    u.out.v = r;
    u.out.n = N;
    u.out.by_verdict[PB_DRIFTED] = N / 100;
    u.out.by_verdict[PB_PENDING] = N - N / 100;
    pb_audit_sum(&audit, NULL, NULL);
    pb_report_audit(&b, pb_report_format_find("markdown"), &audit,
                    &(struct pb_report_opts){.version = "1", .more = "https://ci.example/run/1"});
    assert_true(b.len < 65536);
    assert_true(b.len > 60000);
    for (size_t i = 99; i < N; i += 100)
        if (!strstr(b.s, r[i].address))
            fail_msg("%s was cut", r[i].address);
    for (s = b.s; (s = strstr(s, "<details")); s++)
        open++;
    for (s = b.s; (s = strstr(s, "</details>")); s++)
        closed++;
    assert_true(open == closed && open > 0);
    assert_non_null(strstr(b.s, " of 3000 findings did not fit here.</b> The whole report: <a "
                                "href=\"https://ci.example/run/1\">"));
    assert_non_null(strstr(b.s, " more, which did not fit</p>\n"));
}

static void report_doc__many_units_fit(void **state)
{
    enum { N = 600 };
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_unit_result *u = pb_arena_zalloc(a, N * sizeof(*u));
    struct pb_audit audit = {.arena = a, .units = u, .nunits = N};
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    (void)state;
    for (size_t i = 0; i < N; i++) {
        u[i].config.name = u[i].config.path = pb_arena_printf(a, "units/number-%zu", i);
        u[i].engine = "terraform";
        u[i].recorded.lineage = "l";
        u[i].failed = i % 2;
        if (u[i].failed)
            pb_fail(&u[i].err, PB_E_INPUT, "the state of unit %zu cannot be read: try again", i);
    }
    pb_audit_sum(&audit, NULL, NULL);
    pb_report_audit(&b, pb_report_format_find("markdown"), &audit,
                    &(struct pb_report_opts){.version = "1"});
    assert_true(b.len < 65536);
    assert_non_null(strstr(b.s, "300 other units: nothing differs"));
    assert_non_null(strstr(b.s, " more units, which did not fit"));
    assert_non_null(strstr(b.s, "plumb audit --format html --output report.html"));
}

/* Neither lines nor values move it; unit, kind and address do. */
static void report_doc__fingerprints_are_stable(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_audit audit = make(a);
    struct pb_report_opts o = {.version = "1"};
    struct pb_doc d;
    char first[PB_SHA256_HEX], other[PB_SHA256_HEX];
    size_t n = PB_COUNT(hostile);

    (void)state;
    for (int pass = 0; pass < 3; pass++) {
        pb_doc_of_audit(&d, &audit, &o);
        for (size_t i = 0; i < d.nitems; i++)
            if (strcmp(d.items[i].subject, "example_b.secret") == 0)
                memcpy(pass ? other : first, d.items[i].fingerprint, sizeof(first));
        pb_doc_release(&d);
        if (pass == 1)
            assert_string_equal(first, other);
        if (pass == 2)
            assert_string_not_equal(first, other);
        m.declared[0].source_line = 70;
        m.password.live = &m.was;
        m.r[n].verdict = pass ? PB_MISSING : PB_DRIFTED;
    }
    release(&audit);
}

static void report_doc__prose_leaves_words_alone(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"403 AccessDenied: it's somebody's", "403 AccessDenied: it&#39;s somebody&#39;s"},
        {"by @bob (see #12), !3", "by <code>@bob</code> (see <code>#12</code>), <code>!3</code>"},
        {"GH-12 deadbeef 1234567", "<code>GH-12</code> <code>deadbeef</code> <code>1234567</code>"},
        {"at http://x.y/ or www.x.y.", "at <code>http://x.y/</code> or <code>www.x.y</code>."},
        {"a  <b> `c`", "a  <code>&lt;b&gt;</code> <code>`c`</code>"},
        {"\xc3\xa4rger 'quoted word'", "\xc3\xa4rger &#39;quoted word&#39;"},
        {"", ""},
        {"(", "("},
        {"loses {\"a\":\"grow it by } hand\"}: it", "loses <code>{&quot;a&quot;:&quot;grow it by } "
                                                    "hand&quot;}</code>: it"},
        {"is [1, [2]], and [open words", "is <code>[1, [2]]</code>, and <code>[open</code> words"},
        {"[a](b) {}", "<code>[a]</code>(b) <code>{}</code>"},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

        pb_add_prose(&b, rows[i].in);
        assert_string_equal(b.s, rows[i].out);
    }
}

static void report_doc__links_and_paths(void **state)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    (void)state;
    pb_add_uri_path(&b, "a b/#?%\xc3\xa4.tf");
    assert_string_equal(b.s, "a%20b/%23%3F%25%C3%A4.tf");
    assert_true(pb_is_web_link("https://ci.example/run?id=1&x=2#top"));
    assert_false(pb_is_web_link("javascript:alert(1)"));
    assert_false(pb_is_web_link("https://x/\"onclick"));
    assert_false(pb_is_web_link("https://x/ y"));
    assert_false(pb_is_web_link(NULL));
}

/* What agrees at both ends is context; which side is the old one depends on what was changed. */
static void report_doc__long_values_are_diffs(void **state)
{
    static const char was[] = "\"one\\ntwo\\nthree\\nfour\\nfive\\n\"";
    static const char is[] = "\"one\\ntwo\\nthree\\n4\\nfive\\n\"";
    struct pb_row r = {.path = "text", .verdict = "drifted", .cell = {was, was, is}};
    struct pb_diff d;
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    (void)state;
    pb_diff_of(&d, &r, false, 0, 1000);
    assert_string_equal(d.sides[0].label, "declared, recorded");
    assert_string_equal(d.sides[1].label, "live");
    for (size_t i = 0; i < d.n; i++)
        pb_buf_addf(&b, "%c%.*s|", d.v[i].sign, (int)d.v[i].len, d.v[i].s);
    assert_string_equal(b.s, " ...| two\\n| three\\n|-four\\n|+4\\n| five\\n| \"|");
    pb_diff_release(&d);
    r = (struct pb_row){.path = "text", .verdict = "pending", .cell = {is, was, was}};
    pb_diff_of(&d, &r, false, 0, 1000);
    assert_string_equal(d.sides[0].label, "recorded, live");
    assert_string_equal(d.sides[1].label, "declared");
    assert_int_equal(d.v[3].sign, '-');
    assert_memory_equal(d.v[3].s, "four", 4);
    pb_diff_release(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_doc__hostile_values),
        cmocka_unit_test(report_doc__the_marker_is_the_first_line),
        cmocka_unit_test(report_doc__markdown_is_cut_between_findings),
        cmocka_unit_test(report_doc__many_units_fit),
        cmocka_unit_test(report_doc__fingerprints_are_stable),
        cmocka_unit_test(report_doc__prose_leaves_words_alone),
        cmocka_unit_test(report_doc__links_and_paths),
        cmocka_unit_test(report_doc__long_values_are_diffs),
    };
    return cmocka_run_group_tests_name("report_doc", tests, NULL, NULL);
}
