/*
 * cell.h: values as people read them: short, safe for a terminal, without secrets.
 */
#ifndef PB_REPORT_CELL_H
#define PB_REPORT_CELL_H

#include "reconcile/reconcile.h"

/* The columns of a three-way table. */
enum { PB_CELL_DECLARED, PB_CELL_RECORDED, PB_CELL_LIVE, PB_NCELLS };

/* One line of such a table. Strings live in the arena. */
struct pb_row {
    const char *path;
    const char *verdict;
    const char *cell[PB_NCELLS];
    const char *reason; /* or NULL */
};

struct pb_rows {
    struct pb_row *v;
    size_t n, cap;
};

/* One attribute as one row, or, where it holds JSON in strings that differ, a row for each part
 * that differs. */
void pb_rows_add(struct pb_rows *rows, struct pb_arena *a, const struct pb_attr_result *attr);
/* The parts alone; false when it holds no JSON, or too little of it is JSON. */
bool pb_rows_add_parts(struct pb_rows *rows, struct pb_arena *a, const struct pb_attr_result *attr);
/* A row without cells. */
struct pb_row *pb_rows_new(struct pb_rows *rows, struct pb_arena *a,
                           const struct pb_attr_result *attr, const char *path);
void pb_rows_release(struct pb_rows *rows);

/* One value; sensitive ones are not told. */
const char *pb_cell_text(struct pb_arena *a, const struct pb_value *v, int column);

/* Null, absent or empty. */
bool pb_cell_is_nothing(const struct pb_value *v);
/* A map without such members: providers fill elements of sets up with them, and they drown what
 * is said. */
const struct pb_value *pb_cell_brief(struct pb_arena *a, const struct pb_value *v);

/* At most `width` columns: what is left out of the middle is marked with its length. */
void pb_cell_fit(struct pb_buf *out, const char *s, size_t width);

#endif
