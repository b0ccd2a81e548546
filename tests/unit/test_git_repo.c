#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "git/history.h"
#include "git/repo.h"
#include "git/tree.h"
#include "tests/support/folder.h"
#include "tests/support/shell.h"

static char *dir; /* a clone with a few commits */
static struct pb_repo *repo;

static int run_sh(const char *script)
{
    return test_sh(dir, script);
}

static int setup(void **state)
{
    PB_AUTO(str) char *clone = NULL;

    (void)state;
    dir = test_folder();
    if (run_sh("git init -q -b main clone; cd clone; git remote add origin "
               "https://ann:secret@example.com/x.git; git config branch.main.remote origin; "
               "git config branch.main.merge refs/heads/trunk; mkdir -p a/deep b shared; "
               "echo 1 >a/f; echo 1 >b/f; echo s >shared/s; ln -s ../shared/s a/s; "
               "git add -A; git commit -qm 'one: first'; "
               "echo 2 >a/f; git commit -qam 'two: change a'; git tag -am t v1; "
               "git checkout -qb side; echo 2 >b/f; git commit -qam 'three: change b aside'; "
               "git checkout -q main; echo x >c; git add c; git commit -qm 'four: add c'; "
               "git merge -q --no-ff -m 'five: merge' side; git update-ref "
               "refs/remotes/origin/main HEAD~1"))
        return -1;
    clone = pb_fs_join(dir, "clone");
    return pb_repo_open(&repo, clone, 0, NULL);
}

static int teardown(void **state)
{
    (void)state;
    pb_repo_free(repo);
    repo = NULL;
    pb_fs_remove_tree(dir, NULL);
    free(dir);
    return 0;
}

static void resolve(char id[PB_OID_HEX], const char *rev)
{
    struct pb_err err = PB_ERR_INIT;

    if (pb_repo_resolve(id, repo, rev, &err))
        fail_msg("%s", err.msg);
}

static void summary_is(const char *rev, const char *summary)
{
    PB_AUTO(commit) struct pb_commit c = {0};
    char id[PB_OID_HEX];

    resolve(id, rev);
    assert_int_equal(pb_repo_commit(&c, repo, id, NULL), 0);
    assert_string_equal(c.summary, summary);
    assert_string_equal(c.author, "Ann");
    assert_int_equal(c.time, 1767323045);
}

static void repo__resolves_revisions(void **state)
{
    struct pb_err err = PB_ERR_INIT;
    char id[PB_OID_HEX];

    (void)state;
    summary_is("HEAD", "five: merge");
    summary_is("HEAD~2", "two: change a");
    summary_is("v1", "two: change a");
    summary_is("side", "three: change b aside");
    summary_is("origin/main", "four: add c");
    assert_int_equal(pb_repo_resolve(id, repo, "nothing", &err), -1);
    assert_non_null(strstr(err.msg, "revision 'nothing' is not in this repository"));
    assert_int_equal(pb_repo_resolve(id, repo, "HEAD:a", &err), -1);
    assert_non_null(strstr(err.msg, "is not a commit"));
}

static void repo__is_found_from_below_worktrees_and_bare(void **state)
{
    static const char *const places[] = {"clone/a/deep", "linked/a", "bare.git"};

    (void)state;
    assert_int_equal(run_sh("git -C clone worktree add -q ../linked v1; "
                            "git clone -q --bare clone bare.git"),
                     0);
    setenv("GIT_DIR", "/nonexistent", 1); /* not ours to honour */
    for (size_t i = 0; i < PB_COUNT(places); i++) {
        PB_AUTO(str) char *p = pb_fs_join(dir, places[i]);
        PB_AUTO(repo) struct pb_repo *r = NULL;
        PB_AUTO(commit) struct pb_commit c = {0};
        struct pb_err err = PB_ERR_INIT;
        char id[PB_OID_HEX];
        if (pb_repo_open(&r, p, 0, &err) || pb_repo_resolve(id, r, "HEAD", &err) ||
            pb_repo_commit(&c, r, id, &err))
            fail_msg("%s", err.msg);
        assert_string_equal(c.summary, i == 1 ? "two: change a" : "five: merge");
        assert_int_equal(pb_repo_workdir(r) == NULL, i == 2);
    }
    unsetenv("GIT_DIR");
}

static void repo__none_here(void **state)
{
    struct pb_repo *r = NULL;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    assert_int_equal(pb_repo_open(&r, dir, 0, &err), -1);
    assert_int_equal(err.cls, PB_E_GIT);
    assert_non_null(strstr(err.msg, "is in no git repository"));
}

