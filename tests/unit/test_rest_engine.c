/* A whole run of the observer, answered from a table: fixtures/packs/acme. */
#include <stdlib.h>

#include "model/json.h"
#include "tests/support/fake_http.h"
#include "tests/support/values.h"

#define KEY "provider[\"registry.terraform.io/example/acme\"]"
#define WHOAMI                                                      \
    {                                                               \
        "/v1/whoami", 200, NULL, "{\"account\":{\"id\":\"42\"}}", 0 \
    }
#define NOTES                                          \
    {                                                  \
        "/notes?page=", 200, NULL, "{\"notes\":[]}", 0 \
    }

struct given {
    struct pb_arena *a;
    struct fake_http http;
    struct pb_recorded rec[8];
    size_t n;
    struct pb_live live[8];
    const char *block; /* of the provider, JSON */
};

static void add(struct given *g, const char *type, const char *attributes)
{
    const struct pb_value *v = json(g->a, attributes);
    g->rec[g->n] = (struct pb_recorded){
        .address = pb_arena_printf(g->a, "%s.x%zu", type, g->n),
        .type = type,
        .provider = KEY,
        .id = pb_get_str(v, "id"),
        .attributes = v,
    };
    g->n++;
}

static void start(struct given *g, const struct fake_reply *rows, size_t n)
{
    *g = (struct given){.a = pb_arena_new(), .block = "{}"};
    fake_http_init(&g->http, rows, n);
    setenv("ACME_TOKEN", "t", 1);
}

static void observe(struct given *g)
{
    const struct pb_recorded *ptrs[8];
    struct pb_err err = PB_ERR_INIT;
    struct pb_rest_transport t = fake_http_transport(&g->http);
    struct pb_provider_config config = {
        .key = KEY, .source = "registry.terraform.io/example/acme", .values = json(g->a, g->block)};
    for (size_t i = 0; i < g->n; i++)
        ptrs[i] = &g->rec[i];
    struct pb_recorded_set all = {.v = g->rec, .n = g->n};
    struct pb_observe_request rq = {.resources = ptrs,
                                    .recorded = &all,
                                    .n = g->n,
                                    .providers = &config,
                                    .nproviders = 1,
                                    .pack_dirs = "fixtures/packs"};
    if (pb_rest_observe(g->live, NULL, g->a, &rq, &t, &err) == -1)
        fail_msg("%s", err.msg);
}

static void end(struct given *g)
{
    fake_http_release(&g->http);
    pb_arena_free(g->a);
}

static void expect(struct given *g, size_t i, enum pb_presence p, const char *reason)
{
    const char *got = g->live[i].reason;
    if (g->live[i].presence != p || (reason ? !got || !strstr(got, reason) : got != NULL))
        fail_msg("%s: presence %d, reason %s", g->live[i].address, g->live[i].presence,
                 got ? got : "none");
}

#define ORDER1                                                                    \
    "{\"id\":\"o-1\",\"customer\":\"c\",\"total_cents\":250,\"status\":\"open\"," \
    "\"has_secret\":true,\"address\":{\"city\":\"Ghent\",\"zip\":9000},"          \
    "\"lines\":[{\"sku\":\"a\",\"amount\":1},{\"sku\":\"b\",\"amount\":0}],"      \
    "\"labels\":{\"acme:x\":\"1\",\"env\":\"prod\",\"own\":\"1\"}}"

