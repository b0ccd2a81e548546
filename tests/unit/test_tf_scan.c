#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

/* What is missed here makes a key too small, and a stale answer be believed. */
#include "backends/terraform/scan.h"
#include "base/compiler.h"
#include "base/mem.h"

struct row {
    const char *text;
    bool candidate, climbs;
    const char *locals; /* joined by a space */
};

static void check(const char *name, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct pb_module_text s = {0};
        struct pb_buf locals = PB_BUF_INIT;

        assert_true(pb_tf_scan(&s, name, rows[i].text, strlen(rows[i].text)));
        for (size_t k = 0; k < s.locals.n; k++)
            pb_buf_addf(&locals, "%s%s", k ? " " : "", s.locals.v[k]);
        if (s.candidate != rows[i].candidate || s.climbs != rows[i].climbs ||
            strcmp(locals.s, rows[i].locals) != 0)
            fail_msg("row %zu: %d %d <%s>: %s", i, s.candidate, s.climbs, locals.s, rows[i].text);
        pb_buf_release(&locals);
        pb_strv_release(&s.locals);
    }
}

static void tf_scan__hcl(void **state)
{
    static const struct row rows[] = {
        {"terraform {\n  backend \"local\" {}\n}\n", true, false, ""},
        {"terraform {\n  cloud {\n  }\n}\n", true, false, ""},
        {"provider \"x\" {\n}\n", true, false, ""},
        {"# provider \"x\" {}\n/* terraform { backend \"y\" {} } */\n", false, false, ""},
        {"variable \"provider\" {\n  backend = 1\n}\n", false, false, ""},
        {"module \"a\" {\n  source = \"../net\"\n}\n", false, false, "../net"},
        {"module \"a\" {\n  source = \"./net\" # here\n}\n", false, false, "./net"},
        {"module \"a\" {\n  source = \"example/net\"\n}\n", false, false, ""},
        {"locals {\n  a = file(\"../x\")\n}\n", false, true, ""},
        {"locals {\n  a = \"${file(\"${path.module}/../x\")}\"\n}\n", false, true, ""},
        {"locals {\n  a = file(\"${dirname(path.module)}/x\")\n}\n", false, true, ""},
        {"locals {\n  a = join(\"/\", slice(split(\"/\", path.cwd), 0, 3))\n}\n", false, true, ""},
        {"locals {\n  a = \"${path.cwd}/x\"\n}\n", false, true, ""},
        {"locals {\n  a = abspath(path.root)\n}\n", false, true, ""},
        {"locals {\n  a = <<-E\n    ${file(\"../x\")}\n  E\n}\nprovider \"x\" {}\n", true, true,
         ""},
        {"locals {\n  a = <<-E\n    ${dirname(path.root)}\n  E\n}\n", false, true, ""},
        {"locals {\n  a = <<E\nterraform {\n backend \"s\" {}\nE\n}\n", false, false, ""},
        {"locals {\n  a = <<E\nEX\n\"\nE\n}\nmodule \"m\" {\n  source = \"./m\"\n}\n", false, false,
         "./m"},
        {"locals {\n  a = <<E\n E \t\n}\nmodule \"m\" {\n  source = \"./m\"\n}\n# \nE\n", false,
         false, "./m"},
        {"locals {\n  a = \"${1 /* \" */}\"\n}\nmodule \"m\" {\n  source = \"./m\"\n}\n", false,
         false, "./m"},
        {"locals {\n  a = \"unclosed ${", false, false, ""},
        {"locals {\n  a = \"and so on...\"\n  b = f(c...)\n}\n", false, false, ""},
        {"locals {\n  a = \"..\"\n}\n", false, true, ""},
        {"locals {\n  a = \"a/..\"\n}\n", false, true, ""},
        {"locals {\n  a = \"\\u002e\\u002e/x\"\n}\n", false, true, ""},
        {"broken {{\nmodule \"a\" {", false, false, ""},
    };

    (void)state;
    check("main.tf", rows, PB_COUNT(rows));
    check("main.tofu", rows, PB_COUNT(rows));
    check("override.tf", rows, PB_COUNT(rows));
}

/* A string that ends at the wrong quote turns the rest of the file inside out. */
static void tf_scan__strings_in_templates(void **state)
{
    static const char after[] = "\nmodule \"a\" {\n  source = \"../net\"\n}\n";
    static const char *const strings[] = {
        "a = \"${f(\"}\")}\"",
        "a = \"%{if b == \"x\"}y%{endif}\"",
        "a = \"$${\"",
        "a = \"%%{\"",
        "a = \"${f({b = \"c\"}, \"d\")}\"",
        "a = \"\\\"\"",
        "a = \"${\"${\"}\"}\"}\"",
        "a = \"{\"",
        "a = \"${f(\"\\\"}\")}\"",
        "a = \"$${${b[\"}\"]}\"",
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(strings); i++) {
        char *text = pb_asprintf("locals {\n%s\n}%s", strings[i], after);
        const struct row row = {text, false, false, "../net"};

        check("main.tf", &row, 1);
        free(text);
    }
}

static void tf_scan__json(void **state)
{
    static const struct row rows[] = {
        {"{\"terraform\":{\"backend\":{\"local\":{}}},\"module\":{\"a\":{\"source\":\"../n\"}},"
         "\"resource\":{\"x\":{\"y\":{\"source\":\"z\"}}}}",
         true, false, "../n"},
        {"{\"terraform\":[{\"required_version\":\"1\"},{\"cloud\":{}}]}", true, false, ""},
        {"{\"provider\":{\"x\":{}}}", true, false, ""},
        {"{\"module\":{\"a\":[{\"source\":\"./n\"}]}}", false, false, "./n"},
        {"{\"module\":[{\"a\":{\"source\":\"./n\"}},{\"b\":{\"source\":\"../m\"}}]}", false, false,
         "./n ../m"},
        {"{\"module\":{\"a\":{\"source\":\"./n\",\"x\":\"${file(\\\"../p\\\")}\"}}}", false, true,
         "./n"},
        {"{\"locals\":{\"a\":[\"${file(\\\"../x\\\")}\"]}}", false, true, ""},
        {"{\"locals\":{\"a\":1},\"locals\":", false, true, ""},
        {"[]", false, true, ""},
    };

    (void)state;
    check("main.tf.json", rows, PB_COUNT(rows));
    check("main.tofu.json", rows, PB_COUNT(rows));
}

static void tf_scan__other_files(void **state)
{
    static const struct row lock = {"", true, false, ""};
    static const struct row vars[] = {{"a = \"../x\"\n", false, true, ""},
                                      {"a = \"x\"\n", false, false, ""}};
    struct pb_module_text s = {0};

    (void)state;
    check(".terraform.lock.hcl", &lock, 1);
    check("terraform.tfvars", vars, PB_COUNT(vars));
    check("x.auto.tfvars.json", vars, PB_COUNT(vars));
    assert_false(pb_tf_scan(&s, "README.md", NULL, 0));
    assert_false(pb_tf_scan(&s, "main.tf.orig", "provider \"x\" {}", 15));
    assert_true(pb_tf_scan(&s, "main.tf", NULL, 0));
    assert_false(s.candidate || s.climbs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tf_scan__hcl),
        cmocka_unit_test(tf_scan__strings_in_templates),
        cmocka_unit_test(tf_scan__json),
        cmocka_unit_test(tf_scan__other_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
