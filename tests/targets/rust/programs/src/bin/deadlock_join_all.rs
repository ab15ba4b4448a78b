//! A hundred futures of one block_on hold the same std Mutex across an await, one after the other.

use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::join_all;
use situations::{multi_thread, own_body};

static LOCK: Mutex<u32> = Mutex::new(0);

async fn holds_guard_across_await() {
    let mut sum = LOCK.lock().unwrap();
    tokio::time::sleep(Duration::ZERO).await;
    *sum += 1;
}

fn main() {
    println!("deadlock_join_all started");
    multi_thread(2).block_on(async {
        join_all((0..100).map(|_| own_body(holds_guard_across_await()))).await;
    });
}
