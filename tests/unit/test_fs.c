#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

static char *dir; /* a fresh folder per test; TMPDIR points at it */

static int setup(void **state)
{
    char name[] = "/tmp/plumb-test-fs-XXXXXX";

    (void)state;
    if (!mkdtemp(name))
        return -1;
    dir = pb_strdup(name);
    return setenv("TMPDIR", dir, 1);
}

static int teardown(void **state)
{
    (void)state;
    pb_fs_remove_tree(dir, NULL);
    free(dir);
    return 0;
}

static char *in(const char *name)
{
    return pb_fs_join(dir, name);
}

static void put(const char *path, const char *text)
{
    assert_int_equal(pb_fs_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

static void fs__write_then_read(void **state)
{
    PB_AUTO(str) char *p = in("a");
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct stat st;

    (void)state;
    put(p, "old");
    assert_int_equal(pb_fs_write_atomic(p, "new\0x", 5, 0640, NULL), 0);
    assert_int_equal(pb_fs_read(&b, p, 100, NULL), 0);
    assert_int_equal(b.len, 5);
    assert_memory_equal(b.s, "new\0x", 5);
    assert_int_equal(stat(p, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(st.st_nlink, 1);
}

static void fs__read_limit_is_exact(void **state)
{
    PB_AUTO(str) char *p = in("a");
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    put(p, "12345");
    assert_int_equal(pb_fs_read(&b, p, 5, &err), 0);
    assert_int_equal(pb_fs_read(&b, p, 4, &err), -1);
    assert_non_null(strstr(err.msg, "larger than the limit of 4 bytes"));
    assert_int_equal(b.len, 0);
    /* No size is known in /proc: the limit holds while reading. */
    assert_int_equal(pb_fs_read(&b, "/proc/self/status", 10, &err), -1);
    assert_int_equal(pb_fs_read(&b, "/proc/self/status", 100000, &err), 0);
    assert_true(b.len > 10);
}

/* Some of it is read to where it belongs, some by way of a smaller place. */
static void fs__reads_files_of_any_size(void **state)
{
    static const size_t sizes[] = {1, 4094, 4095, 4096, 4097, 65535, 65536, 200001};
    PB_AUTO(str) char *p = in("a");
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT, b = PB_BUF_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        while (text.len < sizes[i])
            pb_buf_addc(&text, (char)('a' + text.len * 7 % 23));
        assert_int_equal(pb_fs_write_atomic(p, text.s, text.len, 0600, NULL), 0);
        assert_int_equal(pb_fs_read(&b, p, sizes[i], NULL), 0);
        assert_int_equal(b.len, sizes[i]);
        assert_string_equal(b.s, text.s);
        assert_int_equal(pb_fs_read(&b, p, sizes[i] - 1, NULL), -1);
        pb_buf_release(&b);
    }
}

static void fs__missing_file_says_so(void **state)
{
    PB_AUTO(str) char *p = in("none");
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    assert_int_equal(pb_fs_read(&b, p, 5, &err), -1);
    assert_int_equal(err.sys, ENOENT);
    assert_non_null(strstr(err.msg, p));
}

static void fs__mkdirs(void **state)
{
    PB_AUTO(str) char *p = in("a/b//c/");
    PB_AUTO(str) char *file = in("f");
    PB_AUTO(str) char *below = in("f/x");
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    assert_int_equal(pb_fs_mkdirs(p, 0700, NULL), 0);
    assert_int_equal(pb_fs_mkdirs(p, 0700, NULL), 0);
    assert_true(pb_fs_is_dir(p));
    put(file, "");
    assert_int_equal(pb_fs_mkdirs(below, 0700, &err), -1);
    assert_int_equal(err.sys, ENOTDIR);
}

static void fs__remove_tree_does_not_follow_links(void **state)
{
    PB_AUTO(str) char *kept = in("kept");
    PB_AUTO(str) char *file = in("kept/file");
    PB_AUTO(str) char *tree = in("tree");
    PB_AUTO(str) char *deep = in("tree/x/y");
    PB_AUTO(str) char *link = in("tree/x/link");
    PB_AUTO(str) char *toplink = in("toplink");

    (void)state;
    assert_int_equal(pb_fs_mkdirs(kept, 0700, NULL), 0);
    put(file, "");
    assert_int_equal(pb_fs_mkdirs(deep, 0700, NULL), 0);
    assert_int_equal(symlink(kept, link), 0);
    assert_int_equal(symlink(kept, toplink), 0);
    assert_int_equal(chmod(deep, 0), 0);
    assert_int_equal(pb_fs_remove_tree(tree, NULL), 0);
    assert_int_equal(pb_fs_remove_tree(toplink, NULL), 0);
    assert_int_equal(pb_fs_remove_tree(tree, NULL), 0);
    assert_false(pb_fs_exists(tree));
    assert_true(pb_fs_exists(file));
}

static void fs__join(void **state)
{
    static const char *const rows[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"a//", "b", "a/b"}, {"/", "b", "/b"},
        {"a", "/b", "/b"}, {"", "b", "b"},     {"a", "", "a"},      {"/", "", "/"},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        PB_AUTO(str) char *s = pb_fs_join(rows[i][0], rows[i][1]);
        assert_string_equal(s, rows[i][2]);
    }
}

static void fs__cache_dir_order(void **state)
{
    PB_AUTO(str) char *x = in("xdg");
    PB_AUTO(str) char *o = in("own");
    char *got = NULL;
    struct stat st;

    (void)state;
    unsetenv("PLUMB_CACHE_DIR");
    setenv("HOME", dir, 1);
    setenv("XDG_CACHE_HOME", "relative", 1); /* as if it were not set */
    assert_int_equal(pb_fs_cache_dir(&got, NULL), 0);
    assert_string_equal(got + strlen(dir), "/.cache/plumb");
    assert_int_equal(stat(got, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    free(got);
    setenv("XDG_CACHE_HOME", x, 1);
    assert_int_equal(pb_fs_cache_dir(&got, NULL), 0);
    assert_string_equal(got + strlen(dir), "/xdg/plumb");
    free(got);
    setenv("PLUMB_CACHE_DIR", o, 1);
    assert_int_equal(pb_fs_cache_dir(&got, NULL), 0);
    assert_string_equal(got, o);
    free(got);
}

static void work__is_private_and_removed(void **state)
{
    char *a = NULL, *b = NULL;
    struct stat st;

    (void)state;
    assert_int_equal(pb_work_new(&a, NULL), 0);
    assert_int_equal(pb_work_new(&b, NULL), 0);
    assert_int_equal(strncmp(a, dir, strlen(dir)), 0);
    assert_int_equal(stat(a, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    pb_work_remove(a);
    assert_false(pb_fs_exists(a));
    assert_true(pb_fs_exists(b));
    pb_work_remove(dir); /* not an area: untouched */
    assert_true(pb_fs_exists(dir));
    pb_work_remove_all();
    assert_false(pb_fs_exists(b));
    pb_work_remove(NULL);
    free(a);
    free(b);
}

/* Runs in a process of its own: makes an area and dies without cleaning up. */
static int leave_area(void)
{
    char *a = NULL;
    int ws = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(pb_work_new(&a, NULL) ? 1 : 0);
    waitpid(pid, &ws, 0);
    return ws;
}

/* The next process: removes the dead ones', keeps those of the living, then removes its own. */
static void make_and_remove_areas(void)
{
    char *a = NULL;
    int ws = 0;
    pid_t pid = fork();

    if (pid == 0) {
        int bad = pb_work_new(&a, NULL);
        pb_work_remove_all();
        _exit(bad ? 1 : 0);
    }
    waitpid(pid, &ws, 0);
    assert_int_equal(ws, 0);
}

static size_t count_areas(void)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    size_t n = 0;

    while ((e = readdir(d)))
        n += strncmp(e->d_name, "plumb-work-", 11) == 0;
    closedir(d);
    return n;
}

static void work__stale_areas_go_living_ones_stay(void **state)
{
    char *mine = NULL;

    (void)state;
    assert_int_equal(pb_work_new(&mine, NULL), 0);
    assert_int_equal(leave_area(), 0);
    assert_int_equal(count_areas(), 2);
    make_and_remove_areas();
    assert_int_equal(count_areas(), 1);
    assert_true(pb_fs_exists(mine));
    pb_work_remove(mine);
    free(mine);
}

/* Either mark is enough to keep an area: see work.c. */
static void work__one_mark_keeps_an_area(void **state)
{
    PB_AUTO(str) char *locked = in("plumb-work-999999999-1-aaaaaa");
    PB_AUTO(str) char *named = NULL;
    PB_AUTO(fd) int fd = -1;
    char *mine = NULL;
    const char *mark;

    (void)state;
    assert_int_equal(pb_work_new(&mine, NULL), 0);
    mark = strstr(mine, "plumb-work-");
    named = pb_asprintf("%s/%.*s-bbbbbb", dir, (int)(strlen(mark) - 7), mark); /* without a lock */
    assert_int_equal(mkdir(named, 0700), 0);
    assert_int_equal(mkdir(locked, 0700), 0);
    fd = open(locked, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    make_and_remove_areas();
    assert_true(pb_fs_exists(locked));
    assert_true(pb_fs_exists(named));
    pb_work_remove(mine);
    free(mine);
}

static bool there(const char *name)
{
    PB_AUTO(str) char *path = in(name);

    return pb_fs_exists(path);
}

/* `age` seconds ago. */
static void put_old(const char *name, size_t bytes, time_t age)
{
    PB_AUTO(str) char *path = in(name), *text = pb_calloc(1, bytes + 1);
    struct timespec at[2] = {{.tv_sec = time(NULL) - age}, {.tv_sec = time(NULL) - age}};

    assert_int_equal(pb_fs_write_atomic(path, text, bytes, 0600, NULL), 0);
    assert_int_equal(utimensat(AT_FDCWD, path, at, 0), 0);
}

static void fs__what_was_used_longest_ago_goes(void **state)
{
    PB_AUTO(str) char *used = in("c"), *folder = in("folder"), *link = in("link");

    (void)state;
    put_old("a", 10, 40);
    put_old("b", 10, 30);
    put_old("c", 10, 50);
    put_old("d", 10, 20);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(symlink("a", link), 0);
    pb_fs_trim(dir, 4, 40);
    assert_true(there("a") && there("b") && there("c") && there("d"));
    pb_fs_used(used);
    pb_fs_trim(dir, 3, 40);
    assert_true(!there("a") && there("b") && there("c") && there("d"));
    pb_fs_trim(dir, 3, 29);
    assert_true(!there("b") && there("c") && there("d"));
    /* One that is larger than all may be is still of use. */
    pb_fs_trim(dir, 3, 1);
    assert_true(there("c") && !there("d") && there("folder"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fs__write_then_read, setup, teardown),
        cmocka_unit_test_setup_teardown(fs__read_limit_is_exact, setup, teardown),
        cmocka_unit_test_setup_teardown(fs__reads_files_of_any_size, setup, teardown),
        cmocka_unit_test_setup_teardown(fs__missing_file_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(fs__mkdirs, setup, teardown),
        cmocka_unit_test_setup_teardown(fs__remove_tree_does_not_follow_links, setup, teardown),
        cmocka_unit_test_setup_teardown(fs__join, setup, teardown),
        cmocka_unit_test_setup_teardown(fs__what_was_used_longest_ago_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(fs__cache_dir_order, setup, teardown),
        cmocka_unit_test_setup_teardown(work__is_private_and_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(work__stale_areas_go_living_ones_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(work__one_mark_keeps_an_area, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
