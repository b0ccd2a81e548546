#include "backends/terraform/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/terraform/redact.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

enum { STREAM_MAX = 256 << 20, ERRORS_SHOWN = 3, DETAIL_MAX = 400, LOCK_MAX = 2000, CHUNK = 65536 };

void pb_tf_tail_more(struct pb_tf_tail *t)
{
    static const char planned[] = "\"type\":\"planned_change\"",
                      read[] = "\"type\":\"refresh_start\"";
    PB_AUTO(free) char *chunk = pb_malloc(CHUNK);
    FILE *f = fopen(t->path, "re");
    size_t n;

    if (!f)
        return;
    if (fseek(f, t->offset, SEEK_SET) == 0) {
        while ((n = fread(chunk, 1, CHUNK, f)) > 0) {
            const char *end = memrchr(chunk, '\n', n), *p = chunk;
            if (!end && n < CHUNK)
                break; /* a line that is still being written */
            n = end ? (size_t)(end - chunk) + 1 : n;
            while ((p = memmem(p, (size_t)(chunk + n - p), "\"type\":\"", 8))) {
                size_t left = (size_t)(chunk + n - p);
                t->planned +=
                    (left >= sizeof(planned) - 1 && memcmp(p, planned, sizeof(planned) - 1) == 0) ||
                    (left >= sizeof(read) - 1 && memcmp(p, read, sizeof(read) - 1) == 0);
                p += 8;
            }
            t->offset += (long)n;
            if (fseek(f, t->offset, SEEK_SET))
                break;
        }
    }
    fclose(f);
}

/* What is being put together of the errors of a run. */
struct errors {
    struct pb_buf *out;
    struct pb_tf_redactor *redactor;
    size_t found;
};

/* Where a text of more than DETAIL_MAX bytes ends: behind its last whole sentence, or else word. */
static size_t cut(const char *s)
{
    size_t n = DETAIL_MAX, word = 0;

    for (size_t i = DETAIL_MAX; i > DETAIL_MAX / 4; i--) {
        if (s[i] != ' ')
            continue;
        if (s[i - 1] == '.')
            return i;
        if (!word)
            word = i;
    }
    while (!word && n && ((unsigned char)s[n] & 0xc0) == 0x80)
        n--;
    return word ? word : n;
}

/* One line, no controls, not too long, and before it is cut without secrets. */
static void add_short(struct errors *x, const char *s)
{
    PB_AUTO(buf) struct pb_buf said = PB_BUF_INIT, plain = PB_BUF_INIT;
    size_t n;

    pb_buf_adds(&said, s);
    pb_tf_redact(x->redactor, &said);
    for (s = said.s; *s; s++)
        if (*s != '\n' || (plain.len && plain.s[plain.len - 1] != ' '))
            pb_buf_addc(&plain, *s == '\n' ? ' ' : *s);
    pb_tf_redact(x->redactor, &plain); /* what was broken into lines is whole by now */
    /* Who holds a lock comes last, behind all that a backend says of its request. */
    if (plain.len > DETAIL_MAX && plain.len <= LOCK_MAX && strstr(plain.s, "Lock Info:"))
        n = plain.len;
    else
        n = plain.len > DETAIL_MAX ? cut(plain.s) : plain.len;
    pb_text_add_safe(x->out, plain.s, n);
    if (n < plain.len)
        pb_buf_adds(x->out, " ...");
}

static void add_diagnostic(struct errors *x, const struct pb_value *d)
{
    const char *summary = pb_get_str(d, "summary"), *detail = pb_get_str(d, "detail");
    const char *file = pb_str(pb_walk(d, "range.filename"));
    const char *address = pb_get_str(d, "address");
    int64_t line;

    add_short(x, summary ? summary : "error");
    if (detail && *detail) {
        pb_buf_adds(x->out, ": ");
        add_short(x, detail);
    }
    if (file && pb_get_int(&line, pb_walk(d, "range.start"), "line") == 0)
        pb_buf_addf(x->out, " (%s line %lld)", file, (long long)line);
    else if (address)
        pb_buf_addf(x->out, " (%s)", address);
}

/* init says this before or after what it really has to say. */
static bool is_preamble(const char *summary)
{
    return summary && (pb_starts_with(summary, "Terraform encountered problems during init") ||
                       pb_starts_with(summary, "OpenTofu encountered problems during init"));
}

static void add_line(struct errors *x, const char *line, size_t n)
{
    struct pb_arena *a;
    const struct pb_value *v, *d;

    if (!memmem(line, n, "\"diagnostic\"", 12))
        return;
    a = pb_arena_new();
    if (pb_json_parse(&v, a, line, n, "a line of the stream", NULL) == 0 &&
        (d = pb_get(v, "diagnostic")) && pb_streq(pb_get_str(d, "severity"), "error") &&
        !is_preamble(pb_get_str(d, "summary"))) {
        if (x->found < ERRORS_SHOWN) {
            pb_buf_adds(x->out, x->found ? "; " : "");
            add_diagnostic(x, d);
        }
        x->found++;
    }
    pb_arena_free(a);
}

static void from_stream(struct errors *x, const char *path)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

    if (!path || pb_fs_read(&text, path, STREAM_MAX, NULL))
        return;
    for (char *p = text.s; *p;) {
        size_t n = strcspn(p, "\n");
        if (*p == '{')
            add_line(x, p, n);
        p += n;
        p += *p == '\n';
    }
    if (x->found > ERRORS_SHOWN)
        pb_buf_addf(x->out, "; and %zu more", x->found - ERRORS_SHOWN);
    pb_buf_wipe(&text);
}

void pb_tf_plain_text(struct pb_buf *text)
{
    size_t kept = 0;

    for (size_t i = 0; i < text->len; i++) {
        if (text->s[i] == '\033' && text->s[i + 1] == '[') {
            for (i += 2; i < text->len && (unsigned char)text->s[i] < '@';)
                i++;
            continue;
        }
        text->s[kept++] = text->s[i];
    }
    pb_buf_truncate(text, kept);
}

/* What is written for people: "Error: " and the lines after it, up to the next frame. */
static void from_text(struct errors *x, const char *path)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT, plain = PB_BUF_INIT;
    const char *p;

    if (!path || pb_fs_read(&text, path, STREAM_MAX, NULL))
        return;
    pb_tf_plain_text(&text);
    p = strstr(text.s, "Error: ");
    for (p = p ? p + 7 : ""; *p && !pb_starts_with(p, "\xe2\x95\xb5"); p++) {
        if (pb_starts_with(p, "\xe2\x94\x82")) { /* the frame */
            p += 2;
            continue;
        }
        if (pb_starts_with(p, "\nError: ") ||
            (plain.len > 2 && strcmp(plain.s + plain.len - 3, "\n\n\n") == 0))
            break;
        pb_buf_addc(&plain, *p);
    }
    add_short(x, plain.s);
    pb_buf_wipe(&text);
    pb_buf_wipe(&plain);
}

void pb_tf_errors(struct pb_buf *out, const char *stream_path, const char *text_path,
                  const struct pb_strv *secrets)
{
    PB_AUTO(buf) struct pb_buf said = PB_BUF_INIT;
    struct errors x = {.out = &said, .redactor = pb_tf_redactor_new(secrets)};

    from_stream(&x, stream_path);
    if (!x.found) {
        from_text(&x, text_path);
        if (!said.len)
            from_text(&x, stream_path);
    }
    pb_buf_add(out, said.s, said.len);
    pb_tf_redactor_free(x.redactor);
}
