/*
 * name.h: which names of a tree may become files.
 *
 * A name is one component. Refused are those that could step out of the export or make a
 * folder that some git, on some file system, takes for a repository: "", ".", "..", names
 * with '/', '\' or a control character, and ".git" in any spelling (letter case, NTFS short
 * names and streams, trailing dots and spaces, characters that HFS+ ignores).
 */
#ifndef PB_GIT_NAME_H
#define PB_GIT_NAME_H

#include "base/compiler.h"

enum { PB_GIT_NAME_MAX = 255 };

/* NULL when the name is fine, else why it is not ("is a spelling of '.git'"). */
const char *pb_git_name_problem(const char *name, size_t n);

#endif
