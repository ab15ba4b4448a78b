/* SPDX-License-Identifier: MIT */
/*
 * Starts itself in every way there is. As a child it prints its arguments and the variable MARK and
 * exits in the way that its name asks for.
 */
#include "preload/libc.h"
#include "show.h"

#include <string.h>

static const char *self;
static char mark_new[] = "MARK=new";

static int child(int argc, char **argv)
{
	const char *mark = getenv("MARK");
	const char *way = argv[argc - 1];

	printf("child:");
	for (int i = 0; i < argc; i++)
		printf(" %s", argv[i]);
	printf(" (%s)\n", mark ? mark : "no mark");
	fflush(stdout);
	if (!strcmp(way, "_exit"))
		_exit(11);
	if (!strcmp(way, "_Exit"))
		_Exit(12);
	if (!strcmp(way, "quick_exit"))
		quick_exit(13);
	if (!strcmp(way, "abort"))
		abort();
	if (!strcmp(way, "exit"))
		exit(14);
	return 15;
}

static void reap(const char *how, pid_t pid)
{
	int status = -1;
	pid_t got = waitpid(pid, &status, 0);

	printf("%s: %s, exit %d, signal %d\n", how, got == pid ? "reaped" : "lost",
	       WIFEXITED(status) ? WEXITSTATUS(status) : -1,
	       WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	fflush(stdout);
}

/* The exec must not return in the child; a failed one must, and leave the parent unharmed. */
#define START(how, start, call)                                                                    \
	do {                                                                                       \
		pid_t started = start();                                                           \
		if (!started) {                                                                    \
			call;                                                                      \
			_exit(errno);                                                              \
		}                                                                                  \
		reap(how, started);                                                                \
	} while (0)

#define START_BOTH(call)                                                                           \
	do {                                                                                       \
		START("fork " #call, fork, call);                                                  \
		START("vfork " #call, vfork, call);                                                \
	} while (0)

extern char **environ;

static void exec_family(void)
{
	char *argv[] = {"child", "a", "b c", "return", NULL}, *env[] = {mark_new, NULL};
	int fd = open(self, O_RDONLY | O_CLOEXEC);

	START_BOTH(execv(self, argv));
	START_BOTH(execve(self, argv, env));
	START_BOTH(execvp(self, argv));
	START_BOTH(execvpe(self, argv, env));
	START_BOTH(execveat(AT_FDCWD, self, argv, env, 0));
	START_BOTH(fexecve(fd, argv, env));
	START_BOTH(execl(self, "child", "x", "return", NULL));
	START_BOTH(execl(self, "child", "1", "2", "3", "4", "5", "6", "7", "8", "return", NULL));
	START_BOTH(execlp(self, "child", "y", "return", NULL));
	START_BOTH(execle(self, "child", "1", "2", "3", "4", "z", "return", NULL, env));
	START_BOTH(execl("/missing", "child", NULL));
	START_BOTH(execvp("no-such-program-anywhere", argv));
	START_BOTH(execle("/missing", "child", NULL, env));
	close(fd);
}

static void endings(void)
{
	static const char *const ways[] = {"return", "exit",       "_exit",
					   "_Exit",  "quick_exit", "abort"};

	for (unsigned i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		START(ways[i], fork, execl(self, "child", ways[i], NULL));
	START("fork, _exit", fork, _exit(21));
	START("vfork, _exit", vfork, _exit(22));
	START("fork, exit", fork, exit(23));
}

static void spawning(void)
{
	char *argv[] = {"child", "spawned", "return", NULL}, *env[] = {mark_new, NULL};
	char line[200], command[300];
	siginfo_t info;
	FILE *stream;
	pid_t pid;

	SHOW(posix_spawn(&pid, self, NULL, NULL, argv, env));
	reap("posix_spawn", pid);
	SHOW(posix_spawnp(&pid, self, NULL, NULL, argv, environ));
	reap("posix_spawnp", pid);
	SHOW(posix_spawn(&pid, "/missing", NULL, NULL, argv, env));
	SHOW(system("exit 3"));
	SHOW(system(NULL) != 0);
	snprintf(command, sizeof(command), "%s popened return", self);
	SHOW((stream = popen(command, "r")) != NULL);
	printf("%s", fgets(line, sizeof(line), stream) ? strstr(line, "popened") : "nothing\n");
	SHOW(pclose(stream));
	START("wait", fork, _exit(wait(NULL) != -1));
	pid = fork();
	if (!pid)
		_exit(5);
	SHOW(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	SHOW(info.si_status);
	SHOW(wait4(pid, NULL, WNOHANG, NULL) == pid);
	SHOW(wait3(NULL, WNOHANG, NULL));
	SHOW(wait(NULL));
	SHOW(waitpid(-1, NULL, 0));
}

int main(int argc, char **argv)
{
	static char path[256];

	if (argc > 1)
		return child(argc, argv);
	if (readlink("/proc/self/exe", path, sizeof(path) - 1) <= 0)
		return 2;
	self = path;
	setenv("MARK", "old", 1);
	exec_family();
	endings();
	spawning();
	fflush(stdout);
	quick_exit(0);
}
