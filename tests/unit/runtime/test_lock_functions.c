/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of runtime/patch/lock_functions.h: names of lock functions as compilers from Rust 1.62
 * on mangle them, and names that are nearly such.
 */
#include "runtime/patch/lock_functions.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAMES_MAX 64
#define BIAS      0x550000000000
#define FIRST     0x1000 /* of the functions, one every STEP bytes */
#define STEP      0x40
#define SIZE      0x30

#define COUNT(list) (sizeof(list) / sizeof(*(list)))
#define H           "17h0123456789abcdefE"
#define APP         "CsaLW9mGDtb25_3app"
#define STD         "CsjrHSEGnQ3l9_3std"
#define LOCK_API    "CslOXnGJSHb4G_8lock_api"
#define PARKING_LOT "Cs1l06OBHhjf8_11parking_lot"
#define DASHMAP     "Cs8LIgYaGXuy9_7dashmap"

struct file {
	Elf64_Ehdr header;
	Elf64_Shdr sections[3]; /* none, symbols, their names */
	Elf64_Sym symbols[NAMES_MAX];
	char strings[16384];
};

static struct lock_functions functions;

/* A file whose functions have these names. */
static void read_names(const char *const *names, size_t count)
{
	const struct elf_image image = {.bias = BIAS};
	static struct file file;
	size_t used = 1;
	char path[64];
	int fd = memfd_create("names", 0);

	cr_assert_leq(count, NAMES_MAX);
	memcpy(file.header.e_ident, ELFMAG, SELFMAG);
	file.header.e_ident[EI_CLASS] = ELFCLASS64;
	file.header.e_shentsize = sizeof(Elf64_Shdr);
	file.header.e_shoff = offsetof(struct file, sections);
	file.header.e_shnum = 3;
	file.sections[1] = (Elf64_Shdr){.sh_type = SHT_SYMTAB,
					.sh_link = 2,
					.sh_offset = offsetof(struct file, symbols),
					.sh_size = count * sizeof(Elf64_Sym)};
	for (size_t i = 0; i < count; i++) {
		/* Descending, so that they have to be sorted. */
		file.symbols[i] = (Elf64_Sym){.st_name = (uint32_t)used,
					      .st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC),
					      .st_shndx = 1,
					      .st_value = FIRST + STEP * (uint64_t)(count - 1 - i),
					      .st_size = SIZE};
		cr_assert_lt(used + strlen(names[i]) + 1, sizeof(file.strings));
		strcpy(file.strings + used, names[i]);
		used += strlen(names[i]) + 1;
	}
	file.sections[2] = (Elf64_Shdr){.sh_type = SHT_STRTAB,
					.sh_offset = offsetof(struct file, strings),
					.sh_size = used};
	cr_assert_eq(write(fd, &file, sizeof(file)), (ssize_t)sizeof(file));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	cr_assert(lock_functions_read(&functions, &image, path));
	close(fd);
}

static uint64_t address_of(size_t count, size_t index)
{
	return BIAS + FIRST + STEP * (count - 1 - index);
}

struct named {
	const char *name;
	uint8_t role, type, mode;
};

static void expect_named(const struct named *expected, size_t count)
{
	const char *names[NAMES_MAX];

	for (size_t i = 0; i < count; i++)
		names[i] = expected[i].name;
	read_names(names, count);
	cr_expect(functions.has_symbols);
	for (size_t i = 0; i < count; i++) {
		const struct lock_function *function =
			lock_functions_at(&functions, address_of(count, i));

		cr_expect_not_null(function, "%s", names[i]);
		if (!function)
			continue;
		cr_expect_eq(function->role, expected[i].role, "%s", names[i]);
		cr_expect_eq(function->type, expected[i].type, "%s", names[i]);
		cr_expect_eq(function->mode, expected[i].mode, "%s", names[i]);
		cr_expect_eq(function->size, SIZE);
		cr_expect_null(lock_functions_at(&functions, function->address + 1));
	}
	lock_functions_free(&functions);
	cr_assert_null(functions.list);
}

