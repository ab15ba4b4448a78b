//! A task sleeps three times with the standard library's sleep.

use situations::{multi_thread, stay_on_stack, BLOCK};

#[inline(never)]
fn blocks_in_sleep() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_in_sleep");
}

fn main() {
    multi_thread(2).block_on(async {
        let task = tokio::spawn(async {
            for _ in 0..3 {
                blocks_in_sleep();
                tokio::task::yield_now().await;
            }
        });
        task.await.unwrap();
    });
    println!("sleep_in_task done");
}
