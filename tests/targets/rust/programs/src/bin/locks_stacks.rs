//! Takes locks where there is little stack: on small threads, far down in a recursion, and on fibers
//! whose stack ends right below a guard page.

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};

use situations::{multi_thread, until, BLOCK};

static STD: Mutex<u64> = Mutex::new(0);
static STD_RWLOCK: RwLock<u64> = RwLock::new(0);
static PARKING_LOT: parking_lot::Mutex<u64> = parking_lot::Mutex::new(0);
static PARKING_LOT_RWLOCK: parking_lot::RwLock<u64> = parking_lot::RwLock::new(0);

const PAGE: usize = 4096;

/// What a lock operation may need of the stack below its caller.
const ROOM: usize = 10 * 1024;

fn takes_every_lock() {
    *STD.lock().unwrap() += 1;
    *STD_RWLOCK.write().unwrap() += 1;
    *PARKING_LOT.lock() += 1;
    *PARKING_LOT_RWLOCK.write() += 1;
    let one = PARKING_LOT.lock();
    let other = STD.lock().unwrap();
    let reader = PARKING_LOT_RWLOCK.read();
    drop(one);
    drop(other);
    drop(reader);
}

/// Down to `bottom`, then locks on every way back.
#[inline(never)]
fn recurses(bottom: usize) {
    let frame = black_box([0u8; 200]);
    if frame.as_ptr() as usize > bottom + ROOM {
        recurses(bottom);
    }
    takes_every_lock();
    black_box(&frame);
}

fn bottom_of_this_stack() -> usize {
    unsafe {
        let mut attributes = MaybeUninit::uninit();
        let (mut start, mut size) = (std::ptr::null_mut(), 0);
        libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr());
        libc::pthread_attr_getstack(attributes.as_ptr(), &mut start, &mut size);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        start as usize
    }
}

static DONE: AtomicUsize = AtomicUsize::new(0);

extern "C" fn small_thread(_: *mut libc::c_void) -> *mut libc::c_void {
    recurses(bottom_of_this_stack());
    DONE.fetch_add(1, Ordering::Relaxed);
    std::ptr::null_mut()
}

static mut BACK: MaybeUninit<libc::ucontext_t> = MaybeUninit::uninit();

/// Another thread has them, for a moment.
fn waits_for_locks() {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    TAKEN.store(false, Ordering::Relaxed);
    let holder = std::thread::spawn(|| {
        let guards = (STD.lock().unwrap(), PARKING_LOT.lock(), PARKING_LOT_RWLOCK.write());
        TAKEN.store(true, Ordering::Release);
        std::thread::sleep(BLOCK);
        drop(guards);
    });
    until(&TAKEN);
    *STD.lock().unwrap() += 1;
    *PARKING_LOT.lock() += 1;
    *PARKING_LOT_RWLOCK.write() += 1;
    holder.join().unwrap();
}

extern "C" fn fiber() {
    takes_every_lock();
    waits_for_locks();
    DONE.fetch_add(1, Ordering::Relaxed);
}

const FIBER: usize = 64 * 1024;

/// A fiber right below the stack of the thread it runs on, with that one's guard between them.
extern "C" fn thread_with_fiber(lowest: *mut libc::c_void) -> *mut libc::c_void {
    unsafe {
        let mut context = MaybeUninit::<libc::ucontext_t>::uninit();
        libc::getcontext(context.as_mut_ptr());
        let context = context.assume_init_mut();
        context.uc_stack.ss_sp = lowest;
        context.uc_stack.ss_size = FIBER;
        context.uc_link = (&raw mut BACK).cast();
        libc::makecontext(context, fiber, 0);
        libc::swapcontext((&raw mut BACK).cast(), context);
    }
    std::ptr::null_mut()
}

/// A fiber's stack, a guard page, and a thread's stack.
fn on_stack_of(size: usize, start: extern "C" fn(*mut libc::c_void) -> *mut libc::c_void) {
    unsafe {
        let mut attributes = MaybeUninit::uninit();
        let mut thread = MaybeUninit::uninit();
        let all = FIBER + PAGE + size;
        let lowest = libc::mmap(
            std::ptr::null_mut(),
            all,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        assert_ne!(lowest, libc::MAP_FAILED);
        assert_eq!(libc::mprotect(lowest.add(FIBER), PAGE, libc::PROT_NONE), 0);
        libc::pthread_attr_init(attributes.as_mut_ptr());
        let stack = lowest.add(FIBER + PAGE);
        assert_eq!(libc::pthread_attr_setstack(attributes.as_mut_ptr(), stack, size), 0);
        let created = libc::pthread_create(thread.as_mut_ptr(), attributes.as_ptr(), start, lowest);
        assert_eq!(created, 0);
        libc::pthread_join(thread.assume_init(), std::ptr::null_mut());
        libc::munmap(lowest, all);
    }
}

fn main() {
    let runtime = multi_thread(2);
    runtime.block_on(async { tokio::spawn(async { takes_every_lock() }).await.unwrap() });
    for _ in 0..3 {
        on_stack_of(64 * 1024, small_thread);
        on_stack_of(24 * 1024, small_thread);
        on_stack_of(24 * 1024, thread_with_fiber);
        on_stack_of(64 * 1024, thread_with_fiber);
    }
    println!("locks_stacks {}", DONE.load(Ordering::Relaxed));
}
