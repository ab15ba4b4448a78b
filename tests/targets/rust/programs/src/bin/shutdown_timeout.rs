//! The runtime is shut down while a blocking job still runs; nothing here blocks a worker.

use std::time::Duration;

use situations::{multi_thread, BLOCK};

fn main() {
    let runtime = multi_thread(2);
    runtime.block_on(async {
        tokio::spawn(tokio::time::sleep(Duration::from_secs(3600)));
        tokio::task::spawn_blocking(|| std::thread::sleep(BLOCK * 10));
        tokio::time::sleep(Duration::from_millis(10)).await;
    });
    runtime.shutdown_timeout(BLOCK);
    println!("shutdown_timeout done");
}
