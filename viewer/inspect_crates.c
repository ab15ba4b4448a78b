/* SPDX-License-Identifier: MIT */
/* Recognises other async runtimes by what their crates leave in a binary. */
#include "inspect.h"

#include <string.h>

#include "runtime/patch/symbol_table.h"

/* Of the rows of one family, which build on each other, only the first that is there is told. */
static const struct {
	const char *name, *symbol; /* part of a mangled name, legacy and v0; may be NULL */
	const char *family;
	bool on_tokio;
} crates[] = {
	{"async-std", "9async_std4task", "async-task", false},
	{"smol", NULL, "async-task", false},
	{"async-executor", "14async_executor", "async-task", false},
	{"async-task", "10async_task3raw", "async-task", false},
	{"glommio", "7glommio4task", "glommio", false},
	{"monoio", "6monoio4task", "monoio", false},
	{"compio-runtime", "14compio_runtime", "compio", false},
	{"actix-rt", "8actix_rt", "actix", true},
};

#define CRATE_COUNT (sizeof(crates) / sizeof(crates[0]))

_Static_assert(CRATE_COUNT <= INSPECT_CRATES, "each row can be found");

void inspect_find_crates(struct inspection *inspection, struct symbol_module *module)
{
	struct symbol_table table;
	bool named = symbol_table_open(&table, inspection->path) == 0;
	const char *family = "";
	size_t i;

	for (i = 0; i < CRATE_COUNT; i++) {
		char *version;

		if (strcmp(crates[i].family, family) == 0)
			continue;
		version = symbol_module_crate_version(module, crates[i].name);
		if (!version &&
		    !(named && crates[i].symbol && symbol_table_mentions(&table, crates[i].symbol)))
			continue;
		family = crates[i].family;
		inspection->crates[inspection->crate_count++] = (struct inspected_crate){
			.name = crates[i].name,
			.version = version,
			.on_tokio = crates[i].on_tokio,
		};
	}
	if (named)
		symbol_table_close(&table);
}
