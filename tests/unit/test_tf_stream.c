/* The stream of an apply, recorded from a real one; and secrets in what a tool says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "backends/terraform/events.h"
#include "backends/terraform/lock.h"
#include "backends/terraform/redact.h"
#include "backends/terraform/stream.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"

static void on_event(void *ctx, const struct pb_apply_event *e)
{
    static const char *const steps[] = {"started", "running", "done", "failed"};

    pb_buf_addf(ctx, "%s %s %s %s %ld\n", steps[e->step], e->address, pb_action_name(e->action),
                e->id ? e->id : "-", e->elapsed_ms);
}

static void load(struct pb_buf *text, const char *name)
{
    PB_AUTO(str) char *path = pb_asprintf("fixtures/streams/%s.jsonl", name);

    assert_int_equal(pb_fs_read(text, path, 1 << 20, NULL), 0);
}

/* Fed in pieces of that size. */
static struct pb_tf_stream_seen feed(struct pb_buf *out, const char *p, size_t n, size_t piece)
{
    struct pb_tf_stream s = {.event = on_event, .ctx = out};

    pb_buf_clear(out);
    for (size_t i = 0; i < n; i += piece)
        pb_tf_stream_feed(&s, p + i, n - i < piece ? n - i : piece);
    pb_tf_stream_release(&s);
    return s.seen;
}

static void tf_stream__recorded(void **state)
{
    static const struct {
        const char *name, *events;
        bool summary, failed, dump;
        size_t added, removed;
    } cases[] = {
        {"created",
         "started sim_network.n create - 0\nstarted sim_network.s create - 0\n"
         "done sim_network.n create net-000001 0\nrunning sim_network.s create - 10000\n"
         "done sim_network.s create net-000002 11000\n",
         true, false, false, 2, 0},
        {"replaced",
         "started sim_network.n delete net-000001 0\ndone sim_network.n delete - 0\n"
         "started sim_network.n create - 0\ndone sim_network.n create net-000003 0\n",
         true, false, false, 1, 1},
        {"rescued", "started sim_network.n create - 0\ndone sim_network.n create net-000001 0\n",
         false, true, false, 0, 0},
        {"dumped", "started sim_network.n create - 0\ndone sim_network.n create net-000001 0\n",
         false, true, true, 0, 0},
    };
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT, events = PB_BUF_INIT;

    (void)state;
    for (size_t i = 0; i < PB_COUNT(cases); i++) {
        static const size_t pieces[] = {1, 7, 1 << 20};
        load(&text, cases[i].name);
        for (size_t k = 0; k < PB_COUNT(pieces); k++) {
            struct pb_tf_stream_seen s = feed(&events, text.s, text.len, pieces[k]);
            assert_true(s.started);
            assert_int_equal(s.summary, cases[i].summary);
            assert_int_equal(s.failed, cases[i].failed);
            assert_int_equal(s.state_dump, cases[i].dump);
            assert_int_equal(s.added, cases[i].added);
            assert_int_equal(s.removed, cases[i].removed);
            assert_int_equal(s.passed_over, 0);
            assert_string_equal(events.s, cases[i].events);
        }
    }
}

static void tf_stream__failures(void **state)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT, events = PB_BUF_INIT;
    struct pb_tf_stream_seen s;

    (void)state;
    load(&text, "failed");
    s = feed(&events, text.s, text.len, 100);
    assert_true(s.failed && !s.summary);
    assert_non_null(strstr(events.s, "failed sim_network.m create"));
    assert_non_null(strstr(events.s, "failed sim_network.s create"));
    assert_non_null(strstr(events.s, "done sim_network.n create net-"));
    load(&text, "interrupted");
    s = feed(&events, text.s, text.len, 100);
    assert_true(s.failed && !s.summary);
    assert_non_null(strstr(events.s, "failed sim_network.s create"));
}

