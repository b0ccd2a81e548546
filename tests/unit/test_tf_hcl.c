#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "backends/terraform/eval.h"
#include "backends/terraform/hcl.h"
#include "backends/terraform/module.h"
#include "backends/terraform/outside.h"
#include "backends/terraform/providers.h"
#include "backends/terraform/vars.h"
#include "base/text.h"
#include "tests/support/values.h"

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

/* ---- a repository in memory ------------------------------------------------------------------ */

struct file {
    const char *path, *text;
};

static int list(struct pb_strv *names, void *ctx, const char *dir, struct pb_err *e)
{
    size_t n = strlen(dir), found = 0;

    for (const struct file *f = ctx; f->path; f++) {
        const char *rest = f->path + n + (n > 0);
        if ((n && (strncmp(f->path, dir, n) != 0 || f->path[n] != '/')) || strchr(rest, '/'))
            continue;
        pb_strv_add(names, rest);
        found++;
    }
    if (found)
        return 0;
    pb_fail(e, PB_E_IO, "no folder '%s'", dir);
    e->sys = ENOENT;
    return -1;
}

static int read_file(struct pb_buf *out, void *ctx, const char *path, size_t max, struct pb_err *e)
{
    (void)max;
    for (const struct file *f = ctx; f->path; f++) {
        if (strcmp(f->path, path) == 0) {
            pb_buf_adds(out, f->text);
            return 0;
        }
    }
    pb_fail(e, PB_E_IO, "no file '%s'", path);
    e->sys = ENOENT;
    return -1;
}

static struct pb_tf_files repository(const struct file *files)
{
    return (struct pb_tf_files){list, read_file, (void *)(uintptr_t)files};
}

static struct pb_tf_tree *load(const struct file *list_of, const char *root)
{
    struct pb_tf_files files = repository(list_of);
    struct pb_tf_tree *t = NULL;

    if (pb_tf_tree_load(&t, arena, &files, root, NULL, false, &err))
        fail_msg("%s", err.msg);
    return t;
}

static struct pb_value eval_in(const struct pb_tf_tree *t, const struct pb_value *vars,
                               const char *text)
{
    size_t budget = PB_TF_EVAL_BUDGET;
    struct pb_tf_scope s = {
        .arena = arena, .node = t->v[0], .vars = vars, .workspace = "prod", .budget = &budget};

    return pb_tf_eval(&s, pb_hcl_expr_of(arena, text, strlen(text), "x.tf"));
}

/* ---- expressions ----------------------------------------------------------------------------- */

static void tf_hcl__expressions(void **state)
{
    static const struct file files[] = {
        {"main.tf", "locals {\n  tags = { team = \"net\", \"a b\" = 1 }\n  up = local.tags\n"
                    "  loop = local.loop2\n  loop2 = local.loop\n}\nvariable \"r\" {}\n"},
        {NULL, NULL},
    };
    static const struct {
        const char *text, *json;
    } rows[] = {
        {"\"a\"", "\"a\""},
        {"  \"a\" # no", "{\"$unknown\":\"\\\"a\\\" # no\"}"},
        {"12", "12"},
        {"-1.50", "-1.50"},
        {"true", "true"},
        {"null", "null"},
        {"[]", "[]"},
        {"[1, \"b\",\n  [true], # c\n]", "[1,\"b\",[true]]"},
        {"{}", "{}"},
        {"{ a = 1, \"b\" : 2\n c = { d = [3] } }", "{\"a\":1,\"b\":2,\"c\":{\"d\":[3]}}"},
        {"{ (var.r) = 1 }", "{\"eu\":1}"},
        {"(\"x\")", "\"x\""},
        {"\"a\\n\\\"\\\\\\u00e9\\U0001F600$${x}%%{y}\"",
         "\"a\\n\\\"\\\\\xc3\xa9\xf0\x9f\x98\x80${x}%{y}\""},
        {"\"${var.r}-1\"", "\"eu-1\""},
        {"\"${var.r}\"", "\"eu\""},
        {"\"x${\"y${var.r}z\"}\"", "\"xyeuz\""},
        {"\"${1}${true}\"", "\"1true\""},
        {"<<EOT\na ${var.r}\n  b\\n\nEOT", "\"a eu\\n  b\\\\n\\n\""},
        {"<<-EOT\n    a\n      b\n    EOT", "\"a\\n  b\\n\""},
        {"local.tags.team", "\"net\""},
        {"local.up[\"a b\"]", "1"},
        {"[local.up][0].team", "{\"$unknown\":\"[local.up][0].team\"}"},
        {"terraform.workspace", "\"prod\""},
        {"merge(local.tags, { team = \"x\" })", "{\"a b\":1,\"team\":\"x\"}"},
        {"upper(lower(\"aB\"))", "\"AB\""},
        {"coalesce(null, \"\", \"z\")", "\"z\""},
        {"tostring(5)", "\"5\""},
        {"local.loop", "{\"$unknown\":\"local.loop\"}"},
        {"local.none", "{\"$unknown\":\"local.none\"}"},
        {"var.none", "{\"$unknown\":\"var.none\"}"},
        {"aws_vpc.a.id", "{\"$unknown\":\"aws_vpc.a.id\"}"},
        {"1 + 2", "{\"$unknown\":\"1 + 2\"}"},
        {"[for x in [1] : x]", "{\"$unknown\":\"[for x in [1] : x]\"}"},
        {"{ for x in [1] : x => x }", "{\"$unknown\":\"{ for x in [1] : x => x }\"}"},
        {"\"%{ if true }a%{ endif }\"", "{\"$unknown\":\"\\\"%{ if true }a%{ endif }\\\"\"}"},
        {"file(\"x\")", "{\"$unknown\":\"file(\\\"x\\\")\"}"},
        {"\"bad \\q\"", "{\"$unknown\":\"\\\"bad \\\\q\\\"\"}"},
    };
    const struct pb_tf_tree *t = load(files, "");
    struct pb_map_builder b = PB_BUILDER_INIT;
    struct pb_value vars;

    (void)state;
    pb_map_add(&b, "r", pb_mk_string(arena, "eu"));
    vars = pb_map_done(&b, arena);
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_value v = eval_in(t, &vars, rows[i].text);
        const char *got = json_text(arena, &v);
        if (strcmp(got, rows[i].json) != 0)
            fail_msg("%s\nis     %s\nwanted %s", rows[i].text, got, rows[i].json);
    }
}

