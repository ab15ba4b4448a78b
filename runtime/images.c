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
	void (*added)(unsigned index, struct image *image);
	unsigned position; /* 0 is the executable, which has no name */
	bool initial;
};

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

/* An older object whose address range the new one has taken over was unloaded. */
static void retire_overlapping(const struct image *fresh)
{
	for (unsigned i = 0; i < image_count; i++)
		if (images[i].elf.start < fresh->elf.end && fresh->elf.start < images[i].elf.end)
			images[i].loaded = false;
}

static int visit(struct dl_phdr_info *info, size_t size, void *context)
{
	struct walk *walk = context;
	struct image *fresh = &images[image_count];

	if (size >= offsetof(struct dl_phdr_info, dlpi_subs) + sizeof(info->dlpi_subs)) {
		seen_adds = info->dlpi_adds;
		seen_subs = info->dlpi_subs;
	}
	if (image_count == IMAGES_MAX)
		return 1;
	memset(fresh, 0, sizeof(*fresh));
	elf_image_from_memory(&fresh->elf, info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum);
	read_path(fresh, info, walk->position++ == 0);
	read_build_id(fresh, info);
	if (size >= offsetof(struct dl_phdr_info, dlpi_tls_data) + sizeof(info->dlpi_tls_data))
		fresh->tls = info->dlpi_tls_data;
	for (unsigned i = 0; i < image_count; i++)
		if (images[i].loaded && same_object(&images[i], fresh))
			return 0;
	retire_overlapping(fresh);
	fresh->loaded = true;
	fresh->initial = walk->initial;
	fresh->self =
		(uint64_t)(uintptr_t)&visit - fresh->elf.start < fresh->elf.end - fresh->elf.start;
	__atomic_store_n(&image_count, image_count + 1, __ATOMIC_RELEASE);
	walk->added(image_count - 1, fresh);
	return 0;
}

void images_update(void (*added)(unsigned index, struct image *image))
{
	struct walk walk = {.added = added, .initial = !images};

	if (!images)
		images = sys_map(sizeof(*images) * (IMAGES_MAX + 1));
	if (images)
		dl_iterate_phdr(visit, &walk);
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
