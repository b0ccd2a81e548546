#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "git/refs.h"
#include "git/tree.h"
#include "model/json.h"
#include "run/record_live.h"
#include "tests/support/folder.h"
#include "tests/support/shell.h"
#include "tests/support/values.h"

/* ---- names ------------------------------------------------------------------------------ */

static void live__paths(void **state)
{
    static const char *const rows[][2] = {
        {"aws_vpc.main", "aws_vpc.main.json"},
        {"aws_vpc.main[0]", "aws_vpc.main[0].json"},
        {"aws_vpc.main[\"0\"]", "aws_vpc.main['0'].json"},
        {"module.net.aws_vpc.main", "module.net/aws_vpc.main.json"},
        {"module.a[\"x.y/z\"].module.b[2].aws_vpc.main[\"..\"]",
         "module.a['x.y%2Fz']/module.b[2]/aws_vpc.main['..'].json"},
        {"aws_vpc.main[\"a\\\"]b\"]", "aws_vpc.main['a%5C']b'].json"},
        {"aws_vpc.main[\"it's\"]", "aws_vpc.main['it%27s'].json"},
        {"aws_vpc.main[\"\303\251 \\\\\"]", "aws_vpc.main['%C3%A9%20%5C%5C'].json"},
        {"module.x[\"]\"].aws_vpc.main", "module.x[']']/aws_vpc.main.json"},
    };
    char *longer = pb_asprintf("aws_vpc.main[\"%0300d\"]", 7);
    char *other = pb_asprintf("aws_vpc.main[\"%0300d\"]", 8);
    PB_AUTO(buf) struct pb_buf a = PB_BUF_INIT, b = PB_BUF_INIT;

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        pb_buf_clear(&a);
        pb_record_live_path(&a, rows[i][0]);
        assert_string_equal(a.s, rows[i][1]);
    }
    pb_buf_clear(&a);
    pb_record_live_path(&a, longer);
    pb_record_live_path(&b, other);
    assert_true(a.len < 255);
    assert_string_not_equal(a.s, b.s);
    free(longer);
    free(other);
}

static void live__refs(void **state)
{
    static const char *const rows[][2] = {
        {"prod", "prod"},
        {"env/prod", "env+prod"},
        {"env+prod", "env%2Bprod"},
        {"..", "%2E%2E"},
        {"a..b", "a%2E.b"},
        {".a", "%2Ea"},
        {"a.lock", "a%2Elock"},
        {"a.", "a%2E"},
        {"x y~^:?*[@{\\", "x%20y%7E%5E%3A%3F%2A%5B%40%7B%5C"},
        {"", "%"},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        PB_AUTO(str) char *ref = pb_record_live_ref(rows[i][0]);

        assert_string_equal(ref + strlen(PB_LIVE_REFS), rows[i][1]);
    }
}

/* ---- files ------------------------------------------------------------------------------ */

static const struct pb_schema *schema(struct pb_arena *a)
{
    static const char text[] =
        "{'version':0,'block':{'attributes':{"
        "'id':{'type':'string','computed':true},"
        "'n':{'type':'number','optional':true},"
        "'s':{'type':'string','optional':true},"
        "'echo':{'type':'string','computed':true},"
        "'policy':{'type':'string','optional':true},"
        "'list':{'type':['list','string'],'optional':true},"
        "'tags':{'type':['map','string'],'optional':true},"
        "'ports':{'type':['set','number'],'optional':true},"
        "'password':{'type':'string','optional':true,'sensitive':true}},"
        "'block_types':{'rule':{'nesting_mode':'set','block':{'attributes':{"
        "'port':{'type':'number','optional':true},'key':{'type':'string','optional':true,"
        "'sensitive':true},'note':{'type':'string','optional':true}}}}}}}";
    const struct pb_schema *s = NULL;

    assert_int_equal(pb_schema_from_json(&s, a, "x_y", json_marked(a, text), NULL), 0);
    return s;
}