static void repo__of_another_user_is_refused_with_a_remedy(void **state)
{
    PB_AUTO(str) char *p = pb_fs_join(dir, "clone");
    struct pb_repo *r = NULL;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    if (geteuid() != 0)
        skip();
    setenv("HOME", dir, 1);
    assert_int_equal(run_sh("chown -R 65534 clone"), 0);
    assert_int_equal(pb_repo_open(&r, p, 0, &err), -1);
    if (!strstr(err.msg, "safe.directory"))
        fail_msg("%s", err.msg);
}

static void repo__path_of_the_work_tree(void **state)
{
    PB_AUTO(str) char *in = pb_fs_join(dir, "clone/a/../a/deep");
    PB_AUTO(str) char *top = pb_fs_join(dir, "clone");
    char *got = NULL;

    (void)state;
    assert_int_equal(pb_repo_path(&got, repo, in, NULL), 0);
    assert_string_equal(got, "a/deep");
    free(got);
    assert_int_equal(pb_repo_path(&got, repo, top, NULL), 0);
    assert_string_equal(got, "");
    free(got);
    assert_int_equal(pb_repo_path(&got, repo, dir, NULL), -1);
}

static void dirty_is(const char *path, const char *expected)
{
    char *first = NULL;

    assert_int_equal(pb_repo_dirty(&first, repo, path, NULL, NULL), 0);
    if (expected)
        assert_string_equal(first, expected);
    else
        assert_null(first);
    free(first);
}

static void repo__dirty_under_a_path(void **state)
{
    (void)state;
    dirty_is("", NULL);
    assert_int_equal(run_sh("echo new >clone/a/new"), 0);
    dirty_is("", "a/new");
    dirty_is("a", "a/new");
    dirty_is("b", NULL);
    assert_int_equal(run_sh("echo changed >clone/b/f"), 0);
    dirty_is("b", "b/f");
    assert_int_equal(run_sh("cd clone; git add -A"), 0);
    dirty_is("b", "b/f");
}

static bool is_left(const char *path)
{
    return strstr(path, "left") != NULL;
}

static void repo__what_a_tool_leaves_is_not_dirty_unless_committed(void **state)
{
    char *first;

    (void)state;
    assert_int_equal(run_sh("cd clone; echo x >a/left; mkdir left; echo x >left/file"), 0);
    assert_int_equal(pb_repo_dirty(&first, repo, "", is_left, NULL), 0);
    assert_null(first);
    dirty_is("", "a/left");
    assert_int_equal(run_sh("cd clone; echo new >z"), 0);
    assert_int_equal(pb_repo_dirty(&first, repo, "", is_left, NULL), 0);
    assert_string_equal(first, "z");
    free(first);
    assert_int_equal(run_sh("cd clone; rm z; git add a/left"), 0);
    assert_int_equal(pb_repo_dirty(&first, repo, "", is_left, NULL), 0);
    assert_string_equal(first, "a/left");
    free(first);
}

static void repo__branch_and_remote(void **state)
{
    struct pb_branch b;

    (void)state;
    assert_int_equal(pb_repo_branch(&b, repo, NULL), 0);
    assert_string_equal(b.name, "main");
    assert_string_equal(b.remote, "origin");
    assert_string_equal(b.merge, "trunk");
    assert_string_equal(b.remote_url, "https://example.com/x.git");
    pb_branch_release(&b);
    assert_int_equal(run_sh("cd clone; git checkout -q v1"), 0);
    assert_int_equal(pb_repo_branch(&b, repo, NULL), 0);
    assert_null(b.name);
    assert_string_equal(b.remote_url, "https://example.com/x.git"); /* of origin */
    pb_branch_release(&b);
    assert_int_equal(run_sh("cd clone; git remote remove origin"), 0);
    assert_int_equal(pb_repo_branch(&b, repo, NULL), 0);
    assert_null(b.remote);
    assert_null(b.remote_url);
    pb_branch_release(&b);
}

