/*
 * Forks in FORKS threads at once that get no processor, since BURNERS others take all of it: what
 * has had leave to fork is for long neither a process nor forgotten.
 *
 *	idlefork FORKS BURNERS
 *
 * The children live as long as it does, six seconds. Exits with 0 once all have been made.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST = 200, SECONDS = 6, STACK = 1 << 16 };

static pthread_barrier_t all;
static pid_t threads[MOST];
static atomic_bool burning, over;
static atomic_int made;

static void *forks(void *at)
{
    pid_t pid;

    *(pid_t *)at = (pid_t)syscall(SYS_gettid);
    pthread_barrier_wait(&all);
    pid = (pid_t)syscall(SYS_fork);
    if (pid == 0) {
        sleep(SECONDS + 2);
        _exit(0);
    }
    atomic_fetch_add(&made, pid > 0);
    return NULL;
}

static void *burns(void *none)
{
    while (!atomic_load(&burning))
        usleep(1000);
    while (!atomic_load(&over))
        ;
    return none;
}

static void start(void *(*what)(void *), void *at)
{
    pthread_attr_t attr;
    pthread_t t;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    if (pthread_create(&t, &attr, what, at)) {
        fprintf(stderr, "idlefork: no thread\n");
        exit(3);
    }
}

int main(int argc, char **argv)
{
    const struct sched_param none = {0};
    int n = argc == 3 ? (int)strtol(argv[1], NULL, 10) : 0;

    if (n < 1 || n > MOST)
        return 64;
    pthread_barrier_init(&all, NULL, (unsigned)n + 1);
    for (int i = 0; i < n; i++)
        start(forks, &threads[i]);
    for (long i = strtol(argv[2], NULL, 10); i > 0; i--)
        start(burns, NULL);
    usleep(200000);
    atomic_store(&burning, true);
    pthread_barrier_wait(&all);
    usleep(300);
    for (int i = 0; i < n; i++)
        sched_setscheduler(threads[i], SCHED_IDLE, &none);
    sleep(SECONDS);
    atomic_store(&over, true);
    sleep(1);
    return atomic_load(&made) == n ? 0 : 1;
}
