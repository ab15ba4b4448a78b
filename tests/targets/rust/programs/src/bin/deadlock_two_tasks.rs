//! A task holds a std Mutex across an await, and the next one blocks the only thread on it.

use std::sync::Mutex;

use situations::{run_local, BLOCK};
use tokio::task::spawn_local;

static LOCK: Mutex<u32> = Mutex::new(0);

async fn holds_guard_across_await() {
    let mut value = LOCK.lock().unwrap();
    tokio::time::sleep(BLOCK).await;
    *value += 1;
}

async fn waits_for_guard() {
    *LOCK.lock().unwrap() += 1;
    tokio::task::yield_now().await;
}

fn main() {
    println!("deadlock_two_tasks started");
    run_local(async {
        let holder = spawn_local(holds_guard_across_await());
        let waiter = spawn_local(waits_for_guard());
        holder.await.unwrap();
        waiter.await.unwrap();
    });
}
