//! A task locks a parking_lot Mutex that it holds already.

use parking_lot::{const_mutex, Mutex};
use situations::{multi_thread, stay_on_stack};

static LOCK: Mutex<u32> = const_mutex(0);

#[inline(never)]
fn locks_once_more() -> u32 {
    let value = *LOCK.lock();
    stay_on_stack("locks_once_more");
    value
}

#[inline(never)]
fn locks_and_calls() {
    let mut value = LOCK.lock();
    *value += locks_once_more();
    stay_on_stack("locks_and_calls");
}

fn main() {
    println!("deadlock_reentry_parking_lot started");
    let runtime = multi_thread(2);
    let task = runtime.spawn(async { locks_and_calls() });
    runtime.block_on(task).unwrap();
}
