#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "report/pen.h"
#include "report/report.h"
#include "run/live.h"
#include "tests/support/values.h"

#define POLICY_A "{\"Version\":\"1\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"read\"]}]}"
#define POLICY_B \
    "{\"Version\":\"1\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"read\",\"write\"]}]}"
#define SECRET "hunter2"

static struct pb_value str(const char *s)
{
    return (struct pb_value){.kind = PB_STRING, .n = (uint32_t)strlen(s), .s = s};
}

/* What the made-up audit is made of. */
static struct made {
    struct pb_value net, ops, pa, pb, secret, other, text, evil, unseen;
    struct pb_attr_result tags[1], policy[1], password[2], longs[2], dark[1], hid[2];
    struct pb_resource_result r[11];
    struct pb_unit_result u[2];
} m;

static struct pb_attr_result attr(const char *path, enum pb_verdict v, const struct pb_value *d,
                                  const struct pb_value *r, const struct pb_value *l)
{
    return (struct pb_attr_result){
        .path = path, .verdict = v, .declared = d, .recorded = r, .live = l, .seen = true};
}

static void make_attributes(struct pb_arena *a)
{
    char *big = pb_arena_zalloc(a, 400);

    memset(big, 'x', 399);
    m.net = str("net"), m.ops = str("ops"), m.pa = str(POLICY_A), m.pb = str(POLICY_B);
    m.secret = str(SECRET), m.other = str(SECRET "2"), m.text = str(big);
    m.evil = str("\033[2Jgone\xe2\x80\xae");
    m.secret.flags = m.other.flags = PB_V_SENSITIVE;
    m.unseen = pb_mk_unknown(a, "403 AccessDenied");
    m.tags[0] = attr("tags.team", PB_DRIFTED, &m.net, &m.net, &m.ops);
    m.policy[0] = attr("policy", PB_DRIFTED, &m.pa, &m.pa, &m.pb);
    m.password[0] = attr("password", PB_DRIFTED, &m.secret, &m.secret, &m.other);
    m.password[0].sensitive = true;
    m.password[1] = attr("note", PB_COMPUTED, NULL, &m.net, &m.ops);
    m.longs[0] = attr("text", PB_CONFLICT, &m.text, &m.net, &m.evil);
    m.longs[1] = attr("size", PB_DRIFTED, &m.net, &m.net, &m.ops);
    m.longs[1].ignored = true;
    m.longs[1].reason = "scaled elsewhere";
    m.dark[0] = attr("policy", PB_UNKNOWN_V, &m.pa, &m.pa, &m.unseen);
    m.dark[0].reason = "403 AccessDenied";
    m.hid[0] = attr("tags.team", PB_LAUNDERED, &m.net, &m.ops, &m.ops);
    m.hid[0].baseline = &m.net;
    m.hid[1] = attr("tags.extra", PB_LAUNDERED, &pb_null, &m.ops, &m.ops);
    m.hid[0].has_baseline = m.hid[1].has_baseline = true;
}

static struct pb_resource_result res(const char *address, const char *id, enum pb_verdict v,
                                     enum pb_action action, const char *reason,
                                     const struct pb_attr_result *attrs, size_t n)
{
    static const char *const types[] = {"example_a", "example_b", "example_c", "example_d",
                                        "example_e", "example_f", "example_g", "example_h",
                                        "example_i", "example_j", "example_k"};

    return (struct pb_resource_result){.address = address,
                                       .type = types[address[8] - 'a'],
                                       .id = id,
                                       .verdict = v,
                                       .action = action,
                                       .observer = v == PB_UNOBSERVED || !id ? NULL : "rest",
                                       .reason = reason,
                                       .attrs = attrs,
                                       .nattrs = n};
}