/* Locals that double at each step would take forever to write out. */
static void tf_hcl__evaluation_is_bounded(void **state)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    struct file files[] = {{"main.tf", NULL}, {NULL, NULL}};

    (void)state;
    pb_buf_adds(&text, "locals {\n  a0 = \"x\"\n");
    for (int i = 1; i < 30; i++)
        pb_buf_addf(&text, "  a%d = [local.a%d, local.a%d]\n", i, i - 1, i - 1);
    pb_buf_adds(&text, "}\n");
    files[0].text = text.s;
    struct pb_value v = eval_in(load(files, ""), NULL, "local.a29");
    assert_true(pb_has_unknown(&v));
}

static void tf_hcl__blocks(void **state)
{
    static const char text[] = "# c\nterraform {\n  backend \"s3\" {\n    bucket = \"b\"\n  }\n}\n"
                               "/* x\n */ resource aws_vpc \"a\" { cidr = \"1\" }\n"
                               "resource \"t\" \"b\" {\n  x = <<E\n}\nE\n  y = [\n    1\n  ]\n}";
    const struct pb_hcl_body *b;
    const struct pb_hcl_block *r;

    (void)state;
    assert_int_equal(pb_hcl_parse(&b, arena, text, strlen(text), "m.tf", &err), 0);
    assert_int_equal(b->nblocks, 3);
    r = pb_hcl_block_of(b, "resource", 0);
    assert_string_equal(pb_hcl_label(r, 0), "aws_vpc");
    assert_string_equal(pb_hcl_label(r, 1), "a");
    assert_int_equal(r->line, 8);
    assert_string_equal(r->file, "m.tf");
    r = pb_hcl_block_of(b, "resource", 1);
    assert_int_equal(r->line, 9);
    assert_string_equal(pb_hcl_str(pb_hcl_attr_of(r->body, "x")), "}\n");
    assert_int_equal(pb_hcl_attr_of(r->body, "y")->n, 1);
    r = pb_hcl_block_of(pb_hcl_block_of(b, "terraform", 0)->body, "backend", 0);
    assert_string_equal(r->text, "backend \"s3\" {\n    bucket = \"b\"\n  }");
}

static void tf_hcl__errors_name_the_line(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"a {\n  b = 1\n", "line 3: a block without its '}'"},
        {"\n}", "line 2: a '}' too many"},
        {"a = \"x", "does not end"},
        {"a = [1", "does not end"},
        {"a =\n", "without a value"},
        {"\n\n= 1", "line 3: expected the name"},
        {"a b c", "without '{'"},
        {"a \"${x}\" {}", "plain string"},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        const struct pb_hcl_body *b;
        assert_int_equal(pb_hcl_parse(&b, arena, rows[i].text, strlen(rows[i].text), "m.tf", &err),
                         -1);
        if (!strstr(err.msg, rows[i].says) || !strstr(err.msg, "'m.tf'"))
            fail_msg("'%s' does not say '%s'", err.msg, rows[i].says);
    }
}

