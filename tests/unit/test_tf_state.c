#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "backends/terraform/state.h"
#include "base/buf.h"
#include "base/fs.h"

#define HEAD "{\"version\":4,\"terraform_version\":\"1.11.4\",\"serial\":3,\"lineage\":\"L\","
#define RES(more)                                                \
    "{\"mode\":\"managed\",\"type\":\"aws_vpc\",\"name\":\"a\"," \
    "\"provider\":\"provider[\\\"registry.terraform.io/hashicorp/aws\\\"].west\"," more "}"

#define KEYED(key) RES("\"instances\":[{\"index_key\":" key ",\"attributes\":{}}]")
#define OF(provider)                                                                     \
    "{\"mode\":\"managed\",\"type\":\"t\",\"name\":\"n\",\"provider\":\"" provider "\"," \
    "\"instances\":[{\"attributes\":{}}]}"

static struct pb_arena *arena;
static struct pb_err err;

static int setup(void **state)
{
    (void)state;
    arena = pb_arena_new();
    pb_err_clear(&err);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pb_arena_free(arena);
    return 0;
}

static int parse(struct pb_recorded_set *set, const char *text)
{
    return pb_tf_state_parse(set, arena, text, strlen(text), "s.tfstate", NULL, &err);
}

static void tf_state__reads_what_terraform_wrote(void **state)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct pb_recorded_set set;
    const struct pb_recorded *r;

    (void)state;
    assert_int_equal(pb_fs_read(&text, "fixtures/states/builtin.tfstate", PB_TF_STATE_MAX, &err),
                     0);
    assert_int_equal(parse(&set, text.s), 0);
    assert_int_equal(set.n, 6);
    assert_string_equal(set.terraform_version, "1.11.4");
    assert_string_equal(set.v[0].address, "module.m[\"a.b\"].terraform_data.in");
    assert_int_equal(strlen(set.sha256), 64);
    r = pb_recorded_find(&set, "terraform_data.counted[1]");
    assert_non_null(r);
    assert_string_equal(r->provider, "provider[\"terraform.io/builtin/terraform\"]");
    assert_string_equal(r->id, pb_get_str(r->attributes, "id"));
    /* Values of any type are taken out of their wrapping, and the secret in one is marked. */
    assert_string_equal(pb_walk(r->attributes, "input.secret")->s, "hush");
    assert_true(pb_walk(r->attributes, "input.secret")->flags & PB_V_SENSITIVE);
    assert_false(pb_walk(r->attributes, "input.n")->flags & PB_V_SENSITIVE);
}

static void tf_state__instances(void **state)
{
    struct pb_recorded_set set;

    (void)state;
    assert_int_equal(
        parse(&set, HEAD
              "\"resources\":["
              "{\"mode\":\"data\",\"type\":\"aws_ami\",\"name\":\"x\",\"provider\":\"p\","
              "\"instances\":[{\"attributes\":{}}]}," RES(
                  "\"module\":\"module.n[\\\"k\\\"]\",\"instances\":["
                  "{\"deposed\":\"0001\",\"attributes\":{\"id\":\"v-0\"}},"
                  "{\"index_key\":\"b\",\"schema_version\":1,\"attributes\":{\"id\":\"v-2\","
                  "\"pw\":\"x\",\"l\":[{\"s\":\"y\"},{\"s\":\"z\"}]},\"sensitive_attributes\":["
                  "[{\"type\":\"get_attr\",\"value\":\"pw\"}],"
                  "[{\"type\":\"get_attr\",\"value\":\"l\"},{\"type\":\"index\",\"value\":"
                  "{\"value\":1,\"type\":\"number\"}},{\"type\":\"get_attr\",\"value\":\"s\"}]]},"
                  "{\"status\":\"tainted\",\"attributes\":{\"id\":\"v-1\"}}]") "]}"),
        0);
    assert_int_equal(set.n, 3);
    assert_string_equal(set.v[0].address, "module.n[\"k\"].aws_vpc.a");
    assert_null(set.v[0].deposed);
    assert_true(set.v[0].tainted);
    assert_string_equal(set.v[1].deposed, "0001");
    assert_string_equal(set.v[2].address, "module.n[\"k\"].aws_vpc.a[\"b\"]");
    assert_int_equal(set.v[2].schema_version, 1);
    assert_true(pb_get(set.v[2].attributes, "pw")->flags & PB_V_SENSITIVE);
    assert_false(pb_walk(set.v[2].attributes, "l[0].s")->flags & PB_V_SENSITIVE);
    assert_true(pb_walk(set.v[2].attributes, "l[1].s")->flags & PB_V_SENSITIVE);
}

static void tf_state__spellings_of_providers_and_keys(void **state)
{
    static const char *const texts[] = {
        OF("provider[\\\"registry.terraform.io/hashicorp/aws\\\"]"),
        OF("module.m.provider[\\\"a/b/c\\\"].west"),
        OF("module.m[\\\"provider[\\\\\\\"x\\\\\\\"].y\\\"].provider[\\\"a/b/c\\\"]"),
        OF("provider.aws"),
        OF("module.m.provider.aws.west"),
        KEYED("0"),
        KEYED("12"),
        KEYED("\"{}\""),
        KEYED("null"),
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(texts); i++) {
        PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
        struct pb_recorded_set set;

        pb_buf_addf(&text, HEAD "\"resources\":[%s]}", texts[i]);
        if (parse(&set, text.s) || set.n != 1)
            fail_msg("%s: %s", texts[i], err.msg);
    }
}

