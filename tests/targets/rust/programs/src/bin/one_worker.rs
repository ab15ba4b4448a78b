//! The only worker is blocked while other tasks are ready.

use situations::{multi_thread, stay_on_stack, BLOCK};

#[inline(never)]
fn blocks_only_worker() {
    std::thread::sleep(BLOCK);
    stay_on_stack("blocks_only_worker");
}

fn main() {
    multi_thread(1).block_on(async {
        let blocker = tokio::spawn(async {
            for _ in 0..2 {
                blocks_only_worker();
                tokio::task::yield_now().await;
            }
        });
        let others: Vec<_> = (0..10)
            .map(|_| {
                tokio::spawn(async {
                    for _ in 0..5 {
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        blocker.await.unwrap();
        for other in others {
            other.await.unwrap();
        }
    });
    println!("one_worker done");
}