/* Cut anywhere, it tells what came before, and never that all was done. */
static void tf_stream__cut(void **state)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT, whole = PB_BUF_INIT, events = PB_BUF_INIT;
    size_t summary;

    (void)state;
    load(&text, "created");
    feed(&whole, text.s, text.len, text.len);
    summary = (size_t)(strstr(text.s, "\"type\":\"change_summary\"") - text.s);
    for (size_t n = 0; n < text.len; n++) {
        struct pb_tf_stream_seen s = feed(&events, text.s, n, n);
        assert_true(pb_starts_with(whole.s, events.s));
        assert_false(s.failed);
        assert_false(s.summary && n < summary);
        assert_int_equal(s.passed_over, 0);
    }
}

static void tf_stream__other_lines(void **state)
{
    static const char text[] =
        "\nnot json\n{\n{]\n{\"type\":5}\n{\"type\":\"apply_complete\"}\n[1]\n"
        "{\"type\":\"apply_complete\",\"hook\":{\"resource\":{\"addr\":7}}}\n"
        "{\"type\":\"apply_complete\",\"hook\":{\"resource\":{\"addr\":\"a.b\"},"
        "\"action\":\"transmogrify\",\"elapsed_seconds\":-4,\"id_value\":\"x\"}}\r\n"
        "{\"type\":\"brand_new\",\"hook\":{\"resource\":{\"addr\":\"a.b\"}}}\n"
        "{\"type\":\"change_summary\",\"changes\":{\"operation\":\"plan\",\"add\":3}}\n"
        "{\"type\":\"change_summary\",\"changes\":{\"operation\":\"apply\",\"add\":-3}}\n";
    PB_AUTO(buf) struct pb_buf events = PB_BUF_INIT;
    struct pb_tf_stream_seen s = feed(&events, text, sizeof(text) - 1, 5);

    (void)state;
    assert_string_equal(events.s, "done a.b unknown x 0\n");
    assert_true(s.summary && !s.failed && s.added == 0);
    assert_int_equal(s.passed_over, 4);
}

static void tf_stream__enormous_line(void **state)
{
    static const char after[] = "\n{\"type\":\"apply_complete\",\"hook\":{\"resource\":{\"addr\":"
                                "\"a.b\"},\"action\":\"create\"}}\n";
    PB_AUTO(buf) struct pb_buf events = PB_BUF_INIT;
    struct pb_tf_stream s = {.event = on_event, .ctx = &events};
    PB_AUTO(str) char *many = pb_malloc(1 << 20);

    (void)state;
    memset(many, '{', 1 << 20);
    for (int i = 0; i < 40; i++) {
        pb_tf_stream_feed(&s, many, 1 << 20);
        assert_true(s.part.cap <= 2 * (size_t)PB_TF_LINE_MAX + 64);
    }
    pb_tf_stream_feed(&s, after, sizeof(after) - 1);
    pb_tf_stream_release(&s);
    assert_string_equal(events.s, "done a.b create - 0\n");
    assert_true(s.seen.state_dump);
}

static void tf_stream__state_in_it(void **state)
{
    static const char people[] =
        "Error: nothing worked\n{\n  \"version\": 4,\n  \"terraform_version\": \"1.0.0\",\n"
        "  \"serial\": 7,\n  \"lineage\": \"l}{\",\n  \"outputs\": {},\n  \"resources\": "
        "[]\n}\nmore\n";
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    const char *at;
    size_t n;

    (void)state;
    load(&text, "dumped");
    assert_true(pb_tf_stream_find_state(&at, &n, text.s, text.len));
    assert_true(pb_starts_with(at, "{\"version\":4,"));
    assert_true(at[n - 1] == '}' && at[n] == ',');
    for (const char *p = text.s; p < at + n; p++) /* cut anywhere it is no state */
        assert_false(pb_tf_stream_find_state(&(const char *){NULL}, &(size_t){0}, text.s,
                                             (size_t)(p - text.s)));
    assert_true(pb_tf_stream_find_state(&at, &n, people, sizeof(people) - 1));
    assert_true(*at == '{' && strncmp(at + n, "\nmore", 5) == 0);
    load(&text, "rescued");
    assert_false(pb_tf_stream_find_state(&at, &n, text.s, text.len));
}

