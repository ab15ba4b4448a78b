/* SPDX-License-Identifier: MIT */
/* What makes a finding the same one: a number that survives a rebuild of the program. */
#ifndef OVERSTAY_FINDING_ID_H
#define OVERSTAY_FINDING_ID_H

#include "finding.h"

/*
 * From kind, operation and application functions. `lines`: a closure that has no other name is told
 * apart by its line.
 */
uint64_t finding_id(const struct finding *finding, bool lines);

#endif
