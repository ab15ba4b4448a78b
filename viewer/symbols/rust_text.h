/* SPDX-License-Identifier: MIT */
/*
 * Brackets and spelling in the text of Rust names; knows nothing of mangling.
 */
#ifndef OVERSTAY_SYMBOLS_RUST_TEXT_H
#define OVERSTAY_SYMBOLS_RUST_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Text as legacy mangling would print it: "{{closure}}" without an index, "a<B>" for "a::<B>", no
 * blanks after commas, "a::B<C>::f" for "<a::B<C>>::f". With `function` the generic arguments of
 * the outermost path go, except those of drop glue. Malloc'd.
 */
char *rust_text_convert(const char *text, bool function);

/* The '<' whose group ends the text, or NULL. */
const char *rust_text_last_group(const char *text);

/* Length of the generic argument at `text`, up to its comma or closing bracket. */
size_t rust_text_argument_length(const char *text);

#endif
