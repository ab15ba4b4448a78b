//! Locks in what programs seldom do: freed while locked, beside vector registers, left by panics, by
//! the thousand, in plugins that come and go. The argument says which.

use std::alloc::Layout;
use std::arch::x86_64::*;
use std::collections::HashMap;
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, RwLock};
use std::time::{Duration, Instant};

use futures_util::future::poll_fn;
use situations::{current_thread, multi_thread, BLOCK};
use tokio::task::yield_now;

type ParkingLot<T> = parking_lot::Mutex<T>;

/// A lock in memory that is given back while it is locked, and filled with something else.
fn frees_locked<T>(new: fn() -> T, lock: fn(&T), fill: u8) -> bool {
    let layout = Layout::new::<T>();
    let held = Box::new(new());
    let place = (&raw const *held).addr();
    lock(black_box(&held));
    // A lock that is locked need not be destroyed.
    drop(unsafe { Box::from_raw(Box::into_raw(held).cast::<MaybeUninit<T>>()) });
    let reused = unsafe { std::alloc::alloc(layout) };
    unsafe { reused.write_bytes(fill, layout.size()) };
    let same = black_box(reused).addr() == place;
    // Never freed: it stays filled while the task is suspended.
    same
}

type Large = [u64; 16];

fn frees_every_lock(fill: u8) -> u64 {
    let mut same = 0;
    same += u64::from(frees_locked(
        || Mutex::new([0; 16]),
        |lock: &Mutex<Large>| std::mem::forget(lock.lock().unwrap()),
        fill,
    ));
    same += u64::from(frees_locked(
        || RwLock::new([0; 16]),
        |lock: &RwLock<Large>| std::mem::forget(lock.write().unwrap()),
        fill,
    ));
    same += u64::from(frees_locked(
        || RwLock::new([0; 16]),
        |lock: &RwLock<Large>| std::mem::forget(lock.read().unwrap()),
        fill,
    ));
    same += u64::from(frees_locked(
        || ParkingLot::new([0; 16]),
        |lock: &ParkingLot<Large>| std::mem::forget(lock.lock()),
        fill,
    ));
    same += u64::from(frees_locked(
        || parking_lot::RwLock::new([0; 16]),
        |lock: &parking_lot::RwLock<Large>| std::mem::forget(lock.write()),
        fill,
    ));
    same
}

/// Several polls, and time for whoever looks.
async fn awaits() {
    yield_now().await;
    tokio::time::sleep(5 * BLOCK).await;
    yield_now().await;
}

async fn holds_nothing_any_more(fill: u8) -> u64 {
    let same = frees_every_lock(fill);
    awaits().await;
    same
}

fn freed() {
    let fill = std::env::args().nth(2).unwrap().parse().unwrap();
    let runtime = multi_thread(2);
    let mut same = 0;
    for _ in 0..2 {
        same +=
            runtime.block_on(async { tokio::spawn(holds_nothing_any_more(fill)).await.unwrap() });
    }
    same += current_thread().block_on(holds_nothing_any_more(fill));
    println!("locks_more {same}");
}

const PAGE: usize = 4096;

/// A page of its own for a lock.
fn map_lock<T>(value: T) -> &'static T {
    assert!(size_of::<T>() <= PAGE);
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let how = libc::PROT_READ | libc::PROT_WRITE;
    unsafe {
        let page = libc::mmap(std::ptr::null_mut(), PAGE, how, kind, -1, 0);
        assert_ne!(page, libc::MAP_FAILED);
        page.cast::<T>().write(value);
        &*page.cast()
    }
}

fn unmap<T>(lock: &'static T) {
    let page = (&raw const *lock).cast_mut().cast();
    assert_eq!(unsafe { libc::munmap(page, PAGE) }, 0);
}

/// Locks on pages that are gone when the task is suspended.
async fn unmaps_locked() {
    let std: &Mutex<u64> = map_lock(Mutex::new(0));
    let parking_lot: &ParkingLot<u64> = map_lock(ParkingLot::new(0));
    std::mem::forget(std.lock().unwrap());
    std::mem::forget(parking_lot.lock());
    unmap(std);
    unmap(parking_lot);
    awaits().await;
}

/// The page goes while the task is suspended: until then the lock is held.
async fn unmaps_held() {
    let lock: &ParkingLot<u64> = map_lock(ParkingLot::new(0));
    std::mem::forget(lock.lock());
    yield_now().await;
    tokio::time::sleep(BLOCK).await;
    unmap(lock);
    awaits().await;
}

