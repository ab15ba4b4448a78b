/* SPDX-License-Identifier: MIT */
/* Printing of names and stacks. */
#include "text_out.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "duration.h"
#include "function_name.h"
#include "owner.h"
#include "source_path.h"

/* Lines of one stack; more is for the JSON report. */
#define STACK_LINES_MAX 14

/* Columns for function names before their source positions. */
#define FUNCTION_WIDTH 48

#define FOLD_LABELS_MAX 4

struct text_style text_style(bool colour)
{
	static const struct text_style plain = {"", "", "", ""};
	static const struct text_style coloured = {"\033[1m", "\033[1;31m", "\033[2m", "\033[0m"};

	return colour ? coloured : plain;
}

void text_put(FILE *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		fputc(c < 0x20 || c == 0x7f ? '?' : c, out);
	}
}

void text_put_times(FILE *out, const struct usage *usage, const struct text_style *style)
{
	char max[DURATION_TEXT_SIZE], total[DURATION_TEXT_SIZE];

	duration_format(usage->max_ns, max);
	duration_format(usage->total_ns, total);
	if (usage->count <= 1)
		fprintf(out, "for %s%s%s", style->strong, max, style->reset);
	else
		fprintf(out, "%" PRIu64 " times, for up to %s%s%s, %s in all", usage->count,
			style->strong, max, style->reset, total);
}

void text_put_function(FILE *out, const char *function)
{
	char path[FUNCTION_PATH_SIZE];

	function_path(function, path);
	text_put(out, *path ? path : function);
}

/* `file` as seen from the working directory, when it lies below. */
static const char *file_relative(const char *file)
{
	static char directory[PATH_MAX];
	size_t length;

	if (!*directory && !getcwd(directory, sizeof(directory)))
		return file;
	length = strlen(directory);
	if (strncmp(file, directory, length) == 0 && file[length] == '/' && length > 1)
		return file + length + 1;
	return file;
}

void text_put_source(FILE *out, const struct frame *frame)
{
	const char *file = frame->file;

	if (!file)
		return;
	text_put(out, file_relative(source_path_short(file)));
	if (frame->line)
		fprintf(out, ":%d", frame->line);
}

/* A run of frames that are nobody's answer. */
struct fold {
	size_t count, label_count;
	char labels[FOLD_LABELS_MAX][OWNER_LABEL_SIZE];
	bool more_labels;
};

static void fold_add(struct fold *fold, const char *label)
{
	size_t i;

	fold->count++;
	for (i = 0; i < fold->label_count; i++)
		if (strcmp(fold->labels[i], label) == 0)
			return;
	if (fold->label_count < FOLD_LABELS_MAX)
		strcpy(fold->labels[fold->label_count++], label);
	else
		fold->more_labels = true;
}

static void fold_flush(FILE *out, struct fold *fold, const struct text_style *style,
		       const char *indent)
{
	size_t i;

	if (!fold->count)
		return;
	fprintf(out, "%s%s(%zu frame%s in ", indent, style->dim, fold->count,
		fold->count == 1 ? "" : "s");
	for (i = 0; i < fold->label_count; i++) {
		fputs(i ? ", " : "", out);
		text_put(out, fold->labels[i]);
	}
	fprintf(out, "%s)%s\n", fold->more_labels ? ", ..." : "", style->reset);
	*fold = (struct fold){0};
}

bool text_frame_is_nameless(const struct frame *frame)
{
	char path[FUNCTION_PATH_SIZE];

	function_stable_path(frame->function, path);
	return frame->file && strcmp(path, "{{closure}}") == 0;
}

void text_put_place(FILE *out, const struct frame *frame)
{
	if (text_frame_is_nameless(frame)) {
		fputs("closure in ", out);
		text_put_source(out, frame);
		return;
	}
	text_put_function(out, frame->function);
	if (frame->file) {
		fputs(" at ", out);
		text_put_source(out, frame);
	}
}

static void frame_put(FILE *out, const struct frame *frame, const char *indent)
{
	char path[FUNCTION_PATH_SIZE];

	fputs(indent, out);
	function_path(text_frame_is_nameless(frame) ? "closure" : frame->function, path);
	text_put(out, path);
	if (frame->file) {
		int gap = FUNCTION_WIDTH - (int)strlen(path);

		fprintf(out, "%*s", gap > 2 ? gap : 2, "");
		text_put_source(out, frame);
	}
	fputc('\n', out);
}

static void blind_frame_put(FILE *out, const struct frame *frame, const char *label,
			    const char *indent)
{
	fputs(indent, out);
	text_put(out, label);
	fprintf(out, "+0x%llx\n", (unsigned long long)frame->offset);
}

/* Frames that get a line of their own; the program's own always do. */
static bool frame_is_shown(const struct finding *finding, size_t index, size_t lines)
{
	const struct frame *frame = &finding->stack->frames[index];
	enum owner owner = owner_of(frame, NULL);

	if (index >= finding->boundary && finding->context != VERDICT_BLOCK_ON)
		return false;
	if (owner_is_own(frame, finding->exe))
		return true;
	if (lines >= STACK_LINES_MAX)
		return false;
	return owner == OWNER_UNKNOWN || (owner == OWNER_APPLICATION && !finding->own);
}

void text_put_stack(FILE *out, const struct finding *finding, const struct text_style *style,
		    const char *indent)
{
	const struct stack *stack = finding->stack;
	struct fold fold = {0};
	char label[OWNER_LABEL_SIZE];
	size_t i, lines = 0;

	for (i = 0; stack && i < stack->frame_count; i++) {
		const struct frame *frame = &stack->frames[i];

		owner_package(frame, label);
		if (!frame_is_shown(finding, i, lines)) {
			fold_add(&fold, label);
			continue;
		}
		fold_flush(out, &fold, style, indent);
		if (frame->function)
			frame_put(out, frame, indent);
		else
			blind_frame_put(out, frame, label, indent);
		lines++;
	}
	fold_flush(out, &fold, style, indent);
}

bool text_stack_is_telling(const struct finding *finding)
{
	return finding->stack && finding->stack->frame_count > 0;
}
