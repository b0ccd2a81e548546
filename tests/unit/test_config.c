#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/fs.h"
#include "config/config.h"
#include "config/internal.h"
#include "model/json.h"
#include "model/verdict.h"
#include "policy/gate.h"

static int parse(struct pb_config *c, struct pb_arena *a, const char *text, struct pb_err *err)
{
    return pb_config_parse(c, a, text, strlen(text), "plumb.yaml", err);
}

static void config__every_key_is_read(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_config c;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    assert_int_equal(parse(&c, a,
                           "version: 1\n"
                           "units:\n"
                           "  - name: prod\n"
                           "    path: ./infra//prod/\n"
                           "    engine: terraform\n"
                           "    tool: tofu\n"
                           "    workspace: blue\n"
                           "    var_files: [common.tfvars, ./prod.tfvars]\n"
                           "    vars: {region: north, size: 3, zones: [a, b]}\n"
                           "    backend_config: {bucket: states}\n"
                           "    state: infra/terraform.tfstate\n"
                           "    providers: {example: {region: north}}\n"
                           "    ignore: [{address: a.b, path: tags, reason: elsewhere}]\n"
                           "  - {name: top, path: .}\n"
                           "ignore:\n"
                           "  - {address: module.legacy, reason: goes away}\n"
                           "packs: [observers]\n"
                           "observe: {concurrency: 4, timeout: 90s}\n"
                           "cache: {data_source_ttl: 2h}\n"
                           "check: {memory: 8192, disk: 64, processes: 32768, timeout: 1h}\n"
                           "fail_on: [drifted, missing]\n",
                           &err),
                     0);
    assert_int_equal(c.nunits, 2);
    assert_string_equal(c.units[0].path, "infra/prod");
    assert_string_equal(c.units[0].tool, "tofu");
    assert_string_equal(c.units[0].workspace, "blue");
    assert_string_equal(c.units[0].var_files[1], "prod.tfvars");
    assert_null(c.units[0].var_files[2]);
    assert_string_equal(c.units[0].vars[0], "region=north");
    assert_string_equal(c.units[0].vars[1], "size=3");
    assert_string_equal(c.units[0].vars[2], "zones=[\"a\",\"b\"]");
    assert_string_equal(c.units[0].backend_config[0], "bucket=states");
    assert_string_equal(c.units[0].state, "infra/terraform.tfstate");
    assert_string_equal(pb_str(pb_walk(c.units[0].providers, "example.region")), "north");
    assert_string_equal(c.units[0].ignore[0].path, "tags");
    assert_int_equal(c.units[0].ignore[0].line, 13);
    assert_string_equal(c.units[1].path, "");
    assert_string_equal(c.units[1].workspace, "default");
    assert_string_equal(c.ignore[0].address, "module.legacy");
    assert_string_equal(c.packs[0], "observers");
    assert_int_equal(c.observe.concurrency, 4);
    assert_int_equal(c.observe.timeout, 90000);
    assert_int_equal(c.cache.data_source_ttl, 7200000);
    assert_int_equal(c.check.memory, 8192);
    assert_int_equal(c.check.disk, 64);
    assert_int_equal(c.check.processes, 32768);
    assert_int_equal(c.check.timeout, 3600000);
    assert_string_equal(c.fail_on[1], "missing");
    assert_ptr_equal(pb_config_unit_find(&c, "top"), &c.units[1]);
    assert_null(pb_config_unit_find(&c, "none"));
}

static void config__defaults(void **state)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    struct pb_config c;

    (void)state;
    assert_int_equal(parse(&c, a, "version: 1\nunits:\n", NULL), 0);
    assert_int_equal(c.nunits, 0);
    assert_int_equal(c.cache.data_source_ttl, 900000);
    assert_null(c.fail_on);
}