static void make_resources(void)
{
    m.r[0] = res("example_a.drifted", "a-1", PB_DRIFTED, PB_ACT_NONE, NULL, m.tags, 1);
    m.r[1] = res("example_b.policy", "b-1", PB_DRIFTED, PB_ACT_NONE, NULL, m.policy, 1);
    m.r[2] = res("example_c.secret", "c-1", PB_DRIFTED, PB_ACT_NONE, NULL, m.password, 2);
    m.r[3] = res("example_d.long", "d-1", PB_CONFLICT, PB_ACT_UPDATE, NULL, m.longs, 2);
    m.r[4] = res("example_e.gone", "e-1", PB_MISSING, PB_ACT_NONE, "404 NotFound", NULL, 0);
    m.r[5] = res("example_f.new", NULL, PB_PENDING, PB_ACT_CREATE, NULL, NULL, 0);
    m.r[6] = res("example_g.unseen[\"x\"]", "g-1", PB_UNOBSERVED, PB_ACT_NONE,
                 "no pack for type 'example_g'", NULL, 0);
    m.r[7] = res("example_h.partly", "h-1", PB_UNKNOWN_V, PB_ACT_UPDATE, NULL, m.dark, 1);
    m.r[7].also = PB_PENDING;
    m.r[8] = res("example_i.fine", "i-1", PB_IN_SYNC, PB_ACT_NONE, NULL, NULL, 0);
    m.r[9] = res("example_j.hidden", "j-1", PB_LAUNDERED, PB_ACT_UPDATE, NULL, m.hid, 2);
    m.r[10] = res("example_k.stray", "k-1", PB_UNMANAGED, PB_ACT_NONE, NULL, NULL, 0);
}

static struct pb_audit synthetic(struct pb_arena *a)
{
    struct pb_audit audit = {.arena = a, .nunits = 2, .units = m.u, .elapsed_ms = 1234};
    struct pb_unit_result *u = m.u;

    memset(&m, 0, sizeof(m));
    make_attributes(a);
    make_resources();
    u[0].config = (struct pb_config_unit){.name = "prod", .path = "infra/prod"};
    u[0].engine = u[1].engine = "terraform";
    u[0].recorded = (struct pb_recorded_set){.lineage = "1f0c", .serial = 12};
    memset(u[0].recorded.sha256, 'a', 64);
    u[0].out.v = m.r;
    u[0].out.n = PB_COUNT(m.r);
    u[0].out.echoes = 12;
    for (size_t i = 0; i < PB_COUNT(m.r); i++)
        u[0].out.by_verdict[m.r[i].verdict]++;
    u[0].out.also[PB_PENDING]++;
    u[0].out.coverage = (struct pb_coverage){9, 11, 30, 34};
    u[0].out.ignored = (struct pb_ignored){.n = 1, .reasons = {"scaled elsewhere"}, .nreasons = 1};
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

