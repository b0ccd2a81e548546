/*
 * strv.h: a growing, NULL-terminated list of owned strings; also an argv or environment.
 */
#ifndef PB_BASE_STRV_H
#define PB_BASE_STRV_H

#include "base/compiler.h"

struct pb_strv {
    char **v; /* v[n] is NULL once anything was added; NULL before */
    size_t n, cap;
};

#define PB_STRV_INIT \
    {                \
        NULL, 0, 0   \
    }

void pb_strv_release(struct pb_strv *v);
void pb_strv_add(struct pb_strv *v, const char *s);
void pb_strv_addf(struct pb_strv *v, const char *fmt, ...) PB_PRINTF(2, 3);
bool pb_strv_has(const struct pb_strv *v, const char *s);
void pb_strv_sort(struct pb_strv *v);

/* As an environment: sets NAME=VALUE, replacing an earlier NAME. */
void pb_strv_setenv(struct pb_strv *v, const char *name, const char *value);
void pb_strv_dropenv(struct pb_strv *v, const char *name);

void pb_auto_strv(struct pb_strv *v);

#endif
