/* SPDX-License-Identifier: MIT */
/* Frames and stacks as JSON. */
#include "report_json_parts.h"

#include "json_text.h"

json_t *number_if(bool known, uint64_t number)
{
	return known ? json_integer((json_int_t)number) : json_null();
}

json_t *frame_json(const struct frame *frame)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:b}", "function",
			 json_text_or_null(frame->function), "file", json_text_or_null(frame->file),
			 "line", number_if(frame->line != 0, frame->line), "module",
			 json_text_or_null(frame->module ? frame->module->path : NULL), "offset",
			 number_if(frame->offset != 0, frame->offset), "inlined", frame->inlined);
}

json_t *stack_json(const struct stack *stack)
{
	json_t *frames = json_array();
	size_t i;

	for (i = 0; stack && i < stack->frame_count; i++)
		json_array_append_new(frames, frame_json(&stack->frames[i]));
	return frames;
}
