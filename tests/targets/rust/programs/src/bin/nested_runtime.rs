//! Current-thread runtimes on a plain thread and inside spawn_blocking, beside the main runtime.

use situations::{current_thread, multi_thread, stay_on_stack, BLOCK};

#[inline(never)]
fn blocks_on_plain_thread() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_on_plain_thread");
}

#[inline(never)]
fn blocks_in_blocking_pool() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_in_blocking_pool");
}

fn main() {
    multi_thread(2).block_on(async {
        let plain = std::thread::spawn(|| {
            current_thread().block_on(async {
                tokio::time::sleep(BLOCK).await;
                tokio::spawn(async { blocks_on_plain_thread() }).await.unwrap();
            });
        });
        let pooled = tokio::task::spawn_blocking(|| {
            std::thread::sleep(BLOCK);
            current_thread().block_on(async {
                tokio::time::sleep(BLOCK).await;
                tokio::spawn(async { blocks_in_blocking_pool() }).await.unwrap();
            });
            std::thread::sleep(BLOCK);
        });
        pooled.await.unwrap();
        tokio::task::spawn_blocking(|| plain.join().unwrap()).await.unwrap();
    });
    println!("nested_runtime done");
}
