/*
 * posttry: src/post as a program, for the tests of tests/live, which put a host's API before it.
 * Reads one JSON document from stdin and prints a line of JSON for each thing that it posts:
 * {"ok": true}, or {"error": message, "class": number}.
 *
 *	{"asked": {"host": ..., "api": ..., "repo": ..., "change": ..., "commit": ..., "name": ...,
 *		   "timeout_ms": N},
 *	 "do": [{"status": text, "state": "failure", "commit": ...}, {"comment": body},
 *		{"issues": [{"key", "finding", "title", "body", "digest", "well"}]}]}
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/json.h"
#include "post/post.h"

static int say(int rc, const struct pb_err *err)
{
    PB_AUTO(buf) struct pb_buf b = PB_BUF_INIT;

    if (rc == 0) {
        puts("{\"ok\": true}");
        return 0;
    }
    pb_json_add_string(&b, err->msg, strlen(err->msg));
    printf("{\"error\": %s, \"class\": %d}\n", b.s, (int)err->cls);
    return 0;
}

static int place_of(const char *const *words, const char *word)
{
    for (int i = 0; words[i] != NULL; i++)
        if (pb_streq(words[i], word))
            return i;
    return 0;
}

static int post_issues(struct pb_post *p, const struct pb_value *list, struct pb_err *err)
{
    static const char *const findings[] = {"unknown", "clean", "wrong", NULL};
    size_t n = pb_len(list);
    struct pb_post_issue *issues = pb_calloc(n + 1, sizeof(*issues));
    int rc;

    for (size_t i = 0; i < n; i++) {
        const struct pb_value *v = pb_at(list, i);

        issues[i] = (struct pb_post_issue){
            .key = pb_get_str(v, "key"),
            .finding = (enum pb_post_finding)place_of(findings, pb_get_str(v, "finding")),
            .title = pb_get_str(v, "title"),
            .body = pb_get_str(v, "body"),
            .digest = pb_get_str(v, "digest"),
            .well = pb_get_str(v, "well")};
    }
    rc = pb_post_issues(p, issues, n, err);
    free(issues);
    return rc;
}

static int post_one(struct pb_post *p, const struct pb_value *what, struct pb_err *err)
{
    static const char *const states[] = {"success", "failure", "error", "pending", NULL};
    struct pb_post_status status = {
        .state = (enum pb_post_state)place_of(states, pb_get_str(what, "state")),
        .text = pb_get_str(what, "status"),
        .commit = pb_get_str(what, "commit"),
        .sure = pb_get_bool(what, "sure", false)};

    if (status.text != NULL)
        return pb_post_status(p, &status, err);
    if (pb_get_str(what, "comment") != NULL)
        return pb_post_comment(p, pb_get_str(what, "comment"), err);
    return post_issues(p, pb_get(what, "issues"), err);
}

int main(void)
{
    PB_AUTO(arena) struct pb_arena *a = pb_arena_new();
    const struct pb_value *doc = NULL, *asked;
    struct pb_err err = PB_ERR_INIT;
    struct pb_post_asked place;
    struct pb_post *p;
    int64_t timeout = 0;

    if (pb_json_read(&doc, a, "/dev/stdin", 64 << 20, &err) < 0) {
        fprintf(stderr, "posttry: %s\n", err.msg);
        return 2;
    }
    asked = pb_get(doc, "asked");
    pb_get_int(&timeout, asked, "timeout_ms");
    place = (struct pb_post_asked){.host = pb_get_str(asked, "host"),
                                   .api = pb_get_str(asked, "api"),
                                   .repo = pb_get_str(asked, "repo"),
                                   .change = pb_get_str(asked, "change"),
                                   .commit = pb_get_str(asked, "commit"),
                                   .name = pb_get_str(asked, "name"),
                                   .timeout_ms = (long)timeout};
    if (pb_post_new(&p, &place, &err) < 0)
        return say(-1, &err);
    for (size_t i = 0; i < pb_len(pb_get(doc, "do")); i++) {
        err = (struct pb_err)PB_ERR_INIT;
        say(post_one(p, pb_at(pb_get(doc, "do"), i), &err), &err);
        fflush(stdout);
    }
    pb_post_free(p);
    return 0;
}
