//! A task locks a std Mutex that it holds already.

use std::sync::Mutex;

use situations::{multi_thread, stay_on_stack};

static LOCK: Mutex<u32> = Mutex::new(0);

#[inline(never)]
fn locks_once_more() -> u32 {
    let value = *LOCK.lock().unwrap();
    stay_on_stack("locks_once_more");
    value
}

#[inline(never)]
fn locks_and_calls() {
    let mut value = LOCK.lock().unwrap();
    *value += locks_once_more();
    stay_on_stack("locks_and_calls");
}

fn main() {
    println!("deadlock_reentry started");
    let runtime = multi_thread(2);
    let task = runtime.spawn(async { locks_and_calls() });
    runtime.block_on(task).unwrap();
}
