/*
 * loopback.h: a socket for a test's own server, on a free port of 127.0.0.1.
 */
#ifndef PB_TESTS_LOOPBACK_H
#define PB_TESTS_LOOPBACK_H

/* Listens; the descriptor, or -1. */
int test_listen(int *port);

#endif
