/* SPDX-License-Identifier: MIT */
/* Holders, waiters, deadlocks, and what to do about them, in words. */
#include "report_lock.h"

#include <inttypes.h>
#include <string.h>

#include "duration.h"
#include "function_name.h"
#include "owner.h"

void lock_put_type(const char *type, FILE *out)
{
	if (!type)
		fputs("lock", out);
	else if (strncmp(type, "dashmap", strlen("dashmap")) == 0)
		fprintf(out, "dashmap shard%s", type + strlen("dashmap"));
	else
		text_put(out, type);
}

/* "task 12 (app::refresh::{{closure}}) on tokio-rt-worker"; `on`: with the thread. */
static void party_put(const struct party *party, bool on, FILE *out)
{
	const char *type = party->type ? party->type->name : NULL;
	const struct thread *thread = party->thread;

	if (party->has_task)
		fprintf(out, "task %" PRIu64, party->task);
	else if (party->type)
		fputs("a task", out);
	else if (thread && thread->name)
		fputs("thread ", out);
	else if (thread && thread->tid)
		fprintf(out, "thread %" PRId64, thread->tid);
	else
		fputs("an unknown thread", out);
	if (type) {
		fputs(" (", out);
		text_put_function(out, type);
		fputc(')', out);
	}
	if (!thread || !thread->name)
		return;
	if (party->has_task || party->type)
		fputs(on ? " on " : "", out);
	if (on || !(party->has_task || party->type))
		text_put(out, thread->name);
}

/* A position without a name, and the module that it is in. */
static void blind_place_put(const struct frame *frame, FILE *out)
{
	char label[OWNER_LABEL_SIZE];

	owner_of(frame, label);
	fputs(" at ", out);
	text_put(out, label);
	fprintf(out, "+0x%" PRIx64, frame->offset);
}

static bool names_same(const char *function, const char *other)
{
	char path[FUNCTION_PATH_SIZE], other_path[FUNCTION_PATH_SIZE];

	if (!function || !other)
		return false;
	function_stable_path(function, path);
	function_stable_path(other, other_path);
	return strcmp(path, other_path) == 0;
}

/* A frame of the program's, or one without a name; NULL when there is only plumbing. */
static const struct frame *place_find(const struct stack *stack, const char *exe)
{
	const struct frame *where = NULL;
	size_t i;

	if (stack)
		where = owner_where(stack, context_boundary(stack), true, exe);
	for (i = 0; stack && !where && i < stack->frame_count; i++)
		if (owner_of(&stack->frames[i], NULL) == OWNER_UNKNOWN)
			where = &stack->frames[i];
	return where;
}

/* " in app::load at src/a.rs:31"; only the latter in the function `known`, already written. */
static void place_put(const struct frame *where, const char *known, FILE *out)
{
	if (!where->function) {
		blind_place_put(where, out);
		return;
	}
	if (!where->file ||
	    (!text_frame_is_nameless(where) && !names_same(where->function, known))) {
		fputs(" in ", out);
		text_put_function(out, where->function);
	}
	if (where->file) {
		fputs(" at ", out);
		text_put_source(out, where);
	}
}

static void acquired_put(const struct holder *holder, const char *exe, FILE *out)
{
	const struct frame *where = place_find(holder->stack, exe);
	const struct task_type *type = holder->party.type;

	if (!where)
		return;
	fputs(", acquired", out);
	place_put(where, type ? type->name : NULL, out);
}

static void holder_put(const struct finding *finding, const char *indent, FILE *out)
{
	const struct holder *holder = finding->lock.holder;
	char held[DURATION_TEXT_SIZE];

	if (!holder)
		return;
	fprintf(out, "%s%sheld by ", indent, finding->usage.count > 1 ? "the longest time " : "");
	party_put(&holder->party, !holder->suspended, out);
	acquired_put(holder, finding->exe, out);
	if (holder->has_held && holder->held_ns)
		fprintf(out, ", for at least %s", duration_format(holder->held_ns, held));
	fputc('\n', out);
	if (holder->suspended)
		fprintf(out, "%swhich was not running: it held the lock across an .await\n",
			indent);
}

