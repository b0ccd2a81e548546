#include "git/name.h"

#include <string.h>
#include <strings.h>

/* HFS+ drops these: U+200C-200F, U+202A-202E, U+206A-206F, U+FEFF. Returns their length. */
static size_t ignored(const unsigned char *s, size_t n)
{
    if (n < 3)
        return 0;
    if (s[0] == 0xe2 && s[1] == 0x80 &&
        ((s[2] >= 0x8c && s[2] <= 0x8f) || (s[2] >= 0xaa && s[2] <= 0xae)))
        return 3;
    if (s[0] == 0xe2 && s[1] == 0x81 && s[2] >= 0xaa && s[2] <= 0xaf)
        return 3;
    return s[0] == 0xef && s[1] == 0xbb && s[2] == 0xbf ? 3 : 0;
}

/* What follows ".git" and NTFS leaves out of the name: dots and spaces up to the end or to
 * a stream's name (".git::$INDEX_ALLOCATION"). */
static bool ends_here(const char *s)
{
    s += strspn(s, ". ");
    return *s == '\0' || *s == ':';
}

static bool is_dotgit(const char *name, size_t n)
{
    const unsigned char *s = (const unsigned char *)name;
    char plain[PB_GIT_NAME_MAX + 1];
    size_t used = 0;

    for (size_t i = 0; i < n;) {
        size_t skip = ignored(s + i, n - i);
        if (skip == 0)
            plain[used++] = name[i++];
        i += skip;
    }
    plain[used] = '\0';
    if (strncasecmp(plain, ".git", 4) == 0)
        return ends_here(plain + 4);
    if (strncasecmp(plain, "git~", 4) == 0) {
        size_t digits = strspn(plain + 4, "0123456789");
        return digits > 0 && ends_here(plain + 4 + digits);
    }
    return false;
}

const char *pb_git_name_problem(const char *name, size_t n)
{
    if (n == 0)
        return "is empty";
    if (n > PB_GIT_NAME_MAX)
        return "is longer than 255 bytes";
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c < 0x20 || c == 0x7f)
            return "holds a control character";
        if (c == '/' || c == '\\')
            return "holds a path separator";
    }
    if ((n == 1 && name[0] == '.') || (n == 2 && name[0] == '.' && name[1] == '.'))
        return "steps out of its folder";
    if (is_dotgit(name, n))
        return "is a spelling of '.git'";
    return NULL;
}