#define MUTEX(role)      FUNCTION_##role, LOCK_STD_MUTEX, LOCK_EXCLUSIVE
#define READ(role)       FUNCTION_##role, LOCK_STD_RWLOCK, LOCK_SHARED
#define WRITE(role)      FUNCTION_##role, LOCK_STD_RWLOCK, LOCK_EXCLUSIVE
#define PL_MUTEX(role)   FUNCTION_##role, LOCK_PARKING_LOT_MUTEX, LOCK_EXCLUSIVE
#define PL(role, mode)   FUNCTION_##role, LOCK_PARKING_LOT_RWLOCK, LOCK_##mode
#define DASH(role, mode) FUNCTION_##role, LOCK_DASHMAP, LOCK_##mode
#define EXPECT_NAMED(...)                                                                          \
	expect_named((const struct named[]){__VA_ARGS__},                                          \
		     COUNT(((const struct named[]){__VA_ARGS__})))

Test(lock_functions, knows_slow_paths_of_std_in_every_version)
{
	EXPECT_NAMED(
		{"_ZN3std3sys4unix5locks11futex_mutex5Mutex14lock_contended" H,
		 MUTEX(SLOW_ACQUIRE)},
		{"_ZN3std3sys4unix5locks11futex_mutex5Mutex4wake" H, MUTEX(SLOW_RELEASE)},
		{"_ZN3std3sys3pal4unix5locks11futex_mutex5Mutex14lock_contended" H,
		 MUTEX(SLOW_ACQUIRE)},
		{"_ZN3std3sys5locks5mutex5futex5Mutex14lock_contended" H, MUTEX(SLOW_ACQUIRE)},
		{"_ZN3std3sys4sync5mutex5futex5Mutex14lock_contended" H, MUTEX(SLOW_ACQUIRE)},
		{"_ZN3std3sys4sync5mutex5futex5Mutex4wake" H, MUTEX(SLOW_RELEASE)},
		{"_ZN3std3sys4unix5locks12futex_rwlock6RwLock14read_contended" H,
		 READ(SLOW_ACQUIRE)},
		{"_ZN3std3sys4unix5locks12futex_rwlock6RwLock15write_contended" H,
		 WRITE(SLOW_ACQUIRE)},
		{"_ZN3std3sys4unix5locks12futex_rwlock6RwLock22wake_writer_or_readers" H,
		 WRITE(SLOW_RELEASE)},
		{"_ZN3std3sys4sync6rwlock5futex6RwLock14read_contended" H, READ(SLOW_ACQUIRE)},
		{"_ZN3std3sys4sync6rwlock5futex6RwLock15write_contended" H, WRITE(SLOW_ACQUIRE)},
		{"_ZN3std3sys4sync6rwlock5futex6RwLock22wake_writer_or_readers" H,
		 WRITE(SLOW_RELEASE)});
}

#define FUTEX_MUTEX  "_RNvMNtNtNtNt" STD "3sys4sync5mutex5futexNtB2_5Mutex"
#define FUTEX_RWLOCK "_RNvMNtNtNtNt" STD "3sys4sync6rwlock5futexNtB2_6RwLock"

Test(lock_functions, knows_slow_paths_of_std_in_the_new_mangling)
{
	EXPECT_NAMED({FUTEX_MUTEX "14lock_contended", MUTEX(SLOW_ACQUIRE)},
		     {FUTEX_MUTEX "4wake", MUTEX(SLOW_RELEASE)},
		     {FUTEX_RWLOCK "14read_contended", READ(SLOW_ACQUIRE)},
		     {FUTEX_RWLOCK "15write_contended", WRITE(SLOW_ACQUIRE)},
		     {FUTEX_RWLOCK "22wake_writer_or_readers", WRITE(SLOW_RELEASE)});
}

Test(lock_functions, ignores_what_compilers_append)
{
	EXPECT_NAMED({FUTEX_MUTEX "14lock_contended.llvm.123456789", MUTEX(SLOW_ACQUIRE)},
		     {"_ZN3std3sys4sync5mutex5futex5Mutex4wake" H ".llvm.99", MUTEX(SLOW_RELEASE)});
}

