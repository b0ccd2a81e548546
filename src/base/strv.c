#include "base/strv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

static void push(struct pb_strv *v, char *s)
{
    v->v = pb_grow(v->v, &v->cap, v->n + 2, sizeof(*v->v));
    v->v[v->n++] = s;
    v->v[v->n] = NULL;
}

void pb_strv_release(struct pb_strv *v)
{
    for (size_t i = 0; i < v->n; i++)
        free(v->v[i]);
    free(v->v);
    *v = (struct pb_strv)PB_STRV_INIT;
}

void pb_strv_add(struct pb_strv *v, const char *s)
{
    push(v, pb_strdup(s));
}

void pb_strv_addf(struct pb_strv *v, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    push(v, pb_vasprintf(fmt, ap));
    va_end(ap);
}

bool pb_strv_has(const struct pb_strv *v, const char *s)
{
    for (size_t i = 0; i < v->n; i++)
        if (strcmp(v->v[i], s) == 0)
            return true;
    return false;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void pb_strv_sort(struct pb_strv *v)
{
    if (v->n > 1)
        qsort(v->v, v->n, sizeof(*v->v), by_text);
}

void pb_strv_setenv(struct pb_strv *v, const char *name, const char *value)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < v->n; i++) {
        if (strncmp(v->v[i], name, len) != 0 || v->v[i][len] != '=')
            continue;
        free(v->v[i]);
        v->v[i] = pb_asprintf("%s=%s", name, value);
        return;
    }
    pb_strv_addf(v, "%s=%s", name, value);
}

void pb_strv_dropenv(struct pb_strv *v, const char *name)
{
    size_t len = strlen(name), kept = 0;

    for (size_t i = 0; i < v->n; i++) {
        if (strncmp(v->v[i], name, len) == 0 && v->v[i][len] == '=')
            free(v->v[i]);
        else
            v->v[kept++] = v->v[i];
    }
    v->n = kept;
    if (v->v)
        v->v[kept] = NULL;
}

void pb_auto_strv(struct pb_strv *v)
{
    pb_strv_release(v);
}
