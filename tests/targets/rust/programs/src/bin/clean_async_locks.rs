//! Tokio's own locks are held across awaits, as they are meant to be.

use std::sync::Arc;
use std::time::Duration;

use situations::multi_thread;
use tokio::sync::{Mutex, RwLock, Semaphore};
use tokio::task::yield_now;

const TASKS: u32 = 8;
const ROUNDS: u32 = 1000;

struct Shared {
    mutex: Arc<Mutex<u32>>,
    rwlock: RwLock<u32>,
    semaphore: Semaphore,
}

async fn awaits_with_guards(shared: Arc<Shared>, task: u32) {
    for round in 0..ROUNDS {
        let mut value = shared.mutex.lock().await;
        yield_now().await;
        *value += 1;
        drop(value);

        let owned = shared.mutex.clone().lock_owned().await;
        yield_now().await;
        drop(owned);

        if (task + round) % 8 == 0 {
            let mut written = shared.rwlock.write().await;
            yield_now().await;
            *written += 1;
        } else {
            let read = shared.rwlock.read().await;
            yield_now().await;
            drop(read);
        }

        let permit = shared.semaphore.acquire().await.unwrap();
        if round % 50 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        } else {
            yield_now().await;
        }
        drop(permit);
    }
}

fn main() {
    let shared = Arc::new(Shared {
        mutex: Arc::default(),
        rwlock: RwLock::default(),
        semaphore: Semaphore::new(3),
    });
    let total = multi_thread(2).block_on(async {
        let tasks: Vec<_> =
            (0..TASKS).map(|task| tokio::spawn(awaits_with_guards(shared.clone(), task))).collect();
        for task in tasks {
            task.await.unwrap();
        }
        let mutex = shared.mutex.lock().await;
        yield_now().await;
        *mutex
    });
    println!("clean_async_locks {total}");
}