Test(lock_functions, knows_whole_functions_of_unoptimised_builds)
{
	EXPECT_NAMED({"_ZN3std3sys4sync5mutex5futex5Mutex4lock" H, MUTEX(LOCK)},
		     {"_ZN3std3sys4sync5mutex5futex5Mutex8try_lock" H, MUTEX(TRY)},
		     {"_ZN3std3sys4unix5locks11futex_mutex5Mutex6unlock" H, MUTEX(UNLOCK)},
		     {"_ZN3std3sys4unix5locks12futex_rwlock6RwLock11read_unlock" H, READ(UNLOCK)},
		     {"_ZN3std3sys4unix5locks12futex_rwlock6RwLock12write_unlock" H, WRITE(UNLOCK)},
		     {"_ZN3std3sys4sync6rwlock5futex6RwLock4read" H, READ(LOCK)},
		     {"_ZN3std3sys4sync6rwlock5futex6RwLock8try_read" H, READ(TRY)},
		     {"_ZN3std3sys4unix5locks12futex_rwlock6RwLock5write" H, WRITE(LOCK)},
		     {"_ZN3std3sys4unix5locks12futex_rwlock6RwLock9try_write" H, WRITE(TRY)},
		     {"_ZN3std4sync5mutex14Mutex$LT$T$GT$4lock" H, MUTEX(LOCK_GUARD)},
		     {"_ZN3std4sync5mutex14Mutex$LT$T$GT$8try_lock" H, MUTEX(TRY_GUARD)},
		     {"_ZN3std4sync6poison5mutex14Mutex$LT$T$GT$4lock" H, MUTEX(LOCK_GUARD)},
		     {"_ZN3std4sync6rwlock15RwLock$LT$T$GT$4read" H, READ(LOCK_GUARD)},
		     {"_ZN3std4sync6poison6rwlock15RwLock$LT$T$GT$5write" H, WRITE(LOCK_GUARD)},
		     {"_ZN3std4sync6poison6rwlock15RwLock$LT$T$GT$8try_read" H, READ(TRY_GUARD)},
		     {"_ZN3std4sync6poison6rwlock15RwLock$LT$T$GT$9try_write" H, WRITE(TRY_GUARD)});
}

#define STD_MUTEX  "_RNvMs5_NtNtNt" STD "4sync6poison5mutexINtB5_5Mutex"
#define STD_RWLOCK "_RNvMs9_NtNtNt" STD "4sync6poison6rwlockINtB5_6RwLock"

Test(lock_functions, knows_whole_functions_in_the_new_mangling)
{
	EXPECT_NAMED({STD_MUTEX "hE4lock" APP, MUTEX(LOCK_GUARD)},
		     {STD_MUTEX "hE8try_lock" APP, MUTEX(TRY_GUARD)},
		     {"_RNvMs_NtNt" STD "4sync5mutexINtB4_5MutexhE4lock" APP, MUTEX(LOCK_GUARD)},
		     {STD_RWLOCK "yE4read" APP, READ(LOCK_GUARD)},
		     {STD_RWLOCK "yE5write" APP, WRITE(LOCK_GUARD)},
		     {STD_RWLOCK "yE8try_read" APP, READ(TRY_GUARD)},
		     {STD_RWLOCK "yE9try_write" APP, WRITE(TRY_GUARD)},
		     {FUTEX_RWLOCK "4read" APP, READ(LOCK)},
		     {FUTEX_RWLOCK "5write" APP, WRITE(LOCK)},
		     {FUTEX_RWLOCK "8try_readB1a_", READ(TRY)});
}

/* The crate of the instance is mentioned before, and referred to. */
Test(lock_functions, knows_instances_for_types_of_the_program)
{
	EXPECT_NAMED({STD_MUTEX "Nt" APP "3FooE4lockBZ_", MUTEX(LOCK_GUARD)},
		     {STD_MUTEX "Nt" APP "3FooE8try_lockBZ_", MUTEX(TRY_GUARD)},
		     {STD_RWLOCK "Nt" APP "3FooE4readB11_", READ(LOCK_GUARD)},
		     {STD_RWLOCK "Nt" APP "3FooE9try_writeB11_", WRITE(TRY_GUARD)},
		     {STD_MUTEX "INtNtCslNYArtu3iFV_5alloc3vec3VechEE4lockBb_", MUTEX(LOCK_GUARD)},
		     {STD_MUTEX "INtNtNt" STD "4sync6poison5mutex5MutexhEE4lock" APP,
		      MUTEX(LOCK_GUARD)});
}

