//! The body of an async main blocks, outside every spawned task.

use situations::{stay_on_stack, BLOCK};

#[inline(never)]
fn blocks_in_main_body() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_in_main_body");
}

async fn prepare() {
    for _ in 0..2 {
        tokio::task::yield_now().await;
        blocks_in_main_body();
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    tokio::spawn(async { tokio::task::yield_now().await }).await.unwrap();
    prepare().await;
    println!("main_body done");
}
