//! Tasks hold a std RwLock across an await: one to read, one to write.

use std::sync::RwLock;

use situations::{run_local, BLOCK};
use tokio::task::spawn_local;

static LOCK: RwLock<u32> = RwLock::new(0);

async fn reads_across_await() {
    let value = LOCK.read().unwrap();
    tokio::time::sleep(BLOCK).await;
    assert_eq!(*value, 0);
}

async fn writes_across_await() {
    let mut value = LOCK.write().unwrap();
    tokio::time::sleep(BLOCK).await;
    *value += 1;
}

fn main() {
    run_local(async {
        spawn_local(reads_across_await()).await.unwrap();
        spawn_local(writes_across_await()).await.unwrap();
    });
    println!("guard_rwlock {}", LOCK.read().unwrap());
}