static void engine__one_object(void **state)
{
    static const struct fake_reply rows[] = {
        {"/v1/orders/o-1/notes?page=1", 200, NULL, "{\"notes\":[{\"text\":\"n1\"}]}", 0},
        {"/v1/orders/o-1/notes?page=2", 200, NULL, "{\"notes\":[{\"text\":\"n2\"}]}", 0},
        {"/v1/orders/o-1/notes?page=3", 200, NULL, "{\"notes\":[]}", 0},
        {"/v1/orders/o-1/secret", 200, NULL, "{\"secret\":{\"token\":\"hush\"}}", 0},
        {"/v1/orders/o-1", 200, NULL, "{\"order\":" ORDER1 "}", 0},
    };
    struct given g;
    (void)state;
    start(&g, rows, PB_COUNT(rows));
    g.block = "{\"url\":\"https://orders.test\",\"default_tags\":{\"env\":\"prod\"}}";
    add(&g, "acme_order", "{\"id\":\"o-1\"}");
    observe(&g);
    expect(&g, 0, PB_P_KNOWN, NULL);
    assert_string_equal(
        json_text(g.a, g.live[0].attributes),
        "{\"address\":[{\"city\":\"Ghent\",\"zip\":\"9000\"}],\"customer\":\"c\",\"id\":\"o-1\","
        "\"line\":[{\"amount\":1,\"sku\":\"a\"}],\"notes\":[\"n1\",\"n2\"],\"open\":true,"
        "\"tags\":{\"own\":\"1\"},\"tags_all\":{\"env\":\"prod\",\"own\":\"1\"},"
        "\"token\":\"hush\",\"total\":2.5}");
    assert_true(pb_get(g.live[0].attributes, "token")->flags & PB_V_SENSITIVE);
    assert_false(pb_get(g.live[0].attributes, "customer")->flags & PB_V_SENSITIVE);
    assert_int_equal(g.http.n, 5);
    assert_int_equal(fake_http_count(&g.http, "https://orders.test/"), 5);
    end(&g);
}

static void engine__a_failed_step_is_unknown_and_one_not_sent_left_out(void **state)
{
    static const struct fake_reply rows[] = {
        {"/notes?page=", 403, NULL,
         "{\"error\":{\"code\":\"forbidden\",\"message\":\"no notes for you\"}}", 0},
        {"/v1/orders/o-1", 200, NULL, "{\"order\":{\"id\":\"o-1\",\"has_secret\":false}}", 0},
    };
    struct given g;
    (void)state;
    start(&g, rows, PB_COUNT(rows));
    add(&g, "acme_order", "{\"id\":\"o-1\"}");
    observe(&g);
    expect(&g, 0, PB_P_KNOWN, NULL);
    const struct pb_value *notes = pb_get(g.live[0].attributes, "notes");
    assert_true(pb_is(notes, PB_UNKNOWN));
    assert_string_equal(notes->s,
                        "403 forbidden from orders GET /v1/orders/o-1/notes: no notes for "
                        "you; allow these credentials orders GET /v1/orders/o-1/notes");
    assert_null(pb_get(g.live[0].attributes, "token"));
    assert_true(pb_is(pb_get(g.live[0].attributes, "customer"), PB_NULL));
    end(&g);
}

static void engine__many_are_listed_once_and_shared(void **state)
{
    static const struct fake_reply rows[] = {
        {"/v1/orders?limit=100&cursor=p2", 200, NULL,
         "{\"orders\":[{\"id\":\"o-3\",\"customer\":\"c3\"}]}", 0},
        {"/v1/orders?limit=100", 200, NULL,
         "{\"orders\":[{\"id\":\"o-1\",\"customer\":\"c1\"},{\"id\":\"o-2\"}],"
         "\"next_cursor\":\"p2\"}",
         0},
        NOTES,
    };
    struct given g;
    (void)state;
    start(&g, rows, PB_COUNT(rows));
    add(&g, "acme_order", "{\"id\":\"o-1\"}");
    add(&g, "acme_order", "{\"id\":\"o-2\"}");
    add(&g, "acme_order", "{\"id\":\"o-3\"}");
    observe(&g);
    expect(&g, 0, PB_P_KNOWN, NULL);
    expect(&g, 2, PB_P_KNOWN, NULL);
    assert_string_equal(pb_get_str(g.live[2].attributes, "customer"), "c3");
    assert_int_equal(fake_http_count(&g.http, "/v1/orders?"), 2);
    end(&g);
}

