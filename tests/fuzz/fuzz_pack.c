/*
 * Packs: any text is loaded or refused with words that name the file. What is loaded is run
 * against a few odd documents; deriving cannot fail.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backends/rest/derive.h"
#include "model/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char provider[] = "sources: [registry.terraform.io/example/p]\n"
                               "settings: {base: {default: b}}\n"
                               "services:\n"
                               "  s: {endpoint: 'https://p.example', protocol: json}\n"
                               "  x: {endpoint: 'https://x.example', protocol: rest-xml}\n"
                               "  q: {endpoint: 'https://q.example', protocol: query, version: 1}\n"
                               "tables: {t: {a: b}}\n";

static const char *const documents[] = {
    "{}",
    "[]",
    "{\"a\":[{\"b\":[1,\"x\",null,{\"c\":true}]},[],{}],\"it\":\"1/2:3,4\"}",
    "{\"a\":{\"b\":{\"c\":\"aGk=\"}},\"b\":\"{\\\"x\\\":1}\",\"items\":[\"a\",\"b\"]}",
};

struct world {
    const struct pb_pack *pack;
    struct pb_arena *a;
    struct pb_value doc;
    int depth;
};

static enum pb_step_seen step(struct pb_value *out, void *ctx, unsigned index)
{
    const struct world *w = ctx;
    *out = index % 3 == 2 ? pb_unknown : w->doc;
    return index % 3 == 2 ? PB_STEP_FAILED : PB_STEP_VALUE;
}

static struct pb_value setting(void *ctx, const char *name)
{
    (void)ctx, (void)name;
    return pb_null;
}

static struct pb_value account(void *ctx)
{
    (void)ctx;
    return pb_unknown;
}

static struct pb_value let(void *ctx, unsigned index)
{
    struct world *w = ctx;
    struct pb_tag_rules tags = {0};
    struct pb_eval ev = {.a = w->a,
                         .id = "i",
                         .recorded = &w->doc,
                         .tags = &tags,
                         .ctx = w,
                         .step = step,
                         .let = let,
                         .setting = setting,
                         .account = account};
    return ++w->depth > 64 ? pb_null : pb_expr_eval(w->pack->lets[index].value, &ev);
}

static void run(struct pb_arena *a, const struct pb_pack *pack, const char *text)
{
    const struct pb_value *doc = NULL;
    struct pb_buf b = PB_BUF_INIT;
    if (pb_json_parse(&doc, a, text, strlen(text), "doc", NULL))
        abort();
    struct world w = {.pack = pack, .a = a, .doc = *doc};
    struct pb_eval ev = {.a = a,
                         .id = "i",
                         .recorded = doc,
                         .tags = &pack->provider->tags,
                         .tables = {pack->tables, pack->provider->tables},
                         .ctx = &w,
                         .step = step,
                         .let = let,
                         .setting = setting,
                         .account = account};
    struct pb_value v = pb_derive(pack, &ev, NULL);
    pb_json_add(&b, &v);
    pb_buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pb_arena *a = pb_arena_new();
    const struct pb_pack_provider *p = NULL, *own = NULL;
    const struct pb_pack *pack = NULL;
    struct pb_err err = PB_ERR_INIT;

    if (pb_pack_load_provider(&p, a, provider, strlen(provider), "p.yaml", &err))
        abort();
    if (pb_pack_load_provider(&own, a, (const char *)data, size, "f.yaml", &err) &&
        strncmp(err.msg, "f.yaml", 6) != 0)
        abort();
    pb_err_clear(&err);
    if (pb_pack_load_type(&pack, a, p, (const char *)data, size, "f.yaml", &err)) {
        if (strncmp(err.msg, "f.yaml", 6) != 0)
            abort();
    } else {
        for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
            run(a, pack, documents[i]);
    }
    pb_arena_free(a);
    return 0;
}
