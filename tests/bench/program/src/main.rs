//! The loops that `tests/bench/run` times, with and without the library. Prints one number: the
//! cost of one round in nanoseconds, or a size in KiB.

use std::future::Future;
use std::hint::black_box;
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

/// Asks to be polled again that many times, without going through the coop budget or the defer list.
struct Rounds(u64);

impl Future for Rounds {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

fn per_round(start: Instant, rounds: u64) -> f64 {
    start.elapsed().as_nanos() as f64 / rounds as f64
}

/// One task that is always ready: the cost of scheduling and polling it.
fn polls_on(runtime: Runtime, rounds: u64) -> f64 {
    runtime.block_on(async {
        tokio::spawn(Rounds(rounds / 10)).await.unwrap();
        let start = Instant::now();
        tokio::spawn(Rounds(rounds)).await.unwrap();
        per_round(start, rounds)
    })
}

fn one_worker() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap()
}

fn polls(rounds: u64) -> f64 {
    polls_on(one_worker(), rounds)
}

fn local_polls(rounds: u64) -> f64 {
    polls_on(Builder::new_current_thread().build().unwrap(), rounds)
}

/// The fastest of ten loops: what disturbs one of them does not count.
fn best_of_ten(rounds: u64, mut round: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..10 {
        let start = Instant::now();
        for _ in 0..rounds / 10 {
            round();
        }
        best = best.min(per_round(start, rounds / 10));
    }
    best
}

/// A wrapped call that makes no system call: a semaphore that is free.
fn wait_for_free(rounds: u64) -> f64 {
    let mut semaphore: libc::sem_t = unsafe { std::mem::zeroed() };
    unsafe { libc::sem_init(&mut semaphore, 0, 0) };
    best_of_ten(rounds, || unsafe {
        libc::sem_post(&mut semaphore);
        libc::sem_wait(&mut semaphore);
    })
}

/// A mutex that nobody else wants, the lock inlined into this loop.
fn lock_and_unlock(rounds: u64) -> f64 {
    let mutex = Mutex::new(0u64);
    best_of_ten(rounds, || {
        *black_box(&mutex).lock().unwrap() += 1;
    })
}

/// The same for a mutex of the C library.
fn pthread_lock_and_unlock(rounds: u64) -> f64 {
    let mut mutex = libc::PTHREAD_MUTEX_INITIALIZER;
    best_of_ten(rounds, || unsafe {
        libc::pthread_mutex_lock(&mut mutex);
        libc::pthread_mutex_unlock(&mut mutex);
    })
}

/// On a plain thread of a process that has a runtime.
fn calls(rounds: u64) -> f64 {
    std::thread::spawn(move || wait_for_free(rounds))
        .join()
        .unwrap()
}

fn in_task(measure: fn(u64) -> f64, rounds: u64) -> f64 {
    one_worker()
        .block_on(async move { tokio::spawn(async move { measure(rounds) }).await.unwrap() })
}

/// One reading of the processor's cycle counter, the floor of whatever is timed.
fn clock(rounds: u64) -> f64 {
    let start = Instant::now();
    let mut sum = 0u64;
    for _ in 0..rounds {
        #[cfg(target_arch = "x86_64")]
        {
            sum = sum.wrapping_add(unsafe { std::arch::x86_64::_rdtsc() });
        }
        sum = black_box(sum);
    }
    per_round(start, rounds)
}

/// Milliseconds for mapping this program's file, reading every cache line of it, and unmapping it.
fn code() -> f64 {
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    let size = file.metadata().unwrap().len() as usize;
    let mut best = f64::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        unsafe {
            let map = libc::mmap(
                std::ptr::null_mut(),
                size,
                libc::PROT_READ,
                libc::MAP_PRIVATE,
                file.as_raw_fd(),
                0,
            );
            assert_ne!(map, libc::MAP_FAILED);
            let bytes = std::slice::from_raw_parts(map.cast::<u8>(), size);
            let sum: u64 = bytes.iter().step_by(64).map(|&byte| u64::from(byte)).sum();
            black_box(sum);
            libc::munmap(map, size);
        }
        best = best.min(start.elapsed().as_secs_f64() * 1000.0);
    }
    best
}

/// One round trip of a loaded TCP echo server and its clients, all on two workers.
fn echo(rounds: u64) -> f64 {
    const CONNECTIONS: u64 = 64;
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut buffer = [0; 512];
                    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                        stream.write_all(&buffer[..length]).await.unwrap();
                    }
                });
            }
        });
        let start = Instant::now();
        let clients: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                tokio::spawn(async move {
                    let mut stream = TcpStream::connect(address).await.unwrap();
                    let mut buffer = [7; 512];
                    for _ in 0..rounds / CONNECTIONS {
                        stream.write_all(&buffer).await.unwrap();
                        stream.read_exact(&mut buffer).await.unwrap();
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        per_round(start, rounds)
    })
}

/// Resident memory of a process whose 18 threads have all polled or made a wrapped call.
fn resident() -> f64 {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let jobs: Vec<_> = (0..16)
            .map(|_| tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(50))))
            .collect();
        for job in jobs {
            job.await.unwrap();
        }
        tokio::spawn(async { std::thread::sleep(Duration::from_millis(5)) })
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(150)).await;
    });
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mode = arguments.next().unwrap_or_default();
    let rounds = arguments
        .next()
        .and_then(|n| n.parse().ok())
        .unwrap_or(1_000_000);
    let value = match mode.as_str() {
        "polls" => polls(rounds),
        "local-polls" => local_polls(rounds),
        "calls" => calls(rounds),
        "calls-in-poll" => in_task(wait_for_free, rounds),
        "locks" => in_task(lock_and_unlock, rounds),
        "pthread-locks" => in_task(pthread_lock_and_unlock, rounds),
        "clock" => clock(rounds),
        "code" => code(),
        "echo" => echo(rounds),
        "nothing" => 0.0,
        "resident" => resident(),
        _ => {
            eprintln!("usage: bench-program polls|local-polls|calls|calls-in-poll|locks|pthread-locks|clock|code|echo|nothing|resident [ROUNDS]");
            std::process::exit(2);
        }
    };
    println!("{value:.2}");
}
