/* SPDX-License-Identifier: MIT */
/* Pieces of the text report: colours, foreign text, stacks with their plumbing folded away. */
#ifndef OVERSTAY_TEXT_OUT_H
#define OVERSTAY_TEXT_OUT_H

#include <stdbool.h>
#include <stdio.h>

#include "finding.h"

/* Escape sequences, or empty strings. */
struct text_style {
	const char *bold, *strong, *dim, *reset;
};

struct text_style text_style(bool colour);

/* Writes `text` with control characters replaced: names come from files that anyone may have made.
 */
void text_put(FILE *out, const char *text);

/* "for 350 ms", or "4 times, for up to 350 ms, 1.20 s in all". */
void text_put_times(FILE *out, const struct usage *usage, const struct text_style *style);

/* Writes a function's name without generic arguments. */
void text_put_function(FILE *out, const char *function);

/*
 * "src/main.rs:12", or what is known of it; nothing when the frame has no file. Files below the
 * working directory are written relative to it, those of libraries as source_path_short does.
 */
void text_put_source(FILE *out, const struct frame *frame);

/*
 * True for an inlined closure of which the file names nothing: without types, debug information
 * says only "{{closure}}". The frame must have a function.
 */
bool text_frame_is_nameless(const struct frame *frame);

/*
 * "app::load at src/main.rs:12", or "closure in src/main.rs:19" when the closure has no other name.
 * The frame must have a function.
 */
void text_put_place(FILE *out, const struct frame *frame);

/*
 * Writes the finding's stack, one frame of the program's own code per line after `indent` (or, when
 * it has none, one application frame), runs of other frames as "(3 frames in std)".
 */
void text_put_stack(FILE *out, const struct finding *finding, const struct text_style *style,
		    const char *indent);

/* True when text_put_stack would say more than the finding's `where`. */
bool text_stack_is_telling(const struct finding *finding);

#endif
