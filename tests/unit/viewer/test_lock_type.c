/* SPDX-License-Identifier: MIT */
/* Unit tests of viewer/lock_type.h. */
#include "viewer/lock_type.h"

#include <criterion/criterion.h>

#include "sample.h"

static const char *by_frames(const struct stack *stack)
{
	return lock_type(&(struct call){.op = "futex", .origin.stack = stack});
}

static const char *by_futex(const char *op, int64_t expected)
{
	return lock_type(&(struct call){.op = "futex", .futex_op = op, .futex_expected = expected});
}

Test(lock_type, names_std_locks_of_every_era)
{
	cr_expect_str_eq(by_frames(sample_stack(
				 "std::sys::pal::unix::futex::futex_wait",
				 "std::sys::sync::mutex::futex::Mutex::lock_contended", "app::f")),
			 "std::sync::Mutex");
	cr_expect_str_eq(
		by_frames(sample_stack("std::sys::unix::locks::futex_mutex::Mutex::lock_contended",
				       "app::f")),
		"std::sync::Mutex");
	cr_expect_str_eq(
		by_frames(sample_stack(
			"std::sys::pal::unix::locks::futex_rwlock::RwLock::read_contended")),
		"std::sync::RwLock");
	cr_expect_str_eq(
		by_frames(sample_stack("std::sys::sync::once::futex::Once::call", "app::f")),
		"std::sync::Once");
	cr_expect_str_eq(by_frames(sample_stack("std::thread::functions::park", "app::f")),
			 "thread::park");
}

Test(lock_type, tells_a_condition_from_its_mutex_taken_again)
{
	cr_expect_str_eq(
		by_frames(sample_stack("std::sys::sync::condvar::futex::Condvar::wait_timeout",
				       "std::sync::poison::condvar::Condvar::wait", "app::f")),
		"std::sync::Condvar");
	cr_expect_str_eq(
		by_frames(sample_stack("std::sys::sync::mutex::futex::Mutex::lock_contended",
				       "std::sys::sync::condvar::futex::Condvar::wait", "app::f")),
		"std::sync::Mutex");
}

Test(lock_type, names_the_channel_rather_than_what_it_waits_with)
{
	cr_expect_str_eq(by_frames(sample_stack("std::thread::functions::park",
						"std::sync::mpmc::context::Context::wait_until",
						"std::sync::mpmc::list::Channel<T>::recv",
						"std::sync::mpsc::Receiver<T>::recv", "app::f")),
			 "std::sync::mpsc");
	cr_expect_str_eq(by_frames(sample_stack("std::thread::functions::park", "app::f",
						"std::sync::mpsc::Receiver<T>::recv")),
			 "thread::park");
}

Test(lock_type, names_parking_lot)
{
	cr_expect_str_eq(
		by_frames(sample_stack("parking_lot::raw_mutex::RawMutex::lock_slow", "app::f")),
		"parking_lot::Mutex");
	cr_expect_str_eq(
		by_frames(sample_stack("parking_lot_core::parking_lot::park",
				       "parking_lot::raw_rwlock::RawRwLock::lock_shared_slow")),
		"parking_lot::RwLock");
	cr_expect_str_eq(
		by_frames(sample_stack("parking_lot::condvar::Condvar::wait_until_internal")),
		"parking_lot::Condvar");
}

Test(lock_type, does_not_look_behind_the_application)
{
	cr_expect_null(
		by_frames(sample_stack("app::own_futex", "std::sync::once::Once::call_once")));
}

Test(lock_type, falls_back_on_the_operation)
{
	cr_expect_str_eq(lock_type(&(struct call){.op = "pthread_mutex_lock"}), "pthread_mutex");
	cr_expect_str_eq(lock_type(&(struct call){.op = "pthread_cond_timedwait"}), "pthread_cond");
	cr_expect_str_eq(lock_type(&(struct call){.op = "sem_wait"}), "semaphore");
	cr_expect_str_eq(lock_type(&(struct call){.op = "pthread_barrier_wait"}), "barrier");
}

Test(lock_type, falls_back_on_the_futex)
{
	cr_expect_str_eq(by_futex("wait_bitset", 2), "std::sync::Mutex");
	cr_expect_str_eq(by_futex("wait_bitset", 4294967295), "thread::park");
	cr_expect_str_eq(by_futex("wait", 1), "parking_lot");
	cr_expect_str_eq(by_futex("wait_bitset", 7), "futex");
	cr_expect_null(lock_type(&(struct call){.op = "futex"}));
}

