/*
 * pen.h: writing text for people: colour where it is wanted, nothing that drives a terminal,
 * lines that keep to the columns. Internal to report.
 */
#ifndef PB_REPORT_PEN_H
#define PB_REPORT_PEN_H

#include "report/report.h"

struct pb_pen {
    struct pb_buf *b;
    const struct pb_report_opts *o;
    size_t width, from;     /* where in b it began */
    struct pb_arena *arena; /* for what lives as long as the pen */
};

enum pb_style { PB_BOLD, PB_DIM, PB_RED, PB_GREEN, PB_YELLOW, PB_BLUE, PB_MAGENTA };

struct pb_pen pb_pen_of(struct pb_buf *b, const struct pb_report_opts *o);
void pb_pen_release(struct pb_pen *p);

void pb_pen_safe(struct pb_pen *p, const char *s);
void pb_pen_ink(struct pb_pen *p, enum pb_style style, const char *s);
/* The same in two halves, around what others write. */
void pb_pen_on(struct pb_pen *p, enum pb_style style);
void pb_pen_off(struct pb_pen *p);
enum pb_style pb_pen_style_of(enum pb_verdict v);

/* Words from column `at` on, later lines from column `indent` on; no newline at the end. */
void pb_pen_words(struct pb_pen *p, const char *s, size_t at, size_t indent);
/* The same as lines of their own, indented; with the newline. */
void pb_pen_line(struct pb_pen *p, size_t indent, const char *s);

/* The attributes of a resource: those that say something, or with `every` all of them. */
void pb_pen_attributes(struct pb_pen *p, const struct pb_resource_result *r, bool every);

/* The line that a unit begins with, and what is to be said beside the findings. */
void pb_pen_unit(struct pb_pen *p, const struct pb_audit *a, const struct pb_unit_result *u);
void pb_pen_diagnostics(struct pb_pen *p, const struct pb_audit *a);

/* What of a unit could not be observed, by reason, each with a remedy. */
void pb_pen_darkness(struct pb_pen *p, const struct pb_unit_result *u);

/* "1 resource", "2 resources". In the pen's arena. */
const char *pb_pen_count(struct pb_pen *p, size_t n, const char *what);

#endif
