//! The blocking function is inlined into the task's body.

use situations::{multi_thread, stay_on_stack, BLOCK};

#[inline(always)]
fn blocks_inlined() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_inlined");
}

#[inline(never)]
fn encloses() {
    blocks_inlined();
    stay_on_stack("encloses");
}

fn main() {
    multi_thread(2).block_on(async { tokio::spawn(async { encloses() }).await.unwrap() });
    println!("inlined_in_task done");
}