/* ---- modules --------------------------------------------------------------------------------- */

static const struct file estate[] = {
    {"env/main.tf", "terraform {\n  required_providers {\n    aws = { source = "
                    "\"hashicorp/aws\" }\n    dns = { source = \"e.com/x/dns\" }\n  }\n"
                    "  backend \"s3\" {\n    bucket = \"b\"\n  }\n}\n"
                    "provider \"aws\" {\n  region = var.region\n  default_tags {\n    tags = "
                    "merge(local.t, {})\n  }\n}\n"
                    "provider \"aws\" {\n  alias = \"west\"\n  region = \"us-west-2\"\n"
                    "  token = var.secret\n}\n"
                    "locals {\n  t = { a = \"b\" }\n}\n"
                    "variable \"region\" {\n  default = \"r0\"\n}\n"
                    "variable \"secret\" {\n  type = string\n  sensitive = true\n}\n"
                    "variable \"l\" {\n  type = list(string)\n}\n"
                    "variable \"n\" {\n  type = number\n}\n"
                    "module \"net\" {\n  source = \"../mods/net\"\n  zone = \"z-${var.region}\"\n"
                    "}\nmodule \"far\" {\n  source = \"hashicorp/x/aws\"\n}\n"
                    "resource \"random_id\" \"x\" {}\n"},
    {"env/z_override.tf", "terraform {\n  backend \"local\" {\n    path = \"p\"\n  }\n}\n"
                          "provider \"aws\" {\n  region = \"over\"\n}\n"},
    {"env/more.tf.json", "{\"resource\": {\"aws_vpc\": {\"j\": {\"lifecycle\": "
                         "{\"ignore_changes\": [\"tags\"]}, \"cidr_block\": \"${var.region}\"}}},"
                         "\"//\": \"c\"}"},
    {"env/terraform.tfvars", "region = \"r1\"\nsecret = \"s\"\n"},
    {"env/a.auto.tfvars", "region = \"r2\"\n"},
    {"env/extra.tfvars", "region = \"r3\"\n"},
    {"env/.terraform.lock.hcl", "provider \"registry.terraform.io/hashicorp/aws\" {\n  version = "
                                "\"5.1.0\"\n}\n"},
    {"mods/net/main.tf",
     "variable \"zone\" {}\nprovider \"dns\" {\n  server = var.zone\n}\n"
     "resource \"aws_vpc\" \"v\" {\n  dynamic \"ingress\" {\n    for_each = []\n    content {\n"
     "      port = 1\n      gone = null\n      sub {\n        x = 1\n      }\n    }\n  }\n"
     "  lifecycle {\n    ignore_changes = [tags[\"x\"], ami, ebs[0].size]\n  }\n}\n"
     "resource \"aws_vpc\" \"w\" {\n  lifecycle {\n    ignore_changes = all\n  }\n}\n"
     "module \"sub\" {\n  source = \"./sub\"\n}\n"},
    {"mods/net/run.tf", "\naction \"t_run\" \"r\" {\n}\nresource \"t_x\" \"p\" {\n"
                        "  provisioner \"local-exec\" {\n    command = \"}\"\n  }\n"
                        "  provisioner \"file\" {\n    when = destroy\n  }\n"
                        "  provisioner \"remote-exec\" {\n    when = var.zone\n  }\n}\n"},
    {"mods/net/sub/main.tf", "resource \"t_x\" \"y\" {\n  a {\n    dynamic \"b\" {\n      content "
                             "{}\n    }\n  }\n}\n"},
    {NULL, NULL},
};

