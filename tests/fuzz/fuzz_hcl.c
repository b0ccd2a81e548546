/* Configuration, native and JSON: parsing and evaluating end, whatever the text says. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backends/terraform/module.h"
#include "backends/terraform/providers.h"
#include "backends/terraform/vars.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const char *text;
    size_t n;
    bool json;
};

static int list(struct pb_strv *names, void *ctx, const char *dir, struct pb_err *err)
{
    const struct input *in = ctx;

    if (strcmp(dir, "x") != 0 && strcmp(dir, "x/mod") != 0)
        return pb_fail(err, PB_E_IO, "no such folder");
    pb_strv_add(names, in->json ? "main.tf.json" : "main.tf");
    pb_strv_add(names, "a.auto.tfvars");
    return 0;
}

static int read_text(struct pb_buf *out, void *ctx, const char *path, size_t max,
                     struct pb_err *err)
{
    const struct input *in = ctx;

    (void)err;
    (void)path;
    (void)max;
    pb_buf_add(out, in->text, in->n);
    return 0;
}

static void run(struct input *in)
{
    struct pb_tf_files files = {list, read_text, in};
    struct pb_arena *a = pb_arena_new();
    const struct pb_provider_config *v;
    struct pb_tf_lock lock = {NULL};
    struct pb_tf_tree *t;
    struct pb_err err;
    size_t n;

    if (pb_tf_tree_load(&t, a, &files, "x", NULL, false, &err) == 0) {
        struct pb_tf_vars_in vin = {.root = t->v[0], .files = &files};
        struct pb_value vars = pb_empty_map;
        pb_tf_vars(&vars, a, &vin, &err);
        pb_tf_providers(&v, &n, a,
                        &(struct pb_tf_providers_in){.tree = t, .vars = &vars, .lock = &lock});
        t->hints.find(t->hints.ctx, "", "a", "b");
    }
    pb_arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {.n = size > 65536 ? 65536 : size};
    char *text = malloc(in.n + 1);

    memcpy(text, data, in.n);
    text[in.n] = '\0';
    in.text = text;
    run(&in);
    in.json = true;
    run(&in);
    free(text);
    return 0;
}
