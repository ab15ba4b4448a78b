/* SPDX-License-Identifier: MIT */
/* One line per detector; private to finding.c and the detectors. */
#ifndef OVERSTAY_FINDINGS_H
#define OVERSTAY_FINDINGS_H

#include "viewer/finding.h"

extern const struct detector detector_blocking_call;
extern const struct detector detector_lock_wait;
extern const struct detector detector_long_poll;
extern const struct detector detector_stall;

#endif
