#include "backends/terraform/outside.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* Whether the first argument names a place in the unit's own copy of the tree. */
static bool starts_inside(const char *arg)
{
    static const char *const starts[] = {"path.module", "path.root", "${path.module}",
                                         "${path.root}"};
    bool quoted = *arg == '"';

    arg += quoted;
    for (size_t i = 0; i < PB_COUNT(starts); i++)
        if ((starts[i][0] == '$') == quoted && pb_starts_with(arg, starts[i]))
            return true;
    return quoted && !strchr("/~$%\\", *arg);
}

/* file, fileexists, filebase64sha256 and so on. */
static bool reads_files(const char *name, size_t n)
{
    return (n >= 4 && strncmp(name, "file", 4) == 0) ||
           (n == 12 && strncmp(name, "templatefile", 12) == 0);
}

/* How many folders the argument that starts here goes up. */
static size_t climbs(const char *arg)
{
    size_t up = 0;

    for (const char *p = arg; *p && *p != ')' && *p != ','; p++)
        up += p[0] == '.' && p[1] == '.' && p[2] != '.' && (p == arg || p[-1] != '.');
    return up;
}

/* The first call of a function that reads a file that is not in the tree, or (`when`) the time. */
static const char *reads(const char *text, size_t depth, bool when)
{
    for (const char *p = strchr(text, '('); p; p = strchr(p + 1, '(')) {
        const char *end = p, *arg = p + 1, *name;

        while (end > text && isspace((unsigned char)end[-1]))
            end--;
        for (name = end; name > text && is_word(name[-1]);)
            name--;
        while (isspace((unsigned char)*arg))
            arg++;
        if (pb_starts_with(name, "pathexpand") || (when && pb_starts_with(name, "plantimestamp")) ||
            (reads_files(name, (size_t)(end - name)) &&
             (!starts_inside(arg) || climbs(arg) > depth)))
            return name;
    }
    return NULL;
}

bool pb_tf_text_reads_outside(const char *text)
{
    return reads(text, SIZE_MAX, true) != NULL;
}

const char *pb_tf_text_reads_files(const char *text, size_t depth)
{
    return reads(text, depth, false);
}

static bool expr_reads_outside(const struct pb_hcl_expr *e)
{
    if (pb_tf_text_reads_outside(e->text))
        return true;
    for (size_t i = 0; i < e->n; i++) /* from JSON, where a list has no text of its own */
        if (expr_reads_outside(&e->items[i]))
            return true;
    return false;
}

static bool body_reads_outside(const struct pb_hcl_body *b)
{
    for (size_t i = 0; i < b->nattrs; i++)
        if (expr_reads_outside(b->attrs[i].expr))
            return true;
    for (size_t i = 0; i < b->nblocks; i++)
        if (body_reads_outside(b->blocks[i].body))
            return true;
    return false;
}

bool pb_tf_tree_reads_outside(const struct pb_tf_tree *t)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->v[i]->module && body_reads_outside(t->v[i]->module->body))
            return true;
    return false;
}
