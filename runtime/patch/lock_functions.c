/* SPDX-License-Identifier: MIT */
/*
 * Lock functions by name.
 * Runs on: the constructor or the holder of the object lock, the viewer.
 */
#include "lock_functions.h"

#include <string.h>

#include "runtime/patch/address_sort.h"
#include "runtime/patch/symbol_table.h"
#include "runtime/sys.h"

/* A mangled name: what it mentions, and one of two ways in which it ends (legacy, v0). */
struct name_row {
	const char *mentions;
	const char *legacy, *v0;
	uint8_t type, mode, role;
};

/* clang-format off */
#define SAME(name) name, name
#define STD_MUTEX  LOCK_STD_MUTEX
#define STD_RWLOCK LOCK_STD_RWLOCK
#define PL_MUTEX   LOCK_PARKING_LOT_MUTEX
#define PL_RWLOCK  LOCK_PARKING_LOT_RWLOCK
#define EXCLUSIVE  LOCK_EXCLUSIVE
#define SHARED     LOCK_SHARED
#define UPGRADABLE LOCK_UPGRADABLE

/* The methods of a raw reader-writer lock, which parking_lot and dashmap share. */
#define RAW_RWLOCK(crate, type)                                                                    \
	{crate, SAME("9RawRwLock19lock_exclusive_slow"), type, EXCLUSIVE, FUNCTION_SLOW_ACQUIRE},  \
	{crate, SAME("9RawRwLock16lock_shared_slow"), type, SHARED, FUNCTION_SLOW_ACQUIRE},        \
	{crate, SAME("9RawRwLock20lock_upgradable_slow"), type, UPGRADABLE, FUNCTION_SLOW_ACQUIRE},\
	{crate, SAME("9RawRwLock20try_lock_shared_slow"), type, SHARED, FUNCTION_SLOW_TRY},        \
	{crate, SAME("9RawRwLock24try_lock_upgradable_slow"), type, UPGRADABLE, FUNCTION_SLOW_TRY},\
	{crate, SAME("9RawRwLock21unlock_exclusive_slow"), type, EXCLUSIVE, FUNCTION_SLOW_RELEASE},\
	{crate, SAME("9RawRwLock18unlock_shared_slow"), type, SHARED, FUNCTION_SLOW_RELEASE},      \
	{crate, SAME("9RawRwLock22unlock_upgradable_slow"), type, UPGRADABLE, FUNCTION_SLOW_RELEASE},\
	{crate, "RawRwLock$GT$14lock_exclusive", "9RawRwLock14lock_exclusive", type, EXCLUSIVE, FUNCTION_LOCK}, \
	{crate, "RawRwLock$GT$11lock_shared", "9RawRwLock11lock_shared", type, SHARED, FUNCTION_LOCK}, \
	{crate, "RawRwLock$GT$18try_lock_exclusive", "9RawRwLock18try_lock_exclusive", type, EXCLUSIVE, FUNCTION_TRY}, \
	{crate, "RawRwLock$GT$15try_lock_shared", "9RawRwLock15try_lock_shared", type, SHARED, FUNCTION_TRY}, \
	{crate, "RawRwLock$GT$16unlock_exclusive", "9RawRwLock16unlock_exclusive", type, EXCLUSIVE, FUNCTION_UNLOCK}, \
	{crate, "RawRwLock$GT$13unlock_shared", "9RawRwLock13unlock_shared", type, SHARED, FUNCTION_UNLOCK}, \
	{crate, "RawRwLockUpgrade$GT$15lock_upgradable", "16RawRwLockUpgrade15lock_upgradable", type, UPGRADABLE, FUNCTION_LOCK}, \
	{crate, "RawRwLockUpgrade$GT$19try_lock_upgradable", "16RawRwLockUpgrade19try_lock_upgradable", type, UPGRADABLE, FUNCTION_TRY}, \
	{crate, "RawRwLockUpgrade$GT$17unlock_upgradable", "16RawRwLockUpgrade17unlock_upgradable", type, UPGRADABLE, FUNCTION_UNLOCK}

