//! The worker that blocks on a std Mutex is the one that waited for timers; the other one sleeps on,
//! and the holder's timer never fires.

use std::sync::Mutex;

use situations::{multi_thread, Movable, BLOCK};

static LOCK: Mutex<u32> = Mutex::new(0);

async fn holds_guard_across_await() {
    let mut value = Movable(LOCK.lock().unwrap());
    tokio::time::sleep(BLOCK * 10).await;
    *value.0 += 1;
}

/// Its own timer wakes the worker that has the timers, and nobody else.
async fn waits_for_guard() {
    tokio::time::sleep(BLOCK * 5).await;
    *LOCK.lock().unwrap() += 1;
}

fn main() {
    println!("deadlock_timer_driver started");
    let runtime = multi_thread(2);
    let holder = runtime.spawn(holds_guard_across_await());
    let waiter = runtime.spawn(waits_for_guard());
    runtime.block_on(holder).unwrap();
    runtime.block_on(waiter).unwrap();
}
