/* Transforms of text. */
#include <ctype.h>

#include "backends/rest/transform.h"
#include "base/text.h"

static const char *text_of(struct pb_eval *ev, const struct pb_value *v)
{
    const char *s = pb_scalar_text(ev->a, v);
    return s ? s : "";
}

#define NEED_TEXT(s)                            \
    const char *s = pb_scalar_text(ev->a, &in); \
    if (!(s))                                   \
    return pb_tf_cannot(ev, in, "a text")

static struct pb_value with_case(struct pb_eval *ev, const char *s, int (*to)(int))
{
    char *copy = pb_arena_strdup(ev->a, s);
    for (char *p = copy; *p; p++)
        *p = (char)to((unsigned char)*p);
    return pb_mk_string(ev->a, copy);
}

PB_TRANSFORM(pb_tf_lower)
{
    NEED_TEXT(s);
    return with_case(ev, s, tolower);
}

PB_TRANSFORM(pb_tf_upper)
{
    NEED_TEXT(s);
    return with_case(ev, s, toupper);
}

PB_TRANSFORM(pb_tf_trim)
{
    NEED_TEXT(s);
    while (isspace((unsigned char)*s))
        s++;
    size_t n = strlen(s);
    while (n && isspace((unsigned char)s[n - 1]))
        n--;
    return pb_mk_stringn(ev->a, s, n);
}

PB_TRANSFORM(pb_tf_trim_prefix)
{
    NEED_TEXT(s);
    const char *p = text_of(ev, &args[0]);
    return pb_starts_with(s, p) ? pb_mk_string(ev->a, s + strlen(p)) : in;
}

PB_TRANSFORM(pb_tf_trim_suffix)
{
    NEED_TEXT(s);
    const char *p = text_of(ev, &args[0]);
    return pb_ends_with(s, p) ? pb_mk_stringn(ev->a, s, strlen(s) - strlen(p)) : in;
}

PB_TRANSFORM(pb_tf_prefix)
{
    NEED_TEXT(s);
    return pb_mk_string(ev->a, pb_arena_printf(ev->a, "%s%s", text_of(ev, &args[0]), s));
}

PB_TRANSFORM(pb_tf_suffix)
{
    NEED_TEXT(s);
    return pb_mk_string(ev->a, pb_arena_printf(ev->a, "%s%s", s, text_of(ev, &args[0])));
}

static const char *last_of(const char *s, const char *sep)
{
    const char *hit = NULL;
    for (const char *p = s; *sep && (p = strstr(p, sep)); p++)
        hit = p;
    return hit;
}

PB_TRANSFORM(pb_tf_before)
{
    NEED_TEXT(s);
    const char *hit = strstr(s, text_of(ev, &args[0]));
    return hit ? pb_mk_stringn(ev->a, s, (size_t)(hit - s)) : in;
}

PB_TRANSFORM(pb_tf_after)
{
    NEED_TEXT(s);
    const char *sep = text_of(ev, &args[0]), *hit = strstr(s, sep);
    return hit ? pb_mk_string(ev->a, hit + strlen(sep)) : pb_null;
}

PB_TRANSFORM(pb_tf_before_last)
{
    NEED_TEXT(s);
    const char *hit = last_of(s, text_of(ev, &args[0]));
    return hit ? pb_mk_stringn(ev->a, s, (size_t)(hit - s)) : in;
}

PB_TRANSFORM(pb_tf_after_last)
{
    NEED_TEXT(s);
    const char *sep = text_of(ev, &args[0]), *hit = last_of(s, sep);
    return hit ? pb_mk_string(ev->a, hit + strlen(sep)) : in;
}

PB_TRANSFORM(pb_tf_replace)
{
    NEED_TEXT(s);
    const char *from = text_of(ev, &args[0]), *to = text_of(ev, &args[1]);
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    if (!*from)
        return in;
    for (const char *hit; (hit = strstr(s, from)); s = hit + strlen(from)) {
        pb_buf_add(&b, s, (size_t)(hit - s));
        pb_buf_adds(&b, to);
    }
    pb_buf_adds(&b, s);
    return pb_mk_stringn(ev->a, b.s, b.len);
}

PB_TRANSFORM(pb_tf_split)
{
    NEED_TEXT(s);
    const char *sep = text_of(ev, &args[0]);
    struct pb_list_builder b = PB_BUILDER_INIT;
    if (*s && *sep) {
        for (const char *hit; (hit = strstr(s, sep)); s = hit + strlen(sep))
            pb_list_add(&b, pb_mk_stringn(ev->a, s, (size_t)(hit - s)));
        pb_list_add(&b, pb_mk_string(ev->a, s));
    }
    return pb_list_done(&b, ev->a);
}

PB_TRANSFORM(pb_tf_join)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
    if (in.kind != PB_LIST)
        return in;
    for (size_t i = 0; i < in.n; i++) {
        const char *s = pb_scalar_text(ev->a, &in.items[i]);
        if (!s)
            return pb_tf_cannot(ev, in.items[i], "a text");
        if (i)
            pb_buf_adds(&b, text_of(ev, &args[0]));
        pb_buf_adds(&b, s);
    }
    return pb_mk_stringn(ev->a, b.s, b.len);
}
