//! A task blocks; a while later the process kills itself.

use situations::{multi_thread, stay_on_stack, BLOCK};

#[inline(never)]
fn blocks_before_kill() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_before_kill");
}

fn main() {
    multi_thread(2).block_on(async {
        let task = tokio::spawn(async {
            blocks_before_kill();
            tokio::time::sleep(BLOCK * 15).await;
            println!("sigkill_self done");
            unsafe { libc::raise(libc::SIGKILL) };
        });
        task.await.unwrap();
    });
}