    pb_report_audit(&b, pb_report_format_find(format), &audit, &o);
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

static void report__documents(void **state)
{
    (void)state;
    golden("markdown", false, 0, "report.md");
    golden("markdown", true, 0, "report-all.md");
    golden("html", false, 0, "report.html");
    golden("sarif", false, 0, "report.sarif");
    golden("junit", false, 0, "report.xml");
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
    assert_int_equal(pb_report_format_need(&f, "pdf", &err), -1);
    assert_string_equal(err.msg, "no format 'pdf'; there is: text, json, markdown, html, sarif, "
                                 "junit");
}

static void report__headline_counts_in_english(void **state)
{
    static const struct {
        size_t n, drifted, pending, unchecked, ignored;
        const char *want;
    } rows[] = {
        {0, 0, 0, 0, 0, "plumb: there are no resources, neither in Git nor in the state\n"},
        {1, 0, 0, 0, 0, "plumb: the one resource is what Git says\n"},
        {3, 0, 0, 0, 0, "plumb: all 3 resources are what Git says\n"},
        {3, 0, 0, 0, 1, "plumb: all 2 resources are what Git says; 1 ignored\n"},
        {3, 0, 0, 1, 0, "plumb: 2 of 3 resources are what Git says; nobody can check the rest\n"},
        {1, 0, 0, 0, 1, "plumb: nothing was compared; 1 ignored\n"},
        {1, 1, 0, 0, 0, "not plumb: 1 of 1 resource differs from Git: 1 drifted\n"},
        {9, 1, 1, 0, 0, "not plumb: 2 of 9 resources differ from Git: 1 drifted, 1 pending\n"},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
        struct pb_unit_result u = {.out = {.n = 0}};
        struct pb_audit audit = {.units = &u, .nunits = 1, .resources = rows[i].n};

        u.config.name = u.config.path = "u";
        audit.by_verdict[PB_DRIFTED] = rows[i].drifted;
        audit.by_verdict[PB_PENDING] = rows[i].pending;
        audit.by_verdict[PB_UNCHECKED] = rows[i].unchecked;
        audit.by_verdict[PB_IN_SYNC] =
            rows[i].n - rows[i].drifted - rows[i].pending - rows[i].unchecked - rows[i].ignored;
        pb_report_text(&b, &audit, &(struct pb_report_opts){.version = "1"});
        if (strncmp(b.s, rows[i].want, strlen(rows[i].want)) != 0)
            fail_msg("got %s want %s", b.s, rows[i].want);
    }
}

/* An element of a set that came: what it says, without the nulls that providers fill in, and
 * not cut off. What agrees is told in a line each, and what nobody maps in one. */
static void report__explain_is_short(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    const struct pb_value *element, *name, *none;
    struct pb_attr_result attrs[4];
    struct pb_resource_result r;
    struct pb_unit_result u = {.config = {.name = "u"}};

    (void)state;
    element = json_marked(a, "{'cidr':['0.0.0.0/0'],'from':22,'to':22,'self':false,'list':[],"
                             "'text':'','who':null,'why':'a text that takes its place'}");
    name = json_marked(a, "'web'");
    none = json_marked(a, "[]");
    attrs[0] = attr("name", PB_IN_SYNC, name, name, name);
    attrs[1] = attr("rule[3]", PB_DRIFTED, &pb_null, NULL, element);
    attrs[2] = attr("size", PB_UNCHECKED, name, name, NULL);
    attrs[2].reason = "no observer maps it";
    attrs[3] = attr("empty", PB_IN_SYNC, none, none, none);
    r = res("example_a.one", "a", PB_DRIFTED, PB_ACT_NONE, NULL, attrs, PB_COUNT(attrs));
    pb_report_resource(&b, &u, &r, &(struct pb_report_opts){.width = 70});
    assert_string_equal(b.s,
                        "unit u\n"
                        "\n    example_a.one  drifted\n"
                        "      changed outside of Git; an apply would: revert an outside change\n"
                        "      id a, observed by rest\n"
                        "      rule[3]  drifted\n"
                        "        declared, recorded  -\n"
                        "        live                {\"cidr\":[\"0.0.0.0/0\"],\"from\":22,\n"
                        "                            \"self\":false,\"to\":22,\n"
                        "                            \"why\":\"a text that takes its place\"}\n"
                        "      in sync:\n"
                        "        name  \"web\"\n"
                        "      not compared (no observer maps it): size\n");
}

/* In sync for the exit code, and still worth a look: in the headline, and with its value. */
static void report__what_nobody_owns_is_shown(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_attr_result attrs[] = {
        attr("rules[0]", PB_COMPUTED, NULL, NULL, json_marked(a, "'0.0.0.0/0'")),
        attr("serial", PB_COMPUTED, NULL, NULL, json_marked(a, "7"))};
    struct pb_resource_result r[] = {
        res("example_a.open", "a", PB_COMPUTED, PB_ACT_NONE, NULL, attrs, 1),
        res("example_a.quiet", "a", PB_COMPUTED, PB_ACT_NONE, NULL, attrs + 1, 1)};
    struct pb_unit_result u = {.config = {.name = "u", .path = "u"},
                               .engine = "terraform",
                               .out = {.v = r, .n = 2, .nobodys = 1}};
    struct pb_audit audit = {.arena = a, .units = &u, .nunits = 1};
    const struct pb_report_opts opts = {.version = "1"};
    static const struct {
        const char *name, *part;
    } formats[] = {{"markdown", "<b>1 unowned</b>"},
                   {"html", "1 unowned"},
                   {"sarif", "\"ruleId\":\"audit/unowned\""}};

    (void)state;
    attrs[0].nobodys = r[0].nobodys = true;
    u.out.by_verdict[PB_COMPUTED] = 2;
    assert_int_equal(pb_audit_sum(&audit, NULL, NULL), 0);
    assert_int_equal(audit.exit_code, PB_EXIT_PLUMB);
    pb_report_text(&b, &audit, &(struct pb_report_opts){.version = "1"});
    assert_non_null(strstr(b.s, "all 2 resources are what Git says, but 1 has what no resource"));
    assert_non_null(strstr(b.s, "example_a.open  computed"));
    assert_non_null(strstr(b.s, "0.0.0.0/0"));
    assert_null(strstr(b.s, "example_a.quiet"));
    assert_non_null(strstr(b.s, "not shown: 1 computed;"));
    for (size_t i = 0; i < PB_COUNT(formats); i++) {
        pb_buf_clear(&b);
        pb_report_audit(&b, pb_report_format_find(formats[i].name), &audit, &opts);
        if (!strstr(b.s, "0.0.0.0/0") || !strstr(b.s, formats[i].part))
            fail_msg("%s: %s", formats[i].name, b.s);
    }
    /* Whatever else there is. */
    r[1].verdict = PB_DRIFTED;
    u.out.by_verdict[PB_COMPUTED] = u.out.by_verdict[PB_DRIFTED] = 1;
    assert_int_equal(pb_audit_sum(&audit, NULL, NULL), 0);
    pb_buf_clear(&b);
    pb_report_text(&b, &audit, &opts);
    assert_non_null(strstr(b.s, "not plumb: 1 of 2 resources differs from Git: 1 drifted; 1 has "
                                "what no resource here owns"));
}

/* One that fills its column stands apart from its value nevertheless. */
static void report__a_long_name_is_apart_from_its_value(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    const struct pb_value *v = json_marked(a, "'aws:kms'");
    struct pb_attr_result attrs[] = {
        attr("rule[0].apply_by_default[0].algorithm", PB_IN_SYNC, v, v, v),
        attr("rule[0].a_name_as_wide_as_that", PB_IN_SYNC, v, v, v),
        attr("name", PB_IN_SYNC, v, v, v),
    };
    struct pb_resource_result r =
        res("example_a.one", "a", PB_IN_SYNC, PB_ACT_NONE, NULL, attrs, PB_COUNT(attrs));
    struct pb_unit_result u = {.config = {.name = "u"}};

    (void)state;
    pb_report_resource(&b, &u, &r, &(struct pb_report_opts){.width = 60});
    assert_non_null(strstr(b.s, "        rule[0].apply_by_default[0].algorithm  \"aws:kms\"\n"
                                "        rule[0].a_name_as_wide_as_that  \"aws:kms\"\n"
                                "        name                            \"aws:kms\"\n"));
}

/* A policy whose statements come in another order, one of them changed and one gone. */
static void report__policies_by_statement(void **state)
{
    static const char was[] =
        "{\"Version\":\"1\",\"Statement\":[{\"Sid\":\"Read\",\"Effect\":\"Allow\",\"Action\":"
        "[\"a\",\"b\"]},{\"Sid\":\"Tls\",\"Effect\":\"Deny\",\"Action\":\"*\"},"
        "{\"Effect\":\"Allow\",\"Action\":\"c\"}]}";
    static const char is[] =
        "{\"Statement\":[{\"Action\":[\"c\"],\"Effect\":\"Allow\"},"
        "{\"Sid\":\"Read\",\"Effect\":\"Allow\",\"Action\":[\"b\",\"a\",\"z\"]}],"
        "\"Version\":\"1\"}";
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_value old = str(was), new = str(is);
    struct pb_attr_result at = attr("policy", PB_DRIFTED, &old, &old, &new);
    struct pb_resource_result r = res("example_a.one", NULL, PB_DRIFTED, PB_ACT_NONE, NULL, &at, 1);
    struct pb_unit_result u = {.config = {.name = "u"}};

    (void)state;
    pb_report_resource(&b, &u, &r, &(struct pb_report_opts){.width = 70});
    assert_non_null(strstr(b.s,
                           "      policy: Statement.Tls  drifted\n"
                           "        declared, recorded  {\"Action\":[\"*\"],\"Effect\":\"Deny\",\n"
                           "                            \"Sid\":\"Tls\"}\n"
                           "        live                -\n"
                           "      policy: Statement.Read.Action  drifted\n"
                           "        declared, recorded  [\"a\",\"b\"]\n"
                           "        live                [\"a\",\"b\",\"z\"]\n"));
    assert_null(strstr(b.s, "\"c\""));
}

static void report_unobserved(struct pb_buf *b, struct pb_resource_result *r, size_t n)
{
    struct pb_unit_result u = {.config = {.name = "u", .path = "u"}};
    struct pb_audit audit = {.units = &u, .nunits = 1};

    u.out.v = r;
    u.out.n = u.out.by_verdict[PB_UNOBSERVED] = n;
    pb_audit_sum(&audit, NULL, NULL);
    pb_report_text(b, &audit, &(struct pb_report_opts){.version = "1"});
}

/* What ails many is told once, and so is what their provider says of it. */
static void report__darkness_by_cause(void **state)
{
    static const char *const reasons[] = {
        "no reply from a List: no credentials" PB_LIVE_NOR "'x' has none either: no credentials",
        "no reply from b Get: no credentials" PB_LIVE_NOR "'x' has none either: no credentials",
        "no pack for type 'c'" PB_LIVE_NOR "'x' has none either: no credentials",
        "no pack for type 'd'",
        "no reply from e: 403: denied",
    };
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_resource_result r[PB_COUNT(reasons)];

    (void)state;
    for (size_t i = 0; i < PB_COUNT(r); i++)
        r[i] = res("example_a.x", "i", PB_UNOBSERVED, PB_ACT_NONE, reasons[i], NULL, 0);
    report_unobserved(&b, r, PB_COUNT(r));
    assert_non_null(strstr(b.s, "    could not be observed\n"
                                "      2: no reply: no credentials\n"
                                "        example_a.x\n"
                                "        example_a.x\n"
                                "      2: no pack for its type\n"
                                "        example_a.x\n"
                                "        example_a.x\n"
                                "      1: no reply: 403: denied\n"
                                "        example_a.x\n"
                                "        -> the credentials may not read it: 'plumb doctor' shows "
                                "which are used\n"
                                "      nor otherwise: 'x' has none either: no "
                                "credentials\n"
                                "        -> 'plumb doctor' shows which credentials are used\n"));
}

/* A request's number and the object's own name are no part of the cause: fifty refusals of the
 * same permission once were fifty groups. */
static void report__darkness_that_is_alike(void **state)
{
    static const struct {
        const char *id, *reason;
    } rows[] = {
        {"logs-a", "403 AccessDenied from s3 GetBucketPolicy: no s3:GetBucketPolicy on "
                   "arn:aws:s3:::logs-a (RequestId: 4442587FB7D0A2F9, HostId: a/b+c=)" PB_LIVE_NOR
                   "reading Bucket (logs-a): RequestID: 7b4c34b0-1111-2222-3333-444455556666, no"},
        {"logs-b", "403 AccessDenied from s3 GetBucketPolicy: no s3:GetBucketPolicy on "
                   "arn:aws:s3:::logs-b (RequestId: 111122223333AAAA, HostId: d)" PB_LIVE_NOR
                   "reading Bucket (logs-b): RequestID: 8b4c34b0-1111-2222-3333-444455556666, no"},
        {"x", "502 after 3 tries (request id 12)"},
        {"s3", "403 Denied from s3 Get"},
        {"ids", "a7b4c34b0-1111-2222-3333-444455556666 is no request's number, nor is grapeid: 4"},
    };
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_resource_result r[PB_COUNT(rows)];

    (void)state;
    for (size_t i = 0; i < PB_COUNT(r); i++)
        r[i] = res("example_a.x", rows[i].id, PB_UNOBSERVED, PB_ACT_NONE, rows[i].reason, NULL, 0);
    report_unobserved(&b, r, PB_COUNT(r));
    assert_non_null(strstr(b.s, "      2: 403 AccessDenied from s3 GetBucketPolicy: no "
                                "s3:GetBucketPolicy on arn:aws:s3:::...\n"
                                "      (RequestId: ..., HostId: ...)\n"));
    assert_non_null(strstr(b.s, "      nor otherwise: reading Bucket (...): RequestID: ..., no\n"));
    /* What is alone is told as it was said. */
    assert_non_null(strstr(b.s, "      1: 502 after 3 tries (request id 12)\n"));
    assert_non_null(strstr(b.s, "      1: 403 Denied from s3 Get\n"));
    assert_non_null(strstr(b.s, "      1: a7b4c34b0-1111-2222-3333-444455556666 is no request's "
                                "number, nor is grapeid: 4\n"));
}

/* Units that are as they should be share a line where they are many. */
static void report__no_line_is_a_command_for_a_ci_system(void **state)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_report_opts o = {0};
    struct pb_pen p;

