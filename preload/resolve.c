/* SPDX-License-Identifier: MIT */
/*
 * Finds the function that a name would have been bound to if this library were not there.
 * Runs on: constructor; any application thread that calls a wrapper before it.
 *
 * dlsym(RTLD_NEXT) is the right question, because another preloaded library may wrap the same name
 * behind us, but it can't be asked always:
 *  - it may allocate (a per-thread result in glibc before 2.34, a message whenever it fails), the
 *    target's allocator may call what we wrap while it sets itself up, and we would ask again, for
 *    ever. So while a thread is inside dlsym, the symbol table of the C library is read directly:
 *    no allocation and nothing that we wrap, hence no second recursion, and the right function with
 *    its full semantics, where raw system calls could not serve a mutex;
 *  - it replaces the thread's dlerror state when it fails. So it is asked only for a name that the
 *    C library is known to have.
 */
#include "preload/resolve.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * glibc has two generations of these, of different layout; the older one is only for programs
 * linked before 2003. Some versions of dlsym pick that one (glibc bug 14932), so ask by version. Of
 * every other name dlsym gives the default version.
 */
#if defined(__x86_64__)
#define COND_VERSION "GLIBC_2.3.2"
#else
#define COND_VERSION "GLIBC_2.17"
#endif

#define VERSION_HIDDEN 0x8000 /* in DT_VERSYM: not the default version of that name */

static __thread bool resolving __attribute__((tls_model("initial-exec")));

struct image {
	uintptr_t bias;
	const ElfW(Sym) * symbols;
	const char *strings;
	const uint32_t *hash;
	const uint16_t *versions;
};

struct query {
	const char *name;
	void *ret_found;
};

static bool is_libc(const char *path)
{
	static const char *const names[] = {"libc.so.", "libpthread.so.", "librt.so."};
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strncmp(base, names[i], strlen(names[i])))
			return true;
	}
	return false;
}

/* The loader relocates these pointers in place on most architectures, but not on all. */
static const void *image_pointer(const struct image *image, ElfW(Addr) value)
{
	return (const void *)(value < image->bias ? value + image->bias : value);
}

static bool image_open(struct image *image, const struct dl_phdr_info *info)
{
	const ElfW(Dyn) *entry = NULL;

	*image = (struct image){.bias = info->dlpi_addr};
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			entry = (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	}
	for (; entry && entry->d_tag != DT_NULL; entry++) {
		const void *pointer = image_pointer(image, entry->d_un.d_ptr);

		switch (entry->d_tag) {
		case DT_SYMTAB:
			image->symbols = pointer;
			break;
		case DT_STRTAB:
			image->strings = pointer;
			break;
		case DT_GNU_HASH:
			image->hash = pointer;
			break;
		case DT_VERSYM:
			image->versions = pointer;
			break;
		}
	}
	return image->symbols && image->strings && image->hash;
}

static bool is_default_function(const struct image *image, uint32_t index, const char *name)
{
	const ElfW(Sym) *symbol = &image->symbols[index];

	return symbol->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC &&
	       !(image->versions && image->versions[index] & VERSION_HIDDEN) &&
	       !strcmp(image->strings + symbol->st_name, name);
}

/* Table layout: https://flapenguin.me/elf-dt-gnu-hash; the bloom filter is skipped. */
static void *image_lookup(const struct image *image, const char *name)
{
	uint32_t bucket_count = image->hash[0], first = image->hash[1], bloom_size = image->hash[2];
	const uint32_t *buckets = image->hash + 4 + bloom_size * (sizeof(ElfW(Addr)) / 4);
	const uint32_t *chain = buckets + bucket_count;
	uint32_t hash = 5381;

	for (const unsigned char *c = (const unsigned char *)name; *c; c++)
		hash = hash * 33 + *c;

	for (uint32_t i = buckets[hash % bucket_count]; i >= first && i; i++) {
		uint32_t entry = chain[i - first];

		if ((entry | 1) == (hash | 1) && is_default_function(image, i, name))
			return (void *)(image->bias + image->symbols[i].st_value);
		if (entry & 1)
			break;
	}
	return NULL;
}

static int search_image(struct dl_phdr_info *info, size_t size, void *data)
{
	struct query *query = data;
	struct image image;

	if (info->dlpi_name && is_libc(info->dlpi_name) && image_open(&image, info))
		query->ret_found = image_lookup(&image, query->name);
	return query->ret_found != NULL;
}

static void *ask_loader(const char *name)
{
	if (!strcmp(name, "pthread_cond_wait") || !strcmp(name, "pthread_cond_timedwait"))
		return dlvsym(RTLD_NEXT, name, COND_VERSION);
	return dlsym(RTLD_NEXT, name);
}

void *resolve_function(const char *name)
{
	struct query query = {.name = name};
	int saved = errno;
	void *next = NULL;

	dl_iterate_phdr(search_image, &query);
	if (query.ret_found && !resolving) {
		resolving = true;
		next = ask_loader(name);
		resolving = false;
	}
	errno = saved;
	return next ? next : query.ret_found;
}
