/* SPDX-License-Identifier: MIT */
/*
 * Opens an ELF file for symbol lookup, compares its build id and says what it is good for.
 */
#include "viewer/symbols/module.h"

#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "viewer/symbols/code_map.h"
#include "viewer/symbols/debug_info.h"
#include "viewer/symbols/task_index.h"

/* Only-dynamic names count as a symbol table when they cover this part of the code. */
#define DYNAMIC_COVERAGE_DIVISOR 10

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
};

static bool is_loadable_elf(int fd)
{
	bool ok = false;
	Elf *elf;
	GElf_Ehdr header;

	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &header))
		ok = gelf_getclass(elf) == ELFCLASS64 &&
		     (header.e_type == ET_EXEC || header.e_type == ET_DYN);
	elf_end(elf);
	return ok;
}

static bool open_dwfl(struct symbol_module *module, const char *path, int fd)
{
	GElf_Addr bias;

	module->dwfl = dwfl_begin(&callbacks);
	if (!module->dwfl)
		return false;
	dwfl_report_begin(module->dwfl);
	module->dwfl_module = dwfl_report_elf(module->dwfl, path, path, fd, 0, true);
	if (dwfl_report_end(module->dwfl, NULL, NULL) != 0 || !module->dwfl_module)
		return false;
	module->elf = dwfl_module_getelf(module->dwfl_module, &bias);
	return module->elf && bias == 0;
}

static bool same_build_id(struct symbol_module *module, const char *expected)
{
	char hex[129];
	const unsigned char *bits;
	GElf_Addr address;
	int length;

	length = dwfl_module_build_id(module->dwfl_module, &bits, &address);
	if (length <= 0 || (size_t)length * 2 >= sizeof(hex))
		return false;
	for (int i = 0; i < length; i++) {
		hex[2 * i] = "0123456789abcdef"[bits[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[bits[i] & 15];
	}
	hex[2 * length] = '\0';
	return strcasecmp(hex, expected) == 0;
}

static uint64_t code_size(Elf *elf)
{
	uint64_t total = 0;
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section))) {
		if (gelf_getshdr(section, &header) && (header.sh_flags & SHF_EXECINSTR))
			total += header.sh_size;
	}
	return total;
}

/* A stripped executable still exports a few names; those don't make it readable. */
static bool names_enough(const struct symbol_module *module, bool only_dynamic)
{
	uint64_t named = 0;

	if (!only_dynamic)
		return module->symbols.count > 0;
	for (size_t i = 0; i < module->symbols.count; i++) {
		if (i == 0 ||
		    module->symbols.list[i].address != module->symbols.list[i - 1].address)
			named += module->symbols.list[i].size;
	}
	return named > 0 && named >= code_size(module->elf) / DYNAMIC_COVERAGE_DIVISOR;
}

static enum module_state open_module(struct symbol_module *module, const char *path,
				     const char *build_id)
{
	bool only_dynamic = false;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return MODULE_MISSING;
	if (!is_loadable_elf(fd)) {
		close(fd);
		return build_id ? MODULE_CHANGED : MODULE_NO_SYMBOLS;
	}
	if (!open_dwfl(module, path, fd)) {
		if (!module->dwfl_module)
			close(fd);
		return build_id ? MODULE_CHANGED : MODULE_NO_SYMBOLS;
	}
	if (build_id && !same_build_id(module, build_id))
		return MODULE_CHANGED;
	symbol_table_load(&module->symbols, module->dwfl_module, module->elf, &only_dynamic);
	if (names_enough(module, only_dynamic) || symbol_module_debug(module))
		return MODULE_OK;
	return MODULE_NO_SYMBOLS;
}

struct symbol_module *symbol_module_open(const char *path, const char *build_id,
					 enum module_state *ret_state)
{
	struct symbol_module *module;

	elf_version(EV_CURRENT);
	module = calloc(1, sizeof(*module));
	if (!module)
		abort();
	module->state = open_module(module, path, build_id);
	if (ret_state)
		*ret_state = module->state;
	return module;
}

struct debug_info *symbol_module_debug(struct symbol_module *module)
{
	Dwarf *dwarf;
	Dwarf_Addr bias;

	if (!module->debug_tried) {
		module->debug_tried = true;
		dwarf = dwfl_module_getdwarf(module->dwfl_module, &bias);
		if (dwarf)
			module->debug = debug_info_new(dwarf, bias);
	}
	return module->debug;
}

void symbol_module_close(struct symbol_module *module)
{
	if (!module)
		return;
	task_index_free(module->tasks);
	debug_info_free(module->debug);
	code_map_free(module->code);
	symbol_table_free(&module->symbols);
	if (module->dwfl)
		dwfl_end(module->dwfl);
	free(module);
}
