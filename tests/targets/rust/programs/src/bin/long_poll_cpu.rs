//! One task computes for a long time without yielding, beside many that do.

use std::time::{Duration, Instant};

use situations::multi_thread;

#[inline(never)]
fn computes() -> u64 {
    let start = Instant::now();
    let mut state = 1u64;
    while start.elapsed() < Duration::from_millis(60) {
        for _ in 0..10_000 {
            state = std::hint::black_box(state.wrapping_mul(6364136223846793005).wrapping_add(1));
        }
    }
    state
}

async fn crunch() -> u64 {
    tokio::task::yield_now().await;
    computes()
}

fn main() {
    multi_thread(2).block_on(async {
        let small: Vec<_> = (0..20)
            .map(|_| {
                tokio::spawn(async {
                    for _ in 0..10 {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                })
            })
            .collect();
        assert_ne!(tokio::spawn(crunch()).await.unwrap(), 0);
        for task in small {
            task.await.unwrap();
        }
    });
    println!("long_poll_cpu done");
}
