#include "report/escape.h"

#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>

/* U+FFFE and U+FFFF are valid UTF-8 and no XML. */
static bool is_noncharacter(const char *s)
{
    return (unsigned char)s[0] == 0xef && (unsigned char)s[1] == 0xbf &&
           ((unsigned char)s[2] == 0xbe || (unsigned char)s[2] == 0xbf);
}

static void add_xml_n(struct pb_buf *b, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        switch (s[i]) {
        case '&': pb_buf_adds(b, "&amp;"); break;
        case '<': pb_buf_adds(b, "&lt;"); break;
        case '>': pb_buf_adds(b, "&gt;"); break;
        case '"': pb_buf_adds(b, "&quot;"); break;
        case '\'': pb_buf_adds(b, "&#39;"); break;
        default:
            if (n - i >= 3 && is_noncharacter(s + i)) {
                pb_buf_addf(b, "\\uFFF%c", (unsigned char)s[i + 2] == 0xbe ? 'E' : 'F');
                i += 2;
            } else {
                pb_buf_addc(b, s[i]);
            }
        }
    }
}

void pb_add_xml(struct pb_buf *b, const char *s)
{
    add_xml_n(b, s, strlen(s));
}

void pb_add_code(struct pb_buf *b, const char *s)
{
    pb_buf_adds(b, "<code>");
    pb_add_xml(b, s);
    pb_buf_adds(b, "</code>");
}

/* What may stand around a word without making it something else. */
static const char before[] = "('\"", after[] = ".,:;?)'\"";

/* A word of letters, or a number: nothing that a host could take for a name, a reference, a
 * commit, an address or markup. */
static bool is_plain(const char *w, size_t n)
{
    bool digits = false, hex = true, letters = false;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)w[i];

        if (c < 0x80 && !isalnum(c) && !((c == '-' || c == '\'') && i && i + 1 < n))
            return false;
        digits |= isdigit(c) != 0;
        letters |= !isdigit(c);
        hex &= isxdigit(c) != 0;
    }
    return !(digits && letters) && !(hex && n >= 7);
}

static void add_word(struct pb_buf *b, const char *w, size_t n)
{
    size_t head = 0, tail = n;

    while (head < tail && strchr(before, w[head]))
        head++;
    while (tail > head && strchr(after, w[tail - 1]))
        tail--;
    add_xml_n(b, w, head);
    if (is_plain(w + head, tail - head)) {
        add_xml_n(b, w + head, tail - head);
    } else {
        pb_buf_adds(b, "<code>");
        add_xml_n(b, w + head, tail - head);
        pb_buf_adds(b, "</code>");
    }
    add_xml_n(b, w + tail, n - tail);
}

enum { JSON_MAX = 4096 }; /* looked at for its end: words without one cost no more than that */

/* The length of a list or map in JSON, whatever words are in it; 0: none begins here. */
static size_t json_span(const char *s)
{
    size_t depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < JSON_MAX && s[i]; i++) {
        if (s[i] == '"')
            quoted = !quoted;
        else if (quoted)
            i += s[i] == '\\' && s[i + 1];
        else if (s[i] == '{' || s[i] == '[')
            depth++;
        else if ((s[i] == '}' || s[i] == ']') && depth && --depth == 0)
            return i + 1;
        if (!depth)
            return 0;
    }
    return 0;
}

void pb_add_prose(struct pb_buf *b, const char *s)
{
    while (*s) {
        size_t json = json_span(s), n = json + strcspn(s + json, " ");

        if (json) {
            PB_AUTO(str) char *whole = pb_strndup(s, json);

            pb_add_code(b, whole);
            add_word(b, s + json, n - json);
        } else if (n) {
            add_word(b, s, n);
        }
        s += n;
        if (*s) {
            pb_buf_addc(b, ' ');
            s++;
        }
    }
}

void pb_add_uri_path(struct pb_buf *b, const char *path)
{
    for (const unsigned char *c = (const unsigned char *)path; *c; c++)
        if (*c < 0x80 && (isalnum(*c) || strchr("-._~/", *c)))
            pb_buf_addc(b, (char)*c);
        else
            pb_buf_addf(b, "%%%02X", *c);
}

bool pb_is_web_link(const char *s)
{
    if (!s || (!pb_starts_with(s, "https://") && !pb_starts_with(s, "http://")))
        return false;
    for (const unsigned char *c = (const unsigned char *)s; *c; c++)
        if (*c <= ' ' || *c >= 0x7f || strchr("<>\"'`\\{}|^", *c))
            return false;
    return true;
}