fn unmapped() {
    let runtime = multi_thread(2);
    for _ in 0..3 {
        runtime.block_on(async { tokio::spawn(unmaps_locked()).await.unwrap() });
    }
    runtime.block_on(async { tokio::spawn(unmaps_held()).await.unwrap() });
    println!("locks_more unmapped");
}

static ONE: Mutex<u64> = Mutex::new(0);
static OTHER: Mutex<u64> = Mutex::new(0);
static THIRD: ParkingLot<u64> = ParkingLot::new(0);
static FOURTH: parking_lot::RwLock<u64> = parking_lot::RwLock::new(0);

/// What the loops below do between two steps of their sums: locks, released in another order.
#[inline(always)]
fn locks_out_of_order(i: u64) {
    let mut one = ONE.lock().unwrap();
    let mut third = THIRD.lock();
    let mut other = OTHER.lock().unwrap();
    *one += i;
    drop(one);
    let mut fourth = FOURTH.write();
    *third += 1;
    *other ^= i;
    drop(third);
    *fourth += 1;
    drop(other);
    drop(fourth);
}

const STEPS: u64 = 3000;

/// Twelve sums in ymm registers, as many as there is room for.
#[inline(never)]
#[target_feature(enable = "avx2")]
fn sums_avx(seed: i64) -> u64 {
    let mut sums = [_mm256_set1_epi64x(seed); 12];
    let mut step = _mm256_set_epi64x(seed, 3, 5, 7);
    for i in 0..STEPS {
        for (n, sum) in sums.iter_mut().enumerate() {
            *sum = _mm256_add_epi64(*sum, _mm256_slli_epi64::<1>(step));
            *sum = _mm256_xor_si256(*sum, _mm256_set1_epi64x(n as i64));
        }
        locks_out_of_order(i);
        step = _mm256_add_epi64(step, sums[(i % 2) as usize]);
    }
    let mut all = 0u64;
    for sum in sums {
        let parts: [u64; 4] = unsafe { std::mem::transmute(sum) };
        all = parts.iter().fold(all, |all, part| all.rotate_left(7) ^ part);
    }
    all
}

/// Twenty-four sums in zmm registers, and a mask.
#[inline(never)]
#[target_feature(enable = "avx512f")]
fn sums_avx512(seed: i64) -> u64 {
    let mut sums = [_mm512_set1_epi64(seed); 24];
    let mut step = _mm512_set_epi64(seed, 3, 5, 7, 11, 13, 17, 19);
    let mut mask: __mmask8 = 0b0101_1010;
    for i in 0..STEPS {
        for (n, sum) in sums.iter_mut().enumerate() {
            let added = _mm512_add_epi64(*sum, _mm512_slli_epi64::<1>(step));
            *sum = _mm512_mask_xor_epi64(added, mask, added, _mm512_set1_epi64(n as i64));
        }
        locks_out_of_order(i);
        mask = _mm512_cmplt_epu64_mask(step, sums[0]);
        step = _mm512_add_epi64(step, sums[1]);
    }
    let mut all = u64::from(mask);
    for sum in sums {
        let parts: [u64; 8] = unsafe { std::mem::transmute(sum) };
        all = parts.iter().fold(all, |all, part| all.rotate_left(7) ^ part);
    }
    all
}

/// Vector registers that hold something when a thread locks for the first time.
#[inline(never)]
#[target_feature(enable = "avx2")]
fn first_lock_avx(seed: i64) -> u64 {
    let wide = _mm256_set1_epi64x(black_box(seed));
    let other = _mm256_slli_epi64::<3>(_mm256_set1_epi64x(black_box(seed + 1)));
    *THIRD.lock() += 1;
    let sum = _mm256_add_epi64(wide, other);
    let parts: [u64; 4] = unsafe { std::mem::transmute(sum) };
    parts.iter().fold(0, |all, part| all.rotate_left(7) ^ part)
}

#[inline(never)]
#[target_feature(enable = "avx512f")]
fn first_lock_avx512(seed: i64) -> u64 {
    let wide = _mm512_set1_epi64(black_box(seed));
    let other = _mm512_slli_epi64::<3>(_mm512_set1_epi64(black_box(seed + 1)));
    let mask = _mm512_cmplt_epu64_mask(wide, other);
    *ONE.lock().unwrap() += 1;
    let sum = _mm512_mask_add_epi64(wide, mask, wide, other);
    let parts: [u64; 8] = unsafe { std::mem::transmute(sum) };
    parts.iter().fold(u64::from(mask), |all, part| all.rotate_left(7) ^ part)
}

