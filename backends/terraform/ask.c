/* Provider settings that only Terraform can evaluate, asked for in the plan that runs anyway. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/terraform/terraform.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"

static const char file_name[] = "zzzz_plumb_provider_values.tf";

static void ask_value(struct pb_tf_asked *asked, const struct pb_value *v)
{
    if (v->kind == PB_UNKNOWN && v->s && asked->n < PB_TF_ASKED_MAX &&
        strcmp(v->s, "a dynamic block") != 0) {
        for (size_t i = 0; i < asked->n; i++)
            if (strcmp(asked->text[i], v->s) == 0)
                return;
        asked->text[asked->n++] = v->s;
    }
    for (size_t i = 0; v->kind == PB_LIST && i < v->n; i++)
        ask_value(asked, &v->items[i]);
    for (size_t i = 0; v->kind == PB_MAP && i < v->n; i++)
        ask_value(asked, &v->members[i].value);
}

/* An expression inside of a module means something else at the top, so only the root's. */
static bool is_root(const struct pb_provider_config *p)
{
    return pb_starts_with(p->key, "provider[");
}

void pb_tf_ask(struct pb_tf_asked *asked, const struct pb_tf_planning *p)
{
    asked->n = 0;
    for (size_t i = 0; i < p->nproviders; i++)
        if (is_root(&p->providers[i]))
            ask_value(asked, p->providers[i].values);
}

int pb_tf_ask_write(const struct pb_tf_asked *asked, const struct pb_tf_run *r, struct pb_err *err)
{
    PB_AUTO(str) char *path = pb_fs_join(r->dir, file_name);
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;

    pb_buf_adds(&text, "# Written by plumb into its own copy: never applied.\n");
    for (size_t i = 0; i < asked->n; i++)
        pb_buf_addf(&text, "output \"plumb_provider_value_%zu\" {\n  value = %s\n}\n", i,
                    asked->text[i]);
    return pb_fs_write_atomic(path, text.s, text.len, 0600, err);
}

void pb_tf_ask_remove(const struct pb_tf_run *r)
{
    PB_AUTO(str) char *path = pb_fs_join(r->dir, file_name);

    unlink(path);
}

void pb_tf_ask_forget(struct pb_declared_set *d, struct pb_arena *a,
                      const struct pb_tf_asked *asked)
{
    struct pb_map_builder b = PB_BUILDER_INIT;

    if (!asked->n || !d->outputs)
        return;
    for (size_t i = 0; i < d->outputs->n; i++) {
        const struct pb_member *m = &d->outputs->members[i];
        bool ours = false;

        for (size_t k = 0; k < asked->n && !ours; k++) {
            char name[64];

            snprintf(name, sizeof(name), "plumb_provider_value_%zu", k);
            ours = strcmp(m->key, name) == 0;
        }
        if (!ours)
            pb_map_add(&b, m->key, m->value);
    }
    d->outputs = pb_box(a, pb_map_done(&b, a));
}

static struct pb_value fill(struct pb_arena *a, const struct pb_value *v,
                            const struct pb_tf_asked *asked, const struct pb_value *outputs)
{
    struct pb_value out = *v;

    if (v->kind == PB_UNKNOWN && v->s) {
        for (size_t i = 0; i < asked->n; i++) {
            char name[64];
            const struct pb_value *answer;
            snprintf(name, sizeof(name), "plumb_provider_value_%zu", i);
            answer = pb_get(pb_get(outputs, name), "value");
            if (strcmp(asked->text[i], v->s) == 0 && answer)
                return *answer;
        }
    } else if (v->kind == PB_LIST) {
        struct pb_list_builder b = PB_BUILDER_INIT;
        for (size_t i = 0; i < v->n; i++)
            pb_list_add(&b, fill(a, &v->items[i], asked, outputs));
        out = pb_list_done(&b, a);
        out.flags = v->flags;
    } else if (v->kind == PB_MAP) {
        struct pb_map_builder b = PB_BUILDER_INIT;
        for (size_t i = 0; i < v->n; i++)
            pb_map_add(&b, v->members[i].key, fill(a, &v->members[i].value, asked, outputs));
        out = pb_map_done(&b, a);
        out.flags = v->flags;
    }
    return out;
}

void pb_tf_answer(struct pb_provider_config *v, size_t n, struct pb_arena *a,
                  const struct pb_tf_asked *asked, const struct pb_value *outputs)
{
    for (size_t i = 0; asked->n && i < n; i++)
        if (is_root(&v[i]) && pb_has_unknown(v[i].values))
            v[i].values = pb_box(a, fill(a, v[i].values, asked, outputs));
}