/* ---- secrets --------------------------------------------------------------------------------- */

static void tf_redact__forms(void **state)
{
    static const char *const said[] = {
        "a p\"ss<w>ord+/?~ b",
        "as JSON p\\\"ss<w>ord+/?~",
        "in base64 cCJzczx3Pm9yZCsvP34=",
        "p%22ss%3Cw%3Eord%2B%2F%3F~",
        "70227373 702273733c773e6f72642b2f3f7e",
        "702273733C773E6F72642B2F3F7E",
        "key: -----BEGIN KEY----- MIIBabcdefgh1234 -----END KEY-----",
        "only MIIBabcdefgh1234 of it",
    };
    struct pb_strv secrets = PB_STRV_INIT;
    struct pb_tf_redactor *r;

    (void)state;
    pb_strv_add(&secrets, "p\"ss");
    pb_strv_add(&secrets, "p\"ss<w>ord+/?~");
    pb_strv_add(&secrets, "abc");
    pb_strv_add(&secrets, "-----BEGIN KEY-----\nMIIBabcdefgh1234\n-----END KEY-----");
    r = pb_tf_redactor_new(&secrets);
    for (size_t i = 0; i < PB_COUNT(said); i++) {
        PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
        pb_buf_adds(&b, said[i]);
        pb_tf_redact(r, &b);
        assert_non_null(strstr(b.s, "(sensitive)"));
        assert_null(strstr(b.s, "ord"));
        assert_null(strstr(b.s, "MIIB"));
        assert_null(strstr(b.s, "6f7264"));
        assert_null(strstr(b.s, "9yZC"));
    }
    pb_tf_redactor_free(r);
    pb_strv_release(&secrets);
}

/* What is cut for its length is cut after its secrets are gone. */
static void tf_redact__before_it_is_cut(void **state)
{
    PB_AUTO(str) char *dir = NULL;
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT, out = PB_BUF_INIT;
    struct pb_strv secrets = PB_STRV_INIT;

    (void)state;
    assert_int_equal(pb_work_new(&dir, NULL), 0);
    PB_AUTO(str) char *path = pb_fs_join(dir, "stream");
    pb_buf_adds(&text, "{\"diagnostic\":{\"severity\":\"error\",\"summary\":\"s\",\"detail\":\"");
    for (int i = 0; i < 390; i++)
        pb_buf_addc(&text, 'x');
    pb_buf_adds(&text, "open-sesame-seventy-seven\"}}\n");
    assert_int_equal(pb_fs_write_atomic(path, text.s, text.len, 0600, NULL), 0);
    pb_strv_add(&secrets, "open-sesame-seventy-seven");
    pb_tf_errors(&out, path, NULL, &secrets);
    assert_null(strstr(out.s, "open"));
    pb_strv_release(&secrets);
    pb_work_remove(dir);
}

