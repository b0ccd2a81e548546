#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backends/rest/xml.h"
#include "model/json.h"

static void xml__as_values(void **state)
{
    static const struct {
        const char *in, *root, *out;
    } rows[] = {
        {"<a><b>1</b></a>", "a", "{\"b\":\"1\"}"},
        {"<a><b>1</b><c/><b>2</b></a>", "a", "{\"b\":[\"1\",\"2\"],\"c\":\"\"}"},
        {"<a xmlns='http://x/'>\n  <b> t </b>\n</a>", "a", "{\"b\":\" t \"}"},
        {"<a>text</a>", "a", "{\"#text\":\"text\"}"},
        {"<a/>", "a", "{}"},
        {"<a>  </a>", "a", "{}"},
        {"<a><g t='u'>x</g></a>", "a", "{\"g\":{\"#text\":\"x\",\"@t\":\"u\"}}"},
        {"<a><g xsi:type='u'><b>1</b></g></a>", "a", "{\"g\":{\"@xsi:type\":\"u\",\"b\":\"1\"}}"},
        {"<a><b>&lt;&#x20AC;&gt;</b><c><![CDATA[<x>]]></c></a>", "a",
         "{\"b\":\"<\xe2\x82\xac>\",\"c\":\"<x>\"}"},
        {"<?xml version='1.0' encoding='utf-8'?><a><b/></a>", "a", "{\"b\":\"\"}"},
    };
    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_arena *a = pb_arena_new();
        struct pb_buf b = PB_BUF_INIT;
        struct pb_err err = PB_ERR_INIT;
        const struct pb_value *v = NULL;
        const char *root = NULL;
        if (pb_xml_parse(&v, &root, a, rows[i].in, strlen(rows[i].in), "the reply", &err))
            fail_msg("%s: %s", rows[i].in, err.msg);
        pb_json_add(&b, v);
        assert_string_equal(root, rows[i].root);
        assert_string_equal(b.s, rows[i].out);
        pb_buf_release(&b);
        pb_arena_free(a);
    }
}

static void refused(const char *in, size_t n, const char *message)
{
    struct pb_arena *a = pb_arena_new();
    struct pb_err err = PB_ERR_INIT;
    const struct pb_value *v = NULL;
    const char *root = NULL;
    assert_int_equal(pb_xml_parse(&v, &root, a, in, n, "the reply", &err), -1);
    if (!strstr(err.msg, message))
        fail_msg("%s", err.msg);
    pb_arena_free(a);
}

static void xml__refuses(void **state)
{
    (void)state;
    refused("", 0, "not well-formed");
    refused("<a><b></a>", 10, "not well-formed XML: mismatched tag at line 1");
    refused("<a><b>", 6, "not well-formed");
    refused("<a/><b/>", 8, "not well-formed");
    refused("<a>\0</a>", 8, "not well-formed");
    refused("<a>\xff</a>", 8, "not well-formed");
    const char *bomb = "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>";
    refused(bomb, strlen(bomb), "document type declaration");
}

static void xml__limits(void **state)
{
    struct pb_buf b = PB_BUF_INIT;
    (void)state;
    for (int i = 0; i < PB_XML_DEPTH + 1; i++)
        pb_buf_adds(&b, "<a>");
    refused(b.s, b.len, "nested too deeply");
    pb_buf_clear(&b);
    pb_buf_adds(&b, "<r>");
    for (int i = 0; i < PB_XML_ELEMENTS; i++)
        pb_buf_adds(&b, "<a/>");
    refused(b.s, b.len, "too many elements");
    pb_buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xml__as_values),
        cmocka_unit_test(xml__refuses),
        cmocka_unit_test(xml__limits),
    };
    return cmocka_run_group_tests_name("rest_xml", tests, NULL, NULL);
}
