//! A task is aborted while it awaits with a guard, which sets the lock free.

use std::time::Duration;

use parking_lot::{const_mutex, Mutex};
use situations::{multi_thread, BLOCK};

static LOCK: Mutex<u32> = const_mutex(0);

async fn holds_guard_until_cancelled() {
    let mut value = LOCK.lock();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    *value += 1;
}

fn main() {
    multi_thread(2).block_on(async {
        let task = tokio::spawn(holds_guard_until_cancelled());
        tokio::time::sleep(BLOCK * 2).await;
        assert!(LOCK.is_locked());
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    });
    println!("guard_cancelled {}", if LOCK.is_locked() { "locked" } else { "free" });
}
