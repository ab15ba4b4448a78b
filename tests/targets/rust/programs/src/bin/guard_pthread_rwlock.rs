//! Tasks hold a pthread rwlock across an await: one to read, one to write.

use std::cell::UnsafeCell;

use situations::{run_local, BLOCK};
use tokio::task::spawn_local;

struct Lock(UnsafeCell<libc::pthread_rwlock_t>);
unsafe impl Sync for Lock {}

static LOCK: Lock = Lock(UnsafeCell::new(libc::PTHREAD_RWLOCK_INITIALIZER));

async fn reads_across_await() {
    assert_eq!(unsafe { libc::pthread_rwlock_rdlock(LOCK.0.get()) }, 0);
    tokio::time::sleep(BLOCK).await;
    assert_eq!(unsafe { libc::pthread_rwlock_unlock(LOCK.0.get()) }, 0);
}

async fn writes_across_await() {
    assert_eq!(unsafe { libc::pthread_rwlock_wrlock(LOCK.0.get()) }, 0);
    tokio::time::sleep(BLOCK).await;
    assert_eq!(unsafe { libc::pthread_rwlock_unlock(LOCK.0.get()) }, 0);
}

fn main() {
    run_local(async {
        spawn_local(reads_across_await()).await.unwrap();
        spawn_local(writes_across_await()).await.unwrap();
    });
    println!("guard_pthread_rwlock done");
}
