/*
 * user.h: whose process this is.
 */
#ifndef PB_BASE_USER_H
#define PB_BASE_USER_H

/* Name of the effective user; its number where the machine has no name for it. Caller frees. */
char *pb_user_name(void);

#endif