static const struct {
    const char *why;
    struct fake_reply order, whoami;
    enum pb_presence presence;
    const char *reason;
} fault_rows[] = {
    {"the API's own code",
     {"/v1/orders/", 404, NULL, "{\"error\":{\"code\":\"order_not_found\"}}", 0},
     WHOAMI,
     PB_P_ABSENT,
     "says order_not_found"},
    {"the same, without a canary",
     {"/v1/orders/", 404, NULL, "{\"error\":{\"code\":\"order_not_found\"}}", 0},
     {"/v1/whoami", 500, NULL, "{\"error\":{\"code\":\"oops\"}}", 0},
     PB_P_UNKNOWN,
     "nothing shows that the credentials work: 500 oops from orders GET /v1/whoami"},
    {"a bare 404",
     {"/v1/orders/", 404, NULL, "{}", 0},
     WHOAMI,
     PB_P_UNKNOWN,
     "404 from orders GET /v1/orders/o-1"},
    {"another code",
     {"/v1/orders/", 404, NULL, "{\"error\":{\"code\":\"no_route\"}}", 0},
     WHOAMI,
     PB_P_UNKNOWN,
     "404 no_route from orders"},
    {"the code as HTML",
     {"/v1/orders/", 404, "text/html", "order_not_found", 0},
     WHOAMI,
     PB_P_UNKNOWN,
     "404 from orders GET /v1/orders/o-1, without an error code: the body is text/html"},
    {"the code as JSON that calls itself HTML",
     {"/v1/orders/", 404, "text/html", "{\"error\":{\"code\":\"order_not_found\"}}", 0},
     WHOAMI,
     PB_P_UNKNOWN,
     "404 from orders GET /v1/orders/o-1, without an error code: the body is text/html"},
    {"no permission",
     {"/v1/orders/", 403, NULL, "{\"error\":{\"code\":\"forbidden\"}}", 0},
     WHOAMI,
     PB_P_UNKNOWN,
     "403 forbidden"},
    {"throttled",
     {"/v1/orders/", 429, NULL, "{\"error\":{\"code\":\"slow_down\"}}", 0},
     WHOAMI,
     PB_P_UNKNOWN,
     "429 slow_down"},
    {"broken", {"/v1/orders/", 500, "text/plain", "oops", 0}, WHOAMI, PB_P_UNKNOWN, "500 from"},
    {"nothing",
     {"/v1/orders/", 0, NULL, "connection reset", 0},
     WHOAMI,
     PB_P_UNKNOWN,
     "no reply from orders GET /v1/orders/o-1: connection reset (4 tries)"},
    {"truncated",
     {"/v1/orders/", 200, NULL, "{\"order\":{\"id\":", 0},
     WHOAMI,
     PB_P_UNKNOWN,
     "the reply of 'orders GET /v1/orders/o-1'"},
    {"empty", {"/v1/orders/", 200, NULL, "", 0}, WHOAMI, PB_P_UNKNOWN, "the reply of"},
    {"without the object",
     {"/v1/orders/", 200, NULL, "{}", 0},
     WHOAMI,
     PB_P_UNKNOWN,
     "has no 'order'"},
    {"wrong type",
     {"/v1/orders/", 200, "text/html", "<html>log in</html>", 0},
     WHOAMI,
     PB_P_UNKNOWN,
     "is an HTML page, expected JSON"},
    {"wrong type, and a string",
     {"/v1/orders/", 200, "text/html", "\"log in\"", 0},
     WHOAMI,
     PB_P_UNKNOWN,
     "is JSON, and no object"},
    {"a redirect", {"/v1/orders/", 302, NULL, "", 0}, WHOAMI, PB_P_UNKNOWN, "a redirect"},
    {"deleted, but shown",
     {"/v1/orders/", 200, NULL, "{\"order\":{\"id\":\"o-1\",\"status\":\"deleted\"}}", 0},
     WHOAMI,
     PB_P_ABSENT,
     "says status | eq deleted"},
};

/* What an API can answer for an object, and what may be said then. Never absent but for the
 * API's own code, with working credentials. */
static void engine__faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < PB_COUNT(fault_rows); i++) {
        struct fake_reply table[] = {NOTES, fault_rows[i].order, fault_rows[i].whoami};
        struct given g;
        start(&g, table, PB_COUNT(table));
        add(&g, "acme_order", "{\"id\":\"o-1\"}");
        observe(&g);
        if (g.live[0].presence != fault_rows[i].presence || !g.live[0].reason ||
            !strstr(g.live[0].reason, fault_rows[i].reason))
            fail_msg("%s: presence %d, %s", fault_rows[i].why, g.live[0].presence,
                     g.live[0].reason);
        bool garbled = strstr(fault_rows[i].why, "wrong type") || strstr(fault_rows[i].why, "HTML");
        if (garbled && !g.live[0].garbled)
            fail_msg("%s: not garbled", fault_rows[i].why);
        if (strstr(fault_rows[i].why, "the API's own") && g.live[0].garbled)
            fail_msg("%s: %s", fault_rows[i].why, g.live[0].garbled);
        end(&g);
    }
}

