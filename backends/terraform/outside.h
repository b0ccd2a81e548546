/*
 * outside.h: whether a plan may depend on what no commit holds: files of the machine, the time.
 * Such a declared side is believed for a while only, as one that data sources feed.
 */
#ifndef PB_TERRAFORM_OUTSIDE_H
#define PB_TERRAFORM_OUTSIDE_H

#include "backends/terraform/module.h"

/* Of one expression as written: every file it reads has to start in a module's folder. */
bool pb_tf_text_reads_outside(const char *text);
/* The same of files alone, where a path may go up that many folders before it leaves the
 * repository: where in the text the first call is, or NULL. */
const char *pb_tf_text_reads_files(const char *text, size_t depth);
bool pb_tf_tree_reads_outside(const struct pb_tf_tree *t);

#endif
