//! The future given to block_on, which has the only thread, holds a guard across an await.

use std::sync::Mutex;

use situations::{current_thread, own_body, BLOCK};

static LOCK: Mutex<u32> = Mutex::new(0);

async fn holds_guard_in_root() {
    let mut value = LOCK.lock().unwrap();
    tokio::time::sleep(BLOCK).await;
    *value += 1;
}

async fn drops_guard_in_root() {
    *LOCK.lock().unwrap() += 1;
    tokio::time::sleep(BLOCK).await;
}

fn main() {
    current_thread().block_on(async {
        own_body(drops_guard_in_root()).await;
        own_body(holds_guard_in_root()).await;
    });
    println!("guard_root_current_thread {}", LOCK.lock().unwrap());
}
