//! A signal handler tries locks of its own, at a high rate, while tasks lock in a tight loop and one
//! task after another holds a lock across an await.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use situations::multi_thread;

static HANDLER_STD: Mutex<u64> = Mutex::new(0);
static HANDLER_PARKING_LOT: parking_lot::Mutex<u64> = parking_lot::Mutex::new(0);
static HANDLED: AtomicU64 = AtomicU64::new(0);

static STD: Mutex<u64> = Mutex::new(0);
static PARKING_LOT: parking_lot::Mutex<u64> = parking_lot::Mutex::new(0);
static RWLOCK: std::sync::RwLock<u64> = std::sync::RwLock::new(0);

extern "C" fn handler(_: libc::c_int) {
    if let Ok(mut one) = HANDLER_STD.try_lock() {
        if let Some(mut other) = HANDLER_PARKING_LOT.try_lock() {
            *one += 1;
            *other += 1;
            // In another order than acquired.
            drop(one);
            drop(other);
        }
    }
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

fn start_timer(which: libc::c_int, signal: libc::c_int, microseconds: i64) {
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
        if std::env::args().nth(2).is_none() {
            libc::sigfillset(&mut action.sa_mask);
        }
        assert_eq!(libc::sigaction(signal, &action, std::ptr::null_mut()), 0);
        let interval = libc::timeval { tv_sec: 0, tv_usec: microseconds };
        let timer = libc::itimerval { it_interval: interval, it_value: interval };
        assert_eq!(libc::setitimer(which, &timer, std::ptr::null_mut()), 0);
    }
}

fn stop_timer(which: libc::c_int) {
    unsafe {
        let zero: libc::itimerval = std::mem::zeroed();
        libc::setitimer(which, &zero, std::ptr::null_mut());
    }
}

fn locks_in_a_loop(until: Instant) -> u64 {
    let mut times = 0;
    while Instant::now() < until {
        for _ in 0..200 {
            let mut one = STD.lock().unwrap();
            *one += 1;
            let mut other = PARKING_LOT.lock();
            *other += 1;
            drop(one);
            drop(other);
            *RWLOCK.write().unwrap() += 1;
            times += 1;
        }
    }
    times
}

fn main() {
    let length = std::env::args().nth(1).map_or(400, |word| word.parse().unwrap());
    let runtime = multi_thread(2);
    runtime.block_on(async { tokio::spawn(async {}).await.unwrap() });
    start_timer(libc::ITIMER_REAL, libc::SIGALRM, 50);
    start_timer(libc::ITIMER_PROF, libc::SIGPROF, 1000);
    let until = Instant::now() + Duration::from_millis(length);
    let times = runtime.block_on(async {
        let tasks: Vec<_> = (0..2)
            .map(|_| {
                tokio::spawn(async move {
                    let mut times = 0;
                    while Instant::now() < until {
                        times += locks_in_a_loop(Instant::now() + Duration::from_millis(1));
                        tokio::task::yield_now().await;
                    }
                    times
                })
            })
            .collect();
        let mut times = 0;
        for task in tasks {
            times += task.await.unwrap();
        }
        times
    });
    stop_timer(libc::ITIMER_REAL);
    stop_timer(libc::ITIMER_PROF);
    let counts = [*STD.lock().unwrap(), *PARKING_LOT.lock(), *RWLOCK.read().unwrap()];
    assert_eq!(counts, [times; 3]);
    assert_eq!(*HANDLER_STD.lock().unwrap(), *HANDLER_PARKING_LOT.lock());
    assert!(HANDLED.load(Ordering::Relaxed) > 20);
    // What is told afterwards is still right.
    static AFTERWARDS: parking_lot::Mutex<u64> = parking_lot::Mutex::new(0);
    runtime.block_on(async {
        let task = tokio::spawn(async {
            let guard = AFTERWARDS.lock();
            tokio::time::sleep(situations::BLOCK).await;
            drop(guard);
        });
        task.await.unwrap();
    });
    println!("locks_signals done");
}
