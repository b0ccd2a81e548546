#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "post/internal.h"

/* What is kept free for the words at a cut, and for what it has to close. */
enum { CUT_ROOM = 1024 };

void pb_post_word(struct pb_buf *b, const char *word)
{
    /* No '-': two of them would end the comment. */
    for (const char *c = word; *c != '\0'; c++)
        if (isalnum((unsigned char)*c) || *c == '.' || *c == '_' || *c == '/')
            pb_buf_addc(b, *c);
        else
            pb_buf_addf(b, "%%%02X", (unsigned char)*c);
}

void pb_post_marker(struct pb_buf *b, const char *kind, const char *name)
{
    pb_buf_addf(b, "<!-- plumb:%s ", kind);
    pb_post_word(b, name);
    pb_buf_addc(b, ' ');
}

bool pb_post_has_marker(const char *body, const char *marker)
{
    return body != NULL && pb_starts_with(body, marker);
}

void pb_post_line(struct pb_buf *b, const char *text, size_t most)
{
    PB_AUTO(buf) struct pb_buf safe = PB_BUF_INIT;
    size_t n = 0, end = 0, dots = 0;

    pb_text_add_safe(&safe, text, strlen(text));
    for (size_t i = 0; i < safe.len; i++) {
        if (((unsigned char)safe.s[i] & 0xc0) == 0x80)
            continue;
        if (n == most - 3)
            dots = i;
        if (n++ == most)
            end = i;
    }
    if (end == 0) {
        pb_buf_add(b, safe.s, safe.len);
        return;
    }
    pb_buf_add(b, safe.s, dots);
    pb_buf_adds(b, "...");
}

/* As the host counts. Half of a pair beyond U+FFFF counts, too. */
static size_t measure(const struct pb_post_host *host, const char *s, size_t n)
{
    size_t units = 0;

    if (host->unit == PB_POST_BYTES)
        return n;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];

        units += (c & 0xc0) != 0x80;
        units += c >= 0xf0;
    }
    return units;
}

/* Of the first line of what is left, with its newline. */
static size_t line_length(const char *line, const char *end)
{
    const char *newline = memchr(line, '\n', (size_t)(end - line));

    return (size_t)((newline != NULL ? newline + 1 : end) - line);
}

/* What is open where a text is cut. */
struct open {
    char fence[16]; /* the line that closes it, or "" */
    size_t details;
};

static void note_fence(struct open *open, const char *line, size_t n)
{
    size_t indent = 0, ticks;
    char c;

    while (indent < n && indent < 4 && line[indent] == ' ')
        indent++;
    c = indent < n ? line[indent] : '\0';
    if (indent > 3 || (c != '`' && c != '~'))
        return;
    for (ticks = 0; indent + ticks < n && line[indent + ticks] == c;)
        ticks++;
    if (ticks < 3 || ticks >= sizeof(open->fence))
        return;
    if (open->fence[0] == '\0') {
        memset(open->fence, c, ticks);
        open->fence[ticks] = '\0';
    } else if (open->fence[0] == c && ticks >= strlen(open->fence)) {
        open->fence[0] = '\0';
    }
}

static size_t count(const char *line, size_t n, const char *word)
{
    size_t found = 0, len = strlen(word);

    for (size_t i = 0; i + len <= n; i++)
        found += memcmp(line + i, word, len) == 0;
    return found;
}

static void note_line(struct open *open, const char *line, size_t n)
{
    bool inside = open->fence[0] != '\0';
    size_t closed;

    note_fence(open, line, n);
    if (inside || open->fence[0] != '\0')
        return;
    open->details += count(line, n, "<details");
    closed = count(line, n, "</details>");
    open->details -= closed < open->details ? closed : open->details;
}

static void add_cut(struct pb_buf *b, const struct pb_post *p, const struct open *open,
                    size_t whole)
{
    if (open->fence[0] != '\0')
        pb_buf_addf(b, "%s\n", open->fence);
    pb_buf_adds(b, "\n");
    for (size_t i = 0; i < open->details && i < 32; i++)
        pb_buf_adds(b, "</details>\n");
    pb_buf_addf(b, "\n**This is not all of it**: of %zu characters %s takes %zu. The rest is in ",
                whole, p->place.host->title, p->place.host->most);
    if (p->place.page != NULL)
        pb_buf_addf(b, "[the output of the job](%s).\n", p->place.page);
    else
        pb_buf_adds(b, "the output of the job that wrote this.\n");
}

/* One line with the newline; what is no UTF-8 would make the whole request invalid. */
static void add_line(struct pb_buf *b, const char *line, size_t n, bool commands)
{
    bool newline = n > 0 && line[n - 1] == '\n';
    size_t indent = 0;

    while (indent < n && (line[indent] == ' ' || line[indent] == '\t'))
        indent++;
    if (commands && indent < n && line[indent] == '/') {
        pb_buf_addc(b, '\\'); /* which Markdown takes away again */
        line += indent;
        n -= indent;
    }
    if (pb_utf8_valid(line, n)) {
        pb_buf_add(b, line, n);
        return;
    }
    pb_text_add_safe(b, line, n - newline);
    pb_buf_adds(b, newline ? "\n" : "");
}

void pb_post_body(struct pb_buf *b, const struct pb_post *p, const char *marker, const char *body)
{
    const struct pb_post_host *host = p->place.host;
    PB_AUTO(buf) struct pb_buf whole = PB_BUF_INIT;
    struct open open = {"", 0}, in = open;
    const char *end = body + strlen(body);
    size_t used = 0, all;

    pb_buf_addf(&whole, "%s\n", marker);
    for (const char *line = body; line < end;) {
        size_t n = line_length(line, end);

        add_line(&whole, line, n, host->commands && in.fence[0] == '\0');
        note_line(&in, line, n);
        line += n;
    }
    all = measure(host, whole.s, whole.len);
    if (all <= host->most) {
        pb_buf_add(b, whole.s, whole.len);
        return;
    }
    end = whole.s + whole.len;
    for (const char *line = whole.s; line < end;) {
        size_t n = line_length(line, end);

        used += measure(host, line, n);
        if (used > host->most - CUT_ROOM)
            break;
        pb_buf_add(b, line, n);
        note_line(&open, line, n);
        line += n;
    }
    add_cut(b, p, &open, all);
}
