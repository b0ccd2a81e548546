#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"
#include "report/log.h"
#include "run/record_apply.h"
#include "tests/support/folder.h"
#include "tests/support/shell.h"

static char *dir;
static struct pb_repo *repo;
static struct pb_record record;

static int setup(void **state)
{
    const struct pb_config_ledger c = {.name = "here"};
    PB_AUTO(str) char *home = NULL;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    dir = test_folder();
    home = pb_fs_join(dir, "state");
    setenv("HOME", dir, 1);
    setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
    setenv("PLUMB_STATE_DIR", home, 1);
    setenv("PLUMB_NOW", "2026-11-19T15:00:00Z", 1);
    if (test_sh(dir, "git init -q -b main; git config user.name Ann; "
                     "git config user.email ann@example.com"))
        return -1;
    return pb_repo_open(&repo, dir, 0, &err) || pb_record_open(&record, repo, &c, &err);
}

static int teardown(void **state)
{
    (void)state;
    unsetenv("PLUMB_NOW");
    pb_record_release(&record);
    pb_repo_free(repo);
    pb_fs_remove_tree(dir, NULL);
    free(dir);
    return 0;
}

#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const char *const ports[] = {"ingress[0].from_port", "tags.team", NULL};
static const struct pb_record_change changes[] = {
    {"aws_vpc.main", "update", "git", "in_sync", "vpc-1", PB_RECORD_DONE, ports},
    {"module.net.aws_eip.x", "create", "git", NULL, NULL, PB_RECORD_FAILED, NULL},
    {"module.net.aws_eip.y", "delete", "revert", "drifted", "eip-2", PB_RECORD_UNSETTLED, NULL},
};
static const struct pb_record_reason refusals[] = {
    {"stale-commit", "the commit does not descend from what was last applied"}, {"revert", NULL}};

static struct pb_record_apply apply(void)
{
    return (struct pb_record_apply){
        .unit = "prod",
        .path = "env/prod",
        .workspace = "default",
        .commit = COMMIT,
        .run = "r1",
        .evidence = DIGEST,
        .approved_by = "ann",
        .how = "terminal",
        .changes = changes,
        .nchanges = PB_COUNT(changes),
        .before = {"L", 3, DIGEST},
        .after = {"L", 4, DIGEST},
        .refusals = refusals,
        .nrefusals = PB_COUNT(refusals),
        .verified = true,
        .exit_code = 1,
        .duration_ms = 12345,
        .outcome = "orphans",
        .error = "the tool was killed",
    };
}

static void add(int (*fn)(struct pb_record *, const struct pb_record_apply *, struct pb_err *),
                const struct pb_record_apply *a)
{
    struct pb_err err = PB_ERR_INIT;

    if (fn(&record, a, &err))
        fail_msg("%s", err.msg);
}

static int collect(void *ctx, const struct pb_ledger_entry *e)
{
    pb_log_add(ctx, "here", e);
    return 0;
}

static struct pb_log_report read_all(void)
{
    struct pb_log_report l = PB_LOG_REPORT_INIT;
    struct pb_err err = PB_ERR_INIT;

    if (pb_ledger_walk(record.dir, collect, &l, NULL, &err))
        fail_msg("%s", err.msg);
    return l;
}

static void assert_says(const struct pb_buf *b, const char *text)
{
    if (!strstr(b->s, text))
        fail_msg("'%s' is not in:\n%s", text, b->s);
}

/* All four kinds, as plumb log shows them and as the schema wants them. */
static void record_apply__kinds(void **state)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT, json = PB_BUF_INIT;
    PB_AUTO(str) char *file = pb_fs_join(dir, "log.json");
    PB_AUTO(str) char *script = NULL;
    const struct pb_report_opts o = {0};
    PB_AUTO(str) char *schema = realpath("schemas/log.schema.json", NULL);
    const char *python = getenv("PLUMB_TEST_PYTHON") ? getenv("PLUMB_TEST_PYTHON") : "python3";
    struct pb_record_apply a = apply();
    struct pb_log_report l;

    (void)state;
    add(pb_record_apply_refused, &a);
    add(pb_record_apply_started, &a);
    add(pb_record_apply_finished, &a);
    a.verified = false;
    a.command = "destroy";
    add(pb_record_apply_recovered, &a);
    l = read_all();
    pb_log_text(&text, &l, &o);
    assert_says(&text, "2026-11-19 15:00:00Z  apply.refused  prod  ");
    assert_says(&text, "  01234567  1 create, 1 delete, 1 update, approved by ann (terminal)\n");
    assert_says(&text, "    stale-commit  the commit does not descend");
    assert_says(&text, "    revert\n");
    assert_says(&text, "  01234567  1 done, 1 failed, 1 unsettled, verified, exit 1, 12.3 s, "
                       "approved by ann (terminal)\n    the tool was killed\n");
    assert_says(&text, "    update      aws_vpc.main (vpc-1)  git  done  in_sync  "
                       "ingress[0].from_port, tags.team\n");
    assert_says(&text, "    create      module.net.aws_eip.x  git  failed\n");
    assert_says(&text, "  01234567  destroy: orphans: 1 done, 1 failed, 1 unsettled, not verified");
    pb_log_json(&json, &l);
    pb_log_release(&l);
    assert_int_equal(pb_fs_write_atomic(file, json.s, json.len, 0600, NULL), 0);
    script = pb_asprintf("%s -c 'import json, jsonschema\n"
                         "jsonschema.validate(json.load(open(\"log.json\")), "
                         "json.load(open(\"%s\")))'",
                         python, schema);
    assert_int_equal(test_sh(dir, script), 0);
}

