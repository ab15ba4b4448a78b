/* SPDX-License-Identifier: MIT */
/* Allocation that ends the program when it fails, and pools of interned strings. */
#include "memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE  ((size_t)64 * 1024)
#define CHUNK_ALIGN _Alignof(max_align_t)

struct chunk {
	struct chunk *next;
	size_t used, size;
	_Alignas(max_align_t) char data[];
};

struct pool {
	struct chunk *chunks;
	const char **strings; /* open addressing; the size is a power of two */
	size_t string_count, string_slots;
};

static void *memory_check(void *memory)
{
	if (!memory) {
		fputs("overstay: out of memory\n", stderr);
		exit(2);
	}
	return memory;
}

void *memory_alloc(size_t size)
{
	return memory_check(calloc(1, size ? size : 1));
}

void *memory_grow(void *array, size_t *capacity, size_t need, size_t item)
{
	size_t wanted = *capacity ? *capacity : 8;

	if (need <= *capacity)
		return array;
	while (wanted < need)
		wanted *= 2;
	array = memory_check(reallocarray(array, wanted, item));
	*capacity = wanted;
	return array;
}

char *memory_format(const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	return memory_check(length < 0 ? NULL : text);
}

struct pool *pool_new(void)
{
	return memory_alloc(sizeof(struct pool));
}

void pool_free(struct pool *pool)
{
	struct chunk *chunk;

	if (!pool)
		return;
	while ((chunk = pool->chunks)) {
		pool->chunks = chunk->next;
		free(chunk);
	}
	free(pool->strings);
	free(pool);
}

void *pool_alloc(struct pool *pool, size_t size)
{
	struct chunk *chunk = pool->chunks;
	void *memory;

	size = (size + CHUNK_ALIGN - 1) & ~(CHUNK_ALIGN - 1);
	if (!chunk || chunk->size - chunk->used < size) {
		size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;

		chunk = memory_alloc(sizeof(*chunk) + room);
		chunk->size = room;
		chunk->next = pool->chunks;
		pool->chunks = chunk;
	}
	memory = chunk->data + chunk->used;
	chunk->used += size;
	return memory;
}

static uint64_t string_hash(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return hash;
}

static const char **string_slot(const char **strings, size_t slots, const char *text)
{
	size_t i = string_hash(text) & (slots - 1);

	while (strings[i] && strcmp(strings[i], text) != 0)
		i = (i + 1) & (slots - 1);
	return &strings[i];
}

static void strings_enlarge(struct pool *pool)
{
	size_t slots = pool->string_slots ? pool->string_slots * 2 : 256;
	const char **strings = memory_alloc(slots * sizeof(*strings));
	size_t i;

	for (i = 0; i < pool->string_slots; i++)
		if (pool->strings[i])
			*string_slot(strings, slots, pool->strings[i]) = pool->strings[i];
	free(pool->strings);
	pool->strings = strings;
	pool->string_slots = slots;
}

const char *pool_string(struct pool *pool, const char *text)
{
	const char **slot;
	size_t length;
	char *copy;

	if (!text)
		return NULL;
	if (pool->string_count * 2 >= pool->string_slots)
		strings_enlarge(pool);
	slot = string_slot(pool->strings, pool->string_slots, text);
	if (!*slot) {
		length = strlen(text) + 1;
		copy = pool_alloc(pool, length);
		memcpy(copy, text, length);
		*slot = copy;
		pool->string_count++;
	}
	return *slot;
}
