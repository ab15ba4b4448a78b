/* SPDX-License-Identifier: MIT */
/* The verdict on a recording: clean, findings, or could not judge. */
#ifndef OVERSTAY_GATE_H
#define OVERSTAY_GATE_H

#include <stdio.h>

#include "command.h"
#include "limits.h"
#include "report.h"

struct gate {
	enum exit_status status; /* EXIT_CLEAN, EXIT_FINDINGS or EXIT_UNJUDGED */
	char *reason;            /* one sentence, for every status */
	const char *path;
	const struct recording *recording;
	struct limits limits;
	struct report report;
	size_t failing; /* findings over the limits */
};

/*
 * Judges with the default limits. `recording` and `path` must live as long as the gate. A trace
 * that cannot be read makes the verdict EXIT_UNJUDGED, whatever the others show. Free with
 * gate_fini.
 */
void gate_judge(struct recording *recording, const char *path, struct gate *ret_gate);
void gate_fini(struct gate *gate);

/* The verdict for people: findings and a sentence to `out`, what could not be judged to `err`. */
void gate_text(const struct gate *gate, FILE *out, FILE *err);

/* The verdict for programs, "overstay-check/1". */
void gate_json(const struct gate *gate, FILE *out);

#endif
