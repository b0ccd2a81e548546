#include "backends/terraform/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

enum { STREAM_MAX = 256 << 20, ERRORS_SHOWN = 3, DETAIL_MAX = 400, CHUNK = 65536 };

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

/* One line, no controls, not too long. */
static void add_short(struct pb_buf *out, const char *s)
{
    PB_AUTO(buf) struct pb_buf plain = PB_BUF_INIT;
    size_t n;

    for (; *s; s++)
        if (*s != '\n' || (plain.len && plain.s[plain.len - 1] != ' '))
            pb_buf_addc(&plain, *s == '\n' ? ' ' : *s);
    n = plain.len;
    if (n > DETAIL_MAX) {
        n = DETAIL_MAX;
        while (n && ((unsigned char)plain.s[n] & 0xc0) == 0x80)
            n--;
    }
    pb_text_add_safe(out, plain.s, n);
    if (n < plain.len)
        pb_buf_adds(out, "...");
}

static void add_diagnostic(struct pb_buf *out, const struct pb_value *d)
{
    const char *summary = pb_get_str(d, "summary"), *detail = pb_get_str(d, "detail");
    const char *file = pb_str(pb_walk(d, "range.filename"));
    const char *address = pb_get_str(d, "address");
    int64_t line;

    add_short(out, summary ? summary : "error");
    if (detail && *detail) {
        pb_buf_adds(out, ": ");
        add_short(out, detail);
    }
    if (file && pb_get_int(&line, pb_walk(d, "range.start"), "line") == 0)
        pb_buf_addf(out, " (%s line %lld)", file, (long long)line);
    else if (address)
        pb_buf_addf(out, " (%s)", address);
}

/* init says this before or after what it really has to say. */
static bool is_preamble(const char *summary)
{
    return summary && (pb_starts_with(summary, "Terraform encountered problems during init") ||
                       pb_starts_with(summary, "OpenTofu encountered problems during init"));
}

static size_t add_line(struct pb_buf *out, const char *line, size_t n, size_t shown)
{
    struct pb_arena *a;
    const struct pb_value *v, *d;
    size_t found = 0;

    if (!memmem(line, n, "\"diagnostic\"", 12))
        return 0;
    a = pb_arena_new();
    if (pb_json_parse(&v, a, line, n, "a line of the stream", NULL) == 0 &&
        (d = pb_get(v, "diagnostic")) && pb_streq(pb_get_str(d, "severity"), "error") &&
        !is_preamble(pb_get_str(d, "summary"))) {
        if (shown < ERRORS_SHOWN) {
            pb_buf_adds(out, shown ? "; " : "");
            add_diagnostic(out, d);
        }
        found = 1;
    }
    pb_arena_free(a);
    return found;
}

static size_t from_stream(struct pb_buf *out, const char *path)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    size_t found = 0;

    if (!path || pb_fs_read(&text, path, STREAM_MAX, NULL))
        return 0;
    for (char *p = text.s; *p;) {
        size_t n = strcspn(p, "\n");
        if (*p == '{')
            found += add_line(out, p, n, found);
        p += n;
        p += *p == '\n';
    }
    if (found > ERRORS_SHOWN)
        pb_buf_addf(out, "; and %zu more", found - ERRORS_SHOWN);
    return found;
}

/* What is written for people: "Error: " and the lines after it, up to the next frame. */
static void from_text(struct pb_buf *out, const char *path)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT, plain = PB_BUF_INIT;
    const char *p;

    if (!path || pb_fs_read(&text, path, STREAM_MAX, NULL) || !(p = strstr(text.s, "Error: ")))
        return;
    for (p += 7; *p && !pb_starts_with(p, "\xe2\x95\xb5") && !strstr(plain.s, "\n\n\n"); p++) {
        if (pb_starts_with(p, "\xe2\x94\x82")) { /* the frame */
            p += 2;
            continue;
        }
        if (pb_starts_with(p, "\nError: "))
            break;
        pb_buf_addc(&plain, *p);
    }
    add_short(out, plain.s);
}

void pb_tf_errors(struct pb_buf *out, const char *stream_path, const char *text_path,
                  const struct pb_strv *secrets)
{
    PB_AUTO(buf) struct pb_buf said = PB_BUF_INIT;

    if (!from_stream(&said, stream_path)) {
        from_text(&said, text_path);
        if (!said.len)
            from_text(&said, stream_path);
    }
    for (size_t i = 0; secrets && i < secrets->n; i++)
        pb_text_take_out(&said, secrets->v[i]);
    pb_buf_add(out, said.s, said.len);
}
