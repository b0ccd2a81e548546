#include "model/snapshot.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

const char *pb_action_name(enum pb_action a)
{
    static const char *const names[] = {
        [PB_ACT_NONE] = "none",     [PB_ACT_CREATE] = "create",   [PB_ACT_READ] = "read",
        [PB_ACT_UPDATE] = "update", [PB_ACT_DELETE] = "delete",   [PB_ACT_REPLACE] = "replace",
        [PB_ACT_FORGET] = "forget", [PB_ACT_UNKNOWN] = "unknown",
    };

    return names[a];
}

void pb_diag_add(struct pb_diags *d, struct pb_arena *a, const char *severity, const char *code,
                 const char *address, const char *fmt, ...)
{
    char text[PB_ERR_MAX];
    struct pb_diag *row;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    d->v = pb_grow(d->v, &d->cap, d->n + 1, sizeof(*d->v));
    row = &d->v[d->n++];
    row->severity = pb_arena_intern(a, severity, strlen(severity));
    row->code = pb_arena_intern(a, code, strlen(code));
    row->message = pb_arena_strdup(a, text);
    row->address = address ? pb_arena_strdup(a, address) : NULL;
}

void pb_diags_release(struct pb_diags *d)
{
    free(d->v);
    *d = (struct pb_diags){NULL, 0, 0};
}

/* All four arrays hold structs, or pointers to structs, that begin with the name sought. */
static int by_name(const void *key, const void *row)
{
    return strcmp(key, *(const char *const *)row);
}

static int by_schema_type(const void *key, const void *row)
{
    const struct pb_schema *const *s = row;

    return strcmp(key, (*s)->type);
}

_Static_assert(offsetof(struct pb_declared, address) == 0, "by_name");
_Static_assert(offsetof(struct pb_recorded, address) == 0, "by_name");
_Static_assert(offsetof(struct pb_live, address) == 0, "by_name");

const struct pb_declared *pb_declared_find(const struct pb_declared_set *s, const char *address)
{
    return s && s->n ? bsearch(address, s->v, s->n, sizeof(*s->v), by_name) : NULL;
}

const struct pb_recorded *pb_recorded_find(const struct pb_recorded_set *s, const char *address)
{
    const struct pb_recorded *r =
        s && s->n ? bsearch(address, s->v, s->n, sizeof(*s->v), by_name) : NULL;

    /* Deposed objects follow the current one. */
    while (r && r > s->v && strcmp(r[-1].address, address) == 0)
        r--;
    return r;
}

const struct pb_live *pb_live_find(const struct pb_live_set *s, const char *address)
{
    return s && s->n ? bsearch(address, s->v, s->n, sizeof(*s->v), by_name) : NULL;
}

const struct pb_schema *pb_schema_find(const struct pb_schema_set *s, const char *type)
{
    const struct pb_schema *const *row = NULL;

    if (s && s->n)
        row = bsearch(type, s->v, s->n, sizeof(struct pb_schema *), by_schema_type);
    return row ? *row : NULL;
}
