/* SPDX-License-Identifier: MIT */
/* What the report for people says of locks; private to report_finding. */
#ifndef OVERSTAY_REPORT_LOCK_H
#define OVERSTAY_REPORT_LOCK_H

#include <stdio.h>

#include "finding.h"
#include "text_out.h"

/* "std::sync::Mutex", "dashmap shard (read)"; "lock" for NULL. */
void lock_put_type(const char *type, FILE *out);

/* "held a std::sync::Mutex across an .await 3 times, for up to 301 ms, 902 ms in all". */
void lock_put_held(const struct finding *finding, const struct text_style *style, FILE *out);

/* "deadlock: 2 tasks have waited for one another's locks for 4.90 s". */
void lock_put_deadlock(const struct finding *finding, const struct text_style *style, FILE *out);

/*
 * Lines of their own, each after `indent`: where the lock was acquired and who waited for it, or
 * who held it, or the links of a deadlock. Nothing for findings without a lock.
 */
void lock_put_particulars(const struct finding *finding, const char *indent, FILE *out);

/* What to do about it, in a line; nothing for other kinds. */
void lock_put_help(const struct finding *finding, const char *indent, FILE *out);

#endif
