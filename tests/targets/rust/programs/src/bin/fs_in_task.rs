//! A task opens a FIFO that has no writer yet, reads one that has nothing to read yet, and does
//! many file operations that are short.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use situations::{hold_fifo_open, make_fifo, multi_thread, stay_on_stack, Scratch, BLOCK};

#[inline(never)]
fn blocks_in_open(path: &Path) -> File {
    let file = File::open(path).unwrap();
    stay_on_stack("blocks_in_open");
    file
}

#[inline(never)]
fn blocks_in_read(file: &mut File) -> [u8; 4] {
    let mut bytes = [0; 4];
    file.read_exact(&mut bytes).unwrap();
    stay_on_stack("blocks_in_read");
    bytes
}

async fn stays_short(path: &Path) {
    for round in 0..50 {
        std::fs::write(path, format!("{round}")).unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), format!("{round}"));
        assert!(std::fs::metadata(path).unwrap().is_file());
        tokio::task::yield_now().await;
    }
    std::fs::remove_file(path).unwrap();
}

fn main() {
    let scratch = Scratch::new();
    let (late, silent, short) = (scratch.path("late"), scratch.path("silent"), scratch.path("f"));
    make_fifo(&late);
    make_fifo(&silent);

    multi_thread(2).block_on(async move {
        let opener = late.clone();
        let writer = std::thread::spawn(move || {
            std::thread::sleep(BLOCK);
            drop(OpenOptions::new().write(true).open(opener).unwrap());
        });
        let held = hold_fifo_open(&silent);
        tokio::spawn(async move { drop(blocks_in_open(&late)) }).await.unwrap();
        writer.join().unwrap();

        let task = tokio::spawn(async move {
            let mut file = File::open(&silent).unwrap();
            let mut feeder = held;
            let feed = std::thread::spawn(move || {
                std::thread::sleep(BLOCK);
                feeder.write_all(b"data").unwrap();
                feeder
            });
            assert_eq!(&blocks_in_read(&mut file), b"data");
            drop(feed);
            stays_short(&short).await;
        });
        task.await.unwrap();
    });
    println!("fs_in_task done");
}
