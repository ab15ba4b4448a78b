/* SPDX-License-Identifier: MIT */
/* Runs a command as if this program were not there: signals, job control, exit status. */
#ifndef OVERSTAY_CHILD_H
#define OVERSTAY_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* One variable that the child's environment has beside the inherited ones. */
struct child_variable {
	const char *name, *value; /* `value` NULL leaves the variable as it is */
};

struct child_end {
	pid_t pid;
	int signal; /* that killed it, or 0 */
	int status; /* exit status when `signal` is 0 */
	bool timed_out;
};

/*
 * Starts argv[0] (found as execvp does) in this process group and terminal, with `variables` (ended
 * by a NULL name) set in its environment, and waits for its end. Meanwhile signals sent to this
 * process go to the child, those that the terminal sends to both are left to the child, and the
 * child's stops stop this process, too. After `timeout_ns` (0: never) the child gets SIGTERM, two
 * seconds later SIGKILL. To be called once, while the process has a single thread. Returns 0, or
 * the -errno of fork or exec when nothing ran.
 */
int child_run(char *const *argv, const struct child_variable *variables, uint64_t timeout_ns,
	      struct child_end *ret_end);

#endif