/* `attributes` of the file for `seen`, on top of the file `before`. */
static const char *file(struct pb_arena *a, const char *seen, const struct pb_value *mark,
                        const char *before)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_record_live_one one = {.address = "x_y.z",
                                     .type = "x_y",
                                     .attributes = json_marked(a, seen),
                                     .schema = schema(a),
                                     .marks = {mark},
                                     .before = before,
                                     .before_len = before ? strlen(before) : 0};

    pb_record_live_file(&b, &one);
    return pb_arena_strndup(a, b.s, b.len);
}

static const char *flat(struct pb_arena *a, const char *text)
{
    const struct pb_value *v = NULL;

    assert_int_equal(pb_json_parse(&v, a, text, strlen(text), "the file", NULL), 0);
    return json_text(a, pb_get(v, "attributes"));
}

static void live__one_form(void **state)
{
    struct pb_arena *a = *state;
    const char *text = file(a,
                            "{'id':'i','n':1e2,'s':'','list':['b','a'],'ports':[9,1.0],"
                            "'tags':{'b':'','a':'1'},'policy':'{ \\'b\\':1, \\'a\\':null}',"
                            "'rule':[{'port':2,'note':''},{'port':1,'note':'x'}]}",
                            NULL, NULL);

    assert_string_equal(text, "{\n"
                              "  \"address\": \"x_y.z\",\n"
                              "  \"attributes\": {\n"
                              "    \"id\": \"i\",\n"
                              "    \"list\": [\n      \"b\",\n      \"a\"\n    ],\n"
                              "    \"n\": 100,\n"
                              "    \"policy\": \"{\\\"a\\\":null,\\\"b\\\":1}\",\n"
                              "    \"ports\": [\n      1,\n      9\n    ],\n"
                              "    \"rule\": [\n"
                              "      {\n        \"note\": \"x\",\n        \"port\": 1\n      },\n"
                              "      {\n        \"port\": 2\n      }\n    ],\n"
                              "    \"tags\": {\n      \"a\": \"1\",\n      \"b\": \"\"\n    }\n"
                              "  },\n"
                              "  \"type\": \"x_y\"\n"
                              "}\n");
}

/* What means the same, was not looked at or could not be seen stays as it was, to the byte. */
static void live__stays_as_it_was(void **state)
{
    static const char first[] =
        "{'id':'i','n':5,'ports':[1,2],'policy':'{\\'a\\':1}','s':'x',"
        "'rule':[{'port':1,'note':'n'}],'list':['l'],'password':'hush-hush'}";
    static const char *const rows[] = {
        first,
        "{'id':'i','n':5.0,'ports':[2,1],'policy':'{ \\'a\\' : 1 }'}",
        "{'id':'i','s':{'$unknown':'why'},'list':[{'$unknown':null}]}",
        "{'rule':[{'port':1}]}",
        "{'password':'another-one'}",
        "{'echo':null,'tags':{}}",
    };
    static const char *const other[][2] = {
        {"{'n':6}", "\"n\":6"},
        {"{'policy':'{\\'a\\':2}'}", "\"policy\":\"{\\\"a\\\":2}\""},
        {"{'rule':[{'port':1,'note':null}]}", "\"rule\":[{\"port\":1}]"},
        {"{'ports':[1,2,3]}", "\"ports\":[1,2,3]"},
        {"{'list':[]}", "\"n\":5,\"password\""},
        {"{'s':null}", "\"rule\":[{\"note\":\"n\",\"port\":1}]}"},
    };
    struct pb_arena *a = *state;
    const char *before = file(a, first, NULL, NULL);

    for (size_t i = 0; i < PB_COUNT(rows); i++)
        assert_string_equal(file(a, rows[i], NULL, before), before);
    for (size_t i = 0; i < PB_COUNT(other); i++) {
        const char *now = flat(a, file(a, other[i][0], NULL, before));

        if (!strstr(now, other[i][1]))
            fail_msg("'%s' is not in '%s'", other[i][1], now);
        assert_string_not_equal(now, flat(a, before));
    }
    /* A file that somebody else put there is no hindrance. */
    assert_string_equal(file(a, first, NULL, "junk"), before);
    assert_string_equal(file(a, first, NULL, "{\"attributes\":[\"x\"]}"), before);
    /* An attribute that its provider does not have any more goes. */
    assert_string_equal(flat(a, file(a, "{'id':'i'}", NULL, "{\"attributes\":{\"old\":1}}")),
                        "{\"id\":\"i\"}");
}

