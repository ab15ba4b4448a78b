//! A task blocks, then aborts the process.

use situations::{multi_thread, stay_on_stack, BLOCK};

#[inline(never)]
fn blocks_before_abort() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_before_abort");
}

fn main() {
    multi_thread(2).block_on(async {
        let task = tokio::spawn(async {
            blocks_before_abort();
            println!("abort_process done");
            std::process::abort();
        });
        task.await.unwrap();
    });
}
