//! What the programs share: the length of a planted block, runtimes, and peers that answer late.

use std::fs::{File, OpenOptions};
use std::future::Future;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long every planted block lasts.
pub const BLOCK: Duration = Duration::from_millis(30);

/// Keeps the call before it from becoming a tail call, which would take the planted function off
/// the stack, and (given a different name each time) keeps equal functions from being merged.
#[inline(always)]
pub fn stay_on_stack(name: &'static str) {
    std::hint::black_box(name);
}

pub fn multi_thread(workers: usize) -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .unwrap()
}

pub fn current_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Waits for a task, on a thread that has nothing to do with any runtime. A task spawned afterwards
/// goes to another worker than the one that set the flag and is now blocked.
pub fn until(flag: &AtomicBool) {
    while !flag.load(Ordering::Acquire) {
        std::thread::yield_now();
    }
}

/// Keeps the body of an async function, which `inline(never)` does not reach, a function of its own
/// where the future that awaits it would swallow it. A task needs no such help.
pub fn own_body<T>(future: impl Future<Output = T> + 'static) -> Pin<Box<dyn Future<Output = T>>> {
    let boxed: Pin<Box<dyn Future<Output = T>>> = Box::pin(future);
    std::hint::black_box(boxed)
}

/// Carries a guard that is bound to its thread along with its task, whichever thread polls that.
pub struct Movable<T>(pub T);

unsafe impl<T> Send for Movable<T> {}

/// Runs a future on this thread alone, together with the tasks that it spawns by `spawn_local`.
pub fn run_local<F: Future>(future: F) -> F::Output {
    tokio::task::LocalSet::new().block_on(&current_thread(), future)
}

/// A directory of the program's own, removed at the end.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Scratch {
        let name = format!("overstay-target-{}", std::process::id());
        // In memory where that can be: a busy disk would make short operations long.
        let memory = PathBuf::from("/dev/shm");
        let path = if memory.is_dir() { memory } else { std::env::temp_dir() }.join(name);
        std::fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Default for Scratch {
    fn default() -> Scratch {
        Scratch::new()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn make_fifo(path: &Path) {
    use std::os::unix::ffi::OsStrExt;
    let name = std::ffi::CString::new(path.as_os_str().as_bytes()).unwrap();
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
}

/// Opens a FIFO for both directions, which never waits for a peer.
pub fn hold_fifo_open(path: &Path) -> File {
    OpenOptions::new().read(true).write(true).open(path).unwrap()
}

/// A plain-thread server that answers each request `BLOCK` after it has arrived.
pub fn server_answering_late(requests: usize) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        for _ in 0..requests {
            let (mut peer, _) = listener.accept().unwrap();
            let mut request = [0; 4];
            peer.read_exact(&mut request).unwrap();
            std::thread::sleep(BLOCK);
            peer.write_all(b"pong").unwrap();
        }
    });
    (address, server)
}
