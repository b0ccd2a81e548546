/*
 * stream.h: the -json stream of an apply, read while it is written and read again afterwards.
 *
 *	struct pb_tf_stream s = {.path = path, .event = ..., .ctx = ...};
 *	while (it runs)
 *		pb_tf_stream_more(&s);
 *	s.seen tells what came of it
 *	pb_tf_stream_release(&s);
 *
 * Lines that are no JSON, of a type that is not known, or longer than PB_TF_LINE_MAX are passed
 * over; a last line that is not whole is waited for. Nothing in a stream is an error.
 */
#ifndef PB_TERRAFORM_STREAM_H
#define PB_TERRAFORM_STREAM_H

#include "backends/backend.h"
#include "base/buf.h"

enum { PB_TF_LINE_MAX = 4 << 20 };

/* What the stream has said so far. */
struct pb_tf_stream_seen {
    bool started;    /* the tool's first line */
    bool summary;    /* it says that it applied all of it */
    bool failed;     /* an error, which comes last */
    bool state_dump; /* a line may hold a state that could not be written anywhere */
    bool unanswered; /* a provider was asked for a change, and what came of it is not known */
    size_t added, changed, removed;
    size_t lines, passed_over;
};

struct pb_tf_stream {
    const char *path;
    void (*event)(void *ctx, const struct pb_apply_event *e); /* or NULL */
    void *ctx;
    struct pb_tf_stream_seen seen;
    /* Its own. */
    int64_t offset;
    struct pb_buf part; /* of a line; starts from zeros */
    bool skipping;      /* the rest of a line that is too long */
};

/* Reads what was added to the file. A file that is not there has nothing. */
void pb_tf_stream_more(struct pb_tf_stream *s);
void pb_tf_stream_feed(struct pb_tf_stream *s, const char *p, size_t n);
void pb_tf_stream_release(struct pb_tf_stream *s);

/* A state that the tool wrote to its output because it could write it nowhere else: in a line of
 * the stream, or between lines for people. The last whole one, as text; false: there is none. */
bool pb_tf_stream_state(struct pb_buf *out, const char *path);
bool pb_tf_stream_find_state(const char **at, size_t *len, const char *text, size_t size);

#endif
