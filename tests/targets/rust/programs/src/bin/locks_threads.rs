//! Locks where threads begin and end: before main, in destructors, by cancellation, by the thousand.

use std::cell::{RefCell, UnsafeCell};
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::Duration;

use situations::{multi_thread, until, BLOCK};

static STD: Mutex<u64> = Mutex::new(0);
static STD_RWLOCK: RwLock<u64> = RwLock::new(0);
static PARKING_LOT: parking_lot::Mutex<u64> = parking_lot::Mutex::new(0);
static PARKING_LOT_RWLOCK: parking_lot::RwLock<u64> = parking_lot::RwLock::new(0);

fn takes_every_lock() {
    *STD.lock().unwrap() += 1;
    *STD_RWLOCK.write().unwrap() += 1;
    *PARKING_LOT.lock() += 1;
    *PARKING_LOT_RWLOCK.write() += 1;
    let one = PARKING_LOT.lock();
    let other = STD.lock().unwrap();
    drop(one);
    drop(other);
}

extern "C" fn before_main() {
    takes_every_lock();
}

#[used]
#[link_section = ".init_array"]
static BEFORE_MAIN: extern "C" fn() = before_main;

extern "C" fn after_main() {
    takes_every_lock();
}

#[used]
#[link_section = ".fini_array"]
static AFTER_MAIN: extern "C" fn() = after_main;

struct LocksWhenDropped;

impl Drop for LocksWhenDropped {
    fn drop(&mut self) {
        takes_every_lock();
        KEPT.with(|kept| kept.borrow_mut().take());
    }
}

type Kept = RefCell<Option<parking_lot::MutexGuard<'static, u64>>>;

thread_local! {
    static KEPT: std::mem::ManuallyDrop<Kept> = const { std::mem::ManuallyDrop::new(RefCell::new(None)) };
    static AT_EXIT: LocksWhenDropped = const { LocksWhenDropped };
}

extern "C" fn destroys_key(_: *mut libc::c_void) {
    takes_every_lock();
}

/// Holds a lock until the thread's destructors run, which take others.
fn destructors() {
    static OWN: parking_lot::Mutex<u64> = parking_lot::Mutex::new(0);
    let mut key = 0;
    unsafe { libc::pthread_key_create(&mut key, Some(destroys_key)) };
    for _ in 0..50 {
        std::thread::spawn(move || {
            AT_EXIT.with(|_| ());
            let mut own = OWN.lock();
            *own += 1;
            KEPT.with(|kept| *kept.borrow_mut() = Some(own));
            unsafe { libc::pthread_setspecific(key, std::ptr::without_provenance(1)) };
        })
        .join()
        .unwrap();
    }
    let sum = *STD.lock().unwrap() + *PARKING_LOT.lock();
    println!("locks_threads {} {sum}", *OWN.lock());
}

/// Each thread leaves a guard behind.
fn forgotten() {
    let mut locks = Vec::new();
    for _ in 0..20 {
        let lock: &'static Mutex<u64> = Box::leak(Box::default());
        std::thread::spawn(move || {
            std::mem::forget(lock.lock().unwrap());
            let other: &'static parking_lot::Mutex<u64> = Box::leak(Box::default());
            std::mem::forget(other.lock());
        })
        .join()
        .unwrap();
        locks.push(lock);
    }
    let free = locks.iter().filter(|lock| lock.try_lock().is_ok()).count();
    // Nobody is there who could let go.
    let waiter = locks[0];
    std::thread::spawn(move || *waiter.lock().unwrap() += 1);
    std::thread::sleep(10 * BLOCK);
    println!("locks_threads {free}");
}

struct Pthread(UnsafeCell<libc::pthread_mutex_t>, UnsafeCell<libc::pthread_cond_t>);
unsafe impl Sync for Pthread {}

static PTHREAD: Pthread = Pthread(
    UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER),
    UnsafeCell::new(libc::PTHREAD_COND_INITIALIZER),
);
static OF_CANCELLED: Pthread = Pthread(
    UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER),
    UnsafeCell::new(libc::PTHREAD_COND_INITIALIZER),
);
static FUTEX: Mutex<u64> = Mutex::new(0);
static READY: AtomicBool = AtomicBool::new(false);

extern "C-unwind" {
    fn pthread_setcanceltype(kind: libc::c_int, old: *mut libc::c_int) -> libc::c_int;
    fn pthread_cond_wait(
        cond: *mut libc::pthread_cond_t,
        lock: *mut libc::pthread_mutex_t,
    ) -> libc::c_int;
    fn pthread_mutex_lock(lock: *mut libc::pthread_mutex_t) -> libc::c_int;
    fn pthread_testcancel();
    fn pause() -> libc::c_int;
}
extern "C" {
    fn pthread_cancel(thread: libc::pthread_t) -> libc::c_int;
    fn pthread_create(
        thread: *mut libc::pthread_t,
        attributes: *const libc::pthread_attr_t,
        start: extern "C-unwind" fn(*mut libc::c_void) -> *mut libc::c_void,
        argument: *mut libc::c_void,
    ) -> libc::c_int;
}

extern "C-unwind" fn waits_for_pthread_mutex(how: *mut libc::c_void) -> *mut libc::c_void {
    unsafe { pthread_setcanceltype(how as libc::c_int, std::ptr::null_mut()) };
    READY.store(true, Ordering::Release);
    unsafe { pthread_mutex_lock(PTHREAD.0.get()) };
    unsafe { libc::pthread_mutex_unlock(PTHREAD.0.get()) };
    unsafe { pthread_testcancel() };
    std::ptr::null_mut()
}

