/*
 * process.h: a provider as a process: started with go-plugin's handshake, its output drained
 * into bounded memory, and always ended.
 *
 *	struct pb_plugin *p;
 *	if (pb_plugin_start(&p, &spec, err)) ...
 *	while (pb_plugin_state(p) == PB_PLUGIN_STARTING) {
 *	    poll pb_plugin_fds(p);
 *	    pb_plugin_work(p);
 *	}
 *	... pb_plugin_socket(p), pb_plugin_protocol(p) ...
 *	pb_plugin_end(p);	// whatever its state is; frees it
 *
 * It gets a session of its own and dies with the thread that started it. What it prints is never
 * stored in a file: providers print secrets.
 */
#ifndef PB_PLUGIN_PROCESS_H
#define PB_PLUGIN_PROCESS_H

#include <poll.h>

#include "base/buf.h"
#include "base/err.h"

struct pb_plugin;

enum pb_plugin_state { PB_PLUGIN_STARTING, PB_PLUGIN_READY, PB_PLUGIN_FAILED };

struct pb_plugin_spec {
    const char *path;  /* of the binary */
    const char *name;  /* "aws": silences what it would log */
    char *const *env;  /* what it may know; the handshake's own variables are added */
    bool tools_env;    /* env is that of the tool it is started for: TF_ stays in it */
    const char *dir;   /* private: its socket and temporary files; must exist */
    const char *cwd;   /* where it runs: some resources are relative paths; NULL: dir */
    long handshake_ms; /* how long it may take to say where its socket is */
};

/* A private folder for the socket, whose whole path has to fit into 107 bytes: `wish`, or where
 * that is too deep down one directly below /tmp. The caller's to free, and to remove. */
int pb_plugin_dir(char **out, const char *wish, struct pb_err *err);

int pb_plugin_start(struct pb_plugin **out, const struct pb_plugin_spec *spec, struct pb_err *err);

enum pb_plugin_state pb_plugin_state(const struct pb_plugin *p);
const char *pb_plugin_problem(const struct pb_plugin *p); /* when it failed; for people */
const char *pb_plugin_socket(const struct pb_plugin *p);  /* once ready */
int pb_plugin_protocol(const struct pb_plugin *p);        /* once ready: 5 or 6 */
pid_t pb_plugin_pid(const struct pb_plugin *p);
int64_t pb_plugin_deadline(const struct pb_plugin *p); /* of the handshake; INT64_MAX: none */
int pb_plugin_fds(const struct pb_plugin *p, struct pollfd out[2]); /* how many */
void pb_plugin_work(struct pb_plugin *p);

/* The last it wrote to stderr, to be shown (redacted) when something went wrong; also what came
 * by GRPCStdio. */
void pb_plugin_said(struct pb_plugin *p, const void *text, size_t n);
/* The line that says most: of a panic its first, else the last. Empty: it said nothing. */
void pb_plugin_last_words(const struct pb_plugin *p, struct pb_buf *out);
/* "killed by signal 9", "exit code 1", or NULL while it runs. Valid until the next call. */
const char *pb_plugin_fate(struct pb_plugin *p);

/* Waits a moment for it to end by itself when `asked`, then ends it. Frees p. NULL is fine. */
void pb_plugin_end(struct pb_plugin *p, bool asked);

#endif
