#include "base/data.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/fs.h"
#include "base/mem.h"
#include "paths.h"

char *pb_data_path(const char *name)
{
    static const char *const beside[] = {"../share/plumb", "..",          "../..",
                                         "../../..",       "../../../..", "../../../../.."};
    const char *env = getenv("PLUMB_DATA_DIR");
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    char *slash;

    if (env && *env)
        return pb_fs_join(env, name);
    exe[n > 0 ? n : 0] = '\0';
    slash = strrchr(exe, '/');
    if (slash)
        *slash = '\0';
    for (size_t i = 0; slash && i < PB_COUNT(beside); i++) {
        PB_AUTO(str) char *path = pb_asprintf("%s/%s/%s", exe, beside[i], name);

        if (pb_fs_exists(path))
            return pb_take(&path);
    }
    return pb_asprintf("%s/%s", PLUMB_DATADIR, name);
}
