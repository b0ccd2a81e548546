/*
 * scan.h: what the text of a module's files says, without evaluating anything: whether it
 * looks like a root module, which folders it calls, and whether it may read elsewhere.
 *
 * The one source of which units a commit has and of what each can read, and with that of the key
 * of the declared side: what is missed here would serve a stale answer. So it reads what
 * any of the two tools may read (.tf and .tofu, overrides) and is content with text that
 * does not parse. Hostile text costs one pass and no memory but that of strings.
 */
#ifndef PB_TERRAFORM_SCAN_H
#define PB_TERRAFORM_SCAN_H

#include "backends/backend.h"

/* .tf, .tofu, and the JSON of both. */
bool pb_tf_is_config(const char *name);

/* As pb_executor's scan. */
bool pb_tf_scan(struct pb_module_text *out, const char *name, const char *text, size_t n);

#endif
