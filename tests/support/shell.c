#include "tests/support/shell.h"

#include <stdlib.h>

#include "base/child.h"
#include "base/mem.h"
#include "tests/support/folder.h"

int test_sh(const char *dir, const char *script)
{
    PB_AUTO(str) char *path = pb_asprintf("PATH=%s", getenv("PATH"));
    PB_AUTO(str) char *home = pb_asprintf("HOME=%s", dir);
    PB_AUTO(str) char *s = pb_strdup(script);
    char *env[] = {path,
                   home,
                   (char[]){"GIT_CONFIG_NOSYSTEM=1"},
                   (char[]){"GIT_AUTHOR_NAME=Ann"},
                   (char[]){"GIT_AUTHOR_EMAIL=ann@example.com"},
                   (char[]){"GIT_COMMITTER_NAME=Ann"},
                   (char[]){"GIT_COMMITTER_EMAIL=ann@example.com"},
                   (char[]){"GIT_AUTHOR_DATE=2026-01-02T03:04:05Z"},
                   (char[]){"GIT_COMMITTER_DATE=2026-01-02T03:04:05Z"},
                   NULL};
    char *argv[] = {(char[]){"sh"}, (char[]){"-ec"}, s, NULL};
    struct pb_child_spec spec = {.argv = argv, .env = env, .dir = dir};
    struct pb_child_status st;

    if (pb_child_run(&st, &spec, NULL))
        return -1;
    return st.exited ? st.code : -1;
}

char *test_home(void)
{
    char *dir = test_folder();

    setenv("HOME", dir, 1);
    setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
    return dir;
}
