#include "model/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/number.h"

enum { YAML_MAX = 1024 * 1024, YAML_DEPTH = 64 };

struct frame {
    bool is_map;
    bool have_key; /* a key has been read, its value comes next */
    const char *key;
    uint16_t line;
    struct pb_list_builder list;
    struct pb_map_builder map;
};

struct parser {
    struct pb_arena *arena;
    const char *file;
    struct pb_err *err;
    yaml_parser_t yaml;
    struct frame frame[YAML_DEPTH];
    size_t depth;
    struct pb_value root;
    bool have_root;
};

static int fail(struct parser *p, size_t line, const char *problem)
{
    return pb_fail(p->err, PB_E_CONFIG, "%s:%zu: %s", p->file, line, problem);
}

static uint16_t clamp_line(size_t line)
{
    return line > UINT16_MAX ? UINT16_MAX : (uint16_t)line;
}

static bool is_one_of(const char *s, const char *a, const char *b, const char *c)
{
    return strcmp(s, a) == 0 || strcmp(s, b) == 0 || strcmp(s, c) == 0;
}

/* Numbers are what JSON calls numbers: 007 and 012345678901 stay strings, as account
 * numbers must. */
static struct pb_value scalar_value(struct parser *p, const yaml_event_t *ev)
{
    const char *s = (const char *)ev->data.scalar.value;
    size_t n = ev->data.scalar.length;

    if (ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        if (!*s || strcmp(s, "~") == 0 || is_one_of(s, "null", "Null", "NULL"))
            return pb_null;
        if (is_one_of(s, "true", "True", "TRUE"))
            return pb_true;
        if (is_one_of(s, "false", "False", "FALSE"))
            return pb_false;
        if (pb_number_valid(s, n))
            return pb_mk_number(p->arena, s);
    }
    return pb_mk_stringn(p->arena, s, n);
}

static bool has_key(const struct frame *f, const char *key)
{
    for (size_t i = 0; i < f->map.n; i++)
        if (f->map.v[i].key == key) /* interned */
            return true;
    return false;
}

static int take_key(struct parser *p, struct frame *f, const yaml_event_t *ev, size_t line)
{
    const char *s = (const char *)ev->data.scalar.value;

    if (ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && strcmp(s, "<<") == 0)
        return fail(p, line, "merge keys ('<<') are not read: write the members out");
    f->key = pb_arena_intern(p->arena, s, ev->data.scalar.length);
    if (has_key(f, f->key))
        return pb_fail(p->err, PB_E_CONFIG, "%s:%zu: key '%s' is there twice", p->file, line,
                       f->key);
    f->have_key = true;
    return 0;
}

static void put(struct parser *p, struct pb_value v, size_t line)
{
    struct frame *f;

    v.line = clamp_line(line);
    if (!p->depth) {
        p->root = v;
        p->have_root = true;
        return;
    }
    f = &p->frame[p->depth - 1];
    if (f->is_map)
        pb_map_add(&f->map, f->key, v);
    else
        pb_list_add(&f->list, v);
    f->have_key = false;
}

static int on_scalar(struct parser *p, const yaml_event_t *ev, size_t line)
{
    struct frame *f = p->depth ? &p->frame[p->depth - 1] : NULL;

    if (ev->data.scalar.anchor)
        return fail(p, line, "anchors ('&name') are not read: repeat the value");
    if (ev->data.scalar.tag)
        return fail(p, line, "tags ('!name') are not read");
    if (strlen((const char *)ev->data.scalar.value) != ev->data.scalar.length)
        return fail(p, line, "a NUL inside a string");
    if (f && f->is_map && !f->have_key)
        return take_key(p, f, ev, line);
    put(p, scalar_value(p, ev), line);
    return 0;
}

static int on_start(struct parser *p, bool is_map, const yaml_char_t *anchor,
                    const yaml_char_t *tag, size_t line)
{
    struct frame *f = p->depth ? &p->frame[p->depth - 1] : NULL;

    if (anchor)
        return fail(p, line, "anchors ('&name') are not read: repeat the value");
    if (tag)
        return fail(p, line, "tags ('!name') are not read");
    if (f && f->is_map && !f->have_key)
        return fail(p, line, "a key must be a plain word or a quoted string");
    if (p->depth == YAML_DEPTH)
        return fail(p, line, "more than 64 levels");
    p->frame[p->depth++] = (struct frame){.is_map = is_map, .line = clamp_line(line)};
    return 0;
}

static void on_end(struct parser *p)
{
    struct frame *f = &p->frame[--p->depth];
    struct pb_value v =
        f->is_map ? pb_map_done(&f->map, p->arena) : pb_list_done(&f->list, p->arena);

    put(p, v, f->line);
}

static int on_event(struct parser *p, const yaml_event_t *ev)
{
    size_t line = ev->start_mark.line + 1;

    switch (ev->type) {
    case YAML_DOCUMENT_START_EVENT:
        return p->have_root ? fail(p, line, "a second document ('---')") : 0;
    case YAML_ALIAS_EVENT: return fail(p, line, "aliases ('*name') are not read: repeat the value");
    case YAML_SCALAR_EVENT: return on_scalar(p, ev, line);
    case YAML_SEQUENCE_START_EVENT:
        return on_start(p, false, ev->data.sequence_start.anchor, ev->data.sequence_start.tag,
                        line);
    case YAML_MAPPING_START_EVENT:
        return on_start(p, true, ev->data.mapping_start.anchor, ev->data.mapping_start.tag, line);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: on_end(p); return 0;
    default: return 0;
    }
}

static int run(struct parser *p)
{
    yaml_event_t ev;
    bool end = false;

    while (!end) {
        int rc;
        if (!yaml_parser_parse(&p->yaml, &ev)) {
            size_t line = p->yaml.problem_mark.line + 1;
            return fail(p, line, p->yaml.problem ? p->yaml.problem : "not YAML");
        }
        end = ev.type == YAML_STREAM_END_EVENT;
        rc = on_event(p, &ev);
        yaml_event_delete(&ev);
        if (rc)
            return -1;
    }
    return 0;
}

int pb_yaml_parse(const struct pb_value **out, struct pb_arena *a, const char *text, size_t n,
                  const char *file, struct pb_err *err)
{
    struct parser *p;
    int rc = -1;

    if (n > YAML_MAX)
        return pb_fail(err, PB_E_CONFIG, "%s:1: more than 1 MiB", file);
    if (!pb_utf8_valid(text, n))
        return pb_fail(err, PB_E_CONFIG, "%s:1: not UTF-8", file);
    p = pb_calloc(1, sizeof(*p));
    p->arena = a;
    p->file = file;
    p->err = err;
    if (!yaml_parser_initialize(&p->yaml))
        pb_oom();
    yaml_parser_set_encoding(&p->yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p->yaml, (const unsigned char *)text, n);
    if (run(p) == 0) {
        if (!p->have_root || p->root.kind == PB_NULL)
            p->root = pb_empty_map;
        *out = pb_box(a, p->root);
        rc = 0;
    }
    yaml_parser_delete(&p->yaml);
    while (p->depth) {
        pb_list_builder_release(&p->frame[--p->depth].list);
        pb_map_builder_release(&p->frame[p->depth].map);
    }
    free(p);
    return rc;
}
