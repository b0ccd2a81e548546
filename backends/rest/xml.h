/*
 * xml.h: XML replies as values, on expat.
 *
 * Element -> map, repeated element -> list, element with text alone -> string, empty
 * element -> "", attribute -> "@name" (xmlns left out), text beside attributes -> "#text";
 * a document that is only text is {"#text": ...}. Text between elements is dropped.
 * A document type declaration is refused, and with it every entity; so are more than
 * PB_XML_DEPTH levels, PB_XML_ELEMENTS elements and NUL bytes.
 */
#ifndef PB_BACKENDS_REST_XML_H
#define PB_BACKENDS_REST_XML_H

#include "base/err.h"
#include "model/value.h"

enum { PB_XML_DEPTH = 64, PB_XML_ELEMENTS = 1000000 };

/* *out is the content of the root element, *root its name. */
int pb_xml_parse(const struct pb_value **out, const char **root, struct pb_arena *a,
                 const char *text, size_t n, const char *what, struct pb_err *err);

#endif
