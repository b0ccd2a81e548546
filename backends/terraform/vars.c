#include "backends/terraform/vars.h"

#include <stdlib.h>
#include <string.h>

#include "backends/terraform/eval.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/number.h"

struct setter {
    struct pb_arena *arena;
    const struct pb_tf_vars_in *in;
    struct pb_tf_scope scope; /* with no variables: for literals */
    struct pb_map_builder out;
    struct pb_err *err;
};

static const struct pb_hcl_block *declared(const struct pb_tf_node *root, const char *name)
{
    const struct pb_hcl_block *b;

    for (size_t i = 0; (b = pb_hcl_block_of(root->module->body, "variable", i)); i++)
        if (strcmp(pb_hcl_label(b, 0), name) == 0)
            return b;
    return NULL;
}

static const char *type_text(const struct pb_hcl_block *decl)
{
    const struct pb_hcl_expr *e = decl ? pb_hcl_attr_of(decl->body, "type") : NULL;

    return !e ? "" : pb_hcl_str(e) ? pb_hcl_str(e) : e->text;
}

bool pb_tf_var_is_complex(const struct pb_tf_node *root, const char *name)
{
    static const char *const plain[] = {"", "string", "number", "bool"};
    const char *type = type_text(declared(root, name));

    for (size_t i = 0; i < PB_COUNT(plain); i++)
        if (strcmp(type, plain[i]) == 0)
            return false;
    return true;
}

/* As the variable's type wants it: "5" for a number is 5, and 5 for a string is "5". */
static struct pb_value converted(struct setter *s, const char *type, struct pb_value v)
{
    if (v.kind == PB_STRING && strcmp(type, "number") == 0 && pb_number_valid(v.s, v.n)) {
        v.kind = PB_NUMBER;
    } else if (v.kind == PB_STRING && strcmp(type, "bool") == 0) {
        if (strcmp(v.s, "true") == 0 || strcmp(v.s, "1") == 0)
            return pb_true;
        if (strcmp(v.s, "false") == 0 || strcmp(v.s, "0") == 0)
            return pb_false;
    } else if (strcmp(type, "string") == 0 && v.kind == PB_NUMBER) {
        v.kind = PB_STRING;
    } else if (strcmp(type, "string") == 0 && v.kind == PB_BOOL) {
        return pb_mk_string(s->arena, v.b ? "true" : "false");
    }
    return v;
}

static void set(struct setter *s, const char *name, struct pb_value v)
{
    const struct pb_hcl_block *decl = declared(s->in->root, name);
    const struct pb_hcl_expr *secret = decl ? pb_hcl_attr_of(decl->body, "sensitive") : NULL;

    if (!decl)
        return; /* Terraform warns of it */
    v = converted(s, type_text(decl), v);
    if (secret && strcmp(secret->text, "true") == 0)
        v = pb_mark_sensitive(s->arena, &v, &pb_true);
    pb_map_add(&s->out, pb_hcl_label(decl, 0), v);
}

/* NAME=VALUE as from a command line or the environment. */
static void set_text(struct setter *s, const char *text)
{
    const char *eq = strchr(text, '=');
    PB_AUTO(str) char *name = eq ? pb_strndup(text, (size_t)(eq - text)) : NULL;

    if (!eq)
        return;
    if (pb_tf_var_is_complex(s->in->root, name))
        set(s, name, pb_tf_eval(&s->scope, pb_hcl_expr_of(s->arena, eq + 1, strlen(eq + 1), "")));
    else
        set(s, name, pb_mk_string(s->arena, eq + 1));
}

static int set_file(struct setter *s, const char *path, bool required)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    const struct pb_hcl_body *body;
    struct pb_err why = PB_ERR_INIT;
    int rc;

    if (s->in->files->read(&text, s->in->files->ctx, path, PB_HCL_MAX, &why)) {
        if (!required)
            return 0;
        return pb_fail(s->err, PB_E_CONFIG, "cannot read the variables file '%s': %s", path,
                       why.msg);
    }
    if (pb_ends_with(path, ".json"))
        rc = pb_hcl_parse_json(&body, s->arena, text.s, text.len, path, false, s->err);
    else
        rc = pb_hcl_parse(&body, s->arena, text.s, text.len, path, s->err);
    for (size_t i = 0; rc == 0 && i < body->nattrs; i++)
        set(s, body->attrs[i].name, pb_tf_eval(&s->scope, body->attrs[i].expr));
    return rc;
}

static int set_auto_files(struct setter *s)
{
    PB_AUTO(strv) struct pb_strv names = PB_STRV_INIT;
    static const char *const first[] = {"terraform.tfvars", "terraform.tfvars.json"};
    const char *dir = s->in->root->module->dir;

    if (s->in->files->list(&names, s->in->files->ctx, dir, s->err))
        return -1;
    pb_strv_sort(&names);
    for (size_t pass = 0; pass < 3; pass++) {
        for (size_t i = 0; i < names.n; i++) {
            const char *name = names.v[i];
            PB_AUTO(str) char *path = *dir ? pb_fs_join(dir, name) : pb_strdup(name);
            bool wanted = pass < 2 ? strcmp(name, first[pass]) == 0
                                   : pb_ends_with(name, ".auto.tfvars") ||
                                         pb_ends_with(name, ".auto.tfvars.json");
            if (wanted && set_file(s, path, true))
                return -1;
        }
    }
    return 0;
}

static int set_given(struct setter *s, char *const *files, char *const *vars)
{
    for (; files && *files; files++)
        if (set_file(s, *files, true))
            return -1;
    for (; vars && *vars; vars++)
        set_text(s, *vars);
    return 0;
}

static int set_all(struct setter *s)
{
    const struct pb_hcl_block *b;
    const struct pb_hcl_expr *e;

    for (size_t i = 0; (b = pb_hcl_block_of(s->in->root->module->body, "variable", i)); i++)
        if ((e = pb_hcl_attr_of(b->body, "default")))
            set(s, pb_hcl_label(b, 0), pb_tf_eval(&s->scope, e));
    for (char *const *p = s->in->env; p && *p; p++)
        if (pb_starts_with(*p, "TF_VAR_"))
            set_text(s, *p + 7);
    if (set_auto_files(s))
        return -1;
    return set_given(s, s->in->var_files, s->in->vars) ||
                   set_given(s, s->in->more_var_files, s->in->more_vars)
               ? -1
               : 0;
}

int pb_tf_vars(struct pb_value *out, struct pb_arena *a, const struct pb_tf_vars_in *in,
               struct pb_err *err)
{
    struct setter s = {.arena = a, .in = in, .out = PB_BUILDER_INIT, .err = err};
    size_t budget = PB_TF_EVAL_BUDGET;
    int rc;

    s.scope = (struct pb_tf_scope){.arena = a, .node = in->root, .budget = &budget};
    rc = set_all(&s);
    *out = pb_map_done(&s.out, a); /* the last one set wins */
    return rc;
}
