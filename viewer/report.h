/* SPDX-License-Identifier: MIT */
/* What a recording amounts to: findings, and for each process what was watched and what was not. */
#ifndef OVERSTAY_REPORT_H
#define OVERSTAY_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

#include "finding.h"
#include "load.h"

struct process_report {
	const struct trace *trace;
	char **blind_spots; /* the trace's own, then those that showed in the viewer */
	size_t blind_spot_count, blind_spot_capacity;
	char *hint; /* how to see more, or NULL */
};

struct report {
	struct process_report *processes;
	size_t process_count;
	struct finding_list findings; /* sorted, longest total first */
	size_t watched_count;         /* processes whose engine worked, see model_was_watched */
};

/*
 * Symbolises the recording's traces where they are not yet, and judges them. The recording must
 * live as long as the report. Free with report_fini.
 */
void report_build(struct recording *recording, struct report *ret_report);
void report_fini(struct report *report);

/*
 * Why a process could not be judged ("no async runtime was recognised in it", ...), in `text`;
 * returns `text`.
 */
#define REPORT_REASON_SIZE 256
const char *report_unwatched_reason(const struct trace *trace, char text[REPORT_REASON_SIZE]);

/* Writes the report for people. `colour` allows escape sequences. */
void report_text(const struct report *report, FILE *out, bool colour);

/* Writes one finding the way report_text does; `out` and `colour` likewise. */
void report_text_finding(const struct finding *finding, FILE *out, bool colour);

/* "2 blocking-call, 1 lock-wait": how many findings there are of each kind. */
void report_text_kinds(const struct finding_list *findings, FILE *out);

/* "read() at app::load (src/main.rs:12)": one finding in half a line. */
void report_text_place(const struct finding *finding, FILE *out);

/* Writes "overstay-report/1". Returns 0, or -EIO when it could not be written. */
int report_json(const struct report *report, FILE *out);

/* One finding as in "overstay-report/1"; a new reference. */
json_t *report_json_finding(const struct finding *finding);

#endif
