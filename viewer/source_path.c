/* SPDX-License-Identifier: MIT */
/* Recognises the directories of the standard library's and of fetched crates' sources. */
#include "source_path.h"

#include <string.h>

#define REGISTRY    "/registry/src/"
#define RUST_SOURCE "/rustlib/src/rust/library/"

/* What follows "/registry/src/<index>/", or NULL. */
static const char *below_registry(const char *file)
{
	const char *index = strstr(file, REGISTRY);
	const char *slash = index ? strchr(index + strlen(REGISTRY), '/') : NULL;

	return slash ? slash + 1 : NULL;
}

/* What follows "/rustc/<hash>/library/" or its copy in a toolchain, or NULL. */
static const char *below_library(const char *file)
{
	const char *part;

	if (strncmp(file, "/rustc/", strlen("/rustc/")) == 0) {
		part = strstr(file, "/library/");
		return part ? part + strlen("/library/") : NULL;
	}
	part = strstr(file, RUST_SOURCE);
	return part ? part + strlen(RUST_SOURCE) : NULL;
}

bool source_path_is_std(const char *file)
{
	return strncmp(file, "/rustc/", strlen("/rustc/")) == 0 || strstr(file, RUST_SOURCE);
}

bool source_path_is_fetched(const char *file)
{
	return strstr(file, REGISTRY) || strstr(file, "/git/checkouts/");
}

void source_path_package(const char *file, char *package, size_t size)
{
	const char *name = below_registry(file);
	size_t i;

	package[0] = '\0';
	if (!name)
		return;
	for (i = strcspn(name, "/"); i > 0; i--)
		if (name[i] == '-' && name[i + 1] >= '0' && name[i + 1] <= '9')
			break;
	if (!i || i >= size)
		return;
	memcpy(package, name, i);
	package[i] = '\0';
}

const char *source_path_short(const char *file)
{
	const char *part = below_registry(file);

	if (!part)
		part = below_library(file);
	return part && *part ? part : file;
}