/// Fills the vector registers, takes locks, and counts those that have kept what was in them.
#[inline(never)]
#[target_feature(enable = "avx2")]
unsafe fn kept_avx(locks: extern "C" fn()) -> u64 {
    let before: [u64; 72] = std::array::from_fn(|i| i as u64 * 0x0101_0101_0101_0101 + 1);
    let mut after = [0u64; 72];
    std::arch::asm!(
        "mov r14, rsp",
        "and rsp, -64",
        "vmovdqu ymm0, [r12 + 0]",
        "vmovdqu ymm1, [r12 + 32]",
        "vmovdqu ymm2, [r12 + 64]",
        "vmovdqu ymm3, [r12 + 96]",
        "vmovdqu ymm4, [r12 + 128]",
        "vmovdqu ymm5, [r12 + 160]",
        "vmovdqu ymm6, [r12 + 192]",
        "vmovdqu ymm7, [r12 + 224]",
        "vmovdqu ymm8, [r12 + 256]",
        "vmovdqu ymm9, [r12 + 288]",
        "vmovdqu ymm10, [r12 + 320]",
        "vmovdqu ymm11, [r12 + 352]",
        "vmovdqu ymm12, [r12 + 384]",
        "vmovdqu ymm13, [r12 + 416]",
        "vmovdqu ymm14, [r12 + 448]",
        "vmovdqu ymm15, [r12 + 480]",
        "call rax",
        "vmovdqu [r13 + 0], ymm0",
        "vmovdqu [r13 + 32], ymm1",
        "vmovdqu [r13 + 64], ymm2",
        "vmovdqu [r13 + 96], ymm3",
        "vmovdqu [r13 + 128], ymm4",
        "vmovdqu [r13 + 160], ymm5",
        "vmovdqu [r13 + 192], ymm6",
        "vmovdqu [r13 + 224], ymm7",
        "vmovdqu [r13 + 256], ymm8",
        "vmovdqu [r13 + 288], ymm9",
        "vmovdqu [r13 + 320], ymm10",
        "vmovdqu [r13 + 352], ymm11",
        "vmovdqu [r13 + 384], ymm12",
        "vmovdqu [r13 + 416], ymm13",
        "vmovdqu [r13 + 448], ymm14",
        "vmovdqu [r13 + 480], ymm15",
        "mov rsp, r14",
        inout("rax") locks as usize => _,
        in("r12") before.as_ptr(),
        in("r13") after.as_mut_ptr(),
        out("r14") _,
        clobber_abi("C"),
    );
    let kept = |at: usize| before[at..at + 4] == after[at..at + 4];
    let vectors = (0..16).filter(|n| kept(n * 4)).count() as u64;
    vectors
}

