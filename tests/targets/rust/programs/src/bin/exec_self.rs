//! A process with a runtime replaces itself by a second run of the same program.

use std::os::unix::process::CommandExt;
use std::process::Command;

use situations::{multi_thread, stay_on_stack, BLOCK};

#[inline(never)]
fn blocks_before_exec() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_before_exec");
}

#[inline(never)]
fn blocks_after_exec() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_after_exec");
}

fn main() {
    let runtime = multi_thread(2);
    if std::env::args().count() > 1 {
        runtime.block_on(async { tokio::spawn(async { blocks_after_exec() }).await.unwrap() });
        println!("exec_self done");
        return;
    }
    runtime.block_on(async { tokio::spawn(async { blocks_before_exec() }).await.unwrap() });
    panic!("{}", Command::new(std::env::current_exe().unwrap()).arg("again").exec());
}
