/*
 * values.h: what nearly every unit test begins with: cmocka, an arena for the case, and values
 * written as JSON. `arena_setup` and `arena_teardown` go to cmocka_unit_test_setup_teardown()
 * and leave the arena in *state.
 */
#ifndef PB_TESTS_VALUES_H
#define PB_TESTS_VALUES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/value.h"

int arena_setup(void **state);
int arena_teardown(void **state);

/* The value that `text` says, in `a`; the case fails if it is not JSON. */
const struct pb_value *json(struct pb_arena *a, const char *text);
/* The same with ' for ", and the marks of unknown and sealed values understood; NULL for NULL. */
const struct pb_value *json_marked(struct pb_arena *a, const char *text);
/* The JSON of a value, in `a`. */
const char *json_text(struct pb_arena *a, const struct pb_value *v);
void assert_json(const struct pb_value *v, const char *want);

#endif
