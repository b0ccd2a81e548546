/*
 * crew.h: a few threads that wait for something to do. They are made at once and early: making a
 * thread waits for the loader's locks, and for milliseconds while a library is loaded.
 *
 *	struct pb_crew *crew = pb_crew_new(3);
 *	struct pb_crew_job job = {.run = read_it, .ctx = what};
 *	pb_crew_start(crew, &job);
 *	... other things ...
 *	pb_crew_wait(crew, &job);	// done now, in a thread or in this one
 *	pb_crew_free(crew);
 *
 * A job is the caller's, who waits for each that was started; what none of them has begun by then
 * is done by who waits. Any thread may start and wait.
 */
#ifndef PB_BASE_CREW_H
#define PB_BASE_CREW_H

#include "base/compiler.h"

struct pb_crew;

struct pb_crew_job {
    void (*run)(void *ctx);
    void *ctx;
    /* private: */
    struct pb_crew_job *next;
    enum { PB_JOB_QUEUED, PB_JOB_RUNS, PB_JOB_DONE } state;
};

struct pb_crew *pb_crew_new(size_t threads);
void pb_crew_start(struct pb_crew *c, struct pb_crew_job *job);
void pb_crew_wait(struct pb_crew *c, struct pb_crew_job *job);
void pb_crew_free(struct pb_crew *c);

#endif
