#include "backends/terraform/reach.h"

#include <string.h>

#include "base/text.h"

/* "../" anywhere, or the folder that the whole run starts in. */
static bool text_escapes(const char *s)
{
    return strstr(s, "../") || strstr(s, "\"..\"") || strstr(s, "path.cwd") ||
           strstr(s, "abspath(") || strstr(s, "/..");
}

static bool body_escapes(const struct pb_hcl_body *b, bool module_call)
{
    for (size_t i = 0; i < b->nattrs; i++) {
        bool source = module_call && strcmp(b->attrs[i].name, "source") == 0;
        if (!source && text_escapes(b->attrs[i].expr->text))
            return true;
        if (b->attrs[i].expr->kind == PB_HCL_LIST || b->attrs[i].expr->kind == PB_HCL_MAP)
            for (size_t j = 0; j < b->attrs[i].expr->n; j++)
                if (text_escapes(b->attrs[i].expr->items[j].text))
                    return true; /* from JSON, where a list has no text of its own */
    }
    for (size_t i = 0; i < b->nblocks; i++)
        if (body_escapes(b->blocks[i].body, strcmp(b->blocks[i].type, "module") == 0))
            return true;
    return false;
}

static bool is_inside(const char *dir, const char *top)
{
    size_t n = strlen(top);

    return n == 0 || (strncmp(dir, top, n) == 0 && (dir[n] == '/' || dir[n] == '\0'));
}

static void add_dir(struct pb_strv *dirs, const char *dir)
{
    for (size_t i = 0; i < dirs->n; i++)
        if (is_inside(dir, dirs->v[i]))
            return;
    pb_strv_add(dirs, dir);
}

/* Fewest that cover all: parents sort before what is inside of them. */
static void reduce(struct pb_strv *dirs, const struct pb_strv *all)
{
    for (size_t i = 0; i < all->n; i++)
        add_dir(dirs, all->v[i]);
}

static int collect(struct pb_strv *all, struct pb_arena *a, const struct pb_tf_files *files,
                   const char *root, bool tofu, struct pb_err *err)
{
    struct pb_tf_tree *tree;
    struct pb_err why = PB_ERR_INIT;

    pb_strv_add(all, root);
    if (pb_tf_tree_load(&tree, a, files, root, NULL, tofu, &why)) {
        if (why.cls != PB_E_CONFIG && why.cls != PB_E_INPUT)
            return pb_fail(err, why.cls, "%s", why.msg);
        pb_strv_add(all, "");
        return 0;
    }
    for (size_t i = 0; i < tree->n; i++) {
        const struct pb_tf_node *node = tree->v[i];
        const char *source =
            node->call ? pb_hcl_str(pb_hcl_attr_of(node->call->body, "source")) : ".";
        if (node->module)
            pb_strv_add(all, node->module->dir);
        else if (pb_tf_is_local(source))
            pb_strv_add(all, ""); /* a local one that could not be read */
        if (node->module && body_escapes(node->module->body, false))
            pb_strv_add(all, "");
    }
    return 0;
}

int pb_tf_reach(struct pb_strv *dirs, const struct pb_tf_files *files, const char *root,
                struct pb_err *err)
{
    PB_AUTO(strv) struct pb_strv all = PB_STRV_INIT;
    struct pb_arena *a = pb_arena_new();
    /* Which of the two will run is not known here: what either reads is reached. */
    int rc = collect(&all, a, files, root, false, err) || collect(&all, a, files, root, true, err);

    pb_arena_free(a);
    if (rc)
        return -1;
    pb_strv_sort(&all);
    reduce(dirs, &all);
    return 0;
}
