/*
 * format.h: printf for formats that only put strings together ("%s/%s"), which most are. printf
 * itself takes five times as long for them.
 *
 *	if (pb_format_is_plain(fmt)) {
 *	    n = pb_format_len(fmt, ap);
 *	    pb_format_put(out, fmt, again);	// n bytes and a NUL
 *	}
 *
 * The printf-like functions of buf.h, arena.h and mem.h do this; call those.
 */
#ifndef PB_BASE_FORMAT_H
#define PB_BASE_FORMAT_H

#include <stdarg.h>

#include "base/compiler.h"

bool pb_format_is_plain(const char *fmt); /* it holds no conversion but %s */
size_t pb_format_len(const char *fmt, va_list ap) PB_PRINTF(1, 0);
void pb_format_put(char *out, const char *fmt, va_list ap) PB_PRINTF(2, 0);

#endif