/* A refusal may be about one of many: each is then asked for alone. */
static void engine__a_refused_batch_is_asked_for_one_by_one(void **state)
{
    static const struct fake_reply rows[] = {
        {"\"names\":[\"b\"]", 200, NULL, "{\"records\":[{\"name\":\"b\",\"ttl\":7}]}", 0},
        {"/v1/zones/z/records:get", 400, NULL, "{\"error\":{\"code\":\"bad_name\"}}", 0},
    };
    struct given g;
    (void)state;
    start(&g, rows, PB_COUNT(rows));
    add(&g, "acme_record", "{\"id\":\"1\",\"zone\":\"z\",\"name\":\"a\"}");
    add(&g, "acme_record", "{\"id\":\"2\",\"zone\":\"z\",\"name\":\"b\"}");
    observe(&g);
    expect(&g, 0, PB_P_UNKNOWN, "400 bad_name");
    expect(&g, 1, PB_P_KNOWN, NULL);
    assert_int_equal(g.http.n, 3);
    end(&g);
}

/* Permissions are given for an operation: who may not list may yet ask for one. */
static void engine__who_may_not_list_may_ask_for_one(void **state)
{
    static const struct fake_reply rows[] = {
        {"\"Id\":\"a\"", 200, "application/x-amz-json-1.1", "{\"Grant\":{\"Level\":\"high\"}}", 0},
        {"/grants", 400, "application/x-amz-json-1.1", "{\"__type\":\"x#AccessDenied\"}", 0},
    };
    struct given g;
    (void)state;
    start(&g, rows, PB_COUNT(rows));
    add(&g, "acme_grant", "{\"id\":\"a\"}");
    add(&g, "acme_grant", "{\"id\":\"b\"}");
    observe(&g);
    expect(&g, 0, PB_P_KNOWN, NULL);
    assert_string_equal(pb_get_str(g.live[0].attributes, "level"), "high");
    expect(&g, 1, PB_P_UNKNOWN, "AccessDenied");
    end(&g);
}

/* An operation that returns nothing for anybody may be silent. One alone is believed. */
static void engine__what_nobody_gets_is_in_doubt(void **state)
{
    static const struct fake_reply rows[] = {
        NOTES,
        {"/v1/orders/o-1", 200, NULL, "{\"order\":{\"id\":\"o-1\"}}", 0},
        {"/v1/orders/o-2", 200, NULL, "{\"order\":{\"id\":\"o-2\"}}", 0},
    };
    struct given g;
    (void)state;
    for (size_t n = 1; n <= 2; n++) {
        start(&g, rows, PB_COUNT(rows));
        add(&g, "acme_order", "{\"id\":\"o-1\",\"notes\":[\"n1\"]}");
        if (n == 2)
            add(&g, "acme_order", "{\"id\":\"o-2\",\"notes\":[\"n1\"]}");
        observe(&g);
        const struct pb_value *notes = pb_get(g.live[0].attributes, "notes");
        assert_true(pb_is(notes, n == 1 ? PB_LIST : PB_UNKNOWN));
        if (n == 2)
            assert_non_null(strstr(notes->s, "returned nothing for any object, and 2 should"));
        end(&g);
    }
}

/* What names no account is of the one that its neighbours name, as most of them do. */
static void engine__without_an_arn_it_is_of_its_neighbours_account(void **state)
{
    static const struct fake_reply rows[] = {
        NOTES,
        {"/v1/orders/", 200, NULL, "{\"order\":{\"id\":\"o\"}}", 0},
        {"/v1/teams/t/members/c", 404, NULL, "{\"error\":{\"code\":\"no_member\"}}", 0},
        {"people:get", 200, NULL, "{\"people\":[]}", 0},
        WHOAMI,
    };
    static const struct {
        const char *accounts[3];
        enum pb_presence presence;
        const char *reason;
    } v[] = {
        {{"77", "42", "77"}, PB_P_UNKNOWN, "for account 42, and the record is of 77"},
        {{"42", "77", "42"}, PB_P_ABSENT, "no_member"},
        {{"", "", ""}, PB_P_ABSENT, "no_member"},
    };
    (void)state;
    for (size_t i = 0; i < PB_COUNT(v); i++) {
        struct given g;
        start(&g, rows, PB_COUNT(rows));
        for (size_t k = 0; k < 3; k++)
            add(&g, "acme_order",
                pb_arena_printf(g.a, "{\"id\":\"o-%zu\",\"arn\":\"arn:aws:o::%s:o\"}", k,
                                v[i].accounts[k]));
        add(&g, "acme_membership", "{\"id\":\"1\",\"team\":\"t\",\"person\":\"c\"}");
        observe(&g);
        expect(&g, 3, v[i].presence, v[i].reason);
        end(&g);
    }
}

