//! Tasks announce their blocks with block_in_place, so other workers take over.

use situations::{multi_thread, BLOCK};

fn main() {
    multi_thread(4).block_on(async {
        let tasks: Vec<_> = (0..2)
            .map(|_| {
                tokio::spawn(async {
                    for _ in 0..2 {
                        tokio::task::block_in_place(|| std::thread::sleep(BLOCK));
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    println!("block_in_place_clean done");
}
