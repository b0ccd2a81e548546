#include "backends/provider/convert.h"

#include <string.h>

#include "model/number.h"
#include "model/path.h"

static struct pb_value scalar(struct pb_arena *a, const struct pb_value *v, enum pb_type_kind kind)
{
    struct pb_value out = *v;

    if (kind == PB_T_STRING && v->kind == PB_BOOL)
        out = pb_mk_string(a, v->b ? "true" : "false");
    else if (kind == PB_T_STRING && v->kind == PB_NUMBER)
        out = pb_mk_string(a, v->s);
    else if (kind == PB_T_NUMBER && v->kind == PB_STRING && pb_number_valid(v->s, v->n))
        out = pb_mk_number(a, v->s);
    else if (kind == PB_T_BOOL && v->kind == PB_STRING &&
             (strcmp(v->s, "true") == 0 || strcmp(v->s, "1") == 0))
        out = pb_true;
    else if (kind == PB_T_BOOL && v->kind == PB_STRING &&
             (strcmp(v->s, "false") == 0 || strcmp(v->s, "0") == 0))
        out = pb_false;
    return out;
}

static struct pb_value object(struct pb_arena *a, const struct pb_value *v, const struct pb_type *t)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    for (size_t i = 0; i < v->n; i++) {
        const struct pb_member *m = &v->members[i];
        const struct pb_field *f = t->kind == PB_T_OBJECT ? pb_type_field(t, m->key) : NULL;
        const struct pb_type *inner = f ? f->type : t->kind == PB_T_MAP ? t->elem : NULL;

        pb_map_add(&b, m->key, inner ? pb_convert(a, &m->value, inner) : m->value);
    }
    return pb_map_done(&b, a);
}

static struct pb_value list(struct pb_arena *a, const struct pb_value *v, const struct pb_type *t)
{
    struct pb_list_builder b = PB_BUILDER_INIT;

    if (v->kind == PB_MAP)
        pb_list_add(&b, pb_convert(a, v, t->elem));
    for (size_t i = 0; v->kind == PB_LIST && i < v->n; i++)
        pb_list_add(&b, pb_convert(a, &v->items[i], t->elem));
    return pb_list_done(&b, a);
}

struct pb_value pb_convert(struct pb_arena *a, const struct pb_value *v, const struct pb_type *t)
{
    struct pb_value out = *v;

    switch (t->kind) {
    case PB_T_STRING:
    case PB_T_NUMBER:
    case PB_T_BOOL: out = scalar(a, v, t->kind); break;
    case PB_T_LIST:
    case PB_T_SET:
        if (v->kind == PB_LIST || (v->kind == PB_MAP && t->elem->kind == PB_T_OBJECT))
            out = list(a, v, t);
        break;
    case PB_T_OBJECT:
    case PB_T_MAP:
        if (v->kind == PB_LIST && v->n == 1 && v->items[0].kind == PB_MAP)
            v = &v->items[0];
        if (v->kind == PB_MAP)
            out = object(a, v, t);
        break;
    default: break;
    }
    out.flags |= v->flags;
    return out;
}

bool pb_find_unknown(struct pb_buf *path, const char **reason, const struct pb_value *v)
{
    size_t len = path->len;

    if (!v)
        return false;
    if (v->kind == PB_UNKNOWN || v->kind == PB_SEALED) {
        *reason = v->kind == PB_UNKNOWN ? v->s : NULL;
        return true;
    }
    for (size_t i = 0; (v->kind == PB_LIST || v->kind == PB_MAP) && i < v->n; i++) {
        if (v->kind == PB_MAP)
            pb_path_add_key(path, v->members[i].key);
        else
            pb_path_add_index(path, i);
        if (pb_find_unknown(path, reason, v->kind == PB_MAP ? &v->members[i].value : &v->items[i]))
            return true;
        pb_buf_truncate(path, len);
    }
    return false;
}
