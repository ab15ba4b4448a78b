//! A task that reads under a std RwLock reads once more, when another task already waits to write.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::RwLock;

use situations::{multi_thread, stay_on_stack, until};

static LOCK: RwLock<u32> = RwLock::new(0);
static READ: AtomicBool = AtomicBool::new(false);

#[inline(never)]
fn writes_behind_a_reader() {
    until(&READ);
    *LOCK.write().unwrap() += 1;
    stay_on_stack("writes_behind_a_reader");
}

#[inline(never)]
fn reads_once_more(value: u32) -> u32 {
    let sum = value + *LOCK.read().unwrap();
    stay_on_stack("reads_once_more");
    sum
}

#[inline(never)]
fn reads_and_calls() {
    let value = LOCK.read().unwrap();
    READ.store(true, Ordering::Release);
    // Nobody can read any more once a writer waits.
    while LOCK.try_read().is_ok() {
        std::thread::yield_now();
    }
    reads_once_more(*value);
    stay_on_stack("reads_and_calls");
}

fn main() {
    println!("deadlock_queued_writer started");
    let runtime = multi_thread(2);
    let reader = runtime.spawn(async { reads_and_calls() });
    let writer = runtime.spawn(async { writes_behind_a_reader() });
    runtime.block_on(reader).unwrap();
    runtime.block_on(writer).unwrap();
}
