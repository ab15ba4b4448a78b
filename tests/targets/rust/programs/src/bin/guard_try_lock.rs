//! A task tries to lock a std Mutex and keeps what it got across an await, the lock or the refusal.

use std::sync::Mutex;

use situations::{run_local, BLOCK};
use tokio::task::spawn_local;

static LOCK: Mutex<u32> = Mutex::new(0);

async fn holds_tried_guard_across_await() {
    let mut value = LOCK.try_lock().unwrap();
    tokio::time::sleep(BLOCK * 3).await;
    *value += 1;
}

async fn is_refused() {
    let refusal = LOCK.try_lock();
    assert!(refusal.is_err());
    tokio::time::sleep(BLOCK).await;
    drop(refusal);
}

fn main() {
    run_local(async {
        let holder = spawn_local(holds_tried_guard_across_await());
        spawn_local(is_refused()).await.unwrap();
        holder.await.unwrap();
    });
    println!("guard_try_lock {}", LOCK.lock().unwrap());
}
