//! A shared library with Tokio inside, for a host that has none.

use std::sync::{Mutex, RwLock};
use std::time::Duration;

#[inline(never)]
fn blocks_in_plugin() {
    std::thread::sleep(Duration::from_millis(30));
    std::hint::black_box("blocks_in_plugin");
}

#[no_mangle]
pub extern "C" fn plugin_run() -> i32 {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let task = tokio::spawn(async {
            tokio::task::yield_now().await;
            blocks_in_plugin();
            7
        });
        task.await.unwrap()
    })
}

static LOCK: Mutex<i64> = Mutex::new(0);
static RWLOCK: RwLock<i64> = RwLock::new(0);
static FORGOTTEN: Mutex<i64> = Mutex::new(0);

/// Takes locks without a runtime; leaves one locked if told to.
#[no_mangle]
pub extern "C" fn plugin_locks(forget: i32) -> i64 {
    for _ in 0..100 {
        let mut one = LOCK.lock().unwrap();
        let mut other = RWLOCK.write().unwrap();
        *one += 1;
        drop(one);
        *other += 1;
    }
    if forget != 0 {
        std::mem::forget(FORGOTTEN.lock().unwrap());
    }
    *LOCK.lock().unwrap() + *RWLOCK.read().unwrap()
}
