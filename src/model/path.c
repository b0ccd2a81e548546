#include "model/path.h"

#include <string.h>

/* As Terraform quotes instance keys: HCL's escapes, which are not quite JSON's. */
static void add_quoted(struct pb_buf *b, const char *s)
{
    pb_buf_addc(b, '"');
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '\n')
            pb_buf_adds(b, "\\n");
        else if (c == '\r')
            pb_buf_adds(b, "\\r");
        else if (c == '\t')
            pb_buf_adds(b, "\\t");
        else if (c < 0x20 || c == 0x7f)
            pb_buf_addf(b, "\\u%04x", c);
        else if (c == '"' || c == '\\')
            pb_buf_addf(b, "\\%c", c);
        else if ((c == '$' || c == '%') && s[1] == '{')
            pb_buf_addf(b, "%c%c", c, c);
        else
            pb_buf_addc(b, (char)c);
    }
    pb_buf_addc(b, '"');
}

static bool is_identifier(const char *s)
{
    if (!*s || (*s >= '0' && *s <= '9') || *s == '-')
        return false;
    for (; *s; s++) {
        bool ok = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
                  (*s >= '0' && *s <= '9') || *s == '_' || *s == '-';
        if (!ok)
            return false;
    }
    return true;
}

void pb_path_add_key(struct pb_buf *path, const char *key)
{
    if (is_identifier(key)) {
        if (path->len)
            pb_buf_addc(path, '.');
        pb_buf_adds(path, key);
        return;
    }
    pb_buf_addc(path, '[');
    add_quoted(path, key);
    pb_buf_addc(path, ']');
}

void pb_path_add_index(struct pb_buf *path, size_t i)
{
    pb_buf_addf(path, "[%zu]", i);
}

/* The end of the bracket that opens at s, or s when it never closes. Quotes may hold ']'. */
static const char *skip_bracket(const char *s)
{
    bool quoted = false;

    for (const char *p = s + 1; *p; p++) {
        if (quoted && *p == '\\' && p[1])
            p++;
        else if (*p == '"')
            quoted = !quoted;
        else if (*p == ']' && !quoted)
            return p + 1;
    }
    return s;
}

/* Splits at dots outside brackets: the end of the step that starts at s. */
static const char *step_end(const char *s)
{
    while (*s && *s != '.') {
        if (*s == '[') {
            const char *end = skip_bracket(s);
            s = end == s ? s + 1 : end;
        } else {
            s++;
        }
    }
    return s;
}

void pb_addr_resource_of(struct pb_buf *out, const char *address)
{
    const char *last = address, *end, *bracket;

    for (end = step_end(address); *end; end = step_end(last))
        last = end + 1;
    bracket = strchr(last, '[');
    pb_buf_add(out, address, bracket ? (size_t)(bracket - address) : strlen(address));
}

/* The length of the module part, without its last dot. */
static size_t module_len(const char *address)
{
    const char *at = address, *end = address;

    while (strncmp(at, "module.", 7) == 0) {
        end = step_end(at + 7);
        if (!*end)
            break; /* the address of a module itself */
        at = end + 1;
    }
    return (size_t)(end - address);
}

void pb_addr_module_of(struct pb_buf *out, const char *address)
{
    pb_buf_add(out, address, module_len(address));
}

bool pb_addr_is_data(const char *address)
{
    struct pb_buf module = PB_BUF_INIT;
    bool is;

    pb_addr_module_of(&module, address);
    address += module.len + (module.len > 0);
    is = strncmp(address, "data.", 5) == 0;
    pb_buf_release(&module);
    return is;
}

bool pb_addr_within(const char *address, const char *target)
{
    size_t n = strlen(target);

    if (strncmp(address, target, n) != 0)
        return false;
    if (!address[n] || address[n] == '[')
        return true;
    /* A dot goes on into a module; behind a resource's name nothing more can follow. */
    return address[n] == '.' && module_len(address) >= n;
}

void pb_addr_build(struct pb_buf *out, const char *module, const char *mode, const char *type,
                   const char *name, const struct pb_value *index_key)
{
    if (module && *module)
        pb_buf_addf(out, "%s.", module);
    if (mode && strcmp(mode, "data") == 0)
        pb_buf_adds(out, "data.");
    pb_buf_addf(out, "%s.%s", type, name);
    if (pb_is(index_key, PB_NUMBER)) {
        pb_buf_addf(out, "[%s]", index_key->s);
    } else if (pb_is(index_key, PB_STRING)) {
        pb_buf_addc(out, '[');
        add_quoted(out, index_key->s);
        pb_buf_addc(out, ']');
    }
}

/* The end of the bracketed step at s ("[0]", ["a]b"]). */
static const char *bracket_end(const char *s)
{
    bool quoted = false;

    for (; *s; s++) {
        if (quoted && *s == '\\' && s[1])
            s++;
        else if (*s == '"')
            quoted = !quoted;
        else if (*s == ']' && !quoted)
            return s + 1;
    }
    return s;
}

/* name and ["name"] are one step; this returns the name's first byte and its length. */
static const char *step_name(const char *s, size_t *n, const char **next)
{
    if (s[0] == '[' && s[1] == '"') {
        *next = bracket_end(s);
        *n = (size_t)(*next - s) >= 4 ? (size_t)(*next - s) - 4 : 0;
        return s + 2;
    }
    if (s[0] == '[') {
        *next = bracket_end(s);
        *n = (size_t)(*next - s);
        return s;
    }
    s += *s == '.';
    *n = strcspn(s, ".[");
    *next = s + *n;
    return s;
}

bool pb_path_covers(const char *pattern, const char *path)
{
    if (strcmp(pattern, "*") == 0)
        return true;
    while (*pattern) {
        size_t n, m;
        const char *a, *b;
        bool any = strncmp(pattern, "[*]", 3) == 0, bracket = *path == '[';
        if (!*path)
            return false;
        a = step_name(pattern, &n, &pattern);
        b = step_name(path, &m, &path);
        if (any ? !bracket && m == 0 : n != m || memcmp(a, b, n) != 0)
            return false;
    }
    return true;
}
