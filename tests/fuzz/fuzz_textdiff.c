/* The text of a change, as it is and before: comparing ends, says nothing twice over its limits,
 * and finds nothing where nothing changed. The input is cut at "\n-- " into files. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backends/backend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILES = 16 };
enum expect { ANYTHING, NO_BLOCKS, NOTHING };

static const char *const names[FILES] = {
    "u/main.tf",
    "m/main.tf",
    "u/x_override.tf",
    "u/.terraform.lock.hcl",
    "u/a.tfvars",
    "u/terraform.tfvars",
    "u/more.tf.json",
    "m/sub/x.tofu",
    "u/run.sh",
    "u/b.auto.tfvars.json",
    "override.tf",
    "m/x.tf.json",
    "m/y.tf",
    "u/z.tf",
    "u/terraform.tfstate",
    "u/.terraform/x",
};

static size_t cut(struct pb_text_file *v, char *text, size_t n)
{
    char *end = text + n;
    size_t k = 0;

    while (k < FILES && text < end) {
        char *next = memmem(text, (size_t)(end - text), "\n-- ", 4);
        size_t len = (size_t)((next ? next : end) - text);

        v[k] = (struct pb_text_file){.path = names[k], .id = "", .text = text, .n = len};
        text[len] = '\0';
        text = next ? next + 4 : end;
        k++;
    }
    return k;
}

static void compare(const struct pb_text_side *before, const struct pb_text_side *after,
                    enum expect e)
{
    struct pb_arena *a = pb_arena_new();
    struct pb_text_diff d;

    if (pb_terraform.compare_text(&d, a, before, after, NULL) < 0)
        abort();
    for (size_t i = 0; i < d.nfindings; i++)
        if (!*d.findings[i].message ||
            (e == NOTHING && strcmp(d.findings[i].rule->severity, "error") != 0))
            abort();
    if (d.nfindings > 2010 || d.nblocks > 20000 || (e != ANYTHING && d.nblocks))
        abort();
    for (size_t i = 0; i < d.nblocks; i++)
        if (!d.blocks[i].file || !d.blocks[i].address || !d.blocks[i].calls)
            abort();
    pb_arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *var_files[] = {(char[]){"u/a.tfvars"}, NULL};
    struct pb_text_file v[FILES], half[FILES];
    struct pb_text_side none = {.root = NULL}, all, some;
    char *text = malloc(size + 1);

    memcpy(text, data, size);
    text[size] = '\0';
    all = (struct pb_text_side){
        .root = "u", .var_files = var_files, .files = v, .nfiles = cut(v, text, size)};
    memcpy(half, v, sizeof(half));
    some = (struct pb_text_side){
        .root = "u", .var_files = var_files, .files = half, .nfiles = (all.nfiles + 1) / 2};
    for (size_t i = 0; i < all.nfiles; i++)
        v[i].id = "new";
    for (size_t i = 0; i + 1 < some.nfiles; i++) { /* the same names with another file's text */
        half[i].text = v[i + 1].text;
        half[i].n = v[i + 1].n;
        half[i].id = "old";
    }
    compare(&none, &all, ANYTHING);
    compare(&all, &none, ANYTHING);
    compare(&some, &all, ANYTHING);
    compare(&all, &some, ANYTHING);
    compare(&all, &all, NOTHING);
    /* Parsed twice, the same text is the same. */
    memcpy(half, v, sizeof(half));
    for (size_t i = 0; i < all.nfiles; i++)
        half[i].id = "other";
    some.nfiles = all.nfiles;
    compare(&some, &all, NO_BLOCKS);
    free(text);
    return 0;
}
