//! A task holds an entry of a DashMap 6 to read across an await, and another inserts into its shard.

use std::sync::Arc;

use dashmap6::DashMap;
use situations::{run_local, BLOCK};
use tokio::task::spawn_local;

async fn holds_guard_across_await(map: Arc<DashMap<u32, u32>>) {
    let value = map.get(&1).unwrap();
    tokio::time::sleep(BLOCK).await;
    assert_eq!(*value, 0);
}

async fn inserts_beside_guard(map: Arc<DashMap<u32, u32>>) {
    map.insert(1, 2);
    tokio::task::yield_now().await;
}

fn main() {
    println!("deadlock_dashmap6 started");
    let map = Arc::new(DashMap::from_iter([(1, 0)]));
    run_local(async {
        let holder = spawn_local(holds_guard_across_await(map.clone()));
        let waiter = spawn_local(inserts_beside_guard(map));
        holder.await.unwrap();
        waiter.await.unwrap();
    });
}
