//! A task holds a pthread mutex across an await; another lets go of it first.

use std::cell::UnsafeCell;

use situations::{run_local, BLOCK};
use tokio::task::spawn_local;

struct Lock(UnsafeCell<libc::pthread_mutex_t>);
unsafe impl Sync for Lock {}

static LOCK: Lock = Lock(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER));

async fn locks_across_await() {
    assert_eq!(unsafe { libc::pthread_mutex_lock(LOCK.0.get()) }, 0);
    tokio::time::sleep(BLOCK).await;
    assert_eq!(unsafe { libc::pthread_mutex_unlock(LOCK.0.get()) }, 0);
}

async fn unlocks_before_await() {
    assert_eq!(unsafe { libc::pthread_mutex_lock(LOCK.0.get()) }, 0);
    assert_eq!(unsafe { libc::pthread_mutex_unlock(LOCK.0.get()) }, 0);
    tokio::time::sleep(BLOCK).await;
}

fn main() {
    run_local(async {
        spawn_local(unlocks_before_await()).await.unwrap();
        spawn_local(locks_across_await()).await.unwrap();
    });
    println!("guard_pthread done");
}