/// Fills the vector registers, takes locks, and counts those that have kept what was in them.
#[inline(never)]
#[target_feature(enable = "avx512f")]
unsafe fn kept_avx512(locks: extern "C" fn()) -> u64 {
    let before: [u64; 264] = std::array::from_fn(|i| i as u64 * 0x0101_0101_0101_0101 + 1);
    let mut after = [0u64; 264];
    std::arch::asm!(
        "mov r14, rsp",
        "and rsp, -64",
        "vmovdqu64 zmm0, [r12 + 0]",
        "vmovdqu64 zmm1, [r12 + 64]",
        "vmovdqu64 zmm2, [r12 + 128]",
        "vmovdqu64 zmm3, [r12 + 192]",
        "vmovdqu64 zmm4, [r12 + 256]",
        "vmovdqu64 zmm5, [r12 + 320]",
        "vmovdqu64 zmm6, [r12 + 384]",
        "vmovdqu64 zmm7, [r12 + 448]",
        "vmovdqu64 zmm8, [r12 + 512]",
        "vmovdqu64 zmm9, [r12 + 576]",
        "vmovdqu64 zmm10, [r12 + 640]",
        "vmovdqu64 zmm11, [r12 + 704]",
        "vmovdqu64 zmm12, [r12 + 768]",
        "vmovdqu64 zmm13, [r12 + 832]",
        "vmovdqu64 zmm14, [r12 + 896]",
        "vmovdqu64 zmm15, [r12 + 960]",
        "vmovdqu64 zmm16, [r12 + 1024]",
        "vmovdqu64 zmm17, [r12 + 1088]",
        "vmovdqu64 zmm18, [r12 + 1152]",
        "vmovdqu64 zmm19, [r12 + 1216]",
        "vmovdqu64 zmm20, [r12 + 1280]",
        "vmovdqu64 zmm21, [r12 + 1344]",
        "vmovdqu64 zmm22, [r12 + 1408]",
        "vmovdqu64 zmm23, [r12 + 1472]",
        "vmovdqu64 zmm24, [r12 + 1536]",
        "vmovdqu64 zmm25, [r12 + 1600]",
        "vmovdqu64 zmm26, [r12 + 1664]",
        "vmovdqu64 zmm27, [r12 + 1728]",
        "vmovdqu64 zmm28, [r12 + 1792]",
        "vmovdqu64 zmm29, [r12 + 1856]",
        "vmovdqu64 zmm30, [r12 + 1920]",
        "vmovdqu64 zmm31, [r12 + 1984]",
        "kmovw k1, [r12 + 2056]",
        "kmovw k2, [r12 + 2064]",
        "kmovw k3, [r12 + 2072]",
        "kmovw k4, [r12 + 2080]",
        "kmovw k5, [r12 + 2088]",
        "kmovw k6, [r12 + 2096]",
        "kmovw k7, [r12 + 2104]",
        "call rax",
        "vmovdqu64 [r13 + 0], zmm0",
        "vmovdqu64 [r13 + 64], zmm1",
        "vmovdqu64 [r13 + 128], zmm2",
        "vmovdqu64 [r13 + 192], zmm3",
        "vmovdqu64 [r13 + 256], zmm4",
        "vmovdqu64 [r13 + 320], zmm5",
        "vmovdqu64 [r13 + 384], zmm6",
        "vmovdqu64 [r13 + 448], zmm7",
        "vmovdqu64 [r13 + 512], zmm8",
        "vmovdqu64 [r13 + 576], zmm9",
        "vmovdqu64 [r13 + 640], zmm10",
        "vmovdqu64 [r13 + 704], zmm11",
        "vmovdqu64 [r13 + 768], zmm12",
        "vmovdqu64 [r13 + 832], zmm13",
        "vmovdqu64 [r13 + 896], zmm14",
        "vmovdqu64 [r13 + 960], zmm15",
        "vmovdqu64 [r13 + 1024], zmm16",
        "vmovdqu64 [r13 + 1088], zmm17",
        "vmovdqu64 [r13 + 1152], zmm18",
        "vmovdqu64 [r13 + 1216], zmm19",
        "vmovdqu64 [r13 + 1280], zmm20",
        "vmovdqu64 [r13 + 1344], zmm21",
        "vmovdqu64 [r13 + 1408], zmm22",
        "vmovdqu64 [r13 + 1472], zmm23",
        "vmovdqu64 [r13 + 1536], zmm24",
        "vmovdqu64 [r13 + 1600], zmm25",
        "vmovdqu64 [r13 + 1664], zmm26",
        "vmovdqu64 [r13 + 1728], zmm27",
        "vmovdqu64 [r13 + 1792], zmm28",
        "vmovdqu64 [r13 + 1856], zmm29",
        "vmovdqu64 [r13 + 1920], zmm30",
        "vmovdqu64 [r13 + 1984], zmm31",
        "kmovw [r13 + 2056], k1",
        "kmovw [r13 + 2064], k2",
        "kmovw [r13 + 2072], k3",
        "kmovw [r13 + 2080], k4",
        "kmovw [r13 + 2088], k5",
        "kmovw [r13 + 2096], k6",
        "kmovw [r13 + 2104], k7",
        "mov rsp, r14",
        inout("rax") locks as usize => _,
        in("r12") before.as_ptr(),
        in("r13") after.as_mut_ptr(),
        out("r14") _,
        clobber_abi("C"),
    );
    let kept = |at: usize| before[at..at + 8] == after[at..at + 8];
    let vectors = (0..32).filter(|n| kept(n * 8)).count() as u64;
    let masks = (256 + 1..256 + 8).filter(|&n| before[n] & 0xffff == after[n]).count() as u64;
    vectors + 100 * masks
}

extern "C" fn locks_once() {
    *THIRD.lock() += 1;
}

extern "C" fn locks_four() {
    locks_out_of_order(1);
}

extern "C" fn locks_deep() {
    let first = FOURTH.write();
    locks_once();
    let second = ONE.lock();
    drop(first);
    drop(second);
}

