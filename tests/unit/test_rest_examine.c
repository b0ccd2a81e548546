/* What doctor asks: packs, credentials and the clock, answered from a table. */
#include <stdlib.h>

#include "tests/support/fake_http.h"
#include "tests/support/values.h"

#define KEY "provider[\"registry.terraform.io/example/acme\"]"

struct row {
    const char *date;
    const char *severity, *says; /* of the clock; NULL: nothing is said of it */
};

static const char *said(const struct pb_diags *d, const char *code, const char **severity)
{
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(d->v[i].code, code) == 0) {
            *severity = d->v[i].severity;
            return d->v[i].message;
        }
    *severity = NULL;
    return NULL;
}

static void examine(struct pb_diags *out, struct pb_arena *a, struct fake_http *f)
{
    struct pb_rest_transport t = fake_http_transport(f);
    struct pb_provider_config config = {
        .key = KEY, .source = "registry.terraform.io/example/acme", .values = json(a, "{}")};
    struct pb_observe_request rq = {
        .providers = &config, .nproviders = 1, .pack_dirs = "fixtures/packs"};

    setenv("ACME_TOKEN", "t", 1);
    setenv("PLUMB_NOW", "2026-03-01T12:00:00Z", 1);
    pb_rest_examine(out, a, &rq, &t);
    unsetenv("PLUMB_NOW");
}

static void examine__clock(void **state)
{
    static const struct fake_reply fine = {"/v1/whoami", 200, NULL, "{\"account\":{\"id\":\"42\"}}",
                                           0};
    static const struct row rows[] = {
        {"Sun, 01 Mar 2026 12:00:00 GMT", "notice", "agrees"},
        {"Sun, 01 Mar 2026 11:59:01 GMT", "notice", "agrees"},
        {"Sun, 01 Mar 2026 11:58:00 GMT", "warning", "is 120 s ahead of the API's"},
        {"Sun, 01 Mar 2026 12:04:00 GMT", "warning", "is 240 s behind the API's"},
        {"Sun, 01 Mar 2026 13:00:00 GMT", "error", "is 3600 s behind the API's"},
        {"yesterday", NULL, NULL},
        {NULL, NULL, NULL},
    };

    for (size_t i = 0; i < PB_COUNT(rows); i++) {
        struct pb_diags d = {0};
        struct fake_http f;
        const char *severity, *text;

        fake_http_init(&f, &fine, 1);
        f.date = rows[i].date;
        examine(&d, *state, &f);
        text = said(&d, "clock", &severity);
        if (!rows[i].says
                ? text != NULL
                : !text || strcmp(severity, rows[i].severity) != 0 || !strstr(text, rows[i].says))
            fail_msg("row %zu: %s %s", i, severity ? severity : "-", text ? text : "nothing");
        text = said(&d, "credentials", &severity);
        assert_string_equal(text, "they work, account 42");
        pb_diags_release(&d);
        fake_http_release(&f);
    }
}

/* A refused signature is where a wrong clock shows, so a reply that says no tells it too. */
static void examine__clock_of_a_refusal(void **state)
{
    static const struct fake_reply no = {"/v1/whoami", 403, NULL,
                                         "{\"error\":{\"code\":\"skewed\"}}", 0};
    struct pb_diags d = {0};
    struct fake_http f;
    const char *severity;

    fake_http_init(&f, &no, 1);
    f.date = "Sun, 01 Mar 2026 13:00:00 GMT";
    examine(&d, *state, &f);
    assert_non_null(strstr(said(&d, "credentials", &severity), "403"));
    assert_string_equal(severity, "warning");
    assert_non_null(said(&d, "clock", &severity));
    assert_string_equal(severity, "error");
    pb_diags_release(&d);
    fake_http_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(examine__clock, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(examine__clock_of_a_refusal, arena_setup, arena_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
