//! Renames a directory and only then begins its runtime.
//! usage: moves_directory FROM TO

use situations::{multi_thread, stay_on_stack, BLOCK};

#[inline(never)]
fn blocks_afterwards() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_afterwards");
}

fn main() {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    std::fs::rename(&arguments[0], &arguments[1]).unwrap();
    let runtime = multi_thread(2);
    runtime.block_on(async { tokio::spawn(async { blocks_afterwards() }).await.unwrap() });
    println!("moves_directory done");
}
