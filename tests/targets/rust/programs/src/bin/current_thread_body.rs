//! On a current-thread runtime, the root body, a spawned task and a local task block.

use situations::{stay_on_stack, BLOCK};

#[inline(never)]
fn blocks_in_root() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_in_root");
}

#[inline(never)]
fn blocks_in_spawned() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_in_spawned");
}

#[inline(never)]
fn blocks_in_local() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_in_local");
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    tokio::time::sleep(BLOCK).await;
    blocks_in_root();
    tokio::spawn(async {
        tokio::time::sleep(BLOCK).await;
        blocks_in_spawned();
    })
    .await
    .unwrap();
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let task = tokio::task::spawn_local(async {
                tokio::task::yield_now().await;
                blocks_in_local();
            });
            task.await.unwrap();
        })
        .await;
    println!("current_thread_body done");
}