/* As Terraform 1.11 words it when a provider was killed, and what providers say themselves. */
static void stream__a_call_without_an_answer(void **state)
{
    static const struct {
        const char *severity, *detail;
        bool unanswered;
    } rows[] = {
        {"error",
         "The plugin encountered an error, and failed to respond to the "
         "plugin6.(*GRPCProvider).ApplyResourceChange call. The plugin logs may contain more "
         "details.",
         true},
        {"error", "The plugin.(*GRPCProvider).ApplyResourceChange request was cancelled.", true},
        {"error", "failed to respond to the plugin.(*GRPCProvider).ReadResource call.", false},
        {"error", "Cannot make the network: status 500", false},
        {"warning", "plugin.(*GRPCProvider).ApplyResourceChange is slow", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pb_tf_stream s = {0};
        PB_AUTO(str)
        char *line = pb_asprintf("{\"type\":\"diagnostic\",\"diagnostic\":{"
                                 "\"severity\":\"%s\",\"summary\":\"s\","
                                 "\"detail\":\"%s\"}}\n",
                                 rows[i].severity, rows[i].detail);

        pb_tf_stream_feed(&s, line, strlen(line));
        assert_int_equal(s.seen.unanswered, rows[i].unanswered);
        pb_tf_stream_release(&s);
    }
}

/* A long detail ends behind a sentence, or a word, or where it must, but never within a letter. */
static void tf_errors__where_they_are_cut(void **state)
{
    static const struct {
        const char *part;
        int times;
        const char *end;
    } rows[] = {
        {"It went so wrong. That it did, ", 30, "went so wrong. ..."},
        {"It went so wrong, ", 60, "It ..."},
        {"\xc3\xa4", 300, "\xc3\xa4 ..."},
        {"All of it. ", 20, "All of it. "},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT, out = PB_BUF_INIT;
        PB_AUTO(str) char *dir = NULL, *path = NULL;
        struct pb_strv secrets = PB_STRV_INIT;

        assert_int_equal(pb_work_new(&dir, NULL), 0);
        path = pb_fs_join(dir, "stream");
        pb_buf_adds(&text,
                    "{\"diagnostic\":{\"severity\":\"error\",\"summary\":\"s\",\"detail\":\"x");
        for (int k = 0; k < rows[i].times; k++)
            pb_buf_adds(&text, rows[i].part);
        pb_buf_adds(&text, "\"}}\n");
        assert_int_equal(pb_fs_write_atomic(path, text.s, text.len, 0600, NULL), 0);
        pb_tf_errors(&out, path, NULL, &secrets);
        assert_in_range(out.len, 100, 420);
        if (out.len < strlen(rows[i].end) ||
            strcmp(out.s + out.len - strlen(rows[i].end), rows[i].end) != 0)
            fail_msg("%s", out.s);
        pb_work_remove(dir);
    }
}

/* ---- locks ----------------------------------------------------------------------------------- */

static void tf_lock__for_people(void **state)
{
    static const char text[] =
        "\xe2\x95\xb7\n\xe2\x94\x82 Error: Error acquiring the state lock\n\xe2\x94\x82 \n"
        "\xe2\x94\x82 Error message: taken\n\xe2\x94\x82 Lock Info:\n"
        "\xe2\x94\x82   ID:        9c7f4874-32f7-91bf-5c29-79ed68fc9cda\n"
        "\xe2\x94\x82   Path:      states/a/b.tfstate\n\xe2\x94\x82   Operation: "
        "OperationTypeApply\n"
        "\xe2\x94\x82   Who:       root@vm\n\xe2\x94\x82   Version:   1.11.4\n"
        "\xe2\x94\x82   Created:   2026-11-21 12:02:53.582535568 +0000 UTC\n"
        "\xe2\x94\x82   Info:      \n";
    struct pb_arena *a = pb_arena_new();
    struct pb_state_lock l;

    (void)state;
    assert_true(pb_tf_lock_parse_text(&l, a, text));
    assert_string_equal(l.id, "9c7f4874-32f7-91bf-5c29-79ed68fc9cda");
    assert_string_equal(l.who, "root@vm");
    assert_string_equal(l.operation, "OperationTypeApply");
    assert_int_equal(l.created_at, 1795262573);
    assert_true(pb_tf_lock_parse_text(&l, a, "Error acquiring the state lock: busy"));
    assert_string_equal(l.id, "unknown");
    assert_false(pb_tf_lock_parse_text(&l, a, "Error: no credentials\nID: 5\n"));
    assert_false(pb_tf_lock_parse(&l, a, "{\"ID\":\"\"}", 9));
    assert_false(pb_tf_lock_parse(&l, a, "locked", 6));
    pb_arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stream__a_call_without_an_answer),
        cmocka_unit_test(tf_stream__recorded),
        cmocka_unit_test(tf_stream__failures),
        cmocka_unit_test(tf_stream__cut),
        cmocka_unit_test(tf_stream__other_lines),
        cmocka_unit_test(tf_stream__enormous_line),
        cmocka_unit_test(tf_stream__state_in_it),
        cmocka_unit_test(tf_redact__forms),
        cmocka_unit_test(tf_redact__before_it_is_cut),
        cmocka_unit_test(tf_errors__where_they_are_cut),
        cmocka_unit_test(tf_lock__for_people),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
