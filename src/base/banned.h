/*
 * Functions that nothing in plumb may call, made to fail at compile time.
 *
 * The Makefile includes this file before every source (-include), so the system headers that
 * declare these functions are read first, here, and the macros then catch only our own calls.
 * The error names the function and what to use in its place:
 *
 *	error: 'banned_strcpy_use_pb_buf' undeclared
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* No bound on what is written. */
#undef strcpy
#define strcpy(...) banned_strcpy_use_pb_buf
#undef stpcpy
#define stpcpy(...) banned_stpcpy_use_pb_buf
#undef strcat
#define strcat(...) banned_strcat_use_pb_buf
#undef strncpy
#define strncpy(...) banned_strncpy_use_pb_buf
#undef strncat
#define strncat(...) banned_strncat_use_pb_buf
#undef sprintf
#define sprintf(...) banned_sprintf_use_pb_buf_or_snprintf
#undef vsprintf
#define vsprintf(...) banned_vsprintf_use_pb_buf_or_vsnprintf
#undef gets
#define gets(...) banned_gets_use_getline

/* Hidden static state: not for threads, and overwritten by the next call. */
#undef strtok
#define strtok(...) banned_strtok_use_strchr_or_strtok_r
#undef localtime
#define localtime(...) banned_localtime_use_gmtime_r
#undef gmtime
#define gmtime(...) banned_gmtime_use_gmtime_r
#undef ctime
#define ctime(...) banned_ctime_use_strftime
#undef asctime
#define asctime(...) banned_asctime_use_strftime

/* A shell, where an argv array is the rule. */
#undef system
#define system(...) banned_system_use_base_child
#undef popen
#define popen(...) banned_popen_use_base_child

/* A name that somebody else can take first. */
#undef mktemp
#define mktemp(...) banned_mktemp_use_mkostemp
#undef tmpnam
#define tmpnam(...) banned_tmpnam_use_mkostemp
#undef tempnam
#define tempnam(...) banned_tempnam_use_mkostemp

/* No way to tell an error from zero. */
#undef atoi
#define atoi(...) banned_atoi_use_strtol
#undef atol
#define atol(...) banned_atol_use_strtol
#undef atoll
#define atoll(...) banned_atoll_use_strtoll
#undef atof
#define atof(...) banned_atof_use_strtod

#endif
