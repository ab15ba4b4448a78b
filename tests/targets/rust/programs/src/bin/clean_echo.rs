//! A service that does everything as it should: sockets, timers, locks, files and blocking jobs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use situations::{multi_thread, Scratch, BLOCK};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, Mutex};

const CLIENTS: usize = 20;
const MESSAGES: usize = 20;

async fn serve(listener: TcpListener, served: Arc<Mutex<usize>>) {
    loop {
        let (mut peer, _) = listener.accept().await.unwrap();
        let served = served.clone();
        tokio::spawn(async move {
            let mut message = [0; 5];
            while peer.read_exact(&mut message).await.is_ok() {
                peer.write_all(&message).await.unwrap();
                *served.lock().await += 1;
            }
        });
    }
}

async fn client(address: std::net::SocketAddr, done: mpsc::Sender<usize>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    for _ in 0..MESSAGES {
        stream.write_all(b"hello").await.unwrap();
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"hello");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    done.send(MESSAGES).await.unwrap();
}

async fn run(file: PathBuf) -> usize {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = Arc::new(Mutex::new(0));
    let server = tokio::spawn(serve(listener, served.clone()));

    let (done, mut results) = mpsc::channel(1);
    for _ in 0..CLIENTS {
        tokio::spawn(client(address, done.clone()));
    }
    drop(done);
    let files = tokio::spawn(async move {
        for _ in 0..10 {
            tokio::fs::write(&file, b"text").await.unwrap();
            assert_eq!(tokio::fs::read(&file).await.unwrap(), b"text");
        }
    });
    let job = tokio::task::spawn_blocking(|| std::thread::sleep(BLOCK));

    let mut messages = 0;
    while let Some(count) = results.recv().await {
        messages += count;
    }
    files.await.unwrap();
    job.await.unwrap();
    server.abort();
    assert_eq!(*served.lock().await, messages);
    messages
}

fn main() {
    let scratch = Scratch::new();
    let messages = multi_thread(2).block_on(run(scratch.path("file")));
    println!("clean_echo {messages}");
}
