/* Where libgit2's functions are, once it is loaded. */
#define PB_GIT2_NAMES_ONLY
#include "git/git2.h"

#include <dlfcn.h>
#include <pthread.h>

#define LIBGIT2 "libgit2.so." LIBGIT2_SOVERSION /* the one whose structures were compiled in */

struct pb_git2 pb_git2;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct pb_err problem;

static void load(void)
{
    void *lib = dlopen(LIBGIT2, RTLD_LAZY | RTLD_LOCAL);
    const char *missing = NULL;

    if (!lib) {
        pb_fail(&problem, PB_E_INTERNAL, "cannot load libgit2: %s: install Debian's libgit2-%s",
                dlerror(), LIBGIT2_SOVERSION);
        return;
    }
#define FIND(name)                                              \
    pb_git2.name = (__typeof__(pb_git2.name))dlsym(lib, #name); \
    if (!pb_git2.name)                                          \
        missing = #name;
    PB_GIT2_FUNCTIONS(FIND)
    if (missing)
        pb_fail(&problem, PB_E_INTERNAL, "'%s' is not the one plumb was built with: it has no %s",
                LIBGIT2, missing);
}

int pb_git2_load(struct pb_err *err)
{
    pthread_once(&once, load);
    if (problem.cls == PB_E_NONE)
        return 0;
    if (err)
        *err = problem;
    return -1;
}