/// Optimised, these operations use no vector register unless they have to wait.
fn kept() -> u64 {
    let mut all = 0;
    if cfg!(debug_assertions) {
        return all;
    }
    for locks in [locks_once as extern "C" fn(), locks_four, locks_deep] {
        if is_x86_feature_detected!("avx2") {
            all += unsafe { kept_avx(locks) };
        }
        if is_x86_feature_detected!("avx512f") {
            all += unsafe { kept_avx512(locks) };
        }
    }
    all
}

fn sums(seed: i64) -> u64 {
    let mut all = 0;
    if is_x86_feature_detected!("avx2") {
        all ^= unsafe { first_lock_avx(seed) };
        all = all.rotate_left(9) ^ unsafe { sums_avx(seed) };
    }
    if is_x86_feature_detected!("avx512f") {
        all = all.rotate_left(9) ^ unsafe { sums_avx512(seed) };
    }
    all
}

fn first_locks(seed: i64) -> u64 {
    if is_x86_feature_detected!("avx512f") {
        unsafe { first_lock_avx512(seed) }
    } else if is_x86_feature_detected!("avx2") {
        unsafe { first_lock_avx(seed) }
    } else {
        0
    }
}

fn vectors() {
    let runtime = multi_thread(2);
    let mut all = sums(1);
    // The first that a thread locks, and what it locks after that.
    let first = std::thread::spawn(kept).join().unwrap();
    let kept: Vec<_> = (0..100).map(|_| kept()).filter(|&kept| kept != first).collect();
    for seed in 0..50 {
        let add = |sum: u64| all = all.rotate_left(11) ^ sum;
        std::thread::spawn(move || first_locks(seed)).join().map(add).unwrap();
    }
    // At the same time, so that they wait for one another.
    let threads: Vec<_> = (2..5).map(|seed| std::thread::spawn(move || sums(seed))).collect();
    let tasks: Vec<_> = (5..8).map(|seed| runtime.spawn(async move { sums(seed) })).collect();
    for thread in threads {
        all = all.rotate_left(11) ^ thread.join().unwrap();
    }
    for task in tasks {
        all = all.rotate_left(11) ^ runtime.block_on(task).unwrap();
    }
    println!("locks_more {all} {first} {kept:?} {} {}", *ONE.lock().unwrap(), *THIRD.lock());
}

/// Panics on purpose, under every kind of lock.
fn panics_locked(std: &Mutex<u64>, parking_lot: &ParkingLot<u64>, rwlock: &RwLock<u64>) {
    let mut one = std.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut other = parking_lot.lock();
    let mut third = rwlock.write().unwrap_or_else(|poisoned| poisoned.into_inner());
    *one += 1;
    *other += 1;
    *third += 1;
    std::panic::panic_any(7u64);
}

async fn survives_panics(locks: Arc<(Mutex<u64>, ParkingLot<u64>, RwLock<u64>)>) -> u64 {
    let mut poisoned = 0;
    for _ in 0..20 {
        let caught = catch_unwind(AssertUnwindSafe(|| panics_locked(&locks.0, &locks.1, &locks.2)));
        poisoned += *caught.unwrap_err().downcast::<u64>().unwrap();
        poisoned += u64::from(locks.0.is_poisoned()) + u64::from(locks.2.is_poisoned());
        yield_now().await;
        // Nothing is left locked.
        *locks.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) += 1;
        poisoned += u64::from(locks.0.try_lock().is_err());
        *locks.1.try_lock().unwrap() += 1;
        drop(locks.2.write().unwrap_err().into_inner());
        locks.0.clear_poison();
        locks.2.clear_poison();
        tokio::time::sleep(Duration::from_millis(1)).await;
        *locks.0.try_lock().unwrap() += 1;
    }
    poisoned
}

