/*
 * packtry: for those who write packs. Observes the resources of a state with the rest
 * observer, credentials and endpoints from the environment, and prints what differs.
 *
 *	packtry [-v] [-u] [-d DIRS] [-P ALIAS=JSON]... terraform.tfstate [TYPE|ADDRESS]...
 *
 *	-P   the provider block of an alias ("" is the default): -P 'dr={"region":"us-east-1"}'
 *	-u   also attributes that the pack does not map
 *	-v   also what agrees
 *	-d   pack folders to search first
 *	-T   only the table of transforms of schemas/observers/README.md
 *
 * Exit code 1 when something differs or was not seen.
 */
#include <getopt.h>
#include <stdio.h>

#include "backends/backend.h"
#include "backends/rest/transform.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "model/json.h"

#define AWS_KEY "provider[\"registry.terraform.io/hashicorp/aws\"]"

struct tool {
    struct pb_arena *a;
    bool verbose, unmapped;
    const char *dirs;
    struct pb_provider_config *configs;
    size_t nconfigs, ccap;
    struct pb_recorded *rec;
    size_t n, cap;
    size_t differ, agree, unseen;
};

static int die(const char *what, const struct pb_err *err)
{
    fprintf(stderr, "packtry: %s%s%s\n", what, err ? ": " : "", err ? err->msg : "");
    return 2;
}

static struct pb_value normal(struct pb_arena *a, const struct pb_value *v);

static int by_value(const void *x, const void *y)
{
    return pb_value_cmp(x, y);
}

static struct pb_value normal_list(struct pb_arena *a, const struct pb_value *v)
{
    struct pb_list_builder b = PB_BUILDER_INIT;
    for (size_t i = 0; i < v->n; i++)
        pb_list_add(&b, normal(a, &v->items[i]));
    if (b.n)
        qsort(b.v, b.n, sizeof(*b.v), by_value);
    return pb_list_done(&b, a);
}

/* Lists sorted, JSON in strings as JSON, empty things as null. */
static struct pb_value normal(struct pb_arena *a, const struct pb_value *v)
{
    const struct pb_value *json = NULL;
    struct pb_map_builder m = PB_BUILDER_INIT;
    if (!v || ((v->kind == PB_STRING || v->kind == PB_LIST || v->kind == PB_MAP) && v->n == 0))
        return pb_null;
    switch (v->kind) {
    case PB_LIST: return normal_list(a, v);
    case PB_MAP:
        for (size_t i = 0; i < v->n; i++) {
            struct pb_value x = normal(a, &v->members[i].value);
            if (x.kind != PB_NULL)
                pb_map_add(&m, v->members[i].key, x);
        }
        return pb_map_done(&m, a);
    case PB_STRING:
        if (strchr("{[", v->s[0]) && pb_json_parse(&json, a, v->s, v->n, "", NULL) == 0)
            return normal(a, json);
        return pb_mk_string(a, v->s);
    default: {
        struct pb_value copy = *v;
        copy.flags = 0;
        return copy;
    }
    }
}

static void print_value(const struct pb_value *v)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    if (v)
        pb_json_add(&b, v);
    printf("%s", v ? b.s : "(absent)");
}

static void compare(struct tool *t, const struct pb_recorded *rec, const struct pb_live *live)
{
    if (live->presence != PB_P_KNOWN) {
        t->unseen++;
        printf("%s: %s: %s\n", rec->address, live->presence == PB_P_ABSENT ? "ABSENT" : "UNKNOWN",
               live->reason ? live->reason : "?");
        return;
    }
    for (size_t i = 0; i < live->attributes->n; i++) {
        const struct pb_member *m = &live->attributes->members[i];
        const struct pb_value *r = pb_get(rec->attributes, m->key);
        struct pb_value x = normal(t->a, r), y = normal(t->a, &m->value);
        bool same = pb_value_equal(&x, &y) || (x.kind == PB_NULL && y.kind == PB_NULL);
        t->agree += same;
        t->differ += !same;
        if (same && !t->verbose)
            continue;
        printf("%s.%s: %s", rec->address, m->key, same ? "" : "recorded ");
        if (!same) {
            print_value(r);
            printf(" live ");
        }
        print_value(&m->value);
        printf("\n");
    }
    for (size_t i = 0; t->unmapped && i < pb_len(rec->attributes); i++) {
        const struct pb_member *m = &rec->attributes->members[i];
        if (!pb_get(live->attributes, m->key)) {
            printf("%s.%s: not mapped, recorded ", rec->address, m->key);
            print_value(&m->value);
            printf("\n");
        }
    }
}

static void add_config(struct tool *t, const char *key, const struct pb_value *values)
{
    for (size_t i = 0; i < t->nconfigs; i++)
        if (strcmp(t->configs[i].key, key) == 0)
            return;
    const char *start = strstr(key, "provider[\"");
    t->configs = pb_grow(t->configs, &t->ccap, t->nconfigs + 1, sizeof(*t->configs));
    t->configs[t->nconfigs++] = (struct pb_provider_config){
        .key = key,
        .source = start ? pb_arena_strndup(t->a, start + 10, strcspn(start + 10, "\"")) : NULL,
        .values = values,
    };
}