/* Emulators label some of their replies so. */
static void engine__an_object_is_taken_whatever_its_type_is_called(void **state)
{
    static const struct fake_reply rows[] = {
        NOTES,
        {"/v1/orders/", 200, "text/html", "{\"order\":{\"id\":\"o-1\",\"customer\":\"c\"}}", 0},
        WHOAMI,
    };
    struct given g;
    (void)state;
    start(&g, rows, PB_COUNT(rows));
    add(&g, "acme_order", "{\"id\":\"o-1\"}");
    observe(&g);
    expect(&g, 0, PB_P_KNOWN, NULL);
    assert_string_equal(pb_get_str(g.live[0].attributes, "customer"), "c");
    end(&g);
}

static void engine__not_listed_is_only_a_suspicion(void **state)
{
    static const struct fake_reply rows[] = {
        {"/v1/orders?", 200, NULL, "{\"orders\":[{\"id\":\"o-1\"}]}", 0},
        {"/v1/orders/o-2/notes", 200, NULL, "{\"notes\":[]}", 0},
        NOTES,
        {"/v1/orders/o-2", 200, NULL, "{\"order\":{\"id\":\"o-2\"}}", 0},
        {"/v1/orders/o-3", 404, NULL, "{\"error\":{\"code\":\"order_not_found\"}}", 0},
        {"/v1/orders/o-4", 500, NULL, "{\"error\":{\"code\":\"oops\"}}", 0},
        WHOAMI,
    };
    struct given g;
    (void)state;
    start(&g, rows, PB_COUNT(rows));
    for (int i = 1; i <= 4; i++)
        add(&g, "acme_order", pb_arena_printf(g.a, "{\"id\":\"o-%d\"}", i));
    observe(&g);
    expect(&g, 0, PB_P_KNOWN, NULL);
    expect(&g, 1, PB_P_KNOWN, NULL);
    expect(&g, 2, PB_P_ABSENT, "order_not_found");
    expect(&g, 3, PB_P_UNKNOWN, "500 oops");
    end(&g);
}

static void engine__a_missing_page_hides_what_is_not_on_the_others(void **state)
{
    static const struct fake_reply rows[] = {
        {"cursor=p2", 500, NULL, "{\"error\":{\"code\":\"oops\"}}", 0},
        {"/v1/orders?", 200, NULL, "{\"orders\":[{\"id\":\"o-1\"}],\"next_cursor\":\"p2\"}", 0},
        NOTES,
        {"/v1/orders/", 404, NULL, "{\"error\":{\"code\":\"order_not_found\"}}", 0},
        WHOAMI,
    };
    struct given g;
    (void)state;
    start(&g, rows, PB_COUNT(rows));
    for (int i = 1; i <= 3; i++)
        add(&g, "acme_order", pb_arena_printf(g.a, "{\"id\":\"o-%d\"}", i));
    observe(&g);
    expect(&g, 0, PB_P_KNOWN, NULL);
    expect(&g, 1, PB_P_UNKNOWN, "page 2 is missing: 500 oops");
    end(&g);
}

