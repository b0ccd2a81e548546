#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "git/refs.h"
#include "git/tree.h"
#include "tests/support/shell.h"

#define REF   "refs/plumb/ledger/here"
#define TRACK "refs/plumb/remote/origin/ledger/here"

static char *dir; /* remote.git, one.git and two.git, whose origin it is */

static int run_sh(const char *script)
{
    return test_sh(dir, script);
}

static int setup(void **state)
{
    (void)state;
    dir = test_home();
    return run_sh("git init -q --bare remote.git; for r in one two; do git init -q --bare $r.git; "
                  "git -C $r.git remote add origin ../remote.git; done");
}

static int teardown(void **state)
{
    (void)state;
    pb_fs_remove_tree(dir, NULL);
    free(dir);
    return 0;
}

static struct pb_repo *open_repo(const char *name)
{
    PB_AUTO(str) char *path = pb_fs_join(dir, name);
    struct pb_repo *repo = NULL;
    struct pb_err err = PB_ERR_INIT;

    if (pb_repo_open(&repo, path, 0, &err))
        fail_msg("%s", err.msg);
    return repo;
}

/* Writes `text` at `path` over what the ref is when it is `expect`. */
static bool put(char id[PB_OID_HEX], struct pb_repo *repo, const char *expect, const char *path,
                const char *text)
{
    struct pb_ref_file f = {path, text, text ? strlen(text) : 0};
    struct pb_ref_change c = {.ref = REF,
                              .expect = expect,
                              .files = &f,
                              .nfiles = 1,
                              .name = "Ann",
                              .email = "ann@example.com",
                              .message = "entries\n",
                              .when = 1700000000};
    struct pb_err err = PB_ERR_INIT;
    bool moved = false;

    if (pb_ref_write(id, &moved, repo, &c, &err))
        fail_msg("%s", err.msg);
    return !moved;
}

static void assert_file(struct pb_repo *repo, const char *commit, const char *path,
                        const char *text)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;

    if (pb_tree_read(&b, repo, commit, path, 100, &err) == 0)
        assert_string_equal(b.s, text);
    else if (text)
        fail_msg("%s", err.msg);
}

static void test_write_and_read(void **state)
{
    PB_AUTO(repo) struct pb_repo *repo = open_repo("one.git");
    PB_AUTO(strv) struct pb_strv all = PB_STRV_INIT;
    char a[PB_OID_HEX], b[PB_OID_HEX], c[PB_OID_HEX], now[PB_OID_HEX];

    (void)state;
    assert_int_equal(pb_ref_id(now, repo, REF, NULL), 0);
    assert_string_equal(now, "");
    assert_true(put(a, repo, "", "entries/000000", "one\n"));
    assert_true(put(b, repo, a, "entries/000001", "two\n"));
    assert_file(repo, b, "entries/000000", "one\n");
    assert_file(repo, b, "entries/000001", "two\n");
    assert_file(repo, a, "entries/000001", NULL);
    assert_true(put(c, repo, b, "entries/000001", "two\n"));
    assert_string_equal(c, b); /* the same files: no commit */
    assert_true(put(c, repo, b, "entries/000000", NULL));
    assert_file(repo, c, "entries/000000", NULL);
    assert_int_equal(pb_ref_id(now, repo, REF, NULL), 0);
    assert_string_equal(now, c);
    assert_int_equal(pb_ref_list(&all, repo, "refs/plumb/", NULL), 0);
    assert_int_equal(all.n, 1);
    assert_string_equal(all.v[0], REF);
    assert_int_equal(run_sh("git -C one.git fsck --strict && git -C one.git update-ref -d " REF),
                     0);
}

static void test_local_compare_and_swap(void **state)
{
    PB_AUTO(repo) struct pb_repo *repo = open_repo("one.git");
    char a[PB_OID_HEX], b[PB_OID_HEX], lost[PB_OID_HEX], now[PB_OID_HEX];

    (void)state;
    assert_true(put(a, repo, "", "f", "1"));
    assert_false(put(lost, repo, "", "f", "x")); /* it exists */
    assert_true(put(b, repo, a, "f", "2"));
    assert_false(put(lost, repo, a, "f", "x")); /* it is b by now */
    assert_int_equal(pb_ref_id(now, repo, REF, NULL), 0);
    assert_string_equal(now, b);
    assert_int_equal(run_sh("git -C one.git update-ref -d " REF), 0);
    assert_false(put(lost, repo, b, "f", "x")); /* gone */
}