extern "C-unwind" fn waits_for_condition(how: *mut libc::c_void) -> *mut libc::c_void {
    unsafe {
        pthread_setcanceltype(how as libc::c_int, std::ptr::null_mut());
        pthread_mutex_lock(OF_CANCELLED.0.get());
        READY.store(true, Ordering::Release);
        loop {
            pthread_cond_wait(OF_CANCELLED.1.get(), OF_CANCELLED.0.get());
        }
    }
}

extern "C-unwind" fn holds_pthread_mutex(how: *mut libc::c_void) -> *mut libc::c_void {
    unsafe {
        pthread_setcanceltype(how as libc::c_int, std::ptr::null_mut());
        pthread_mutex_lock(OF_CANCELLED.0.get());
        READY.store(true, Ordering::Release);
        loop {
            pause();
        }
    }
}

/// Not a place to cancel at, so that it ends behind.
extern "C-unwind" fn waits_for_futex(_: *mut libc::c_void) -> *mut libc::c_void {
    READY.store(true, Ordering::Release);
    std::mem::drop(FUTEX.lock());
    unsafe { pthread_testcancel() };
    std::ptr::null_mut()
}

const DEFERRED: usize = 0;
const ASYNCHRONOUS: usize = 1;

fn cancels(
    start: extern "C-unwind" fn(*mut libc::c_void) -> *mut libc::c_void,
    how: usize,
    behind: impl FnOnce(),
) -> bool {
    READY.store(false, Ordering::Release);
    let mut thread = MaybeUninit::uninit();
    let mut result = std::ptr::null_mut();
    unsafe {
        let argument = std::ptr::without_provenance_mut(how);
        pthread_create(thread.as_mut_ptr(), std::ptr::null(), start, argument);
        until(&READY);
        std::thread::sleep(BLOCK);
        assert_eq!(pthread_cancel(thread.assume_init()), 0);
        std::thread::sleep(BLOCK / 3);
        behind();
        libc::pthread_join(thread.assume_init(), &mut result);
    }
    result.addr() == usize::MAX
}

fn cancelled() {
    let mut ends = 0;
    let lock = PTHREAD.0.get();
    for _ in 0..3 {
        unsafe {
            libc::pthread_mutex_lock(lock);
            let unlock = || assert_eq!(libc::pthread_mutex_unlock(lock), 0);
            ends += u64::from(cancels(waits_for_pthread_mutex, DEFERRED, unlock));
            libc::pthread_mutex_lock(lock);
            ends += u64::from(cancels(waits_for_pthread_mutex, ASYNCHRONOUS, || ()));
            libc::pthread_mutex_unlock(lock);
        }
        for start in [waits_for_condition, holds_pthread_mutex] {
            for how in [DEFERRED, ASYNCHRONOUS] {
                ends += u64::from(cancels(start, how, || ()));
                let left = OF_CANCELLED.0.get();
                assert_eq!(unsafe { libc::pthread_mutex_trylock(left) }, libc::EBUSY);
                unsafe { left.write(libc::PTHREAD_MUTEX_INITIALIZER) };
            }
        }
        let mut guard = Some(FUTEX.lock().unwrap());
        ends += u64::from(cancels(waits_for_futex, DEFERRED, || drop(guard.take())));
    }
    assert!(FUTEX.try_lock().is_ok());
    takes_every_lock();
    println!("locks_threads {ends}");
}

/// Short threads, a few at a time.
fn churn() {
    let start = std::time::Instant::now();
    for _ in 0..500 {
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(takes_every_lock);
            }
        });
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    eprintln!("peak_kb {}", peak.split_whitespace().nth(1).unwrap());
    eprintln!("taken_ms {}", start.elapsed().as_millis());
    println!("locks_threads {} {}", *STD.lock().unwrap(), *PARKING_LOT_RWLOCK.read());
}

/// A thread's guards are released by another one, and it takes the lock again at once.
fn handed_over() {
    static LOCK: parking_lot::Mutex<u64> = parking_lot::Mutex::new(0);
    static RWLOCK: parking_lot::RwLock<u64> = parking_lot::RwLock::new(0);
    static LATE: AtomicU64 = AtomicU64::new(0);
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    let other = std::thread::spawn(move || {
        for (guard, reader, time) in receiver {
            if time > Duration::ZERO {
                std::thread::sleep(time);
                LATE.fetch_add(1, Ordering::Relaxed);
            }
            drop::<parking_lot::MutexGuard<'static, u64>>(guard);
            drop::<parking_lot::RwLockWriteGuard<'static, u64>>(reader);
        }
    });
    for i in 0..10_000 {
        let mut guard = LOCK.lock();
        *guard += 1;
        let mut writer = RWLOCK.write();
        *writer += 1;
        let time = if i == 1 { 10 * BLOCK } else { Duration::ZERO };
        sender.send((guard, writer, time)).unwrap();
    }
    drop(sender);
    other.join().unwrap();
    let late = LATE.load(Ordering::Relaxed);
    println!("locks_threads {} {} {late}", *LOCK.lock(), *RWLOCK.read());
}

fn main() {
    let runtime = multi_thread(2);
    runtime.block_on(async { tokio::spawn(async { takes_every_lock() }).await.unwrap() });
    match std::env::args().nth(1).unwrap().as_str() {
        "destructors" => destructors(),
        "forgotten" => forgotten(),
        "cancelled" => cancelled(),
        "churn" => churn(),
        "handed_over" => handed_over(),
        other => panic!("{other}"),
    }
}
