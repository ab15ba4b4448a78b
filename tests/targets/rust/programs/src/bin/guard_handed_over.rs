//! A task sends its guard to another, which awaits before it lets go.

use parking_lot::{const_mutex, Mutex, MutexGuard};
use situations::{multi_thread, BLOCK};
use tokio::sync::oneshot;

static LOCK: Mutex<u32> = const_mutex(0);

type Guard = MutexGuard<'static, u32>;

async fn locks_and_sends_guard(receiver: oneshot::Sender<Guard>) {
    let guard = LOCK.lock();
    assert!(receiver.send(guard).is_ok());
    tokio::task::yield_now().await;
}

async fn receives_guard(guard: oneshot::Receiver<Guard>) {
    let mut value = guard.await.unwrap();
    tokio::time::sleep(BLOCK).await;
    *value += 1;
}

fn main() {
    multi_thread(2).block_on(async {
        let (sender, guard) = oneshot::channel();
        let receiver = tokio::spawn(receives_guard(guard));
        tokio::spawn(locks_and_sends_guard(sender)).await.unwrap();
        receiver.await.unwrap();
    });
    println!("guard_handed_over {}", LOCK.lock());
}
