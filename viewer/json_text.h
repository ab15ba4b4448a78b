/* SPDX-License-Identifier: MIT */
/* Strings for JSON output that need not be valid UTF-8, such as paths and names from files. */
#ifndef OVERSTAY_JSON_TEXT_H
#define OVERSTAY_JSON_TEXT_H

#include <jansson.h>

/* A new JSON string; bytes that are no UTF-8 become U+FFFD. */
json_t *json_text(const char *text);

/* The same; a JSON null for NULL. */
json_t *json_text_or_null(const char *text);

#endif