#define RAW_MUTEX  "_ZN11parking_lot9raw_mutex8RawMutex"
#define RAW_RWLOCK "_ZN11parking_lot10raw_rwlock9RawRwLock"
#define AS_MUTEX                                                                                   \
	"_ZN78_$LT$parking_lot..raw_mutex..RawMutex$u20$as$u20$lock_api..mutex..RawMutex$GT$"
#define AS_RWLOCK                                                                                  \
	"_ZN82_$LT$parking_lot..raw_rwlock..RawRwLock$u20$as$u20$lock_api..rwlock..RawRwLock$GT$"
#define AS_UPGRADE                                                                                 \
	"_ZN89_$LT$parking_lot..raw_rwlock..RawRwLock$u20$as$u20$lock_api..rwlock.."               \
	"RawRwLockUpgrade$GT$"

Test(lock_functions, knows_parking_lot)
{
	EXPECT_NAMED({RAW_MUTEX "9lock_slow" H, PL_MUTEX(SLOW_ACQUIRE)},
		     {RAW_MUTEX "11unlock_slow" H, PL_MUTEX(SLOW_RELEASE)},
		     {AS_MUTEX "4lock" H, PL_MUTEX(LOCK)}, {AS_MUTEX "8try_lock" H, PL_MUTEX(TRY)},
		     {AS_MUTEX "6unlock" H, PL_MUTEX(UNLOCK)},
		     {RAW_RWLOCK "19lock_exclusive_slow" H, PL(SLOW_ACQUIRE, EXCLUSIVE)},
		     {RAW_RWLOCK "16lock_shared_slow" H, PL(SLOW_ACQUIRE, SHARED)},
		     {RAW_RWLOCK "20lock_upgradable_slow" H, PL(SLOW_ACQUIRE, UPGRADABLE)},
		     {RAW_RWLOCK "20try_lock_shared_slow" H, PL(SLOW_TRY, SHARED)},
		     {RAW_RWLOCK "24try_lock_upgradable_slow" H, PL(SLOW_TRY, UPGRADABLE)},
		     {RAW_RWLOCK "21unlock_exclusive_slow" H, PL(SLOW_RELEASE, EXCLUSIVE)},
		     {RAW_RWLOCK "18unlock_shared_slow" H, PL(SLOW_RELEASE, SHARED)},
		     {RAW_RWLOCK "22unlock_upgradable_slow" H, PL(SLOW_RELEASE, UPGRADABLE)},
		     {AS_RWLOCK "14lock_exclusive" H, PL(LOCK, EXCLUSIVE)},
		     {AS_RWLOCK "11lock_shared" H, PL(LOCK, SHARED)},
		     {AS_RWLOCK "18try_lock_exclusive" H, PL(TRY, EXCLUSIVE)},
		     {AS_RWLOCK "15try_lock_shared" H, PL(TRY, SHARED)},
		     {AS_RWLOCK "16unlock_exclusive" H, PL(UNLOCK, EXCLUSIVE)},
		     {AS_RWLOCK "13unlock_shared" H, PL(UNLOCK, SHARED)},
		     {AS_UPGRADE "15lock_upgradable" H, PL(LOCK, UPGRADABLE)},
		     {AS_UPGRADE "19try_lock_upgradable" H, PL(TRY, UPGRADABLE)},
		     {AS_UPGRADE "17unlock_upgradable" H, PL(UNLOCK, UPGRADABLE)});
}

#define V0_RAW_MUTEX  "_RNvMs1_Nt" PARKING_LOT "9raw_mutexNtB5_8RawMutex"
#define V0_RAW_RWLOCK "_RNvMs8_Nt" PARKING_LOT "10raw_rwlockNtB5_9RawRwLock"
#define V0_AS_MUTEX   "_RNvXNt" PARKING_LOT "9raw_mutexNtB2_8RawMutexNtNt" LOCK_API "5mutex8RawMutex"
#define V0_AS_RWLOCK                                                                               \
	"_RNvXNt" PARKING_LOT "10raw_rwlockNtB2_9RawRwLockNtNt" LOCK_API "6rwlock9RawRwLock"
