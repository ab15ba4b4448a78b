//! Two tasks on two workers lock the same two std Mutexes in opposite order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Mutex;

use situations::{multi_thread, stay_on_stack, until};

static A: Mutex<u32> = Mutex::new(0);
static B: Mutex<u32> = Mutex::new(0);
static A_HELD: AtomicBool = AtomicBool::new(false);
static B_HELD: AtomicBool = AtomicBool::new(false);

#[inline(never)]
fn locks_a_then_b() {
    let mut a = A.lock().unwrap();
    A_HELD.store(true, Ordering::Release);
    until(&B_HELD);
    *a += *B.lock().unwrap();
    stay_on_stack("locks_a_then_b");
}

#[inline(never)]
fn locks_b_then_a() {
    let mut b = B.lock().unwrap();
    B_HELD.store(true, Ordering::Release);
    until(&A_HELD);
    *b += *A.lock().unwrap();
    stay_on_stack("locks_b_then_a");
}

fn main() {
    println!("deadlock_ab_ba started");
    let runtime = multi_thread(2);
    let first = runtime.spawn(async { locks_a_then_b() });
    until(&A_HELD);
    let second = runtime.spawn(async { locks_b_then_a() });
    runtime.block_on(first).unwrap();
    runtime.block_on(second).unwrap();
}
