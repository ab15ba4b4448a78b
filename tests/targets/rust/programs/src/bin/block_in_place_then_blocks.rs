//! A task blocks after a block_in_place during which nobody took over its worker: the only thread
//! that could have done so was busy, so the later block holds up the worker.

use situations::{stay_on_stack, BLOCK};

#[inline(never)]
fn blocks_afterwards() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_afterwards");
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (started, start) = tokio::sync::oneshot::channel();
        let busy = tokio::task::spawn_blocking(move || {
            started.send(()).unwrap();
            std::thread::sleep(BLOCK * 6);
        });
        start.await.unwrap();
        let task = tokio::spawn(async {
            tokio::task::block_in_place(|| stay_on_stack("nothing that takes time"));
            blocks_afterwards();
        });
        task.await.unwrap();
        busy.await.unwrap();
    });
    println!("block_in_place_then_blocks done");
}
