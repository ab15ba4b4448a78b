//! A thread's first locks are taken by its vfork child, in the same memory; then it and many new
//! threads take locks of their own.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use situations::multi_thread;

static IN_CHILD: Mutex<u64> = Mutex::new(0);
static DONE: AtomicBool = AtomicBool::new(false);
static THREADS: AtomicUsize = AtomicUsize::new(0);

fn locks_in_another_order(times: usize) -> u64 {
    let locks: [Mutex<u64>; 4] = Default::default();
    for _ in 0..times {
        let mut first = locks[0].lock();
        let mut second = locks[1].lock();
        let mut third = locks[2].lock();
        *first += 1;
        *second += 1;
        *third += 1;
        drop(first);
        drop(second);
        drop(third);
    }
    locks.into_iter().map(Mutex::into_inner).sum()
}

extern "C" fn forks_first(_: *mut libc::c_void) -> *mut libc::c_void {
    unsafe {
        #[allow(deprecated)]
        let child = libc::vfork();
        if child == 0 {
            *IN_CHILD.lock() += 1;
            libc::_exit(0);
        }
        let mut status = -1;
        assert_eq!(libc::waitpid(child, &mut status, 0), child);
        assert_eq!(status, 0);
    }
    let mut sum = 0;
    while !DONE.load(Ordering::Acquire) {
        sum += locks_in_another_order(1000);
    }
    assert_eq!(sum % 3000, 0);
    std::ptr::null_mut()
}

fn main() {
    let runtime = multi_thread(2);
    runtime.block_on(async { tokio::spawn(async {}).await.unwrap() });
    let mut thread = 0;
    unsafe {
        libc::pthread_create(&mut thread, std::ptr::null(), forks_first, std::ptr::null_mut());
    }
    while IN_CHILD.try_lock().map_or(true, |count| *count == 0) {
        std::thread::yield_now();
    }
    for _ in 0..40 {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    assert_eq!(locks_in_another_order(20_000), 60_000);
                    THREADS.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
    }
    DONE.store(true, Ordering::Release);
    unsafe { libc::pthread_join(thread, std::ptr::null_mut()) };
    println!("locks_vfork {} {}", *IN_CHILD.lock(), THREADS.load(Ordering::Relaxed));
}
