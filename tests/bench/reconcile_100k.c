/*
 * A state of 100,000 resources as JSON text (about 140 MB): read, build the three sides,
 * reconcile. Prints seconds and peak memory.
 *
 *	reconcile_100k [--check] [N]
 *
 * --check fails beyond what DESIGN promises for one machine: 10 seconds, 700 MiB.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "model/json.h"
#include "model/path.h"
#include "reconcile/reconcile.h"

enum { SECONDS_MAX = 10, MIB_MAX = 700 };

static const char schema_text[] =
    "{\"version\":1,\"block\":{\"attributes\":{"
    "\"id\":{\"type\":\"string\",\"optional\":true,\"computed\":true},"
    "\"arn\":{\"type\":\"string\",\"computed\":true},"
    "\"name\":{\"type\":\"string\",\"required\":true},"
    "\"kind\":{\"type\":\"string\",\"optional\":true},"
    "\"zone\":{\"type\":\"string\",\"optional\":true,\"computed\":true},"
    "\"size\":{\"type\":\"number\",\"optional\":true},"
    "\"policy\":{\"type\":\"string\",\"optional\":true},"
    "\"groups\":{\"type\":[\"set\",\"string\"],\"optional\":true},"
    "\"tags\":{\"type\":[\"map\",\"string\"],\"optional\":true},"
    "\"tags_all\":{\"type\":[\"map\",\"string\"],\"optional\":true,\"computed\":true}},"
    "\"block_types\":{\"disk\":{\"nesting_mode\":\"list\",\"block\":{\"attributes\":{"
    "\"size\":{\"type\":\"number\",\"optional\":true},"
    "\"type\":{\"type\":\"string\",\"optional\":true}}}}}}}";

/* Each side spells the same things its own way: sets and policies in another order. */
static void add_resource(struct pb_buf *b, size_t i, bool other_order)
{
    static const char *const policies[] = {
        "{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\","
        "\\\"Action\\\":[\\\"queue:Send\\\",\\\"queue:Receive\\\"],\\\"Resource\\\":\\\"*\\\"}]}",
        "{\\\"Statement\\\":{\\\"Action\\\":[\\\"queue:Receive\\\",\\\"queue:Send\\\"],"
        "\\\"Effect\\\":\\\"Allow\\\",\\\"Resource\\\":[\\\"*\\\"]},"
        "\\\"Version\\\":\\\"2012-10-17\\\"}"};

    pb_buf_addf(b,
                "{\"id\":\"i-%012zx\",\"arn\":\"arn:cloud:compute:zone-1:123456789012:instance/"
                "i-%012zx\",\"name\":\"web-%zu\",\"kind\":\"m5.large\",\"zone\":\"zone-1%c\","
                "\"size\":%zu,\"policy\":\"%s\",",
                i, i, i, (int)('a' + i % 3), i % 64, policies[other_order]);
    pb_buf_addf(b,
                other_order ? "\"groups\":[\"g-%zu\",\"g-%zu\",\"g-shared\"],"
                            : "\"groups\":[\"g-shared\",\"g-%zu\",\"g-%zu\"],",
                other_order ? i % 100 + 1000 : i % 200, other_order ? i % 200 : i % 100 + 1000);
    pb_buf_addf(b, "\"disk\":[{\"size\":%zu,\"type\":\"gp3\"},{\"size\":100,\"type\":\"gp3\"}],",
                8 + i % 32);
    for (int all = 0; all < 2; all++) {
        pb_buf_addf(b, "\"tags%s\":{", all ? "_all" : "");
        for (size_t t = 0; t < 8; t++)
            pb_buf_addf(b, "\"example.org/key-%zu\":\"value-%zu\",", t, (i + t) % 500);
        pb_buf_addf(b, "\"name\":\"web-%zu\"}%s", i, all ? "," : ",");
    }
    /* What an observer maps and a configuration says is never all there is. */
    for (size_t t = 0; t < 12; t++)
        pb_buf_addf(b, "\"setting_%zu\":%s,", t, t % 3 ? "null" : "\"default\"");
    pb_buf_adds(b, "\"timeouts\":null}");
}

static void make_state(struct pb_buf *b, size_t n)
{
    pb_buf_adds(b, "{\"version\":4,\"serial\":1,\"lineage\":\"x\",\"resources\":[");
    for (size_t i = 0; i < n; i++) {
        pb_buf_addf(b,
                    "%s{\"mode\":\"managed\",\"type\":\"cloud_instance\",\"name\":\"web%zu\","
                    "\"provider\":\"provider[\\\"registry.terraform.io/example/cloud\\\"]\","
                    "\"instances\":[{\"schema_version\":1,\"attributes\":",
                    i ? "," : "", i);
        add_resource(b, i, false);
        pb_buf_adds(b, ",\"sensitive_attributes\":[],\"dependencies\":[\"cloud_network.main\"]}]}");
    }
    pb_buf_adds(b, "]}");
}

struct sides {
    struct pb_declared *d;
    struct pb_recorded *r;
    struct pb_live *l;
};

