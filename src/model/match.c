#include "model/match.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/path.h"
#include "model/pattern.h"

/* A star that is neither [*] nor in the key of an instance: no address or path has one. */
static bool has_wildcard(const char *s)
{
    bool quoted = false;
    int depth = 0;

    for (; *s; s++) {
        if (quoted && *s == '\\' && s[1])
            s++;
        else if (*s == '"')
            quoted = !quoted;
        else if (!quoted)
            depth += (*s == '[') - (*s == ']');
        if (*s == '*' && !quoted && depth <= 0)
            return true;
    }
    return false;
}

int pb_match_compile(struct pb_match *out, const char *s, const char *file, int line,
                     struct pb_err *err)
{
    size_t n = s ? strlen(s) : 0, at;
    char why[128];

    memset(out, 0, sizeof(*out));
    if (!s || strcmp(s, "*") == 0)
        return 0;
    if (!n || n > PB_PATTERN_MAX)
        return pb_fail(err, PB_E_CONFIG, "%s:%d: a pattern must be a string of at most %d bytes",
                       file, line, PB_PATTERN_MAX);
    if (n < 3 || s[0] != '/' || s[n - 1] != '/') {
        if (has_wildcard(s))
            return pb_fail(err, PB_E_CONFIG,
                           "%s:%d: '%s' would match nothing, '*' is no wildcard here: write a "
                           "regular expression between slashes, as '/module[.]db[.].*/'",
                           file, line, s);
        out->literal = pb_strdup(s);
        return 0;
    }
    if (pb_pattern_compile(&out->code, s + 1, n - 2, &at, why))
        return pb_fail(err, PB_E_CONFIG, "%s:%d: pattern '%s' at character %zu: %s", file, line, s,
                       at + 1, why);
    return 0;
}

void pb_match_release(struct pb_match *m)
{
    free(m->literal);
    pb_pattern_free(m->code);
    memset(m, 0, sizeof(*m));
}

int pb_match_address(const struct pb_match *m, const char *address)
{
    if (m->code)
        return pb_pattern_match(m->code, address);
    return !m->literal || pb_addr_within(address, m->literal);
}

int pb_match_path(const struct pb_match *m, const char *path)
{
    if (m->code)
        return pb_pattern_match(m->code, path);
    return !m->literal || pb_path_covers(m->literal, path);
}