static bool matches(const struct pb_ledger_query *q)
{
    struct pb_log_report l = read_all();
    PB_AUTO(buf) struct pb_buf json = PB_BUF_INIT;
    PB_AUTO(arena) struct pb_arena *arena = pb_arena_new();
    const struct pb_value *v = NULL, *last;
    struct pb_ledger_entry e = {0};

    pb_log_json(&json, &l);
    pb_log_release(&l);
    assert_int_equal(pb_json_parse(&v, arena, json.s, json.len, "log", NULL), 0);
    v = pb_get(v, "entries");
    last = pb_get(pb_at(v, pb_len(v) - 1), "entry");
    e = (struct pb_ledger_entry){.time = pb_get_str(last, "time"),
                                 .kind = pb_get_str(last, "kind"),
                                 .who = pb_get(last, "who"),
                                 .body = pb_get(last, "body")};
    return pb_ledger_matches(q, &e);
}

static void record_apply__answers_questions(void **state)
{
    static char prod[] = "prod", dev[] = "dev", kind[] = "apply", ann[] = "ann@", bob[] = "bob";
    static char drifted[] = "drifted", missing[] = "missing", net[] = "module.net", eip[] = "aws_e";
    char *list[][2] = {{prod, NULL}, {dev, NULL},     {kind, NULL},    {ann, NULL}, {bob, NULL},
                       {net, NULL},  {drifted, NULL}, {missing, NULL}, {eip, NULL}};
    struct pb_record_apply a = apply();

    (void)state;
    add(pb_record_apply_finished, &a);
    assert_true(matches(&(struct pb_ledger_query){.units = list[0], .kinds = list[2]}));
    assert_false(matches(&(struct pb_ledger_query){.units = list[1]}));
    assert_true(matches(&(struct pb_ledger_query){.who = list[3]}));
    assert_false(matches(&(struct pb_ledger_query){.who = list[4]}));
    assert_true(matches(&(struct pb_ledger_query){.addresses = list[5], .verdicts = list[6]}));
    assert_false(matches(&(struct pb_ledger_query){.verdicts = list[7]}));
    assert_false(matches(&(struct pb_ledger_query){.addresses = list[8]}));
}

/* The one that failed is named, however many there are; the counts are of all. */
static void record_apply__has_room_for_what_failed(void **state)
{
    enum { MANY = 20000 };
    struct pb_record_change *v = pb_calloc(MANY, sizeof(*v));
    struct pb_record_apply a = apply();
    PB_AUTO(arena) struct pb_arena *arena = pb_arena_new();
    PB_AUTO(buf) struct pb_buf json = PB_BUF_INIT;
    const struct pb_value *doc = NULL, *body, *list;
    struct pb_log_report l;
    int64_t omitted;

    (void)state;
    for (size_t i = 0; i < MANY; i++)
        v[i] = (struct pb_record_change){.address = pb_arena_printf(arena, "aws_vpc.a[%zu]", i),
                                         .action = "create",
                                         .cause = "git",
                                         .result = i + 1 < MANY ? PB_RECORD_DONE : PB_RECORD_FAILED,
                                         .paths = ports};
    a.changes = v;
    a.nchanges = MANY;
    add(pb_record_apply_finished, &a);
    free(v);
    l = read_all();
    pb_log_json(&json, &l);
    pb_log_release(&l);
    assert_int_equal(pb_json_parse(&doc, arena, json.s, json.len, "log", NULL), 0);
    doc = pb_get(doc, "entries");
    body = pb_get(pb_get(pb_at(doc, pb_len(doc) - 1), "entry"), "body");
    list = pb_get(body, "resources");
    assert_int_equal(pb_get_int(&omitted, body, "omitted"), 0);
    assert_int_equal(pb_len(list) + (size_t)omitted, MANY);
    assert_true(pb_len(list) > 1000);
    assert_string_equal(pb_get_str(pb_at(list, pb_len(list) - 1), "result"), "failed");
    assert_int_equal(pb_get_int(&omitted, pb_get(body, "results"), "done"), 0);
    assert_int_equal(omitted, MANY - 1);
}

/* A name in Latin-1 and a message that was cut within a letter once made the log unreadable. */
static void record_apply__what_is_not_utf8(void **state)
{
    struct pb_record_apply a = apply();
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    const struct pb_report_opts o = {0};
    struct pb_log_report l;

    (void)state;
    free(record.email);
    record.email = pb_strdup("j\xf6rg@example.com");
    a.error = "cannot read '\xc3";
    add(pb_record_apply_finished, &a);
    l = read_all();
    pb_log_text(&text, &l, &o);
    pb_log_release(&l);
    assert_says(&text, "(j\\xf6rg@example.com)");
    assert_says(&text, "cannot read '\\xc3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(record_apply__kinds, setup, teardown),
        cmocka_unit_test_setup_teardown(record_apply__answers_questions, setup, teardown),
        cmocka_unit_test_setup_teardown(record_apply__has_room_for_what_failed, setup, teardown),
        cmocka_unit_test_setup_teardown(record_apply__what_is_not_utf8, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
