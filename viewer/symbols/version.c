/* SPDX-License-Identifier: MIT */
/*
 * Finds the versions of crates in the file names that panic messages carry, stripped or not.
 */
#include "viewer/symbols/symbols.h"

#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/symbols/module.h"

#define DIRECTORY  "/src/"
#define LENGTH_MAX 48

/* Length of "1.49.0" or "1.49.0-rc.1" in front of "/src/"; 0 when `text` is something else. */
static size_t version_length(const char *text, size_t left)
{
	size_t length, dots = 0;

	if (left > LENGTH_MAX)
		left = LENGTH_MAX;
	for (length = 0; length < left && text[length] != '/'; length++) {
		if (text[length] == '.')
			dots++;
		else if (length == 0 && (text[length] < '0' || text[length] > '9'))
			return 0;
	}
	if (dots < 2 || left - length < strlen(DIRECTORY) ||
	    memcmp(text + length, DIRECTORY, strlen(DIRECTORY)) != 0)
		return 0;
	return length;
}

static char *find_version(const char *text, size_t size, const char *mark)
{
	const char *end = text + size, *at = text, *version;
	size_t length;

	while ((at = memmem(at, end - at, mark, strlen(mark)))) {
		version = at + strlen(mark);
		length = version_length(version, end - version);
		/* Not the end of another crate's name, such as "mini-tokio". */
		if (length > 0 && (at == text || (at[-1] != '-' && at[-1] != '_')))
			return strndup(version, length);
		at = version;
	}
	return NULL;
}

char *symbol_module_crate_version(struct symbol_module *module, const char *crate)
{
	char mark[LENGTH_MAX];
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	Elf_Data *data;
	char *version = NULL;

	if (module->state != MODULE_OK && module->state != MODULE_NO_SYMBOLS)
		return NULL;
	snprintf(mark, sizeof(mark), "%s-", crate);
	while (module->elf && !version && (section = elf_nextscn(module->elf, section))) {
		if (!gelf_getshdr(section, &header) || !(header.sh_flags & SHF_ALLOC) ||
		    (header.sh_flags & SHF_EXECINSTR) || header.sh_type != SHT_PROGBITS)
			continue;
		data = elf_rawdata(section, NULL);
		if (data && data->d_buf)
			version = find_version(data->d_buf, data->d_size, mark);
	}
	return version;
}

char *symbol_module_tokio_version(struct symbol_module *module)
{
	return symbol_module_crate_version(module, "tokio");
}
