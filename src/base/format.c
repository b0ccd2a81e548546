#include "base/format.h"

#include <string.h>

bool pb_format_is_plain(const char *fmt)
{
    for (const char *p = strchr(fmt, '%'); p; p = strchr(p + 2, '%'))
        if (p[1] != 's')
            return false;
    return true;
}

/* As printf shows it. */
static const char *text_of(const char *s)
{
    return s ? s : "(null)";
}

size_t pb_format_len(const char *fmt, va_list ap)
{
    size_t n = strlen(fmt);

    for (const char *p = strchr(fmt, '%'); p; p = strchr(p + 2, '%'))
        n += strlen(text_of(va_arg(ap, const char *))) - 2;
    return n;
}

static char *put(char *out, const char *s, size_t n)
{
    memcpy(out, s, n);
    return out + n;
}

void pb_format_put(char *out, const char *fmt, va_list ap)
{
    for (const char *p = strchr(fmt, '%'); p; fmt = p + 2, p = strchr(fmt, '%')) {
        const char *s;

        out = put(out, fmt, (size_t)(p - fmt));
        s = text_of(va_arg(ap, const char *));
        out = put(out, s, strlen(s));
    }
    memcpy(out, fmt, strlen(fmt) + 1);
}
