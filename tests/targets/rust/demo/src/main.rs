//! A small web service and its own load, three seconds long, with three mistakes of the kind that
//! real services make: a task reads a slow file, asks a slow peer over a blocking socket, and waits
//! for a lock that a slow job holds.

use std::fs::File;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const CLIENTS: usize = 8;
const LENGTH: Duration = Duration::from_secs(3);

#[derive(Default)]
struct Stats {
    requests: u64,
    bytes: u64,
}

struct Service {
    config: PathBuf,
    upstream: SocketAddr,
    stats: Mutex<Stats>,
}

impl Service {
    /// Mistake one: the configuration lies on something slow, and is read in the request's task.
    #[inline(never)]
    fn load_config(&self) -> String {
        std::fs::read_to_string(&self.config).unwrap()
    }

    /// Mistake two: a blocking socket inside a task.
    #[inline(never)]
    fn resolve_upstream(&self, path: &str) -> String {
        let mut stream = std::net::TcpStream::connect(self.upstream).unwrap();
        stream.write_all(path.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Mistake three: the lock is shared with `summarise`, which holds it while it works.
    #[inline(never)]
    fn update_stats(&self, bytes: usize) {
        let mut stats = self.stats.lock().unwrap();
        stats.requests += 1;
        stats.bytes += bytes as u64;
    }

    fn summarise(&self) -> (u64, u64) {
        let stats = self.stats.lock().unwrap();
        std::thread::sleep(Duration::from_millis(8));
        (stats.requests, stats.bytes)
    }

    async fn answer(&self, path: &str) -> String {
        let body = match path {
            "/config" => self.load_config(),
            "/upstream" => self.resolve_upstream(path),
            _ => format!("you asked for {path}"),
        };
        self.update_stats(body.len());
        body
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        while stream.read_line(&mut line).await? > 0 {
            let path = line.split(' ').nth(1).unwrap_or("/").to_owned();
            while stream.read_line(&mut line).await? > 2 {}
            let body = self.answer(&path).await;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).await?;
            line.clear();
        }
        Ok(())
    }
}

async fn client(number: usize, address: SocketAddr, end: Instant) -> std::io::Result<usize> {
    let mut stream = BufReader::new(TcpStream::connect(address).await?);
    let mut requests = 0;
    while Instant::now() < end {
        let path = match (requests + number * 7) % 60 {
            11 if number == 0 => "/config",
            3 | 23 | 43 => "/upstream",
            _ => "/hello",
        };
        stream.write_all(format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes()).await?;
        let mut length = 0;
        let mut line = String::new();
        while stream.read_line(&mut line).await? > 2 {
            if let Some(value) = line.strip_prefix("Content-Length: ") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        stream.read_exact(&mut vec![0; length]).await?;
        requests += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(requests)
}

/// Stands for a slow disk: every read of the configuration takes 25 ms.
fn slow_disk() -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    let path = std::env::temp_dir().join(format!("demo-config-{}", std::process::id()));
    let name = std::ffi::CString::new(path.as_os_str().as_bytes()).unwrap();
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    let config = path.clone();
    std::thread::spawn(move || loop {
        let mut reader = File::options().write(true).open(&config).unwrap();
        std::thread::sleep(Duration::from_millis(25));
        let _ = reader.write_all(b"workers=2 port=0");
        drop(reader);
        std::thread::sleep(Duration::from_millis(5));
    });
    path
}

/// Stands for a slow peer: every answer takes 12 ms.
fn slow_upstream() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut request = String::new();
                stream.read_to_string(&mut request).unwrap();
                std::thread::sleep(Duration::from_millis(12));
                stream.write_all(b"10.0.0.7").unwrap();
            });
        }
    });
    address
}

#[tokio::main(worker_threads = 2)]
async fn main() -> std::io::Result<()> {
    let config = slow_disk();
    let service = Arc::new(Service {
        config: config.clone(),
        upstream: slow_upstream(),
        stats: Mutex::new(Stats::default()),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;

    let accepting = service.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(accepting.clone().serve(stream));
        }
    });
    let summarising = service.clone();
    let summary = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(40)).await;
            let service = summarising.clone();
            tokio::task::spawn_blocking(move || service.summarise()).await.unwrap();
        }
    });

    println!("serving http://{address} to {CLIENTS} clients for {} s", LENGTH.as_secs());
    let end = Instant::now() + LENGTH;
    let clients: Vec<_> =
        (0..CLIENTS).map(|number| tokio::spawn(client(number, address, end))).collect();
    let mut requests = 0;
    for client in clients {
        requests += client.await.unwrap()?;
    }
    summary.abort();
    std::fs::remove_file(&config)?;
    println!("answered {} requests", requests);
    Ok(())
}
