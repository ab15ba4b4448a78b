//! A task ends the process with a status of its own.

use situations::{multi_thread, stay_on_stack, BLOCK};

#[inline(never)]
fn blocks_before_exit() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_before_exit");
}

fn main() {
    multi_thread(2).block_on(async {
        let task = tokio::spawn(async {
            blocks_before_exit();
            println!("exit_in_task done");
            std::process::exit(7);
        });
        task.await.unwrap();
    });
}
