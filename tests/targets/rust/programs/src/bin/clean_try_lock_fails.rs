//! Tasks try for locks that a plain thread holds all the time, and await with the refusals.

use std::sync::mpsc::{channel, Receiver};
use std::sync::{Mutex, RwLock};

use parking_lot::{const_mutex, const_rwlock};
use situations::{multi_thread, Movable};
use tokio::task::yield_now;

const TASKS: u32 = 8;
const ROUNDS: u32 = 3000;

static MUTEX: Mutex<u32> = Mutex::new(0);
static RWLOCK: RwLock<u32> = RwLock::new(0);
static READ: RwLock<u32> = RwLock::new(0);
static SMALL_MUTEX: parking_lot::Mutex<u32> = const_mutex(0);
static SMALL_RWLOCK: parking_lot::RwLock<u32> = const_rwlock(0);

fn holds_everything(started: std::sync::mpsc::Sender<()>, end: Receiver<()>) {
    let _mutex = MUTEX.lock().unwrap();
    let _rwlock = RWLOCK.write().unwrap();
    let _read = READ.read().unwrap();
    let _small_mutex = SMALL_MUTEX.lock();
    let _small_rwlock = SMALL_RWLOCK.write();
    started.send(()).unwrap();
    end.recv().unwrap();
}

async fn tries_in_vain() -> u32 {
    let mut refusals = 0;
    for _ in 0..ROUNDS {
        let refusal = Movable(MUTEX.try_lock());
        refusals += refusal.0.is_err() as u32;
        yield_now().await;
        let read = Movable(RWLOCK.try_read());
        let written = Movable(READ.try_write());
        refusals += read.0.is_err() as u32 + written.0.is_err() as u32;
        yield_now().await;
        let small = (SMALL_MUTEX.try_lock(), SMALL_RWLOCK.try_read(), SMALL_RWLOCK.try_write());
        refusals += small.0.is_none() as u32 + small.1.is_none() as u32 + small.2.is_none() as u32;
        yield_now().await;
        drop((refusal, read, written, small));
    }
    refusals
}

fn main() {
    let (started, start) = channel();
    let (finish, end) = channel();
    let holder = std::thread::spawn(move || holds_everything(started, end));
    start.recv().unwrap();
    let refusals = multi_thread(2).block_on(async {
        let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(tries_in_vain())).collect();
        let mut refusals = 0;
        for task in tasks {
            refusals += task.await.unwrap();
        }
        refusals
    });
    assert_eq!(refusals, TASKS * ROUNDS * 6);
    finish.send(()).unwrap();
    holder.join().unwrap();
    println!("clean_try_lock_fails {refusals}");
}