void lock_put_held(const struct finding *finding, const struct text_style *style, FILE *out)
{
	uint64_t open = finding->lock.open;

	fputs("held a ", out);
	lock_put_type(finding->lock.type, out);
	fputs(" across an .await ", out);
	text_put_times(out, &finding->usage, style);
	if (open && finding->usage.count <= 1)
		fputs(", and still did when the trace ended", out);
	else if (open)
		fprintf(out, ", %" PRIu64 " still held when the trace ended", open);
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* "2 tasks waited for it meanwhile"; the list is cut off at its end. */
static void waiters_put(const struct finding_lock *lock, FILE *out)
{
	size_t i, tasks = 0, threads = 0;

	for (i = 0; i < lock->waiter_count; i++) {
		if (lock->waiters[i].has_task)
			tasks++;
		else
			threads++;
	}
	if (lock->waiter_count == WAITERS_MAX)
		fputs("at least ", out);
	if (tasks)
		fprintf(out, "%zu task%s", tasks, plural(tasks));
	if (threads)
		fprintf(out, "%s%zu thread%s", tasks ? " and " : "", threads, plural(threads));
	if (lock->waiter_count)
		fputs(" waited for it meanwhile", out);
	else
		fputs("it was waited for meanwhile", out);
	if (lock->waits > lock->waiter_count)
		fprintf(out, ", %" PRIu64 " time%s in all", lock->waits, plural(lock->waits));
}

/* A function without its file is what the finding begins with. */
static void held_particulars_put(const struct finding *finding, const char *indent, FILE *out)
{
	const struct finding_lock *lock = &finding->lock;
	const struct frame *where = place_find(lock->acquired, finding->exe);

	if (where && where->function && !where->file)
		where = NULL;
	if (!where && !lock->waits)
		return;
	fputs(indent, out);
	if (where) {
		fputs("acquired", out);
		place_put(where, finding->has_where ? finding->where.function : NULL, out);
	}
	if (where && lock->waits)
		fputs("; ", out);
	if (lock->waits)
		waiters_put(lock, out);
	fputc('\n', out);
}

/* Different ones among those who wait and those who are suspended. */
static size_t parties_count(const struct deadlock *deadlock, size_t *ret_tasks)
{
	const struct party *parties[LINKS_MAX * 2];
	size_t i, j, candidates = 0, count = 0;

	for (i = 0; i < deadlock->link_count; i++) {
		const struct link *link = &deadlock->links[i];

		parties[candidates++] = &link->waiter;
		if (link->lock.holder.suspended)
			parties[candidates++] = &link->lock.holder.party;
	}
	*ret_tasks = 0;
	for (i = 0; i < candidates; i++) {
		for (j = 0; j < i && !party_same(parties[j], parties[i]); j++)
			;
		if (j < i)
			continue;
		count++;
		*ret_tasks += parties[i]->has_task || parties[i]->type;
	}
	return count;
}

static bool has_suspended(const struct deadlock *deadlock)
{
	size_t i;

	for (i = 0; i < deadlock->link_count; i++)
		if (deadlock->links[i].lock.holder.suspended)
			return true;
	return false;
}

/* A reader that waits behind a writer, who waits for that reader's other guard. */
static bool reads_again(const struct deadlock *deadlock)
{
	return deadlock->link_count == 2 &&
	       (deadlock->links[0].lock.holder.queued || deadlock->links[1].lock.holder.queued);
}

void lock_put_deadlock(const struct finding *finding, const struct text_style *style, FILE *out)
{
	const struct deadlock *deadlock = finding->deadlock;
	size_t tasks, count = parties_count(deadlock, &tasks);

	fputs("deadlock: ", out);
	if (deadlock->reentry) {
		fputs("waited for a ", out);
		lock_put_type(finding->lock.type, out);
		fputs(" that it held already ", out);
	} else if (deadlock->links_left_out || count < 2) {
		fputs("waited for what could not be released meanwhile ", out);
	} else {
		fprintf(out, "%zu %s waited for one another ", count,
			tasks == count ? "tasks"
			: tasks        ? "tasks and threads"
				       : "threads");
	}
	text_put_times(out, &finding->usage, style);
	fputs(", still there when the trace ended", out);
}

/* Who waits for what, and where. */
static void link_waiter_put(const struct link *link, const char *exe, const char *indent, FILE *out)
{
	const struct frame *where = place_find(link->stack, exe);
	const struct task_type *type = link->waiter.type;

	fputs(indent, out);
	party_put(&link->waiter, true, out);
	fprintf(out, "\n%s   ", indent);
	if (!link->waits) {
		fputs("was not running, and no thread was free to run it\n", out);
		return;
	}
	fputs("waited for a ", out);
	lock_put_type(finding_lock_of(&link->lock).type, out);
	if (where)
		place_put(where, type ? type->name : NULL, out);
	fputc('\n', out);
}

static void link_holder_put(const struct link *link, const char *exe, const char *indent, FILE *out)
{
	const struct holder *holder = &link->lock.holder;

	if (!holder->known || !link->waits)
		return;
	if (holder->queued) {
		fprintf(out, "%s   behind ", indent);
		party_put(&holder->party, false, out);
		fputs(", which waits to write: readers do not overtake it\n", out);
		return;
	}
	fprintf(out, "%s   held by ", indent);
	if (party_same(&holder->party, &link->waiter))
		fputs("itself", out);
	else
		party_put(&holder->party, false, out);
	if (holder->suspended)
		fputs(" across an .await", out);
	acquired_put(holder, exe, out);
	fputc('\n', out);
	if (holder->suspended)
		fprintf(out,
			"%s   it is suspended there, and every thread that could go on with it "
			"waits\n",
			indent);
}

static void cycle_put(const struct finding *finding, const char *indent, FILE *out)
{
	const struct deadlock *deadlock = finding->deadlock;
	size_t i;

	for (i = 0; i < deadlock->link_count; i++) {
		link_waiter_put(&deadlock->links[i], finding->exe, indent, out);
		link_holder_put(&deadlock->links[i], finding->exe, indent, out);
	}
	if (deadlock->links_left_out)
		fprintf(out, "%sand %zu more\n", indent, deadlock->links_left_out);
}

void lock_put_particulars(const struct finding *finding, const char *indent, FILE *out)
{
	if (finding->deadlock)
		cycle_put(finding, indent, out);
	else if (strcmp(finding->kind, "lock-across-await") == 0)
		held_particulars_put(finding, indent, out);
	else
		holder_put(finding, indent, out);
}

static bool type_is(const struct finding *finding, const char *word)
{
	return finding->lock.type && strstr(finding->lock.type, word);
}

static const char *held_help(const struct finding *finding)
{
	if (type_is(finding, "dashmap"))
		return "clone the value out of the map, and drop the reference, entry or iterator "
		       "before the .await";
	if (type_is(finding, "pthread"))
		return "unlock before the .await, or do all of it in spawn_blocking";
	if (type_is(finding, "RwLock"))
		return "clone the value out, or end the guard's scope before the .await; else "
		       "tokio::sync::RwLock or spawn_blocking";
	return "clone the value out, or end the guard's scope before the .await; else "
	       "tokio::sync::Mutex or spawn_blocking";
}

static const char *deadlock_help(const struct finding *finding)
{
	if (has_suspended(finding->deadlock) && type_is(finding, "dashmap"))
		return "drop the reference into the map before the .await";
	if (has_suspended(finding->deadlock))
		return "let go of the lock before the .await, or use tokio::sync";
	if (reads_again(finding->deadlock))
		return "do not read again under a read guard: drop the first one, or pass it on";
	if (!finding->deadlock->reentry)
		return "take the locks in the same order everywhere, or drop one before taking the "
		       "next";
	if (type_is(finding, "dashmap"))
		return "drop the reference into the map before using the map again: two keys can "
		       "be in one shard";
	if (type_is(finding, "RwLock (read)"))
		return "drop the first guard before locking again: a second read waits when a "
		       "writer came in between";
	return "drop the first guard before locking again, or pass it on";
}

void lock_put_help(const struct finding *finding, const char *indent, FILE *out)
{
	const char *help = NULL;

	if (finding->deadlock)
		help = deadlock_help(finding);
	else if (strcmp(finding->kind, "lock-across-await") == 0)
		help = held_help(finding);
	if (help)
		fprintf(out, "%shelp: %s\n", indent, help);
}
