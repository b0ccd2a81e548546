/*
 * number.h: decimal numbers of any size as text, compared and normalised without loss.
 */
#ifndef PB_MODEL_NUMBER_H
#define PB_MODEL_NUMBER_H

#include "base/buf.h"

/* Exponents with more digits than this are refused by the parsers, so that arithmetic on
 * exponents cannot overflow. */
enum { PB_NUMBER_EXP_DIGITS = 9 };

/* Whether `s` is a number as JSON writes it, with an exponent that is not beyond reason. */
bool pb_number_valid(const char *s, size_t n);

/* One spelling for each value: "1e2" and "100.0" are both "100". */
void pb_number_add_canonical(struct pb_buf *b, const char *digits);

#endif
