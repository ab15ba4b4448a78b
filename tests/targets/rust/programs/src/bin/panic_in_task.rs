//! A task blocks and then panics; what its worker does afterwards must be judged as before.

use situations::{multi_thread, stay_on_stack, BLOCK};

#[inline(never)]
fn blocks_then_panics() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_then_panics");
    panic!("planted");
}

#[inline(never)]
fn blocks_after_panic() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_after_panic");
}

fn main() {
    std::panic::set_hook(Box::new(|_| ()));
    multi_thread(1).block_on(async {
        let task = tokio::spawn(async { blocks_then_panics() });
        assert!(task.await.unwrap_err().is_panic());
        tokio::time::sleep(BLOCK).await;
        tokio::spawn(async { blocks_after_panic() }).await.unwrap();
        tokio::task::spawn_blocking(|| std::thread::sleep(BLOCK)).await.unwrap();
    });
    println!("panic_in_task done");
}
