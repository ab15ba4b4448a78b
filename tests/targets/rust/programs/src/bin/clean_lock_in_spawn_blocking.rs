//! Locks are taken, waited for and held where blocking is allowed: in spawn_blocking and
//! block_in_place, and around a block_on that is called from there.

use std::sync::Mutex;
use std::time::Duration;

use parking_lot::const_mutex;
use situations::multi_thread;
use tokio::runtime::Handle;
use tokio::task::{block_in_place, spawn_blocking, yield_now};

const TASKS: u64 = 8;
const ROUNDS: u64 = 250;

static MUTEX: Mutex<u64> = Mutex::new(0);
static SMALL_MUTEX: parking_lot::Mutex<u64> = const_mutex(0);

fn sleeps_under_lock() {
    let mut value = MUTEX.lock().unwrap();
    std::thread::sleep(Duration::from_micros(20));
    *value += 1;
}

fn awaits_under_lock(handle: Handle) {
    let mut value = SMALL_MUTEX.lock();
    handle.block_on(tokio::time::sleep(Duration::from_millis(1)));
    handle.block_on(yield_now());
    *value += 1;
}

async fn locks_where_it_may() {
    for round in 0..ROUNDS {
        spawn_blocking(sleeps_under_lock).await.unwrap();
        yield_now().await;
        if round % 16 == 0 {
            let handle = Handle::current();
            spawn_blocking(|| awaits_under_lock(handle)).await.unwrap();
            block_in_place(sleeps_under_lock);
            yield_now().await;
        }
    }
}

fn main() {
    multi_thread(2).block_on(async {
        let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(locks_where_it_may())).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let total = *MUTEX.lock().unwrap() + *SMALL_MUTEX.lock();
    println!("clean_lock_in_spawn_blocking {total}");
}
