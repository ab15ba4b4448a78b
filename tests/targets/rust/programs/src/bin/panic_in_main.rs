//! The body of an async main panics after a block.

use situations::{stay_on_stack, BLOCK};

#[inline(never)]
fn blocks_before_panic() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_before_panic");
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    tokio::spawn(async { blocks_before_panic() }).await.unwrap();
    println!("panic_in_main done");
    panic!("planted");
}
