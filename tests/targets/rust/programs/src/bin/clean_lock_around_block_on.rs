//! Plain code locks a std Mutex, calls block_on and unlocks: no future has the guard.

use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use parking_lot::const_mutex;
use situations::{current_thread, multi_thread};
use tokio::runtime::Runtime;
use tokio::task::yield_now;

const THREADS: u32 = 3;
const ROUNDS: u32 = 500;

/// Whoever wants to run something has to lock the runtime first.
static RUNTIME: OnceLock<Mutex<Runtime>> = OnceLock::new();
static SMALL_MUTEX: parking_lot::Mutex<u32> = const_mutex(0);

async fn answers(question: u32) -> u32 {
    yield_now().await;
    if question % 50 == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::spawn(async move {
        yield_now().await;
        question + 1
    })
    .await
    .unwrap()
}

fn asks_under_lock(question: u32) -> u32 {
    let runtime = RUNTIME.get_or_init(|| Mutex::new(multi_thread(2))).lock().unwrap();
    runtime.block_on(answers(question))
}

fn asks_own_runtime() -> u32 {
    let runtime = current_thread();
    let mut answered = SMALL_MUTEX.lock();
    for question in 0..ROUNDS {
        assert_eq!(runtime.block_on(answers(question)), question + 1);
        *answered += 1;
    }
    *answered
}

fn main() {
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            std::thread::spawn(|| {
                for question in 0..ROUNDS {
                    assert_eq!(asks_under_lock(question), question + 1);
                }
            })
        })
        .collect();
    let answered = asks_own_runtime();
    for thread in threads {
        thread.join().unwrap();
    }
    println!("clean_lock_around_block_on {}", answered + THREADS * ROUNDS);
}
