/* What people read about plumb.yaml, from the parameter table. */
#include "config/internal.h"

#include "model/json.h"

#include <string.h>

static void reference(struct pb_buf *b, const struct pb_param *p, const char *prefix)
{
    for (; p->name; p++) {
        PB_AUTO(buf) struct pb_buf key = PB_BUF_INIT;

        pb_buf_addf(&key, "%s%s%s", prefix, p->name, p->kind == PB_PK_OBJECTS ? "[]" : "");
        pb_buf_addf(b, "| `%s` | %s%s |", key.s, p->meaning, p->required ? " (required)" : "");
        pb_buf_addf(b, " %s |\n", p->def ? p->def : "");
        if (p->fields) {
            pb_buf_addc(&key, '.');
            reference(b, p->fields, key.s);
        }
    }
}

void pb_config_add_reference(struct pb_buf *b)
{
    pb_buf_adds(b, "| Key | Meaning | Default |\n|---|---|---|\n");
    reference(b, pb_params, "");
}

static struct pb_value text(struct pb_arena *a, const char *s)
{
    return pb_mk_string(a, s);
}

static struct pb_value one(struct pb_arena *a, const char *key, struct pb_value v)
{
    struct pb_map_builder m = PB_BUILDER_INIT;

    pb_map_add(&m, key, v);
    return pb_map_done(&m, a);
}

static struct pb_value object_schema(struct pb_arena *a, const struct pb_param *fields);

static struct pb_value string_schema(struct pb_arena *a, const struct pb_param *p, bool item)
{
    struct pb_map_builder m = PB_BUILDER_INIT;
    struct pb_list_builder values = PB_BUILDER_INIT;

    pb_map_add(&m, "type", text(a, "string"));
    if (!item)
        pb_map_add(&m, "description", text(a, p->meaning));
    for (size_t i = 0; p->values && p->values[i]; i++)
        pb_list_add(&values, text(a, p->values[i]));
    if (p->values)
        pb_map_add(&m, "enum", pb_list_done(&values, a));
    if (p->kind == PB_PK_DURATION)
        pb_map_add(&m, "pattern", text(a, "^[0-9]+(ms|s|m|h|d)$"));
    if (p->kind == PB_PK_NAME)
        pb_map_add(&m, "pattern", text(a, "^[A-Za-z0-9._/][A-Za-z0-9._/-]*$"));
    return pb_map_done(&m, a);
}

static struct pb_value param_schema(struct pb_arena *a, const struct pb_param *p)
{
    struct pb_map_builder m = PB_BUILDER_INIT;

    switch (p->kind) {
    case PB_PK_STRING:
    case PB_PK_NAME:
    case PB_PK_PATH:
    case PB_PK_DURATION: return string_schema(a, p, false);
    case PB_PK_OBJECT: return object_schema(a, p->fields);
    case PB_PK_INT:
        pb_map_add(&m, "type", text(a, "integer"));
        pb_map_add(&m, "minimum", pb_mk_int(a, p->min));
        pb_map_add(&m, "maximum", pb_mk_int(a, p->max));
        break;
    case PB_PK_BOOL: pb_map_add(&m, "type", text(a, "boolean")); break;
    case PB_PK_STRINGS:
    case PB_PK_PATHS:
        pb_map_add(&m, "type", text(a, "array"));
        pb_map_add(&m, "items", string_schema(a, p, true));
        break;
    case PB_PK_OBJECTS:
        pb_map_add(&m, "type", text(a, "array"));
        pb_map_add(&m, "items", object_schema(a, p->fields));
        break;
    case PB_PK_TREE:
        pb_map_add(&m, "additionalProperties", one(a, "type", text(a, "object")));
        pb_map_add(&m, "type", text(a, "object"));
        break;
    case PB_PK_ASSIGN: pb_map_add(&m, "type", text(a, "object")); break;
    }
    pb_map_add(&m, "description", text(a, p->meaning));
    return pb_map_done(&m, a);
}

static void add_fields(struct pb_map_builder *m, struct pb_arena *a, const struct pb_param *fields)
{
    struct pb_map_builder props = PB_BUILDER_INIT;
    struct pb_list_builder required = PB_BUILDER_INIT;

    for (const struct pb_param *p = fields; p->name; p++) {
        pb_map_add(&props, p->name, param_schema(a, p));
        if (p->required)
            pb_list_add(&required, text(a, p->name));
    }
    pb_map_add(m, "type", text(a, "object"));
    pb_map_add(m, "additionalProperties", pb_false);
    pb_map_add(m, "properties", pb_map_done(&props, a));
    pb_map_add(m, "required", pb_list_done(&required, a));
}

static struct pb_value object_schema(struct pb_arena *a, const struct pb_param *fields)
{
    struct pb_map_builder m = PB_BUILDER_INIT;

    add_fields(&m, a, fields);
    return pb_map_done(&m, a);
}

void pb_config_add_schema(struct pb_buf *b)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_map_builder m = PB_BUILDER_INIT;
    struct pb_value v;

    pb_map_add(&m, "$schema", text(a, "https://json-schema.org/draft/2020-12/schema"));
    pb_map_add(&m, "title", text(a, "plumb.yaml"));
    add_fields(&m, a, pb_params);
    v = pb_map_done(&m, a);
    pb_json_add_pretty(b, &v);
    if (!b->len || b->s[b->len - 1] != '\n')
        pb_buf_addc(b, '\n');
}
