/*
 * The name checker: whatever it lets through must be one plain component, and a name that it
 * refuses stays refused when characters that HFS+ drops are put into it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "git/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[1024];
    const char *problem;

    if (size > 200)
        size = 200;
    memcpy(name, data, size);
    name[size] = '\0';
    problem = pb_git_name_problem(name, size);
    if (!problem) {
        if (size == 0 || strlen(name) != size || strchr(name, '/') || strchr(name, '\\') ||
            strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcasecmp(name, ".git") == 0)
            abort();
        return 0;
    }
    if (strcmp(problem, "is a spelling of '.git'") == 0) {
        memmove(name + 5, name + 2, size - 1);
        memcpy(name + 2, "\xe2\x80\x8d", 3);
        /* It may have split a character that was dropped itself; then it proves nothing. */
        if ((unsigned char)data[0] < 0x80 && (unsigned char)data[1] < 0x80 &&
            !pb_git_name_problem(name, size + 3))
            abort();
    }
    return 0;
}
