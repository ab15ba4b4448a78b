//! Plain threads sleep, lock and read while the runtime is busy with tasks that never block.

use std::io::{Read, Write};
use std::sync::Mutex;

use situations::{hold_fifo_open, make_fifo, multi_thread, Scratch, BLOCK};

static LOCK: Mutex<u32> = Mutex::new(0);

fn main() {
    let scratch = Scratch::new();
    let fifo = scratch.path("fifo");
    make_fifo(&fifo);
    let mut held = hold_fifo_open(&fifo);

    let runtime = multi_thread(2);
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            runtime.spawn(async {
                for _ in 0..10 {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
            })
        })
        .collect();
    let mut threads: Vec<_> = (0..3)
        .map(|_| {
            std::thread::spawn(|| {
                let mut guard = LOCK.lock().unwrap();
                std::thread::sleep(BLOCK);
                *guard += 1;
            })
        })
        .collect();
    threads.push(std::thread::spawn(move || {
        let mut bytes = [0; 4];
        std::fs::File::open(fifo).unwrap().read_exact(&mut bytes).unwrap();
    }));
    std::thread::sleep(BLOCK);
    held.write_all(b"data").unwrap();
    for thread in threads {
        thread.join().unwrap();
    }
    runtime.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    println!("plain_thread_clean {}", LOCK.lock().unwrap());
}
