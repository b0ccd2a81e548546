#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "git/export.h"
#include "git/name.h"
#include "git/tree.h"
#include "tests/support/folder.h"

/* Repositories come from fixtures/hostile/make; tests run at the top of the source tree. */

static char *base; /* repo/, out/ and nothing else: what appears beside them has escaped */
static struct pb_repo *repo;
static char commit[PB_OID_HEX];

static int run(char *const *argv)
{
    PB_AUTO(str) char *path = pb_asprintf("PATH=%s", getenv("PATH"));
    char *env[] = {path, NULL};
    struct pb_child_spec spec = {.argv = argv, .env = env};
    struct pb_child_status st;
    struct pb_err err = PB_ERR_INIT;

    if (pb_child_run(&st, &spec, &err))
        fail_msg("%s", err.msg);
    return st.exited ? st.code : -1;
}

static void make(const char *kind)
{
    PB_AUTO(str) char *dir = pb_fs_join(base, "repo");
    PB_AUTO(str) char *k = pb_strdup(kind);
    char *argv[] = {(char[]){"fixtures/hostile/make"}, k, dir, NULL};
    struct pb_err err = PB_ERR_INIT;

    assert_int_equal(run(argv), 0);
    if (pb_repo_open(&repo, dir, 0, &err) || pb_repo_resolve(commit, repo, "main", &err))
        fail_msg("%s", err.msg);
}

static int setup(void **state)
{
    PB_AUTO(str) char *out = NULL;

    (void)state;
    base = test_folder();
    out = pb_fs_join(base, "out");
    return mkdir(out, 0700);
}

static int teardown(void **state)
{
    (void)state;
    pb_repo_free(repo);
    repo = NULL;
    pb_fs_remove_tree(base, NULL);
    free(base);
    return 0;
}

static char *in_out(const char *name)
{
    PB_AUTO(str) char *out = pb_fs_join(base, "out");

    return pb_fs_join(out, name);
}

static int export(struct pb_export *e, const struct pb_strv *paths, struct pb_err *err)
{
    PB_AUTO(str) char *out = in_out("");
    struct pb_export_spec spec = {.commit = commit, .dir = out, .paths = paths};

    return pb_export(e, repo, &spec, err);
}

static bool there(const char *name)
{
    PB_AUTO(str) char *p = in_out(name);
    struct stat st;

    return lstat(p, &st) == 0;
}

static void nothing_escaped(void)
{
    static const char *const places[] = {"PWNED", "outside", "repo/PWNED", "out/PWNED"};

    for (size_t i = 0; i < PB_COUNT(places); i++) {
        PB_AUTO(str) char *p = pb_fs_join(base, places[i]);
        if (pb_fs_exists(p))
            fail_msg("'%s' was written", p);
    }
}

/* ---- refused ----------------------------------------------------------------------------- */

static void refused(const char *kind, const char *what)
{
    struct pb_export e;
    struct pb_err err = PB_ERR_INIT;
    PB_AUTO(str) char *out = in_out("");

    make(kind);
    assert_int_equal(export(&e, NULL, &err), -1);
    assert_int_equal(err.cls, PB_E_REFUSED);
    if (!strstr(err.msg, what))
        fail_msg("'%s' lacks '%s'", err.msg, what);
    assert_non_null(strstr(err.msg, "refusing to export commit"));
    assert_int_equal(rmdir(out), 0); /* nothing was written at all */
    nothing_escaped();
}

#define REFUSED(name, kind, what)                    \
    static void export__refuses_##name(void **state) \
    {                                                \
        (void)state;                                 \
        refused(kind, what);                         \
    }

REFUSED(dotgit, "dotgit", "'.git' is a spelling of '.git'")
REFUSED(dotgit_case, "dotgit-case", "'.GIT' is a spelling of '.git'")
REFUSED(dotgit_stream, "dotgit-ntfs-stream", "INDEX_ALLOCATION' is a spelling of '.git'")
REFUSED(dotgit_short, "dotgit-ntfs-short", "'git~1' is a spelling of '.git'")
REFUSED(dotgit_trailing, "dotgit-trailing", "'.git. .' is a spelling of '.git'")
REFUSED(dotgit_hfs, "dotgit-hfs", "is a spelling of '.git'")
REFUSED(dotdot, "dotdot", "'..' steps out of its folder")
REFUSED(dot, "dot", "'.' steps out of its folder")
REFUSED(backslash, "backslash", "holds a path separator")
REFUSED(carriage_return, "carriage-return", "'main.tf\\x0d' holds a control character")
REFUSED(link_absolute, "link-absolute", "'link' is a link that is absolute")
REFUSED(link_up, "link-up", "'unit/link' is a link that leaves the repository")
REFUSED(link_chain, "link-chain", "'x/y/out' is a link that leaves the repository")
REFUSED(depth, "deep", "is nested too deeply")
REFUSED(bomb, "bomb", "one entry more than a commit may have")

static void export__same_name_twice_writes_through_no_link(void **state)
{
    struct pb_export e;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    make("link-then-file");
    assert_int_equal(export(&e, NULL, &err), -1);
    assert_true(err.msg[0] != '\0');
    nothing_escaped();
}

