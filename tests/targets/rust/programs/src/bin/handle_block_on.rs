//! A plain thread runs a future on the runtime's handle, and that future blocks.

use situations::{multi_thread, stay_on_stack, BLOCK};

#[inline(never)]
fn blocks_on_handle() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_on_handle");
}

fn main() {
    let runtime = multi_thread(2);
    let handle = runtime.handle().clone();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(BLOCK);
        handle.block_on(async {
            tokio::time::sleep(BLOCK).await;
            blocks_on_handle();
            tokio::spawn(async { tokio::task::yield_now().await }).await.unwrap();
        });
        std::thread::sleep(BLOCK);
    });
    thread.join().unwrap();
    println!("handle_block_on done");
}
