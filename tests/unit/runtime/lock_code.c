/* SPDX-License-Identifier: MIT */
/* Loads hand-written machine code. */
#include "lock_code.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

static int take(struct dl_phdr_info *info, size_t size, void *context)
{
	struct lock_code *code = context;

	if (strcmp(info->dlpi_name, code->path) != 0)
		return 0;
	elf_image_from_memory(&code->image, info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum);
	return 1;
}

void lock_code_open(struct lock_code *code, const char *path)
{
	code->path = path;
	code->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	cr_assert_not_null(code->handle, "%s", dlerror());
	cr_assert_eq(dl_iterate_phdr(take, code), 1);
}

uint64_t lock_code_address(const struct lock_code *code, const char *name, const char *suffix)
{
	char symbol[128];
	void *address;

	snprintf(symbol, sizeof(symbol), "%s%s", name, suffix);
	address = dlsym(code->handle, symbol);
	cr_assert_not_null(address, "%s", symbol);
	return (uintptr_t)address;
}