static void engine__batches_and_unlisted(void **state)
{
    static const struct fake_reply rows[] = {
        {"records:get {\"kind\":\"all\",\"names\":[\"a\",\"b\"]}", 200, NULL,
         "{\"records\":[{\"name\":\"A.\",\"ttl\":60,\"values\":[\"2\",\"1\"]},{\"name\":\"b\"}]}",
         0},
        {"records:get {\"kind\":\"all\",\"names\":[\"c\"]}", 200, NULL, "{\"records\":[]}", 0},
        {"GET https://api.acme.example/v1/zones/z%2F1/records", 200, NULL,
         "{\"records\":[{\"name\":\"a\"},{\"name\":\"b\"}]}", 0},
        WHOAMI,
    };
    struct given g;
    (void)state;
    start(&g, rows, PB_COUNT(rows));
    add(&g, "acme_record", "{\"id\":\"1\",\"zone\":\"z/1\",\"name\":\"A\"}");
    add(&g, "acme_record", "{\"id\":\"2\",\"zone\":\"z/1\",\"name\":\"b\"}");
    add(&g, "acme_record", "{\"id\":\"3\",\"zone\":\"z/1\",\"name\":\"c\"}");
    observe(&g);
    expect(&g, 0, PB_P_KNOWN, NULL);
    assert_string_equal(json_text(g.a, g.live[0].attributes),
                        "{\"name\":\"a\",\"ttl\":60,\"values\":[\"1\",\"2\"],\"zone\":\"z/1\"}");
    expect(&g, 1, PB_P_KNOWN, NULL);
    expect(&g, 2, PB_P_ABSENT, "which have others");
    assert_int_equal(fake_http_count(&g.http, "records:get"), 2);
    end(&g);
}

#define TEAMS(members)                                                          \
    {                                                                           \
        "GET https://api.acme.example/v1/teams", 200, NULL,                     \
            "{\"teams\":[{\"name\":\"t\",\"members\":[" members "]},"           \
            "{\"name\":\"u\",\"members\":{\"person\":\"d\",\"role\":\"x\"}}]}", \
            0                                                                   \
    }

/* A batch need not be one of two ways; and an object may stand inside of what is listed. */
static void engine__a_batch_of_its_own_and_lists_in_lists(void **state)
{
    static const struct fake_reply rows[] = {
        {"/v1/teams/t/members/c", 404, NULL, "{\"error\":{\"code\":\"no_member\"}}", 0},
        {"people:get {\"names\":[\"a\",\"b\",\"c\",\"d\"]}", 200, NULL,
         "{\"people\":[{\"name\":\"b\",\"city\":\"B\"},{\"name\":\"a\",\"city\":\"A\"},"
         "{\"name\":\"d\",\"city\":\"D\"}]}",
         0},
        TEAMS("{\"person\":\"b\",\"role\":\"2\"},{\"person\":\"a\",\"role\":\"1\"}"),
        WHOAMI,
    };
    static const char *const people[] = {"ta", "tb", "tc", "ud"};
    struct given g;
    (void)state;
    start(&g, rows, PB_COUNT(rows));
    for (size_t i = 0; i < PB_COUNT(people); i++)
        add(&g, "acme_membership",
            pb_arena_printf(g.a, "{\"id\":\"%zu\",\"team\":\"%c\",\"person\":\"%c\"}", i,
                            people[i][0], people[i][1]));
    observe(&g);
    expect(&g, 0, PB_P_KNOWN, NULL);
    assert_string_equal(json_text(g.a, g.live[0].attributes),
                        "{\"city\":\"A\",\"person\":\"a\",\"role\":\"1\",\"team\":\"t\"}");
    expect(&g, 1, PB_P_KNOWN, NULL);
    assert_string_equal(json_text(g.a, g.live[1].attributes),
                        "{\"city\":\"B\",\"person\":\"b\",\"role\":\"2\",\"team\":\"t\"}");
    expect(&g, 2, PB_P_ABSENT, "no_member");
    expect(&g, 3, PB_P_KNOWN, NULL);
    assert_int_equal(fake_http_count(&g.http, "people:get"), 1);
    assert_int_equal(fake_http_count(&g.http, "/v1/teams"), 2);
    end(&g);
}

#define NOBODY(code, status)                                                 \
    {                                                                        \
        "people:get", status, NULL, "{\"error\":{\"code\":\"" code "\"}}", 0 \
    }

