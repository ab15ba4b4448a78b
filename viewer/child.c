/* SPDX-License-Identifier: MIT */
/* Fork, exec, and a loop that only waits for signals. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KILL_DELAY_NS (2ull * 1000 * 1000 * 1000)
#define NS_PER_S      1000000000ull

/* All that can be sent to a program with a meaning of its own. */
static const int relayed_signals[] = {
	SIGHUP,  SIGINT,   SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,   SIGALRM, SIGCONT,
	SIGTSTP, SIGWINCH, SIGIO,   SIGPWR,  SIGURG,  SIGVTALRM, SIGPROF,
};

struct watch {
	pid_t pid;
	sigset_t signals;
	uint64_t deadline_ns; /* 0: none */
	bool termed;          /* SIGTERM was sent by us; the deadline is that of SIGKILL */
	bool timed_out;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void signals_collect(sigset_t *ret_signals)
{
	size_t i;

	sigemptyset(ret_signals);
	sigaddset(ret_signals, SIGCHLD);
	for (i = 0; i < sizeof(relayed_signals) / sizeof(relayed_signals[0]); i++)
		sigaddset(ret_signals, relayed_signals[i]);
}

/* What this process was started with and changed for itself. */
struct inherited {
	sigset_t mask;
	struct sigaction chld;
};

__attribute__((noreturn)) static void child_exec(char *const *argv,
						 const struct child_variable *variables,
						 const struct inherited *inherited, int error_fd)
{
	int error = 0;

	for (; variables->name; variables++)
		if (variables->value && setenv(variables->name, variables->value, 1) < 0)
			error = errno;
	if (!error) {
		sigaction(SIGCHLD, &inherited->chld, NULL);
		sigprocmask(SIG_SETMASK, &inherited->mask, NULL);
		execvp(argv[0], argv);
		error = errno;
	}
	while (write(error_fd, &error, sizeof(error)) < 0 && errno == EINTR)
		;
	_exit(127);
}

/* 0 when the child has started its program, else the -errno with which it could not. */
static int child_started(pid_t pid, int error_fd)
{
	int error = 0;
	ssize_t got;

	do {
		got = read(error_fd, &error, sizeof(error));
	} while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof(error))
		return 0;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return -error;
}

static int child_start(char *const *argv, const struct child_variable *variables,
		       const struct inherited *inherited, pid_t *ret_pid)
{
	int pipe_fds[2], r;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid < 0) {
		r = -errno;
		close(pipe_fds[0]);
		close(pipe_fds[1]);
		return r;
	}
	if (pid == 0)
		child_exec(argv, variables, inherited, pipe_fds[1]);
	close(pipe_fds[1]);
	r = child_started(pid, pipe_fds[0]);
	close(pipe_fds[0]);
	*ret_pid = pid;
	return r;
}

/*
 * Returns true when the child has ended. When job control stopped it, stops this process as well,
 * so that a shell sees the job stopped; the SIGCONT that continues this process is relayed. A plain
 * SIGSTOP is someone's business with the child alone.
 */
static bool child_poll(struct watch *watch, struct child_end *end)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(watch->pid, &status, WNOHANG | WUNTRACED)) > 0) {
		if (WIFSTOPPED(status)) {
			if (WSTOPSIG(status) != SIGSTOP)
				raise(SIGSTOP);
			continue;
		}
		end->pid = watch->pid;
		end->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
		end->status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
		end->timed_out = watch->timed_out;
		return true;
	}
	return false;
}

static void deadline_handle(struct watch *watch)
{
	if (!watch->deadline_ns || now_ns() < watch->deadline_ns)
		return;
	watch->timed_out = true;
	kill(watch->pid, watch->termed ? SIGKILL : SIGTERM);
	kill(watch->pid, SIGCONT);
	watch->deadline_ns = watch->termed ? 0 : now_ns() + KILL_DELAY_NS;
	watch->termed = true;
}

/* The terminal's signals reach the child by themselves; those of other processes came to us only.
 */
static void signal_relay(const struct watch *watch, const siginfo_t *info)
{
	if (info->si_signo != SIGCHLD && info->si_code <= 0 && info->si_pid != watch->pid)
		kill(watch->pid, info->si_signo);
}

static void child_wait(struct watch *watch, struct child_end *end)
{
	while (!child_poll(watch, end)) {
		struct timespec timeout = {0};
		siginfo_t info;
		int r;

		if (watch->deadline_ns) {
			uint64_t now = now_ns();
			uint64_t left = watch->deadline_ns > now ? watch->deadline_ns - now : 0;

			timeout.tv_sec = (time_t)(left / NS_PER_S);
			timeout.tv_nsec = (long)(left % NS_PER_S);
		}
		r = sigtimedwait(&watch->signals, &info, watch->deadline_ns ? &timeout : NULL);
		if (r > 0)
			signal_relay(watch, &info);
		deadline_handle(watch);
	}
}

/* A signal that hit the child and this process at once has done its work. */
static void signals_drain(const sigset_t *signals)
{
	const struct timespec none = {0};

	while (sigtimedwait(signals, NULL, &none) > 0)
		;
}

int child_run(char *const *argv, const struct child_variable *variables, uint64_t timeout_ns,
	      struct child_end *ret_end)
{
	const struct sigaction chld = {.sa_handler = SIG_DFL};
	struct inherited inherited;
	struct watch watch = {0};
	int r;

	signals_collect(&watch.signals);
	/* An inherited SIG_IGN would reap the child before it can be asked for its status. */
	sigaction(SIGCHLD, &chld, &inherited.chld);
	sigprocmask(SIG_BLOCK, &watch.signals, &inherited.mask);
	r = child_start(argv, variables, &inherited, &watch.pid);
	if (r == 0) {
		if (timeout_ns)
			watch.deadline_ns = now_ns() + timeout_ns;
		child_wait(&watch, ret_end);
	}
	signals_drain(&watch.signals);
	sigprocmask(SIG_SETMASK, &inherited.mask, NULL);
	return r;
}