    (void)state;
    pb_buf_adds(&b, "::not ours\n");
    p = pb_pen_of(&b, &o);
    pb_buf_adds(&b, "  ::stop-commands::x\na ::b\n##vso[task.x]y ##[group]z # a\n::");
    pb_pen_release(&p);
    assert_string_equal(b.s, "::not ours\n  \\::stop-commands::x\na ::b\n#\\#vso[task.x]y "
                             "#\\#[group]z # a\n\\::");
}

static void report__quiet_units_share_a_line(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g",
                                        "h", "i", "j", "k", "l", "m"};
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_unit_result u[PB_COUNT(names)] = {0};
    struct pb_audit audit = {.units = u, .nunits = PB_COUNT(names)};

    (void)state;
    for (size_t i = 0; i < PB_COUNT(names); i++) {
        u[i].config.name = u[i].config.path = names[i];
        u[i].recorded.lineage = "l";
    }
    u[12].failed = true;
    pb_fail(&u[12].err, PB_E_INPUT, "it is broken");
    pb_audit_sum(&audit, NULL, NULL);
    pb_report_text(&b, &audit, &(struct pb_report_opts){.version = "1"});
    assert_non_null(strstr(b.s, "\nm  commit "));
    assert_non_null(
        strstr(b.s, "\nin sync: 12 units: a, b, c, d, e, f, g, h, i, j and 2 more (--all)\n"));
    assert_null(strstr(b.s, "\na  commit "));
    pb_buf_clear(&b);
    audit.nunits = 3;
    pb_report_text(&b, &audit, &(struct pb_report_opts){.version = "1"});
    assert_non_null(strstr(b.s, "\na  commit "));
}

