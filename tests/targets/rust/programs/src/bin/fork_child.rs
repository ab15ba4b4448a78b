//! A process with a runtime forks; the child builds a runtime of its own. Both block in a task.

use situations::{multi_thread, stay_on_stack, BLOCK};

#[inline(never)]
fn blocks_before_fork() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_before_fork");
}

#[inline(never)]
fn blocks_in_child() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_in_child");
}

#[inline(never)]
fn blocks_after_fork() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_after_fork");
}

fn main() {
    let runtime = multi_thread(2);
    runtime.block_on(async { tokio::spawn(async { blocks_before_fork() }).await.unwrap() });
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let own = multi_thread(2);
        own.block_on(async { tokio::spawn(async { blocks_in_child() }).await.unwrap() });
        std::process::exit(3);
    }
    let mut status = 0;
    assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
    runtime.block_on(async { tokio::spawn(async { blocks_after_fork() }).await.unwrap() });
    println!("fork_child {}", libc::WEXITSTATUS(status));
}