/* A refusal of a batch does not say which of its objects it is about. */
static void engine__what_is_refused_for_many_is_said_of_none(void **state)
{
    static const struct fake_reply one[] = {
        {"\"names\":[\"a\"]", 200, NULL, "{\"people\":[{\"name\":\"a\",\"city\":\"A\"}]}", 0},
        NOBODY("no_profile", 404),
        TEAMS("{\"person\":\"b\",\"role\":\"2\"},{\"person\":\"a\",\"role\":\"1\"}"),
        WHOAMI,
    };
    static const struct fake_reply broken[] = {
        NOBODY("no_profile", 404),
        {"GET https://api.acme.example/v1/teams", 500, NULL, "{\"error\":{\"code\":\"no_member\"}}",
         0},
        WHOAMI,
    };
    struct given g;
    (void)state;
    start(&g, one, PB_COUNT(one));
    add(&g, "acme_membership", "{\"id\":\"1\",\"team\":\"t\",\"person\":\"a\"}");
    add(&g, "acme_membership", "{\"id\":\"2\",\"team\":\"t\",\"person\":\"b\"}");
    observe(&g);
    assert_string_equal(pb_get_str(g.live[0].attributes, "city"), "A");
    assert_true(pb_is(pb_get(g.live[1].attributes, "city"), PB_NULL));
    end(&g);
    /* A code of not-found, but for all of a team. */
    start(&g, broken, PB_COUNT(broken));
    add(&g, "acme_membership", "{\"id\":\"1\",\"team\":\"t\",\"person\":\"a\"}");
    add(&g, "acme_membership", "{\"id\":\"2\",\"team\":\"t\",\"person\":\"b\"}");
    observe(&g);
    expect(&g, 0, PB_P_UNKNOWN, "500 no_member");
    expect(&g, 1, PB_P_UNKNOWN, "500 no_member");
    end(&g);
}

#define ROOMS(mine, others, sign)                                                  \
    {                                                                              \
        "GET https://api.acme.example/v1/rooms", 200, NULL,                        \
            "{\"rooms\":[{\"name\":\"r\",\"seats\":[" mine "]" sign "},"           \
            "{\"name\":\"s\",\"sign\":{\"text\":\"S\"},\"seats\":[" others "]}]}", \
            0                                                                      \
    }
#define ROOM                                                           \
    {"/v1/rooms/r/sign", 200, NULL, "{\"sign\":{\"text\":\"R\"}}", 0}, \
        {"/v1/rooms/r/seats", 200, NULL, "{\"seats\":[]}", 0},         \
    {                                                                  \
        "/v1/rooms/r", 200, NULL, "{\"room\":{\"name\":\"r\"}}", 0     \
    }

/* Two operations say that all of a room are gone, and one of them has others elsewhere. */
static void engine__what_two_operations_say_is_no_silence(void **state)
{
    static const struct fake_reply gone[] = {ROOM, ROOMS("", "{\"person\":\"d\"}", ""), WHOAMI};
    static const struct fake_reply mute[] = {ROOM, ROOMS("", "", ""), WHOAMI};
    struct given g;
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        start(&g, k ? mute : gone, PB_COUNT(gone));
        for (size_t i = 0; i < 3; i++)
            add(&g, "acme_seat",
                pb_arena_printf(g.a, "{\"id\":\"%zu\",\"room\":\"r\",\"person\":\"p%zu\"}", i, i));
        observe(&g);
        for (size_t i = 0; i < 3; i++)
            expect(&g, i, k ? PB_P_UNKNOWN : PB_P_ABSENT, k ? "returned nothing" : "two complete");
        end(&g);
    }
}

