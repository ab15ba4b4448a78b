//! Another runtime altogether: smol, with a task that blocks.

use situations::{stay_on_stack, BLOCK};

#[inline(never)]
fn blocks_in_smol() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_in_smol");
}

fn main() {
    smol::block_on(async {
        let task = smol::spawn(async { blocks_in_smol() });
        smol::Timer::after(BLOCK).await;
        task.await;
    });
    println!("smol_app done");
}