/* As git does: the longest start that fits is replaced. */
static void repo__spellings_of_a_url(void **state)
{
    static const char *const same[][6] = {
        {"git.example/infra/shop", "https://git.example/infra/shop.git",
         "git@git.example:infra/shop.git", "ssh://git@Git.Example:22/infra/shop/",
         "HTTPS://git.example:443/infra/shop", "git.example:/infra/shop"},
        {"git.example:7999/shop", "ssh://git@git.example:7999/shop.git",
         "https://GIT.example:7999/shop"},
        {"ann@git.example/~/shop", "ann@git.example:shop.git", "ssh://ann@git.example/~/shop"},
        {"bob@git.example/~/shop", "bob@git.example:shop"},
        {"git.example/~/shop", "git.example:shop"},
        {"git.example/shop", "git.example:/shop", "ssh://ann@git.example/shop"},
        {"/srv/git/shop.git", "file:///srv/git/shop.git", "/srv/git/shop.git/"},
        {"/srv/git/shop", "/srv/git/shop"},
        {"git.example/Infra/.git", "https://git.example/Infra/.git"},
        {"git.example:22/x", "https://git.example:22/x"},
        {"./a:b/x", "./a:b/x"},
        {"/", "/"},
        {"git.example/", "https://git.example"},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(same); i++)
        for (size_t k = 1; k < PB_COUNT(same[i]) && same[i][k]; k++) {
            PB_AUTO(str) char *key = pb_repo_url_key(same[i][k]);

            assert_string_equal(key, same[i][0]);
        }
}

static void repo__remote_under_another_name(void **state)
{
    struct pb_branch b;

    (void)state;
    assert_int_equal(run_sh("cd clone; git remote set-url origin ex:team/x.git; "
                            "git config url.https://one.example/.insteadOf ex:; "
                            "git config url.https://ann:pw@Two.example/t/.insteadOf ex:team/; "
                            "git config url.https://three.example/.insteadOf ex:tea; "
                            "git config url.https://four.example/.pushInsteadOf ex:team/x; "
                            "printf '[no]\\n\\tvalue\\n' >>.git/config"),
                     0);
    assert_int_equal(pb_repo_branch(&b, repo, NULL), 0);
    assert_string_equal(b.remote_url, "https://Two.example/t/x.git");
    pb_branch_release(&b);
}

/* ---- tree -------------------------------------------------------------------------------- */

static int list(void *ctx, const char *path, const struct pb_tree_entry *e, size_t n,
                struct pb_err *err)
{
    struct pb_buf *b = ctx;

    (void)err;
    pb_buf_addf(b, "[%s]", path);
    for (size_t i = 0; i < n; i++)
        pb_buf_addf(b, " %s:%d", e[i].name, (int)e[i].kind);
    pb_buf_addc(b, '\n');
    return 0;
}

static void tree__walk(void **state)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    char id[PB_OID_HEX];

    (void)state;
    resolve(id, "HEAD");
    assert_int_equal(pb_tree_walk(repo, id, "", list, &b, NULL), 0);
    assert_string_equal(b.s, "[] a:3 b:3 c:0 shared:3\n[a] f:0 s:2\n[b] f:0\n[shared] s:0\n");
    pb_buf_clear(&b);
    assert_int_equal(pb_tree_walk(repo, id, "a", list, &b, NULL), 0);
    assert_string_equal(b.s, "[a] f:0 s:2\n");
}

static void tree__read_follows_links_inside(void **state)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;
    char id[PB_OID_HEX];

    (void)state;
    resolve(id, "HEAD");
    assert_int_equal(pb_tree_read(&b, repo, id, "a/f", 10, NULL), 0);
    assert_string_equal(b.s, "2\n");
    assert_int_equal(pb_tree_read(&b, repo, id, "a/s", 10, NULL), 0);
    assert_string_equal(b.s, "s\n");
    assert_int_equal(pb_tree_read(&b, repo, id, "a/f", 1, &err), -1);
    assert_non_null(strstr(err.msg, "limit of 1 bytes"));
    assert_int_equal(pb_tree_read(&b, repo, id, "a/none", 10, &err), -1);
    assert_int_equal(err.sys, ENOENT);
    assert_int_equal(pb_tree_read(&b, repo, id, "a", 10, &err), -1);
}

static void key(char out[PB_SHA256_HEX], const char *rev, const char *p1, const char *p2)
{
    PB_AUTO(strv) struct pb_strv paths = PB_STRV_INIT;
    char id[PB_OID_HEX];

    resolve(id, rev);
    pb_strv_add(&paths, p1);
    if (p2)
        pb_strv_add(&paths, p2);
    assert_int_equal(pb_tree_key(out, repo, id, &paths, NULL), 0);
}

