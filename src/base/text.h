/*
 * text.h: small questions about strings, and making outside text safe to show.
 */
#ifndef PB_BASE_TEXT_H
#define PB_BASE_TEXT_H

#include "base/buf.h"

bool pb_starts_with(const char *s, const char *prefix);
bool pb_ends_with(const char *s, const char *suffix);
bool pb_streq(const char *a, const char *b); /* NULL equals NULL only */
/* Whether a NULL-terminated list has that name; either may be NULL. */
bool pb_is_among(const char *s, const char *const *list);

/* Appends `s` with C0, C1 and DEL controls, invalid UTF-8 and bidirectional overrides
 * replaced by visible \x.. or \u.... escapes: values come from provider APIs and must not
 * drive a terminal. Newline and tab become \n and \t. */
void pb_text_add_safe(struct pb_buf *b, const char *s, size_t n);

/* Display width in columns of valid UTF-8 (wcwidth without a locale is not enough). */
size_t pb_text_width(const char *s);

/* The nearest of the given words by edit distance, or else the only one that begins so; NULL when
 * none is near. */
const char *pb_text_nearest(const char *word, const char *const *words, size_t n);

/* Where that line begins, counted from 1; NULL when there are fewer. */
const char *pb_text_line(const char *s, unsigned line);
/* Whether `text` has these n bytes as whole lines, one behind the other. */
bool pb_text_has_lines(const char *text, const char *lines, size_t n);

bool pb_utf8_valid(const char *s, size_t n);

/* Writes "(sensitive)" wherever the secret stands; what has less than four bytes is no secret. */
void pb_text_take_out(struct pb_buf *b, const char *secret);

#endif
