//! Many tasks are aborted while they wait; none of them ever blocks a thread.

use std::time::Duration;

use situations::multi_thread;

fn main() {
    let aborted = multi_thread(2).block_on(async {
        let tasks: Vec<_> =
            (0..200).map(|_| tokio::spawn(tokio::time::sleep(Duration::from_secs(3600)))).collect();
        tokio::time::sleep(Duration::from_millis(20)).await;
        for task in &tasks {
            task.abort();
        }
        let mut aborted = 0;
        for task in tasks {
            aborted += task.await.unwrap_err().is_cancelled() as u32;
        }
        aborted
    });
    println!("abort_task {aborted}");
}