/// The same through a task that ends by it, and through a thread.
fn panics() {
    std::panic::set_hook(Box::new(|_| ()));
    let runtime = multi_thread(2);
    let locks: Arc<(Mutex<u64>, ParkingLot<u64>, RwLock<u64>)> = Arc::default();
    let mut sum = runtime.block_on(survives_panics(locks.clone()));
    for _ in 0..3 {
        let task = runtime.spawn(survives_panics(locks.clone()));
        sum += runtime.block_on(task).unwrap();
        let ours = locks.clone();
        let ends = runtime.spawn(async move {
            yield_now().await;
            panics_locked(&ours.0, &ours.1, &ours.2);
        });
        sum += u64::from(runtime.block_on(ends).unwrap_err().is_panic());
        let ours = locks.clone();
        let thread = std::thread::spawn(move || panics_locked(&ours.0, &ours.1, &ours.2));
        sum += u64::from(thread.join().is_err());
        // A future that catches what its inner one does, and is polled on.
        let ours = locks.clone();
        let mut left = 5;
        sum += runtime.block_on(async {
            let catches = poll_fn(move |context| {
                let polled = || panics_locked(&ours.0, &ours.1, &ours.2);
                assert!(catch_unwind(AssertUnwindSafe(polled)).is_err());
                left -= 1;
                context.waker().wake_by_ref();
                if left > 0 {
                    std::task::Poll::Pending
                } else {
                    std::task::Poll::Ready(1)
                }
            });
            tokio::spawn(catches).await.unwrap()
        });
        locks.0.clear_poison();
        locks.2.clear_poison();
    }
    println!("locks_more {sum} {} {}", *locks.0.lock().unwrap(), *locks.1.lock());
}

const AT_ONCE: usize = 40;

fn leaks_locks<T>(count: usize, new: impl Fn() -> T) -> Vec<&'static T> {
    (0..count).map(|_| &*Box::leak(Box::new(new()))).collect()
}

/// More than anybody would follow, given back in another order than that of taking.
fn takes_many(std: &[&'static Mutex<u64>], parking_lot: &[&'static ParkingLot<u64>]) -> u64 {
    let mut guards: Vec<_> = std.iter().map(|lock| Some(lock.lock().unwrap())).collect();
    let mut others: Vec<_> = parking_lot.iter().map(|lock| Some(lock.lock())).collect();
    for i in 0..AT_ONCE {
        let at = i * 7 % AT_ONCE;
        **guards[at].as_mut().unwrap() += 1;
        guards[at] = None;
        **others[at].as_mut().unwrap() += 1;
    }
    while let Some(guard) = others.pop() {
        drop(guard);
        if others.len() > 2 {
            drop(others.remove(others.len() / 2));
        }
    }
    std.iter().filter(|lock| lock.try_lock().is_ok()).count() as u64
}

fn many() {
    let runtime = multi_thread(2);
    let std = leaks_locks(AT_ONCE, || Mutex::new(0));
    let parking_lot = leaks_locks(AT_ONCE, || ParkingLot::new(0));
    let mut free = 0;
    for _ in 0..20 {
        let (std, parking_lot) = (std.clone(), parking_lot.clone());
        free += runtime.block_on(async {
            let task = tokio::spawn(async move {
                let free = takes_many(&std, &parking_lot);
                awaits_shortly().await;
                // The list is of use again.
                free + u64::from(*std[3].lock().unwrap() > 0)
            });
            task.await.unwrap()
        });
    }
    let sum: u64 = parking_lot.iter().map(|lock| *lock.lock()).sum();
    println!("locks_more {free} {sum}");
}

async fn awaits_shortly() {
    yield_now().await;
    tokio::time::sleep(Duration::from_millis(2)).await;
}

async fn holds_many_across_await(locks: Vec<&'static ParkingLot<u64>>) {
    let mut guards: Vec<_> = locks.iter().map(|lock| lock.lock()).collect();
    awaits().await;
    for guard in &mut guards {
        **guard += 1;
    }
}

fn many_held() {
    let runtime = multi_thread(2);
    let locks = leaks_locks(AT_ONCE, || ParkingLot::new(0));
    runtime.block_on(runtime.spawn(holds_many_across_await(locks.clone()))).unwrap();
    println!("locks_more {}", locks.iter().map(|lock| *lock.lock()).sum::<u64>());
}

async fn holds_one_across_await(lock: &'static ParkingLot<u64>) {
    let mut guard = lock.lock();
    awaits().await;
    *guard += 1;
}

fn thousand() {
    let runtime = multi_thread(2);
    let locks = leaks_locks(1000, || ParkingLot::new(0));
    let tasks: Vec<_> =
        locks.iter().map(|lock| runtime.spawn(holds_one_across_await(lock))).collect();
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
    println!("locks_more {}", locks.iter().map(|lock| *lock.lock()).sum::<u64>());
}

fn is_mapped(path: &str) -> bool {
    std::fs::read_to_string("/proc/self/maps").unwrap().contains(path)
}

