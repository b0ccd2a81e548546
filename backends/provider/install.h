/*
 * install.h: where a provider's binary is, and whether it is the one that the lock file means.
 *
 * Terraform unpacks a provider into ROOT/HOST/NAMESPACE/TYPE/VERSION/OS_ARCH: below .terraform/
 * providers, in a plugin cache, in a mirror. The lock file's "h1:" is a digest of every file in
 * there. Reading 700 MB each time is what makes Terraform slow, so the digest is kept with the
 * device, inode, size and times of every file, and made again whenever one of them moved.
 * ("zh:" is of the archive it came in, which nobody keeps; it cannot be checked here.)
 */
#ifndef PB_PROVIDER_INSTALL_H
#define PB_PROVIDER_INSTALL_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"

struct pb_install_query {
    const char *source;        /* "registry.terraform.io/hashicorp/aws" */
    const char *version;       /* from the lock file */
    const char *const *hashes; /* of the lock file; NULL-terminated, or NULL: it has none */
    const char *const *dirs;   /* roots to look in, the first that has it wins */
    const char *cache_dir;     /* NULL: digests are not kept */
};

struct pb_install {
    const char *path;           /* of the binary */
    char sha256[PB_SHA256_HEX]; /* of it */
};

/* -1 with the remedy: not installed, not the locked one (PB_E_REFUSED), not to be checked. */
int pb_install_find(struct pb_install *out, struct pb_arena *a, const struct pb_install_query *q,
                    struct pb_err *err);

/* Whether a lock file's hashes have an "h1:" among them. */
bool pb_install_can_check(const char *const *hashes);

/* "linux_amd64" */
const char *pb_install_platform(void);

#endif
