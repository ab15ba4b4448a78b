//! A task holds a std Mutex across an await; another lets go of it first.

use std::sync::Mutex;

use situations::{run_local, BLOCK};
use tokio::task::spawn_local;

static LOCK: Mutex<u32> = Mutex::new(0);

async fn holds_guard_across_await() {
    let mut value = LOCK.lock().unwrap();
    tokio::time::sleep(BLOCK).await;
    *value += 1;
}

async fn drops_guard_before_await() {
    let mut value = LOCK.lock().unwrap();
    *value += 1;
    drop(value);
    tokio::time::sleep(BLOCK).await;
}

fn main() {
    run_local(async {
        spawn_local(drops_guard_before_await()).await.unwrap();
        spawn_local(holds_guard_across_await()).await.unwrap();
    });
    println!("guard_std_mutex {}", LOCK.lock().unwrap());
}
