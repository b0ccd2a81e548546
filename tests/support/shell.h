/*
 * shell.h: making what a test needs with a script, as somebody whose Git knows an identity and
 * nothing else of this machine's configuration. HOME is the folder.
 */
#ifndef PB_TESTS_SHELL_H
#define PB_TESTS_SHELL_H

/* Runs `script` in `dir` until the first command that fails: its exit code, -1 for a signal. */
int test_sh(const char *dir, const char *script);

/* A folder of the test's own (folder.h) that is HOME from here on, for what Git the test itself
 * calls: it knows no more than that of test_sh(). */
char *test_home(void);

#endif