static bool wanted(char **argv, const char *type, const char *address)
{
    for (char **w = argv; *w; w++)
        if (strcmp(*w, type) == 0 || strcmp(*w, address) == 0)
            return true;
    return !*argv;
}

static void add_instances(struct tool *t, const struct pb_value *r, char **filter)
{
    const struct pb_value *instances = pb_get(r, "instances");
    const char *type = pb_get_str(r, "type"), *module = pb_get_str(r, "module");
    if (!type || !pb_streq(pb_get_str(r, "mode"), "managed"))
        return;
    for (size_t i = 0; i < pb_len(instances); i++) {
        PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
        const struct pb_value *in = pb_at(instances, i), *key = pb_get(in, "index_key");
        const struct pb_value *attrs = pb_get(in, "attributes");
        pb_buf_addf(&b, "%s%s%s.%s", module ? module : "", module ? "." : "", type,
                    pb_get_str(r, "name"));
        if (key) {
            pb_buf_addc(&b, '[');
            pb_json_add(&b, key);
            pb_buf_addc(&b, ']');
        }
        if (!wanted(filter, type, b.s))
            continue;
        t->rec = pb_grow(t->rec, &t->cap, t->n + 1, sizeof(*t->rec));
        t->rec[t->n++] = (struct pb_recorded){
            .address = pb_arena_strdup(t->a, b.s),
            .type = type,
            .provider = pb_get_str(r, "provider"),
            .id = pb_get_str(attrs, "id"),
            .attributes = attrs,
        };
        add_config(t, pb_get_str(r, "provider"), NULL);
    }
}

static int option_provider(struct tool *t, const char *arg)
{
    struct pb_err err = PB_ERR_INIT;
    const struct pb_value *v = NULL;
    const char *eq = strchr(arg, '=');
    if (!eq || pb_json_parse(&v, t->a, eq + 1, strlen(eq + 1), "-P", &err) == -1)
        return die("-P is ALIAS=JSON", &err);
    const char *key =
        eq == arg ? AWS_KEY : pb_arena_printf(t->a, "%s.%.*s", AWS_KEY, (int)(eq - arg), arg);
    add_config(t, key, v);
    return 0;
}

static int print_transforms(void)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    pb_transforms_markdown(&b);
    fputs(b.s, stdout);
    return 0;
}

static int run(struct tool *t)
{
    struct pb_err err = PB_ERR_INIT;
    struct pb_observe_stats stats = {0};
    const struct pb_recorded **ptrs = pb_calloc(t->n + 1, sizeof(struct pb_recorded *));
    struct pb_live *live = pb_calloc(t->n + 1, sizeof(*live));
    for (size_t i = 0; i < t->n; i++)
        ptrs[i] = &t->rec[i];
    struct pb_observe_request rq = {.resources = ptrs,
                                    .n = t->n,
                                    .providers = t->configs,
                                    .nproviders = t->nconfigs,
                                    .pack_dirs = t->dirs};
    int rc = pb_rest.observe(live, &stats, t->a, &rq, &err);
    for (size_t i = 0; rc == 0 && i < t->n; i++)
        compare(t, &t->rec[i], &live[i]);
    if (rc == 0)
        printf("%zu resources, %zu not seen; %zu attributes agree, %zu differ; %zu requests "
               "(%zu retries), %ld ms\n",
               t->n, t->unseen, t->agree, t->differ, stats.requests, stats.retries,
               stats.elapsed_ms);
    free(live);
    free(ptrs);
    return rc == 0 ? t->differ + t->unseen > 0 : die("cannot observe", &err);
}

int main(int argc, char **argv)
{
    struct pb_err err = PB_ERR_INIT;
    const struct pb_value *state = NULL;
    struct tool t = {.a = pb_arena_new()};
    int opt = 0;
    while ((opt = getopt(argc, argv, "vuTd:P:")) != -1) {
        if (opt == 'T')
            return print_transforms();
        if (opt == 'v')
            t.verbose = true;
        else if (opt == 'u')
            t.unmapped = true;
        else if (opt == 'd')
            t.dirs = optarg;
        else if (opt != 'P')
            return die("usage: packtry [-vu] [-d DIRS] [-P ALIAS=JSON]... STATE [TYPE]...", NULL);
        else if (option_provider(&t, optarg))
            return 2;
    }
    if (optind >= argc)
        return die("usage: packtry [-vu] [-d DIRS] [-P ALIAS=JSON]... STATE [TYPE]...", NULL);
    if (pb_json_read(&state, t.a, argv[optind], (size_t)256 << 20, &err) == -1)
        return die("cannot read the state", &err);
    const struct pb_value *resources = pb_get(state, "resources");
    for (size_t i = 0; i < pb_len(resources); i++)
        add_instances(&t, pb_at(resources, i), argv + optind + 1);
    int rc = run(&t);
    free(t.rec);
    free(t.configs);
    pb_arena_free(t.a);
    return rc;
}