#define V0_AS_UPGRADE                                                                              \
	"_RNvXs4_Nt" PARKING_LOT "10raw_rwlockNtB5_9RawRwLockNtNt" LOCK_API                        \
	"6rwlock16RawRwLockUpgrade"
#define V0_DASHMAP "_RNvMs0_Nt" DASHMAP "4lockNtB5_9RawRwLock"
#define DASHMAP_AS "_ZN72_$LT$dashmap..lock..RawRwLock$u20$as$u20$lock_api..rwlock..RawRwLock$GT$"

Test(lock_functions, knows_parking_lot_in_the_new_mangling)
{
	EXPECT_NAMED({V0_RAW_MUTEX "9lock_slow", PL_MUTEX(SLOW_ACQUIRE)},
		     {V0_RAW_MUTEX "11unlock_slow", PL_MUTEX(SLOW_RELEASE)},
		     {V0_RAW_RWLOCK "19lock_exclusive_slow", PL(SLOW_ACQUIRE, EXCLUSIVE)},
		     {V0_RAW_RWLOCK "16lock_shared_slow", PL(SLOW_ACQUIRE, SHARED)},
		     {V0_RAW_RWLOCK "22unlock_upgradable_slow", PL(SLOW_RELEASE, UPGRADABLE)},
		     {V0_AS_MUTEX "4lock" APP, PL_MUTEX(LOCK)},
		     {V0_AS_MUTEX "8try_lock" APP, PL_MUTEX(TRY)},
		     {V0_AS_MUTEX "6unlock" APP, PL_MUTEX(UNLOCK)},
		     {V0_AS_RWLOCK "11lock_shared" APP, PL(LOCK, SHARED)},
		     {V0_AS_RWLOCK "16unlock_exclusive" APP, PL(UNLOCK, EXCLUSIVE)},
		     {V0_AS_UPGRADE "15lock_upgradable" APP, PL(LOCK, UPGRADABLE)},
		     {V0_AS_UPGRADE "17unlock_upgradable" APP, PL(UNLOCK, UPGRADABLE)});
}

Test(lock_functions, knows_dashmap)
{
	EXPECT_NAMED({"_ZN7dashmap4lock9RawRwLock19lock_exclusive_slow" H,
		      DASH(SLOW_ACQUIRE, EXCLUSIVE)},
		     {"_ZN7dashmap4lock9RawRwLock16lock_shared_slow" H, DASH(SLOW_ACQUIRE, SHARED)},
		     {"_ZN7dashmap4lock9RawRwLock21unlock_exclusive_slow" H,
		      DASH(SLOW_RELEASE, EXCLUSIVE)},
		     {DASHMAP_AS "14lock_exclusive" H, DASH(LOCK, EXCLUSIVE)},
		     {DASHMAP_AS "11lock_shared" H, DASH(LOCK, SHARED)},
		     {DASHMAP_AS "18try_lock_exclusive" H, DASH(TRY, EXCLUSIVE)},
		     {DASHMAP_AS "13unlock_shared" H, DASH(UNLOCK, SHARED)},
		     {V0_DASHMAP "19lock_exclusive_slow", DASH(SLOW_ACQUIRE, EXCLUSIVE)},
		     {V0_DASHMAP "18unlock_shared_slow", DASH(SLOW_RELEASE, SHARED)},
		     {"_RNvXNt" DASHMAP "4lockNtB2_9RawRwLockNtNt" LOCK_API
		      "6rwlock9RawRwLock14lock_exclusive" APP,
		      DASH(LOCK, EXCLUSIVE)});
}

static void expect_others(const char *const *names, size_t count, bool in_plumbing)
{
	read_names(names, count);
	for (size_t i = 0; i < count; i++) {
		uint64_t address = address_of(count, i);

		cr_expect_null(lock_functions_at(&functions, address), "%s", names[i]);
		cr_expect_eq(lock_functions_is_plumbing(&functions, address + 8), in_plumbing, "%s",
			     names[i]);
		cr_expect_not(lock_functions_is_plumbing(&functions, address + SIZE), "%s",
			      names[i]);
	}
}

