//! One task initialises a OnceLock slowly, another waits for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::OnceLock;

use situations::{multi_thread, stay_on_stack, until, BLOCK};

static CELL: OnceLock<u32> = OnceLock::new();
static STARTED: AtomicBool = AtomicBool::new(false);

#[inline(never)]
fn initialises_slowly() -> u32 {
    STARTED.store(true, Ordering::Release);
    std::thread::sleep(BLOCK);
    stay_on_stack("initialises_slowly");
    42
}

#[inline(never)]
fn waits_for_value() -> u32 {
    let value = *CELL.get_or_init(|| unreachable!());
    stay_on_stack("waits_for_value");
    value
}

fn main() {
    let runtime = multi_thread(2);
    let first = runtime.spawn(async { *CELL.get_or_init(initialises_slowly) });
    until(&STARTED);
    let waiter = runtime.spawn(async { waits_for_value() });
    runtime.block_on(first).unwrap();
    let value = runtime.block_on(waiter).unwrap();
    println!("once_in_task {value}");
}
