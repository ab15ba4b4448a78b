/* SPDX-License-Identifier: MIT */
/* Pieces of "overstay-report/1", each a new reference; private to report_json. */
#ifndef OVERSTAY_REPORT_JSON_PARTS_H
#define OVERSTAY_REPORT_JSON_PARTS_H

#include <jansson.h>

#include "finding.h"

/* A JSON null unless `known`. */
json_t *number_if(bool known, uint64_t number);

json_t *frame_json(const struct frame *frame);

/* An array of frames, empty for NULL. */
json_t *stack_json(const struct stack *stack);

/* `lock` of a finding, null when nothing is known of one. */
json_t *lock_json(const struct finding_lock *lock);

/* `cycle` of a finding, null for NULL. */
json_t *cycle_json(const struct deadlock *deadlock);

/* `locks` of a process's coverage. */
json_t *lock_coverage_json(const struct trace *trace);

#endif
