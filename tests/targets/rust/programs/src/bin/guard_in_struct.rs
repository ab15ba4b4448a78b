//! A guard lives in a struct, and that in a task through several awaits.

use std::sync::{Mutex, MutexGuard};

use situations::{multi_thread, Movable, BLOCK};

static LOCK: Mutex<Vec<u32>> = Mutex::new(Vec::new());

struct Ledger {
    written: Movable<MutexGuard<'static, Vec<u32>>>,
    next: u32,
}

impl Ledger {
    #[inline(never)]
    fn open() -> Ledger {
        Ledger { written: Movable(LOCK.lock().unwrap()), next: 1 }
    }

    async fn write(&mut self) {
        tokio::time::sleep(BLOCK / 2).await;
        self.written.0.push(self.next);
        self.next += 1;
    }
}

async fn keeps_ledger_through_awaits() {
    let mut ledger = Ledger::open();
    for _ in 0..4 {
        ledger.write().await;
    }
}

fn main() {
    let runtime = multi_thread(2);
    runtime.block_on(async { tokio::spawn(keeps_ledger_through_awaits()).await.unwrap() });
    println!("guard_in_struct {:?}", LOCK.lock().unwrap());
}