static void tree__key_changes_with_what_is_in_reach(void **state)
{
    char one[PB_SHA256_HEX], two[PB_SHA256_HEX];

    (void)state;
    key(one, "HEAD", "a", NULL);
    key(two, "v1", "a", NULL);
    assert_string_equal(one, two); /* a is the same in both */
    key(two, "v1~1", "a", NULL);
    assert_string_not_equal(one, two);
    key(one, "HEAD", "a", "b");
    key(two, "HEAD", "b", "a");
    assert_string_equal(one, two);
    key(two, "HEAD", "b", "none");
    assert_string_not_equal(one, two);
    assert_int_equal(run_sh("cd clone; echo new >shared/s; git commit -qam 'six: shared'"), 0);
    key(one, "HEAD~1", "a", NULL);
    key(two, "HEAD", "a", NULL);
    assert_string_not_equal(one, two); /* through the link a/s */
    key(one, "HEAD~1", "a/s", NULL);
    key(two, "HEAD", "a/s", NULL);
    assert_string_not_equal(one, two); /* of which only the target changed */
}

/* ---- history ----------------------------------------------------------------------------- */

static void last_change_is(const char *path, const char *summary)
{
    PB_AUTO(commit) struct pb_commit c = {0};
    char id[PB_OID_HEX];
    bool found;

    resolve(id, "HEAD");
    assert_int_equal(pb_history_last_change(&c, &found, repo, id, path, 0, NULL), 0);
    assert_int_equal(found, summary != NULL);
    if (summary)
        assert_string_equal(c.summary, summary);
}

static void history__last_change(void **state)
{
    PB_AUTO(commit) struct pb_commit c = {0};
    char id[PB_OID_HEX];
    bool found;

    (void)state;
    last_change_is("a", "two: change a");
    last_change_is("a/f", "two: change a");
    last_change_is("b", "three: change b aside"); /* not the merge */
    last_change_is("c", "four: add c");
    last_change_is("shared/s", "one: first");
    last_change_is("none", NULL);
    resolve(id, "HEAD");
    assert_int_equal(pb_history_last_change(&c, &found, repo, id, "shared", 2, NULL), 0);
    assert_false(found);
}

static void history__ancestry(void **state)
{
    char head[PB_OID_HEX], v1[PB_OID_HEX], side[PB_OID_HEX], four[PB_OID_HEX];
    bool yes;

    (void)state;
    resolve(head, "HEAD");
    resolve(v1, "v1");
    resolve(side, "side");
    resolve(four, "HEAD~1");
    assert_int_equal(pb_history_is_ancestor(&yes, repo, v1, head, NULL), 0);
    assert_true(yes);
    assert_int_equal(pb_history_is_ancestor(&yes, repo, head, v1, NULL), 0);
    assert_false(yes);
    assert_int_equal(pb_history_is_ancestor(&yes, repo, head, head, NULL), 0);
    assert_true(yes);
    assert_int_equal(pb_history_is_ancestor(&yes, repo, side, four, NULL), 0);
    assert_false(yes);
}

static void history__a_shallow_clone_is_never_a_no(void **state)
{
    PB_AUTO(str) char *p = pb_fs_join(dir, "shallow");
    PB_AUTO(repo) struct pb_repo *r = NULL;
    PB_AUTO(commit) struct pb_commit c = {0};
    struct pb_err err = PB_ERR_INIT;
    char head[PB_OID_HEX], v1[PB_OID_HEX];
    bool yes, found;

    (void)state;
    resolve(v1, "v1");
    assert_int_equal(run_sh("git clone -q --depth 1 file://$PWD/clone shallow"), 0);
    assert_int_equal(pb_repo_open(&r, p, 0, NULL), 0);
    assert_int_equal(pb_repo_resolve(head, r, "HEAD", NULL), 0);
    assert_int_equal(pb_history_last_change(&c, &found, r, head, "a", 0, &err), 0);
    assert_false(found);
    assert_int_equal(pb_history_is_ancestor(&yes, r, v1, head, &err), -1);
    assert_false(yes);
    /* Both are there, and what connects them is not. */
    assert_int_equal(run_sh("git -C shallow fetch -q --depth 1 origin tag v1"), 0);
    assert_int_equal(pb_history_is_ancestor(&yes, r, v1, head, &err), -1);
    assert_false(yes);
    assert_non_null(strstr(err.msg, "git fetch --unshallow"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(repo__resolves_revisions),
        T(repo__is_found_from_below_worktrees_and_bare),
        T(repo__none_here),
        T(repo__path_of_the_work_tree),
        T(repo__dirty_under_a_path),
        T(repo__what_a_tool_leaves_is_not_dirty_unless_committed),
        T(repo__branch_and_remote),
        cmocka_unit_test(repo__spellings_of_a_url),
        T(repo__remote_under_another_name),
        T(tree__walk),
        T(tree__read_follows_links_inside),
        T(tree__key_changes_with_what_is_in_reach),
        T(history__last_change),
        T(history__ancestry),
        T(history__a_shallow_clone_is_never_a_no),
        T(repo__of_another_user_is_refused_with_a_remedy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
