/* What sets two messages of one cause apart, taken out. */
#include "report/dark.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { ID_MIN = 4 };

/* "8-4-4-4-12". */
static size_t uuid(const char *s)
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    for (size_t i = 0; i < sizeof(shape) - 1; i++)
        if (shape[i] == 'x' ? !isxdigit((unsigned char)s[i]) : s[i] != '-')
            return 0;
    return sizeof(shape) - 1;
}

/* "Request ID: ", however a service spells it, with what is between it and the number. */
static size_t label(const char *s)
{
    static const char *const names[] = {"request", "host", "trace", "correlation"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        size_t n = strlen(names[i]);

        if (strncasecmp(s, names[i], n) != 0)
            continue;
        n += strspn(s + n, " -_");
        if (strncasecmp(s + n, "id", 2) != 0)
            return 0;
        n += 2;
        return strspn(s + n, " :=\"'") ? n + strspn(s + n, " :=\"'") : 0;
    }
    return 0;
}

static bool goes_on(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

void pb_dark_alike(struct pb_buf *b, const char *why, size_t n, const char *id)
{
    const char *end = why + n;
    size_t len = id ? strlen(id) : 0;
    bool start = true; /* of a word */

    for (const char *s = why; s < end; s++) {
        size_t own = len >= ID_MIN && strncmp(s, id, len) == 0 ? len : 0, named;

        if (start && !own)
            own = uuid(s);
        if (own && start && s + own <= end && !goes_on(s[own])) {
            pb_buf_adds(b, "...");
            s += own - 1;
        } else if (start && (named = label(s)) && s + named < end) {
            pb_buf_add(b, s, named);
            pb_buf_adds(b, "...");
            s += named + strcspn(s + named, " ,;)]}\"'") - 1;
        } else {
            pb_buf_addc(b, *s);
        }
        start = !goes_on(s < end ? *s : ' ');
    }
}