static void config__messages(void **state)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"version: 1\nunits:\n  - name: prod\n    path: .\n    ingore: []\n",
         "plumb.yaml:5: unknown key 'ingore' in unit 'prod'; did you mean 'ignore'?"},
        {"version: 1\nzzzzzz: 1\n",
         "plumb.yaml:2: unknown key 'zzzzzz'; there is: version, units, ignore, packs, observe, "
         "cache, gate, check, ledger, fail_on"},
        {"units: []\n", "plumb.yaml:1: 'version' is missing: write 'version: 1'"},
        {"version: 2\n", "plumb.yaml:1: 'version' is 2: it must be 1, nothing else than 1"},
        {"version: '1'\n", "plumb.yaml:1: 'version' must be a whole number, not a string"},
        {"version: 1\nunits: {}\n", "plumb.yaml:2: 'units' must be a list of maps, not a map"},
        {"version: 1\nunits:\n  - prod\n",
         "plumb.yaml:3: 'units' must be a list of maps, not a string"},
        {"version: 1\nunits:\n  - name: a\n", "plumb.yaml:3: 'path' is missing in unit 'a'"},
        {"version: 1\nunits:\n  - path: a\n", "plumb.yaml:3: 'name' is missing in unit 1"},
        {"version: 1\nunits:\n  - {name: a, path: ../b}\n",
         "plumb.yaml:3: 'path' in unit 'a' leaves the repository: '../b'"},
        {"version: 1\nunits:\n  - {name: a, path: /b}\n",
         "plumb.yaml:3: 'path' in unit 'a' leaves the repository: '/b'"},
        {"version: 1\nunits:\n  - {name: a, path: b, workspace: ../../b}\n",
         "plumb.yaml:3: 'workspace' in unit 'a' is '../../b', which no Terraform workspace is "
         "called: write what 'terraform workspace list' shows"},
        {"version: 1\nunits:\n  - {name: a, path: b, workspace: ..}\n",
         "plumb.yaml:3: 'workspace' in unit 'a' is '..', which no Terraform workspace is "
         "called: write what 'terraform workspace list' shows"},
        {"version: 1\nunits:\n  - {name: a b, path: b}\n",
         "plumb.yaml:3: 'name' in unit 'a b' is 'a b': use letters, digits, '.', '_', '/' and '-'"},
        {"version: 1\nunits:\n  - {name: a, path: b}\n  - {name: a, path: c}\n",
         "plumb.yaml:4: there are two units 'a': names must differ"},
        {"version: 1\nunits:\n  - {name: a, path: b, engine: terrafrom}\n",
         "plumb.yaml:3: 'engine' in unit 'a' cannot be 'terrafrom'; did you mean 'terraform'?"},
        {"version: 1\nobserve:\n  timeout: 5\n",
         "plumb.yaml:3: 'timeout' in 'observe' must be a time such as 90s, 15m, 24h or 7d, not a "
         "number"},
        {"version: 1\nobserve:\n  timeout: 5y\n",
         "plumb.yaml:3: 'timeout' in 'observe' is '5y': it must be a time such as 90s, 15m, 24h or "
         "7d"},
        {"version: 1\nobserve:\n  concurrency: 0\n",
         "plumb.yaml:3: 'concurrency' in 'observe' is 0: it must be 1 to 512"},
        {"version: 1\ncheck:\n  trust: {signed: maybe}\n",
         "plumb.yaml:3: 'signed' in 'trust' must be true or false, not a string"},
        {"version: 1\ncheck: {disk: 63}\n",
         "plumb.yaml:2: 'disk' in 'check' is 63: it must be 64 to 1048576"},
        {"version: 1\ncheck:\n  network:\n    - example.com\n    - \"*.com\"\n",
         "plumb.yaml:5: 'network' in 'check': '*.com' is no address to allow: write HOST, "
         "HOST:PORT, *.SUFFIX or *.SUFFIX:PORT, with a suffix of two labels or more; addresses in "
         "numbers are IPv4"},
        {"version: 1\ncheck: {processes: 15}\n",
         "plumb.yaml:2: 'processes' in 'check' is 15: it must be 16 to 32768"},
        {"version: 1\ncheck: {processes: 1.5}\n",
         "plumb.yaml:2: 'processes' in 'check' must be a whole number, not a number"},
        {"version: 1\nfail_on: [drift]\n",
         "plumb.yaml:2: 'fail_on' cannot be 'drift'; did you mean 'drifted'?"},
        {"version: 1\nignore:\n  - {adress: a}\n",
         "plumb.yaml:3: unknown key 'adress' in ignore rule 1; did you mean 'address'?"},
        {"version: 1\nunits:\n  - name: a\n    path: b\n    ignore:\n      - {paht: x}\n",
         "plumb.yaml:6: unknown key 'paht' in ignore rule 1 of unit 'a'; did you mean 'path'?"},
        {"- a\n", "plumb.yaml:1: a map is expected: start with 'version: 1'"},
    };

    (void)state;
    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
        struct pb_err err = PB_ERR_INIT;
        struct pb_config c;

        assert_int_equal(parse(&c, a, rows[i].text, &err), -1);
        assert_string_equal(err.msg, rows[i].message);
        assert_int_equal(err.cls, PB_E_CONFIG);
    }
}

