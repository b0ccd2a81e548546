/*
 * folder.h: a folder of a test's own, below $TMPDIR, which scripts/check removes with all that a
 * crashed test has left in it. Free the path; the folder is the test's to remove.
 */
#ifndef PB_TESTS_FOLDER_H
#define PB_TESTS_FOLDER_H

char *test_folder(void);

#endif