Test(lock_type, knows_the_runtimes_own_locks)
{
	cr_expect(lock_is_the_runtimes(sample_stack(
		"parking_lot::raw_mutex::RawMutex::lock_slow",
		"tokio::runtime::blocking::pool::Spawner::spawn_task", "app::main::{{closure}}")));
	cr_expect(lock_is_the_runtimes(
		sample_stack("std::sys::sync::mutex::futex::Mutex::lock_contended",
			     "tokio::runtime::time::Handle::reregister",
			     "tokio::runtime::task::core::Core<T,S>::poll")));
}

Test(lock_type, does_not_take_a_users_lock_for_the_runtimes)
{
	cr_expect_not(lock_is_the_runtimes(
		sample_stack("std::sys::sync::mutex::futex::Mutex::lock_contended",
			     "app::update_stats", "tokio::runtime::time::Handle::process")));
	/* A future's body that was inlined into what polls it. */
	cr_expect_not(lock_is_the_runtimes(
		sample_stack("std::sys::sync::mutex::futex::Mutex::lock_contended",
			     "tokio::runtime::task::core::Core<T,S>::poll")));
	cr_expect_not(lock_is_the_runtimes(
		sample_stack("std::sys::sync::mutex::futex::Mutex::lock_contended",
			     "tokio::time::timeout::Timeout<T>::poll")));
	cr_expect_not(lock_is_the_runtimes(sample_stack(NULL, NULL)));
	cr_expect_not(lock_is_the_runtimes(NULL));
}

Test(lock_type, believes_the_trace_first)
{
	const struct call call = {
		.op = "futex",
		.origin.stack = sample_stack("std::sys::sync::mutex::futex::Mutex::lock_contended"),
		.lock = {.type = lock_type_word("parking_lot::RwLock"), .mode = LOCKING_UPGRADABLE},
	};

	cr_expect_str_eq(lock_type(&call), "parking_lot::RwLock (upgradable)");
}

Test(lock_type, names_types_by_the_way_they_are_locked)
{
	cr_expect_str_eq(lock_name("std::sync::Mutex", LOCKING_EXCLUSIVE), "std::sync::Mutex");
	cr_expect_str_eq(lock_name("std::sync::RwLock", LOCKING_SHARED),
			 "std::sync::RwLock (read)");
	cr_expect_str_eq(lock_name("dashmap", LOCKING_EXCLUSIVE), "dashmap (write)");
	cr_expect_str_eq(lock_name("pthread_rwlock", LOCKING_UNKNOWN), "pthread_rwlock");
	cr_expect_null(lock_name(NULL, LOCKING_SHARED));
	cr_expect_null(lock_type_word("spin::Mutex"));
	cr_expect_null(lock_type_word(NULL));
}

Test(lock_type, tells_a_users_wait_from_the_runtimes_park)
{
	cr_expect(lock_is_users_wait(sample_stack(
		"std::sys::sync::condvar::futex::Condvar::wait", "app::main::{{closure}}",
		"tokio::runtime::park::CachedParkThread::block_on")));
	cr_expect(lock_is_users_wait(
		sample_stack("std::thread::functions::park", "std::sync::mpsc::Receiver<T>::recv",
			     "tokio::runtime::park::CachedParkThread::block_on")));
	cr_expect_not(lock_is_users_wait(
		sample_stack("std::sys::sync::condvar::futex::Condvar::wait",
			     "tokio::runtime::park::Inner::park",
			     "tokio::runtime::park::CachedParkThread::block_on", "app::main")));
	cr_expect_not(lock_is_users_wait(
		sample_stack("std::sys::sync::mutex::futex::Mutex::lock_contended",
			     "tokio::runtime::park::Inner::park",
			     "tokio::runtime::park::CachedParkThread::block_on", "app::main")));
	cr_expect_not(lock_is_users_wait(
		sample_stack("parking_lot::condvar::Condvar::wait_until_internal",
			     "tokio::runtime::park::CachedParkThread::block_on", "app::main")));
	cr_expect_not(lock_is_users_wait(sample_stack(NULL, NULL)));
	cr_expect_not(lock_is_users_wait(NULL));
}
