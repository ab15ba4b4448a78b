/* SPDX-License-Identifier: MIT */
/* The `overstay` program: its list of verbs, general options, usage errors. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

static const struct command *const commands[] = {
	&command_run,
	&command_report,
	&command_check,
	&command_inspect,
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

int command_usage_error(const char *verb, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "overstay: %s: ", verb);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, " (see: overstay %s --help)\n", verb);
	return EXIT_UNJUDGED;
}

int command_reading_options(int argc, char **argv, const char **ret_path, bool *ret_json)
{
	static const struct option options[] = {{"format", required_argument, NULL, 'f'}, {0}};
	const char *format = "text";
	int c;

	while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (c != 'f')
			return command_bad_option(argv[0], c, argv);
		format = optarg;
	}
	if (strcmp(format, "text") != 0 && strcmp(format, "json") != 0)
		return command_usage_error(argv[0], "unknown format '%s'", format);
	if (argc - optind > 1)
		return command_usage_error(argv[0], "more than one path given");
	*ret_path = optind < argc ? argv[optind] : "overstay.data";
	*ret_json = strcmp(format, "json") == 0;
	return 0;
}

int command_bad_option(const char *verb, int result, char *const *argv)
{
	const char *word = argv[optind - 1];

	if (result == ':')
		return command_usage_error(verb, "option %s needs a value", word);
	if (optopt && !(word[0] == '-' && word[1] == '-'))
		return command_usage_error(verb, "unknown option -%c", optopt);
	return command_usage_error(verb, "unknown option %s", word);
}

static void help_print(void)
{
	size_t i;

	puts("Usage: overstay VERB [OPTION]... [ARGUMENT]...\n"
	     "\n"
	     "Finds what holds up the worker threads of an async Rust program: blocking calls,\n"
	     "lock waits and long polls. Works on the binary as it is: no code change, no "
	     "rebuild,\n"
	     "no root.\n"
	     "\n"
	     "Verbs:");
	for (i = 0; i < COMMAND_COUNT; i++)
		printf("  %-8s  %s\n", commands[i]->name, commands[i]->summary);
	puts("\n"
	     "Options:\n"
	     "  --help     this text; overstay VERB --help for one verb\n"
	     "  --version  the version\n"
	     "\n"
	     "Example:\n"
	     "  overstay run ./target/release/app && overstay report");
}

static const struct command *command_find(const char *name)
{
	size_t i;

	for (i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

/* --help counts as the verb's own only before anything that is not an option. */
static int help_wanted(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && argv[i][0] == '-' && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		fputs("overstay: no verb given (see: overstay --help)\n", stderr);
		return EXIT_UNJUDGED;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help_print();
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("overstay " OVERSTAY_VERSION);
		return 0;
	}
	command = command_find(argv[1]);
	if (!command) {
		fprintf(stderr, "overstay: unknown %s '%s' (see: overstay --help)\n",
			argv[1][0] == '-' ? "option" : "verb", argv[1]);
		return EXIT_UNJUDGED;
	}
	if (help_wanted(argc - 1, argv + 1)) {
		printf("Usage: overstay %s %s", command->name, command->help);
		return 0;
	}
	opterr = 0;
	return command->run(argc - 1, argv + 1);
}