static void tf_hcl__tree_and_hints(void **state)
{
    const struct pb_tf_tree *t = load(estate, "env");
    const struct pb_tf_hint *h;

    (void)state;
    assert_int_equal(t->n, 4);
    assert_null(pb_tf_tree_node(t, "far")->module);
    assert_string_equal(pb_tf_tree_node(t, "net.sub")->module->dir, "mods/net/sub");
    h = t->hints.find(t->hints.ctx, "net", "aws_vpc", "v");
    assert_non_null(h);
    assert_string_equal(h->file, "mods/net/main.tf");
    assert_int_equal(h->line, 5);
    assert_false(h->opaque);
    assert_string_equal(h->ignore_changes[0], "tags.x");
    assert_string_equal(h->ignore_changes[1], "ami");
    assert_string_equal(h->ignore_changes[2], "ebs[0].size");
    assert_null(h->ignore_changes[3]);
    assert_string_equal(json_text(arena, h->dynamic),
                        "{\"ingress\":{\"port\":true,\"sub\":[{\"x\":true}]}}");
    h = t->hints.find(t->hints.ctx, "net", "aws_vpc", "w");
    assert_string_equal(h->ignore_changes[0], "*");
    h = t->hints.find(t->hints.ctx, "", "aws_vpc", "j");
    assert_string_equal(h->ignore_changes[0], "tags");
    assert_true(t->hints.find(t->hints.ctx, "net.sub", "t_x", "y")->opaque);
    assert_null(t->hints.find(t->hints.ctx, "net", "aws_vpc", "none"));
}

static void tf_hcl__what_runs_when(void **state)
{
    const struct pb_tf_tree *t = load(estate, "env");
    const struct pb_tf_hint *h = t->hints.find(t->hints.ctx, "net", "t_x", "p");

    (void)state;
    assert_int_equal(h->line, 4);
    assert_int_equal(h->last_line, 14);
    assert_int_equal(h->neffects, 3);
    assert_string_equal(h->effects[0].what, "local-exec");
    assert_true(h->effects[0].on_create && !h->effects[0].on_destroy);
    assert_true(!h->effects[1].on_create && h->effects[1].on_destroy);
    assert_true(h->effects[2].on_create && h->effects[2].on_destroy);
    h = t->hints.find(t->hints.ctx, "net", "action.t_run", "r");
    assert_int_equal(h->line, 2);
    assert_int_equal(h->last_line, 3);
    /* Put together from two files, or JSON: no piece of text is all of it. */
    h = t->hints.find(t->hints.ctx, "", "aws_vpc", "j");
    assert_int_equal(h->last_line, 0);
}

static void tf_hcl__a_module_that_calls_itself(void **state)
{
    static const struct file files[] = {
        {"e/main.tf", "module \"a\" {\n  source = \"../m\"\n}\n"},
        {"m/main.tf", "module \"b\" {\n  source = \"../e\"\n}\n"},
        {NULL, NULL},
    };
    struct pb_tf_files f = repository(files);
    struct pb_tf_tree *t;

    (void)state;
    assert_int_equal(pb_tf_tree_load(&t, arena, &f, "e", NULL, false, &err), -1);
    assert_non_null(strstr(err.msg, "the module 'b' is called without end"));
}

static void tf_hcl__overrides(void **state)
{
    const struct pb_tf_tree *t = load(estate, "env");
    const struct pb_hcl_block *tf = pb_hcl_block_of(t->v[0]->module->body, "terraform", 0);

    (void)state;
    assert_string_equal(pb_hcl_label(pb_hcl_block_of(tf->body, "backend", 0), 0), "local");
    assert_null(pb_hcl_block_of(tf->body, "backend", 1));
    assert_non_null(pb_hcl_block_of(tf->body, "required_providers", 0));
}

static void tf_hcl__variables(void **state)
{
    static char *const var_files[] = {(char *)(uintptr_t) "env/extra.tfvars", NULL};
    static char *const vars[] = {(char *)(uintptr_t) "n=5", NULL};
    static char *const env[] = {(char *)(uintptr_t) "TF_VAR_l=[\"a\"]",
                                (char *)(uintptr_t) "TF_VAR_region=env",
                                (char *)(uintptr_t) "TF_VAR_unknown=1", NULL};
    const struct pb_tf_tree *t = load(estate, "env");
    struct pb_tf_files files = repository(estate);
    struct pb_tf_vars_in in = {.root = t->v[0], .files = &files, .env = env, .vars = vars};
    struct pb_value v;

    (void)state;
    assert_int_equal(pb_tf_vars(&v, arena, &in, &err), 0);
    assert_string_equal(json_text(arena, &v),
                        "{\"l\":[\"a\"],\"n\":5,\"region\":\"r2\",\"secret\":\"s\"}");
    assert_true(pb_get(&v, "secret")->flags & PB_V_SENSITIVE);
    in.var_files = var_files;
    assert_int_equal(pb_tf_vars(&v, arena, &in, &err), 0);
    assert_string_equal(pb_get_str(&v, "region"), "r3");
    assert_true(pb_tf_var_is_complex(t->v[0], "l"));
    assert_false(pb_tf_var_is_complex(t->v[0], "n"));
}

