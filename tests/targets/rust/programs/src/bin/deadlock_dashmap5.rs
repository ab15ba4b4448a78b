//! A task holds an entry of a DashMap 5 to write across an await, and another inserts into its shard.

use std::sync::Arc;

use dashmap5::DashMap;
use situations::{run_local, BLOCK};
use tokio::task::spawn_local;

async fn holds_guard_across_await(map: Arc<DashMap<u32, u32>>) {
    let mut value = map.get_mut(&1).unwrap();
    tokio::time::sleep(BLOCK).await;
    *value += 1;
}

async fn inserts_beside_guard(map: Arc<DashMap<u32, u32>>) {
    map.insert(1, 2);
    tokio::task::yield_now().await;
}

fn main() {
    println!("deadlock_dashmap5 started");
    let map = Arc::new(DashMap::from_iter([(1, 0)]));
    run_local(async {
        let holder = spawn_local(holds_guard_across_await(map.clone()));
        let waiter = spawn_local(inserts_beside_guard(map));
        holder.await.unwrap();
        waiter.await.unwrap();
    });
}