/* What --fail-on and fail_on take is what can be the verdict of a resource and is not fine. */
static void config__fail_on_knows_every_verdict(void **state)
{
    const struct pb_param *p = pb_params;
    size_t n = 0;

    (void)state;
    while (p->name && strcmp(p->name, "fail_on") != 0)
        p++;
    assert_non_null(p->values);
    for (; p->values[n]; n++) {
        enum pb_verdict v;

        assert_int_equal(pb_verdict_parse(&v, p->values[n]), 0);
        assert_true(pb_verdicts[v].for_resource);
    }
    for (size_t i = 0; i < PB_NVERDICTS; i++) {
        bool listed = false;

        for (size_t k = 0; k < n; k++)
            listed |= strcmp(p->values[k], pb_verdicts[i].name) == 0;
        if (pb_verdicts[i].effect == PB_EFFECT_DIFFERENCE)
            assert_true(listed);
    }
}

static const struct pb_param *param(const struct pb_param *p, const char *name)
{
    while (p->name && strcmp(p->name, name) != 0)
        p++;
    assert_non_null(p->name);
    return p;
}

static void config__gate_knows_every_cause(void **state)
{
    const struct pb_param *rules = param(param(pb_params, "gate")->fields, "rules")->fields;
    const struct pb_param *p = param(rules, "cause");
    enum pb_gate_decision d;
    enum pb_cause c;
    size_t n = 0;

    (void)state;
    for (; p->values[n]; n++)
        assert_int_equal(pb_cause_parse(&c, p->values[n]), 0);
    assert_int_equal(n, PB_NCAUSES);
    p = param(rules, "decide");
    for (n = 0; p->values[n]; n++)
        assert_int_equal(pb_gate_decision_parse(&d, p->values[n]), 0);
    assert_int_equal(n, 3);
    p = param(rules, "action");
    for (n = 0; p->values[n]; n++) {
        bool known = false;

        for (int i = 0; i <= PB_ACT_UNKNOWN; i++)
            known |= strcmp(pb_action_name((enum pb_action)i), p->values[n]) == 0;
        assert_true(known);
    }
}

static void config__schema_file_is_the_table(void **state)
{
    PB_AUTO(buf) struct pb_buf want = PB_BUF_INIT, have = PB_BUF_INIT;
    struct pb_err err = PB_ERR_INIT;

    (void)state;
    pb_config_add_schema(&want);
    assert_int_equal(pb_fs_read(&have, "schemas/config.schema.json", 1 << 20, &err), 0);
    /* Differs? build/plumb init --schema > schemas/config.schema.json */
    assert_string_equal(have.s, want.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config__every_key_is_read),
        cmocka_unit_test(config__defaults),
        cmocka_unit_test(config__messages),
        cmocka_unit_test(config__fail_on_knows_every_verdict),
        cmocka_unit_test(config__gate_knows_every_cause),
        cmocka_unit_test(config__schema_file_is_the_table),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