/// Opens the plugin, calls it, and closes it again.
fn calls_plugin(path: &str, forget: bool, run: bool) -> i64 {
    let name = std::ffi::CString::new(path).unwrap();
    unsafe {
        let plugin = libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
        assert!(!plugin.is_null());
        let locks = libc::dlsym(plugin, c"plugin_locks".as_ptr());
        let locks: extern "C" fn(i32) -> i64 = std::mem::transmute(locks);
        let mut sum = locks(0);
        if run {
            // On a thread of its own, whose thread locals would keep the plugin.
            let runs = libc::dlsym(plugin, c"plugin_run".as_ptr()).addr();
            let thread = std::thread::spawn(move || {
                let run = std::ptr::with_exposed_provenance::<()>(runs);
                let run: extern "C" fn() -> i32 = std::mem::transmute(run);
                i64::from(run())
            });
            sum += thread.join().unwrap() + locks(0);
        }
        sum += locks(i32::from(forget));
        assert_eq!(libc::dlclose(plugin), 0);
        sum + i64::from(is_mapped(path))
    }
}

fn plugin(threads: bool) {
    static STOP: AtomicBool = AtomicBool::new(false);
    let path = std::env::args().nth(2).unwrap();
    let others: Vec<_> = (0..if threads { 2 } else { 0 })
        .map(|_| {
            std::thread::spawn(|| {
                while !STOP.load(Ordering::Relaxed) {
                    locks_out_of_order(1);
                    std::thread::sleep(Duration::from_micros(200));
                }
            })
        })
        .collect();
    let mut sum = 0;
    for round in 0..20 {
        sum += calls_plugin(&path, round % 2 == 1, round % 4 == 0);
        locks_out_of_order(1);
    }
    let runtime = multi_thread(2);
    let task = runtime.spawn(async move {
        let sum = calls_plugin(&path, true, false);
        awaits().await;
        sum
    });
    sum += runtime.block_on(task).unwrap();
    STOP.store(true, Ordering::Relaxed);
    for other in others {
        other.join().unwrap();
    }
    println!("locks_more {sum}");
}

/// Forbids a system call: altogether, or when its third argument has one of these bits.
fn forbid(number: libc::c_long, bits: Option<u32>) {
    let statement = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let third = std::mem::offset_of!(libc::seccomp_data, args) as u32 + 16;
    let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let set = libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K;
    let mut filter = [
        statement(load, 0, 0, 0),
        statement(equal, 0, 3, number as u32),
        statement(load, 0, 0, third),
        statement(set, 0, u8::from(bits.is_some()), bits.unwrap_or(u32::MAX)),
        statement(libc::BPF_RET, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        statement(libc::BPF_RET, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let mode = libc::SECCOMP_MODE_FILTER;
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, mode, &program as *const _), 0);
    }
}

/// Begins again where no code can be made and no memory read by a system call.
fn refused() {
    forbid(libc::SYS_mprotect, Some(libc::PROT_EXEC as u32));
    forbid(libc::SYS_pkey_mprotect, Some(libc::PROT_EXEC as u32));
    forbid(libc::SYS_process_vm_readv, None);
    let path = std::env::current_exe().unwrap();
    panic!("{}", Command::new(path).arg("again").exec());
}

fn is_refused() -> bool {
    unsafe {
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let page = libc::mmap(std::ptr::null_mut(), PAGE, libc::PROT_READ, kind, -1, 0);
        libc::mprotect(page, PAGE, libc::PROT_READ | libc::PROT_EXEC) == -1
    }
}

fn again() {
    let runtime = multi_thread(2);
    let locks = leaks_locks(3, || ParkingLot::new(0));
    for lock in locks.clone() {
        runtime.block_on(runtime.spawn(holds_one_across_await(lock))).unwrap();
    }
    for i in 0..1000 {
        locks_out_of_order(i);
    }
    let sum = locks.iter().map(|lock| *lock.lock()).sum::<u64>() + *ONE.lock().unwrap();
    println!("locks_more {sum} {}", is_refused());
}

#[derive(Default)]
struct Contended {
    std: Mutex<u64>,
    std_rwlock: RwLock<u64>,
    parking_lot: ParkingLot<u64>,
    parking_lot_rwlock: parking_lot::RwLock<u64>,
    map: dashmap6::DashMap<u64, u64>,
    turn: Mutex<u64>,
    turned: Condvar,
    other_turn: ParkingLot<u64>,
    other_turned: parking_lot::Condvar,
    tried: AtomicU64,
}

