//! Tasks hold a parking_lot RwLock across an await: one to read, one to write, one to upgrade.

use parking_lot::{const_rwlock, RwLock, RwLockUpgradableReadGuard};
use situations::{multi_thread, BLOCK};

static LOCK: RwLock<u32> = const_rwlock(0);

async fn reads_across_await() {
    let value = LOCK.read();
    tokio::time::sleep(BLOCK).await;
    assert_eq!(*value, 0);
}

async fn writes_across_await() {
    let mut value = LOCK.write();
    tokio::time::sleep(BLOCK).await;
    *value += 1;
}

async fn upgrades_after_await() {
    let value = LOCK.upgradable_read();
    tokio::time::sleep(BLOCK).await;
    *RwLockUpgradableReadGuard::upgrade(value) += 1;
}

fn main() {
    multi_thread(2).block_on(async {
        tokio::spawn(reads_across_await()).await.unwrap();
        tokio::spawn(writes_across_await()).await.unwrap();
        tokio::spawn(upgrades_after_await()).await.unwrap();
    });
    println!("guard_parking_lot_rwlock {}", LOCK.read());
}
