/*
 * diag.h: what a provider says went wrong, made into one message: short, without secrets.
 */
#ifndef PB_PROVIDER_DIAG_H
#define PB_PROVIDER_DIAG_H

#include "backends/provider/tfplugin6.pb-c.h"
#include "base/buf.h"
#include "model/value.h"

enum { PB_DIAG_TEXT_MAX = 8192, PB_DIAG_SHOWN = 3 };

/* The errors: "summary: detail; summary: detail and 12 more". False when there is none. */
bool pb_plugin_errors(struct pb_buf *out, Tfplugin6__Diagnostic *const *d, size_t n);
/* One diagnostic. */
void pb_plugin_diag_text(struct pb_buf *out, const Tfplugin6__Diagnostic *d);

/* Takes every sensitive string of `v` out of the text, and everything if `v` says that the
 * whole is. */
void pb_plugin_redact(struct pb_buf *text, const struct pb_value *v);
/* The same for environment variables that hold secrets by their names. */
void pb_plugin_redact_env(struct pb_buf *text, char *const *env);

#endif
