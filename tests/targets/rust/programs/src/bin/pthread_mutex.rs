//! One task sleeps while it holds a pthread mutex, another waits for it.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};

use situations::{multi_thread, stay_on_stack, until, BLOCK};

struct Lock(UnsafeCell<libc::pthread_mutex_t>);
unsafe impl Sync for Lock {}

static LOCK: Lock = Lock(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER));
static HELD: AtomicBool = AtomicBool::new(false);

#[inline(never)]
fn sleeps_under_lock() {
    unsafe { libc::pthread_mutex_lock(LOCK.0.get()) };
    HELD.store(true, Ordering::Release);
    std::thread::sleep(BLOCK);
    unsafe { libc::pthread_mutex_unlock(LOCK.0.get()) };
    stay_on_stack("sleeps_under_lock");
}

#[inline(never)]
fn waits_for_lock() {
    unsafe { libc::pthread_mutex_lock(LOCK.0.get()) };
    unsafe { libc::pthread_mutex_unlock(LOCK.0.get()) };
    stay_on_stack("waits_for_lock");
}

fn main() {
    let runtime = multi_thread(2);
    let holder = runtime.spawn(async { sleeps_under_lock() });
    until(&HELD);
    let waiter = runtime.spawn(async { waits_for_lock() });
    runtime.block_on(holder).unwrap();
    runtime.block_on(waiter).unwrap();
    println!("pthread_mutex done");
}
