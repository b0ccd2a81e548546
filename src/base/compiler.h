/*
 * compiler.h: attributes and small macros that every file may use.
 *
 * PB_AUTO(kind) releases a scope-local resource when its scope ends:
 *
 *	PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;
 *	PB_AUTO(fd) int fd = open(...);
 *	PB_AUTO(str) char *name = pb_strdup(...);
 *
 * It calls pb_auto_<kind>(T *). Never attach one that kills a child process.
 * Hand a resource on with pb_take(&p) (pointers) or pb_take_fd(&fd).
 */
#ifndef PB_BASE_COMPILER_H
#define PB_BASE_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PB_AUTO(kind)        __attribute__((cleanup(pb_auto_##kind)))
#define PB_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define PB_NORETURN          __attribute__((noreturn))
#define PB_UNUSED            __attribute__((unused))
#define PB_MUST_USE          __attribute__((warn_unused_result))
#define PB_COUNT(a)          (sizeof(a) / sizeof((a)[0]))

#define pb_take(pp)                               \
    __extension__({                               \
        __typeof__(*(pp)) *pb_take_p = (pp);      \
        __typeof__(*(pp)) pb_take_v = *pb_take_p; \
        *pb_take_p = NULL;                        \
        pb_take_v;                                \
    })

#endif