/* ---- exported ---------------------------------------------------------------------------- */

static void export__links_inside_stay_links(void **state)
{
    struct pb_export e;
    struct pb_err err = PB_ERR_INIT;
    PB_AUTO(str) char *link = in_out("unit/lib");
    char target[64] = {0};

    (void)state;
    make("link-inside");
    assert_int_equal(export(&e, NULL, &err), 0);
    assert_int_equal(e.links, 2);
    assert_int_equal(e.files, 2);
    assert_int_equal(e.dirs, 2);
    assert_int_equal(readlink(link, target, sizeof(target) - 1), 9);
    assert_string_equal(target, "../shared");
    pb_export_release(&e);
}

static void export__a_loop_of_links_is_harmless(void **state)
{
    struct pb_export e;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    make("link-loop");
    assert_int_equal(export(&e, NULL, &err), 0);
    pb_export_release(&e);
}

static void export__filters_and_line_endings_are_not_applied(void **state)
{
    struct pb_export e;
    struct pb_err err = PB_ERR_INIT;
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    PB_AUTO(str) char *p = in_out("main.tf");

    (void)state;
    make("filter");
    assert_int_equal(export(&e, NULL, &err), 0);
    assert_int_equal(pb_fs_read(&b, p, 1000, NULL), 0);
    assert_string_equal(b.s, "one\r\ntwo\n$Id$\n");
    nothing_escaped();
    pb_export_release(&e);
}

static void export__hooks_do_not_run(void **state)
{
    struct pb_export e;
    struct pb_err err = PB_ERR_INIT;
    char *dirty = NULL;

    (void)state;
    make("hooks");
    assert_int_equal(export(&e, NULL, &err), 0);
    assert_int_equal(pb_repo_dirty(&dirty, repo, "", NULL, &err), 0); /* asks no fsmonitor */
    free(dirty);
    nothing_escaped();
    pb_export_release(&e);
}

static void export__a_submodule_is_an_empty_folder(void **state)
{
    struct pb_export e;
    struct pb_err err = PB_ERR_INIT;
    PB_AUTO(str) char *sub = in_out("sub");

    (void)state;
    make("submodule");
    assert_int_equal(export(&e, NULL, &err), 0);
    assert_int_equal(e.submodules.n, 1);
    assert_string_equal(e.submodules.v[0], "sub");
    assert_int_equal(rmdir(sub), 0);
    nothing_escaped();
    pb_export_release(&e);
}

static void export__only_some_paths(void **state)
{
    struct pb_export e;
    struct pb_err err = PB_ERR_INIT;
    PB_AUTO(strv) struct pb_strv paths = PB_STRV_INIT;

    (void)state;
    make("link-inside");
    pb_strv_add(&paths, "unit");
    assert_int_equal(export(&e, &paths, &err), 0);
    assert_true(there("unit/main.tf"));
    assert_false(there("shared"));
    assert_false(there("main.tf"));
    pb_export_release(&e);
}

static void export__reach_adds_what_links_lead_to(void **state)
{
    struct pb_export e;
    struct pb_err err = PB_ERR_INIT;
    PB_AUTO(strv) struct pb_strv paths = PB_STRV_INIT;

    (void)state;
    make("link-inside");
    pb_strv_add(&paths, "unit");
    assert_int_equal(pb_tree_reach(&paths, repo, commit, &err), 0);
    assert_int_equal(paths.n, 2);
    assert_int_equal(export(&e, &paths, &err), 0);
    assert_true(there("shared/x.tf"));
    assert_false(there("main.tf"));
    pb_export_release(&e);
}

/* Two files of five bytes, two folders, two links: exactly that much is let through. */
static void export__limits(void **state)
{
    static const struct {
        struct pb_export_limits max;
        const char *says; /* NULL: it fits */
    } rows[] = {
        {{.bytes = 10, .file_size = 5, .entries = 6, .depth = 1}, NULL},
        {{.bytes = 9}, "'unit/main.tf' is where the commit becomes larger than it may be"},
        {{.file_size = 4}, "'shared/x.tf' is larger than a file may be"},
        {{.entries = 5}, "'unit/main.tf' is one entry more than a commit may have"},
    };

    (void)state;
    make("link-inside");
    for (size_t i = PB_COUNT(rows); i-- > 0;) {
        PB_AUTO(str) char *out = in_out("");
        struct pb_export_spec spec = {.commit = commit, .dir = out, .limits = rows[i].max};
        struct pb_err err = PB_ERR_INIT;
        struct pb_export e;
        int rc = pb_export(&e, repo, &spec, &err);

        if (rc != (rows[i].says ? -1 : 0) || (rc && !strstr(err.msg, rows[i].says)))
            fail_msg("row %zu: %d %s", i, rc, err.msg);
        assert_int_equal(there("main.tf"), rc == 0); /* nothing is written of what is refused */
        if (rc == 0)
            pb_export_release(&e);
    }
}

