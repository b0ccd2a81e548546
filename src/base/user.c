#include "base/user.h"

#include "base/mem.h"

#include <pwd.h>
#include <unistd.h>

char *pb_user_name(void)
{
    char text[4096];
    struct passwd pw, *found = NULL;

    if (getpwuid_r(geteuid(), &pw, text, sizeof(text), &found) != 0 || !found)
        return pb_asprintf("%ld", (long)geteuid());
    return pb_strdup(found->pw_name);
}
