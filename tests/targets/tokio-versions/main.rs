//! The same program for every version and build of Tokio: one planted block, and two that are as
//! Tokio wants them.

use std::time::Duration;

const BLOCK: Duration = Duration::from_millis(25);

#[inline(never)]
fn planted_block() {
    std::thread::sleep(BLOCK);
    std::hint::black_box("planted_block");
}

async fn work() -> std::io::Result<()> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let peer = tokio::spawn(async move { tokio::net::TcpStream::connect(address).await });
    listener.accept().await?;
    peer.await??;
    tokio::fs::metadata("/").await?;
    tokio::task::spawn_blocking(|| std::thread::sleep(BLOCK)).await?;
    planted_block();
    Ok(())
}

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::spawn(work()).await.unwrap().unwrap();
        let task = tokio::spawn(async {
            tokio::task::block_in_place(|| std::thread::sleep(BLOCK));
        });
        task.await.unwrap();
    });
    println!("ok");
}
