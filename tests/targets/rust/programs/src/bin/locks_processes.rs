//! Locks where a process forks, starts others, and ends: the argument says which.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Mutex;
use std::time::Duration;

use situations::{current_thread, multi_thread, until, BLOCK};

static OWN: Mutex<u64> = Mutex::new(0);
static OWN_PARKING_LOT: parking_lot::RwLock<u64> = parking_lot::RwLock::new(0);
static OTHERS: Mutex<u64> = Mutex::new(0);
static OTHERS_PARKING_LOT: parking_lot::Mutex<u64> = parking_lot::Mutex::new(0);
static SUSPENDED: parking_lot::Mutex<u64> = parking_lot::Mutex::new(0);

static TAKEN: AtomicBool = AtomicBool::new(false);
static DONE: AtomicBool = AtomicBool::new(false);

async fn holds_guard_across_await(lock: &'static parking_lot::Mutex<u64>, time: Duration) {
    let mut guard = lock.lock();
    TAKEN.store(true, Ordering::Release);
    tokio::time::sleep(time).await;
    *guard += 1;
}

fn wait(child: libc::pid_t) -> i32 {
    let mut status = -1;
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    status
}

fn in_child() -> i32 {
    static CHILDS: parking_lot::Mutex<u64> = parking_lot::Mutex::new(0);
    for _ in 0..1000 {
        *OWN.lock().unwrap() += 1;
        *OWN_PARKING_LOT.write() += 1;
    }
    let untaken = OTHERS.try_lock().is_ok() || OTHERS_PARKING_LOT.try_lock().is_some();
    // Without workers: those of the parent that are parked would be in their way, in parking_lot's
    // table of waiting threads.
    current_thread().block_on(async {
        tokio::spawn(holds_guard_across_await(&CHILDS, BLOCK)).await.unwrap();
        *OWN.lock().unwrap() += 1;
    });
    let right = (*OWN.lock().unwrap(), *OWN_PARKING_LOT.read(), *CHILDS.lock());
    if right == (1002, 1001, 1) && !untaken {
        5
    } else {
        6
    }
}

/// This thread holds locks, another one does, and a suspended task.
fn forks() {
    let runtime = multi_thread(2);
    let task = runtime.spawn(holds_guard_across_await(&SUSPENDED, 10 * BLOCK));
    until(&TAKEN);
    TAKEN.store(false, Ordering::Release);
    let holder = std::thread::spawn(|| {
        let guards = (OTHERS.lock().unwrap(), OTHERS_PARKING_LOT.lock());
        TAKEN.store(true, Ordering::Release);
        until(&DONE);
        drop(guards);
    });
    until(&TAKEN);
    let mut own = OWN.lock().unwrap();
    let mut other = OWN_PARKING_LOT.write();
    let child = unsafe { libc::fork() };
    *own += 1;
    *other += 1;
    drop(own);
    drop(other);
    if child == 0 {
        std::process::exit(in_child());
    }
    assert_eq!(libc::WEXITSTATUS(wait(child)), 5);
    DONE.store(true, Ordering::Release);
    holder.join().unwrap();
    runtime.block_on(task).unwrap();
    let sum = *OWN.lock().unwrap() + *OWN_PARKING_LOT.read() + *OTHERS_PARKING_LOT.lock();
    println!("locks_processes {sum} {}", *SUSPENDED.lock());
}

/// While a task and this thread hold locks.
fn spawns() {
    let runtime = multi_thread(2);
    let mut count = OTHERS.lock().unwrap();
    for _ in 0..10 {
        *count += runtime.block_on(async {
            tokio::spawn(async {
                let mut guard = OWN.lock().unwrap();
                let other = OWN_PARKING_LOT.read();
                let status = std::process::Command::new("true").status().unwrap();
                *guard += *other + u64::from(status.success());
                drop(guard);
                std::process::Command::new("sh").args(["-c", "exit 3"]).status().unwrap();
                u64::from(status.success())
            })
            .await
            .unwrap()
        });
    }
    println!("locks_processes {} {}", *OWN.lock().unwrap(), *count);
}

/// One thread waits for a lock that a suspended task holds, others lock without end.
fn ends(end: impl FnOnce()) {
    let runtime = multi_thread(2);
    runtime.spawn(holds_guard_across_await(&SUSPENDED, Duration::from_secs(60)));
    until(&TAKEN);
    // Its poll is over by then.
    std::thread::sleep(BLOCK);
    std::thread::spawn(|| *SUSPENDED.lock() += 1);
    for _ in 0..2 {
        std::thread::spawn(|| loop {
            *OWN.lock().unwrap() += 1;
            *OWN_PARKING_LOT.write() += 1;
        });
    }
    std::thread::sleep(10 * BLOCK);
    println!("locks_processes ends");
    end();
    unreachable!();
}

fn main() {
    match std::env::args().nth(1).unwrap().as_str() {
        "forks" => forks(),
        "spawns" => spawns(),
        "exit" => ends(|| std::process::exit(4)),
        "_exit" => ends(|| unsafe { libc::_exit(4) }),
        "abort" => ends(|| std::process::abort()),
        other => panic!("{other}"),
    }
}
