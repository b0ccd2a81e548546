/* What both sides of the plugin protocol share: msgpack values, gRPC frames, bounded protobuf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "backends/provider/grpc.h"
#include "backends/provider/msgpack.h"
#include "backends/plugin/proto.h"
#include "backends/provider/tfplugin6.pb-c.h"
#include "base/mem.h"
#include "model/json.h"

static const struct pb_type *type_of(struct pb_arena *a, const char *json)
{
    const struct pb_type *t = NULL;
    struct pb_err err = PB_ERR_INIT;

    if (pb_cty_type(&t, a, json, strlen(json), &err))
        fail_msg("%s", err.msg);
    return t;
}

static struct pb_value json_value(struct pb_arena *a, const char *json)
{
    const struct pb_value *v;
    struct pb_err err = PB_ERR_INIT;

    if (pb_json_parse(&v, a, json, strlen(json), "test", &err))
        fail_msg("%s", err.msg);
    return *pb_json_unwrap(a, v);
}

/* type, value, its msgpack in hex */
static const struct {
    const char *type, *json, *hex;
} wire[] = {
    {"\"string\"", "\"abc\"", "a3616263"},
    {"\"string\"", "null", "c0"},
    {"\"string\"", "{\"$unknown\":null}", "d40000"},
    {"\"bool\"", "true", "c3"},
    {"\"number\"", "5", "05"},
    {"\"number\"", "-33", "d0df"},
    {"\"number\"", "1e2", "64"},
    {"\"number\"", "18446744073709551615", "cfffffffffffffffff"},
    {"\"number\"", "1.5", "cb3ff8000000000000"},
    /* no double is 0.1, and none is 2^64+1: as text, like Terraform */
    {"\"number\"", "0.1", "a3302e31"},
    {"\"number\"", "18446744073709551617", "b43138343436373434303733373039353531363137"},
    {"[\"list\",\"string\"]", "[\"a\",null]", "92a161c0"},
    {"[\"set\",\"number\"]", "[1]", "9101"},
    {"[\"map\",\"bool\"]", "{\"k\":false}", "81a16bc2"},
    {"[\"tuple\",[\"string\",\"number\"]]", "[\"a\",1]", "92a16101"},
    {"[\"object\",{\"a\":\"string\",\"b\":\"number\"}]", "{\"a\":\"x\",\"b\":null}",
     "82a161a178a162c0"},
    {"\"dynamic\"", "\"x\"", "92c40822737472696e6722a178"},
    {"\"dynamic\"", "null", "c0"},
};

static void msgpack__wire_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < PB_COUNT(wire); i++) {
        struct pb_arena *a = pb_arena_new();
        const struct pb_type *t = type_of(a, wire[i].type);
        struct pb_value v = json_value(a, wire[i].json), back;
        struct pb_buf b = PB_BUF_INIT, hex = PB_BUF_INIT;
        struct pb_err err = PB_ERR_INIT;

        if (pb_msgpack_encode(&b, a, &v, t, &err))
            fail_msg("%s: %s", wire[i].json, err.msg);
        pb_buf_add_hex(&hex, (unsigned char *)b.s, b.len);
        assert_string_equal(hex.s, wire[i].hex);
        if (pb_msgpack_decode(&back, a, b.s, b.len, t, &err))
            fail_msg("%s: %s", wire[i].json, err.msg);
        if (v.kind == PB_UNKNOWN)
            assert_int_equal(back.kind, PB_UNKNOWN);
        else
            assert_true(pb_value_equal(&v, &back));
        pb_buf_release(&b);
        pb_buf_release(&hex);
        pb_arena_free(a);
    }
}

static void msgpack__missing_members_and_blocks(void **state)
{
    static const char schema[] =
        "{\"version\":0,\"block\":{\"attributes\":{\"name\":{\"type\":\"string\","
        "\"optional\":true}},\"block_types\":{\"rule\":{\"nesting_mode\":\"set\",\"block\":"
        "{\"attributes\":{\"port\":{\"type\":\"number\",\"required\":true}}}}}}}";
    struct pb_arena *a = pb_arena_new();
    struct pb_value entry = json_value(a, schema), v = json_value(a, "{}"), back;
    const struct pb_schema *s;
    struct pb_buf b = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    assert_int_equal(pb_schema_from_json(&s, a, "x", &entry, &err), 0);
    assert_int_equal(pb_msgpack_encode(&b, a, &v, s->root, &err), 0);
    assert_int_equal(pb_msgpack_decode(&back, a, b.s, b.len, s->root, &err), 0);
    v = json_value(a, "{\"name\":null,\"rule\":[]}");
    assert_true(pb_value_equal(&v, &back));
    v = json_value(a, "{\"rule\":[{\"port\":\"http\"}]}");
    assert_int_equal(pb_msgpack_encode(&b, a, &v, s->root, &err), -1);
    assert_string_equal(err.msg, "'rule[0].port' cannot be sent to the provider: a number is "
                                 "needed, and it is a string");
    v = json_value(a, "{\"colour\":1}");
    assert_int_equal(pb_msgpack_encode(&b, a, &v, s->root, &err), -1);
    assert_non_null(strstr(err.msg, "the schema has no colour"));
    pb_buf_release(&b);
    pb_arena_free(a);
}

