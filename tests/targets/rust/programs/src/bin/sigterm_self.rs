//! A task blocks; a while later the process gets a signal that it does not handle.

use situations::{multi_thread, stay_on_stack, BLOCK};

#[inline(never)]
fn blocks_before_term() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_before_term");
}

fn main() {
    multi_thread(2).block_on(async {
        let task = tokio::spawn(async {
            blocks_before_term();
            tokio::time::sleep(BLOCK * 15).await;
            println!("sigterm_self done");
            unsafe { libc::kill(libc::getpid(), libc::SIGTERM) };
            tokio::time::sleep(BLOCK * 1000).await;
        });
        task.await.unwrap();
    });
}
