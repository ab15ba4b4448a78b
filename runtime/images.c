/* SPDX-License-Identifier: MIT */
/*
 * Loaded objects.
 * Runs on: the holder of the object lock; the collector reads.
 */
#include "images.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#include "runtime/sys.h"
#include "runtime/text.h"

static struct image *images; /* IMAGES_MAX entries of lazily touched memory */
static unsigned image_count; /* published with release */
static unsigned long long seen_adds, seen_subs;

struct walk {
	void (*visit)(unsigned index, struct image *image);
	unsigned position; /* 0 is the executable, which has no name */
	bool initial;
	unsigned long long subs_before;
};

static unsigned walks;

static void hex(char *to, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		*to++ = "0123456789abcdef"[bytes[i] >> 4];
		*to++ = "0123456789abcdef"[bytes[i] & 15];
	}
	*to = '\0';
}

static void read_build_id(struct image *image, const struct dl_phdr_info *info)
{
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const Elf64_Phdr *phdr = &info->dlpi_phdr[i];
		const uint8_t *at = (const uint8_t *)(info->dlpi_addr + phdr->p_vaddr);
		const uint8_t *end = at + phdr->p_memsz;

		if (phdr->p_type != PT_NOTE)
			continue;
		while (at + sizeof(Elf64_Nhdr) <= end) {
			const Elf64_Nhdr *note = (const Elf64_Nhdr *)(const void *)at;
			const uint8_t *name = at + sizeof(*note);
			const uint8_t *desc = name + ((note->n_namesz + 3u) & ~3u);

			if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
			    memcmp(name, "GNU", 4) == 0 && note->n_descsz <= 32)
				hex(image->build_id, desc, note->n_descsz);
			at = desc + ((note->n_descsz + 3u) & ~3u);
		}
	}
}

static void read_path(struct image *image, const struct dl_phdr_info *info, bool executable)
{
	struct text path;

	if (executable && sys_readlink("/proc/self/exe", image->path, sizeof(image->path)) > 0)
		return;
	text_init(&path, image->path, sizeof(image->path));
	text_add(&path, info->dlpi_name ? info->dlpi_name : "");
	text_end(&path);
}

static bool same_object(const struct image *image, const struct image *other)
{
	return image->elf.bias == other->elf.bias && image->elf.start == other->elf.start &&
	       image->elf.end == other->elf.end && strcmp(image->path, other->path) == 0 &&
	       strcmp(image->build_id, other->build_id) == 0;
}

/* What the walk that has just ended did not meet was unloaded. */
static void retire_missing(void)
{
	for (unsigned i = 0; i < image_count; i++)
		if (images[i].walk != walks)
			images[i].loaded = false;
}

static struct image *find_known(const struct image *fresh)
{
	for (unsigned i = 0; i < image_count; i++)
		if (same_object(&images[i], fresh))
			return &images[i];
	return NULL;
}

static int visit(struct dl_phdr_info *info, size_t size, void *context)
{
	struct walk *walk = context;
	struct image *image = &images[image_count], *known;

	if (size >= offsetof(struct dl_phdr_info, dlpi_subs) + sizeof(info->dlpi_subs)) {
		seen_adds = info->dlpi_adds;
		seen_subs = info->dlpi_subs;
	}
	memset(image, 0, sizeof(*image));
	elf_image_from_memory(&image->elf, info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum);
	read_path(image, info, walk->position++ == 0);
	read_build_id(image, info);
	if (size >= offsetof(struct dl_phdr_info, dlpi_tls_data) + sizeof(info->dlpi_tls_data))
		image->tls = info->dlpi_tls_data;
	known = find_known(image);
	if (known) {
		/* It may have been closed and opened again at the same place, and is new then. */
		if (seen_subs != walk->subs_before && !known->initial)
			known->looks = 0;
		if (!known->loaded) {
			known->hooked = 0;
			known->locks_followed = false;
		}
		known->loaded = true;
		image = known;
	} else if (image_count == IMAGES_MAX) {
		return 0;
	} else {
		image->loaded = true;
		image->initial = walk->initial;
		image->self = (uint64_t)(uintptr_t)&visit - image->elf.start <
			      image->elf.end - image->elf.start;
		__atomic_store_n(&image_count, image_count + 1, __ATOMIC_RELEASE);
	}
	image->walk = walks;
	walk->visit((unsigned)(image - images), image);
	return 0;
}

void images_update(void (*visited)(unsigned index, struct image *image))
{
	struct walk walk = {.visit = visited, .initial = !images, .subs_before = seen_subs};

	if (!images)
		images = sys_map(sizeof(*images) * (IMAGES_MAX + 1));
	if (!images)
		return;
	walks++;
	dl_iterate_phdr(visit, &walk);
	retire_missing();
}

static int compare_counters(struct dl_phdr_info *info, size_t size, void *context)
{
	bool *changed = context;

	*changed = size < offsetof(struct dl_phdr_info, dlpi_subs) + sizeof(info->dlpi_subs) ||
		   info->dlpi_adds != seen_adds || info->dlpi_subs != seen_subs;
	return 1;
}

bool images_changed(void)
{
	bool changed = false;

	dl_iterate_phdr(compare_counters, &changed);
	return changed;
}

struct image *images_get(unsigned index)
{
	return &images[index];
}

unsigned images_count(void)
{
	return __atomic_load_n(&image_count, __ATOMIC_ACQUIRE);
}

int images_find(uint64_t address)
{
	unsigned count = images_count();
	int last = -1;

	for (unsigned i = 0; i < count; i++) {
		if (address - images[i].elf.start >= images[i].elf.end - images[i].elf.start)
			continue;
		last = (int)i;
		if (images[i].loaded)
			break;
	}
	return last;
}