/* Of many writers with the same belief exactly one wins. */
static void test_one_of_many(void **state)
{
    enum { WRITERS = 8 };
    pid_t pids[WRITERS];
    int won = 0, status;

    (void)state;
    for (int i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct pb_repo *repo = open_repo("two.git");
            char id[PB_OID_HEX], text[16];

            snprintf(text, sizeof(text), "%d", i);
            _exit(put(id, repo, "", "f", text) ? 1 : 0);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status));
        won += WEXITSTATUS(status);
    }
    assert_int_equal(won, 1);
    assert_int_equal(run_sh("git -C two.git update-ref -d " REF), 0);
}

static bool push(struct pb_repo *repo, const char *id, const char *expect)
{
    struct pb_err err = PB_ERR_INIT;
    bool moved;

    if (pb_ref_push(&moved, repo, "origin", REF, id, expect, &err))
        fail_msg("%s", err.msg);
    return !moved;
}

static void fetch(char id[PB_OID_HEX], struct pb_repo *repo)
{
    struct pb_err err = PB_ERR_INIT;

    if (pb_ref_fetch(repo, "origin", "refs/plumb/ledger/", "refs/plumb/remote/origin/ledger/",
                     &err) ||
        pb_ref_id(id, repo, TRACK, &err))
        fail_msg("%s", err.msg);
}

static void test_push_and_fetch(void **state)
{
    PB_AUTO(repo) struct pb_repo *one = open_repo("one.git");
    PB_AUTO(repo) struct pb_repo *two = open_repo("two.git");
    char a[PB_OID_HEX], b[PB_OID_HEX], theirs[PB_OID_HEX], got[PB_OID_HEX];

    (void)state;
    fetch(got, one);
    assert_string_equal(got, "");
    assert_true(put(a, one, "", "f", "1"));
    assert_true(push(one, a, ""));
    assert_true(push(one, a, a));
    assert_true(put(theirs, two, "", "f", "other"));
    assert_false(push(two, theirs, "")); /* somebody was first */
    fetch(got, two);
    assert_string_equal(got, a);
    assert_file(two, got, "f", "1");
    assert_true(put(b, one, a, "f", "2"));
    assert_true(push(one, b, a));
    assert_false(push(two, theirs, a)); /* has moved on */
    fetch(got, two);
    assert_string_equal(got, b);
    assert_int_equal(run_sh("git -C remote.git update-ref -d " REF), 0);
    fetch(got, two);
    assert_string_equal(got, ""); /* and the copy of what it had is gone, too */
}

static void test_failures_say_why(void **state)
{
    PB_AUTO(repo) struct pb_repo *one = open_repo("one.git");
    struct pb_err err = PB_ERR_INIT;
    char id[PB_OID_HEX];
    bool moved;

    (void)state;
    assert_int_equal(run_sh("printf '#!/bin/sh\\necho no pushes after five >&2\\nexit 1\\n' "
                            ">remote.git/hooks/pre-receive; "
                            "chmod +x remote.git/hooks/pre-receive; "
                            "printf '#!/bin/sh\\ntouch ../ran\\n' >one.git/hooks/pre-push; "
                            "chmod +x one.git/hooks/pre-push"),
                     0);
    assert_int_equal(pb_ref_id(id, one, REF, NULL), 0);
    assert_int_equal(pb_ref_push(&moved, one, "origin", REF, id, "", &err), -1);
    assert_false(moved);
    assert_non_null(strstr(err.msg, "no pushes after five"));
    assert_int_equal(run_sh("test ! -e ran"), 0);
    assert_int_equal(run_sh("rm remote.git/hooks/pre-receive"), 0);
    assert_int_equal(pb_ref_push(&moved, one, "nowhere", REF, id, "", &err), -1);
    assert_non_null(strstr(err.msg, "cannot push to remote 'nowhere'"));
    assert_int_equal(
        pb_ref_fetch(one, "nowhere", "refs/plumb/ledger/", "refs/plumb/remote/x/", &err), -1);
    assert_non_null(strstr(err.msg, "cannot fetch from remote 'nowhere'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_and_read),   cmocka_unit_test(test_local_compare_and_swap),
        cmocka_unit_test(test_one_of_many),      cmocka_unit_test(test_push_and_fetch),
        cmocka_unit_test(test_failures_say_why),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