static const struct name_row rows[] = {
	{"3std3sys", SAME("5Mutex14lock_contended"), STD_MUTEX, EXCLUSIVE, FUNCTION_SLOW_ACQUIRE},
	{"3std3sys", SAME("5Mutex4wake"), STD_MUTEX, EXCLUSIVE, FUNCTION_SLOW_RELEASE},
	{"3std3sys", SAME("6RwLock14read_contended"), STD_RWLOCK, SHARED, FUNCTION_SLOW_ACQUIRE},
	{"3std3sys", SAME("6RwLock15write_contended"), STD_RWLOCK, EXCLUSIVE, FUNCTION_SLOW_ACQUIRE},
	{"3std3sys", SAME("6RwLock22wake_writer_or_readers"), STD_RWLOCK, EXCLUSIVE, FUNCTION_SLOW_RELEASE},
	{"3std3sys", SAME("6RwLock4read"), STD_RWLOCK, SHARED, FUNCTION_LOCK},
	{"3std3sys", SAME("6RwLock5write"), STD_RWLOCK, EXCLUSIVE, FUNCTION_LOCK},
	{"3std3sys", SAME("6RwLock8try_read"), STD_RWLOCK, SHARED, FUNCTION_TRY},
	{"3std3sys", SAME("6RwLock9try_write"), STD_RWLOCK, EXCLUSIVE, FUNCTION_TRY},
	{"3std3sys", SAME("5Mutex4lock"), STD_MUTEX, EXCLUSIVE, FUNCTION_LOCK},
	{"3std3sys", SAME("5Mutex6unlock"), STD_MUTEX, EXCLUSIVE, FUNCTION_UNLOCK},
	{"3std3sys", SAME("6RwLock11read_unlock"), STD_RWLOCK, SHARED, FUNCTION_UNLOCK},
	{"3std3sys", SAME("6RwLock12write_unlock"), STD_RWLOCK, EXCLUSIVE, FUNCTION_UNLOCK},
	{"3std3sys", SAME("5Mutex8try_lock"), STD_MUTEX, EXCLUSIVE, FUNCTION_TRY},
	{"3std4sync", "5mutex14Mutex$LT$T$GT$4lock", "E4lock", STD_MUTEX, EXCLUSIVE, FUNCTION_LOCK_GUARD},
	{"3std4sync", "5mutex14Mutex$LT$T$GT$8try_lock", "E8try_lock", STD_MUTEX, EXCLUSIVE, FUNCTION_TRY_GUARD},
	{"3std4sync", "6rwlock15RwLock$LT$T$GT$4read", "E4read", STD_RWLOCK, SHARED, FUNCTION_LOCK_GUARD},
	{"3std4sync", "6rwlock15RwLock$LT$T$GT$5write", "E5write", STD_RWLOCK, EXCLUSIVE, FUNCTION_LOCK_GUARD},
	{"3std4sync", "6rwlock15RwLock$LT$T$GT$8try_read", "E8try_read", STD_RWLOCK, SHARED, FUNCTION_TRY_GUARD},
	{"3std4sync", "6rwlock15RwLock$LT$T$GT$9try_write", "E9try_write", STD_RWLOCK, EXCLUSIVE, FUNCTION_TRY_GUARD},
	{"11parking_lot", SAME("8RawMutex9lock_slow"), PL_MUTEX, EXCLUSIVE, FUNCTION_SLOW_ACQUIRE},
	{"11parking_lot", SAME("8RawMutex11unlock_slow"), PL_MUTEX, EXCLUSIVE, FUNCTION_SLOW_RELEASE},
	{"parking_lot", "RawMutex$GT$4lock", "8RawMutex4lock", PL_MUTEX, EXCLUSIVE, FUNCTION_LOCK},
	{"parking_lot", "RawMutex$GT$8try_lock", "8RawMutex8try_lock", PL_MUTEX, EXCLUSIVE, FUNCTION_TRY},
	{"parking_lot", "RawMutex$GT$6unlock", "8RawMutex6unlock", PL_MUTEX, EXCLUSIVE, FUNCTION_UNLOCK},
	RAW_RWLOCK("parking_lot", PL_RWLOCK),
	RAW_RWLOCK("dashmap", LOCK_DASHMAP),
};
/* clang-format on */

static const char *const plumbing[] = {
	"3std4sync",     "3std3sys4sync", "std..sync", "8lock_api", "lock_api..",
	"11parking_lot", "parking_lot..", "7dashmap",  "dashmap..",
};

struct reading {
	struct lock_functions *functions;
	uint64_t bias;
};

static bool has(const char *name, size_t length, const char *part)
{
	return memmem(name, length, part, strlen(part)) != NULL;
}

static bool ends(const char *name, size_t length, const char *with)
{
	size_t size = strlen(with);

	return length >= size && memcmp(name + length - size, with, size) == 0;
}

/* The length without what compilers append: a suffix after a dot, a legacy name's hash. */
static size_t base_length(const char *name)
{
	size_t length = strlen(name);
	const char *suffix = memmem(name, length, ".llvm.", 6);

	if (suffix)
		length = (size_t)(suffix - name);
	if (length > 20 && name[length - 1] == 'E' && memcmp(name + length - 20, "17h", 3) == 0)
		length -= 20;
	return length;
}

/* "E4lock" alone says too little: the type that it is a method of, which comes first, must be std's
 * and not one that has std's among its parameters. */
