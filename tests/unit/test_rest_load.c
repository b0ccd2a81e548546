/* The pack loader: every error names file, line and field, and what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backends/rest/load.h"
#include "backends/rest/transform.h"
#include "base/fs.h"
#include "model/json.h"
#include "model/yaml.h"

static const char provider_text[] =
    "sources: [registry.terraform.io/example/p]\n"
    "services:\n"
    "  s: {endpoint: 'https://p.example', protocol: json}\n"
    "  q: {endpoint: 'https://q.example', protocol: query, version: 1}\n";

static const char type_text[] = "type: t\n"
                                "service: s\n"
                                "let:\n"
                                "  name: recorded.name\n"
                                "reads:\n"
                                "  it:\n"
                                "    identity: true\n"
                                "    path: /{id}\n"
                                "    not_found: [gone]\n"
                                "attributes:\n"
                                "  a: it.a\n";

/* `text` with `from` (which must be in it) as `to`. */
static char *replaced(const char *text, const char *from, const char *to)
{
    struct pb_buf b = PB_BUF_INIT;
    const char *hit = strstr(text, from);
    assert_non_null(hit);
    pb_buf_add(&b, text, (size_t)(hit - text));
    pb_buf_adds(&b, to);
    pb_buf_adds(&b, hit + strlen(from));
    return pb_buf_detach(&b);
}

static int load(struct pb_arena *a, const char *provider, const char *type, struct pb_err *err)
{
    const struct pb_pack_provider *p = NULL;
    const struct pb_pack *pack = NULL;
    if (pb_pack_load_provider(&p, a, provider, strlen(provider), "p.yaml", err) == -1)
        return -1;
    return pb_pack_load_type(&pack, a, p, type, strlen(type), "t.yaml", err);
}

static void load__good(void **state)
{
    struct pb_arena *a = pb_arena_new();
    struct pb_err err = PB_ERR_INIT;
    (void)state;
    if (load(a, provider_text, type_text, &err))
        fail_msg("%s", err.msg);
    pb_arena_free(a);
}

static void load__errors_of_types(void **state)
{
    static const struct {
        const char *from, *to, *message;
    } rows[] = {
        {"identity", "identty",
         "t.yaml:7: field 'reads.it.identty': a step has no key 'identty'; "
         "did you mean 'identity'?"},
        {"identity: true", "identity: yes",
         "t.yaml:7: field 'reads.it.identity': this must be "
         "true or false, not a string"},
        {"service: s", "service: z", "t.yaml:2: field 'service': 'z' is no service of p.yaml"},
        {"    path: /{id}\n", "", "protocol json needs 'path'; add it"},
        {"path: /{id}", "path: /{idd}", "field 'reads.it.path': 'idd' in '/{idd}' is neither"},
        {"path: /{id}", "path: /{id}\n    method: DELETE", "is GET or POST: plumb only reads"},
        {"path: /{id}", "path: /{id}\n    action: X", "protocol json has no 'action'"},
        {"path: /{id}", "path: /{it.x}", "step 'it' waits for itself"},
        {"path: /{id}", "path: /{account}", "known only in 'attributes'"},
        {"    not_found: [gone]\n", "", "needs 'not_found'"},
        {"not_found: [gone]", "not_found: [gone]\n    if: 'true'", "always sent; remove 'if'"},
        {"not_found: [gone]", "not_found: [gone]\n    none_when: [gone]", "cannot be in both"},
        {"not_found: [gone]", "not_found: [gone]\n    items: l", "'items' needs 'match'"},
        {"not_found: [gone]", "not_found: [gone]\n    match: {a: b}", "'match' needs 'items'"},
        {"not_found: [gone]", "not_found: [gone]\n    page: {next: {form: x}}",
         "'form' is no place in a request"},
        {"not_found: [gone]", "unlisted: other", "is neither 'listing' nor another step"},
        {"    identity: true\n    path: /{id}\n    not_found: [gone]\n", "    path: /{id}\n",
         "one step needs 'identity: true'"},
        {"a: it.a", "a: itt.a",
         "t.yaml:11: field 'attributes.a': 'itt' in 'itt.a' is neither a "
         "step, a 'let', a loop's variable nor a setting; did you mean 'it'?"},
        {"a: it.a", "a: recorded.a", "is what live is compared with and no observation"},
        {"a: it.a", "a: '{name}'",
         "attributes use 'name', which comes from the record, but the "
         "identity step does not ask for the object by it"},
        {"a: it.a", "a: it.a | bol", "is no transform; did you mean 'bool'?"},
        {"a: it.a", "a: {for: x in it.l}", "'for' needs either 'value' or 'fields'"},
        {"a: it.a", "a: {for: it.l, value: it.a}", "a loop is written 'NAME in EXPRESSION'"},
        {"a: it.a", "a: {value: it.a, fields: {}}", "'fields' does not go with 'value'"},
        {"a: it.a", "a: {fields: {}}", "a rule has one of value, for, block"},
        {"a: it.a", "a: [1]", "a list is written as a rule"},
        {"a: it.a", "a: {cases: [{if: it.a}]}", "a case is {if: CONDITION, then: RULE}"},
        {"a: it.a", "a: it.a\nnot_mapped: {a: because}", "is in both 'attributes' and"},
        {"a: it.a", "a: it.a\nnot_mapped: {b: 1}", "needs a reason, in words"},
        {"name: recorded.name", "name: '{name}'", "'name' refers to itself"},
        {"attributes:", "attribute:",
         "field 'attribute': a type has no key 'attribute'; did you "
         "mean 'attributes'?"},
    };
    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_arena *a = pb_arena_new();
        struct pb_err err = PB_ERR_INIT;
        char *text = replaced(type_text, rows[i].from, rows[i].to);
        if (load(a, provider_text, text, &err) == 0)
            fail_msg("accepted: %s", rows[i].to);
        if (!strstr(err.msg, rows[i].message) || strncmp(err.msg, "t.yaml:", 7) != 0)
            fail_msg("%s: %s", rows[i].to, err.msg);
        free(text);
        pb_arena_free(a);
    }
}

