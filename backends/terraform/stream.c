#include "backends/terraform/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "backends/terraform/state.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"

enum { CHUNK = 1 << 16 };

/* ---- one line -------------------------------------------------------------------------------- */

static enum pb_action action_of(const char *s)
{
    static const struct {
        const char *name;
        enum pb_action action;
    } known[] = {
        {"noop", PB_ACT_NONE},     {"no-op", PB_ACT_NONE},    {"create", PB_ACT_CREATE},
        {"read", PB_ACT_READ},     {"update", PB_ACT_UPDATE}, {"delete", PB_ACT_DELETE},
        {"remove", PB_ACT_FORGET}, {"forget", PB_ACT_FORGET}, {"replace", PB_ACT_REPLACE},
    };

    for (size_t i = 0; s && i < PB_COUNT(known); i++)
        if (strcmp(known[i].name, s) == 0)
            return known[i].action;
    return PB_ACT_UNKNOWN;
}

static void on_hook(struct pb_tf_stream *s, const struct pb_value *line, enum pb_apply_step step)
{
    const struct pb_value *hook = pb_get(line, "hook");
    struct pb_apply_event e = {
        .step = step,
        .address = pb_get_str(pb_get(hook, "resource"), "addr"),
        .action = action_of(pb_get_str(hook, "action")),
        .id = pb_get_str(hook, "id_value"),
    };
    int64_t seconds;

    if (!e.address || !*e.address)
        return;
    if (pb_get_int(&seconds, hook, "elapsed_seconds") == 0 && seconds > 0 && seconds < 1000000000)
        e.elapsed_ms = (long)seconds * 1000;
    if (s->event)
        s->event(s->ctx, &e);
}

static size_t count_of(const struct pb_value *changes, const char *name)
{
    int64_t n;

    return pb_get_int(&n, changes, name) == 0 && n > 0 ? (size_t)n : 0;
}

static void on_summary(struct pb_tf_stream *s, const struct pb_value *line)
{
    const struct pb_value *changes = pb_get(line, "changes");
    const char *operation = pb_get_str(changes, "operation");

    if (!pb_streq(operation, "apply") && !pb_streq(operation, "destroy"))
        return;
    s->seen.summary = true;
    s->seen.added = count_of(changes, "add");
    s->seen.changed = count_of(changes, "change");
    s->seen.removed = count_of(changes, "remove");
}

/* Of a call that failed as such the tool has the name: the provider ended, or its answer was none.
 * What a provider itself says of a change that failed does not name the call. */
static void on_diagnostic(struct pb_tf_stream *s, const struct pb_value *d)
{
    const char *detail = pb_get_str(d, "detail");

    if (!pb_streq(pb_get_str(d, "severity"), "error"))
        return;
    s->seen.failed = true;
    s->seen.unanswered |= detail && strstr(detail, "(*GRPCProvider).ApplyResourceChange");
}

static void on_line(struct pb_tf_stream *s, const struct pb_value *line)
{
    static const struct {
        const char *type;
        enum pb_apply_step step;
    } hooks[] = {
        {"apply_start", PB_APPLY_STARTED},
        {"apply_progress", PB_APPLY_RUNNING},
        {"apply_complete", PB_APPLY_DONE},
        {"apply_errored", PB_APPLY_FAILED},
    };
    const char *type = pb_get_str(line, "type");

    for (size_t i = 0; type && i < PB_COUNT(hooks); i++)
        if (strcmp(hooks[i].type, type) == 0)
            on_hook(s, line, hooks[i].step);
    if (pb_streq(type, "version"))
        s->seen.started = true;
    else if (pb_streq(type, "change_summary"))
        on_summary(s, line);
    else if (pb_streq(type, "diagnostic"))
        on_diagnostic(s, pb_get(line, "diagnostic"));
    if (pb_is(pb_get(line, "state"), PB_MAP))
        s->seen.state_dump = true;
}

