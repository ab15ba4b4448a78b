//! A task parks its thread with the standard library's park_timeout.

use std::time::Instant;

use situations::{multi_thread, stay_on_stack, BLOCK};

#[inline(never)]
fn parks_the_thread() {
    let start = Instant::now();
    while start.elapsed() < BLOCK {
        std::thread::park_timeout(BLOCK - start.elapsed().min(BLOCK));
    }
    stay_on_stack("parks_the_thread");
}

fn main() {
    multi_thread(2).block_on(async { tokio::spawn(async { parks_the_thread() }).await.unwrap() });
    println!("park_in_task done");
}
