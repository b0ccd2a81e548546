/*
 * scan.h: just enough of a Terraform file's text to find root modules: nothing is evaluated.
 */
#ifndef PB_RUN_SCAN_H
#define PB_RUN_SCAN_H

#include "base/strv.h"

struct pb_scan {
    bool backend;          /* a terraform block with backend or cloud in it */
    bool provider;         /* a provider block */
    bool climbs;           /* "../" somewhere else than in a module's source */
    struct pb_strv locals; /* sources of modules that start with ./ or ../ */
};

void pb_scan_hcl(struct pb_scan *out, const char *text, size_t n);
/* For *.tf.json. Text that is no JSON finds nothing. */
void pb_scan_json(struct pb_scan *out, const char *text, size_t n);
void pb_scan_release(struct pb_scan *s);

#endif
