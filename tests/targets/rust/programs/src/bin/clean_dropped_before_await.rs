//! Guards of all kinds are gone before each await: by a block, by drop, as temporaries.

use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use situations::multi_thread;
use tokio::task::yield_now;

const TASKS: u32 = 8;
const ROUNDS: u32 = 3000;

/// A task has locks of its own: nobody ever waits.
#[derive(Default)]
struct Own {
    mutex: Mutex<Vec<u32>>,
    rwlock: RwLock<u32>,
    small_mutex: parking_lot::Mutex<u32>,
    small_rwlock: parking_lot::RwLock<u32>,
}

impl Own {
    #[inline(never)]
    fn queue(&self) -> MutexGuard<'_, Vec<u32>> {
        self.mutex.lock().unwrap()
    }
}

async fn leaves_a_block(own: &Own, round: u32) {
    {
        let mut queue = own.queue();
        queue.push(round);
        let mut value = own.small_mutex.lock();
        *value += 1;
    }
    yield_now().await;
}

async fn has_temporaries(own: &Own) {
    *own.rwlock.write().unwrap() += 1;
    *own.small_rwlock.write() += 1;
    let read = *own.rwlock.read().unwrap();
    yield_now().await;
    assert_eq!(*own.small_rwlock.read(), read);
    let last = own.queue().pop();
    yield_now().await;
    assert!(last.is_some());
}

/// A guard that was moved before it is dropped.
async fn returns_from_a_call(own: &Own) {
    let sum = (|guard: MutexGuard<'_, Vec<u32>>| guard.iter().sum::<u32>())(own.queue());
    yield_now().await;
    assert_eq!(sum, 0);
}

/// Not Send on the way, so it runs on the thread of its block_on.
async fn drops_by_name(own: &Own, round: u32) {
    let guard = own.queue();
    let value = own.small_rwlock.upgradable_read();
    drop(guard);
    drop(value);
    yield_now().await;
    let boxed = Box::new(own.rwlock.read().unwrap());
    assert_eq!(**boxed, round + 1);
    drop(boxed);
    yield_now().await;
}

fn main() {
    let runtime = multi_thread(2);
    let rounds = runtime.block_on(async {
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let own = Arc::new(Own::default());
                tokio::spawn(async move {
                    for round in 0..ROUNDS {
                        leaves_a_block(&own, round).await;
                        has_temporaries(&own).await;
                        returns_from_a_call(&own).await;
                    }
                    ROUNDS
                })
            })
            .collect();
        let own = Own::default();
        for round in 0..ROUNDS {
            leaves_a_block(&own, round).await;
            has_temporaries(&own).await;
            drops_by_name(&own, round).await;
        }
        let mut rounds = 0;
        for task in tasks {
            rounds += task.await.unwrap();
        }
        rounds
    });
    println!("clean_dropped_before_await {rounds}");
}
