/* What was read, as a value again. */
#include "config/internal.h"

#include <string.h>

static struct pb_value strings(struct pb_arena *a, char *const *v)
{
    struct pb_list_builder b = PB_BUILDER_INIT;

    for (; v && *v; v++)
        pb_list_add(&b, pb_mk_string(a, *v));
    return pb_list_done(&b, a);
}

static struct pb_value object(struct pb_arena *a, const struct pb_param *fields, const char *base);

static struct pb_value objects(struct pb_arena *a, const struct pb_param *p, const char *base)
{
    const char *v = *(const char *const *)(const void *)(base + p->offset);
    size_t n = *(const size_t *)(const void *)(base + p->count);
    struct pb_list_builder b = PB_BUILDER_INIT;

    for (size_t i = 0; i < n; i++)
        pb_list_add(&b, object(a, p->fields, v + i * p->size));
    return pb_list_done(&b, a);
}

static struct pb_value param(struct pb_arena *a, const struct pb_param *p, const char *base)
{
    const void *slot = base + p->offset;

    switch (p->kind) {
    case PB_PK_STRING:
    case PB_PK_NAME:
    case PB_PK_PATH: {
        const char *s = *(const char *const *)slot;

        return s ? pb_mk_string(a, s) : pb_null;
    }
    case PB_PK_INT:
    case PB_PK_DURATION: return pb_mk_int(a, *(const int64_t *)slot);
    case PB_PK_BOOL: return *(const bool *)slot ? pb_true : pb_false;
    case PB_PK_STRINGS:
    case PB_PK_PATHS:
    case PB_PK_ASSIGN: return strings(a, *(char *const *const *)slot);
    case PB_PK_OBJECT: return object(a, p->fields, slot);
    case PB_PK_OBJECTS: return objects(a, p, base);
    case PB_PK_TREE: break;
    }
    {
        const struct pb_value *v = *(const struct pb_value *const *)slot;

        return v ? *v : pb_null;
    }
}

static struct pb_value object(struct pb_arena *a, const struct pb_param *fields, const char *base)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    for (const struct pb_param *p = fields; p->name; p++)
        pb_map_add(&b, p->name, param(a, p, base));
    return pb_map_done(&b, a);
}

struct pb_value pb_config_gate_value(struct pb_arena *a, const struct pb_config_gate *c)
{
    const struct pb_param *p = pb_params;

    while (strcmp(p->name, "gate") != 0)
        p++;
    return object(a, p->fields, (const char *)c);
}
