//! Three tasks on three workers each hold one parking_lot Mutex and want the next one's.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{const_mutex, Mutex};
use situations::{multi_thread, stay_on_stack, until};

static LOCKS: [Mutex<u32>; 3] = [const_mutex(0), const_mutex(0), const_mutex(0)];
static HELD: [AtomicBool; 3] = [const { AtomicBool::new(false) }; 3];

fn until_all_hold(place: usize) {
    HELD[place].store(true, Ordering::Release);
    HELD.iter().for_each(until);
}

#[inline(never)]
fn locks_first_then_second() {
    let mut value = LOCKS[0].lock();
    until_all_hold(0);
    *value += *LOCKS[1].lock();
    stay_on_stack("locks_first_then_second");
}

#[inline(never)]
fn locks_second_then_third() {
    let mut value = LOCKS[1].lock();
    until_all_hold(1);
    *value += *LOCKS[2].lock();
    stay_on_stack("locks_second_then_third");
}

#[inline(never)]
fn locks_third_then_first() {
    let mut value = LOCKS[2].lock();
    until_all_hold(2);
    *value += *LOCKS[0].lock();
    stay_on_stack("locks_third_then_first");
}

fn main() {
    println!("deadlock_three started");
    let runtime = multi_thread(3);
    let first = runtime.spawn(async { locks_first_then_second() });
    until(&HELD[0]);
    let second = runtime.spawn(async { locks_second_then_third() });
    until(&HELD[1]);
    let third = runtime.spawn(async { locks_third_then_first() });
    for task in [first, second, third] {
        runtime.block_on(task).unwrap();
    }
}
