//! A task waits on a std Condvar that nobody notifies.

use std::sync::{Condvar, Mutex};

use situations::{multi_thread, stay_on_stack, BLOCK};

#[inline(never)]
fn waits_on_condvar() -> bool {
    let (lock, condition) = (Mutex::new(()), Condvar::new());
    let guard = lock.lock().unwrap();
    let (_guard, result) = condition.wait_timeout_while(guard, BLOCK, |_| true).unwrap();
    stay_on_stack("waits_on_condvar");
    result.timed_out()
}

fn main() {
    let timed_out = multi_thread(2)
        .block_on(async { tokio::spawn(async { waits_on_condvar() }).await.unwrap() });
    println!("condvar_in_task {timed_out}");
}