static void tf_hcl__providers(void **state)
{
    const struct pb_tf_tree *t = load(estate, "env");
    struct pb_tf_files files = repository(estate);
    struct pb_tf_vars_in vin = {.root = t->v[0], .files = &files};
    struct pb_tf_lock lock;
    struct pb_value vars;
    struct pb_tf_providers_in in = {.tree = t, .vars = &vars, .lock = &lock};
    const struct pb_provider_config *v;
    size_t n;

    (void)state;
    assert_int_equal(pb_tf_vars(&vars, arena, &vin, &err), 0);
    assert_int_equal(pb_tf_lock_read(&lock, arena, &files, "env", &err), 0);
    pb_tf_providers(&v, &n, arena, &in);
    assert_int_equal(n, 5);
    assert_string_equal(v[0].key, "module.net.provider[\"registry.terraform.io/hashicorp/dns\"]");
    assert_string_equal(json_text(arena, v[0].values), "{\"server\":\"z-r2\"}");
    assert_string_equal(v[1].key, "provider[\"registry.terraform.io/hashicorp/aws\"]");
    assert_string_equal(v[1].version, "5.1.0");
    assert_string_equal(json_text(arena, v[1].values),
                        "{\"default_tags\":[{\"tags\":{\"a\":\"b\"}}],\"region\":\"over\"}");
    assert_string_equal(v[2].key, "provider[\"registry.terraform.io/hashicorp/aws\"].west");
    assert_string_equal(v[2].alias, "west");
    assert_true(pb_get(v[2].values, "token")->flags & PB_V_SENSITIVE);
    assert_string_equal(v[3].key, "provider[\"registry.terraform.io/hashicorp/random\"]");
    assert_string_equal(json_text(arena, v[3].values), "{}");
}

static void tf_hcl__reads_outside(void **state)
{
    static const struct {
        const char *text;
        bool outside;
    } rows[] = {
        {"\"file\"", false},
        {"file(\"x.txt\")", false},
        {"file(\"${path.module}/x.txt\")", false},
        {"file( \"${path.root}/x.txt\" )", false},
        {"fileset(path.module, \"*.json\")", false},
        {"templatefile(\"${path.module}/t\", {a = f(\"/x\")})", false},
        {"profile(\"/x\")", false},
        {"\"/etc/hosts\"", false},
        {"timestamp()", false}, /* not known before the apply */
        {"file(\"/etc/hosts\")", true},
        {"file(\"~/.ssh/id.pub\")", true},
        {"file(\"%{if true}/etc/hosts%{endif}\")", true},
        {"file(\"\\u002fetc/hosts\")", true},
        {"file (var.key)", true},
        {"file(\"${var.dir}/x\")", true},
        {"\"${trimspace(filebase64sha256(local.x))}\"", true},
        {"templatefile(\n  \"/t\", {})", true},
        {"pathexpand(\"x\")", true},
        {"formatdate(\"YYYY\", plantimestamp())", true},
    };
    static const struct file json_list[] = {
        {"e/main.tf.json", "{\"locals\": {\"a\": [{\"b\": \"${file(\\\"/x\\\")}\"}]}}"},
        {NULL, NULL},
    };
    static const struct file in_module[] = {
        {"e/main.tf", "module \"m\" {\n  source = \"./m\"\n}\n"},
        {"e/m/main.tf", "resource \"a\" \"b\" {\n  c {\n    d = file(\"/x\")\n  }\n}\n"},
        {NULL, NULL},
    };
    static const struct file *const trees[] = {json_list, in_module, estate};

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++)
        if (pb_tf_text_reads_outside(rows[i].text) != rows[i].outside)
            fail_msg("%s", rows[i].text);
    for (size_t i = 0; i < PB_COUNT(trees); i++) {
        struct pb_tf_files f = repository(trees[i]);
        struct pb_tf_tree *t;

        assert_int_equal(pb_tf_tree_load(&t, arena, &f, i < 2 ? "e" : "env", NULL, false, &err), 0);
        assert_int_equal(pb_tf_tree_reads_outside(t), i < 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tf_hcl__expressions, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_hcl__evaluation_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_hcl__blocks, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_hcl__errors_name_the_line, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_hcl__tree_and_hints, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_hcl__what_runs_when, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_hcl__a_module_that_calls_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_hcl__overrides, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_hcl__variables, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_hcl__providers, setup, teardown),
        cmocka_unit_test_setup_teardown(tf_hcl__reads_outside, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
