//! Everything that blocks does so where Tokio wants it: in spawn_blocking and tokio::fs.

use std::fs::File;
use std::io::{Read, Write};

use situations::{hold_fifo_open, make_fifo, multi_thread, Scratch, BLOCK};

fn main() {
    let scratch = Scratch::new();
    let (fifo, other) = (scratch.path("fifo"), scratch.path("other"));
    make_fifo(&fifo);
    make_fifo(&other);

    let mut feeders = [hold_fifo_open(&fifo), hold_fifo_open(&other)];
    std::thread::spawn(move || {
        std::thread::sleep(BLOCK);
        for feeder in &mut feeders {
            feeder.write_all(b"data").unwrap();
        }
        std::thread::sleep(BLOCK * 10);
    });

    multi_thread(2).block_on(async move {
        let task = tokio::spawn(async move {
            let sleep = tokio::task::spawn_blocking(|| std::thread::sleep(BLOCK));
            let read = tokio::task::spawn_blocking(move || {
                let mut bytes = [0; 4];
                File::open(fifo).unwrap().read_exact(&mut bytes).unwrap();
                bytes
            });
            sleep.await.unwrap();
            assert_eq!(&read.await.unwrap(), b"data");

            use tokio::io::AsyncReadExt;
            let mut bytes = [0; 4];
            let mut file = tokio::fs::File::open(other).await.unwrap();
            file.read_exact(&mut bytes).await.unwrap();
            assert_eq!(&bytes, b"data");
        });
        task.await.unwrap();
    });
    println!("spawn_blocking_clean done");
}
