//! A task holds a parking_lot Mutex across an await; another lets go of it first.

use parking_lot::{const_mutex, Mutex};
use situations::{multi_thread, BLOCK};

static LOCK: Mutex<u32> = const_mutex(0);

async fn holds_guard_across_await() {
    let mut value = LOCK.lock();
    tokio::time::sleep(BLOCK).await;
    *value += 1;
}

async fn drops_guard_before_await() {
    *LOCK.lock() += 1;
    tokio::time::sleep(BLOCK).await;
}

fn main() {
    multi_thread(2).block_on(async {
        tokio::spawn(drops_guard_before_await()).await.unwrap();
        tokio::spawn(holds_guard_across_await()).await.unwrap();
    });
    println!("guard_parking_lot {}", LOCK.lock());
}