static void export__a_folder_that_is_not_empty_is_refused(void **state)
{
    struct pb_export e;
    struct pb_err err = PB_ERR_INIT;
    PB_AUTO(str) char *p = in_out("x");

    (void)state;
    make("link-inside");
    assert_int_equal(pb_fs_write_atomic(p, "", 0, 0600, NULL), 0);
    assert_int_equal(export(&e, NULL, &err), -1);
    assert_non_null(strstr(err.msg, "is not empty"));
}

static int verify(struct pb_err *err)
{
    PB_AUTO(str) char *out = in_out("");
    struct pb_export_spec spec = {.commit = commit, .dir = out};

    return pb_export_verify(repo, &spec, err);
}

static void write_over(const char *name, const char *text)
{
    PB_AUTO(str) char *p = in_out(name);

    assert_int_equal(pb_fs_write_atomic(p, text, strlen(text), 0600, NULL), 0);
}

static void export__what_was_tampered_with_is_noticed(void **state)
{
    struct pb_export e;
    struct pb_err err = PB_ERR_INIT;
    PB_AUTO(str) char *file = in_out("unit/main.tf");
    PB_AUTO(str) char *extra = in_out("unit/extra.tf");

    (void)state;
    make("link-inside");
    assert_int_equal(export(&e, NULL, &err), 0);
    pb_export_release(&e);
    assert_int_equal(verify(&err), 0);
    write_over("unit/main.tf", "EVIL\n"); /* the same size */
    assert_int_equal(verify(&err), -1);
    assert_non_null(strstr(err.msg, "'unit/main.tf' differs on disk"));
    write_over("unit/main.tf", "evil\n");
    assert_int_equal(verify(&err), 0);
    write_over("unit/extra.tf", "");
    assert_int_equal(verify(&err), -1);
    assert_non_null(strstr(err.msg, "'unit' differs on disk"));
    assert_int_equal(unlink(extra), 0);
    assert_int_equal(chmod(file, 0700), 0);
    assert_int_equal(verify(&err), -1);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(symlink("../shared/x.tf", file), 0);
    assert_int_equal(verify(&err), -1);
}

static void export__a_hundred_thousand_files(void **state)
{
    struct pb_export e;
    struct pb_err err = PB_ERR_INIT;
    struct statfs fs;
    int64_t start;

    (void)state;
    make("many");
    start = pb_clock_ms();
    assert_int_equal(export(&e, NULL, &err), 0);
    print_message("exported 100,000 files in %ld ms\n", (long)(pb_clock_ms() - start));
    assert_int_equal(e.files, 100000);
    assert_int_equal(e.dirs, 100);
    /* What a disk takes says nothing about plumb. */
    if (statfs(base, &fs) == 0 && fs.f_type == TMPFS_MAGIC)
        assert_true(pb_clock_ms() - start < 60000);
    pb_export_release(&e);
}

static void name__table(void **state)
{
    static const char *const bad[] = {
        "",
        ".",
        "..",
        "a/b",
        "a\\b",
        ".git",
        ".GIT",
        ".gIt.",
        ".git ",
        ".git::x",
        ".git...  ",
        "git~1",
        "GIT~12",
        "git~1.",
        "git~2:x",
        "\x7f",
        "a\nb",
        ".g\xe2\x80\x8cit",
        "\xef\xbb\xbf.git",
        ".gi\xe2\x81\xaft",
        ".git\xe2\x80\x8d",
    };
    static const char *const good[] = {
        "main.tf", ".gitignore",  ".gitattributes", ".gitmodules", ".github",
        "git",     "git~",        "git~1a",         "...",         "..a",
        "a..",     "caf\xc3\xa9", "\xff",           ".gitx:",
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(bad); i++)
        if (!pb_git_name_problem(bad[i], strlen(bad[i])))
            fail_msg("'%s' was let through", bad[i]);
    for (size_t i = 0; i < PB_COUNT(good); i++)
        if (pb_git_name_problem(good[i], strlen(good[i])))
            fail_msg("'%s' was refused", good[i]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(export__refuses_dotgit),
        T(export__refuses_dotgit_case),
        T(export__refuses_dotgit_stream),
        T(export__refuses_dotgit_short),
        T(export__refuses_dotgit_trailing),
        T(export__refuses_dotgit_hfs),
        T(export__refuses_dotdot),
        T(export__refuses_dot),
        T(export__refuses_backslash),
        T(export__refuses_carriage_return),
        T(export__refuses_link_absolute),
        T(export__refuses_link_up),
        T(export__refuses_link_chain),
        T(export__refuses_depth),
        T(export__refuses_bomb),
        T(export__same_name_twice_writes_through_no_link),
        T(export__links_inside_stay_links),
        T(export__a_loop_of_links_is_harmless),
        T(export__filters_and_line_endings_are_not_applied),
        T(export__hooks_do_not_run),
        T(export__a_submodule_is_an_empty_folder),
        T(export__only_some_paths),
        T(export__reach_adds_what_links_lead_to),
        T(export__limits),
        T(export__a_folder_that_is_not_empty_is_refused),
        T(export__what_was_tampered_with_is_noticed),
        T(export__a_hundred_thousand_files),
        cmocka_unit_test(name__table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