static void assert_hidden(const char *text)
{
    static const char *const parts[] = {"hush", "aHVzaC", "6\"", "word"};

    for (size_t i = 0; i < PB_COUNT(parts); i++)
        if (strstr(text, parts[i]))
            fail_msg("'%s' is in %s", parts[i], text);
}

/* By schema, by another side's marks, in what repeats it, and where it once was. */
static void live__secrets(void **state)
{
    struct pb_arena *a = *state;
    const struct pb_value *mark = json_marked(a, "{'s':'hush-hush\\n','tags':{'pw':'word'}}");
    struct pb_value marked = pb_mark_sensitive(a, mark, json_marked(a, "{'s':true,'tags':true}"));
    const char *before, *now;

    assert_string_equal(
        flat(a, file(a, "{'password':'hush-hush','rule':[{'key':'hush'}]}", NULL, NULL)),
        "{\"password\":\"(sensitive)\",\"rule\":[{\"key\":\"(sensitive)\"}]}");
    before = file(a, "{'s':'anything','tags':{'pw':'word'}}", &marked, NULL);
    assert_string_equal(flat(a, before), "{\"s\":\"(sensitive)\",\"tags\":\"(sensitive)\"}");
    now = file(a,
               "{'s':'x','echo':'pre hush-hush post','list':['word','words'],'id':'aHVzaC1odXNo',"
               "'policy':'{\\'a\\':[\\'hush-hush\\'],\\'b\\':\\'word\\'}'}",
               &marked, NULL);
    assert_string_equal(
        flat(a, now),
        "{\"echo\":\"(sensitive)\",\"id\":\"(sensitive)\",\"list\":[\"(sensitive)\",\"words\"],"
        "\"policy\":\"{\\\"a\\\":[\\\"(sensitive)\\\"],\\\"b\\\":\\\"(sensitive)\\\"}\","
        "\"s\":\"(sensitive)\"}");
    /* Nobody marks it any more: it is as secret as it was. */
    now = file(a, "{'s':'hush-hush','tags':{'pw':'word','x':'6'},'echo':'the hush-hush'}", NULL,
               before);
    assert_hidden(now);
}

/* ---- refs ------------------------------------------------------------------------------- */

static char *dir;

static int run_sh(const char *script)
{
    return test_sh(dir, script);
}

static int setup(void **state)
{
    *state = pb_arena_new();
    dir = test_folder();
    setenv("HOME", dir, 1);
    setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
    return run_sh("git init -q -b main --bare remote.git; for r in one two; do "
                  "git clone -q remote.git $r 2>/dev/null; git -C $r config user.name Ann; "
                  "git -C $r config user.email ann@example.com; done");
}

static int teardown(void **state)
{
    pb_fs_remove_tree(dir, NULL);
    free(dir);
    pb_arena_free(*state);
    return 0;
}

struct machine {
    struct pb_repo *repo;
    struct pb_record record;
};

static struct machine at(const char *clone, const char *live)
{
    PB_AUTO(str) char *path = pb_fs_join(dir, clone), *home = pb_asprintf("%s/%s.s", dir, clone);
    const struct pb_config_ledger c = {.name = clone, .remote = "origin", .live = live};
    struct machine m = {0};
    struct pb_err err = PB_ERR_INIT;

    setenv("PLUMB_STATE_DIR", home, 1);
    if (pb_repo_open(&m.repo, path, 0, &err) || pb_record_open(&m.record, m.repo, &c, &err))
        fail_msg("%s", err.msg);
    return m;
}

static void leave(struct machine *m)
{
    pb_record_release(&m->record);
    pb_repo_free(m->repo);
}

/* In the order of names, each word is NAME=N (seen), NAME? (unknown), NAME! (proved gone), NAME-
 * (in the state, nobody looked), NAME= (local: it lives in the state alone). */
static struct pb_unit_result unit_of(struct pb_arena *a, const char *words)
{
    struct pb_unit_result u = {
        .config = {.name = "env/prod", .path = "env/prod", .workspace = "w"}};
    struct pb_live *live = pb_arena_zalloc(a, 16 * sizeof(*live));
    struct pb_recorded *recorded = pb_arena_zalloc(a, 16 * sizeof(*recorded));
    const struct pb_schema **schemas = pb_arena_zalloc(a, sizeof(struct pb_schema *));
    const char *p = words;

