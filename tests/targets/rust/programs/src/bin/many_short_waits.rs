//! Two workers that wait for a timer about a thousand times a second: nothing of it is of interest,
//! and all of it is recorded.

use std::time::Duration;

use situations::multi_thread;

const TASKS: u64 = 8;
const ROUNDS: u64 = 600;

fn main() {
    multi_thread(2).block_on(async {
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                tokio::spawn(async move {
                    for round in 0..ROUNDS {
                        tokio::time::sleep(Duration::from_millis((task + round) % 2)).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    println!("many_short_waits done");
}
