/*
 * fs.h: files and folders: whole reads with a limit, durable whole writes, private work
 * areas, and where plumb keeps its own things.
 *
 * Nothing here follows a link that it was not given. Paths are the caller's.
 */
#ifndef PB_BASE_FS_H
#define PB_BASE_FS_H

#include <sys/stat.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

/* Reads a regular file (or /proc and pipes) whole into `out`; more than `max` bytes is an
 * error that names the file and the limit. A missing file sets err->sys to ENOENT. */
int pb_fs_read(struct pb_buf *out, const char *path, size_t max, struct pb_err *err);

/* Writes a sibling temporary file (mode `mode`), fsyncs it, renames it over `path` and
 * fsyncs the folder: readers see the old or the new content, never a part. */
int pb_fs_write_atomic(const char *path, const void *p, size_t n, unsigned mode,
                       struct pb_err *err);

/* Puts output where somebody wants it. Links are followed; a regular file is replaced like above,
 * keeping its mode (a new one has 0600); into what else stands there, such as a FIFO, a device or
 * /dev/fd/N, it is written, as pb_fs_write_out does. */
int pb_fs_put(const char *path, const void *p, size_t n, struct pb_err *err);

/* Makes the name `path` itself last: what is in a new file or folder may be on the disk, and its
 * name in the folder above not yet. */
int pb_fs_sync_folder_of(const char *path, struct pb_err *err);

/* Writes what only saves time the next time, 0600, in a folder that is made (0700), in which what
 * was used longest ago goes when it grows large. */
int pb_fs_cache(const char *path, const void *p, size_t n, struct pb_err *err);
/* The same, where not being able to is no error. */
void pb_fs_remember(const char *path, const void *p, size_t n);

/* Removes those files of a folder that were written or used longest ago, until there are no more
 * than `files` with no more than `bytes`. One always stays. */
void pb_fs_trim(const char *folder, size_t files, uint64_t bytes);

/* Was of use now. */
void pb_fs_used(const char *path);

/* All of it, however often it takes. `offset` is in the file; below 0: where it stands. -1 and
 * errno when it cannot, with any part of it written. */
int pb_fs_write_all(int fd, const void *p, size_t n, int64_t offset);

/* The same, to who may not read it: where that has to be waited for, a signal ends the wait with
 * -1 and EINTR. */
int pb_fs_write_out(int fd, const void *p, size_t n);

int pb_fs_mkdirs(const char *path, unsigned mode, struct pb_err *err); /* like mkdir -p */
bool pb_fs_exists(const char *path);
bool pb_fs_is_dir(const char *path);

/* Whether `path`, all links followed, is in the folder `dir`; false when one is not there. */
bool pb_fs_is_below(const char *path, const char *dir);

/* Adds what tells that a file is the one it was: device, inode, mode, size and times. Nobody but
 * root can set back the time of a file's last change, so whatever was written into it shows. */
void pb_fs_add_stamp(struct pb_sha256 *d, const struct stat *st);

/* Removes a tree without following links. Missing is fine. */
int pb_fs_remove_tree(const char *path, struct pb_err *err);

/* Joins with exactly one '/'; an absolute `b` wins. Caller frees. */
char *pb_fs_join(const char *a, const char *b);

/* $XDG_CACHE_HOME/plumb or ~/.cache/plumb, and the same for state; PLUMB_CACHE_DIR and
 * PLUMB_STATE_DIR override. Created 0700. Caller frees *out. */
int pb_fs_cache_dir(char **out, struct pb_err *err);
int pb_fs_state_dir(char **out, struct pb_err *err);

/*
 * A private work area (0700) under $TMPDIR or /tmp. Areas whose process is gone are
 * removed by the next one that starts. pb_work_remove_all() is called at exit and after a
 * signal; it removes every area of this process.
 */
int pb_work_new(char **out, struct pb_err *err); /* caller frees the path */
void pb_work_remove(const char *path);           /* NULL is fine */
void pb_work_remove_all(void);

#endif
