/*
 * post.h: what --post and the options beside it ask for, for the commands that have them.
 *
 *	struct pb_cmd_post p;
 *	code = pb_cmd_post_open(&p, args);		// before the work: wrong options end it
 *	if (code)
 *	    return code;
 *	... the work ...
 *	pb_cmd_post_result(&p, &result);		// the status and the comment
 *	pb_cmd_post_issues(&p, &audit);
 *	pb_cmd_post_close(&p);
 *
 * What cannot be posted is a warning on stderr: the exit code is that of the work.
 */
#ifndef PB_CMD_POST_H
#define PB_CMD_POST_H

#include "cmd/audit.h"
#include "post/post.h"

struct pb_cmd_post {
    const struct pb_args *args;
    bool status, comment, issues; /* what is asked for */
    struct pb_post_asked asked;
    char *name;
    struct pb_post *post; /* NULL: nothing is asked for, or nothing can be posted */
};

/* 0, or the exit code for wrong options, with a message. To be closed in any case. */
int pb_cmd_post_open(struct pb_cmd_post *out, const struct pb_args *args);
void pb_cmd_post_close(struct pb_cmd_post *p);

struct pb_cmd_post_result {
    enum pb_post_state state;
    const char *text;        /* one line for the status */
    const char *commit;      /* where neither options nor CI name one */
    bool sure;               /* the command line names it, so CI has no say */
    pb_cmd_report_fn *write; /* the comment */
    const void *what;
};
/* Of what would change something: that it would is no failure; that it is refused is. */
enum pb_post_state pb_cmd_post_of_change(enum pb_exit code);
void pb_cmd_post_result(struct pb_cmd_post *p, const struct pb_cmd_post_result *r);
/* The status alone, of work that failed as a whole with this exit code: nobody waits for it. */
void pb_cmd_post_failure(struct pb_cmd_post *p, int code);

/* A report as it stands in a comment or an issue. */
void pb_cmd_post_markdown(struct pb_buf *b, const struct pb_cmd_post *p, pb_cmd_report_fn *write,
                          const void *what);

/* An issue for each unit of the audit that is not what Git says. */
void pb_cmd_post_issues(struct pb_cmd_post *p, const struct pb_audit *a);

#endif
