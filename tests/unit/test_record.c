#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "git/refs.h"
#include "git/tree.h"
#include "run/record.h"
#include "tests/support/shell.h"

/*
 * A remote, and clones of it on "machines": each with its own folder of plumb's state.
 */
static char *dir;

static int run_sh(const char *script)
{
    return test_sh(dir, script);
}

static int setup(void **state)
{
    (void)state;
    dir = test_home();
    return run_sh(
        "git init -q -b main --bare remote.git; git clone -q remote.git one 2>/dev/null; "
        "cd one; git checkout -q -b main; git config user.name Ann; "
        "git config user.email ann@example.com; echo x >f; git add f; git commit -qm first; "
        "git push -q origin main; cd ..; git clone -q remote.git two");
}

static int teardown(void **state)
{
    (void)state;
    pb_fs_remove_tree(dir, NULL);
    free(dir);
    return 0;
}

/* One machine, for one test. */
struct machine {
    struct pb_repo *repo;
    struct pb_record record;
};

static struct machine at(const char *clone, const char *state, struct pb_config_ledger c)
{
    PB_AUTO(str) char *path = pb_fs_join(dir, clone), *home = pb_fs_join(dir, state);
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

static void append(struct machine *m, const char *kind)
{
    struct pb_err err = PB_ERR_INIT;

    if (pb_record_append(&m->record, kind, NULL, &err))
        fail_msg("%s", err.msg);
}

static void append_many(struct machine *m, size_t n)
{
    struct pb_ledger_origin o = {.user = "ann", .host = "here"};
    struct pb_err err = PB_ERR_INIT;
    struct pb_ledger *l;

    if (pb_ledger_open(&l, m->record.dir, &o, &err))
        fail_msg("%s", err.msg);
    while (n--)
        if (pb_ledger_append(l, "more", NULL, &err))
            fail_msg("%s", err.msg);
    pb_ledger_close(l);
}

static struct pb_anchored anchor(struct machine *m)
{
    struct pb_err err = PB_ERR_INIT;
    struct pb_anchored a;

    if (pb_record_anchor(&a, &m->record, &err))
        fail_msg("%s", err.msg);
    return a;
}

static void assert_refused(int rc, const struct pb_err *err, const char *words)
{
    assert_int_equal(rc, -1);
    assert_int_equal(err->cls, PB_E_LEDGER);
    if (!strstr(err->msg, words))
        fail_msg("'%s' is not in: %s", words, err->msg);
}

static int count(void *ctx, const char *name, const struct pb_ledger_entry *e)
{
    struct pb_buf *b = ctx;

    pb_buf_addf(b, "%s:%s ", name, e->kind);
    return 0;
}

static void assert_entries(struct machine *m, const char *expected)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT, damaged = PB_ERR_INIT;