/* What a listing lacks of an object may be had elsewhere; so may all of it where it fails. */
static void engine__a_listing_that_lacks_or_fails_is_no_answer(void **state)
{
    static const struct fake_reply lacks[] = {
        ROOM, ROOMS("{\"person\":\"p0\"},{\"person\":\"p1\"}", "", ""), WHOAMI};
    static const struct fake_reply fails[] = {
        {"\"Id\":\"a\"", 200, "application/x-amz-json-1.1", "{\"Grant\":{\"Level\":\"high\"}}", 0},
        {"\"Id\":\"b\"", 200, "application/x-amz-json-1.1", "{\"Grant\":{\"Level\":\"low\"}}", 0},
        {"/grants", 500, "application/x-amz-json-1.1", "{\"__type\":\"x#InternalFailure\"}", 0},
    };
    static const struct fake_reply none[] = {
        {"\"Id\":\"a\"", 200, "application/x-amz-json-1.1", "{\"Grant\":{\"Level\":\"high\"}}", 0},
        {"\"Id\":\"b\"", 200, "application/x-amz-json-1.1", "{\"Grant\":{\"Level\":\"low\"}}", 0},
        {"/grants", 200, "application/x-amz-json-1.1", "{\"Other\":1}", 0},
    };
    struct given g;
    (void)state;
    start(&g, lacks, PB_COUNT(lacks));
    for (size_t i = 0; i < 2; i++)
        add(&g, "acme_seat",
            pb_arena_printf(g.a, "{\"id\":\"%zu\",\"room\":\"r\",\"person\":\"p%zu\"}", i, i));
    observe(&g);
    assert_string_equal(pb_get_str(g.live[1].attributes, "sign"), "R");
    end(&g);
    for (size_t k = 0; k < 2; k++) {
        start(&g, k ? none : fails, PB_COUNT(fails));
        add(&g, "acme_grant", "{\"id\":\"a\"}");
        add(&g, "acme_grant", "{\"id\":\"b\"}");
        observe(&g);
        expect(&g, 1, PB_P_KNOWN, NULL);
        assert_string_equal(pb_get_str(g.live[1].attributes, "level"), "low");
        assert_null(g.live[1].garbled);
        end(&g);
    }
}

static void engine__an_empty_list_is_no_proof(void **state)
{
    static const struct fake_reply rows[] = {
        {"/v1/zones/", 200, NULL, "{\"records\":[]}", 0},
        WHOAMI,
    };
    struct given g;
    (void)state;
    start(&g, rows, PB_COUNT(rows));
    add(&g, "acme_record", "{\"id\":\"1\",\"zone\":\"z\",\"name\":\"a\"}");
    observe(&g);
    expect(&g, 0, PB_P_UNKNOWN, "an empty list without saying that the object does not exist");
    end(&g);
}

static void engine__what_cannot_be_asked(void **state)
{
    struct given g;
    (void)state;
    start(&g, NULL, 0);
    add(&g, "acme_order", "{\"customer\":\"no id\"}");
    add(&g, "acme_record", "{\"id\":\"1\",\"name\":\"a\"}");
    add(&g, "acme_unpacked", "{\"id\":\"1\"}");
    add(&g, "acme_order", "{\"id\":\"..\"}");
    observe(&g);
    expect(&g, 0, PB_P_UNKNOWN, "the record has no id");
    expect(&g, 1, PB_P_UNKNOWN, "cannot ask: a part of the path");
    expect(&g, 2, PB_P_UNKNOWN, "no pack covers 'acme_unpacked'");
    expect(&g, 3, PB_P_UNKNOWN, "is no path that can be asked for");
    assert_int_equal(fake_http_count(&g.http, ".."), 0);
    end(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(engine__one_object),
        cmocka_unit_test(engine__a_failed_step_is_unknown_and_one_not_sent_left_out),
        cmocka_unit_test(engine__many_are_listed_once_and_shared),
        cmocka_unit_test(engine__faults),
        cmocka_unit_test(engine__a_refused_batch_is_asked_for_one_by_one),
        cmocka_unit_test(engine__who_may_not_list_may_ask_for_one),
        cmocka_unit_test(engine__what_nobody_gets_is_in_doubt),
        cmocka_unit_test(engine__without_an_arn_it_is_of_its_neighbours_account),
        cmocka_unit_test(engine__an_object_is_taken_whatever_its_type_is_called),
        cmocka_unit_test(engine__not_listed_is_only_a_suspicion),
        cmocka_unit_test(engine__a_missing_page_hides_what_is_not_on_the_others),
        cmocka_unit_test(engine__batches_and_unlisted),
        cmocka_unit_test(engine__a_batch_of_its_own_and_lists_in_lists),
        cmocka_unit_test(engine__what_is_refused_for_many_is_said_of_none),
        cmocka_unit_test(engine__what_two_operations_say_is_no_silence),
        cmocka_unit_test(engine__a_listing_that_lacks_or_fails_is_no_answer),
        cmocka_unit_test(engine__an_empty_list_is_no_proof),
        cmocka_unit_test(engine__what_cannot_be_asked),
    };
    return cmocka_run_group_tests_name("rest_engine", tests, NULL, NULL);
}
