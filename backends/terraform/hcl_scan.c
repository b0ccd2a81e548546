#include "backends/terraform/hcl_scan.h"

#include <string.h>

enum { NEST_MAX = 64 };

bool pb_hcl_is_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

bool pb_hcl_is_ident(char c)
{
    return pb_hcl_is_start(c) || (c >= '0' && c <= '9') || c == '-';
}

static char at(const struct pb_hcl_scan *p, size_t ahead)
{
    return p->i + ahead < p->n ? p->s[p->i + ahead] : '\0';
}

static void step(struct pb_hcl_scan *p)
{
    if (p->i < p->n && p->s[p->i++] == '\n')
        p->line++;
}

static bool at_line_comment(const struct pb_hcl_scan *p)
{
    return at(p, 0) == '#' || (at(p, 0) == '/' && at(p, 1) == '/');
}

static void skip_block_comment(struct pb_hcl_scan *p)
{
    p->i += 2;
    while (p->i < p->n && !(at(p, 0) == '*' && at(p, 1) == '/'))
        step(p);
    step(p);
    step(p);
}

void pb_hcl_skip_blank(struct pb_hcl_scan *p, bool newlines)
{
    while (p->i < p->n) {
        char c = at(p, 0);
        if (c == ' ' || c == '\t' || c == '\r' || (c == '\n' && newlines))
            step(p);
        else if (at_line_comment(p))
            while (p->i < p->n && at(p, 0) != '\n')
                step(p);
        else if (c == '/' && at(p, 1) == '*')
            skip_block_comment(p);
        else
            return;
    }
}

static bool at_template(const struct pb_hcl_scan *p)
{
    return (at(p, 0) == '$' || at(p, 0) == '%') && at(p, 1) == '{';
}

static bool at_escaped_template(const struct pb_hcl_scan *p)
{
    return (at(p, 0) == '$' || at(p, 0) == '%') && at(p, 1) == at(p, 0) && at(p, 2) == '{';
}

int pb_hcl_skip_inside(struct pb_hcl_scan *p)
{
    int depth = 1, rc = 0;

    if (++p->depth > NEST_MAX)
        rc = -1;
    while (rc == 0 && p->i < p->n) {
        char c = at(p, 0);
        if (c == '"') {
            rc = pb_hcl_skip_quoted(p);
        } else if (pb_hcl_at_heredoc(p)) {
            rc = pb_hcl_skip_heredoc(p);
        } else if (at_line_comment(p) || (c == '/' && at(p, 1) == '*')) {
            pb_hcl_skip_blank(p, false);
        } else {
            step(p);
            if (c == '{')
                depth++;
            else if (c == '}' && --depth == 0)
                break;
        }
    }
    p->depth--;
    return rc || depth ? -1 : 0;
}

int pb_hcl_skip_quoted(struct pb_hcl_scan *p)
{
    step(p);
    while (p->i < p->n) {
        char c = at(p, 0);
        if (c == '"') {
            step(p);
            return 0;
        }
        if (c == '\n')
            return -1;
        if (c == '\\' && p->i + 1 < p->n && at(p, 1) != '\n') {
            p->i += 2;
        } else if (at_escaped_template(p)) {
            p->i += 3;
        } else if (at_template(p)) {
            p->i += 2;
            if (pb_hcl_skip_inside(p))
                return -1;
        } else {
            step(p);
        }
    }
    return -1;
}

bool pb_hcl_at_heredoc(const struct pb_hcl_scan *p)
{
    size_t k = at(p, 2) == '-' ? 3 : 2;

    if (at(p, 0) != '<' || at(p, 1) != '<' || !pb_hcl_is_start(at(p, k)))
        return false;
    while (pb_hcl_is_ident(at(p, k)))
        k++;
    return at(p, k) == '\n' || (at(p, k) == '\r' && at(p, k + 1) == '\n');
}

/* How many bytes of white space begin at s, as Unicode has it: Terraform trims these, too. */
static size_t space(const char *s, size_t n)
{
    static const char *const wide[] = {
        "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\xa8",
        "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80",
    };

    if (n && s[0] && strchr(" \t\v\f\r", s[0]))
        return 1;
    for (size_t i = 0; i < sizeof(wide) / sizeof(*wide); i++)
        if (n >= strlen(wide[i]) && memcmp(s, wide[i], strlen(wide[i])) == 0)
            return strlen(wide[i]);
    return n >= 3 && memcmp(s, "\xe2\x80", 2) == 0 && (s[2] & 0xff) >= 0x80 && (s[2] & 0xff) <= 0x8a
               ? 3
               : 0;
}

/* Whether a whole line is the word that ends a heredoc, with nothing but white space around. */
static bool is_mark(const char *line, size_t n, const char *mark, size_t len)
{
    size_t k;

    while ((k = space(line, n))) {
        line += k;
        n -= k;
    }
    if (n < len || memcmp(line, mark, len) != 0)
        return false;
    for (line += len, n -= len; (k = space(line, n)); line += k)
        n -= k;
    return n == 0;
}

/* To the end of a line, or further where a template in it goes on; *plain: there was none. */
static int skip_heredoc_line(struct pb_hcl_scan *p, bool *plain)
{
    *plain = true;
    while (p->i < p->n && at(p, 0) != '\n') {
        if (at_escaped_template(p)) {
            p->i += 3;
        } else if (at_template(p)) {
            *plain = false;
            p->i += 2;
            if (pb_hcl_skip_inside(p))
                return -1;
        } else {
            p->i++;
        }
    }
    return 0;
}

int pb_hcl_skip_heredoc(struct pb_hcl_scan *p)
{
    const char *mark;
    size_t len;

    p->i += at(p, 2) == '-' ? 3 : 2;
    mark = p->s + p->i;
    while (pb_hcl_is_ident(at(p, 0)))
        p->i++;
    len = (size_t)(p->s + p->i - mark);
    while (p->i < p->n && at(p, 0) != '\n')
        p->i++;
    while (p->i < p->n) {
        size_t from;
        bool plain;

        step(p); /* the newline */
        from = p->i;
        if (skip_heredoc_line(p, &plain))
            return -1;
        if (plain && is_mark(p->s + from, p->i - from, mark, len))
            return 0;
    }
    return -1;
}

int pb_hcl_skip_expr(struct pb_hcl_scan *p, const char *stops)
{
    int depth = 0;

    while (p->i < p->n) {
        char c = at(p, 0);
        if (c == '"') {
            if (pb_hcl_skip_quoted(p))
                return -1;
        } else if (pb_hcl_at_heredoc(p)) {
            if (pb_hcl_skip_heredoc(p))
                return -1;
        } else if (depth == 0 && (c == '\n' || at_line_comment(p) || (c && strchr(stops, c)))) {
            return 0;
        } else if (at_line_comment(p) || (c == '/' && at(p, 1) == '*')) {
            pb_hcl_skip_blank(p, false);
        } else if (c == ')' || c == ']' || c == '}') {
            if (depth-- == 0)
                return 0;
            step(p);
        } else {
            depth += c == '(' || c == '[' || c == '{';
            step(p);
        }
    }
    return depth ? -1 : 0;
}