static void tf_state__unreadable_marks_hide_all(void **state)
{
    static const char *const marks[] = {"\"x\"", "{\"a\":1}", "[[]]", "true"};

    (void)state;
    for (size_t i = 0; i < PB_COUNT(marks); i++) {
        PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
        struct pb_recorded_set set;

        pb_buf_addf(&text,
                    HEAD "\"resources\":[" RES("\"instances\":[{\"attributes\":{\"pw\":\"x\"},"
                                               "\"sensitive_attributes\":%s}]") "]}",
                    marks[i]);
        assert_int_equal(parse(&set, text.s), 0);
        assert_true(pb_get(set.v[0].attributes, "pw")->flags & PB_V_SENSITIVE);
    }
}

static void tf_state__refuses(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "is empty"},
        {" \n", "is empty"},
        {HEAD "\"resources\":[", "cut off"},
        {"[]", "not a JSON object"},
        {"{}", "has no version"},
        {"{\"version\":3}", "refresh-only"},
        {"{\"version\":5}", "newer plumb"},
        {"{\"serial\":1,\"lineage\":\"x\",\"encrypted_data\":\"AA==\"}", "tofu state pull"},
        {"{\"version\":4,\"serial\":1}", "no lineage"},
        {"{\"version\":4,\"lineage\":\"x\",\"serial\":1.5}", "no lineage or serial"},
        {"{\"version\":4,\"lineage\":\"x\",\"serial\":-1}", "serial below 0"},
        {HEAD "\"resources\":{}}", "no list"},
        {HEAD "\"resources\":[{}]}", "without mode"},
        {HEAD "\"resources\":[" RES("\"instances\":[{}]") "]}", "no attributes"},
        {HEAD "\"resources\":[" RES("\"instances\":[{\"attributes_flat\":{}}]") "]}", "0.11"},
        {HEAD "\"resources\":[" RES("\"instances\":[{\"attributes\":{}},{\"attributes\":{}}]") "]}",
         "twice"},
        {HEAD "\"resources\":[" KEYED("{}") "]}", "'aws_vpc.a' whose index_key is neither"},
        {HEAD "\"resources\":[" KEYED("[1]") "]}", "index_key is neither"},
        {HEAD "\"resources\":[" KEYED("true") "]}", "index_key is neither"},
        {HEAD "\"resources\":[" KEYED("-1") "]}", "index_key is neither"},
        {HEAD "\"resources\":[" KEYED("1.5") "]}", "index_key is neither"},
        {HEAD "\"resources\":[" OF("p") "]}", "has 'p' as the provider of 't.n'"},
        {HEAD "\"resources\":[" OF("") "]}", "which names none"},
        {HEAD "\"resources\":[" OF("provider[\\\"\\\"]") "]}", "which names none"},
        {HEAD "\"resources\":[" OF("provider[\\\"a/b/c") "]}", "which names none"},
        {HEAD "\"resources\":[" OF("provider[\\\"a/b/c\\\"].") "]}", "which names none"},
        {HEAD "\"resources\":[" OF("provider[\\\"a/b/c\\\"]x") "]}", "which names none"},
        {HEAD "\"resources\":[" OF("provider[\\\"a/b/c\\\"x") "]}", "which names none"},
        {HEAD "\"resources\":[" OF("xprovider.aws") "]}", "which names none"},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_recorded_set set;
        pb_err_clear(&err);
        assert_int_equal(parse(&set, rows[i].text), -1);
        if (!strstr(err.msg, rows[i].says))
            fail_msg("'%s' does not say '%s'", err.msg, rows[i].says);
        assert_non_null(strstr(err.msg, "s.tfstate"));
    }
}

static void tf_state__refine(void **state)
{
    static const struct pb_type any = {.kind = PB_T_DYNAMIC}, str = {.kind = PB_T_STRING};
    static const struct pb_field fields[] = {{"doc", &any, 0}, {"pw", &str, PB_F_SENSITIVE}};
    static const struct pb_type root = {.kind = PB_T_OBJECT, .fields = fields, .nfields = 2};
    static const struct pb_schema schema = {"aws_vpc", 0, &root};
    const struct pb_schema *list[] = {&schema};
    const struct pb_schema_set schemas = {list, 1};
    struct pb_recorded_set set;

    (void)state;
    assert_int_equal(parse(&set, HEAD "\"resources\":[" RES(
                                     "\"instances\":[{\"attributes\":{\"pw\":\"x\",\"doc\":"
                                     "{\"value\":{\"a\":1},\"type\":[\"object\",{}]}}}]") "]}"),
                     0);
    assert_false(pb_get(set.v[0].attributes, "pw")->flags & PB_V_SENSITIVE);
    pb_tf_state_refine(&set, arena, &schemas);
    assert_true(pb_get(set.v[0].attributes, "pw")->flags & PB_V_SENSITIVE);
    assert_string_equal(pb_walk(set.v[0].attributes, "doc.a")->s, "1");
}

static void tf_state__encrypted(void **state)
{
    static const char enc[] = "{\"serial\":1,\"meta\":{},\"encrypted_data\":\"AA==\"}";
    static const char plain[] = "{\"resources\":[],\"x\":\"encrypted_data\"}";

    (void)state;
    assert_true(pb_tf_state_encrypted(enc, strlen(enc)));
    assert_false(pb_tf_state_encrypted(plain, strlen(plain)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tf_state__reads_what_terraform_wrote, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_state__instances, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_state__spellings_of_providers_and_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_state__unreadable_marks_hide_all, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_state__refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_state__refine, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_state__encrypted, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
