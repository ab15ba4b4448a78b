/* SPDX-License-Identifier: MIT */
/*
 * Stack capture through libunwind.
 * Runs on: the constructor or collector (start), application threads (capture).
 *
 * libunwind 1.6 checks addresses that its tables do not vouch for by writing from them into a pipe
 * that it keeps open (src/x86_64/Ginit.c, write_validate). A target that closes descriptors it does
 * not know and reuses the numbers would find bytes in its files, so the accessor that does this is
 * replaced by one that asks the kernel to copy, and the pipe is closed again.
 */
#include "unwind.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include "runtime/sys.h"
#include "runtime/text.h"

#define QUOTE(name)  #name
#define SYMBOL(name) QUOTE(name)

/* The header maps these to names that carry the machine, as the shared library exports them. */
static int (*init_local)(unw_cursor_t *cursor, unw_context_t *context);
static int (*step)(unw_cursor_t *cursor);
static int (*get_reg)(unw_cursor_t *cursor, unw_regnum_t number, unw_word_t *ret_value);
#if defined(__x86_64__)
static int (*get_context)(unw_context_t *context);
#else
static int (*get_save_loc)(unw_cursor_t *cursor, int number, unw_save_loc_t *ret_place);
#define get_context(context) unw_getcontext(context)
#endif

static bool ready;            /* set last, with release */
static bool suspended;        /* the loader's lock, which stepping takes, may never be free */
static uint32_t busy_threads; /* inside capture_afresh */

#define PAGE          4096u
#define TRUSTED_STACK (1u << 20)

/* What this thread's running capture may read directly: stack pages known to be there. */
static __thread struct {
	uint64_t start, end;
} readable __attribute__((tls_model("initial-exec")));

/*
 * The copy that is being unwound; what is on the live stack at its place is something else. The
 * registers are read back from `context`, on the caller's stack, which may be that one's neighbour.
 */
static __thread struct {
	const unsigned char *bytes;
	uint64_t start, size;
	const void *context;
} copied __attribute__((tls_model("initial-exec")));

static int access_copy(unw_word_t address, unw_word_t *value)
{
	uint64_t offset = address - copied.start;

	if (offset + sizeof(*value) > copied.size)
		return -UNW_EINVAL;
	memcpy(value, copied.bytes + offset, sizeof(*value));
	return 0;
}

static bool is_within(uint64_t address, uint64_t start, uint64_t size)
{
	return address - start < size;
}

static int access_memory(unw_addr_space_t space, unw_word_t address, unw_word_t *value, int write,
			 void *unused)
{
	uint64_t start = readable.start, end = readable.end;
	long result;

	if (write)
		return -UNW_EINVAL;
	if (copied.bytes && !is_within(address, (uintptr_t)copied.context, sizeof(unw_context_t)) &&
	    address - copied.start + PAGE < TRUSTED_STACK)
		return address < copied.start ? -UNW_EINVAL : access_copy(address, value);
	if (address - start < end - start && end - address >= sizeof(*value)) {
		memcpy(value, (const void *)address, sizeof(*value));
		return 0;
	}
	result = sys_read_memory(value, (const void *)address, sizeof(*value));
	if ((result == -EPERM || result == -ENOSYS) && start && address - start < TRUSTED_STACK) {
		/* A sandbox forbids asking; what the tables say lies on the stack is believed. */
		memcpy(value, (const void *)address, sizeof(*value));
		return 0;
	}
	if (result != sizeof(*value))
		return -UNW_EINVAL;
	if (address - end < PAGE)
		readable.end = (address | (PAGE - 1)) + 1;
	return 0;
}

static void *find(void *library, const char *name, bool *missing)
{
	void *function = dlsym(library, name);

	*missing |= !function;
	return function;
}

/* Where the return address that led to the frame is kept. */
static bool find_place(unw_cursor_t *cursor, uint64_t *ret_place)
{
#if defined(__x86_64__)
	unw_word_t sp = 0;

	/* The call instruction leaves it right below the stack pointer. */
	if (get_reg(cursor, UNW_REG_SP, &sp) < 0)
		return false;
	*ret_place = sp - sizeof(uint64_t);
#else
	unw_save_loc_t place;

	if (get_save_loc(cursor, UNW_AARCH64_X30, &place) < 0 || place.type != UNW_SLT_MEMORY)
		return false;
	*ret_place = place.u.addr;
#endif
	return true;
}

static __attribute__((noinline)) void capture_afresh(struct remembered_stack *stack)
{
	unw_context_t context;
	unw_cursor_t cursor;
	uint32_t count = 0;

	__atomic_add_fetch(&busy_threads, 1, __ATOMIC_RELAXED);
	readable.start = (uintptr_t)&context & ~(uint64_t)(PAGE - 1);
	readable.end = readable.start + PAGE;
	get_context(&context);
	if (init_local(&cursor, &context) >= 0 && step(&cursor) > 0) {
		/* One step leads into unwind_capture, the next ones to its callers. */
		while (count < UNWIND_MAX_FRAMES && step(&cursor) > 0) {
			unw_word_t ip = 0;

			if (get_reg(&cursor, UNW_REG_IP, &ip) < 0 || !ip ||
			    !find_place(&cursor, &stack->places[count]))
				break;
			stack->frames[count++] = ip;
		}
	}
	stack->count = count;
	readable.start = readable.end = 0;
	__atomic_sub_fetch(&busy_threads, 1, __ATOMIC_RELAXED);
}

