//! Thousands of short threads beside a runtime whose tasks never block.

use std::time::Duration;

use situations::multi_thread;

fn main() {
    let runtime = multi_thread(2);
    let task = runtime.spawn(async {
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let mut joined = 0;
    for _ in 0..300 {
        let threads: Vec<_> = (0..10)
            .map(|_| std::thread::spawn(|| std::thread::sleep(Duration::from_micros(50))))
            .collect();
        for thread in threads {
            thread.join().unwrap();
            joined += 1;
        }
    }
    runtime.block_on(task).unwrap();
    println!("thread_churn {joined}");
}
