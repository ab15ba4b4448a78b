//! A task that awaits with a parking_lot guard could go on, but both workers wait for that guard.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{const_mutex, Mutex};
use situations::{multi_thread, stay_on_stack, until, BLOCK};
use tokio::sync::oneshot;

static LOCK: Mutex<u32> = const_mutex(0);
static HELD: AtomicBool = AtomicBool::new(false);
static FIRST_WAITS: AtomicBool = AtomicBool::new(false);
static SECOND_WAITS: AtomicBool = AtomicBool::new(false);

async fn holds_guard_across_await(message: oneshot::Receiver<u32>) {
    let mut value = LOCK.lock();
    HELD.store(true, Ordering::Release);
    *value += message.await.unwrap();
}

#[inline(never)]
fn blocks_one_worker() {
    FIRST_WAITS.store(true, Ordering::Release);
    *LOCK.lock() += 1;
    stay_on_stack("blocks_one_worker");
}

#[inline(never)]
fn blocks_other_worker() {
    SECOND_WAITS.store(true, Ordering::Release);
    *LOCK.lock() += 2;
    stay_on_stack("blocks_other_worker");
}

fn main() {
    println!("deadlock_workers started");
    let runtime = multi_thread(2);
    let (sender, message) = oneshot::channel();
    let holder = runtime.spawn(holds_guard_across_await(message));
    until(&HELD);
    runtime.spawn(async { blocks_one_worker() });
    until(&FIRST_WAITS);
    runtime.spawn(async { blocks_other_worker() });
    until(&SECOND_WAITS);
    std::thread::sleep(BLOCK);
    sender.send(1).unwrap();
    runtime.block_on(holder).unwrap();
}