    if (pb_record_walk(&m->record, count, &b, &damaged, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(damaged.cls, PB_E_NONE);
    assert_string_equal(b.s, expected);
}

static const struct pb_config_ledger here = {.name = "here"};
static const struct pb_config_ledger pushed = {.name = "here", .remote = "origin"};

static void test_anchors_follow_one_another(void **state)
{
    struct machine m = at("one", "a", here);
    struct pb_record_check check;
    struct pb_anchored first, again, later;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    assert_int_equal(pb_record_verify(&check, &m.record, NULL, &err), 0);
    assert_true(check.absent);
    append(&m, "one");
    first = anchor(&m);
    assert_int_equal(first.checkpoint.size, 2);
    assert_false(first.pushed);
    again = anchor(&m);
    assert_string_equal(again.commit, first.commit); /* nothing new: nothing written */
    append_many(&m, PB_RECORD_PIECE);
    later = anchor(&m);
    assert_int_equal(later.checkpoint.size, PB_RECORD_PIECE + 2);
    assert_int_equal(
        run_sh("cd one; test \"$(git ls-tree -r --name-only refs/plumb/ledger/here | xargs)\" = "
               "'checkpoint entries/000000 entries/000001'; "
               "test $(git rev-list --count refs/plumb/ledger/here) = 2; git fsck --strict; "
               "git log -1 --format=%an refs/plumb/ledger/here | grep -qx Ann; "
               "(git show refs/plumb/ledger/here:entries/000000; "
               " git show refs/plumb/ledger/here:entries/000001) | cmp - ../a/ledger/*/log"),
        0);
    assert_int_equal(pb_record_verify(&check, &m.record, NULL, &err), 0);
    leave(&m);
    m = at("one", "a2", here); /* a machine without it gets all the pieces */
    append(&m, "again");
    assert_int_equal(pb_record_verify(&check, &m.record, NULL, &err), 0);
    assert_int_equal(check.log.now.size, PB_RECORD_PIECE + 3);
    assert_int_equal(check.in_ref, PB_RECORD_PIECE + 2);
    assert_int_equal(check.log.pinned, PB_RECORD_PIECE + 2);
    leave(&m);
    assert_int_equal(run_sh("git -C one update-ref -d refs/plumb/ledger/here"), 0);
}

/* Rolling the log back to an earlier, whole state is seen by the anchor alone. */
static void test_a_log_that_was_rolled_back(void **state)
{
    struct machine m = at("one", "b", here);
    struct pb_record_check check;
    struct pb_anchored a;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    append(&m, "one");
    assert_int_equal(run_sh("cp -a b b.early"), 0);
    append(&m, "two");
    anchor(&m);
    assert_int_equal(run_sh("rm -rf b; cp -a b.early b"), 0);
    assert_refused(pb_record_verify(&check, &m.record, NULL, &err), &err, "are gone");
    assert_refused(pb_record_anchor(&a, &m.record, &err), &err, "are gone");
    append(&m, "other"); /* as long as it was, but not the same */
    assert_refused(pb_record_verify(&check, &m.record, NULL, &err), &err, "was changed");
    assert_refused(pb_record_anchor(&a, &m.record, &err), &err, "was changed");
    leave(&m);
    assert_int_equal(run_sh("git -C one update-ref -d refs/plumb/ledger/here"), 0);
}

static void test_pins_in_files(void **state)
{
    struct machine m = at("one", "c", here);
    PB_AUTO(str) char *pin = pb_fs_join(dir, "pin"), *bad = pb_fs_join(dir, "f");
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    char *pins[] = {pin, NULL}, *wrong[] = {bad, NULL};
    struct pb_record_check check;
    struct pb_anchored a;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    append(&m, "one");
    a = anchor(&m);
    pb_checkpoint_add(&b, &a.checkpoint);
    assert_int_equal(pb_fs_write_atomic(pin, b.s, b.len, 0600, NULL), 0);
    append(&m, "two");
    assert_int_equal(pb_record_verify(&check, &m.record, pins, &err), 0);
    assert_int_equal(check.log.pins, 2);
    assert_int_equal(check.log.pinned, 2);
    assert_int_equal(check.log.now.size, 3);
    assert_int_equal(pb_fs_write_atomic(bad, "x\n", 2, 0600, NULL), 0);
    assert_refused(pb_record_verify(&check, &m.record, wrong, &err), &err, "is not a checkpoint");
    leave(&m);
    assert_int_equal(run_sh("git -C one update-ref -d refs/plumb/ledger/here"), 0);
}

static void test_a_new_machine_takes_it_up_again(void **state)
{
    struct machine m = at("one", "d", pushed), n;
    struct pb_record_check check;
    struct pb_err err = PB_ERR_INIT;
    struct pb_anchored a;

    (void)state;
    append(&m, "one");
    a = anchor(&m);
    assert_true(a.pushed);
    assert_int_equal(run_sh("test \"$(git -C remote.git rev-parse refs/plumb/ledger/here)\" = "
                            "\"$(git -C one rev-parse refs/plumb/ledger/here)\""),
                     0);
    leave(&m);
    n = at("two", "e", pushed); /* the same name, an empty machine */
    append(&n, "two");
    assert_entries(&n, "here:ledger.begin here:one here:two ");
    a = anchor(&n);
    assert_int_equal(a.checkpoint.size, 3);
    assert_true(a.pushed);
    leave(&n);
    m = at("one", "d", pushed); /* the old one is behind, and says so */
    append(&m, "three");
    assert_refused(pb_record_anchor(&a, &m.record, &err), &err, "was changed");
    assert_int_equal(pb_record_fetch(&m.record, &err), 0);
    assert_refused(pb_record_verify(&check, &m.record, NULL, &err), &err, "was changed");
    leave(&m);
}

static void test_two_ledgers_of_one_name(void **state)
{
    struct machine m =
        at("one", "g", (struct pb_config_ledger){.name = "same", .remote = "origin"});
    struct machine n;
    struct pb_err err = PB_ERR_INIT;
    struct pb_anchored a;

    (void)state;
    append(&m, "one");
    leave(&m);
    n = at("two", "h", (struct pb_config_ledger){.name = "same", .remote = "origin"});
    append(&n, "two");
    anchor(&n);
    leave(&n);
    m = at("one", "g", (struct pb_config_ledger){.name = "same", .remote = "origin"});
    assert_refused(pb_record_anchor(&a, &m.record, &err), &err, "set 'ledger: name:'");
    assert_non_null(strstr(err.msg, "another ledger"));
    leave(&m);
}

static void test_ledgers_of_others_are_read(void **state)
{
    struct machine m = at("one", "i", (struct pb_config_ledger){.name = "m", .remote = "origin"});
    struct machine n;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    append(&m, "one");
    anchor(&m);
    leave(&m);
    assert_int_equal(run_sh("git -C remote.git for-each-ref --format='delete %(refname)' "
                            "refs/plumb/ledger/here refs/plumb/ledger/same | "
                            "git -C remote.git update-ref --stdin"),
                     0);
    n = at("two", "k", (struct pb_config_ledger){.name = "n", .remote = "origin"});
    append(&n, "two");
    anchor(&n);
    assert_int_equal(pb_record_fetch(&n.record, &err), 0);
    assert_int_equal(run_sh("git -C two for-each-ref --format='delete %(refname)' "
                            "refs/plumb/ledger/here refs/plumb/ledger/same | "
                            "git -C two update-ref --stdin"),
                     0);
    assert_entries(&n, "n:ledger.begin n:two m:ledger.begin m:one ");
    leave(&n);
}

static void test_signatures(void **state)
{
    struct pb_config_ledger signing = {
        .name = "signed", .signing_key = "~/key", .allowed_signers = "signers"};
    struct pb_config_ledger plain = {.name = "signed", .allowed_signers = "signers"};
    struct machine m;
    struct pb_record_check check;
    struct pb_err err = PB_ERR_INIT;
    struct pb_anchored a;

    (void)state;
    if (run_sh("command -v ssh-keygen >/dev/null") != 0)
        skip();
    assert_int_equal(run_sh("ssh-keygen -q -t ed25519 -N '' -f key; "
                            "ssh-keygen -q -t ed25519 -N '' -f other; cd one; "
                            "echo \"ann@example.com $(cat ../key.pub)\" >signers; git add signers; "
                            "git commit -qm signers"),
                     0);
    m = at("one", "l", signing);
    append(&m, "one");
    a = anchor(&m);
    assert_true(a.signed_);
    assert_int_equal(pb_record_verify(&check, &m.record, NULL, &err), 0);
    assert_string_equal(check.signer, "ann@example.com");
    leave(&m);
    signing.signing_key = "~/other";
    m = at("one", "l", signing);
    append(&m, "two");
    anchor(&m);
    assert_refused(pb_record_verify(&check, &m.record, NULL, &err), &err, "not allowed");
    leave(&m);
    m = at("one", "l", plain); /* the signature of an earlier checkpoint does not stay */
    append(&m, "three");
    anchor(&m);
    assert_refused(pb_record_verify(&check, &m.record, NULL, &err), &err, "is not signed");
    leave(&m);
    signing.signing_key = "~/nowhere";
    m = at("one", "l", signing);
    append(&m, "four");
    assert_int_equal(pb_record_anchor(&a, &m.record, &err), -1);
    assert_non_null(strstr(err.msg, "cannot sign with"));
    leave(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_anchors_follow_one_another),
        cmocka_unit_test(test_a_log_that_was_rolled_back),
        cmocka_unit_test(test_pins_in_files),
        cmocka_unit_test(test_a_new_machine_takes_it_up_again),
        cmocka_unit_test(test_two_ledgers_of_one_name),
        cmocka_unit_test(test_ledgers_of_others_are_read),
        cmocka_unit_test(test_signatures),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
