#include "tests/support/folder.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"

char *test_folder(void)
{
    const char *tmp = getenv("TMPDIR");
    char *path = pb_asprintf("%s/plumb-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");

    if (!mkdtemp(path))
        BUG("cannot make a folder for the test at '%s'", path);
    return path;
}