    schemas[0] = schema(a);
    u.declared.schemas = (struct pb_schema_set){schemas, 1};
    while (*p) {
        size_t n = strcspn(p, "=?!-");
        const char *address = pb_arena_strndup(a, p, n);
        char what = p[n];
        struct pb_live *l = &live[u.live.n];

        recorded[u.recorded.n++] = (struct pb_recorded){.address = address, .type = "x_y"};
        p += n + 1;
        *l = (struct pb_live){.address = address, .observer = "test"};
        l->presence = what == '=' ? PB_P_KNOWN : what == '!' ? PB_P_ABSENT : PB_P_UNKNOWN;
        if (what == '=' && (!*p || *p == ' '))
            l->observer = "none";
        l->attributes = json_marked(a, pb_arena_printf(a, "{'n':%ld}", strtol(p, NULL, 10)));
        u.live.n += what != '-';
        p += strspn(p, "0123456789 ");
    }
    u.live.v = live;
    u.recorded.v = recorded;
    return u;
}

static struct pb_audit audit = {.commit = "0123456789abcdef0123456789abcdef01234567"};

static void see(struct machine *m, struct pb_arena *a, const char *words)
{
    struct pb_unit_result u = unit_of(a, words);
    struct pb_err err = PB_ERR_INIT;

    if (pb_record_live(&m->record, &audit, &u, &err))
        fail_msg("%s", err.msg);
}

/* sees REPO: each file with its 'n'; count REPO: the commits. */
static const char tools[] =
    "ref=refs/plumb/live/env+prod; "
    "value() { git -C $1 show $ref:$2 | grep -o '\"n\": [0-9]*' | cut -c6-; }; "
    "sees() { for f in $(git -C $1 ls-tree -r --name-only $ref); do echo $f:$(value $1 $f); done "
    "| xargs; }; count() { git -C $1 rev-list --count $ref; }; ";

/* The tree and number of commits of a repository. */
static void assert_sees(const char *repo, const char *tree, int commits)
{
    PB_AUTO(str)
    char *script = pb_asprintf("%stest \"$(sees %s)\" = '%s'; test $(count %s) = %d; "
                               "git -C %s fsck --strict 2>/dev/null",
                               tools, repo, tree, repo, commits, repo);

    if (run_sh(script))
        fail_msg("%s is not '%s' with %d commits", repo, tree, commits);
}

static void live__what_changed_is_committed(void **state)
{
    struct machine m = at("one", "local");
    struct pb_unit_result u;

    see(&m, *state, "module.m.x_y.c=1 x_y.a=1 x_y.b=1 x_y.local=");
    assert_sees("one", "module.m/x_y.c.json:1 x_y.a.json:1 x_y.b.json:1", 1);
    see(&m, *state, "module.m.x_y.c=1 x_y.a=1 x_y.b=1 x_y.local=");
    assert_sees("one", "module.m/x_y.c.json:1 x_y.a.json:1 x_y.b.json:1", 1);
    see(&m, *state, "module.m.x_y.c- x_y.a=2 x_y.b? x_y.d?");
    assert_sees("one", "module.m/x_y.c.json:1 x_y.a.json:2 x_y.b.json:1", 2);
    assert_int_equal(run_sh("git -C one log -1 --format='%an %ae|%B' refs/plumb/live/env+prod >m; "
                            "grep -q '^Ann ann@example.com|live env/prod: 1 changed$' m; "
                            "grep -q '^commit 0123456789abcdef' m; grep -q 'workspace w' m; "
                            "grep -q '^not seen' m; grep -q '^  x_y.b$' m; grep -q '^  x_y.d$' m; "
                            "grep -q '^  module.m.x_y.c$' m; test -z \"$(git -C remote.git "
                            "for-each-ref)\""),
                     0);
    see(&m, *state, "module.m.x_y.c- x_y.b?"); /* a is in no state any more */
    assert_sees("one", "module.m/x_y.c.json:1 x_y.b.json:1", 3);
    see(&m, *state, "module.m.x_y.c! x_y.b!");
    assert_sees("one", "", 4);
    see(&m, *state, "x_y.a=1 x_y.b=1");
    u = unit_of(*state, "x_y.b!");
    u.narrowed = true; /* the others were not asked for */
    assert_int_equal(pb_record_live(&m.record, &audit, &u, NULL), 0);
    assert_sees("one", "x_y.a.json:1", 6);
    u.failed = true;
    u.narrowed = false;
    assert_int_equal(pb_record_live(&m.record, &audit, &u, NULL), 0);
    assert_sees("one", "x_y.a.json:1", 6);
    leave(&m);
    m = at("one", "none");
    see(&m, *state, "x_y.a=5");
    assert_sees("one", "x_y.a.json:1", 6);
    leave(&m);
}