static int by_address(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const struct pb_value *parse(struct pb_arena *a, const struct pb_buf *b, const char *what)
{
    const struct pb_value *v;
    struct pb_err err = PB_ERR_INIT;

    if (pb_json_parse(&v, a, b->s, b->len, what, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
    return v;
}

/* Time that went into writing test data, which is not to be counted. */
static int64_t making;

static int64_t clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The live side is parsed resource by resource, as replies are; every hundredth drifted. */
static const struct pb_value *live_of(struct pb_arena *a, size_t i)
{
    struct pb_buf b = PB_BUF_INIT;
    const struct pb_value *v;
    struct pb_value changed;

    making -= clock_ns();
    add_resource(&b, i, true);
    making += clock_ns();
    v = parse(a, &b, "a reply");
    pb_buf_release(&b);
    if (i % 100 == 0) {
        struct pb_map_builder m = PB_BUILDER_INIT;
        for (size_t k = 0; k < v->n; k++)
            pb_map_add(&m, v->members[k].key, v->members[k].value);
        pb_map_add(&m, "kind", pb_mk_string(a, "m5.xlarge"));
        changed = pb_map_done(&m, a);
        v = pb_box(a, changed);
    }
    return v;
}

static void build(struct sides *s, struct pb_arena *a, const struct pb_value *state, size_t n)
{
    const struct pb_value *resources = pb_get(state, "resources");
    static const struct pb_value yes = {.kind = PB_BOOL, .b = true};
    struct pb_map_builder conf = PB_BUILDER_INIT;
    const struct pb_value *configured;

    pb_map_add(&conf, "disk", yes);
    configured = pb_box(a, pb_map_done(&conf, a));
    s->d = pb_arena_zalloc(a, n * sizeof(*s->d));
    s->r = pb_arena_zalloc(a, n * sizeof(*s->r));
    s->l = pb_arena_zalloc(a, n * sizeof(*s->l));
    for (size_t i = 0; i < n; i++) {
        const struct pb_value *res = pb_at(resources, i);
        const struct pb_value *attrs = pb_walk(res, "instances[0].attributes");
        struct pb_buf addr = PB_BUF_INIT;
        const char *address;
        pb_addr_build(&addr, NULL, "managed", "cloud_instance", pb_get_str(res, "name"), NULL);
        address = pb_arena_strdup(a, addr.s);
        pb_buf_release(&addr);
        s->r[i] = (struct pb_recorded){.address = address,
                                       .type = "cloud_instance",
                                       .id = pb_get_str(attrs, "id"),
                                       .attributes = attrs,
                                       .schema_version = 1};
        s->d[i] = (struct pb_declared){.address = address,
                                       .type = "cloud_instance",
                                       .configured = configured,
                                       .planned = pb_box(a, pb_value_copy(a, attrs))};
        s->l[i] = (struct pb_live){.address = address,
                                   .observer = "bench",
                                   .presence = PB_P_KNOWN,
                                   .attributes = live_of(a, i)};
    }
    qsort(s->d, n, sizeof(*s->d), by_address);
    qsort(s->r, n, sizeof(*s->r), by_address);
    qsort(s->l, n, sizeof(*s->l), by_address);
}

static long peak_mib(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss / 1024;
}

int main(int argc, char **argv)
{
    bool check = argc > 1 && strcmp(argv[1], "--check") == 0;
    size_t n = argc > 1 + check ? strtoul(argv[1 + check], NULL, 10) : 100000;
    struct pb_arena *a = pb_arena_new();
    struct pb_buf text = PB_BUF_INIT, st = PB_BUF_INIT;
    const struct pb_schema *schema = NULL;
    const struct pb_value *state;
    struct pb_reconcile_out out;
    struct sides s;
    int64_t t0, t1, t2, t3;
    double seconds;

    make_state(&text, n);
    pb_buf_adds(&st, schema_text);
    if (pb_schema_from_json(&schema, a, "cloud_instance", parse(a, &st, "schema"), NULL))
        return 1;
    printf("%zu resources, %.0f MB of state\n", n, (double)text.len / 1e6);
    t0 = pb_clock_ms();
    state = parse(a, &text, "the state");
    t1 = pb_clock_ms();
    printf("parsed      %6.2f s  %4zu MiB in the arena, peak %ld MiB\n", (double)(t1 - t0) / 1e3,
           pb_arena_bytes(a) >> 20, peak_mib());
    pb_buf_release(&text);
    build(&s, a, state, n);
    t2 = pb_clock_ms();
    t0 += making / 1000000;
    t1 += making / 1000000;
    printf("three sides %6.2f s  %4zu MiB in the arena\n", (double)(t2 - t1) / 1e3,
           pb_arena_bytes(a) >> 20);
    {
        const struct pb_schema_set schemas = {.v = &schema, .n = 1};
        const struct pb_declared_set d = {.v = s.d, .n = n, .complete = true};
        const struct pb_recorded_set r = {.v = s.r, .n = n};
        const struct pb_live_set l = {.v = s.l, .n = n};
        const struct pb_reconcile_in in = {
            .declared = &d, .recorded = &r, .live = &l, .schemas = &schemas};
        pb_reconcile(&out, a, &in);
    }
    t3 = pb_clock_ms();
    seconds = (double)(t3 - t0) / 1e3;
    printf("reconciled  %6.2f s  %zu attributes, %zu drifted, %zu in sync\n",
           (double)(t3 - t2) / 1e3, out.coverage.attributes_total, out.by_verdict[PB_DRIFTED],
           out.by_verdict[PB_IN_SYNC]);
    printf("together    %6.2f s  peak %ld MiB  %.2f s of CPU with making the state\n", seconds,
           peak_mib(), (double)clock() / CLOCKS_PER_SEC);
    if (out.by_verdict[PB_DRIFTED] != (n + 99) / 100) {
        fprintf(stderr, "wrong answer\n");
        return 1;
    }
    pb_arena_free(a);
    pb_buf_release(&st);
    if (check && (seconds > SECONDS_MAX || peak_mib() > MIB_MAX)) {
        fprintf(stderr, "beyond %d s or %d MiB\n", SECONDS_MAX, MIB_MAX);
        return 1;
    }
    return 0;
}
