/*
 * mem.h: allocation that never returns NULL. Running out aborts, which is why every
 * reader of outside data declares a maximum before it allocates.
 */
#ifndef PB_BASE_MEM_H
#define PB_BASE_MEM_H

#include "base/compiler.h"

void *pb_malloc(size_t n);
void *pb_calloc(size_t n, size_t size);
void *pb_realloc(void *p, size_t n);
char *pb_strdup(const char *s);
char *pb_strndup(const char *s, size_t n);
char *pb_asprintf(const char *fmt, ...) PB_PRINTF(1, 2); /* free() it */
char *pb_vasprintf(const char *fmt, va_list ap) PB_PRINTF(1, 0);

/* For who has much to allocate, before the first thread: the heap grows in large steps, and its
 * beginning is of huge pages where the kernel has them. A page that is touched for the first time
 * costs a fault, on some virtual machines as much as opening and reading a small file. Nothing is
 * touched by this itself. */
void pb_mem_prepare(void);

/* A multiple of PB_MEM_HUGE bytes at an address that is one, of huge pages where the kernel has
 * them; NULL when there is no room. pb_mem_unmap() it. */
enum { PB_MEM_HUGE = 2 << 20 };
void *pb_mem_map(size_t n);
void pb_mem_unmap(void *p, size_t n);

/* Overwrites memory that held a secret; the compiler may not drop it. */
void pb_wipe(void *p, size_t n);

/* Grows a heap array so that it has room for `need` items of `size`; doubles. */
void *pb_grow(void *p, size_t *cap, size_t need, size_t size);

void pb_auto_str(char **p); /* PB_AUTO(str): free() */
void pb_auto_free(void *p); /* PB_AUTO(free) T *p: free(*(void **)p) */
void pb_auto_fd(int *fd);   /* PB_AUTO(fd): close when >= 0 */
int pb_take_fd(int *fd);    /* returns *fd and sets it to -1 */

#endif
