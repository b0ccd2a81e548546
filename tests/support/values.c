#include "tests/support/values.h"

#include "base/buf.h"
#include "base/err.h"
#include "model/json.h"

int arena_setup(void **state)
{
    *state = pb_arena_new();
    return 0;
}

int arena_teardown(void **state)
{
    pb_arena_free(*state);
    return 0;
}

const struct pb_value *json(struct pb_arena *a, const char *text)
{
    const struct pb_value *v = NULL;
    struct pb_err err = PB_ERR_INIT;

    if (pb_json_parse(&v, a, text, strlen(text), "test", &err))
        fail_msg("%s: %s", err.msg, text);
    return v;
}

const struct pb_value *json_marked(struct pb_arena *a, const char *text)
{
    const struct pb_value *v;
    struct pb_buf b = PB_BUF_INIT;

    if (!text)
        return NULL;
    for (const char *s = text; *s; s++)
        pb_buf_addc(&b, *s == '\'' ? '"' : *s);
    v = json(a, b.s);
    pb_buf_release(&b);
    return pb_json_unwrap(a, v);
}

const char *json_text(struct pb_arena *a, const struct pb_value *v)
{
    struct pb_buf b = PB_BUF_INIT;
    const char *s;

    pb_json_add(&b, v);
    s = pb_arena_strdup(a, b.s);
    pb_buf_release(&b);
    return s;
}

void assert_json(const struct pb_value *v, const char *want)
{
    struct pb_buf b = PB_BUF_INIT;

    assert_non_null(v);
    pb_json_add(&b, v);
    assert_string_equal(b.s, want);
    pb_buf_release(&b);
}