/// One of every operation; returns what it has added to each counter.
fn contends(all: &Contended, i: u64) -> [u64; 5] {
    *all.std.lock().unwrap() += 1;
    if i.is_multiple_of(3) {
        *all.std_rwlock.write().unwrap() += 1;
    } else {
        black_box(*all.std_rwlock.read().unwrap());
    }
    let time = Duration::from_micros(20 + i % 50);
    let tried = match all.parking_lot.try_lock_for(time) {
        Some(mut guard) => {
            *guard += 1;
            if i.is_multiple_of(64) {
                std::thread::sleep(2 * time);
            }
            1
        }
        None => 0,
    };
    let mut written = 0;
    if i.is_multiple_of(4) {
        if let Some(mut guard) = all.parking_lot_rwlock.try_write_for(time) {
            *guard += 1;
            written = 1;
        }
    } else if let Some(mut guard) = all.parking_lot_rwlock.try_upgradable_read_for(time) {
        if i.is_multiple_of(2) {
            guard.with_upgraded(|count| *count += 1);
            written = 1;
        }
    }
    *all.map.entry(i % 11).or_insert(0) += 1;
    if let Some(mut entry) = all.map.get_mut(&(i % 7)) {
        *entry += 1;
    } else {
        all.map.insert(i % 7, 1);
    }
    black_box(all.map.get(&(i % 5)).map(|entry| *entry));
    all.tried.fetch_add(1 - tried, Ordering::Relaxed);
    // Somebody's turn is now: nobody waits for ever.
    let turn = all.turn.lock().unwrap();
    let (mut turn, _) =
        all.turned.wait_timeout_while(turn, time, |turn| !turn.is_multiple_of(2)).unwrap();
    *turn += 1;
    drop(turn);
    all.turned.notify_one();
    let mut turn = all.other_turn.lock();
    if *turn % 4 == i % 4 {
        all.other_turned.wait_for(&mut turn, time);
    }
    *turn += 1;
    all.other_turned.notify_all();
    [1, u64::from(i.is_multiple_of(3)), tried, written, 1]
}

fn contention() {
    let until = Instant::now() + Duration::from_secs(2);
    let all: Arc<Contended> = Arc::default();
    let runtime = multi_thread(4);
    let mut sums = [0u64; 5];
    let mut add = |counts: [u64; 5]| sums.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
    let threads: Vec<_> = (0..4)
        .map(|first| {
            let all = all.clone();
            std::thread::spawn(move || {
                let mut counts = [0; 5];
                for i in first.. {
                    if Instant::now() >= until {
                        break;
                    }
                    let more = contends(&all, i);
                    counts.iter_mut().zip(more).for_each(|(count, n)| *count += n);
                }
                counts
            })
        })
        .collect();
    let tasks: Vec<_> = (0..4)
        .map(|first| {
            let all = all.clone();
            runtime.spawn(async move {
                let mut counts = [0; 5];
                for i in first.. {
                    if Instant::now() >= until {
                        break;
                    }
                    let more = contends(&all, i);
                    counts.iter_mut().zip(more).for_each(|(count, n)| *count += n);
                    if i % 8 == 0 {
                        yield_now().await;
                    } else if i % 501 == 0 {
                        awaits_shortly().await;
                    }
                }
                counts
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| add(thread.join().unwrap()));
    tasks.into_iter().for_each(|task| add(runtime.block_on(task).unwrap()));
    let map: HashMap<u64, u64> = all.map.iter().map(|entry| (*entry.key(), *entry)).collect();
    // An insert beside another one replaces what that has counted, only at the very first.
    let missed = 2 * sums[0] - map.values().sum::<u64>();
    let counted = [
        *all.std.lock().unwrap(),
        *all.std_rwlock.read().unwrap(),
        *all.parking_lot.lock(),
        *all.parking_lot_rwlock.read(),
        *all.turn.lock().unwrap(),
    ];
    assert_eq!(counted, sums);
    assert_eq!(*all.other_turn.lock(), sums[0]);
    assert!(missed < 100, "{missed}");
    assert!(sums[0] > 100);
    eprintln!("rounds {} untaken {}", sums[0], all.tried.load(Ordering::Relaxed));
    println!("locks_more contention");
}

fn main() {
    match std::env::args().nth(1).unwrap().as_str() {
        "freed" => freed(),
        "unmapped" => unmapped(),
        "vectors" => vectors(),
        "panics" => panics(),
        "many" => many(),
        "many_held" => many_held(),
        "thousand" => thousand(),
        "plugin" => plugin(false),
        "plugin_beside_threads" => plugin(true),
        "refused" => refused(),
        "again" => again(),
        "contention" => contention(),
        other => panic!("{other}"),
    }
}
