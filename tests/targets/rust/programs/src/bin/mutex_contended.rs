//! One task sleeps while it holds a std Mutex, another waits for it.

use std::sync::atomic::{AtomicBool, Ordering};

use situations::{multi_thread, stay_on_stack, until, BLOCK};

static LOCK: std::sync::Mutex<u32> = std::sync::Mutex::new(0);
static HELD: AtomicBool = AtomicBool::new(false);

#[inline(never)]
fn sleeps_under_lock() {
    let mut guard = LOCK.lock().unwrap();
    HELD.store(true, Ordering::Release);
    std::thread::sleep(BLOCK);
    *guard += 1;
    stay_on_stack("sleeps_under_lock");
}

#[inline(never)]
fn waits_for_lock() -> u32 {
    let value = *LOCK.lock().unwrap();
    stay_on_stack("waits_for_lock");
    value
}

fn main() {
    let runtime = multi_thread(2);
    let holder = runtime.spawn(async { sleeps_under_lock() });
    until(&HELD);
    let waiter = runtime.spawn(async { waits_for_lock() });
    runtime.block_on(holder).unwrap();
    let seen = runtime.block_on(waiter).unwrap();
    println!("mutex_contended {seen}");
}
