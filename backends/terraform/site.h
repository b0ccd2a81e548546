/*
 * site.h: where Terraform keeps providers, in the order in which plumb looks: what planning
 * has just installed, the work tree's .terraform, the plugin cache, the mirrors of the CLI
 * configuration, and the folders that Terraform looks into by itself.
 */
#ifndef PB_TERRAFORM_SITE_H
#define PB_TERRAFORM_SITE_H

#include "backends/backend.h"

int pb_tf_plugin_site(struct pb_plugin_site *out, struct pb_arena *a, const struct pb_unit_ctx *u,
                      const struct pb_recorded_set *recorded, struct pb_err *err);

/* Those of them that are neither the unit's nor the work tree's. */
void pb_tf_site_roots(struct pb_strv *out, const struct pb_unit_ctx *u, bool tofu);

/* The person's CLI configuration: its text, and its path (caller frees) or NULL for none. */
char *pb_tf_site_config(struct pb_buf *text, bool tofu);

/* Whether people have a plugin cache of their own. If not, what init downloads is kept in plumb's
 * cache, in pb_tf_packages_dir (caller frees): an audit that does not plan still needs it. */
bool pb_tf_has_plugin_cache(bool tofu);
char *pb_tf_packages_dir(const struct pb_unit_ctx *u);

/* Folders with unpacked providers that a CLI configuration's text names. */
void pb_tf_cli_dirs(struct pb_strv *out, const char *text, size_t n, const char *file);

#endif