static void take_line(struct pb_tf_stream *s, const char *p, size_t n)
{
    struct pb_arena *a;
    const struct pb_value *v;

    s->seen.lines++;
    while (n && (p[n - 1] == '\r' || p[n - 1] == ' '))
        n--;
    if (!n)
        return;
    if (*p != '{' || n < 2) {
        s->seen.passed_over++;
        s->seen.state_dump |= *p == '{'; /* a state for people starts so */
        return;
    }
    a = pb_arena_new();
    if (pb_json_parse(&v, a, p, n, "a line of the stream", NULL) == 0 && pb_is(v, PB_MAP))
        on_line(s, v);
    else
        s->seen.passed_over++;
    pb_arena_free(a);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static void end_of_line(struct pb_tf_stream *s)
{
    if (s->skipping) {
        s->seen.lines++;
        s->seen.passed_over++;
        s->seen.state_dump = true; /* nothing else is that long */
    } else {
        take_line(s, s->part.s, s->part.len);
    }
    s->skipping = false;
    pb_buf_clear(&s->part);
}

void pb_tf_stream_feed(struct pb_tf_stream *s, const char *p, size_t n)
{
    const char *end = p + n;

    if (!s->part.s)
        s->part = (struct pb_buf)PB_BUF_INIT;
    while (p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        size_t len = (size_t)((nl ? nl : end) - p);

        if (!s->skipping && s->part.len + len > PB_TF_LINE_MAX) {
            s->skipping = true;
            pb_buf_wipe(&s->part);
        }
        if (!s->skipping)
            pb_buf_add(&s->part, p, len);
        if (nl)
            end_of_line(s);
        p += len + (nl != NULL);
    }
}

void pb_tf_stream_more(struct pb_tf_stream *s)
{
    PB_AUTO(fd) int fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    PB_AUTO(free) char *chunk = pb_malloc(CHUNK);

    while (fd >= 0) {
        ssize_t n = pread(fd, chunk, CHUNK, (off_t)s->offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        s->offset += n;
        pb_tf_stream_feed(s, chunk, (size_t)n);
    }
    pb_wipe(chunk, CHUNK);
}

void pb_tf_stream_release(struct pb_tf_stream *s)
{
    if (s->part.s)
        pb_buf_wipe(&s->part);
    s->part = (struct pb_buf)PB_BUF_INIT;
}

/* ---- a state in it --------------------------------------------------------------------------- */

/* The length of the JSON object at p, by its braces; 0: it does not end. */
static size_t object_length(const char *p, const char *end)
{
    const char *at = p;
    size_t depth = 0;

    for (bool quoted = false; at < end; at++) {
        if (quoted && *at == '\\') {
            at++;
        } else if (*at == '"') {
            quoted = !quoted;
        } else if (!quoted && *at == '{') {
            depth++;
        } else if (!quoted && *at == '}' && --depth == 0) {
            return (size_t)(at - p) + 1;
        }
    }
    return 0;
}

static bool is_state(const char *p, size_t n)
{
    struct pb_recorded_set set;
    struct pb_arena *a = pb_arena_new();
    bool ok = pb_tf_state_parse(&set, a, p, n, "a state in the stream", NULL, NULL) == 0 &&
              set.lineage && *set.lineage;

    pb_arena_free(a);
    return ok;
}

bool pb_tf_stream_find_state(const char **at, size_t *len, const char *text, size_t size)
{
    static const char member[] = "\"state\":{";
    bool found = false;

    for (const char *p = text, *end = text + size; p < end;) {
        const char *nl = memchr(p, '\n', (size_t)(end - p)), *line_end = nl ? nl : end, *from;
        size_t n = 0;

        from = *p == '{' ? memmem(p, (size_t)(line_end - p), member, sizeof(member) - 1) : NULL;
        if (from)
            from += sizeof(member) - 2;
        else if (line_end - p == 1 && *p == '{')
            from = p;
        if (from)
            n = object_length(from, from == p ? end : line_end);
        if (n && is_state(from, n)) {
            *at = from;
            *len = n;
            found = true;
        }
        if (from && !n)
            break; /* it was cut off, and so is whatever follows */
        if (from)
            nl = memchr(from + n, '\n', (size_t)(end - from) - n);
        p = nl ? nl + 1 : end;
    }
    return found;
}

bool pb_tf_stream_state(struct pb_buf *out, const char *path)
{
    PB_AUTO(buf) struct pb_buf text = PB_BUF_INIT;
    const char *at;
    size_t n;
    bool found = pb_fs_read(&text, path, PB_TF_STATE_MAX, NULL) == 0 &&
                 pb_tf_stream_find_state(&at, &n, text.s, text.len);

    pb_buf_clear(out);
    if (found)
        pb_buf_add(out, at, n);
    pb_buf_wipe(&text);
    return found;
}