/* failed > difference > unknown > fine; and what --fail-on does to it. */
static void report__exit_codes(void **state)
{
    static const struct {
        enum pb_verdict v;
        const char *fail_on;
        enum pb_exit code;
        enum pb_verdict also;
    } rows[] = {
        {PB_IN_SYNC, NULL, PB_EXIT_PLUMB, PB_IN_SYNC},
        {PB_COMPUTED, NULL, PB_EXIT_PLUMB, PB_IN_SYNC},
        {PB_UNCHECKED, NULL, PB_EXIT_PLUMB, PB_IN_SYNC},
        {PB_PENDING, NULL, PB_EXIT_DRIFT, PB_IN_SYNC},
        {PB_STALE_RECORD, NULL, PB_EXIT_DRIFT, PB_IN_SYNC},
        {PB_LAUNDERED, NULL, PB_EXIT_DRIFT, PB_IN_SYNC},
        {PB_UNOBSERVED, NULL, PB_EXIT_INCONCLUSIVE, PB_IN_SYNC},
        {PB_UNKNOWN_V, NULL, PB_EXIT_INCONCLUSIVE, PB_IN_SYNC},
        {PB_PENDING, "drifted,missing", PB_EXIT_PLUMB, PB_IN_SYNC},
        {PB_MISSING, "drifted,missing", PB_EXIT_DRIFT, PB_IN_SYNC},
        {PB_COMPUTED, "computed", PB_EXIT_DRIFT, PB_IN_SYNC},
        {PB_UNOBSERVED, "drifted", PB_EXIT_INCONCLUSIVE, PB_IN_SYNC},
        {PB_UNOBSERVED, "unobserved", PB_EXIT_DRIFT, PB_IN_SYNC},
        {PB_UNOBSERVED, NULL, PB_EXIT_DRIFT, PB_PENDING},
        {PB_UNOBSERVED, "pending", PB_EXIT_DRIFT, PB_PENDING},
        {PB_UNOBSERVED, "drifted", PB_EXIT_INCONCLUSIVE, PB_PENDING},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_unit_result u = {.out = {.n = 1}};
        struct pb_audit audit = {.units = &u, .nunits = 1};
        char *words[] = {(char *)(uintptr_t)rows[i].fail_on, NULL};

        u.out.by_verdict[rows[i].v] = 1;
        u.out.also[rows[i].also] = 1;
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
        cmocka_unit_test(report__documents),
        cmocka_unit_test(report__colour_is_only_colour),
        cmocka_unit_test(report__unknown_format_names_those_there_are),
        cmocka_unit_test(report__headline_counts_in_english),
        cmocka_unit_test(report__explain_is_short),
        cmocka_unit_test(report__what_nobody_owns_is_shown),
        cmocka_unit_test(report__a_long_name_is_apart_from_its_value),
        cmocka_unit_test(report__policies_by_statement),
        cmocka_unit_test(report__darkness_by_cause),
        cmocka_unit_test(report__darkness_that_is_alike),
        cmocka_unit_test(report__no_line_is_a_command_for_a_ci_system),
        cmocka_unit_test(report__quiet_units_share_a_line),
        cmocka_unit_test(report__exit_codes),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
