/*
 * blame.h: which commit made lines of a file what they are.
 *
 *	struct pb_blame *b = pb_blame_new(repo);
 *	if (pb_blame_lines(id, &line, &found, b, commit, "main.tf", 12, 20, &err) < 0) ...
 *	pb_blame_free(b);
 *
 * The lines are followed as one piece, word for word, wherever they stand in the file: the answer
 * is the newest commit none of whose parents has them like that. What was read is kept, so that
 * asking for every block of a file costs its history once. Each handle does a limited amount of
 * work and then finds nothing more. One thread, as the repository.
 */
#ifndef PB_GIT_BLAME_H
#define PB_GIT_BLAME_H

#include "git/repo.h"

struct pb_blame;

struct pb_blame *pb_blame_new(struct pb_repo *repo);
void pb_blame_free(struct pb_blame *b);

/* Lines first..last of the file as `from` has it, counted from 1. `line` is the first of them that
 * was another before. Not found: beyond a shallow clone's history, or of what is allowed. */
int pb_blame_lines(char id[PB_OID_HEX], unsigned *line, bool *found, struct pb_blame *b,
                   const char *from, const char *path, unsigned first, unsigned last,
                   struct pb_err *err);

/* Whether the file has these lines in `commit`, as `from` has them. */
bool pb_blame_has(struct pb_blame *b, const char *commit, const char *from, const char *path,
                  unsigned first, unsigned last);

#endif
