//! A plain thread holds a std Mutex for long, and a task waits for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Mutex;

use situations::{multi_thread, stay_on_stack, until, BLOCK};

static LOCK: Mutex<u32> = Mutex::new(0);
static HELD: AtomicBool = AtomicBool::new(false);

#[inline(never)]
fn holds_lock_in_thread() {
    let mut value = LOCK.lock().unwrap();
    HELD.store(true, Ordering::Release);
    std::thread::sleep(BLOCK * 10);
    *value += 1;
    stay_on_stack("holds_lock_in_thread");
}

#[inline(never)]
fn waits_for_thread() -> u32 {
    let value = *LOCK.lock().unwrap();
    stay_on_stack("waits_for_thread");
    value
}

fn main() {
    let runtime = multi_thread(2);
    let thread = std::thread::Builder::new().name("keeper".into());
    let thread = thread.spawn(holds_lock_in_thread).unwrap();
    until(&HELD);
    let waiter = runtime.spawn(async { waits_for_thread() });
    let seen = runtime.block_on(waiter).unwrap();
    thread.join().unwrap();
    println!("holder_thread {seen}");
}