/* Two machines see by turns: what each sees stands on what the other saw. */
static void live__several_writers(void **state)
{
    struct machine m = at("one", NULL), n = at("two", NULL);
    struct pb_unit_result u = unit_of(*state, "x_y.a=9");
    struct pb_err err = PB_ERR_INIT;

    see(&m, *state, "x_y.a=1 x_y.b=1");
    assert_sees("remote.git", "x_y.a.json:1 x_y.b.json:1", 1);
    see(&n, *state, "x_y.a=1 x_y.b=1"); /* it sees the same: it takes it over */
    assert_sees("two", "x_y.a.json:1 x_y.b.json:1", 1);
    see(&n, *state, "x_y.a=2 x_y.b=1");
    assert_sees("remote.git", "x_y.a.json:2 x_y.b.json:1", 2);
    see(&m, *state, "x_y.a? x_y.b=3"); /* it has not heard of a=2, and cannot see a */
    assert_sees("remote.git", "x_y.a.json:2 x_y.b.json:3", 3);
    assert_sees("one", "x_y.a.json:2 x_y.b.json:3", 3);
    /* A remote that was away, and then there again: everything gets there. */
    assert_int_equal(run_sh("mv remote.git away"), 0);
    assert_int_equal(pb_record_live(&n.record, &audit, &u, &err), -1);
    assert_non_null(strstr(err.msg, "what was seen of 'env/prod' could not be kept in "
                                    "'refs/plumb/live/env+prod'"));
    assert_int_equal(run_sh("mv away remote.git"), 0);
    see(&n, *state, "x_y.a=9 x_y.b?");
    assert_sees("remote.git", "x_y.a.json:9 x_y.b.json:3", 4);
    /* Ahead of the remote, and nothing new: what is missing there is pushed. */
    assert_int_equal(run_sh("mv remote.git away"), 0);
    u = unit_of(*state, "x_y.a=10 x_y.b=3");
    assert_int_equal(pb_record_live(&n.record, &audit, &u, &err), -1);
    assert_int_equal(run_sh("mv away remote.git"), 0);
    see(&n, *state, "x_y.a=10 x_y.b=3");
    assert_sees("remote.git", "x_y.a.json:10 x_y.b.json:3", 5);
    /* Junk that somebody pushed is built upon, too: it is no proof of anything. */
    assert_int_equal(run_sh("cd remote.git; git update-ref refs/plumb/live/env+prod "
                            "$(git commit-tree -m junk $(printf '120000 blob %s\\tx_y.a.json\\n"
                            "100644 blob %s\\tx_y.b.json\\n040000 tree %s\\tmodule.m\\n' "
                            "$(printf /etc/passwd | git hash-object -w --stdin) "
                            "$(echo junk | git hash-object -w --stdin) "
                            "$(git mktree </dev/null) | git mktree))"),
                     0);
    see(&m, *state, "module.m.x_y.c=4 x_y.a=4 x_y.b=4");
    assert_sees("remote.git", "module.m/x_y.c.json:4 x_y.a.json:4 x_y.b.json:4", 2);
    leave(&m);
    leave(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live__paths),
        cmocka_unit_test(live__refs),
        cmocka_unit_test_setup_teardown(live__one_form, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(live__stays_as_it_was, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(live__secrets, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(live__what_changed_is_committed, setup, teardown),
        cmocka_unit_test_setup_teardown(live__several_writers, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