static bool is_pipe(int fd, char *name, size_t size)
{
	char path[32];
	struct text text;

	text_init(&text, path, sizeof(path));
	text_add(&text, "/proc/self/fd/");
	text_add_u64(&text, (uint64_t)fd);
	text_end(&text);
	return sys_readlink(path, name, size) > 0 && strncmp(name, "pipe:", 5) == 0;
}

/* Runs the first capture; libunwind opens its pipe then, on the two lowest free descriptors. */
static void warm_up(void)
{
	static struct stack_memory memory;
	char names[2][64];
	int first = sys_open("/proc/self/exe", O_RDONLY, 0);
	int second = sys_open("/proc/self/exe", O_RDONLY, 0);

	if (first >= 0)
		sys_close(first);
	if (second >= 0)
		sys_close(second);
	unwind_capture(&memory);
	if (first >= 0 && second >= 0 && is_pipe(first, names[0], sizeof(names[0])) &&
	    is_pipe(second, names[1], sizeof(names[1])) && strcmp(names[0], names[1]) == 0) {
		sys_close(first);
		sys_close(second);
	}
}

static bool find_functions(void *library)
{
	unw_accessors_t *(*get_accessors)(unw_addr_space_t space);
	unw_addr_space_t *local_space;
	bool missing = false;

	*(void **)&init_local = find(library, SYMBOL(unw_init_local), &missing);
	*(void **)&step = find(library, SYMBOL(unw_step), &missing);
	*(void **)&get_reg = find(library, SYMBOL(unw_get_reg), &missing);
	*(void **)&get_accessors = find(library, SYMBOL(unw_get_accessors), &missing);
	local_space = find(library, SYMBOL(unw_local_addr_space), &missing);
#if defined(__x86_64__)
	*(void **)&get_context = find(library, SYMBOL(unw_tdep_getcontext), &missing);
#else
	*(void **)&get_save_loc = find(library, SYMBOL(unw_get_save_loc), &missing);
#endif
	if (missing)
		return false;
	__atomic_store_n(&ready, true, __ATOMIC_RELEASE);
	warm_up(); /* sets up the accessors as well */
	get_accessors(*local_space)->access_mem = access_memory;
	return true;
}

bool unwind_start(void)
{
	void *library;

	if (__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
		return true;
	library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
	return library && find_functions(library);
}

static bool still_there(const struct remembered_stack *stack, uint64_t place)
{
	if (!stack->count || stack->places[0] != place)
		return false;
	for (uint32_t i = 0; i < stack->count; i++)
		if (*(const uint64_t *)(uintptr_t)stack->places[i] != stack->frames[i])
			return false;
	return true;
}

static bool may_unwind(void)
{
	return __atomic_load_n(&ready, __ATOMIC_ACQUIRE) &&
	       !__atomic_load_n(&suspended, __ATOMIC_ACQUIRE);
}

__attribute__((noinline)) const struct remembered_stack *unwind_capture(struct stack_memory *memory)
{
	/* Next to the caller's frame pointer, on both machines. */
	uint64_t place = (uintptr_t)__builtin_frame_address(0) + sizeof(uint64_t);
	struct remembered_stack *stack;

	for (uint32_t i = 0; i < UNWIND_REMEMBERED; i++)
		if (still_there(&memory->stacks[i], place))
			return &memory->stacks[i];
	stack = &memory->stacks[memory->next++ % UNWIND_REMEMBERED];
	stack->count = 0;
	if (may_unwind())
		capture_afresh(stack);
	return stack;
}

/*
 * On x86-64 only: for aarch64 libunwind reads stacks itself, past the accessor, and would fault on
 * what is no longer there.
 */
unsigned unwind_from(const struct unwind_context *from, uint64_t *frames, unsigned max)
{
	unsigned count = 0;
#if defined(__x86_64__)
	unw_context_t context;
	unw_cursor_t cursor;

	if (!from->pc || !may_unwind())
		return 0;
	__atomic_add_fetch(&busy_threads, 1, __ATOMIC_RELAXED);
	copied.context = &context;
	get_context(&context); /* for the parts that are not set here */
	context.uc_mcontext.gregs[REG_RIP] = (greg_t)from->pc;
	context.uc_mcontext.gregs[REG_RSP] = (greg_t)from->sp;
	context.uc_mcontext.gregs[REG_RBP] = (greg_t)from->bp;
	if (init_local(&cursor, &context) >= 0) {
		do {
			unw_word_t ip = 0;

			if (get_reg(&cursor, UNW_REG_IP, &ip) < 0 || !ip)
				break;
			frames[count++] = ip;
		} while (count < max && step(&cursor) > 0);
	}
	__atomic_sub_fetch(&busy_threads, 1, __ATOMIC_RELAXED);
#endif
	return count;
}

unsigned unwind_copied(const struct unwind_context *context, const void *bytes, uint64_t size,
		       uint64_t *frames, unsigned max)
{
	unsigned count;

	if (!context->pc || !max)
		return 0;
	frames[0] = context->pc;
	if (!size)
		return 1;
	copied.bytes = bytes;
	copied.start = context->sp;
	copied.size = size;
	count = unwind_from(context, frames, max);
	copied.bytes = NULL;
	/* Without an unwinder there is still where it began. */
	return count ? count : 1;
}

bool unwind_after_fork(void)
{
	if (busy_threads)
		ready = false;
	return ready;
}

void unwind_suspend(bool suspend)
{
	__atomic_store_n(&suspended, suspend, __ATOMIC_RELEASE);
}
