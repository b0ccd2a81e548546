/* escape.h: text into HTML, XML and Markdown. Internal to report. */
#ifndef PB_REPORT_ESCAPE_H
#define PB_REPORT_ESCAPE_H

#include "base/buf.h"

/* For content and for attributes in double quotes; what XML 1.0 has no place for is a visible
 * escape. */
void pb_add_xml(struct pb_buf *b, const char *s);

/*
 * A line of prose into a block of HTML within Markdown. GitHub, GitLab and Gitea look for
 * mentions (@a), references (#1, !1, GH-1, a/b#1, commits) and links in every text that is not in
 * <code>; so words that are not just a word go into <code>, where all three leave them alone. In
 * such a block nothing is Markdown, as long as no line in it is empty.
 */
void pb_add_prose(struct pb_buf *b, const char *s);
/* The whole of it as <code>. */
void pb_add_code(struct pb_buf *b, const char *s);

/* A path as a relative URI: what is none of unreserved or '/' is %XX. */
void pb_add_uri_path(struct pb_buf *b, const char *path);

/* Whether it is a link that a reader may follow: http or https, and nothing odd in it. */
bool pb_is_web_link(const char *s);

#endif
