#include "report/pen.h"

#include "base/text.h"

#include <string.h>

enum { WIDTH = 100, WIDTH_MIN = 60 };

static const char *const styles[] = {
    [PB_BOLD] = "1",    [PB_DIM] = "2",   [PB_RED] = "31",     [PB_GREEN] = "32",
    [PB_YELLOW] = "33", [PB_BLUE] = "34", [PB_MAGENTA] = "35",
};

struct pb_pen pb_pen_of(struct pb_buf *b, const struct pb_report_opts *o)
{
    size_t w = o->width > 0 ? (size_t)o->width : WIDTH;

    return (struct pb_pen){b, o, w < WIDTH_MIN ? WIDTH_MIN : w, b->len, pb_arena_new()};
}

/* CI systems take lines of a log for commands: GitHub Actions one that begins with "::", Azure
 * Pipelines and older runners what "##[" or "##vso[" stands in. */
static void defuse(struct pb_buf *b, size_t from)
{
    PB_AUTO(buf) struct pb_buf out = PB_BUF_INIT;
    bool begins = true;

    for (const char *s = b->s + from; *s; s++) {
        if (begins && strncmp(s, "::", 2) == 0)
            pb_buf_addc(&out, '\\');
        begins = *s == '\n' || *s == '\r' || (begins && (*s == ' ' || *s == '\t'));
        pb_buf_addc(&out, *s);
        if (strncmp(s, "##[", 3) == 0 || strncmp(s, "##vso[", 6) == 0)
            pb_buf_addc(&out, '\\');
    }
    pb_buf_truncate(b, from);
    pb_buf_add(b, out.s, out.len);
}

void pb_pen_release(struct pb_pen *p)
{
    if (p->b->len > p->from)
        defuse(p->b, p->from);
    pb_arena_free(p->arena);
    p->arena = NULL;
}

void pb_pen_safe(struct pb_pen *p, const char *s)
{
    pb_text_add_safe(p->b, s, strlen(s));
}

void pb_pen_on(struct pb_pen *p, enum pb_style style)
{
    if (p->o->color)
        pb_buf_addf(p->b, "\033[%sm", styles[style]);
}

void pb_pen_off(struct pb_pen *p)
{
    if (p->o->color)
        pb_buf_adds(p->b, "\033[0m");
}

void pb_pen_ink(struct pb_pen *p, enum pb_style style, const char *s)
{
    pb_pen_on(p, style);
    pb_pen_safe(p, s);
    pb_pen_off(p);
}

enum pb_style pb_pen_style_of(enum pb_verdict v)
{
    switch (v) {
    case PB_IN_SYNC:
    case PB_CONVERGED: return PB_GREEN;
    case PB_PENDING: return PB_BLUE;
    case PB_DRIFTED:
    case PB_LAUNDERED:
    case PB_MISSING:
    case PB_CONFLICT: return PB_RED;
    case PB_UNKNOWN_V:
    case PB_UNOBSERVED: return PB_MAGENTA;
    case PB_STALE_RECORD:
    case PB_UNMANAGED: return PB_YELLOW;
    default: return PB_DIM;
    }
}

void pb_pen_words(struct pb_pen *p, const char *s, size_t at, size_t indent)
{
    PB_AUTO(buf) struct pb_buf safe = PB_BUF_INIT;
    bool first = true;

    pb_text_add_safe(&safe, s, strlen(s));
    for (char *w = safe.s; *w;) {
        size_t n = strcspn(w, " "), width;
        char after = w[n];

        w[n] = '\0';
        width = pb_text_width(w);
        if (!first && at + 1 + width > p->width) {
            pb_buf_addf(p->b, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!first) {
            pb_buf_addc(p->b, ' ');
            at++;
        }
        pb_buf_adds(p->b, w);
        at += width;
        first = false;
        w[n] = after;
        w += n + (after != '\0');
    }
}

void pb_pen_line(struct pb_pen *p, size_t indent, const char *s)
{
    pb_buf_addf(p->b, "%*s", (int)indent, "");
    pb_pen_words(p, s, indent, indent);
    pb_buf_addc(p->b, '\n');
}

const char *pb_pen_count(struct pb_pen *p, size_t n, const char *what)
{
    return pb_arena_printf(p->arena, "%zu %s%s", n, what, n == 1 ? "" : "s");
}
