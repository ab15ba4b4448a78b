//! A task runs a program and waits for it.

use std::process::{Command, ExitStatus};

use situations::{multi_thread, stay_on_stack};

#[inline(never)]
fn blocks_in_child() -> ExitStatus {
    let status = Command::new("sleep").arg("0.03").status().unwrap();
    stay_on_stack("blocks_in_child");
    status
}

fn main() {
    let status = multi_thread(2)
        .block_on(async { tokio::spawn(async { blocks_in_child() }).await.unwrap() });
    println!("process_in_task {status}");
}
