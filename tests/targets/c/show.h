/* SPDX-License-Identifier: MIT */
/*
 * Prints the result of an expression and the errno it left, one line each. The programs that use it
 * must print the same with and without the library.
 */
#ifndef OVERSTAY_TEST_SHOW_H
#define OVERSTAY_TEST_SHOW_H

#include <errno.h>
#include <stdio.h>

/* errno starts from an unusual value: a call that succeeds must leave it. */
#define SHOW(expression)                                                                           \
	do {                                                                                       \
		errno = EXDEV;                                                                     \
		long shown = (long)(expression);                                                   \
		int shown_errno = errno;                                                           \
		printf("%s = %ld, errno %d\n", #expression, shown, shown_errno);                   \
	} while (0)

/* For results that differ from run to run: descriptors, pointers, process ids. */
#define SHOW_GOOD(expression) SHOW((expression) > 0)

#endif
