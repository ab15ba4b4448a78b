//! A task awaits with a guard while another blocks its worker on the same lock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Mutex;

use situations::{multi_thread, stay_on_stack, until, Movable, BLOCK};

static LOCK: Mutex<u32> = Mutex::new(0);
static HELD: AtomicBool = AtomicBool::new(false);

async fn holds_guard_across_await() {
    let mut value = Movable(LOCK.lock().unwrap());
    HELD.store(true, Ordering::Release);
    tokio::time::sleep(BLOCK * 10).await;
    *value.0 += 1;
}

#[inline(never)]
fn waits_for_guard() -> u32 {
    let value = *LOCK.lock().unwrap();
    stay_on_stack("waits_for_guard");
    value
}

fn main() {
    let runtime = multi_thread(3);
    let holder = runtime.spawn(holds_guard_across_await());
    until(&HELD);
    std::thread::sleep(BLOCK);
    let waiter = runtime.spawn(async { waits_for_guard() });
    runtime.block_on(holder).unwrap();
    let seen = runtime.block_on(waiter).unwrap();
    println!("guard_waited_for {seen}");
}
