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
    multi_thread(2).block_on(async {
        let waiter = tokio::spawn(async {
            until(&HELD).await;
            waits_for_lock();
        });
        let holder = tokio::spawn(async { sleeps_under_lock() });
        holder.await.unwrap();
        waiter.await.unwrap();
    });
    println!("pthread_mutex done");
}
