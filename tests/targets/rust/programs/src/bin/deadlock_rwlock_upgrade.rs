//! A task that reads under a std RwLock wants to write without letting go.

use std::sync::RwLock;

use situations::{multi_thread, stay_on_stack};

static LOCK: RwLock<u32> = RwLock::new(0);

#[inline(never)]
fn writes_a_new_value(value: u32) {
    *LOCK.write().unwrap() = value;
    stay_on_stack("writes_a_new_value");
}

#[inline(never)]
fn reads_then_writes() {
    let value = LOCK.read().unwrap();
    writes_a_new_value(*value + 1);
    stay_on_stack("reads_then_writes");
}

fn main() {
    println!("deadlock_rwlock_upgrade started");
    let runtime = multi_thread(2);
    let task = runtime.spawn(async { reads_then_writes() });
    runtime.block_on(task).unwrap();
}
