/*
 * events.h: Terraform's -json stream of lines: progress while it runs, and what it says
 * went wrong afterwards.
 */
#ifndef PB_TERRAFORM_EVENTS_H
#define PB_TERRAFORM_EVENTS_H

#include "base/buf.h"
#include "base/strv.h"

/* Counts the resources that were planned or read; call often. */
struct pb_tf_tail {
    const char *path;
    long offset;
    size_t planned;
};
void pb_tf_tail_more(struct pb_tf_tail *t);

/* The first errors of a run, short: "Unsupported argument: An argument named ... (main.tf line
 * 3)", joined by "; ". From the stream's diagnostics, else from what people would have read.
 * Every string of `secrets` is taken out (redact.h). Adds nothing when there is no error to be
 * found. */
void pb_tf_errors(struct pb_buf *out, const char *stream_path, const char *text_path,
                  const struct pb_strv *secrets);

/* Takes out the colours that some commands insist on. */
void pb_tf_plain_text(struct pb_buf *text);

#endif