static size_t unhex(uint8_t *out, const char *hex)
{
    size_t n = strlen(hex) / 2;

    for (size_t i = 0; i < n; i++) {
        char two[3] = {hex[2 * i], hex[2 * i + 1], 0};
        out[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    return n;
}

static void msgpack__refined_unknown_and_big_number(void **state)
{
    struct pb_arena *a = pb_arena_new();
    struct pb_value v;
    struct pb_err err = PB_ERR_INIT;
    uint8_t in[64];
    size_t n;

    (void)state;
    n = unhex(in, "c7030c8101c2"); /* ext 8, 3 bytes, type 12: {1: false} */
    assert_int_equal(pb_msgpack_decode(&v, a, in, n, NULL, &err), 0);
    assert_int_equal(v.kind, PB_UNKNOWN);
    n = unhex(in, "c7013f00"); /* a type that nobody has defined yet */
    assert_int_equal(pb_msgpack_decode(&v, a, in, n, NULL, &err), 0);
    assert_int_equal(v.kind, PB_UNKNOWN);
    n = unhex(in, "92c40822737472696e6722a178"); /* dynamic, without knowing the type */
    assert_int_equal(pb_msgpack_decode(&v, a, in, n, NULL, &err), 0);
    assert_string_equal(pb_str(&v), "x");
    n = unhex(in, "a3302e31");
    assert_int_equal(pb_msgpack_decode(&v, a, in, n, type_of(a, "\"number\""), &err), 0);
    assert_int_equal(v.kind, PB_NUMBER);
    assert_string_equal(v.s, "0.1");
    pb_arena_free(a);
}

static void msgpack__refuses_nonsense(void **state)
{
    static const struct {
        const char *hex, *says;
    } bad[] = {
        {"", "ends too early"},
        {"a5616263", "ends inside a string"},
        {"ddffffffff", "longer than the input"},
        {"dfffffffffc0", "longer than the input"},
        {"8105c0", "a key is no string"},
        {"81a1ffc0", "a key is not UTF-8"},
        {"a1ff", "not UTF-8"},
        {"cb7ff8000000000000", "not finite"},
        {"c0c0", "bytes behind it"},
        {"c1", "bytes where a value cannot have them"},
        {"c7ff00", "ends inside a string"},
    };
    struct pb_arena *a = pb_arena_new();
    uint8_t deep[1000];

    (void)state;
    for (size_t i = 0; i < PB_COUNT(bad); i++) {
        struct pb_err err = PB_ERR_INIT;
        struct pb_value v;
        uint8_t in[64];

        assert_int_equal(pb_msgpack_decode(&v, a, in, unhex(in, bad[i].hex), NULL, &err), -1);
        if (!strstr(err.msg, bad[i].says))
            fail_msg("%s: %s", bad[i].hex, err.msg);
    }
    memset(deep, 0x91, sizeof(deep));
    struct pb_err err = PB_ERR_INIT;
    struct pb_value v;
    assert_int_equal(pb_msgpack_decode(&v, a, deep, sizeof(deep), NULL, &err), -1);
    assert_non_null(strstr(err.msg, "nested too deeply"));
    pb_arena_free(a);
}

static void msgpack__forty_levels_are_fine(void **state)
{
    struct pb_arena *a = pb_arena_new();
    struct pb_err err = PB_ERR_INIT;
    struct pb_value v;
    uint8_t in[41];

    (void)state;
    memset(in, 0x91, 40);
    in[40] = 0xc3;
    assert_int_equal(pb_msgpack_decode(&v, a, in, sizeof(in), NULL, &err), 0);
    pb_arena_free(a);
}

static void grpc__frames_in_pieces(void **state)
{
    struct pb_buf out = PB_BUF_INIT;
    struct pb_grpc_reader r = {.max = 100};
    struct pb_err err = PB_ERR_INIT;
    const uint8_t *msg;
    size_t n, seen = 0;

    (void)state;
    pb_grpc_frame(&out, "hello", 5);
    pb_grpc_frame(&out, "", 0);
    pb_grpc_frame(&out, "you", 3);
    for (size_t i = 0; i < out.len; i++) {
        assert_int_equal(pb_grpc_read(&r, out.s + i, 1, &err), 0);
        while (pb_grpc_next(&r, &msg, &n)) {
            static const char *const want[] = {"hello", "", "you"};
            assert_int_equal(n, strlen(want[seen]));
            assert_memory_equal(msg, want[seen], n);
            seen++;
        }
    }
    assert_int_equal(seen, 3);
    assert_int_equal(pb_grpc_end(&r, &err), 0);
    assert_int_equal(pb_grpc_read(&r, "\0\0\0", 3, &err), 0);
    assert_int_equal(pb_grpc_end(&r, &err), -1);
    assert_string_equal(err.msg, "the reply ends inside a message");
    pb_grpc_release(&r);
    pb_buf_release(&out);
}

static void grpc__refuses_large_and_compressed(void **state)
{
    struct pb_grpc_reader large = {.max = 100}, packed = {.max = 100};
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    assert_int_equal(pb_grpc_read(&large,
                                  "\0\xff\xff\xff\xff"
                                  "x",
                                  6, &err),
                     -1);
    assert_string_equal(err.msg, "a message of 4294967295 bytes is longer than the limit of 100");
    assert_int_equal(pb_grpc_read(&packed, "\1\0\0\0\1x", 6, &err), -1);
    assert_non_null(strstr(err.msg, "compressed"));
    pb_grpc_release(&large);
    pb_grpc_release(&packed);
}

static void grpc__texts(void **state)
{
    struct pb_buf b = PB_BUF_INIT;

    (void)state;
    pb_grpc_add_decoded(&b, "a%20b%zz%", 9);
    assert_string_equal(b.s, "a b%zz%");
    pb_buf_clear(&b);
    pb_grpc_add_timeout(&b, 1500);
    assert_string_equal(b.s, "1500m");
    pb_buf_clear(&b);
    pb_grpc_add_timeout(&b, 500000000);
    assert_string_equal(b.s, "500000S");
    pb_buf_release(&b);
}

static void proto__round_trip(void **state)
{
    Tfplugin6__ReadResource__Request rq, *back;
    Tfplugin6__DynamicValue dv;
    char type[] = "sim_server";
    struct pb_arena *a = pb_arena_new();
    struct pb_buf b = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    tfplugin6__read_resource__request__init(&rq);
    tfplugin6__dynamic_value__init(&dv);
    rq.type_name = type;
    dv.msgpack = pb_proto_bytes("\xc0", 1);
    rq.current_state = &dv;
    pb_proto_pack(&b, &rq.base);
    back = pb_proto_unpack(&tfplugin6__read_resource__request__descriptor, a, b.s, b.len, &err);
    assert_non_null(back);
    assert_string_equal(back->type_name, "sim_server");
    assert_int_equal(back->current_state->msgpack.len, 1);
    assert_null(
        pb_proto_unpack(&tfplugin6__read_resource__request__descriptor, a, b.s, b.len - 1, &err));
    assert_string_equal(err.msg, "a 'Request' is no valid protobuf");
    pb_buf_release(&b);
    pb_arena_free(a);
}

/* A block in a block in a block: protobuf-c would follow it until the stack ends. */
static void proto__refuses_depth(void **state)
{
    struct pb_arena *a = pb_arena_new();
    struct pb_buf b = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    for (int i = 0; i < 60; i++) {
        struct pb_buf outer = PB_BUF_INIT;

        for (int k = 0; k < 2; k++) { /* field 3 of Block, field 2 of NestedBlock */
            pb_buf_clear(&outer);
            pb_buf_addc(&outer, (char)(k ? 0x1a : 0x12));
            if (b.len > 127)
                pb_buf_addc(&outer, (char)((b.len & 0x7f) | 0x80));
            pb_buf_addc(&outer, (char)(b.len > 127 ? b.len >> 7 : b.len));
            pb_buf_add(&outer, b.s, b.len);
            pb_buf_clear(&b);
            pb_buf_add(&b, outer.s, outer.len);
        }
        pb_buf_release(&outer);
    }
    assert_null(pb_proto_unpack(&tfplugin6__schema__block__descriptor, a, b.s, b.len, &err));
    assert_non_null(strstr(err.msg, "nested too deeply"));
    pb_buf_release(&b);
    pb_arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(msgpack__wire_forms),
        cmocka_unit_test(msgpack__missing_members_and_blocks),
        cmocka_unit_test(msgpack__refined_unknown_and_big_number),
        cmocka_unit_test(msgpack__refuses_nonsense),
        cmocka_unit_test(msgpack__forty_levels_are_fine),
        cmocka_unit_test(grpc__frames_in_pieces),
        cmocka_unit_test(grpc__refuses_large_and_compressed),
        cmocka_unit_test(grpc__texts),
        cmocka_unit_test(proto__round_trip),
        cmocka_unit_test(proto__refuses_depth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