static void load__errors_of_providers(void **state)
{
    static const struct {
        const char *from, *to, *message;
    } rows[] = {
        {"protocol: json", "protocol: jso",
         "field 'services.s.protocol': 'jso' is no protocol; "
         "did you mean 'json'?"},
        {", version: 1", "", "protocol query needs 'version'"},
        {"services:", "auth: {scheme: bearr}\nservices:", "did you mean 'bearer'?"},
        {"services:", "canary: {service: s, path: '/{region}'}\nservices:",
         "'region' in '/{region}' is neither"},
        {"services:", "settings: {a: {nev: X}}\nservices:", "field 'settings.a.nev'"},
        {"sources: [registry.terraform.io/example/p]\n", "", "a provider needs 'sources'; add it"},
        {"services:", "x: [\nservices:", "p.yaml:"},
    };
    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_arena *a = pb_arena_new();
        struct pb_err err = PB_ERR_INIT;
        char *text = replaced(provider_text, rows[i].from, rows[i].to);
        if (load(a, text, type_text, &err) == 0)
            fail_msg("accepted: %s", rows[i].to);
        if (!strstr(err.msg, rows[i].message) || strncmp(err.msg, "p.yaml:", 7) != 0)
            fail_msg("%s: %s", rows[i].to, err.msg);
        free(text);
        pb_arena_free(a);
    }
}

static bool has_type(const struct pb_value *type, const char *name)
{
    if (pb_str(type))
        return strcmp(type->s, name) == 0;
    for (size_t i = 0; i < pb_len(type); i++)
        if (strcmp(pb_str(pb_at(type, i)), name) == 0)
            return true;
    return false;
}

static void compare_key(const char *what, const struct pb_key *key, const struct pb_value *def)
{
    static const struct {
        unsigned bit;
        const char *name;
    } kinds[] = {{PB_K_STRING, "string"}, {PB_K_NUMBER, "number"}, {PB_K_BOOL, "boolean"},
                 {PB_K_LIST, "array"},    {PB_K_MAP, "object"},    {PB_K_NULL, "null"}};
    const struct pb_value *p = pb_get(pb_get(def, "properties"), key->name),
                          *type = pb_get(p, "type");
    if (!p)
        fail_msg("%s.%s is not in the schema", what, key->name);
    for (size_t k = 0; type && k < PB_COUNT(kinds); k++)
        if (has_type(type, kinds[k].name) != ((key->kinds & kinds[k].bit) != 0))
            fail_msg("%s.%s: '%s' differs", what, key->name, kinds[k].name);
    bool required = false;
    const struct pb_value *list = pb_get(def, "required");
    for (size_t i = 0; i < pb_len(list); i++)
        required = required || strcmp(pb_str(pb_at(list, i)), key->name) == 0;
    if (required != ((key->kinds & PB_K_REQUIRED) != 0))
        fail_msg("%s.%s: 'required' differs", what, key->name);
}

static void schema__is_the_tables(void **state)
{
    struct pb_arena *a = pb_arena_new();
    struct pb_err err = PB_ERR_INIT;
    const struct pb_value *schema = NULL;
    (void)state;
    if (pb_json_read(&schema, a, "schemas/pack.schema.json", 1 << 20, &err))
        fail_msg("%s", err.msg);
    for (const struct pb_keys *const *keys = pb_all_keys; *keys; keys++) {
        const struct pb_value *def = pb_get(pb_get(schema, "$defs"), (*keys)->what);
        if (pb_len(pb_get(def, "properties")) != (*keys)->n)
            fail_msg("'%s' has %zu keys in the schema, %zu in the table", (*keys)->what,
                     pb_len(pb_get(def, "properties")), (*keys)->n);
        for (size_t i = 0; i < (*keys)->n; i++)
            compare_key((*keys)->what, &(*keys)->keys[i], def);
    }
    pb_arena_free(a);
}

static void readme__has_the_transforms(void **state)
{
    struct pb_buf text = PB_BUF_INIT, table = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;
    (void)state;
    if (pb_fs_read(&text, "schemas/observers/README.md", 1 << 20, &err))
        fail_msg("%s", err.msg);
    pb_transforms_markdown(&table);
    if (!strstr(text.s, table.s))
        fail_msg("put the output of 'packtry -T' into schemas/observers/README.md");
    pb_buf_release(&text);
    pb_buf_release(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(load__good),
        cmocka_unit_test(load__errors_of_types),
        cmocka_unit_test(load__errors_of_providers),
        cmocka_unit_test(schema__is_the_tables),
        cmocka_unit_test(readme__has_the_transforms),
    };
    return cmocka_run_group_tests_name("rest_load", tests, NULL, NULL);
}
