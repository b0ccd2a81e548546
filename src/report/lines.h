/*
 * lines.h: a row whose values are long, as lines of a diff. Internal to report.
 *
 * The old side is what was meant to be, the new one what is: for what was changed outside, that
 * is declared against live; for what Git asks for, live against declared. Sides that agree are
 * one. What is the same at the beginning and at the end is context.
 */
#ifndef PB_REPORT_LINES_H
#define PB_REPORT_LINES_H

#include "report/cell.h"

struct pb_diff_line {
    char sign; /* '-', '+' or ' ' */
    const char *s;
    size_t len;
};

struct pb_diff {
    struct {
        const char *label; /* "declared, recorded" */
        char *text;
    } sides[2];
    size_t nsides; /* 1: there is nothing to compare with */
    struct pb_diff_line *v;
    size_t n, cap;
};

/* With `trees` the row has base, merged tree and live. Where all three differ there are two diffs:
 * what was done to the world outside, and what would become of it. */
size_t pb_diffs(const struct pb_row *r, bool trees);
/* The part-th of them. Values of at most so many columns: the middle of longer ones is left out. */
void pb_diff_of(struct pb_diff *d, const struct pb_row *r, bool trees, size_t part, size_t columns);
void pb_diff_release(struct pb_diff *d);

#endif
