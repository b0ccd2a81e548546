/*
 * curl.h: libcurl, loaded when the first request wants it.
 *
 * libcurl brings some twenty libraries along (LDAP, GnuTLS for RTMP, Brotli), and linking them
 * is more than half of what a short command such as `plumb version` takes in all. So plumb does
 * not name it among its libraries: curl.c has functions of the same names, which pass on to the
 * real ones. Callers include this instead of <curl/curl.h> and notice nothing; curl's type checks
 * still work.
 *
 * Call pb_curl_load() before anything else of libcurl, and again as often as is convenient; what
 * may be called without it is said here.
 */
#ifndef PB_OBSERVE_CURL_H
#define PB_OBSERVE_CURL_H

#include <curl/curl.h>

#include "base/err.h"

/* Loads and starts libcurl, once in a process. Any thread may call it; it takes 5 to 10 ms. */
int pb_curl_load(struct pb_err *err);

/* The same, as what a pb_crew_job runs: for those who will need it in a moment and have other
 * things to do until then. Wait for it in any case: a program must not exit while a library
 * starts. */
void pb_curl_early(void *unused);

/* curl_getdate() loads by itself, and knows no date (-1) where there is no libcurl. */

#endif
