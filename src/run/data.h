/*
 * data.h: those of the tables that are shipped with plumb (base/data.h) that the audit needs.
 */
#ifndef PB_RUN_DATA_H
#define PB_RUN_DATA_H

#include "base/err.h"
#include "model/value.h"
#include "reconcile/echo.h"

/* Parses a shipped YAML file into the arena. */
int pb_data_read(const struct pb_value **out, struct pb_arena *a, const char *name,
                 struct pb_err *err);

int pb_data_echoes(const struct pb_echo_set **out, struct pb_arena *a, struct pb_err *err);

/* Why a type exists only in the state (schemas/local-types.yaml), or NULL: it does not. */
const char *pb_data_local_type(const struct pb_value *table, const char *type);

#endif
