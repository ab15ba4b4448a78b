//! Many tasks contend for short critical sections, and none awaits in one.

use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use parking_lot::RwLockUpgradableReadGuard;
use situations::multi_thread;

const TASKS: u64 = 16;
const ROUNDS: u64 = 12000;

#[derive(Default)]
struct Shared {
    mutex: Mutex<u64>,
    rwlock: RwLock<u64>,
    small_mutex: parking_lot::Mutex<u64>,
    small_rwlock: parking_lot::RwLock<u64>,
}

async fn locks_often(shared: Arc<Shared>, task: u64) {
    for round in 0..ROUNDS {
        {
            let mut value = shared.mutex.lock().unwrap();
            *value += 1;
        }
        {
            let mut value = shared.small_mutex.lock();
            *value += 1;
        }
        if (task + round) % 8 == 0 {
            *shared.rwlock.write().unwrap() += 8;
            *shared.small_rwlock.write() += 8;
        } else {
            assert_eq!(*shared.rwlock.read().unwrap() % 8, 0);
            assert_eq!(*shared.small_rwlock.read() % 8, 0);
        }
        if round % 16 == 0 {
            let value = shared.small_rwlock.upgradable_read();
            *RwLockUpgradableReadGuard::upgrade(value) += 8;
            let tried = shared.small_mutex.try_lock_for(Duration::from_micros(20));
            drop(tried);
        }
        tokio::task::yield_now().await;
    }
}

fn main() {
    let shared = Arc::new(Shared::default());
    multi_thread(4).block_on(async {
        let tasks: Vec<_> =
            (0..TASKS).map(|task| tokio::spawn(locks_often(shared.clone(), task))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(*shared.small_mutex.lock(), TASKS * ROUNDS);
    println!("clean_scoped_guards {}", shared.mutex.lock().unwrap());
}
