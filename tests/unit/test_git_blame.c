#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "git/blame.h"
#include "git/history.h"
#include "tests/support/folder.h"
#include "tests/support/shell.h"
#include "tests/support/values.h"

/* Two blocks; one changed by a merged branch, both moved by what came above them. */
static const char script[] =
    "git init -q -b main .; git config user.name Ann; git config user.email ann@example.com\n"
    "c() { git add -A; git commit -qm \"$1\"; git tag \"$1\"; }\n"
    "printf 'a {\\n  x = 1\\n}\\nb {\\n  y = 1\\n}\\n' >f; c one\n"
    "git checkout -qb side; sed -i 's/y = 1/y = 2/' f; c side; git checkout -q main\n"
    "sed -i 's/x = 1/x = 2/' f; echo o >other; c two\n"
    "git merge -q side -m merge; git tag merge; sed -i '1i# up' f; c up\n"
    "git clone -q --depth 1 file://$PWD shallow\n";

static char *dir;
static struct pb_repo *repo;
static struct pb_blame *blame;
static char head[PB_OID_HEX];

static int setup(void **state)
{
    (void)state;
    dir = test_folder();
    setenv("HOME", dir, 1);
    setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
    if (test_sh(dir, script) || pb_repo_open(&repo, dir, 0, NULL) ||
        pb_repo_resolve(head, repo, "HEAD", NULL))
        return -1;
    blame = pb_blame_new(repo);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pb_blame_free(blame);
    pb_repo_free(repo);
    pb_fs_remove_tree(dir, NULL);
    free(dir);
    return 0;
}

static void assert_blame(unsigned first, unsigned last, const char *tag, unsigned want)
{
    char id[PB_OID_HEX], expected[PB_OID_HEX];
    unsigned line;
    bool found;

    assert_int_equal(pb_blame_lines(id, &line, &found, blame, head, "f", first, last, NULL), 0);
    assert_true(found);
    assert_int_equal(pb_repo_resolve(expected, repo, tag, NULL), 0);
    assert_string_equal(id, expected);
    assert_int_equal(line, want);
}

static void blame__follows_lines_through_merges_and_moves(void **state)
{
    (void)state;
    assert_blame(2, 4, "two", 3);
    assert_blame(5, 7, "side", 6);
    assert_blame(2, 2, "one", 2);
    assert_blame(1, 1, "up", 1);
}

static void blame__what_it_cannot_know(void **state)
{
    char id[PB_OID_HEX], *path = pb_fs_join(dir, "shallow");
    struct pb_repo *cut = NULL;
    struct pb_blame *b;
    unsigned line;
    bool found;

    (void)state;
    assert_int_equal(pb_blame_lines(id, &line, &found, blame, head, "f", 9, 12, NULL), 0);
    assert_false(found);
    assert_int_equal(pb_blame_lines(id, &line, &found, blame, head, "none", 1, 1, NULL), 0);
    assert_false(found);
    assert_int_equal(pb_repo_open(&cut, path, 0, NULL), 0);
    b = pb_blame_new(cut);
    assert_int_equal(pb_blame_lines(id, &line, &found, b, head, "f", 2, 4, NULL), 0);
    assert_false(found);
    pb_blame_free(b);
    pb_repo_free(cut);
    free(path);
}

static void blame__has(void **state)
{
    char one[PB_OID_HEX];

    (void)state;
    assert_int_equal(pb_repo_resolve(one, repo, "one", NULL), 0);
    assert_false(pb_blame_has(blame, one, head, "f", 2, 4));
    assert_true(pb_blame_has(blame, one, head, "f", 4, 5));
    assert_false(pb_blame_has(blame, one, head, "f", 0, 0));
}

static void history__changed_file(void **state)
{
    struct pb_strv other = PB_STRV_INIT, all = PB_STRV_INIT;
    char two[PB_OID_HEX], *file;

    (void)state;
    pb_strv_add(&other, "other");
    pb_strv_add(&all, "");
    assert_int_equal(pb_repo_resolve(two, repo, "two", NULL), 0);
    assert_int_equal(pb_history_changed_file(&file, repo, two, &other, NULL), 0);
    assert_string_equal(file, "other");
    free(file);
    assert_int_equal(pb_history_changed_file(&file, repo, two, &all, NULL), 0);
    assert_string_equal(file, "f");
    free(file);
    assert_int_equal(pb_history_changed_file(&file, repo, head, &other, NULL), 0);
    assert_null(file);
    pb_strv_release(&other);
    pb_strv_release(&all);
}

static void text__lines(void **state)
{
    (void)state;
    assert_string_equal(pb_text_line("a\nb\nc", 2), "b\nc");
    assert_null(pb_text_line("a\nb\n", 3));
    assert_true(pb_text_has_lines("x\na\nb\n", "a\nb", 3));
    assert_false(pb_text_has_lines("xa\nb\n", "a\nb", 3));
    assert_false(pb_text_has_lines("a\nbc\n", "a\nb", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blame__follows_lines_through_merges_and_moves),
        cmocka_unit_test(blame__what_it_cannot_know),
        cmocka_unit_test(blame__has),
        cmocka_unit_test(history__changed_file),
        cmocka_unit_test(text__lines),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