Test(lock_functions, leaves_other_locks_alone)
{
	static const char *const names[] = {
		"_ZN5tokio4sync6rwlock15RwLock$LT$T$GT$4read" H,
		"_ZN5tokio4sync5mutex14Mutex$LT$T$GT$4lock" H,
		"_RNvMs5_NtNtCs5JQ_5tokio4sync6rwlockINtB5_6RwLockhE4read" APP,
		"_RNCNvMs5_NtNtCs5JQ_5tokio4sync6rwlockINtB7_6RwLockhE4read0" APP,
		"_ZN3app4sync5Mutex4lock" H,
		"_ZN3app4sync5mutex14Mutex$LT$T$GT$4lock" H,
		"_RNvMNt" APP "4syncNtB2_5Mutex4lock",
		"_RNvMNtNt" APP "4sync5mutexINtB2_5MutexNtB6_3FooE4lockB6_",
		"_ZN5async4sync9RawRwLock19lock_exclusive_slow" H,
		"_ZN4spin5mutex14Mutex$LT$T$GT$4lock" H,
		"pthread_mutex_lock",
		"_ZNSt5mutex4lockEv",
		"_Z9LockMutexv",
	};

	expect_others(names, COUNT(names), false);
}

Test(lock_functions, knows_code_of_a_locks_crate)
{
	static const char *const names[] = {
		"_ZN3std4sync6poison5mutex14Mutex$LT$T$GT$3new" H,
		"_ZN4core3ptr60drop_in_place$LT$std..sync..poison..mutex..MutexGuard$LT$u8$GT$$"
		"GT$" H,
		"_ZN8lock_api5mutex18Mutex$LT$R$C$T$GT$4lock" H,
		"_ZN8lock_api6rwlock19RwLock$LT$R$C$T$GT$4read" H,
		"_RNvMs2_Nt" LOCK_API "5mutexINtB5_5MutexNtNt" PARKING_LOT
		"9raw_mutex8RawMutexhE4lock" APP,
		"_ZN7dashmap16DashMap$LT$K$C$V$C$S$GT$3get" H,
		RAW_RWLOCK "12upgrade_slow" H,
		RAW_RWLOCK "11lock_common" H,
		"_ZN3std3sys4sync6rwlock5futex6RwLock8try_read28_$u7b$$u7b$closure$u7d$$u7d$" H,
	};

	expect_others(names, COUNT(names), true);
}

Test(lock_functions, knows_nothing_in_a_file_without_symbols)
{
	const struct elf_image image = {.bias = BIAS};

	cr_assert(lock_functions_read(&functions, &image, "/nonexistent"));
	cr_assert_not(functions.has_symbols);
	cr_assert_eq(functions.count, 0);
	cr_assert_null(lock_functions_at(&functions, BIAS + FIRST));
	cr_assert_not(lock_functions_is_plumbing(&functions, BIAS + FIRST));
	lock_functions_free(&functions);
	lock_functions_free(&functions);
}

Test(lock_functions, leaves_a_programs_own_futex_locks_alone)
{
	static const char *const names[] = {
		"_ZN3app5futex5Mutex4lock" H,           "_ZN7myfutex5Mutex4lock" H,
		"_ZN3app5futex6RwLock4read" H,          "_ZN3app5futex5Mutex14lock_contended" H,
		"_RNvMNt" APP "5futexNtB2_5Mutex4lock",
	};

	expect_others(names, COUNT(names), false);
}

Test(lock_functions, leaves_other_locks_with_stds_in_them_alone)
{
	static const char *const names[] = {
		"_RNvMs5_NtNtCs5JQ_5tokio4sync6rwlockINtB5_6RwLockINtNtNt" STD
		"4sync6poison5mutex5MutexhEE4read" APP,
		"_RINvNt" APP "3app4lockINtNtNt" STD "4sync6poison5mutex5MutexhEE",
	};

	expect_others(names, COUNT(names), false);
}

Test(lock_functions, knows_references_with_any_digit)
{
	EXPECT_NAMED({STD_MUTEX "INtNtCslNYArtu3iFV_5alloc3vec3VecNt" APP "3FooEE4lockB1B_",
		      MUTEX(LOCK_GUARD)},
		     {"_RNvMNtNtNtNtCsjrHSEGnCsl9_3std3sys4sync5mutex5futexNtB2_5Mutex4lock"
		      "CsaLWCsGDtb2_3app",
		      MUTEX(LOCK)});
}
