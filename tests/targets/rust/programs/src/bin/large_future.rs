//! A task whose future is large enough for Tokio to box it.

use situations::{multi_thread, stay_on_stack, BLOCK};

#[inline(never)]
fn blocks_in_large_future() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_in_large_future");
}

async fn large() -> usize {
    let mut buffer = [1u8; 64 * 1024];
    tokio::task::yield_now().await;
    std::hint::black_box(&mut buffer);
    blocks_in_large_future();
    buffer.iter().map(|&byte| byte as usize).sum()
}

fn main() {
    let sum = multi_thread(2).block_on(async { tokio::spawn(large()).await.unwrap() });
    println!("large_future {sum}");
}
