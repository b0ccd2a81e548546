#include "model/json.h"
#include "model/schema.h"
#include "tests/support/values.h"

static const char entry[] =
    "{\"version\":3,\"block\":{\"attributes\":{"
    "\"id\":{\"type\":\"string\",\"optional\":true,\"computed\":true},"
    "\"n\":{\"type\":[\"list\",[\"object\",{\"x\":\"number\",\"y\":[\"set\",\"bool\"]},[\"y\"]]],"
    "\"required\":true},"
    "\"t\":{\"type\":[\"tuple\",[\"string\",\"dynamic\"]],\"computed\":true},"
    "\"w\":{\"type\":\"string\",\"write_only\":true,\"sensitive\":true,\"optional\":true},"
    "\"nested\":{\"nested_type\":{\"nesting_mode\":\"map\",\"attributes\":{\"z\":{\"type\":"
    "\"string\",\"required\":true}}},\"optional\":true}},"
    "\"block_types\":{\"b\":{\"nesting_mode\":\"set\",\"block\":{\"attributes\":{\"p\":{\"type\":"
    "\"number\",\"optional\":true}},\"block_types\":{\"one\":{\"nesting_mode\":\"single\","
    "\"block\":{}}}}}}}}";

static void check(const struct pb_schema *s)
{
    const struct pb_field *f;

    assert_string_equal(s->type, "x");
    assert_int_equal(s->version, 3);
    f = pb_type_field(s->root, "id");
    assert_int_equal(f->flags, PB_F_OPTIONAL | PB_F_COMPUTED);
    assert_int_equal(f->type->kind, PB_T_STRING);
    f = pb_type_field(s->root, "n");
    assert_int_equal(f->flags, PB_F_REQUIRED);
    assert_int_equal(f->type->kind, PB_T_LIST);
    assert_int_equal(pb_type_field(f->type->elem, "y")->type->kind, PB_T_SET);
    assert_int_equal(pb_type_field(f->type->elem, "y")->type->elem->kind, PB_T_BOOL);
    f = pb_type_field(s->root, "t");
    assert_int_equal(f->type->kind, PB_T_TUPLE);
    assert_int_equal(f->type->nfields, 2);
    assert_int_equal(f->type->fields[1].type->kind, PB_T_DYNAMIC);
    f = pb_type_field(s->root, "w");
    assert_int_equal(f->flags, PB_F_OPTIONAL | PB_F_SENSITIVE | PB_F_WRITE_ONLY);
    f = pb_type_field(s->root, "nested");
    assert_int_equal(f->type->kind, PB_T_MAP);
    assert_int_equal(pb_type_field(f->type->elem, "z")->flags, PB_F_REQUIRED);
    f = pb_type_field(s->root, "b");
    assert_true(f->flags & PB_F_BLOCK);
    assert_int_equal(f->type->kind, PB_T_SET);
    assert_int_equal(pb_type_field(f->type->elem, "p")->type->kind, PB_T_NUMBER);
    assert_int_equal(pb_type_field(f->type->elem, "one")->type->kind, PB_T_OBJECT);
    assert_null(pb_type_field(s->root, "no"));
    assert_null(pb_type_field(f->type, "p"));
}

static void schema__from_a_provider(void **state)
{
    const struct pb_schema *s;

    assert_int_equal(pb_schema_from_json(&s, *state, "x", json(*state, entry), NULL), 0);
    check(s);
}

static void schema__compact_form_keeps_everything(void **state)
{
    const struct pb_schema *s;
    struct pb_value v;
    struct pb_buf b = PB_BUF_INIT;

    assert_int_equal(pb_schema_from_json(&s, *state, "x", json(*state, entry), NULL), 0);
    v = pb_schema_to_value(*state, s);
    pb_json_add(&b, &v);
    assert_int_equal(pb_schema_from_value(&s, *state, json(*state, b.s), NULL), 0);
    check(s);
    pb_buf_release(&b);
}

static void schema__refuses(void **state)
{
    static const struct {
        const char *in, *message;
    } rows[] = {
        {"{}", "the schema of 'x' cannot be understood: it has no 'block'"},
        {"{\"block\":{\"attributes\":{\"a\":{\"type\":\"text\"}}}}", "unknown type 'text'"},
        {"{\"block\":{\"attributes\":{\"a\":{\"type\":[\"bag\",\"string\"]}}}}",
         "unknown type 'bag'"},
        {"{\"block\":{\"attributes\":{\"a\":{}}}}", "unknown type ''"},
        {"{\"block\":{\"attributes\":{\"a\":{\"type\":[\"list\"]}}}}", "unknown type"},
        {"{\"block\":{\"attributes\":{\"a\":{\"type\":[\"object\"]}}}}", "an object type without"},
        {"{\"block\":{\"block_types\":{\"a\":{\"nesting_mode\":\"heap\",\"block\":{}}}}}",
         "unknown nesting mode 'heap'"},
    };

    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        const struct pb_schema *s;
        struct pb_err err = PB_ERR_INIT;
        assert_int_equal(pb_schema_from_json(&s, *state, "x", json(*state, rows[i].in), &err), -1);
        if (!strstr(err.msg, rows[i].message))
            fail_msg("%s: %s", rows[i].in, err.msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(schema__from_a_provider, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(schema__compact_form_keeps_everything, arena_setup,
                                        arena_teardown),
        cmocka_unit_test_setup_teardown(schema__refuses, arena_setup, arena_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
