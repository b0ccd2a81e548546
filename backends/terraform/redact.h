/*
 * redact.h: taking secrets out of what a tool says, in the forms that tools write them: as they
 * are, as JSON, in base64 (both alphabets), percent-encoded, in hexadecimal, and on one line.
 *
 *	struct pb_tf_redactor *r = pb_tf_redactor_new(secrets);
 *	pb_tf_redact(r, &text);		// before it is cut: a part of a secret is not found
 *	pb_tf_redactor_free(r);
 */
#ifndef PB_TERRAFORM_REDACT_H
#define PB_TERRAFORM_REDACT_H

#include "base/buf.h"
#include "base/strv.h"

struct pb_tf_redactor;

struct pb_tf_redactor *pb_tf_redactor_new(const struct pb_strv *secrets); /* NULL: none */
void pb_tf_redact(const struct pb_tf_redactor *r, struct pb_buf *text);
/* Whether any of them stands in there, in one of these forms. */
bool pb_tf_redactor_finds(const struct pb_tf_redactor *r, const char *text, size_t n);
void pb_tf_redactor_free(struct pb_tf_redactor *r); /* NULL is fine */

#endif
