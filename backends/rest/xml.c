#include "backends/rest/xml.h"

#include <expat.h>

#include "base/mem.h"
#include "base/text.h"

struct child {
    const char *name;
    size_t order;
    struct pb_value value;
};

struct frame {
    const char *name;
    size_t first; /* of its children on the stack of children */
    size_t text;  /* where its text begins */
};

struct parse {
    struct pb_arena *a;
    XML_Parser x;
    struct frame frames[PB_XML_DEPTH];
    size_t depth;
    struct child *children; /* of all open elements */
    size_t nchildren, cap;
    struct pb_buf text;
    size_t elements;
    const char *problem;
    struct pb_value root;
    const char *root_name;
    bool done;
};

static void stop(struct parse *p, const char *problem)
{
    if (!p->problem)
        p->problem = problem;
    XML_StopParser(p->x, XML_FALSE);
}

static void add_child(struct parse *p, const char *name, struct pb_value v)
{
    p->children = pb_grow(p->children, &p->cap, p->nchildren + 1, sizeof(*p->children));
    p->children[p->nchildren] = (struct child){name, p->nchildren, v};
    p->nchildren++;
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attrs)
{
    struct parse *p = ctx;
    if (p->depth == PB_XML_DEPTH) {
        stop(p, "is nested too deeply");
        return;
    }
    if (++p->elements > PB_XML_ELEMENTS) {
        stop(p, "has too many elements");
        return;
    }
    p->frames[p->depth++] = (struct frame){
        .name = pb_arena_intern(p->a, name, strlen(name)),
        .first = p->nchildren,
        .text = p->text.len,
    };
    for (; attrs[0]; attrs += 2) {
        if (strcmp(attrs[0], "xmlns") == 0 || pb_starts_with(attrs[0], "xmlns:"))
            continue;
        PB_AUTO(buf) struct pb_buf key = PB_BUF_INIT;
        pb_buf_addf(&key, "@%s", attrs[0]);
        add_child(p, pb_arena_intern(p->a, key.s, key.len), pb_mk_string(p->a, attrs[1]));
    }
}

static void on_text(void *ctx, const XML_Char *s, int n)
{
    struct parse *p = ctx;
    pb_buf_add(&p->text, s, (size_t)n);
}

static int by_name(const void *x, const void *y)
{
    const struct child *a = x, *b = y;
    int c = strcmp(a->name, b->name);
    return c ? c : (a->order > b->order) - (a->order < b->order);
}

static struct pb_value close_map(struct parse *p, struct child *c, size_t n)
{
    struct pb_map_builder m = PB_BUILDER_INIT;
    qsort(c, n, sizeof(*c), by_name);
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && strcmp(c[j].name, c[i].name) == 0;)
            j++;
        if (j == i + 1) {
            pb_map_add(&m, c[i].name, c[i].value);
            continue;
        }
        struct pb_list_builder l = PB_BUILDER_INIT;
        for (size_t k = i; k < j; k++)
            pb_list_add(&l, c[k].value);
        pb_map_add(&m, c[i].name, pb_list_done(&l, p->a));
    }
    return pb_map_done(&m, p->a);
}

static void on_end(void *ctx, PB_UNUSED const XML_Char *name)
{
    struct parse *p = ctx;
    if (p->problem) /* expat still closes an empty element after it was stopped */
        return;
    struct frame *f = &p->frames[--p->depth];
    size_t n = p->nchildren - f->first;
    bool elements = false;
    for (size_t i = f->first; i < p->nchildren; i++)
        elements = elements || p->children[i].name[0] != '@';
    const char *text = p->text.s + f->text;
    size_t len = p->text.len - f->text;
    struct pb_value v;
    if (n == 0 && p->depth > 0) {
        v = pb_mk_stringn(p->a, text, len);
    } else {
        if (!elements && len > strspn(text, " \t\r\n"))
            add_child(p, "#text", pb_mk_stringn(p->a, text, len));
        n = p->nchildren - f->first;
        v = n ? close_map(p, p->children + f->first, n) : pb_empty_map;
    }
    p->nchildren = f->first;
    pb_buf_truncate(&p->text, f->text);
    if (p->depth > 0) {
        add_child(p, f->name, v);
    } else {
        p->root = v;
        p->root_name = f->name;
        p->done = true;
    }
}

static void on_doctype(void *ctx, PB_UNUSED const XML_Char *name, PB_UNUSED const XML_Char *sysid,
                       PB_UNUSED const XML_Char *pubid, PB_UNUSED int internal)
{
    stop(ctx, "has a document type declaration, which is refused");
}

int pb_xml_parse(const struct pb_value **out, const char **root, struct pb_arena *a,
                 const char *text, size_t n, const char *what, struct pb_err *err)
{
    int rc = -1;
    struct parse p = {.a = a, .x = XML_ParserCreate("UTF-8"), .text = PB_BUF_INIT};
    if (!p.x)
        pb_oom();
    XML_SetUserData(p.x, &p);
    XML_SetElementHandler(p.x, on_start, on_end);
    XML_SetCharacterDataHandler(p.x, on_text);
    XML_SetStartDoctypeDeclHandler(p.x, on_doctype);
    XML_SetHashSalt(p.x, (unsigned long)(uintptr_t)&p | 1);
    if (n > INT32_MAX) {
        pb_fail(err, PB_E_INPUT, "%s is too long", what);
    } else if (XML_Parse(p.x, text, (int)n, 1) != XML_STATUS_OK || p.problem || !p.done) {
        if (p.problem)
            pb_fail(err, PB_E_INPUT, "%s %s", what, p.problem);
        else
            pb_fail(err, PB_E_INPUT, "%s is not well-formed XML: %s at line %lu", what,
                    XML_ErrorString(XML_GetErrorCode(p.x)),
                    (unsigned long)XML_GetCurrentLineNumber(p.x));
    } else {
        *out = pb_box(a, p.root);
        *root = p.root_name;
        rc = 0;
    }
    XML_ParserFree(p.x);
    free(p.children);
    pb_buf_release(&p.text);
    return rc;
}