static bool is_method_of_std(const struct name_row *row, const char *name, size_t length)
{
	const char *parameters = memmem(name, length, "INt", 3);
	size_t path = parameters ? (size_t)(parameters - name) : 0;
	bool mutex = row->type == STD_MUTEX;

	return ends(name, path, mutex ? "3std4sync6poison5mutex" : "3std4sync6poison6rwlock") ||
	       ends(name, path, mutex ? "3std4sync5mutex" : "3std4sync6rwlock");
}

static const struct name_row *row_ending(const char *name, size_t length, size_t end)
{
	bool v0 = memcmp(name, "_R", 2) == 0;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct name_row *row = &rows[i];
		bool guard = row->role == FUNCTION_LOCK_GUARD || row->role == FUNCTION_TRY_GUARD;

		if (ends(name, end, v0 ? row->v0 : row->legacy) &&
		    has(name, length, row->mentions) &&
		    (!guard || !v0 || is_method_of_std(row, name, length)))
			return row;
	}
	return NULL;
}

static bool is_base_62(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/*
 * In v0 names of generic and inline functions the crate that made the instance comes last, as a
 * path or a reference back: "..4lockCs1a_3app", "..4lockB2A_". Where it begins is not marked; every
 * place where it might is tried.
 */
static const struct name_row *row_of(const char *name, size_t length)
{
	const struct name_row *row = row_ending(name, length, length);
	size_t at = length;

	if (row || memcmp(name, "_R", 2) != 0)
		return row;
	if (name[at - 1] == '_')
		for (at--; !row && at > 2 && is_base_62(name[at - 1]); at--)
			row = name[at - 1] == 'B' ? row_ending(name, length, at - 1) : NULL;
	for (const char *next = name;
	     !row && (next = memmem(next, length - (size_t)(next - name), "Cs", 2)); next += 2)
		row = row_ending(name, length, (size_t)(next - name));
	return row;
}

static bool is_plumbing(const char *name, size_t length)
{
	/* What comes behind are parameters of generic code, which may be anybody's. */
	const char *parameters = length > 3 && memcmp(name, "_R", 2) == 0
					 ? memmem(name + 3, length - 3, "INt", 3)
					 : NULL;

	if (parameters)
		length = (size_t)(parameters - name);
	for (unsigned i = 0; i < sizeof(plumbing) / sizeof(*plumbing); i++)
		if (has(name, length, plumbing[i]))
			return true;
	return false;
}

static void visit(void *context, const char *name, uint64_t address, uint64_t size)
{
	const struct reading *reading = context;
	struct lock_functions *functions = reading->functions;
	const struct name_row *row;
	size_t length;

	if (name[0] != '_' || (name[1] != 'Z' && name[1] != 'R'))
		return;
	length = base_length(name);
	/* Every name in the tables has one of these. */
	if (!has(name, length, "utex") && !has(name, length, "Lock") &&
	    !has(name, length, "dashmap"))
		return;
	row = row_of(name, length);
	if ((!row && !is_plumbing(name, length)) || functions->count == LOCK_FUNCTIONS_MAX)
		return;
	functions->list[functions->count++] = (struct lock_function){
		.address = reading->bias + address,
		.size = size,
		.role = row ? row->role : FUNCTION_PLUMBING,
		.type = row ? row->type : 0,
		.mode = row ? row->mode : 0,
	};
}

bool lock_functions_read(struct lock_functions *functions, const struct elf_image *image,
			 const char *path)
{
	struct reading reading = {functions, image->bias};
	struct symbol_table table;

	*functions = (struct lock_functions){0};
	functions->list = sys_map(sizeof(*functions->list) * LOCK_FUNCTIONS_MAX);
	if (!functions->list)
		return false;
	if (symbol_table_open(&table, path) == 0) {
		functions->has_symbols = table.count != 0;
		symbol_table_functions(&table, visit, &reading);
		symbol_table_close(&table);
	}
	address_sort(functions->list, functions->count, sizeof(*functions->list));
	return true;
}

void lock_functions_free(struct lock_functions *functions)
{
	if (functions->list)
		sys_call2(SYS_munmap, functions->list,
			  sizeof(*functions->list) * LOCK_FUNCTIONS_MAX);
	functions->list = NULL;
}

/* The last function that begins at or before `address`, or NULL. */
static const struct lock_function *before(const struct lock_functions *functions, uint64_t address)
{
	size_t low = 0, high = functions->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (functions->list[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &functions->list[low - 1] : NULL;
}

const struct lock_function *lock_functions_at(const struct lock_functions *functions,
					      uint64_t address)
{
	const struct lock_function *function = before(functions, address);

	return function && function->address == address && function->role != FUNCTION_PLUMBING
		       ? function
		       : NULL;
}

bool lock_functions_is_plumbing(const struct lock_functions *functions, uint64_t address)
{
	const struct lock_function *function = before(functions, address);

	return function && address - function->address < function->size;
}
